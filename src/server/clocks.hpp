#pragma once

#include <chrono>
#include <cstdint>

namespace tandem::server {

/// Milliseconds of a clock.
template <class Clock>
uint64_t ms_of() {
    const auto since = Clock::now().time_since_epoch();
    return static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

inline uint64_t mono_ms() { return ms_of<std::chrono::steady_clock>(); }

/// Since 1970.
inline uint64_t wall_ms() { return ms_of<std::chrono::system_clock>(); }

}  // namespace tandem::server
