#include "hooks/signature.hpp"

#include <array>

namespace tandem::hooks {

using base::ErrorCode;

namespace {

constexpr size_t kBlockBytes = 64;
constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string_view bytes_of(const base::Sha256Digest& digest) {
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace

base::Sha256Digest hmac_sha256(std::string_view key, std::string_view message) {
    std::array<char, kBlockBytes> block{};
    const base::Sha256Digest hashed = base::sha256(key);
    const std::string_view used = key.size() > kBlockBytes ? bytes_of(hashed) : key;
    used.copy(block.data(), used.size());
    const auto pad = [&](uint8_t with) {
        std::string out;
        for (const char c : block)
            out += static_cast<char>(static_cast<uint8_t>(c) ^ with);
        return out;
    };
    base::Sha256 inner;
    inner.update(pad(0x36));
    inner.update(message);
    const base::Sha256Digest digest = inner.finish();
    base::Sha256 outer;
    outer.update(pad(0x5c));
    outer.update(bytes_of(digest));
    return outer.finish();
}

std::string to_base64(std::string_view bytes) {
    std::string out;
    for (size_t at = 0; at < bytes.size(); at += 3) {
        uint32_t group = 0;
        for (size_t i = 0; i < 3; ++i)
            group = group << 8 | (at + i < bytes.size() ? static_cast<uint8_t>(bytes[at + i]) : 0);
        for (size_t i = 0; i < 4; ++i)
            out += at + i > bytes.size() ? '=' : kDigits[group >> (18 - 6 * i) & 63];
    }
    return out;
}

base::Result<std::string> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return ErrorCode::invalid_argument;
    std::string out;
    uint32_t group = 0;
    size_t digits = 0;
    for (const char c : text.substr(0, text.find('='))) {
        const size_t digit = kDigits.find(c);
        if (digit == std::string_view::npos) return ErrorCode::invalid_argument;
        group = group << 6 | static_cast<uint32_t>(digit);
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

base::Result<std::string> secret_key(std::string_view text) {
    if (!text.starts_with(kSecretPrefix)) return ErrorCode::invalid_argument;
    TANDEM_TRY(std::string key, from_base64(text.substr(kSecretPrefix.size())));
    if (key.size() < kSecretBytesMin || key.size() > kSecretBytesMax)
        return base::fail(ErrorCode::invalid_argument, key.size());
    return key;
}

std::string sign(const std::vector<std::string>& keys, std::string_view id, uint64_t timestamp_s,
                 std::string_view body) {
    std::string signed_text(id);
    signed_text += '.' + std::to_string(timestamp_s) + '.';
    signed_text += body;
    std::string out;
    for (const std::string& key : keys) {
        if (!out.empty()) out += ' ';
        out += "v1," + to_base64(bytes_of(hmac_sha256(key, signed_text)));
    }
    return out;
}

}  // namespace tandem::hooks
