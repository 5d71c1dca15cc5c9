#include "yjs/input.hpp"

namespace tandem::yjs {

namespace {
constexpr uint64_t kSafeIntegerMax = (uint64_t{1} << 53) - 1;
}

uint64_t Input::long_var_uint() {
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
