#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace tandem::clock {

// One reading of a hybrid logical clock: milliseconds since the Unix epoch, a counter within the
// millisecond, and the writer that makes stamps unique. The order is total. Stamps order writes
// that are known to conflict; whether they do is decided elsewhere.
struct Stamp {
    uint64_t ms = 0;
    uint32_t logical = 0;
    uint64_t actor = 0;

    friend constexpr auto operator<=>(const Stamp&, const Stamp&) = default;
};

// The same writer's smallest stamp whose time is above that of `floor`, whatever the actors.
constexpr Stamp just_above(const Stamp& floor, uint64_t actor) {
    if (floor.logical == std::numeric_limits<uint32_t>::max()) return {floor.ms + 1, 0, actor};
    return {floor.ms, floor.logical + 1, actor};
}

// Cuts a stamp that leads the server's clock to that clock; others stay as they are. A clock far in
// the future would otherwise win every conflict for as long as it leads.
constexpr Stamp clamp(const Stamp& stamp, uint64_t now_ms) {
    if (stamp.ms <= now_ms) return stamp;
    return {now_ms, 0, stamp.actor};
}

}  // namespace tandem::clock
