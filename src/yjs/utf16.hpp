#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tandem::yjs {

/// Lengths and positions of Yjs count UTF-16 units, while contents are kept as UTF-8.

inline constexpr size_t kNotUtf8 = SIZE_MAX;
inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// The number of UTF-16 units, or kNotUtf8.
size_t utf16_length(std::string_view text);

/// Where `units` UTF-16 units of valid UTF-8 end. When that is inside a surrogate pair, `offset` is
/// the pair's first byte and `splits_pair` is set.
struct Utf16Cut {
    size_t offset = 0;
    bool splits_pair = false;
};
Utf16Cut utf16_cut(std::string_view text, size_t units);

}  // namespace tandem::yjs
