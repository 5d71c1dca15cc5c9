#include "sdk/core.hpp"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "auth/jws.hpp"
#include "sdk/values.hpp"

namespace tandem::sdk {

namespace {

// Snapshots come in chunks far below this.
constexpr size_t kMessageBytesMax = 16 * base::kMiB;
// Of decided writes, for those who wait for one later.
constexpr size_t kOutcomesMax = 1024;
// In a loop of others, timers of the connection are looked at this often.
constexpr uint64_t kTickMs = 500;
// A file that could not be written, maybe since the disk was full.
constexpr uint64_t kStoreAgainMs = 500;
// A token is renewed so long before it ends, or at nine tenths of its time.
constexpr uint64_t kRefreshMs = 2'000;
constexpr uint64_t kRefreshPauseMs = 1'000;
constexpr uint64_t kRefreshWaitMaxMs = uint64_t{24} * 3600 * 1000;
// A server that does not answer a farewell is not waited for.
constexpr std::chrono::milliseconds kGoodbyeTime{250};

base::Result<std::vector<record::SelectedPart>> read_parts(const std::vector<std::string>& texts) {
    std::vector<record::SelectedPart> parts;
    for (const std::string& text : texts) {
        TANDEM_TRY(record::SelectedPart part, record::parse_selected(text));
        parts.push_back(std::move(part));
    }
    return parts;
}

base::Result<record::Selection> read_selection(const std::vector<std::string>& texts) {
    TANDEM_TRY(auto parts, read_parts(texts));
    return record::Selection::make(parts);
}

uint64_t since_epoch_ms(auto time) {
    using std::chrono::duration_cast;
    using std::chrono::milliseconds;
    return static_cast<uint64_t>(duration_cast<milliseconds>(time.time_since_epoch()).count());
}

}  // namespace

// Tells the core of one connection; those that it has given up are ignored.
class Core::Handler final : public net::WebSocketHandler {
  public:
    Handler(Core& core, uint64_t connection) : core_(core), connection_(connection) {}

    void on_open(net::WsConnection&) override {
        if (!is_current()) return;
        core_.session_.handle_open(core_.now());
        core_.pump();
    }
    void on_message(net::WsConnection&, std::string_view data, net::WsDataKind) override {
        if (!is_current()) return;
        core_.session_.handle_bytes(core_.now(), data);
        core_.pump();
    }
    void on_writable(net::WsConnection&) override {
        if (is_current()) core_.pump();
    }
    void on_close(net::WsConnection&, uint16_t) override {
        if (!is_current()) return;
        core_.connection_++;
        core_.session_.handle_close(core_.now());
        core_.pump();
    }

  private:
    bool is_current() const { return core_.connection_ == connection_; }

