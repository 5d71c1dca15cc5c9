#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "port/store.hpp"
#include "sim/asking.hpp"

namespace tandem::sim {

/// A webhook's reader: it reads each channel's log from the store by a cursor that the store keeps.
/// What it is fed must be the log, and a cursor that was saved must be there after any crash.
class HookFollower final : public Asking {
  public:
    HookFollower(World& world, uint64_t dice) : Asking(world, dice) {}
    void start() { act(); }

  private:
    /// What is known of the cursor of one channel.
    struct Place {
        uint64_t cuts = 0;
        std::optional<port::HookPosition> saved;
        /// Of a saving that failed, which may have reached the disk or not.
        std::optional<port::HookPosition> doubtful;
    };

    void act();
    void feed(const std::string& channel);
    void check_cursor(const Then& then, const std::optional<port::HookPosition>& at);
    void check_entries(const Then& then, const port::HookFeed& feed);
    void save(const Then& then, port::HookPosition to);
    /// Every channel that is behind is named, whatever the pages.
    void look_for_news();

    std::map<std::string, Place> places_;
    bool is_enrolled_ = false;
};

}  // namespace tandem::sim
