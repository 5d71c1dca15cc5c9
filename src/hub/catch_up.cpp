// What those behind get: snapshots and differences, in chunks that readers share.

#include <algorithm>
#include <bit>
#include <utility>

#include "hub/deliveries.hpp"
#include "hub/hub.hpp"

namespace tandem::hub {

namespace {

/// A difference may begin below the cursor by an eighth of the distance, so that readers near each
/// other share it.
uint64_t rounded_down(uint64_t cursor, uint64_t head) {
    const uint64_t step = std::bit_floor((head - cursor) / 8);
    return step > 1 ? cursor & ~(step - 1) : cursor;
}

/// Whoever gets a snapshot of a part takes that selection with it.
bool is_shared_install(const Subscription& subscription, const wire::Delivery& head) {
    return head.kind == wire::DeliveryKind::snapshot && !subscription.group->is_whole();
}

std::shared_ptr<CatchUp> chunks_of(wire::Delivery head,
                                   const std::vector<record::Change>& changes) {
    auto made = std::make_shared<CatchUp>();
    made->is_snapshot = head.kind == wire::DeliveryKind::snapshot;
    made->from = head.from;
    made->to = head.to;
    made->check = head.check;
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
        made->chunks.push_back(encode(Codec::binary, head));
    } while (at < changes.size());
    return made;
}

}  // namespace

FramePtr Hub::next_chunk(Subscription& subscription) {
    if (!subscription.has_told_acked) {
        subscription.has_told_acked = true;
        return own_chunk(subscription);
    }
    return subscription.catch_up->chunks[subscription.next_chunk++];
}

CatchUpPtr Hub::hold(std::shared_ptr<CatchUp> made) {
    for (const FramePtr& chunk : made->chunks)
        made->bytes += chunk->payload.size();
    made->number = next_catch_up_++;
    made->held_bytes = catch_up_bytes_;
    *catch_up_bytes_ += made->bytes;
    if (*catch_up_bytes_ > config_.limits.catch_up_bytes_max) shed_catch_ups(made->number);
    return made;
}

// Who has been in the middle of a catch-up for longest has to come again, and then gets a newer
// one. What it has is not touched by that: a catch-up is put in force by its last chunk.
void Hub::shed_catch_ups(uint64_t newest) {
    for (auto& [name, channel] : channels_)
        for (auto& [key, group] : channel->groups)
            group->forget_kept();
    std::vector<std::pair<uint64_t, Connection*>> stalled;
    for (auto& [id, connection] : connections_)
        for (const auto& [name, subscription] : connection->subscriptions)
            if (subscription.catch_up != nullptr && subscription.catch_up->number < newest)
                stalled.emplace_back(subscription.catch_up->number, connection.get());
    std::sort(stalled.begin(), stalled.end(), [](const auto& a, const auto& b) {
        return std::pair(a.first, a.second->id) < std::pair(b.first, b.second->id);
    });
    // Some room, so that not every new one has to look for the oldest.
    const size_t wanted = config_.limits.catch_up_bytes_max / 4 * 3;
    for (const auto& [number, connection] : stalled) {
        if (*catch_up_bytes_ <= wanted) break;
        if (connection->is_closing) continue;
        for (auto& [name, subscription] : connection->subscriptions)
            subscription.catch_up = nullptr;
        stats_.shed_readers++;
        close_slow(*connection);
    }
}

// The chunks are the same for all; this one goes before them.
FramePtr Hub::own_chunk(const Subscription& subscription) const {
    const Channel& channel = *subscription.channel;
    const CatchUp& catch_up = *subscription.catch_up;
    wire::Delivery own;
    own.kind = catch_up.is_snapshot ? wire::DeliveryKind::snapshot : wire::DeliveryKind::diff;
    own.handle = subscription.group->handle;
    own.from = catch_up.from;
    own.to = catch_up.to;
    own.check = catch_up.check;
    own.epoch = channel.epoch();
    own.acked_counter = subscription.told_acked;
    own.installs = is_shared_install(subscription, own);
    own.more = true;
    return encode(Codec::binary, own);
}