    Core& core_;
    uint64_t connection_;
};

Result<std::unique_ptr<Core>> Core::open(ClientOptions options) {
    auto url = net::open_url(options.url, options.ca_file);
    if (!url) return to_error(url.error());
    auto reactor = net::Reactor::create();
    if (!reactor) return to_error(reactor.error());
    std::optional<OutboxFile> outbox;
    if (!options.outbox.empty()) {
        auto opened = OutboxFile::open(options.outbox);
        if (!opened) return to_error(opened.error());
        outbox = std::move(*opened);
    }
    std::unique_ptr<Core> core(
        new Core(std::move(*reactor), std::move(*url), std::move(outbox), std::move(options)));
    if (auto started = core->start(); !started) return to_error(started.error());
    return core;
}

Core::Core(std::unique_ptr<net::Reactor> reactor, net::Url url, std::optional<OutboxFile> outbox,
           ClientOptions options)
    : options_(std::move(options)),
      reactor_(std::move(reactor)),
      executor_(*reactor_),
      url_(std::move(url)),
      outbox_(std::move(outbox)),
      session_(session_options()),
      socket_(*reactor_),
      timer_(*reactor_,
             [this] {
                 session_.handle_timeout(now());
                 for (const auto& [key, text] : texts_)
                     text->handle_timeout(now());
                 pump();
             }),
      refresh_(*reactor_,
               [this] {
                   session_.refresh(now(), take_token());
                   pump();
               }),
      listeners_(options_.dispatch) {}

Core::~Core() {
    // A callback that is under way may still use the client.
    const auto listeners = executor_.call([this] { return listeners_.take_all(); });
    for (const auto& listener : listeners)
        listener->end();
    executor_.stop();
    timer_.stop();
    refresh_.stop();
    keep_views();
    say_goodbye();
    if (timer_fd_.get() >= 0) reactor_->remove(timer_fd_.get(), *this);
}

uint64_t Core::entropy() { return uint64_t{random_()} << 32 | random_(); }

client::Options Core::session_options() {
    client::Options out;
    out.entropy = [this] { return entropy(); };
    out.client = options_.name;
    out.persistence = outbox_ ? client::Persistence::confirmed : client::Persistence::none;
    out.keeps_views = outbox_.has_value();
    return out;
}

base::Status Core::start() {
    if (outbox_) {
        TANDEM_TRY(const std::vector<client::StoreRecord> records, outbox_->load());
        for (const client::StoreRecord& record : records) {
            auto restored = session_.restore(record);
            // A view that cannot be read comes again from the server.
            if (!restored && record.kind != client::StoreRecord::Kind::view)
                return restored.error();
        }
    }
    session_.start(now());
    pump();
    if (options_.own_thread) TANDEM_CHECK(executor_.start([this] { run_turn(-1); }));
    return {};
}

client::Now Core::now() const {
    return {since_epoch_ms(std::chrono::steady_clock::now()),
            since_epoch_ms(std::chrono::system_clock::now())};
}

// What was shown last is there at the next start.
void Core::keep_views() {
    if (!outbox_) return;
    session_.stop(now());
    while (auto record = session_.poll_store())
        unstored_.push_back(std::move(*record));
    if (!unstored_.empty()) (void)outbox_->store(unstored_);
}

// What was sent last arrives, and others see at once that this member has gone.
void Core::say_goodbye() {
    net::WsConnection* const socket = socket_.websocket();
    if (socket == nullptr) return;
    ++connection_;
    socket->close(1000, {});
    const auto end = std::chrono::steady_clock::now() + kGoodbyeTime;
    while (!socket_.is_idle()) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            end - std::chrono::steady_clock::now());
        if (left.count() <= 0) return;
        reactor_->run_turn(static_cast<int>(left.count()));
    }
}

void Core::subscribe(std::string_view channel, const std::vector<std::string>& select) {
    if (!is_channel_name(channel)) {
        const Error error = to_error(base::fail(base::ErrorCode::bad_channel));
        refused_channels_.insert_or_assign(std::string(channel), error);
        return;
    }
    auto selection = read_selection(select);
    if (!selection) {
        refused_channels_.insert_or_assign(std::string(channel), to_error(selection.error()));
        return;
    }
    // Each handle of a channel is the same subscription.
    const bool is_new = followed_.emplace(channel).second;
    if (!is_new && select.empty()) return;
    session_.subscribe(now(), channel, std::move(*selection));
    pump();
}

Result<Committed> Core::follow(std::string_view channel, const std::vector<std::string>& parts,
                               Following following) {
    auto read = read_parts(parts);
    if (!read) return to_error(read.error());
    if (following == Following::also) {
        if (auto loaded = session_.load(now(), channel, *read); !loaded)
            return to_error(loaded.error());
    } else {
        auto selection = record::Selection::make(*read);
        if (!selection) return to_error(selection.error());
        session_.select(now(), channel, std::move(*selection));
    }
    if (auto refused = refused_channels_.find(channel); refused != refused_channels_.end())
        refused_channels_.erase(refused);
    pump();
    return Committed{session_.cursor(channel).seq};
}

