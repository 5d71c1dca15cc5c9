// How cursors move: what is encoded once for those at the head, and what those behind get.

#include <algorithm>
#include <utility>

#include "hub/hub.hpp"
#include "hub/json_out.hpp"

namespace tandem::hub {

namespace {

constexpr size_t kChunkBytes = 24 * 1024;
// A reader further behind than this gets the difference instead of every frame.
constexpr uint64_t kReplayFramesMax = 256;
constexpr uint32_t kReplayEntriesMax = 200;

template <class T>
FramePtr encode(Codec codec, const T& frame) {
    std::string payload;
    if (codec == Codec::binary)
        wire::encode_binary(payload, wire::ServerFrame(frame));
    else
        wire::encode_json(payload, wire::ServerFrame(frame));
    return make_frame(std::move(payload));
}

std::string changes_text(const std::vector<record::Change>& changes) {
    std::string out = "[";
    for (size_t i = 0; i < changes.size(); ++i) {
        if (i > 0) out += ',';
        record::append_change_json(out, changes[i]);
    }
    return out + ']';
}

// Who applies a live frame has the entry before it, and so the counter with its generation, unless
// this entry made it or showed it anew.
void leave_out_known_generations(const record::Entry& entry, std::vector<record::Change>& changes) {
    const record::Dot made{entry.actor, entry.counter};
    for (const record::Change& change : changes)
        if (change.kind == record::ChangeKind::clear || change.kind == record::ChangeKind::item)
            return;
    for (record::Change& change : changes)
        if (change.kind == record::ChangeKind::counter && change.dot != made) change.dot = {};
}

void drop_removals(std::vector<record::Change>& changes) {
    std::erase_if(changes, [](const record::Change& change) {
        return change.kind == record::ChangeKind::clear;
    });
}

}  // namespace

void Hub::publish(Channel& channel, const Inflight& item) {
    const record::Entry& entry = item.entry;
    bool wants_binary = false;
    bool wants_json = false;
    for (const Subscription* subscription : channel.subscribers) {
        const bool is_json = subscription->connection->codec == Codec::json;
        wants_json |= is_json;
        wants_binary |= !is_json;
    }
    if (!wants_binary && !wants_json) {
        channel.live.clear();
        channel.live_bytes = 0;
        return;
    }
    std::vector<record::Change> changes = channel.document().changes(entry.seq - 1);
    if (config_.planted == PlantedBug::lost_tombstone) drop_removals(changes);
    for (const record::Change& change : changes)
        if (change.kind == record::ChangeKind::conflict) stats_.conflicts++;
    LiveEntry live;
    live.seq = entry.seq;
    live.check = item.check;
    wire::Delivery delivery;
    delivery.from = entry.seq - 1;
    delivery.to = entry.seq;
    delivery.check = item.check;
    delivery.actor = entry.actor;
    delivery.counter = entry.counter;
    delivery.stamp_ms = entry.stamp.ms;
    delivery.stamp_logical = entry.stamp.logical;
    if (wants_json) {
        append_entry_json(live.item, entry);
        wire::Delivery json = delivery;
        json.channel = channel.name();
        json.changes = changes_text(changes);
        json.items = '[' + live.item + ']';
        live.json = encode(Codec::json, json);
        channel.live_bytes += live.json->payload.size();
    }
    if (wants_binary) {
        leave_out_known_generations(entry, changes);
        wire::Delivery binary = delivery;
        binary.handle = channel.handle();
        // The stamp is in the author's ack; the others have no use for it.
        binary.stamp_ms = 0;
        binary.stamp_logical = 0;
        channel.slots.begin_frame();
        // The entry that moves the floor has no author.
        if (entry.actor != 0) binary.actor_slot = channel.slots.slot_of_actor(entry.actor);
        if (binary.actor_slot != 0) binary.actor = 0;
        record::encode_changes(binary.changes, changes, &channel.slots);
        live.used = channel.slots.used();
        live.defined = channel.slots.defined();
        binary.defs = channel.slots.definitions(live.defined);
        live.compact = encode(Codec::binary, binary);
        if (live.used == live.defined) {
            live.complete = live.compact;
        } else {
            binary.defs = channel.slots.definitions(live.used);
            live.complete = encode(Codec::binary, binary);
        }
        if (live.complete->payload.size() > config_.limits.message_bytes_max) {
            // A small op can bring a large item back. Who is to have that gets it as a difference,
            // which comes in chunks.
            live.compact = nullptr;
            live.complete = nullptr;
        } else {
            channel.live_bytes += live.complete->payload.size();
        }
    }
    channel.live.push_back(std::move(live));
    while (channel.live.size() > kReplayFramesMax ||
           channel.live_bytes > config_.limits.frame_cache_bytes_per_channel) {
        const LiveEntry& oldest = channel.live.front();
        if (oldest.complete != nullptr) channel.live_bytes -= oldest.complete->payload.size();
        if (oldest.json != nullptr) channel.live_bytes -= oldest.json->payload.size();
        channel.live.pop_front();
        if (channel.live.empty()) break;
    }
}

bool Hub::has_more(const Subscription& subscription) const {
    const Channel& channel = *subscription.channel;
    if (!subscription.chunks.empty() || subscription.state == Subscription::State::snapshot)
        return true;
    if (subscription.state != Subscription::State::following) return false;
    if (subscription.cursor < channel.head()) return true;
    return subscription.members_version != channel.presence.version();
}

// Sends of one subscription as much as the budget allows; true when more is left.
bool Hub::transmit(Subscription& subscription, size_t budget, size_t& used,
                   std::vector<FramePtr>& out) {
    Channel& channel = *subscription.channel;
    Connection& connection = *subscription.connection;
    const auto give = [&](FramePtr frame) {
        used += frame->payload.size();
        out.push_back(std::move(frame));
    };
    while (used < budget) {
        if (!subscription.chunks.empty()) {
            give(std::move(subscription.chunks.front()));
            subscription.chunks.pop_front();
            continue;
        }
        if (subscription.state == Subscription::State::snapshot) {
            begin_snapshot(subscription);
            continue;
        }
        if (subscription.state != Subscription::State::following) return false;
        if (subscription.cursor < channel.head()) {
            const uint64_t behind = channel.head() - subscription.cursor;
            const LiveEntry* next = nullptr;
            if (behind <= channel.live.size())
                next = &channel.live[channel.live.size() - static_cast<size_t>(behind)];
            if (connection.codec == Codec::json) {
                if (!subscription.is_replaying && next != nullptr && next->json != nullptr) {
                    stats_.deliveries_live++;
                    give(next->json);
                    subscription.cursor = next->seq;
                } else if (!subscription.is_replaying &&
                           (behind > 4 * kReplayFramesMax ||
                            subscription.cursor + 1 < channel.oldest_seq())) {
                    begin_diff(subscription);
                } else {
                    begin_replay(subscription);
                }
                continue;
            }
            if (next == nullptr || next->compact == nullptr) {
                begin_diff(subscription);
                continue;
            }
            const SlotSet missing = next->used & ~next->defined & ~subscription.known;
            stats_.deliveries_live++;
            give(missing.none() ? next->compact : next->complete);
            subscription.known |= missing.none() ? next->defined : next->used;
            subscription.cursor = next->seq;
            continue;
        }
        transmit_members(subscription, used, out);
        return false;
    }
    return has_more(subscription);
}

void Hub::begin_snapshot(Subscription& subscription) {
    Channel& channel = *subscription.channel;
    stats_.deliveries_snapshot++;
    wire::Delivery head;
    head.kind = wire::DeliveryKind::snapshot;
    head.reset = subscription.is_reset;
    if (subscription.is_reset) stats_.resets++;
    subscription.is_reset = false;
    const auto changes = channel.document().changes(0);
    if (subscription.connection->codec == Codec::json) {
        head.channel = channel.name();
        head.to = channel.head();
        head.check = channel.check();
        head.epoch = channel.epoch();
        head.acked_counter = channel.acked_counter(subscription.wanted.actor);
        base::append_json(head.value, channel.document().shown({}));
        std::vector<record::Change> conflicts;
        for (const record::Change& change : changes)
            if (change.kind == record::ChangeKind::conflict) conflicts.push_back(change);
        head.changes = changes_text(conflicts);
        subscription.chunks.push_back(encode(Codec::json, head));
    } else {
        chunk_changes(subscription, head, changes);
    }
    subscription.state = Subscription::State::following;
    subscription.cursor = channel.head();
}

void Hub::begin_diff(Subscription& subscription) {
    Channel& channel = *subscription.channel;
    if (subscription.cursor != 0 && subscription.cursor < channel.floor() &&
        config_.planted != PlantedBug::keep_floor_cursor) {
        subscription.is_reset = true;
        subscription.state = Subscription::State::snapshot;
        return;
    }
    stats_.deliveries_diff++;
    wire::Delivery head;
    head.kind = wire::DeliveryKind::diff;
    head.from = subscription.cursor;
    auto changes = channel.document().changes(subscription.cursor);
    if (config_.planted == PlantedBug::lost_tombstone) drop_removals(changes);
    chunk_changes(subscription, head, changes);
    subscription.cursor = channel.head();
}

void Hub::chunk_changes(Subscription& subscription, wire::Delivery head,
                        const std::vector<record::Change>& changes) {
    const Channel& channel = *subscription.channel;
    const Codec codec = subscription.connection->codec;
    head.handle = channel.handle();
    head.to = channel.head();
    head.check = channel.check();
    head.epoch = channel.epoch();
    if (config_.planted != PlantedBug::stale_acked)
        head.acked_counter = channel.acked_counter(subscription.wanted.actor);
    // A catch-up resets the reader's slots.
    subscription.known.reset();
    if (codec == Codec::json) {
        head.channel = channel.name();
        head.changes = changes_text(changes);
        subscription.chunks.push_back(encode(codec, head));
        return;
    }
    size_t at = 0;
    std::vector<record::Change> one(1);
    std::string next;
    do {
        head.changes.clear();
        while (at < changes.size() && head.changes.size() < kChunkBytes) {
            one[0] = changes[at++];
            next.clear();
            record::encode_changes(next, one, nullptr);
            if (!head.changes.empty() && head.changes.size() + next.size() > kChunkBytes) {
                --at;
                break;
            }
            head.changes += next;
        }
        head.more = at < changes.size();
        subscription.chunks.push_back(encode(codec, head));
    } while (at < changes.size());
}

// JSON readers are people and tools that want to see what was written, entry by entry.
void Hub::begin_replay(Subscription& subscription) {
    subscription.state = Subscription::State::reading;
    if (!subscription.is_replaying) subscription.replay_from = subscription.cursor;
    subscription.is_replaying = true;
    Waiting waiting;
    waiting.kind = Waiting::Kind::read;
    waiting.channel = subscription.channel->name();
    waiting.connection = subscription.connection->id;
    const Channel& channel = *subscription.channel;
    subscription.read_ticket =
        submit(port::ReadRequest{channel.name(), subscription.cursor, channel.head(),
                                 kReplayEntriesMax, kChunkBytes},
               std::move(waiting));
}

void Hub::continue_replay(Subscription& subscription, const port::EntriesRead& read) {
    Channel& channel = *subscription.channel;
    subscription.state = Subscription::State::following;
    const bool has_floor_passed =
        subscription.replay_from != 0 && subscription.replay_from < channel.floor();
    if (read.entries.empty() || read.entries.front().seq != subscription.cursor + 1 ||
        has_floor_passed) {
        // The entries that were sent have said nothing of the state yet.
        subscription.is_replaying = false;
        subscription.cursor = subscription.replay_from;
        begin_diff(subscription);
        return;
    }
    wire::Delivery delivery;
    delivery.channel = channel.name();
    delivery.from = subscription.cursor;
    delivery.items = "[";
    for (const port::StoredEntry& entry : read.entries) {
        if (entry.seq > channel.head()) break;
        if (delivery.items.size() > 1) delivery.items += ',';
        append_entry_json(delivery.items, entry);
        delivery.to = entry.seq;
        delivery.check = entry.check;
    }
    delivery.items += ']';
    // Absolute values come with the last piece, when the state is the one they lead to.
    delivery.more = delivery.to < channel.head();
    if (!delivery.more) {
        subscription.is_replaying = false;
        delivery.changes = changes_text(channel.document().changes(subscription.replay_from));
    }
    subscription.chunks.push_back(encode(Codec::json, delivery));
    subscription.cursor = delivery.to;
}

void Hub::transmit_members(Subscription& subscription, size_t& used, std::vector<FramePtr>& out) {
    const Channel& channel = *subscription.channel;
    if (subscription.members_version == channel.presence.version()) return;
    wire::Members members;
    members.handle = channel.handle();
    members.channel = channel.name();
    members.self = subscription.member_id;
    channel.presence.changes_since(subscription.has_members ? subscription.members_version : 0,
                                   members);
    subscription.has_members = true;
    subscription.members_version = channel.presence.version();
    FramePtr frame = encode(subscription.connection->codec, members);
    used += frame->payload.size();
    out.push_back(std::move(frame));
}

bool Hub::poll_transmit(Now now, ConnectionId id, size_t budget_bytes, std::vector<FramePtr>& out) {
    now_ = now;
    const auto found = connections_.find(id);
    if (found == connections_.end()) return false;
    Connection& connection = *found->second;
    size_t used = 0;
    while (used < budget_bytes && !connection.control.empty()) {
        used += connection.control.front()->payload.size();
        out.push_back(std::move(connection.control.front()));
        connection.control.pop_front();
    }
    if (connection.control.empty()) connection.control_bytes = 0;
    bool has_more_left = !connection.control.empty();
    auto& subscriptions = connection.subscriptions;
    auto start = subscriptions.upper_bound(connection.next_served);
    for (size_t i = 0; i < subscriptions.size(); ++i, ++start) {
        if (start == subscriptions.end()) start = subscriptions.begin();
        if (used >= budget_bytes) {
            has_more_left |= has_more(start->second);
            continue;
        }
        has_more_left |= transmit(start->second, budget_bytes, used, out);
        connection.next_served = start->first;
    }
    connection.bytes_out += used;
    stats_.bytes_out += used;
    return has_more_left;
}

}  // namespace tandem::hub
