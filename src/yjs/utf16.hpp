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

/// Calls `take` with each UTF-16 unit of valid UTF-8, or with the last alone; half of a surrogate
/// pair, which UTF-8 does not have, is U+FFFD.
template <class Take>
void each_unit(std::string_view text, bool only_last, Take&& take) {
    for (size_t at = 0; at < text.size();) {
        const auto lead = static_cast<uint8_t>(text[at]);
        const size_t bytes = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        const bool is_last = at + bytes >= text.size();
        const std::string_view unit = bytes == 4 ? kReplacement : text.substr(at, bytes);
        if (!only_last && bytes == 4) take(unit);
        if (!only_last || is_last) take(unit);
        at += bytes;
    }
}

}  // namespace tandem::yjs