void Core::pump() {
    // Callbacks write, too; the loop below takes what comes of that.
    // While a transaction is open nothing may change what it was begun on.
    if (is_pumping_ || transaction_ != nullptr) return;
    is_pumping_ = true;
    bool is_busy = true;
    bool has_news = false;
    while (is_busy) {
        is_busy = store();
        if (!texts_.empty() && pump_texts()) is_busy = has_news = true;
        while (auto message = session_.poll_transmit(now())) {
            is_busy = true;
            send(std::move(*message));
        }
        while (auto event = session_.poll_event()) {
            is_busy = has_news = true;
            handle(*event);
        }
    }
    is_pumping_ = false;
    if (has_news && executor_.has_own_thread()) {
        const std::lock_guard lock(news_mutex_);
        ++news_;
        has_news_.notify_all();
    }
    if (is_dial_due_ && socket_.is_idle()) dial();
    arm_timer();
}

bool Core::store() {
    std::set<std::string> channels;
    while (auto record = session_.poll_store()) {
        channels.insert(record->channel);
        unstored_.push_back(std::move(*record));
    }
    const bool has_new = !channels.empty();
    const uint64_t mono = now().mono_ms;
    if (unstored_.empty() || (!has_new && mono < store_again_at_ms_)) return false;
    if (!outbox_) {
        unstored_.clear();
        return true;
    }
    if (auto stored = outbox_->store(unstored_); !stored) {
        // What is not stored is not confirmed, and so not sent. It is tried again, before anything
        // that comes later.
        store_again_at_ms_ = mono + kStoreAgainMs;
        const Error error = to_error(stored.error());
        for (const std::string& channel : channels)
            listeners_.tell(channel, Topic::refused, error);
        return has_new;
    }
    session_.confirm_persisted(now(), unstored_.back().ticket);
    unstored_.clear();
    return true;
}

void Core::send(std::string message) {
    is_turn_due_ = true;
    if (net::WsConnection* socket = socket_.websocket(); socket != nullptr)
        socket->send(message, net::WsDataKind::kBinary);
}

void Core::handle(client::Event& event) {
    using Kind = client::EventKind;
    switch (event.kind) {
        case Kind::want_connect:
            is_dial_due_ = true;
            break;
        case Kind::want_close:
            connection_++;
            if (net::WsConnection* socket = socket_.websocket(); socket != nullptr)
                socket->close(1000, {});
            break;
        case Kind::acked:
            note_outcome({event.channel, event.push, event.seq, std::nullopt});
            break;
        case Kind::refused: {
            Error error(event.code, event.text, event.hint);
            note_outcome({event.channel, event.push, 0, error});
            listeners_.tell(event.channel, Topic::refused, error);
            break;
        }
        case Kind::view_changed: {
            Change change{session_.cursor(event.channel).seq, {}};
            if (event.is_whole || event.paths.empty()) {
                listeners_.tell(event.channel, Topic::change, change);
            } else {
                for (const record::Path& path : event.paths) {
                    change.path = record::to_text(path);
                    listeners_.tell(event.channel, Topic::change, change);
                }
            }
            tell_conflicts(event.channel);
            break;
        }
        case Kind::status_changed: {
            listeners_.tell(event.channel, Topic::status, status(event.channel));
            break;
        }
        case Kind::members_changed:
            listeners_.tell(event.channel, Topic::members, Done{});
            break;
        case Kind::signal: {
            Signal signal{event.from, event.name, from_base(event.value)};
            listeners_.tell(event.channel, Topic::signal, signal);
            break;
        }
        case Kind::error:
            note_error(event);
            break;
        case Kind::ready:
            refused_channels_.erase(event.channel);
            break;
        case Kind::connected:
            refused_connection_.reset();
            break;
        case Kind::disconnected:
        case Kind::overridden:
        case Kind::gap:
        case Kind::reset:
            break;
    }
}

