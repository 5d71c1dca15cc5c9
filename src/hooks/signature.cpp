#include "hooks/signature.hpp"

#include <array>

#include "base/base64.hpp"

namespace tandem::hooks {

using base::ErrorCode;

namespace {

constexpr size_t kBlockBytes = 64;

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

base::Result<std::string> secret_key(std::string_view text) {
    if (!text.starts_with(kSecretPrefix)) return ErrorCode::invalid_argument;
    TANDEM_TRY(std::string key, base::from_base64(text.substr(kSecretPrefix.size())));
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
        out += "v1," + base::to_base64(bytes_of(hmac_sha256(key, signed_text)));
    }
    return out;
}

}  // namespace tandem::hooks
