#include "net/utf8_validator.hpp"

#include "net/words.hpp"

namespace tandem::net {

namespace {

constexpr uint64_t kHighBits = 0x8080808080808080ULL;

}  // namespace

bool Utf8Validator::feed(const char* data, size_t size) {
    size_t i = 0;
    while (i < size) {
        if (need_ == 0) {
            // Most text is ASCII: 32 bytes at a time, then 8, then one by one.
            while (size - i >= 32 && ((load8(data + i) | load8(data + i + 8) |
                                       load8(data + i + 16) | load8(data + i + 24)) &
                                      kHighBits) == 0) {
                i += 32;
            }
            while (size - i >= 8 && (load8(data + i) & kHighBits) == 0)
                i += 8;
            if (i == size) break;
        }
        const auto byte = static_cast<uint8_t>(data[i++]);
        if (need_ != 0) {
            if (byte < low_ || byte > high_) return false;
            low_ = 0x80;
            high_ = 0xBF;
            --need_;
            continue;
        }
        if (byte < 0x80) continue;
        if (byte < 0xC2) return false;
        if (byte < 0xE0) {
            need_ = 1;
        } else if (byte < 0xF0) {
            need_ = 2;
            if (byte == 0xE0) low_ = 0xA0;
            if (byte == 0xED) high_ = 0x9F;
        } else if (byte < 0xF5) {
            need_ = 3;
            if (byte == 0xF0) low_ = 0x90;
            if (byte == 0xF4) high_ = 0x8F;
        } else {
            return false;
        }
    }
    return true;
}

}  // namespace tandem::net