void Core::note_error(const client::Event& event) {
    const Error error(event.code, event.text, event.hint);
    if (!event.channel.empty()) {
        refused_channels_.insert_or_assign(event.channel, error);
        listeners_.tell(event.channel, Topic::refused, error);
        return;
    }
    // It comes back with a fresh token, where there is one to be had.
    if (event.code == "token_expired" && options_.token) return;
    const auto code = base::error_from_name(event.code);
    if (code && base::refuses_connection(*code)) refused_connection_ = error;
}

Subscription Core::listen(std::string_view channel, Topic topic,
                          std::function<void(const void*)> call) {
    Subscription subscription;
    subscription.listener_ = listeners_.add(channel, topic, std::move(call));
    return subscription;
}

void Core::note_outcome(Outcome outcome) {
    outcomes_.push_back(std::move(outcome));
    if (outcomes_.size() > kOutcomesMax) outcomes_.pop_front();
}

// The next one is asked for in time for a slow answer, but not over and over.
std::string Core::take_token() {
    if (!options_.token) return {};
    std::string token = options_.token();
    if (const auto expires_ms = auth::peek_expiry_ms(token)) {
        const uint64_t left_ms = *expires_ms - std::min(*expires_ms, now().wall_ms);
        refresh_.start(std::clamp(left_ms - std::min(left_ms, std::max(left_ms / 10, kRefreshMs)),
                                  kRefreshPauseMs, kRefreshWaitMaxMs));
    }
    return token;
}

void Core::dial() {
    session_.set_token(take_token());
    is_dial_due_ = false;
    is_turn_due_ = true;
    const uint64_t connection = ++connection_;
    const auto fail = [this, connection] {
        if (connection != connection_) return;
        connection_++;
        session_.handle_close(now(), socket_.retry_after_ms());
        pump();
    };
    net::WsClientOptions options;
    options.address = url_.address;
    options.tls = url_.tls;
    options.target = "/connection/websocket";
    options.subprotocols = {"tandem.v1"};
    options.websocket.message_bytes_max = kMessageBytesMax;
    const auto started = socket_.connect(
        std::move(options), std::make_unique<Handler>(*this, connection), [fail](int) { fail(); });
    if (!started) fail();
}

void Core::arm_timer() {
    auto due = session_.next_timeout();
    for (const auto& [key, text] : texts_)
        if (const auto at = text->next_timeout()) due = std::min(due.value_or(UINT64_MAX), *at);
    const uint64_t mono = now().mono_ms;
    if (!unstored_.empty()) due = std::min(due.value_or(UINT64_MAX), store_again_at_ms_);
    const uint64_t delay = !due ? UINT64_MAX : *due > mono ? *due - mono : 0;
    if (due)
        timer_.start(delay);
    else
        timer_.stop();
    // A connection that is going away ends in a later turn.
    if (is_dial_due_) reactor_->post([this] { pump(); });
    if (timer_fd_.get() < 0) return;
    const uint64_t tick = std::clamp<uint64_t>(delay, 1, kTickMs);
    itimerspec at{};
    at.it_value.tv_sec = static_cast<time_t>(tick / 1000);
    // What is written between two turns goes out with the next one, so that one is due at once.
    at.it_value.tv_nsec = is_turn_due_ ? 1 : static_cast<long>(tick % 1000 * 1'000'000);
    if (is_turn_due_) at.it_value.tv_sec = 0;
    timerfd_settime(timer_fd_.get(), 0, &at, nullptr);
}

void Core::on_io(uint32_t) {
    uint64_t count = 0;
    // The timer is armed anew by the pump of this turn.
    while (::read(timer_fd_.get(), &count, sizeof count) > 0) {
    }
}

