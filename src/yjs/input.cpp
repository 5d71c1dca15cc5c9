#include "yjs/input.hpp"

#include <bit>
#include <cstring>

namespace tandem::yjs {

namespace {
constexpr uint64_t kSafeIntegerMax = (uint64_t{1} << 53) - 1;
}

uint64_t Input::long_var_uint() {
    if constexpr (std::endian::native == std::endian::little) {
        // Eight bytes at once: where the first one without the high bit is, and then the groups of
        // seven bits moved together, two, four and eight of them.
        uint64_t word;
        if (remaining() >= sizeof(word)) {
            std::memcpy(&word, at_, sizeof(word));
            const uint64_t ends = ~word & 0x8080808080808080;
            if (ends != 0) {
                word &= (ends ^ (ends - 1)) & 0x7f7f7f7f7f7f7f7f;
                word = (word & 0x007f007f007f007f) | (word & 0x7f007f007f007f00) >> 1;
                word = (word & 0x00003fff00003fff) | (word & 0x3fff00003fff0000) >> 2;
                word = (word & 0x000000000fffffff) | (word & 0x0fffffff00000000) >> 4;
                at_ += std::countr_zero(ends) / 8 + 1;
                if (word <= kSafeIntegerMax) return word;
                fail();
                return 0;
            }
        }
    }
    uint64_t value = 0;
    int shift = 0;
    for (;;) {
        if (at_ == end_ || shift > 56) break;
        auto byte = static_cast<uint8_t>(*at_++);
        value |= static_cast<uint64_t>(byte & 0x7f) << shift;
        if (value > kSafeIntegerMax) break;
        if (byte < 0x80) return value;
        shift += 7;
    }
    fail();
    return 0;
}

Input::VarInt Input::var_int() {
    uint8_t first = u8();
    VarInt result{static_cast<uint64_t>(first & 0x3f), (first & 0x40) != 0};
    int shift = 6;
    uint8_t byte = first;
    while ((byte & 0x80) != 0) {
        if (at_ == end_ || shift > 55) {
            fail();
            return {};
        }
        byte = static_cast<uint8_t>(*at_++);
        result.magnitude |= static_cast<uint64_t>(byte & 0x7f) << shift;
        if (result.magnitude > kSafeIntegerMax) {
            fail();
            return {};
        }
        shift += 7;
    }
    return result;
}

uint64_t Input::big_endian(int byte_count) {
    std::string_view taken = bytes(static_cast<size_t>(byte_count));
    uint64_t value = 0;
    for (char byte : taken)
        value = value << 8 | static_cast<uint8_t>(byte);
    return value;
}

}  // namespace tandem::yjs
