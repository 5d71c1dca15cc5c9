#include <algorithm>

#include "client/basis.hpp"
#include "client/session.hpp"

namespace tandem::client {
namespace {

/// Room in a message for all that a push carries besides its ops and conditions.
constexpr size_t kPushOverheadBytes = 128;

}  // namespace

Channel& Session::channel_of(std::string_view name) {
    auto found = channels_.find(name);
    if (found == channels_.end()) {
        auto channel = std::make_unique<Channel>(std::string(name));
        found = channels_.emplace(channel->name, std::move(channel)).first;
    }
    return *found->second;
}

const Channel* Session::find(std::string_view name) const {
    auto found = channels_.find(name);
    return found == channels_.end() ? nullptr : found->second.get();
}

void Session::subscribe(Now now, std::string_view name, record::Selection select) {
    Channel& channel = channel_of(name);
    channel.is_wanted = true;
    channel.wanted = std::move(select);
    if (channel.subscription == Channel::Subscription::refused)
        channel.subscription = Channel::Subscription::off;
    // A channel that was only draining, or was kept, has a view already.
    if (channel.is_ready()) emit(EventKind::ready, channel.name);
    if (channel.replica.has_cursor()) emit_changed(channel, {}, true);
    settle(now);
}

void Session::select(Now now, std::string_view name, record::Selection select) {
    Channel& channel = channel_of(name);
    if (channel.wanted == select) return;
    channel.wanted = std::move(select);
    if (channel.subscription == Channel::Subscription::refused)
        channel.subscription = Channel::Subscription::off;
    if (channel.is_ready() && channel.is_wanted) emit(EventKind::ready, channel.name);
    settle(now);
}

base::Result<void> Session::load(Now now, std::string_view name,
                                 const std::vector<record::SelectedPart>& parts) {
    const Channel& channel = channel_of(name);
    if (channel.wanted.is_whole() || parts.empty()) return {};
    std::vector<record::SelectedPart> all = channel.wanted.parts();
    all.insert(all.end(), parts.begin(), parts.end());
    TANDEM_TRY(record::Selection select, record::Selection::make(all));
    this->select(now, name, std::move(select));
    return {};
}

const record::Selection& Session::selection(std::string_view name) {
    return channel_of(name).wanted;
}
const record::Selection& Session::selection_in_force(std::string_view name) {
    return channel_of(name).replica.in_force();
}

uint64_t Session::total(std::string_view name, const record::Path& list) {
    Channel& channel = channel_of(name);
    const record::View& confirmed = channel.replica.confirmed();
    const uint64_t shown = channel.shown().items(list).size();
    const uint64_t whole = confirmed.window(list);
    const uint64_t part = confirmed.items(list).size();
    return whole > part ? shown + (whole - part) : shown;
}

void Session::unsubscribe(Now now, std::string_view name) {
    Channel& channel = channel_of(name);
    channel.is_wanted = false;
    channel.presence.reset();
    settle(now);
}

base::Result<PushId> Session::push(Now now, std::string_view name, std::vector<record::Op> ops,
                                   PushOptions options) {
    return push_with_origin(now, channel_of(name), std::move(ops), std::move(options),
                            History::Origin::user);
}

base::Result<PushId> Session::push_with_origin(Now now, Channel& channel,
                                               std::vector<record::Op> ops, PushOptions options,
                                               History::Origin origin) {
    using base::ErrorCode;
    if (ops.empty()) return ErrorCode::invalid_argument;
    if (options_.faults.planted == PlantedBug::uncovered_base) {
        const Replica::Cursor& cursor = channel.replica.cursor();
        for (record::Op& op : ops)
            op.base = {cursor.epoch, cursor.seq};
    } else {
        ops = options.seen != nullptr ? with_bases(*options.seen, std::move(ops))
                                      : with_bases(channel.replica, std::move(ops));
    }
    if (ops.size() > base::kOpsPerPushMax)
        return base::fail(ErrorCode::too_many_keys, base::kOpsPerPushMax);
    Pending push;
    push.ops = std::move(ops);
    push.if_unchanged = std::move(options.if_unchanged);
    std::string body;
    record::encode_ops(body, push.ops, record::Form::pushed);
    size_t bytes = body.size() + channel.name.size() + kPushOverheadBytes;
    for (const std::string& path : push.if_unchanged)
        bytes += path.size() + 4;
    if (bytes > message_bytes_max_) return base::fail(ErrorCode::too_large, message_bytes_max_);
    clock::Stamp stamp = hlc_.tick(server_time_ms(now));
    push.stamp_ms = stamp.ms;
    push.stamp_logical = stamp.logical;

    if (options.has_history && options_.history_steps_max > 0) {
        PushId id = channel.outbox.next_id();
        Step step{id, std::move(options.label), invert(channel.shown(), push.ops, {0, id})};
        channel.history.add(std::move(step), origin, options_.history_steps_max);
    }
    PushId id = channel.outbox.add(std::move(push));
    Pending& added = channel.outbox.pending().back();
    channel.replica.append_pending(added, channel.outbox.pending().size());
    store_push(channel, added);
    std::vector<record::Path> paths;
    for (const record::Op& op : added.ops)
        paths.push_back(op.path);
    emit_changed(channel, std::move(paths), false);
    settle(now);
    return id;
}

Edit Session::edit(std::string_view name) {
    Channel& channel = channel_of(name);
    return Edit(channel.shown(), {0, channel.outbox.next_id()}, options_.entropy);
}

PushId Session::undo(Now now, std::string_view name) {
    Channel& channel = channel_of(name);
    auto [ops, label] = channel.history.take_undo(channel.shown());
    if (ops.empty()) return 0;
    PushOptions options;
    options.label = std::move(label);
    return push_with_origin(now, channel, std::move(ops), std::move(options), History::Origin::undo)
        .value_or(0);
}

PushId Session::redo(Now now, std::string_view name) {
    Channel& channel = channel_of(name);
    auto [ops, label] = channel.history.take_redo(channel.shown());
    if (ops.empty()) return 0;
    PushOptions options;
    options.label = std::move(label);
    return push_with_origin(now, channel, std::move(ops), std::move(options), History::Origin::redo)
        .value_or(0);
}

bool Session::can_undo(std::string_view name) const {
    const Channel* channel = find(name);
    return channel != nullptr && channel->history.can_undo();
}
bool Session::can_redo(std::string_view name) const {
    const Channel* channel = find(name);
    return channel != nullptr && channel->history.can_redo();
}
std::string Session::undo_label(std::string_view name) const {
    const Channel* channel = find(name);
    return channel == nullptr ? std::string() : channel->history.undo_label();
}
std::string Session::redo_label(std::string_view name) const {
    const Channel* channel = find(name);
    return channel == nullptr ? std::string() : channel->history.redo_label();
}

const record::View& Session::view(std::string_view name) { return channel_of(name).shown(); }
const record::View& Session::confirmed(std::string_view name) {
    return channel_of(name).replica.confirmed();
}
Replica::Cursor Session::cursor(std::string_view name) const {
    const Channel* channel = find(name);
    return channel == nullptr ? Replica::Cursor{} : channel->replica.cursor();
}
Seen Session::seen(std::string_view name) { return seen_by(channel_of(name).replica); }
bool Session::is_ready(std::string_view name) const {
    const Channel* channel = find(name);
    return channel != nullptr && channel->is_ready();
}
const std::deque<Pending>& Session::pending(std::string_view name) {
    return channel_of(name).outbox.pending();
}
uint64_t Session::actor(std::string_view name) const {
    const Channel* channel = find(name);
    return channel == nullptr ? actor_ : channel->outbox.actor();
}

SyncStatus Session::status(Now now, std::string_view name) const {
    SyncStatus status;
    status.link = link_;
    if (dial_at_ms_ && *dial_at_ms_ > now.mono_ms) status.retry_in_ms = *dial_at_ms_ - now.mono_ms;
    const Channel* channel = find(name);
    if (channel == nullptr) return status;
    status.pending = channel->outbox.pending().size();
    status.synced = link_ == Link::online && channel->is_ready() && status.pending == 0;
    return status;
}

void Session::set_presence(Now now, std::string_view name, base::Value state) {
    Channel& channel = channel_of(name);
    channel.presence = std::move(state);
    if (channel.subscription == Channel::Subscription::on)
        out_.emplace_back(wire::PresenceSet{channel.name, *channel.presence, false});
    settle(now);
}

void Session::leave_presence(Now now, std::string_view name) {
    Channel& channel = channel_of(name);
    if (!channel.presence) return;
    channel.presence.reset();
    if (channel.subscription == Channel::Subscription::on)
        out_.emplace_back(wire::PresenceSet{channel.name, {}, true});
    settle(now);
}

const std::map<std::string, wire::Member>& Session::members(std::string_view name) {
    return channel_of(name).members;
}
std::string Session::self(std::string_view name) const {
    const Channel* channel = find(name);
    return channel == nullptr ? std::string() : channel->self;
}

void Session::send_signal(Now now, std::string_view name, std::string_view signal,
                          base::Value value) {
    Channel& channel = channel_of(name);
    if (channel.subscription != Channel::Subscription::on) return;
    // One that has not left yet is replaced: only the latest counts.
    for (wire::ClientFrame& frame : out_) {
        auto* waiting = std::get_if<wire::SignalSend>(&frame);
        if (waiting == nullptr || waiting->channel != name || waiting->name != signal) continue;
        waiting->value = std::move(value);
        return;
    }
    out_.emplace_back(wire::SignalSend{channel.name, std::string(signal), std::move(value)});
    settle(now);
}

}  // namespace tandem::client
