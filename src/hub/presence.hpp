#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "auth/grant.hpp"
#include "base/value.hpp"
#include "hub/types.hpp"
#include "wire/frames.hpp"

namespace tandem::hub {

/// Who is there on one channel. Ephemeral, outside the log, but delivered the same way: each change
/// has a version, a subscriber has a cursor over versions, and who is far behind gets the whole.
class Presence {
  public:
    /// Adds or updates a member; a reconnect under the same id replaces the old connection's.
    /// `grant`, where there is one, says who it is.
    void set(const std::string& id, const std::string& user, base::Value state,
             ConnectionId connection, auth::GrantPtr grant = nullptr);
    void remove(const std::string& id);
    /// The member's connection is gone without a farewell: it leaves at `until_ms` (monotonic)
    /// unless it comes back before. Ignored when another connection has replaced it.
    void orphan(const std::string& id, ConnectionId connection, uint64_t until_ms);
    /// Removes orphans whose time is over.
    void expire(uint64_t mono_ms);
    /// The next such time, or UINT64_MAX.
    uint64_t next_expiry() const;

    uint64_t version() const { return version_; }
    bool is_empty() const { return members_.empty(); }
    size_t size() const { return members_.size(); }

    /// Fills `joined`, `left` and `full` with what changed since a version (0: everything).
    void changes_since(uint64_t version, wire::Members& out) const;

    struct Entry {
        std::string user;
        base::Value state;
        auth::GrantPtr grant;
        ConnectionId connection = 0;
        uint64_t version = 0;
        uint64_t leaves_at_ms = UINT64_MAX;
    };
    const std::map<std::string, Entry>& members() const { return members_; }

  private:
    struct Left {
        std::string id;
        uint64_t version = 0;
    };
    std::map<std::string, Entry> members_;
    std::deque<Left> left_;
    uint64_t left_floor_ = 0;  ///< versions at or below this have lost some departures
    uint64_t version_ = 0;
};

}  // namespace tandem::hub
