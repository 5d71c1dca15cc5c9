#pragma once

#include <cstddef>
#include <cstdint>

namespace tandem::hub {

/// How far a server's memory is used up.
enum class Pressure : uint8_t {
    none = 0,
    high = 1,      ///< nobody new is let in, and what can be had again is given up
    critical = 2,  ///< who holds most is cut, and nothing is loaded or written
};

/// Bytes that a hub holds for its clients, by what for. Frames that several share count once for
/// each, so it is what they hold at most.
struct HeldBytes {
    size_t answers = 0;    ///< not yet taken by their connections
    size_t catch_ups = 0;  ///< that readers are in the middle of, or that are kept for others
    size_t windows = 0;    ///< of frames that readers near the head may still need
    size_t texts = 0;      ///< documents that are kept built
};

}  // namespace tandem::hub
