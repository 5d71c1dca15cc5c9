#include "hub/presence.hpp"

#include <algorithm>
#include <utility>

namespace tandem::hub {

namespace {
constexpr size_t kDeparturesKept = 256;
}

void Presence::set(const std::string& id, const std::string& user, base::Value state,
                   ConnectionId connection, auth::GrantPtr grant) {
    Entry& entry = members_[id];
    entry.user = user;
    entry.state = std::move(state);
    entry.grant = std::move(grant);
    entry.connection = connection;
    entry.version = ++version_;
    entry.leaves_at_ms = UINT64_MAX;
}

void Presence::remove(const std::string& id) {
    if (members_.erase(id) == 0) return;
    left_.push_back({id, ++version_});
    if (left_.size() > kDeparturesKept) {
        left_floor_ = left_.front().version;
        left_.pop_front();
    }
}

void Presence::orphan(const std::string& id, ConnectionId connection, uint64_t until_ms) {
    const auto found = members_.find(id);
    if (found == members_.end() || found->second.connection != connection) return;
    found->second.leaves_at_ms = until_ms;
}

void Presence::expire(uint64_t mono_ms) {
    std::vector<std::string> gone;
    for (const auto& [id, entry] : members_)
        if (entry.leaves_at_ms <= mono_ms) gone.push_back(id);
    for (const std::string& id : gone)
        remove(id);
}

uint64_t Presence::next_expiry() const {
    uint64_t next = UINT64_MAX;
    for (const auto& [id, entry] : members_)
        next = std::min(next, entry.leaves_at_ms);
    return next;
}

void Presence::changes_since(uint64_t version, wire::Members& out) const {
    out.full = version == 0 || version < left_floor_;
    for (const auto& [id, entry] : members_)
        if (out.full || entry.version > version)
            out.joined.push_back({id, entry.user, entry.state,
                                  entry.grant != nullptr ? entry.grant->info : base::Value()});
    if (out.full) return;
    for (const Left& left : left_)
        if (left.version > version && !members_.contains(left.id)) out.left.push_back(left.id);
}

}  // namespace tandem::hub