int Core::fd() {
    if (executor_.has_own_thread()) return -1;
    if (timer_fd_.get() < 0) {
        timer_fd_ = net::UniqueFd(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
        if (timer_fd_.get() >= 0) (void)reactor_->add(timer_fd_.get(), EPOLLIN, *this);
        arm_timer();
    }
    return reactor_->fd();
}

void Core::run_turn(int timeout_ms) {
    is_turn_due_ = false;
    reactor_->run_turn(timeout_ms);
    pump();
}

void Core::poll() {
    if (executor_.has_own_thread()) return;
    call([this] {
        if (may_wait()) run_turn(0);
    });
}

void Core::run() {
    if (executor_.has_own_thread()) {
        std::unique_lock lock(news_mutex_);
        has_news_.wait(lock, [this] { return is_stopped_.exchange(false); });
        return;
    }
    call([this] {
        while (!is_stopped_.exchange(false))
            run_turn(-1);
    });
}

void Core::stop() {
    is_stopped_ = true;
    reactor_->post([] {});
    const std::lock_guard lock(news_mutex_);
    has_news_.notify_all();
}

bool Core::may_wait() const {
    if (executor_.has_own_thread()) return !executor_.is_own_thread();
    return !is_pumping_ && transaction_ == nullptr;
}

bool Core::run_until(const IsDone& is_done, std::chrono::milliseconds timeout) {
    if (executor_.has_own_thread()) return await_own_thread(is_done, timeout);
    const auto end = std::chrono::steady_clock::now() + timeout;
    return call([&] {
        pump();
        while (!is_done()) {
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                end - std::chrono::steady_clock::now());
            if (left.count() <= 0) return false;
            run_turn(static_cast<int>(std::min<int64_t>(left.count(), 60'000)));
        }
        return true;
    });
}

bool Core::await_own_thread(const IsDone& is_done, std::chrono::milliseconds timeout) {
    const auto end = std::chrono::steady_clock::now() + timeout;
    uint64_t seen = 0;
    while (true) {
        const bool is_decided = call([&] {
            const std::lock_guard lock(news_mutex_);
            seen = news_;
            return is_done();
        });
        if (is_decided) return true;
        std::unique_lock lock(news_mutex_);
        if (!has_news_.wait_until(lock, end, [&] { return news_ != seen; })) return false;
    }
}

Result<Committed> Core::wait(const std::string& channel, uint64_t push,
                             std::chrono::milliseconds timeout) {
    if (push == 0) return call([&] { return Committed{session_.cursor(channel).seq}; });
    if (!may_wait()) return to_error(base::fail(base::ErrorCode::would_block));
    std::optional<Outcome> outcome;
    const auto is_decided = [&] {
        const auto found = std::find_if(outcomes_.begin(), outcomes_.end(), [&](const auto& one) {
            return one.push == push && one.channel == channel;
        });
        if (found != outcomes_.end()) outcome = *found;
        return outcome.has_value();
    };
    if (!run_until(is_decided, timeout)) return to_error(base::fail(base::ErrorCode::timed_out));
    if (outcome->error) return *outcome->error;
    return Committed{outcome->seq};
}

Result<Committed> Core::wait_ready(const std::string& channel, std::chrono::milliseconds timeout) {
    if (!may_wait()) return to_error(base::fail(base::ErrorCode::would_block));
    std::optional<Result<Committed>> ready;
    const auto is_decided = [&] {
        const auto refused = refused_channels_.find(channel);
        if (session_.is_ready(channel))
            ready = Committed{session_.cursor(channel).seq};
        else if (refused != refused_channels_.end())
            ready = refused->second;
        else if (refused_connection_)
            ready = *refused_connection_;
        return ready.has_value();
    };
    if (!run_until(is_decided, timeout)) return to_error(base::fail(base::ErrorCode::timed_out));
    return *ready;
}

base::Value Core::shown(const std::string& channel, std::string_view path) {
    const auto parsed = record::parse_path(path);
    return parsed ? session_.view(channel).shown(*parsed) : base::Value();
}

Status Core::status(const std::string& channel) const {
    const client::SyncStatus status = session_.status(now(), channel);
    return {status.link == client::Link::online, status.synced,
            static_cast<unsigned>(status.pending)};
}

}  // namespace tandem::sdk
