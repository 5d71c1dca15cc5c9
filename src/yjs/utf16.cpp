#include "yjs/utf16.hpp"

#include <cstring>

namespace tandem::yjs {

namespace {

constexpr uint64_t kHighBits = 0x8080808080808080;

// How many bytes from the start are ASCII, in steps of eight and then one.
size_t ascii_prefix(const char* at, const char* end) {
    const char* start = at;
    while (end - at >= 8) {
        uint64_t word;
        std::memcpy(&word, at, 8);
        if ((word & kHighBits) != 0) break;
        at += 8;
    }
    while (at != end && static_cast<uint8_t>(*at) < 0x80)
        ++at;
    return static_cast<size_t>(at - start);
}

bool is_continuation(char byte) { return (static_cast<uint8_t>(byte) & 0xc0) == 0x80; }

// The bytes of the well-formed character at `at`, or 0 (table 3-7 of the Unicode standard).
size_t character_bytes(const char* at, const char* end) {
    auto lead = static_cast<uint8_t>(*at);
    size_t left = static_cast<size_t>(end - at);
    if (lead < 0x80) return 1;
    if (lead < 0xc2) return 0;
    if (lead < 0xe0) return left >= 2 && is_continuation(at[1]) ? 2 : 0;
    if (left < 2) return 0;
    auto second = static_cast<uint8_t>(at[1]);
    if (lead < 0xf0) {
        uint8_t low = lead == 0xe0 ? 0xa0 : 0x80;
        uint8_t high = lead == 0xed ? 0x9f : 0xbf;
        return left >= 3 && second >= low && second <= high && is_continuation(at[2]) ? 3 : 0;
    }
    if (lead > 0xf4) return 0;
    uint8_t low = lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xf4 ? 0x8f : 0xbf;
    return left >= 4 && second >= low && second <= high && is_continuation(at[2]) &&
                   is_continuation(at[3])
               ? 4
               : 0;
}

}  // namespace

size_t utf16_length(std::string_view text) {
    const char* at = text.data();
    const char* end = at + text.size();
    size_t units = 0;
    for (;;) {
        size_t ascii = ascii_prefix(at, end);
        units += ascii;
        at += ascii;
        if (at == end) return units;
        size_t bytes = character_bytes(at, end);
        if (bytes == 0) return kNotUtf8;
        units += bytes == 4 ? 2 : 1;
        at += bytes;
    }
}

Utf16Cut utf16_cut(std::string_view text, size_t units) {
    size_t offset = 0;
    while (units > 0 && offset < text.size()) {
        auto lead = static_cast<uint8_t>(text[offset]);
        if (lead < 0x80) {
            ++offset;
        } else if (lead < 0xe0) {
            offset += 2;
        } else if (lead < 0xf0) {
            offset += 3;
        } else {
            if (units == 1) return {offset, true};
            offset += 4;
            --units;
        }
        --units;
    }
    return {offset, false};
}

}  // namespace tandem::yjs
