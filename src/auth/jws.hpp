#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "auth/key.hpp"
#include "base/result.hpp"

namespace tandem::auth {

inline constexpr size_t kTokenBytesMax = 8 * 1024;

/// A JWS in compact form (RFC 7515) whose signature has not been checked: of its payload nothing
/// may be used but to check it.
struct Jws {
    Algorithm algorithm = Algorithm::eddsa;  ///< what it says of itself; the key decides
    std::string key_id;                      ///< `kid`, or empty
    std::string_view signed_text;            ///< what the signature is of; borrowed
    std::string signature;
    std::string_view payload;  ///< base64url; borrowed
};

/// Three parts of strict base64url, with a header of strict JSON in which `alg` is one of ours, no
/// member asks for what is not done here (`crit`, `b64`, `zip`, `enc`), and none brings a key of
/// its own (`jwk`, `jku`, `x5u`, `x5c`). Errors: `token_invalid`, `too_large`.
[[nodiscard]] base::Result<Jws> read_jws(std::string_view token);

/// When the token says that it ends, in milliseconds since the Unix epoch. For who was given it and
/// wants to renew it: nothing of it is checked.
[[nodiscard]] std::optional<uint64_t> peek_expiry_ms(std::string_view token);

/// The text to sign: the header for that key, a dot, and the payload.
[[nodiscard]] std::string signing_text(const Key& key, std::string_view payload);
[[nodiscard]] std::string with_signature(std::string signed_text, std::string_view signature);

/// Checks and makes signatures; the one thing that needs a library.
class Signatures {
  public:
    virtual ~Signatures() = default;
    /// By the key's own algorithm. False also for a signature of a wrong length.
    [[nodiscard]] virtual bool is_good(const Key& key, std::string_view text,
                                       std::string_view signature) const = 0;
};

}  // namespace tandem::auth
