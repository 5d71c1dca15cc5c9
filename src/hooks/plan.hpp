#pragma once

#include <cstdint>

#include "port/store.hpp"

namespace tandem::hooks {

/// The next thing to tell of a channel's log, from what the store says of it.
struct Step {
    enum class Kind : uint8_t {
        idle,     ///< the cursor is at the head
        entries,  ///< the first `count` entries of the feed
        gap,      ///< what was in (from, to] is not in the log any more
        reset,    ///< above `from` the channel has another history than the receiver was told
        broken,   ///< the log does not fit together
    };
    enum class Cause : uint8_t { trimmed, deleted };

    Kind kind = Kind::idle;
    port::HookPosition from;
    port::HookPosition to;  ///< the cursor when it is done
    size_t count = 0;
    Cause cause = Cause::trimmed;  ///< of a gap
};

/// Decides from the feed's cursor; without one, from the beginning of the log. A step stays within
/// one epoch.
[[nodiscard]] Step next_step(const port::HookFeed& feed);

/// The epoch of a channel's newest history; 0: it has none.
[[nodiscard]] uint64_t newest_epoch(const port::HookFeed& feed);

}  // namespace tandem::hooks
