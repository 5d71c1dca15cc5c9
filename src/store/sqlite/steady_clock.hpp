#pragma once

#include <chrono>
#include <cstdint>

namespace tandem::store {

/// Nanoseconds of the clock that never goes back, which the event loops have as well.
inline uint64_t steady_ns() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}

}  // namespace tandem::store
