// What a server of several hubs needs of each: frames that are decoded already, and rows and sums
// that are put together elsewhere.

#include <algorithm>
#include <utility>

#include "hub/hub.hpp"
#include "hub/json_out.hpp"

namespace tandem::hub {

void Hub::handle_frame(Now now, ConnectionId id, wire::ClientFrame& frame) {
    now_ = now;
    const auto found = connections_.find(id);
    if (found == connections_.end() || found->second->is_closing || found->second->refusal) return;
    handle_frame(now, *found->second, frame);
}

void Hub::refuse(Now now, ConnectionId id, base::Error error, std::string channel) {
    now_ = now;
    const auto found = connections_.find(id);
    if (found == connections_.end() || found->second->is_closing || found->second->refusal) return;
    wire::ErrorFrame refusal;
    refusal.channel = std::move(channel);
    send_error(*found->second, error, std::move(refusal));
}

void Hub::refuse(Now now, ConnectionId id, wire::RefusedFrame& frame) {
    now_ = now;
    const auto found = connections_.find(id);
    if (found == connections_.end() || found->second->is_closing || found->second->refusal) return;
    if (frame.context.counter != 0) stats_.refusals++;
    send_error(*found->second, frame.error, std::move(frame.context));
}

void Hub::count_bytes_in(ConnectionId id, size_t bytes) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    note_bytes_in(*found->second, bytes);
}

uint64_t Hub::new_actor() {
    return kOutboxActorMin + entropy_.next() % (base::kActorMax - kOutboxActorMin);
}

uint64_t Hub::actor_of(Connection& connection) {
    if (connection.actor == 0) connection.actor = new_actor();
    return connection.actor;
}

uint64_t Hub::own_actor(ConnectionId id) {
    const auto found = connections_.find(id);
    return found == connections_.end() ? 0 : actor_of(*found->second);
}

std::vector<ConnectionRow> Hub::connection_rows() const {
    std::vector<ConnectionRow> rows;
    rows.reserve(connections_.size());
    for (const auto& [id, connection] : connections_) {
        ConnectionRow row;
        row.id = id;
        row.is_guest = connection->is_guest;
        row.codec = connection->codec;
        row.remote = connection->remote;
        row.client = connection->client;
        row.opened_ms = connection->opened_ms;
        for (const auto& [name, subscription] : connection->subscriptions)
            row.channels.push_back(name);
        row.bytes_in = connection->bytes_in;
        row.bytes_out = connection->bytes_out;
        row.pending_bytes = connection->control_bytes;
        rows.push_back(std::move(row));
    }
    std::sort(rows.begin(), rows.end(),
              [](const ConnectionRow& a, const ConnectionRow& b) { return a.id < b.id; });
    return rows;
}

void Hub::refresh(ChannelRow& row) const {
    const Channel* channel = find_channel(row.name);
    if (channel == nullptr) return;
    if (channel->state() == Channel::State::ready) {
        row.head = channel->head();
        row.floor = channel->floor();
    }
    row.members = channel->presence.size();
    row.subscribers = channel->subscribers.size();
}

void Hub::note_entries(const std::string& channel) {
    if (config_.wants_news) news_[channel].has_entries = true;
}

void Hub::note_presence(const Channel& channel) {
    if (config_.wants_news) news_[channel.name()].has_presence = true;
}

void Hub::take_news(std::vector<News>& out) {
    for (auto& [channel, news] : news_) {
        news.channel = channel;
        out.push_back(std::move(news));
    }
    news_.clear();
}

void Hub::reply_listed(uint64_t id, const port::Listed& listed) {
    Reply out;
    out.id = id;
    out.has_more = listed.more;
    for (const port::ChannelInfo& info : listed.channels) {
        ChannelRow row{info.name, info.head, info.floor, info.bytes, info.changed_ms, 0, 0};
        refresh(row);
        out.channels.push_back(std::move(row));
    }
    out.json = channels_json(out.channels, listed.more ? Rest::more : Rest::none);
    replies_.push_back(std::move(out));
}

void add(Stats& sum, const Stats& more) {
    sum.connections += more.connections;
    sum.subscriptions += more.subscriptions;
    sum.channels += more.channels;
    sum.damaged += more.damaged;
    sum.pushes += more.pushes;
    sum.text_readers += more.text_readers;
    sum.text_updates += more.text_updates;
    sum.commits += more.commits;
    sum.entries += more.entries;
    sum.duplicates += more.duplicates;
    sum.refusals += more.refusals;
    sum.rate_limited += more.rate_limited;
    sum.deliveries_live += more.deliveries_live;
    sum.deliveries_diff += more.deliveries_diff;
    sum.deliveries_snapshot += more.deliveries_snapshot;
    sum.resets += more.resets;
    sum.alarms += more.alarms;
    sum.conflicts += more.conflicts;
    sum.bytes_in += more.bytes_in;
    sum.bytes_out += more.bytes_out;
    sum.snapshots += more.snapshots;
    sum.hashes += more.hashes;
    sum.unchanged += more.unchanged;
    sum.evicted += more.evicted;
    sum.shed_readers += more.shed_readers;
    sum.streams += more.streams;
    sum.stream_posts += more.stream_posts;
    sum.stream_repeats += more.stream_repeats;
    sum.stream_strays += more.stream_strays;
    sum.shed_connections += more.shed_connections;
    sum.stalled_connections += more.stalled_connections;
    sum.held.answers += more.held.answers;
    sum.held.catch_ups += more.held.catch_ups;
    sum.held.windows += more.held.windows;
    sum.held.texts += more.held.texts;
}

}  // namespace tandem::hub
