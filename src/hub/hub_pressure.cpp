// What a hub does when memory is short. It gives up what can be had again, in order of what that
// costs; what is on disk stays there, and who is cut comes back with its cursor.

#include <algorithm>

#include "hub/hub.hpp"

namespace tandem::hub {

namespace {

// Of live frames, for readers that are a little behind. Others get a difference.
constexpr size_t kLiveWhenShort = 8;
constexpr size_t kLiveBytesWhenShort = 16 * base::kKiB;

}  // namespace

void Hub::relieve(Now now, Pressure pressure) {
    now_ = now;
    pressure_ = pressure;
    if (pressure == Pressure::none) return;
    hot_texts_->give_up();
    for (auto& [name, channel] : channels_)
        for (auto& [key, group] : channel->groups)
            while (group->live.size() > kLiveWhenShort ||
                   (group->live_bytes > kLiveBytesWhenShort && !group->live.empty()))
                group->drop_oldest_live();
    evict_cold(now);
}

size_t Hub::held_bytes(ConnectionId id) const {
    const auto found = connections_.find(id);
    if (found == connections_.end() || found->second->is_closing) return 0;
    const Connection& connection = *found->second;
    size_t bytes = connection.control_bytes + connection.text_pieces.bytes.size();
    for (const auto& [name, subscription] : connection.subscriptions)
        if (subscription.catch_up != nullptr)
            bytes += subscription.catch_up->bytes /
                     static_cast<size_t>(std::max(subscription.catch_up.use_count(), 1L));
    return bytes;
}

void Hub::find_holders(size_t bytes_min, std::vector<std::pair<size_t, ConnectionId>>& out) const {
    for (const auto& [id, connection] : connections_)
        if (const size_t bytes = held_bytes(id); bytes >= bytes_min) out.emplace_back(bytes, id);
}

void Hub::shed(Now now, ConnectionId id) {
    now_ = now;
    const auto found = connections_.find(id);
    if (found == connections_.end() || found->second->is_closing) return;
    for (auto& [name, subscription] : found->second->subscriptions)
        subscription.catch_up = nullptr;
    stats_.shed_connections++;
    close_slow(*found->second);
}

void Hub::count_held() {
    stats_.held = {};
    stats_.held.catch_ups = *catch_up_bytes_;
    stats_.held.texts = hot_texts_->bytes();
    for (const auto& [id, connection] : connections_)
        stats_.held.answers += connection->control_bytes;
    for (const auto& [name, channel] : channels_)
        for (const auto& [key, group] : channel->groups)
            stats_.held.windows += group->live_bytes;
}

}  // namespace tandem::hub
