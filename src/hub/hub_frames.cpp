// What clients say.

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "hub/hub.hpp"

namespace tandem::hub {

using base::ErrorCode;

namespace {

// Answers that a client does not fetch: past this the connection is of no use to anyone.
constexpr size_t kControlBytesMax = 1024 * 1024;
constexpr size_t kSignalNameMax = 64;
// Errors from this number on are the server's own (base/errors.def).
constexpr uint32_t kServerErrorMin = 300;

std::string base36(uint64_t n) {
    std::string out;
    do
        out += "0123456789abcdefghijklmnopqrstuvwxyz"[n % 36];
    while ((n /= 36) != 0);
    std::reverse(out.begin(), out.end());
    return out;
}

std::string member_id_of(const Connection& connection, const wire::Subscribe& frame) {
    return frame.actor != 0 ? "a" + base36(frame.actor) : "c" + base36(connection.id);
}

}  // namespace

void Hub::handle_bytes(Now now, ConnectionId id, std::string_view message) {
    now_ = now;
    const auto found = connections_.find(id);
    if (found == connections_.end() || found->second->is_closing) return;
    Connection& connection = *found->second;
    note_bytes_in(connection, message.size());
    if (connection.refusal) return;
    std::vector<wire::ReceivedFrame> frames;
    const auto decoded = connection.codec == Codec::binary ? wire::decode_binary(message, frames)
                                                           : wire::decode_json(message, frames);
    for (wire::ReceivedFrame& one : frames) {
        if (auto* refused = std::get_if<wire::RefusedFrame>(&one)) {
            refuse(now, id, *refused);
            continue;
        }
        wire::ClientFrame& frame = std::get<wire::ClientFrame>(one);
        const auto* push = std::get_if<wire::Push>(&frame);
        if (push == nullptr || take_push(now, connection, *push))
            handle_frame(now, connection, frame);
    }
    if (!decoded) send_error(connection, decoded.error(), {});
}

void Hub::handle_frame(Now now, Connection& connection, wire::ClientFrame& frame) {
    if (connection.refusal) return;
    std::visit([&](auto& f) { handle(now, connection, f); }, frame);
}

void Hub::send(Connection& connection, const wire::ServerFrame& frame) {
    // Providers know no frames; what concerns a text is told by its reader.
    if (is_of_providers(connection.codec)) return;
    std::string payload;
    if (connection.codec == Codec::binary)
        wire::encode_binary(payload, frame);
    else
        wire::encode_json(payload, frame);
    send_shared(connection, make_frame(std::move(payload)));
}

void Hub::send_shared(Connection& connection, FramePtr frame) {
    connection.control_bytes += frame->payload.size();
    connection.control.push_back(std::move(frame));
    if (connection.control_bytes > kControlBytesMax) close_slow(connection);
    wake(connection);
}

void Hub::close_slow(Connection& connection) {
    if (std::exchange(connection.is_closing, true)) return;
    connection.control.clear();
    connection.control_bytes = 0;
    closing_.push_back(connection.id);
}

void Hub::send_error(Connection& connection, base::Error error, wire::ErrorFrame frame) {
    frame.code = base::error_name(error.code);
    frame.number = static_cast<uint32_t>(error.code);
    frame.message = base::error_message(error.code);
    frame.hint = base::error_hint(error.code);
    frame.docs = config_.docs_url + "#" + frame.code;
    const uint64_t wait_ms = retry_after_ms(error);
    frame.temporary = wait_ms != 0;
    if (frame.retry_after_ms == 0 && error.code != ErrorCode::counter_gap)
        frame.retry_after_ms = wait_ms;
    log_refusal(connection, error.code, frame.channel);
    send(connection, frame);
}

// Where the server failed, nothing is wrong with what the client sent, and it must not give a push
// up. A full disk may have room at any moment, and asking costs little.
uint64_t Hub::retry_after_ms(base::Error error) {
    if (error.code == ErrorCode::storage_full) return 1'000;
    if (static_cast<uint32_t>(error.code) >= kServerErrorMin) return 5'000;
    return base::is_temporary(error.code) ? 500 : 0;
}

void Hub::log_refusal(Connection& connection, ErrorCode code, const std::string& channel) {
    if (connection.logged_errors++ > 0) return;
    log_.push_back({false, connection.id,
                    "refused " + std::string(base::error_name(code)) + " on " +
                        (channel.empty() ? "the connection" : channel)});
}

void Hub::handle(Now now, Connection& connection, wire::Hello& frame) {
    if (frame.version != 1) {
        send_error(connection, base::fail(ErrorCode::unsupported_version), {});
        return;
    }
    const bool is_refresh = connection.grant != nullptr && !frame.token.empty() &&
                            !frame.want_actor && !connection.client.empty();
    if (const auto taken = take_token(now, connection, frame.token); !taken) {
        // What it had stays good until it ends.
        if (connection.grant != nullptr) return send_error(connection, taken.error(), {});
        return refuse_connection(now, connection, taken.error());
    }
    if (connection.refusal) return;
    if (!is_refresh || !frame.client.empty()) connection.client = frame.client.substr(0, 128);
    wire::Welcome welcome;
    welcome.connection = base36(connection.id);
    if (frame.want_actor) {
        welcome.actor = new_actor();
        if (!may_push_as(connection, welcome.actor)) welcome.actor = 0;
    }
    // A client that refreshes its token measures nothing by it.
    if (!is_refresh) welcome.time_ms = now.wall_ms;
    welcome.heartbeat_ms = config_.limits.ping_interval_ms;
    welcome.message_bytes_max = config_.limits.message_bytes_max;
    welcome.server = config_.server_name;
    send(connection, welcome);
}

void Hub::handle(Now now, Connection& connection, wire::Subscribe& frame) {
    wire::ErrorFrame refusal;
    refusal.channel = frame.channel;
    auto select = read_selection(connection.codec, frame.select);
    auto held = read_selection(connection.codec, frame.held);
    if (!select || !held) {
        send_error(connection, select ? held.error() : select.error(), std::move(refusal));
        return;
    }
    const auth::Capabilities rights = rights_of(connection.grant, frame.channel);
    if (!auth::has(rights, auth::Capability::read)) {
        send_error(connection, lack_of(connection.grant), std::move(refusal));
        return;
    }
    // Who comes with another's actor is told nothing of it, and cannot push with it.
    if (frame.actor != 0 && !may_push_as(connection, frame.actor)) frame.actor = 0;
    const auto existing = connection.subscriptions.find(frame.channel);
    if (existing != connection.subscriptions.end()) {
        // Subscribing again moves the cursor: this is how a client mends a gap.
        Subscription& subscription = existing->second;
        const std::string member = member_id_of(connection, frame);
        if (member != subscription.member_id) {
            leave(now, subscription, Farewell::clean);
            subscription.member_id = member;
        }
        subscription.wanted = frame;
        subscription.catch_up = nullptr;
        subscription.has_members = false;
        subscription.members_version = 0;
        if (subscription.channel->state() != Channel::State::loading) activate(subscription);
        return;
    }
    if (connection.subscriptions.size() >= config_.limits.channels_per_connection_max) {
        send_error(connection, base::fail(ErrorCode::too_many_channels), std::move(refusal));
        return;
    }
    base::Error error;
    Channel* channel = channel_for(now, frame.channel, error);
    if (channel == nullptr) {
        send_error(connection, error, std::move(refusal));
        return;
    }
    if (channel->state() == Channel::State::broken) {
        send_error(connection, channel->broken_by(), std::move(refusal));
        return;
    }
    Subscription& subscription = connection.subscriptions[frame.channel];
    subscription.connection = &connection;
    subscription.channel = channel;
    subscription.wanted = frame;
    subscription.rights = rights;
    subscription.member_id = member_id_of(connection, frame);
    channel->subscribers.push_back(&subscription);
    stats_.subscriptions++;
    if (channel->state() != Channel::State::loading) activate(subscription);
}

void Hub::activate(Subscription& subscription) {
    Channel& channel = *subscription.channel;
    Connection& connection = *subscription.connection;
    if (channel.state() == Channel::State::broken) {
        wire::ErrorFrame refusal;
        refusal.channel = channel.name();
        send_error(connection, channel.broken_by(), std::move(refusal));
        return;
    }
    wire::Subscribed answer;
    // Both were read when they came.
    record::Selection select = *read_selection(connection.codec, subscription.wanted.select);
    record::Selection held = *read_selection(connection.codec, subscription.wanted.held);
    const bool is_held_other = !subscription.wanted.held.empty() && !(held == select) &&
                               config_.planted != PlantedBug::forget_held;
    subscription.is_installing = is_held_other || subscription.wanted.select_version != 0;
    subscription.held =
        is_held_other ? std::make_unique<record::Selection>(std::move(held)) : nullptr;
    subscription.wanted.held.clear();
    join_group(subscription, std::move(select));
    answer.channel = channel.name();
    answer.handle = subscription.group->handle;
    answer.select_version = subscription.wanted.select_version;
    answer.epoch = channel.epoch();
    answer.head = channel.head();
    answer.acked_counter = channel.acked_counter(subscription.wanted.actor);
    send(connection, answer);
    subscription.known.reset();
    subscription.is_reset = false;
    subscription.is_replaying = false;
    subscription.is_due = false;
    subscription.catch_up = nullptr;
    const Channel::Resume resume = channel.judge(subscription.wanted);
    if (resume == Channel::Resume::from_cursor) {
        subscription.state = Subscription::State::following;
        subscription.cursor = subscription.wanted.after;
        // Even without news the client learns its acknowledged counter and its check.
        subscription.is_due = connection.codec == Codec::binary || is_held_other;
        if (!is_held_other) subscription.is_installing = false;
    } else {
        subscription.state = Subscription::State::snapshot;
        subscription.is_reset = resume == Channel::Resume::reset;
        if (subscription.is_reset && subscription.wanted.after > channel.head()) {
            stats_.alarms++;
            log_.push_back({true, connection.id,
                            "a client knows " + channel.name() + " up to " +
                                std::to_string(subscription.wanted.after) +
                                ", which is above the store's head " +
                                std::to_string(channel.head()) +
                                ": was the store restored without `tandem restore`?"});
        }
    }
    wake(connection);
}

void Hub::drop_subscription(Now now, Subscription& subscription, Farewell farewell) {
    Channel& channel = *subscription.channel;
    std::erase(channel.subscribers, &subscription);
    if (subscription.group != nullptr) leave_group(subscription, *subscription.group);
    channel.idle_since_ms = now.mono_ms;
    stats_.subscriptions--;
    leave(now, subscription, farewell);
}

void Hub::leave(Now now, Subscription& subscription, Farewell farewell) {
    Channel& channel = *subscription.channel;
    const auto& members = channel.presence.members();
    const auto member = members.find(subscription.member_id);
    if (member == members.end() || member->second.connection != subscription.connection->id) return;
    if (farewell == Farewell::clean)
        channel.presence.remove(subscription.member_id);
    else {
        const uint64_t until = now.mono_ms + config_.limits.presence_ttl_ms;
        channel.presence.orphan(subscription.member_id, subscription.connection->id, until);
        departures_.emplace(until, channel.name());
    }
    note_presence(channel);
    for (Subscription* other : channel.subscribers)
        wake(*other->connection);
}

void Hub::handle(Now now, Connection& connection, wire::Unsubscribe& frame) {
    const auto found = connection.subscriptions.find(frame.channel);
    if (found == connection.subscriptions.end()) return;
    drop_subscription(now, found->second, Farewell::clean);
    connection.subscriptions.erase(found);
    // Another may have waited for its catch-up.
    wake(connection);
}

bool Hub::take_push(Now now, ConnectionId id, const wire::Push& push) {
    const auto found = connections_.find(id);
    return found == connections_.end() || take_push(now, *found->second, push);
}

bool Hub::take_push(Now now, Connection& connection, const wire::Push& push) {
    const base::Rate rate{config_.limits.pushes_per_second,
                          std::max<uint64_t>(config_.limits.push_burst, 1)};
    if (!connection.is_counted || connection.pushes.take(rate, now.mono_ms)) return true;
    wire::ErrorFrame refusal;
    refusal.channel = push.channel;
    refusal.actor = push.actor;
    refusal.counter = push.counter;
    refusal.ref = push.ref;
    // The client sends all again that it has: it should find room for more than one of them.
    refusal.retry_after_ms = connection.pushes.wait_ms(rate, (rate.burst + 1) / 2);
    stats_.refusals++;
    stats_.rate_limited++;
    send_error(connection, base::fail(ErrorCode::rate_limited, refusal.retry_after_ms),
               std::move(refusal));
    return false;
}

void Hub::handle(Now now, Connection& connection, wire::Push& frame) {
    wire::ErrorFrame refusal;
    refusal.channel = frame.channel;
    refusal.actor = frame.actor;
    refusal.counter = frame.counter;
    refusal.ref = frame.ref;
    const auto refuse = [&](base::Error error) {
        stats_.refusals++;
        send_error(connection, error, std::move(refusal));
    };
    if (!auth::has(rights_of(connection.grant, frame.channel), auth::Capability::write))
        return refuse(lack_of(connection.grant));
    base::Error error;
    Channel* channel = channel_for(now, frame.channel, error);
    if (channel == nullptr) return refuse(error);
    PendingPush push;
    push.target.connection = connection.id;
    push.target.arrived_ns = now.arrived_ns;
    push.by = connection.grant;
    push.target.ref = frame.ref;
    push.condition_base.seq = kBaseIsHead;
    if (frame.counter != 0 || frame.actor != 0) {
        if (frame.counter == 0 || frame.counter > base::kActorMax)
            return refuse(base::fail(ErrorCode::out_of_range));
        push.actor = frame.actor;
        if (push.actor == 0) {
            if (connection.codec != Codec::json)
                return refuse(base::fail(ErrorCode::actor_unknown));
            push.actor = actor_of(connection);
        }
        if (push.actor < kOutboxActorMin || push.actor > base::kActorMax)
            return refuse(base::fail(ErrorCode::actor_unknown));
        if (!may_push_as(connection, push.actor))
            return refuse(base::fail(ErrorCode::actor_unknown));
        push.counter = frame.counter;
    } else if (connection.codec == Codec::binary) {
        return refuse(base::fail(ErrorCode::actor_unknown));
    }
    push.stamp = {frame.stamp_ms, frame.stamp_logical, push.actor};
    push.is_skip = frame.skip;
    for (const std::string& text : frame.if_unchanged) {
        auto path = record::parse_path(text);
        if (!path) return refuse(path.error());
        push.if_unchanged.push_back(std::move(*path));
    }
    if (connection.codec == Codec::json) {
        if (!frame.ops_json.is_array() && !frame.skip)
            return refuse(base::fail(ErrorCode::malformed));
        push.digest = frame.skip ? skip_digest() : digest_of(base::to_json(frame.ops_json));
        push.ops_json = std::move(frame.ops_json);
        push.base_json = std::move(frame.base_json);
    } else {
        push.digest = frame.skip ? skip_digest() : digest_of(frame.ops);
        auto ops = record::decode_ops(frame.ops, record::Form::pushed);
        if (!ops) return refuse(ops.error());
        push.ops = std::move(*ops);
    }
    enqueue_push(now, *channel, std::move(push));
}

void Hub::handle(Now, Connection& connection, wire::PresenceSet& frame) {
    wire::ErrorFrame refusal;
    refusal.channel = frame.channel;
    const auto found = connection.subscriptions.find(frame.channel);
    if (found == connection.subscriptions.end())
        return send_error(connection, base::fail(ErrorCode::not_subscribed), std::move(refusal));
    Subscription& subscription = found->second;
    Channel& channel = *subscription.channel;
    if (!auth::has(subscription.rights, auth::Capability::presence))
        return send_error(connection, lack_of(connection.grant), std::move(refusal));
    if (frame.leave) {
        const auto member = channel.presence.members().find(subscription.member_id);
        if (member == channel.presence.members().end() ||
            member->second.connection != connection.id)
            return;
        channel.presence.remove(subscription.member_id);
    } else {
        const size_t bytes = base::canonical_bytes(frame.state).size();
        if (bytes > config_.limits.presence_bytes_max)
            return send_error(connection,
                              base::fail(ErrorCode::too_large, config_.limits.presence_bytes_max),
                              std::move(refusal));
        if (channel.presence.size() >= config_.limits.presence_members_max &&
            !channel.presence.members().contains(subscription.member_id))
            return send_error(connection, base::fail(ErrorCode::overloaded), std::move(refusal));
        channel.presence.set(subscription.member_id, connection.subject, std::move(frame.state),
                             connection.id, connection.grant);
    }
    note_presence(channel);
    for (Subscription* other : channel.subscribers)
        wake(*other->connection);
}

void Hub::handle(Now, Connection& connection, wire::SignalSend& frame) {
    wire::ErrorFrame refusal;
    refusal.channel = frame.channel;
    const auto found = connection.subscriptions.find(frame.channel);
    if (found == connection.subscriptions.end())
        return send_error(connection, base::fail(ErrorCode::not_subscribed), std::move(refusal));
    if (!auth::has(found->second.rights, auth::Capability::signal))
        return send_error(connection, lack_of(connection.grant), std::move(refusal));
    if (frame.name.empty() || frame.name.size() > kSignalNameMax)
        return send_error(connection, base::fail(ErrorCode::out_of_range), std::move(refusal));
    const Channel& channel = *found->second.channel;
    wire::SignalReceived signal;
    signal.channel = channel.name();
    signal.from = found->second.member_id;
    signal.name = std::move(frame.name);
    signal.value = std::move(frame.value);
    std::map<uint32_t, FramePtr> frames;  // by handle, 0 for JSON
    for (Subscription* other : channel.subscribers) {
        Connection& to = *other->connection;
        if (&to == &connection || to.control_bytes > kSignalBacklogMax) continue;
        if (other->group == nullptr || !auth::has(other->rights, auth::Capability::signal))
            continue;
        const bool is_json = to.codec == Codec::json;
        FramePtr& shared = frames[is_json ? 0 : other->group->handle];
        if (shared == nullptr) {
            signal.handle = other->group->handle;
            std::string payload;
            if (to.codec == Codec::binary)
                wire::encode_binary(payload, wire::ServerFrame(signal));
            else
                wire::encode_json(payload, wire::ServerFrame(signal));
            shared = make_frame(std::move(payload));
        }
        send_shared(to, shared);
    }
}

void Hub::handle(Now now, Connection& connection, wire::Ping& frame) {
    send(connection, wire::Pong{frame.time_ms, now.wall_ms});
}

}  // namespace tandem::hub
