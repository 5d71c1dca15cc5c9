// How channels come into memory and leave it: loads, snapshots, and what happens with time.

#include <algorithm>
#include <utility>

#include "hub/hub.hpp"

namespace tandem::hub {

namespace {
constexpr uint64_t kSweepEveryMs = 5'000;
// A snapshot is as large as what it is to make room for.
constexpr size_t kSnapshotsWhenShort = 4;
}  // namespace

void Hub::handle_loaded(Now now, Channel& channel, base::Result<port::StoreReply>& reply) {
    if (!reply) {
        channel.handle_load_failed(reply.error());
    } else if (auto loaded =
                   channel.handle_loaded(std::get<port::Loaded>(*reply), entropy_.next() | 1);
               !loaded) {
        log_.push_back({true, 0,
                        "channel " + channel.name() + ": stored log does not fit together at " +
                            std::to_string(loaded.error().detail)});
    }
    for (Subscription* subscription : channel.subscribers)
        activate(*subscription);
    const bool is_broken = channel.state() == Channel::State::broken;
    take_early_texts(now, channel);
    if (is_broken)
        refuse_waiting(channel, channel.broken_by());
    else
        drain_waiting(now, channel);
    const auto [begin, end] = requests_waiting_.equal_range(channel.name());
    std::vector<std::pair<uint64_t, Request>> due;
    for (auto it = begin; it != end; ++it)
        due.push_back(std::move(it->second));
    requests_waiting_.erase(begin, end);
    for (auto& [id, request] : due)
        this->request(now, id, std::move(request));
    if (is_broken) drop_broken(channel);
}

// Nobody follows a broken channel. What may pass is forgotten, so that the next who asks for the
// channel has it loaded again; otherwise that happens when it is cold.
void Hub::drop_broken(Channel& channel) {
    for (Subscription* subscription : std::exchange(channel.subscribers, {})) {
        subscription->connection->subscriptions.erase(channel.name());
        stats_.subscriptions--;
    }
    close_text_readers(channel, "the channel is damaged");
    if (!base::is_temporary(channel.broken_by().code)) {
        stats_.damaged++;
        return;
    }
    channels_.erase(channels_.find(channel.name()));
    stats_.channels = channels_.size();
}

void Hub::maybe_snapshot(Channel& channel, bool force) {
    const Retention& retention = config_.retention;
    if (channel.is_snapshot_running || channel.is_deleting || failed_ ||
        channel.entries_since_snapshot() == 0)
        return;
    if (!force && channel.entries_since_snapshot() < retention.snapshot_every_entries &&
        channel.bytes_since_snapshot() < retention.snapshot_every_bytes)
        return;
    channel.is_snapshot_running = true;
    port::SnapshotRequest request;
    request.channel = channel.name();
    request.seq = channel.head();
    request.body = channel.encode_snapshot();
    request.trim_through = std::min(channel.floor(), channel.head());
    request.states_max = static_cast<uint32_t>(retention.states);
    request.states_every = retention.snapshot_every_entries;
    Waiting waiting;
    waiting.kind = Waiting::Kind::snapshot;
    waiting.channel = channel.name();
    waiting.seq = request.seq;
    submit(std::move(request), std::move(waiting));
}

void Hub::evict_cold(Now now) {
    size_t snapshots = 0;
    if (pressure_ != Pressure::none)
        for (const auto& [name, channel] : channels_)
            snapshots += channel->is_snapshot_running ? 1 : 0;
    for (auto it = channels_.begin(); it != channels_.end();) {
        Channel& channel = *it->second;
        for (auto& [key, group] : channel.groups)
            group->forget_kept();
        const bool is_used = !channel.subscribers.empty() || channel.has_inflight() ||
                             !channel.waiting.empty() || channel.is_snapshot_running ||
                             !channel.keys_in_flight.empty() || !channel.presence.is_empty() ||
                             channel.state() == Channel::State::loading || channel.lookups > 0 ||
                             channel.texts.is_used();
        const uint64_t cold_after_ms =
            pressure_ == Pressure::none ? config_.retention.cold_after_ms : 0;
        if (is_used || now.mono_ms < channel.idle_since_ms + cold_after_ms) {
            ++it;
            continue;
        }
        if (channel.state() == Channel::State::ready && channel.entries_since_snapshot() > 0 &&
            !failed_) {
            if (pressure_ == Pressure::none || snapshots++ < kSnapshotsWhenShort)
                maybe_snapshot(channel, true);
            ++it;
            continue;
        }
        if (channel.state() == Channel::State::broken) stats_.damaged--;
        std::erase(dirty_, &channel);
        it = channels_.erase(it);
        stats_.evicted++;
    }
    stats_.channels = channels_.size();
}

void Hub::handle_timeout(Now now) {
    now_ = now;
    while (!departures_.empty() && departures_.begin()->first <= now.mono_ms) {
        const auto found = channels_.find(departures_.begin()->second);
        departures_.erase(departures_.begin());
        if (found == channels_.end()) continue;
        found->second->presence.expire(now.mono_ms);
        note_presence(*found->second);
        for (Subscription* subscription : found->second->subscribers)
            wake(*subscription->connection);
    }
    drop_authors(now);
    handle_deadlines(now);
    if (now.mono_ms >= next_sweep_ms_) {
        next_sweep_ms_ = now.mono_ms + std::min(kSweepEveryMs, config_.retention.cold_after_ms + 1);
        evict_cold(now);
    }
}

uint64_t Hub::next_timeout() const {
    const uint64_t sweep = channels_.empty() ? UINT64_MAX : next_sweep_ms_;
    uint64_t next = sweep;
    for (const auto* departures : {&departures_, &author_departures_})
        if (!departures->empty()) next = std::min(next, departures->begin()->first);
    if (!deadlines_.empty()) next = std::min(next, deadlines_.begin()->first);
    return next;
}

}  // namespace tandem::hub
