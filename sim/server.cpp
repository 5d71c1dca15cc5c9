#include "sim/server.hpp"

#include <algorithm>
#include <utility>

#include "sim/world.hpp"
#include "store/sqlite/schema.hpp"

namespace tandem::sim {

namespace {
constexpr const char* kFile = "tandem.db";
constexpr const char* kVfsName = "tandem-sim";
constexpr uint64_t kJumpRecentMs = 2'000;
}  // namespace

Server::Server(World& world)
    : world_(world), vfs_(kVfsName, world.dice.next()), entropy_(world.dice.next()) {}

Server::~Server() {
    if (is_up()) end_process();
}

hub::Now Server::now() const {
    const uint64_t mono = world_.scheduler.now_ms();
    return {mono, static_cast<uint64_t>(static_cast<int64_t>(mono) + wall_offset_ms_)};
}

void Server::jump_clock(int64_t by_ms) {
    wall_before_jump_ms_ = now().wall_ms;
    jumped_at_ms_ = world_.scheduler.now_ms();
    wall_offset_ms_ += by_ms;
    world_.note("server clock", now().wall_ms, 0, {});
}

uint64_t Server::highest_recent_wall_ms() const {
    const bool is_recent = world_.scheduler.now_ms() < jumped_at_ms_ + kJumpRecentMs;
    return std::max(now().wall_ms, is_recent ? wall_before_jump_ms_ : 0);
}

void Server::boot() {
    if (is_up()) return;
    vfs_.set_now(now().wall_ms);
    if (must_fork_ && !finish_restore()) return boot_after(200);
    store::EngineOptions options;
    options.vfs = kVfsName;
    options.new_epoch = entropy_.next() | 1;
    options.page_bytes = 1024;
    auto engine = store::SqliteEngine::open(kFile, options);
    if (!engine) {
        world_.note("boot failed", static_cast<uint64_t>(engine.error().code), 0, {});
        if (vfs_.is_off()) vfs_.reboot();
        if (engine.error().code == base::ErrorCode::storage_corrupt)
            return world_.violate("the store survives a crash", "storage_corrupt");
        return boot_after(between(world_.dice, 50, 500));
    }
    for (auto& [name, channel] : world_.shadow.all()) {
        auto loaded = (*engine)->execute(port::LoadRequest{name});
        if (vfs_.is_off() || (*engine)->failed() || !loaded) {
            engine->reset();
            if (vfs_.is_off()) vfs_.reboot();
            return boot_after(between(world_.dice, 50, 500));
        }
        world_.shadow.compare(name, std::get<port::Loaded>(*loaded));
        auto versions = (*engine)->execute(port::VersionsRequest{name});
        if (versions) world_.shadow.compare(name, std::get<port::Versions>(*versions));
    }
    store::BatchLimits limits;
    limits.reads_max = between(world_.dice, 1, 8);
    store_ = std::make_unique<store::InlineStore>(std::move(*engine), limits);
    store_->set_budget([this] { return static_cast<size_t>(world_.dice.below(3)); });
    witness_ = std::make_unique<WitnessStore>(world_, *store_);
    hub_ = std::make_unique<hub::Hub>(world_.profile.config, *witness_, entropy_);
    ++process_;
    is_flush_due_ = is_store_due_ = false;
    timer_ms_ = UINT64_MAX;
    world_.note("boot", process_, 0, {});
}

void Server::boot_after(uint64_t down_ms) {
    world_.scheduler.after(down_ms, [this] { boot(); });
}

void Server::end_process() {
    ++process_;
    answers_.clear();
    hub_.reset();
    witness_.reset();
    store_.reset();
}

void Server::crash(uint64_t down_ms) {
    if (!is_up()) return;
    world_.note("server crash", down_ms, 0, {});
    world_.crashes++;
    if (!vfs_.is_off()) vfs_.crash();
    world_.network.server_gone(false);
    end_process();
    vfs_.reboot();
    vfs_.faults() = {};
    if (!lying_.empty()) vfs_.restore(lying_);
    boot_after(down_ms);
}

void Server::exit(uint64_t down_ms) {
    if (!is_up()) return;
    world_.note("server exit", down_ms, 0, {});
    world_.network.server_gone(false);
    end_process();
    vfs_.faults() = {};
    boot_after(down_ms);
}

void Server::shut_down(uint64_t down_ms) {
    if (!is_up()) return;
    world_.note("server shutdown", down_ms, 0, {});
    hub_->begin_shutdown(now(), 200);
    after_input();
    const uint64_t process = process_;
    world_.scheduler.after(between(world_.dice, 100, 400), [this, process, down_ms] {
        if (process_ == process && is_up()) exit(down_ms);
    });
}

void Server::remember_lie() {
    if (is_up() && !store_->failed() && !vfs_.is_off()) lying_ = vfs_.snapshot();
}

void Server::take_backup() {
    if (!is_up() || store_->failed() || vfs_.is_off()) return;
    backup_ = vfs_.snapshot();
    backup_marks_ = world_.shadow.marks();
    world_.note("backup", backup_.size(), 0, {});
}

void Server::restore_backup(uint64_t down_ms) {
    if (backup_.empty()) return;
    world_.note("restore", down_ms, 0, {});
    world_.network.server_gone(true);
    if (is_up()) end_process();
    if (vfs_.is_off()) vfs_.reboot();
    vfs_.faults() = {};
    vfs_.restore(backup_);
    world_.shadow.cut(backup_marks_);
    must_fork_ = true;
    boot_after(down_ms);
}

// The part of store::restore that is not about files.
bool Server::finish_restore() {
    auto opened = store::Connection::open(kFile, SQLITE_OPEN_READWRITE, kVfsName);
    if (!opened) return false;
    store::Connection connection = std::move(*opened);
    if (!store::fork_all_channels(connection, entropy_.next() | 1)) return false;
    must_fork_ = false;
    return true;
}

void Server::open(uint64_t id, hub::Codec codec, const std::string& subject) {
    if (!is_up()) return;
    hub::ConnectionInfo info;
    info.codec = codec;
    info.subject = subject;
    info.remote = "10.0.0.1";
    codecs_[id] = codec;
    if (codec == hub::Codec::yjs) {
        rooms_[id] = Room::of(subject);
        info.subject = "editor";
    }
    hub_->open(now(), id, info);
    after_input();
}

void Server::close(uint64_t id, hub::Hub::Farewell farewell) {
    if (!is_up()) return;
    codecs_.erase(id);
    rooms_.erase(id);
    hub_->close(now(), id, farewell);
    after_input();
}

void Server::input(uint64_t id, std::string_view message) {
    if (!is_up()) return;
    if (const auto room = rooms_.find(id); room != rooms_.end())
        hub_->handle_text(now(), id,
                          {room->second.channel, room->second.name, std::string(message)});
    else if (world_.profile.has_gateway)
        input_decoded(id, message);
    else
        hub_->handle_bytes(now(), id, message);
    after_input();
}

// As a server of several hubs does, whose frames are decoded where their connection is.
void Server::input_decoded(uint64_t id, std::string_view message) {
    hub_->count_bytes_in(id, message.size());
    const auto codec = codecs_.find(id);
    if (codec == codecs_.end()) return;
    std::vector<wire::ReceivedFrame> frames;
    const auto decoded = codec->second == hub::Codec::binary ? wire::decode_binary(message, frames)
                                                             : wire::decode_json(message, frames);
    for (wire::ReceivedFrame& one : frames) {
        if (auto* refused = std::get_if<wire::RefusedFrame>(&one))
            hub_->refuse(now(), id, *refused);
        else
            hub_->handle_frame(now(), id, std::get<wire::ClientFrame>(one));
    }
    if (!decoded) hub_->refuse(now(), id, decoded.error());
}

bool Server::poll_transmit(uint64_t id, size_t budget, std::vector<hub::FramePtr>& out) {
    if (!is_up()) return false;
    const bool has_more = hub_->poll_transmit(now(), id, budget, out);
    // It may have asked the store, or made room at the cost of others.
    if (store_->waiting() > 0 || hub_->has_closing()) after_input();
    return has_more;
}

bool Server::request(hub::Request request, Answer answer) {
    if (!is_up()) return false;
    const uint64_t id = ++last_request_;
    answers_[id] = std::move(answer);
    hub_->request(now(), id, std::move(request));
    after_input();
    return true;
}

void Server::after_input() {
    const uint64_t process = process_;
    if (vfs_.is_off()) {
        world_.scheduler.after(0, [this, process] {
            if (process_ == process) crash(between(world_.dice, 20, 1'500));
        });
        return;
    }
    if (hub_->has_failed()) {
        world_.scheduler.after(between(world_.dice, 0, 20), [this, process] {
            if (process_ != process) return;
            one_in(world_.dice, 2) ? crash(100) : exit(100);
        });
    }
    std::vector<hub::ConnectionId> ids;
    hub_->take_closing(ids);
    for (const uint64_t id : ids)
        world_.scheduler.after(0, [this, process, id] {
            if (process_ == process) world_.network.server_close(id);
        });
    hub_->take_ready(ids);
    for (const uint64_t id : ids)
        world_.scheduler.after(0, [this, process, id] {
            if (process_ == process) world_.network.server_ready(id);
        });
    hub::Reply reply;
    while (hub_->poll_reply(reply)) {
        const auto found = answers_.find(reply.id);
        if (found == answers_.end()) continue;
        Answer answer = std::move(found->second);
        answers_.erase(found);
        world_.scheduler.after(world_.dice.below(20),
                               [answer = std::move(answer), reply] { answer(reply); });
    }
    hub::LogLine line;
    while (hub_->poll_log(line)) {
        world_.note("log", line.is_alarm ? 1 : 0, line.connection, line.text);
        if (line.is_alarm) world_.alarms++;
    }
    if (!is_flush_due_) {
        is_flush_due_ = true;
        world_.scheduler.after(world_.dice.below(3), [this, process] {
            if (process_ != process) return;
            is_flush_due_ = false;
            hub_->flush(now());
            run_store();
        });
    }
    run_store();
    arm_timer();
}

void Server::run_store() {
    if (is_store_due_ || store_->waiting() == 0) return;
    is_store_due_ = true;
    const uint64_t delay = is_healed_ ? 1 : world_.dice.below(world_.profile.commit_ms + 1);
    world_.scheduler.after(delay, [this, process = process_] {
        if (process_ != process) return;
        is_store_due_ = false;
        hub_->handle_store(now());
        after_input();
    });
}

void Server::arm_timer() {
    const uint64_t due = std::max(hub_->next_timeout(), world_.scheduler.now_ms() + 1);
    if (hub_->next_timeout() == UINT64_MAX || timer_ms_ <= due) return;
    timer_ms_ = due;
    world_.scheduler.at(due, [this, process = process_, due] {
        if (process_ != process || timer_ms_ != due) return;
        timer_ms_ = UINT64_MAX;
        hub_->handle_timeout(now());
        after_input();
    });
}

base::Result<port::StoreReply> Server::read_store(const port::StoreRequest& request) {
    if (!is_up()) return base::fail(base::ErrorCode::unavailable);
    return store_->engine().execute(request);
}

void Server::heal() {
    is_healed_ = true;
    vfs_.faults() = {};
    boot();
}

}  // namespace tandem::sim
