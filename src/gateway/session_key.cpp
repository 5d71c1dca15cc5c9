#include "gateway/session_key.hpp"

#include "auth/base64url.hpp"
#include "base/assert.hpp"

namespace tandem::gateway {

namespace {

// As many as need no padding, and no bits of the last character are left over.
constexpr size_t kKeyBytes = 18;
static_assert(kKeyBytes * 4 / 3 == kSessionKeyChars);

}  // namespace

std::string make_session_key(uint32_t shard, port::Entropy& entropy) {
    TANDEM_ASSERT(shard <= UINT8_MAX);
    std::string bytes(1, static_cast<char>(shard));
    while (bytes.size() < kKeyBytes)
        for (uint64_t word = entropy.next(), i = 0; i < sizeof word && bytes.size() < kKeyBytes;
             ++i, word >>= 8)
            bytes.push_back(static_cast<char>(word & 0xff));
    return auth::to_base64url(bytes);
}

std::optional<uint32_t> shard_of_session_key(std::string_view key) {
    if (key.size() != kSessionKeyChars) return std::nullopt;
    const auto bytes = auth::from_base64url(key);
    if (!bytes) return std::nullopt;
    return static_cast<uint8_t>(bytes->front());
}

}  // namespace tandem::gateway
