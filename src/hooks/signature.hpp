#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/sha256.hpp"

// The signatures of the Standard Webhooks specification, version 1: a receiver needs the headers
// webhook-id, webhook-timestamp and webhook-signature, the body as it came, and the secret.
namespace tandem::hooks {

inline constexpr std::string_view kSecretPrefix = "whsec_";
inline constexpr size_t kSecretBytesMin = 24;
inline constexpr size_t kSecretBytesMax = 64;

/// After RFC 2104.
[[nodiscard]] base::Sha256Digest hmac_sha256(std::string_view key, std::string_view message);

/// The key in `whsec_` and base64 of 24 to 64 bytes; else `invalid_argument`.
[[nodiscard]] base::Result<std::string> secret_key(std::string_view text);

/// The value of webhook-signature: one `v1,…` for each key, so that receivers may know the old or
/// the new one while it is changed.
[[nodiscard]] std::string sign(const std::vector<std::string>& keys, std::string_view id,
                               uint64_t timestamp_s, std::string_view body);

}  // namespace tandem::hooks
