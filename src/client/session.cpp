#include "client/session.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "client/kept_view.hpp"

namespace tandem::client {
namespace {

/// A connection that lives shorter counts as failed, or a server that throws clients out at once
/// would be dialled without pause.
constexpr uint64_t kStableConnectionMs = 1'000;
constexpr uint32_t kReconnectDoublingsMax = 16;
constexpr size_t kPathsPerEventMax = 256;
/// A view of this size is kept half as often as a small one.
constexpr size_t kKeptBytesSlow = 256 * base::kKiB;

void append(std::vector<wire::Selection>& out, const record::Selection& selection) {
    for (const record::SelectedPart& part : selection.parts()) {
        wire::Selection each;
        record::encode_path(each.path, part.path);
        each.from = part.window.from;
        each.to = part.window.to;
        out.push_back(std::move(each));
    }
}

}  // namespace

Session::Session(Options options)
    : options_(std::move(options)), message_bytes_max_(options_.message_bytes_max) {
    TANDEM_ASSERT(options_.entropy != nullptr);
}
Session::~Session() = default;

base::Result<void> Session::restore(const StoreRecord& record) {
    TANDEM_ASSERT(is_stopped_);
    if (record.kind == StoreRecord::Kind::remove_push) return base::ErrorCode::invalid_argument;
    if (record.channel.empty()) {
        base::Reader reader(record.bytes);
        TANDEM_TRY(actor_, reader.varint_max(base::kActorMax));
        return reader.expect_end();
    }
    Channel& channel = channel_of(record.channel);
    if (record.kind == StoreRecord::Kind::push)
        return channel.outbox.restore_push(record.push, record.bytes);
    if (record.kind == StoreRecord::Kind::view) {
        TANDEM_TRY(KeptView kept, decode_kept(record.bytes));
        restore_view(channel, std::move(kept));
        return {};
    }
    TANDEM_CHECK(channel.outbox.restore_state(record.bytes));
    // A numbering that was stored without an actor had one before, maybe the session's.
    channel.needs_new_actor = channel.outbox.actor() == 0;
    return {};
}

void Session::start(Now now) {
    is_stopped_ = false;
    for (auto& [name, channel] : channels_)
        channel->outbox.finish_restore(channel->settled);
    dial_at_ms_ = now.mono_ms;
    handle_timeout(now);
}

void Session::stop(Now now) {
    if (is_open_ || link_ == Link::connecting) close_transport(now, 0);
    is_stopped_ = true;
    dial_at_ms_.reset();
    settle(now);
    for (auto& [name, channel] : channels_)
        store_view(*channel);
}

void Session::handle_open(Now now) {
    if (is_stopped_ || is_open_) return;
    is_open_ = true;
    link_ = Link::connecting;
    dial_at_ms_.reset();
    hello_ms_ = last_sent_ms_ = last_heard_ms_ = now.mono_ms;
    welcome_deadline_ms_ = now.mono_ms + options_.welcome_timeout_ms;
    wire::Hello hello;
    hello.client = options_.client;
    hello.time_ms = now.wall_ms;
    hello.token = token_;
    hello.want_actor =
        actor_ == 0 || std::any_of(channels_.begin(), channels_.end(),
                                   [](const auto& c) { return c.second->needs_new_actor; });
    has_asked_actor_ = hello.want_actor;
    out_.emplace_back(std::move(hello));
    settle(now);
}

void Session::refresh(Now now, std::string token) {
    token_ = std::move(token);
    if (link_ != Link::online) return;
    wire::Hello hello;
    hello.client = options_.client;
    hello.token = token_;
    hello_ms_ = now.mono_ms;
    out_.emplace_back(std::move(hello));
    settle(now);
}

void Session::handle_close(Now now, uint64_t retry_after_ms) {
    if (link_ != Link::offline) lose_connection(now, retry_after_ms);
    settle(now);
}

void Session::lose_connection(Now now, uint64_t delay_ms) {
    bool was_stable = link_ == Link::online && now.mono_ms >= welcome_ms_ + kStableConnectionMs;
    bool was_online = link_ == Link::online;
    failures_ = was_stable ? 0 : failures_ + 1;
    link_ = Link::offline;
    is_open_ = false;
    has_asked_actor_ = false;
    handles_.clear();
    out_.clear();
    pong_deadline_ms_.reset();
    welcome_deadline_ms_.reset();
    message_bytes_max_ = options_.message_bytes_max;
    for (auto& [name, channel] : channels_) {
        channel->subscription = Channel::Subscription::off;
        channel->must_ask_again = false;
        channel->handle = 0;
        if (!channel->members.empty()) {
            // Who is there is not known offline, and a server that knows of nobody tells nothing.
            channel->members.clear();
            emit(EventKind::members_changed, name);
        }
        channel->is_caught_up = false;
        channel->holds_pushes = true;
        channel->retry_at_ms = 0;
        resend_from(*channel, 0);
    }
    // All whom the server told the same must not come at the same time.
    if (delay_ms > 0) delay_ms = jitter(delay_ms, delay_ms + delay_ms / 2);
    if (failures_ > 0) {
        uint64_t cap = options_.reconnect_delay_min_ms
                       << std::min(failures_, kReconnectDoublingsMax);
        cap = std::min(cap, options_.reconnect_delay_max_ms);
        delay_ms = std::max(delay_ms, jitter(options_.reconnect_delay_min_ms, cap));
    }
    if (!is_stopped_) dial_at_ms_ = now.mono_ms + delay_ms;
    if (was_online) emit(EventKind::disconnected, {});
}

void Session::close_transport(Now now, uint64_t delay_ms) {
    emit(EventKind::want_close, {});
    lose_connection(now, delay_ms);
}

uint64_t Session::ping_due_ms() const {
    return std::min(last_sent_ms_, last_heard_ms_) + heartbeat_ms_;
}

void Session::handle_timeout(Now now) {
    if (dial_at_ms_ && now.mono_ms >= *dial_at_ms_) {
        dial_at_ms_.reset();
        link_ = Link::connecting;
        emit(EventKind::want_connect, {});
    }
    if (welcome_deadline_ms_ && now.mono_ms >= *welcome_deadline_ms_) close_transport(now, 0);
    if (pong_deadline_ms_ && now.mono_ms >= *pong_deadline_ms_) close_transport(now, 0);
    if (link_ == Link::online && !pong_deadline_ms_ && now.mono_ms >= ping_due_ms()) {
        out_.emplace_back(wire::Ping{now.mono_ms});
        pong_deadline_ms_ = now.mono_ms + options_.pong_timeout_ms;
    }
    for (auto& [name, channel] : channels_)
        if (channel->retry_at_ms != 0 && now.mono_ms >= channel->retry_at_ms)
            channel->retry_at_ms = 0;
    keep_views(now);
    settle(now);
}

std::optional<uint64_t> Session::next_timeout() const {
    std::optional<uint64_t> next = dial_at_ms_;
    auto consider = [&next](uint64_t at) { next = next ? std::min(*next, at) : at; };
    for (const auto& [name, channel] : channels_)
        if (!channel->is_view_kept) consider(channel->keep_view_at_ms);
    if (welcome_deadline_ms_) consider(*welcome_deadline_ms_);
    if (pong_deadline_ms_) consider(*pong_deadline_ms_);
    if (link_ != Link::online) return next;
    if (!pong_deadline_ms_) consider(ping_due_ms());
    for (const auto& [name, channel] : channels_) {
        if (channel->retry_at_ms != 0) consider(channel->retry_at_ms);
        if (channel->subscription == Channel::Subscription::due) consider(channel->subscribe_at_ms);
    }
    return next;
}

void Session::handle_bytes(Now now, std::string_view message) {
    if (!is_open_) return;
    last_heard_ms_ = now.mono_ms;
    pong_deadline_ms_.reset();
    std::vector<wire::ServerFrame> frames;
    auto status = wire::decode_binary(message, frames);
    for (wire::ServerFrame& frame : frames) {
        if (!is_open_) break;
        std::visit([&](auto& part) { receive(now, part); }, frame);
    }
    if (!status && is_open_) {
        Event& event = emit(EventKind::error, {});
        event.code = base::error_name(status.error().code);
        event.text = base::error_message(status.error().code);
        close_transport(now, options_.reconnect_delay_max_ms / 2);
    }
    settle(now);
}

void Session::settle(Now now) {
    bool lacks_actor = false;
    for (auto& [name, channel] : channels_) {
        if (link_ == Link::online) {
            if (channel->outbox.actor() == 0 && !channel->needs_new_actor && actor_ != 0)
                assign_actor(*channel);
            lacks_actor = lacks_actor || channel->outbox.actor() == 0;
            settle_subscription(now, *channel);
        }
        report_status(*channel);
    }
    if (link_ == Link::online && lacks_actor && !has_asked_actor_) {
        wire::Hello hello;
        hello.client = options_.client;
        hello.time_ms = now.wall_ms;
        hello.want_actor = true;
        has_asked_actor_ = true;
        hello_ms_ = now.mono_ms;
        welcome_deadline_ms_ = now.mono_ms + options_.welcome_timeout_ms;
        out_.emplace_back(std::move(hello));
    }
}

void Session::settle_subscription(Now now, Channel& channel) {
    using State = Channel::Subscription;
    bool is_needed = channel.is_wanted || !channel.outbox.is_empty();
    State& state = channel.subscription;
    if (!is_needed) {
        if (state == State::asked || state == State::on) {
            out_.emplace_back(wire::Unsubscribe{channel.name});
            forget_handle(channel);
            store_view(channel);
            channel.replica.clear();
            channel.members.clear();
            channel.is_caught_up = false;
        }
        if (state != State::refused) state = State::off;
        channel.must_ask_again = false;
        return;
    }
    if (state == State::off) {
        state = State::due;
        channel.subscribe_at_ms = now.mono_ms;
    }
    if (state == State::on && !(channel.asked == channel.wanted)) channel.must_ask_again = true;
    if (state == State::on && channel.must_ask_again) ask_again(now, channel);
    if (state != State::due || now.mono_ms < channel.subscribe_at_ms) return;
    wire::Subscribe frame;
    frame.channel = channel.name;
    if (channel.replica.has_cursor()) {
        frame.has_after = true;
        frame.after_epoch = channel.replica.cursor().epoch;
        frame.after = channel.replica.cursor().seq;
        frame.check = channel.replica.cursor().check;
    }
    const bool is_other = channel.replica.has_cursor() && !channel.is_selected();
    append(frame.select, channel.wanted);
    if (is_other) append(frame.held, channel.replica.in_force());
    if (is_other && frame.held.empty()) frame.held.emplace_back();
    // Those who only ever want all of it need no number.
    if (channel.select_version != 0 || is_other || !channel.wanted.is_whole())
        ++channel.select_version;
    frame.select_version = channel.select_version;
    channel.asked = channel.wanted;
    frame.actor = channel.outbox.actor();
    frame.known_counter = channel.outbox.acked_counter();
    channel.asked_actor = frame.actor;
    channel.asked_counter = frame.known_counter;
    channel.must_ask_again = false;
    state = State::asked;
    out_.emplace_back(std::move(frame));
}

// Handles belong to the connection: one that is kept beyond its subscription may be another
// channel's by then.
void Session::forget_handle(Channel& channel) {
    handles_.erase(channel.handle);
    channel.handle = 0;
}

void Session::report_status(Channel& channel) {
    size_t pending = channel.outbox.pending().size();
    bool synced = link_ == Link::online && channel.is_ready() && pending == 0;
    if (channel.reported_link == link_ && channel.reported_pending == pending &&
        channel.reported_synced == synced)
        return;
    channel.reported_link = link_;
    channel.reported_pending = pending;
    channel.reported_synced = synced;
    emit(EventKind::status_changed, channel.name);
}

bool Session::may_push(Now now, const Channel& channel) const {
    // A channel that may not be read may still be written.
    bool is_answered = channel.subscription == Channel::Subscription::on ||
                       channel.subscription == Channel::Subscription::refused;
    return link_ == Link::online && is_answered && channel.outbox.actor() != 0 &&
           !channel.holds_pushes &&
           (channel.retry_at_ms == 0 || now.mono_ms >= channel.retry_at_ms) &&
           is_durable(channel.actor_ticket);
}

wire::Push Session::frame_of(Channel& channel, Pending& push) const {
    bool rebases = options_.faults.planted == PlantedBug::base_at_resend && push.was_sent;
    push.was_sent = true;
    if (rebases) {
        for (record::Op& op : push.ops)
            op.base = {channel.replica.cursor().epoch, channel.replica.cursor().seq};
    }
    wire::Push frame = channel.outbox.to_frame(push);
    frame.channel = channel.name;
    frame.ref = channel.attempt;
    return frame;
}

bool Session::append_pushes(Now now, Channel& channel, std::string& message) {
    if (!may_push(now, channel)) return true;
    size_t in_flight = 0;
    for (Pending& push : channel.outbox.pending()) {
        if (push.is_acked || channel.outbox.is_former(push.id)) continue;
        if (push.id < channel.next_send) {
            ++in_flight;
            continue;
        }
        // Counters are sent without gaps, so the first that must wait holds up the rest.
        if (in_flight >= options_.pushes_in_flight_max || !is_durable(push.ticket)) return true;
        size_t size_before = message.size();
        wire::encode_binary(message, wire::ClientFrame(frame_of(channel, push)));
        if (message.size() > message_bytes_max_ && size_before > 0) {
            message.resize(size_before);
            return false;
        }
        channel.next_send = push.id + 1;
        ++in_flight;
    }
    return true;
}

std::optional<std::string> Session::poll_transmit(Now now) {
    if (!is_open_) return std::nullopt;
    std::string message;
    while (!out_.empty()) {
        size_t size_before = message.size();
        wire::encode_binary(message, out_.front());
        if (message.size() > message_bytes_max_ && size_before > 0) {
            message.resize(size_before);
            last_sent_ms_ = now.mono_ms;
            return message;
        }
        out_.pop_front();
    }
    for (auto& [name, channel] : channels_)
        if (!append_pushes(now, *channel, message)) break;
    if (message.empty()) return std::nullopt;
    last_sent_ms_ = now.mono_ms;
    return message;
}

void Session::send_text(wire::TextSend frame) {
    // Of the fields around a piece of a message.
    constexpr size_t kEnvelopeBytes = 1024;
    if (link_ != Link::online) return;
    has_texts_ = true;
    const size_t room =
        std::max(message_bytes_max_, kEnvelopeBytes + kEnvelopeBytes) - kEnvelopeBytes;
    std::string_view rest = frame.message;
    do {
        wire::TextSend piece;
        piece.channel = frame.channel;
        piece.name = frame.name;
        piece.message = rest.substr(0, room);
        rest.remove_prefix(piece.message.size());
        piece.more = !rest.empty();
        piece.ref = piece.more ? 0 : frame.ref;
        piece.leave = frame.leave;
        out_.emplace_back(std::move(piece));
    } while (!rest.empty());
}

std::optional<wire::TextReceived> Session::poll_text() {
    if (texts_.empty()) return std::nullopt;
    wire::TextReceived frame = std::move(texts_.front());
    texts_.pop_front();
    return frame;
}

std::optional<Event> Session::poll_event() {
    if (events_.empty()) return std::nullopt;
    Event event = std::move(events_.front());
    events_.pop_front();
    return event;
}

std::optional<StoreRecord> Session::poll_store() {
    if (records_.empty()) return std::nullopt;
    StoreRecord record = std::move(records_.front());
    records_.pop_front();
    handed_ticket_ = record.ticket;
    return record;
}

void Session::confirm_persisted(Now now, uint64_t ticket) {
    confirmed_ticket_ = std::max(confirmed_ticket_, ticket);
    settle(now);
}

bool Session::is_durable(uint64_t ticket) const {
    switch (options_.persistence) {
        case Persistence::none:
            return true;
        case Persistence::handed:
            return ticket <= handed_ticket_;
        case Persistence::confirmed:
            return ticket <= confirmed_ticket_;
    }
    return false;
}

void Session::store_state(Channel& channel) {
    if (options_.persistence == Persistence::none) return;
    records_.push_back(
        {StoreRecord::Kind::state, ++last_ticket_, channel.name, 0, channel.outbox.state_bytes()});
}

void Session::store_push(Channel& channel, Pending& push) {
    if (options_.persistence == Persistence::none) return;
    push.ticket = ++last_ticket_;
    records_.push_back(
        {StoreRecord::Kind::push, push.ticket, channel.name, push.id, Outbox::push_bytes(push)});
}

void Session::store_removal(Channel& channel, PushId push) {
    if (options_.persistence == Persistence::none) return;
    records_.push_back({StoreRecord::Kind::remove_push, ++last_ticket_, channel.name, push, {}});
}

void Session::note_view_changed(Now now, Channel& channel) {
    if (!options_.keeps_views || options_.persistence == Persistence::none) return;
    if (!channel.is_view_kept) return;
    channel.is_view_kept = false;
    channel.keep_view_at_ms = now.mono_ms + options_.keep_view_every_ms +
                              options_.keep_view_every_ms * channel.kept_bytes / kKeptBytesSlow;
}

void Session::keep_views(Now now) {
    for (auto& [name, channel] : channels_)
        if (now.mono_ms >= channel->keep_view_at_ms) store_view(*channel);
}

void Session::store_view(Channel& channel) {
    if (std::exchange(channel.is_view_kept, true) || !channel.replica.has_cursor()) return;
    StoreRecord record{StoreRecord::Kind::view, ++last_ticket_, channel.name, StoreRecord::kViewKey,
                       encode_kept(channel.replica, channel.settled, channel.outbox)};
    channel.kept_bytes = record.bytes.size();
    records_.push_back(std::move(record));
    for (PushId id : std::exchange(channel.settled, {}))
        store_removal(channel, id);
}

void Session::restore_view(Channel& channel, KeptView kept) {
    if (options_.faults.planted == PlantedBug::selection_not_kept) kept.in_force = {};
    // Until the application says otherwise; it may only be the outbox that has to be sent.
    channel.wanted = kept.in_force;
    channel.replica.restore(kept.cursor, std::move(kept.in_force), std::move(kept.view));
    channel.settled = std::move(kept.settled);
    channel.outbox.doubt(kept.actor, std::move(kept.doubtful));
}

void Session::store_session() {
    if (options_.persistence == Persistence::none) return;
    std::string bytes;
    base::Writer(bytes).varint(actor_);
    records_.push_back({StoreRecord::Kind::state, ++last_ticket_, {}, 0, std::move(bytes)});
}

Event& Session::emit(EventKind kind, std::string_view channel) {
    Event& event = events_.emplace_back();
    event.kind = kind;
    event.channel = channel;
    return event;
}

void Session::emit_changed(Channel& channel, std::vector<record::Path> paths, bool is_whole) {
    if (!channel.is_wanted || (paths.empty() && !is_whole)) return;
    // Changes that nobody has looked at yet are told as one.
    bool merges = !events_.empty() && events_.back().kind == EventKind::view_changed &&
                  events_.back().channel == channel.name;
    Event& event = merges ? events_.back() : emit(EventKind::view_changed, channel.name);
    event.is_whole = event.is_whole || is_whole;
    for (record::Path& path : paths)
        event.paths.push_back(std::move(path));
    std::sort(event.paths.begin(), event.paths.end());
    event.paths.erase(std::unique(event.paths.begin(), event.paths.end()), event.paths.end());
    if (event.paths.size() > kPathsPerEventMax) event.is_whole = true;
    if (event.is_whole) event.paths.clear();
}

uint64_t Session::jitter(uint64_t low, uint64_t high) const {
    return high <= low ? low : low + options_.entropy() % (high - low + 1);
}

uint64_t Session::server_time_ms(Now now) const {
    if (!server_minus_mono_ms_) return now.wall_ms;
    return static_cast<uint64_t>(static_cast<int64_t>(now.mono_ms) + *server_minus_mono_ms_);
}

}  // namespace tandem::client