// Of its channels a connection is in the middle of one catch-up at a time. The others go on with
// live frames; were they to begin too, who follows many large ones would by itself hold more than
// there may be, be closed for that, and again each time that it comes back.
bool Hub::may_begin(const Subscription& subscription) {
    Connection& connection = *subscription.connection;
    if (!std::exchange(connection.knows_catching_up, true)) {
        for (auto& [name, other] : connection.subscriptions) {
            // The transport asks for more, so it has done with the last chunk.
            if (other.catch_up != nullptr && other.is_through()) other.catch_up = nullptr;
            if (other.catch_up != nullptr || other.state == Subscription::State::reading)
                connection.catching_up = &other;
        }
    }
    if (connection.catching_up == nullptr) connection.catching_up = &subscription;
    return connection.catching_up == &subscription;
}

void Hub::begin_catch_up(Subscription& subscription, CatchUpPtr catch_up) {
    subscription.cursor = catch_up->to;
    subscription.catch_up = std::move(catch_up);
    subscription.next_chunk = 0;
    subscription.has_told_acked = true;
}

/// One that readers before have got, and from whose end the live frames lead to the head. Null when
/// there is none.
CatchUpPtr Hub::find_kept(const Subscription& subscription, bool is_snapshot, uint64_t from) const {
    const Channel& channel = *subscription.channel;
    const Group& group = *subscription.group;
    // Entries that came while nobody followed in this codec, or that are too large, have no frame.
    const auto gap = std::find_if(group.live.rbegin(), group.live.rend(),
                                  [](const LiveEntry& live) { return live.compact == nullptr; });
    const auto framed = static_cast<uint64_t>(gap - group.live.rbegin());
    for (const CatchUpPtr& kept : group.kept) {
        if (kept->is_snapshot != is_snapshot || kept->from != from) continue;
        if (channel.head() - kept->to > framed) continue;
        const uint64_t least = is_snapshot ? subscription.wanted.after : subscription.cursor;
        if (kept->to < least || kept->to < channel.floor()) continue;
        // What the reader itself wrote above its end would count as acknowledged before it shows.
        if (channel.acked_seq(subscription.wanted.actor) > kept->to) continue;
        return kept;
    }
    return nullptr;
}

void Hub::send_shared_catch_up(Subscription& subscription, wire::Delivery head, CatchUpPtr kept,
                               const std::vector<record::Change>& changes) {
    const Channel& channel = *subscription.channel;
    uint64_t acked = channel.acked_counter(subscription.wanted.actor);
    if (config_.planted == PlantedBug::stale_acked) acked = 0;
    const bool is_own = head.reset || (head.installs && !is_shared_install(subscription, head));
    if (is_own) head.acked_counter = acked;
    if (kept == nullptr) {
        kept = hold(chunks_of(head, changes));
        if (!is_own) subscription.group->keep(kept);
    }
    // A catch-up resets the reader's slots.
    subscription.known.reset();
    begin_catch_up(subscription, std::move(kept));
    subscription.told_acked = acked;
    subscription.has_told_acked = is_own || acked == 0;
}

void Hub::begin_snapshot(Subscription& subscription) {
    Channel& channel = *subscription.channel;
    stats_.deliveries_snapshot++;
    wire::Delivery head;
    head.kind = wire::DeliveryKind::snapshot;
    head.reset = subscription.is_reset;
    head.installs = subscription.is_installing || !subscription.selection.is_whole();
    if (subscription.is_reset) stats_.resets++;
    subscription.is_reset = false;
    subscription.is_due = false;
    subscription.is_installing = false;
    subscription.held = nullptr;
    subscription.state = Subscription::State::following;
    head.to = channel.head();
    head.check = channel.check();
    head.epoch = channel.epoch();
    const record::Document& document = channel.document();
    const record::Selection& select = subscription.selection;
    if (subscription.connection->codec == Codec::json) {
        head.channel = channel.name();
        head.acked_counter = channel.acked_counter(subscription.wanted.actor);
        base::append_json(head.value,
                          select.is_whole() ? document.shown({}) : document.shown_part(select));
        std::vector<record::Change> rest;
        // The windows' sizes are not in the value.
        for (record::Change& change : document.changes(0, select))
            if (change.kind == record::ChangeKind::conflict ||
                change.kind == record::ChangeKind::window)
                rest.push_back(std::move(change));
        head.changes = changes_text(rest);
        auto made = std::make_shared<CatchUp>();
        made->to = head.to;
        made->chunks.push_back(encode(Codec::json, head));
        return begin_catch_up(subscription, hold(std::move(made)));
    }
    head.handle = subscription.group->handle;
    CatchUpPtr kept;
    if (!head.reset && (!head.installs || is_shared_install(subscription, head)))
        kept = find_kept(subscription, true, 0);
    std::vector<record::Change> changes;
    if (kept == nullptr) changes = document.changes(0, select);
    send_shared_catch_up(subscription, head, std::move(kept), changes);
}

