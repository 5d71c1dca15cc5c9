// How cursors move: what is encoded once for those at the head, and what those behind get.

#include <algorithm>
#include <utility>

#include "hub/deliveries.hpp"
#include "hub/hub.hpp"
#include "hub/json_out.hpp"

namespace tandem::hub {

namespace {

constexpr uint32_t kReplayEntriesMax = 200;

// Who applies a live frame has the entry before it, and so the counter with its generation, unless
// this entry made it or showed it anew.
void leave_out_known_generations(const record::Entry& entry, std::vector<record::Change>& changes) {
    const record::Dot made{entry.actor, entry.counter};
    for (const record::Change& change : changes)
        if (change.kind == record::ChangeKind::clear || change.kind == record::ChangeKind::item ||
            change.kind == record::ChangeKind::outside)
            return;
    for (record::Change& change : changes)
        if (change.kind == record::ChangeKind::counter && change.dot != made) change.dot = {};
}

record::Entry without_ops(const record::Entry& entry) {
    record::Entry out = entry;
    out.ops.clear();
    return out;
}

// True when who is in the middle of a catch-up has a chunk for this poll or the next; what reads
// the log wakes its connection.
bool is_chunk_next(const Connection& connection) {
    return connection.catching_up->catch_up != nullptr;
}

}  // namespace

void Hub::publish(Channel& channel, const Inflight& item) {
    const bool is_whole_followed =
        channel.whole().binary_readers + channel.whole().json_readers > 0;
    bool has_counted = false;
    for (auto& [key, group] : channel.groups) {
        if (group->is_whole() && !is_whole_followed) {
            group->live.clear();
            group->live_bytes = 0;
            continue;
        }
        std::vector<record::Change> changes = changes_of(channel, *group, item.entry.seq);
        if (config_.planted == PlantedBug::lost_tombstone) drop_removals(changes);
        if (config_.planted == PlantedBug::forget_exit)
            std::erase_if(changes, [](const record::Change& change) {
                return change.kind == record::ChangeKind::outside;
            });
        if (!std::exchange(has_counted, true))
            for (const record::Change& change : changes)
                if (change.kind == record::ChangeKind::conflict) stats_.conflicts++;
        publish(channel, *group, item, std::move(changes));
    }
}

std::vector<record::Change> Hub::changes_of(Channel& channel, Group& group, uint64_t seq) {
    const record::Document& document = channel.document();
    if (group.is_whole()) return document.changes(seq - 1);
    if (group.windows.seq() + 1 == document.seq()) return group.windows.advance(document);
    // What the windows held before is not known: who is behind gets a difference.
    group.live.clear();
    group.live_bytes = 0;
    group.windows.reset(document);
    return document.changes(seq - 1, group.selection());
}

void Hub::publish(Channel& channel, Group& group, const Inflight& item,
                  std::vector<record::Change> changes) {
    const record::Entry& entry = item.entry;
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
    if (group.json_readers > 0) {
        if (group.is_whole()) {
            append_entry_json(live.item, entry);
        } else if (changes.empty()) {
            // Of an item outside of the windows: it concerns their list, and changed nothing there.
            append_entry_json(live.item, without_ops(entry));
        } else {
            append_entry_json(live.item, entry, group.selection());
        }
        if (item.text != nullptr) append_text_json(live.item, *item.text);
        wire::Delivery json = delivery;
        json.channel = channel.name();
        json.changes = changes_text(changes);
        json.items = '[' + live.item + ']';
        live.json = encode(Codec::json, json);
        group.live_bytes += live.json->payload.size();
    }
    if (group.binary_readers > 0) {
        leave_out_known_generations(entry, changes);
        wire::Delivery binary = delivery;
        binary.handle = group.handle;
        // The stamp is in the author's ack; the others have no use for it.
        binary.stamp_ms = 0;
        binary.stamp_logical = 0;
        group.slots.begin_frame();
        // The entry that moves the floor has no author.
        if (entry.actor != 0) binary.actor_slot = group.slots.slot_of_actor(entry.actor);
        if (binary.actor_slot != 0) binary.actor = 0;
        record::encode_changes(binary.changes, changes, &group.slots);
        live.used = group.slots.used();
        live.defined = group.slots.defined();
        binary.defs = group.slots.definitions(live.defined);
        live.compact = encode(Codec::binary, binary);
        if (live.used == live.defined) {
            live.complete = live.compact;
        } else {
            binary.defs = group.slots.definitions(live.used);
            live.complete = encode(Codec::binary, binary);
        }
        if (live.complete->payload.size() > config_.limits.message_bytes_max) {
            // A small op can bring a large item back. Who is to have that gets it as a difference,
            // which comes in chunks.
            live.compact = nullptr;
            live.complete = nullptr;
        } else {
            group.live_bytes += live.complete->payload.size();
        }
    }
    group.live.push_back(std::move(live));
    while (group.live.size() > kReplayFramesMax ||
           group.live_bytes > config_.limits.frame_cache_bytes_per_channel) {
        group.drop_oldest_live();
        if (group.live.empty()) break;
    }
}

bool Hub::has_more(const Subscription& subscription) const {
    const Channel& channel = *subscription.channel;
    if (subscription.catch_up != nullptr || subscription.state == Subscription::State::snapshot)
        return true;
    if (subscription.state != Subscription::State::following) return false;
    if (subscription.is_due) return true;
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
        if (subscription.catch_up != nullptr) {
            // The last chunk is with the transport until that asks for more.
            if (!subscription.is_through()) {
                give(next_chunk(subscription));
                continue;
            }
            subscription.catch_up = nullptr;
            if (connection.catching_up == &subscription) connection.catching_up = nullptr;
            continue;
        }
        if (subscription.state == Subscription::State::snapshot) {
            if (!may_begin(subscription)) return is_chunk_next(connection);
            begin_snapshot(subscription);
            continue;
        }
        if (subscription.state != Subscription::State::following) return false;
        if (subscription.is_due) {
            if (!may_begin(subscription)) return is_chunk_next(connection);
            begin_diff(subscription);
            continue;
        }
        if (subscription.cursor < channel.head()) {
            const uint64_t behind = channel.head() - subscription.cursor;
            const LiveEntry* next = nullptr;
            const auto& live = subscription.group->live;
            if (behind <= live.size()) next = &live[live.size() - static_cast<size_t>(behind)];
            if (connection.codec == Codec::json) {
                if (!subscription.is_replaying && next != nullptr && next->json != nullptr) {
                    stats_.deliveries_live++;
                    give(next->json);
                    subscription.cursor = next->seq;
                } else if (!may_begin(subscription)) {
                    return is_chunk_next(connection);
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
                if (!may_begin(subscription)) return is_chunk_next(connection);
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
        if (subscription.selection.is_whole())
            append_entry_json(delivery.items, entry);
        else
            append_entry_json(delivery.items, entry, subscription.selection);
        delivery.to = entry.seq;
        delivery.check = entry.check;
    }
    delivery.items += ']';
    // Absolute values come with the last piece, when the state is the one they lead to.
    delivery.more = delivery.to < channel.head();
    if (!delivery.more) {
        subscription.is_replaying = false;
        delivery.changes = changes_text(
            channel.document().changes(subscription.replay_from, subscription.selection));
    }
    auto piece = std::make_shared<CatchUp>();
    piece->chunks.push_back(encode(Codec::json, delivery));
    piece->to = delivery.to;
    begin_catch_up(subscription, hold(std::move(piece)));
}

void Hub::transmit_members(Subscription& subscription, size_t& used, std::vector<FramePtr>& out) {
    const Channel& channel = *subscription.channel;
    if (subscription.members_version == channel.presence.version()) return;
    if (!auth::has(subscription.rights, auth::Capability::presence)) {
        subscription.members_version = channel.presence.version();
        return;
    }
    wire::Members members;
    members.handle = subscription.group->handle;
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
    if (found == connections_.end() || found->second->is_closing) return false;
    Connection& connection = *found->second;
    connection.catching_up = nullptr;
    connection.knows_catching_up = false;
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
    for (auto& [name, reader] : connection.texts)
        has_more_left |= transmit_text(reader, budget_bytes, used, out);
    connection.bytes_out += used;
    stats_.bytes_out += used;
    connection.waits_for_room = has_more_left;
    return has_more_left;
}

}  // namespace tandem::hub
