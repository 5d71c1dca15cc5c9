#pragma once

#include <cstddef>
#include <cstdint>

#include "base/limits.hpp"

/// What a decoder takes of each part of a frame; anything beyond is refused with `too_large`.
namespace tandem::wire {

/// An empty frame costs two bytes on the wire and hundreds in memory.
inline constexpr size_t kFramesPerMessageMax = 4096;
inline constexpr size_t kNameBytesMax = 255;
/// The text form of a path escapes some bytes, at most two for one.
inline constexpr size_t kPathTextBytesMax = 2 * base::kPathBytesMax;
inline constexpr size_t kPathsPerFrameMax = 1000;
inline constexpr uint32_t kSlotMax = 255;
/// One frame may define every slot anew, once as a path and once as an actor.
inline constexpr size_t kDefsPerFrameMax = 2 * size_t{kSlotMax};
inline constexpr size_t kMembersPerFrameMax = 10'000;
inline constexpr size_t kErrorTextBytesMax = 4096;
inline constexpr size_t kTokenBytesMax = 8 * base::kKiB;

}  // namespace tandem::wire