void Hub::begin_diff(Subscription& subscription) {
    Channel& channel = *subscription.channel;
    subscription.is_due = false;
    if (subscription.cursor != 0 && subscription.cursor < channel.floor() &&
        config_.planted != PlantedBug::keep_floor_cursor) {
        subscription.is_reset = true;
        subscription.state = Subscription::State::snapshot;
        return;
    }
    stats_.deliveries_diff++;
    const bool is_json = subscription.connection->codec == Codec::json;
    const record::Selection& select = subscription.selection;
    const auto held = std::move(subscription.held);
    wire::Delivery head;
    head.kind = wire::DeliveryKind::diff;
    head.installs = std::exchange(subscription.is_installing, false);
    head.from = subscription.cursor;
    CatchUpPtr kept;
    if (!is_json && held == nullptr && head.from != 0) {
        head.from = rounded_down(head.from, channel.head());
        if (head.from < std::max<uint64_t>(channel.floor(), 1)) head.from = subscription.cursor;
        if (!head.installs) kept = find_kept(subscription, false, head.from);
    }
    std::vector<record::Change> changes;
    if (kept == nullptr) {
        changes = channel.document().changes(head.from, held != nullptr ? *held : select, select);
        if (config_.planted == PlantedBug::lost_tombstone) drop_removals(changes);
    }
    head.handle = subscription.group->handle;
    head.to = channel.head();
    head.check = channel.check();
    head.epoch = channel.epoch();
    if (!is_json) return send_shared_catch_up(subscription, head, std::move(kept), changes);
    if (config_.planted != PlantedBug::stale_acked)
        head.acked_counter = channel.acked_counter(subscription.wanted.actor);
    head.channel = channel.name();
    head.changes = changes_text(changes);
    auto made = std::make_shared<CatchUp>();
    made->to = head.to;
    made->chunks.push_back(encode(Codec::json, head));
    begin_catch_up(subscription, hold(std::move(made)));
}

void Hub::join_group(Subscription& subscription, record::Selection selection) {
    Channel& channel = *subscription.channel;
    const bool is_json = subscription.connection->codec == Codec::json;
    const auto readers = [&](Group& group) -> size_t& {
        return is_json ? group.json_readers : group.binary_readers;
    };
    Group* const before = subscription.group;
    auto& group = channel.groups[selection.key()];
    if (group == nullptr) {
        group = std::make_unique<Group>(next_handle_, selection);
        group->windows.reset(channel.document());
        next_handle_ += place_.count;
    }
    readers(*group)++;
    subscription.group = group.get();
    subscription.selection = std::move(selection);
    if (before != nullptr) leave_group(subscription, *before);
}

void Hub::leave_group(const Subscription& subscription, Group& group) {
    const bool is_json = subscription.connection->codec == Codec::json;
    (is_json ? group.json_readers : group.binary_readers)--;
    if (group.is_whole() || group.json_readers + group.binary_readers > 0) return;
    subscription.channel->groups.erase(group.selection().key());
}

base::Result<record::Selection> Hub::read_selection(Codec codec,
                                                    const std::vector<wire::Selection>& parts) {
    std::vector<record::SelectedPart> read;
    for (size_t i = 0; i < parts.size() && i <= record::kSelectedPartsMax; ++i) {
        auto path = codec == Codec::binary ? record::decode_path(parts[i].path)
                                           : record::parse_path(parts[i].path);
        const bool has_window = parts[i].from != 0 || parts[i].to != 0;
        if (!path) return base::fail(base::ErrorCode::bad_select, i);
        read.push_back({std::move(*path), has_window, {parts[i].from, parts[i].to}});
    }
    return record::Selection::make(read);
}

}  // namespace tandem::hub
