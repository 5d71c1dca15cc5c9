#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace tandem::auth {

/// The algorithms of RFC 7518 and RFC 8037 that are taken. There is no `none`.
enum class Algorithm : uint8_t { eddsa, es256, rs256, hs256 };

[[nodiscard]] std::string_view name_of(Algorithm algorithm);
[[nodiscard]] std::optional<Algorithm> algorithm_of(std::string_view name);

inline constexpr size_t kSecretBytesMin = 32;
inline constexpr size_t kRsaBitsMin = 2048;
inline constexpr size_t kKeysMax = 256;
inline constexpr size_t kJwksBytesMax = 256 * 1024;

/// A key and the one algorithm that it is for: what a token says of itself never chooses how it is
/// checked. The parts are unsigned big-endian bytes.
struct Key {
    Algorithm algorithm = Algorithm::eddsa;
    std::string id;      ///< `kid`; empty: for tokens that name none
    std::string x;       ///< EdDSA: the public key, 32 bytes; ES256: 32 bytes
    std::string y;       ///< ES256: 32 bytes
    std::string n;       ///< RS256: the modulus
    std::string e;       ///< RS256: the exponent
    std::string secret;  ///< HS256: at least 32 bytes
    std::string d;       ///< EdDSA and ES256: the private key, if it is there, for signing
    uint64_t print = 0;  ///< a digest of the public parts or the secret; tells keys from each other
};

/// The keys of a JWKS (RFC 7517), or of one JWK. Of each key the algorithm is `alg`, or the only
/// one that its type has; what it says of `use` and `key_ops` must allow signatures. A key of
/// another type or algorithm is an error too, so that nobody thinks it was taken. Errors:
/// `malformed`, `too_large`, and `token_invalid` with the index of the key that is not good or
/// has the `kid` of one before it.
[[nodiscard]] base::Result<std::vector<Key>> read_jwks(std::string_view json);
/// The key as a JWK without its private part, as JSON text; nothing is left of a secret.
[[nodiscard]] std::string public_jwk(const Key& key);
/// With it.
[[nodiscard]] std::string private_jwk(const Key& key);

}  // namespace tandem::auth
