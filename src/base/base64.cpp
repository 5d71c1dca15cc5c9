#include "base/base64.hpp"

#include <array>
#include <cstdint>

namespace tandem::base {

namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t kNoDigit = 64;
constexpr std::array<uint8_t, 256> kDigits = [] {
    std::array<uint8_t, 256> digits{};
    digits.fill(kNoDigit);
    for (uint8_t i = 0; i < 64; ++i)
        digits[static_cast<uint8_t>(kAlphabet[i])] = i;
    return digits;
}();

}  // namespace

std::string to_base64(std::string_view bytes) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (size_t at = 0; at < bytes.size(); at += 3) {
        uint32_t group = 0;
        for (size_t i = 0; i < 3; ++i)
            group = group << 8 | (at + i < bytes.size() ? static_cast<uint8_t>(bytes[at + i]) : 0);
        for (size_t i = 0; i < 4; ++i)
            out += at + i > bytes.size() ? '=' : kAlphabet[group >> (18 - 6 * i) & 63];
    }
    return out;
}

Result<std::string> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return ErrorCode::invalid_argument;
    std::string out;
    out.reserve(text.size() / 4 * 3);
    uint32_t group = 0;
    size_t digits = 0;
    for (const char c : text.substr(0, text.find('='))) {
        const uint8_t digit = kDigits[static_cast<uint8_t>(c)];
        if (digit == kNoDigit) return ErrorCode::invalid_argument;
        group = group << 6 | digit;
        if (++digits % 4 == 0) {
            for (int shift = 16; shift >= 0; shift -= 8)
                out += static_cast<char>(group >> shift & 255);
            group = 0;
        }
    }
    if (digits % 4 == 2) out += static_cast<char>(group >> 4 & 255);
    if (digits % 4 == 3) {
        out += static_cast<char>(group >> 10 & 255);
        out += static_cast<char>(group >> 2 & 255);
    }
    // Whatever else could be read as the same bytes is refused.
    if (to_base64(out) != text) return ErrorCode::invalid_argument;
    return out;
}

}  // namespace tandem::base
