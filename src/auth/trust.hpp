#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "auth/grant.hpp"
#include "auth/jws.hpp"
#include "auth/key.hpp"
#include "base/result.hpp"

namespace tandem::auth {

/// Whose tokens are taken. A key is known by its issuer and its `kid` together.
struct Issuer {
    std::string name;      ///< `iss` of its tokens; empty: they have none
    std::string audience;  ///< must be in `aud`; empty: they have none
    std::vector<Key> keys;
};

/// A clock of another machine may be off by so much.
inline constexpr uint64_t kLeewayMsDefault = 10'000;

struct Trust {
    std::vector<Issuer> issuers;
    uint64_t leeway_ms = kLeewayMsDefault;
};

/// Why a token is not taken, for `tandem checktoken`; what a peer is told is only the code.
enum class Flaw : uint8_t {
    none,
    form,       ///< no JWS of ours
    key,        ///< no key has its `kid` and its algorithm
    signature,  ///< those that have did not sign it
    claims,     ///< no claims, or some that are not of their type, or none where one is needed
    issuer,
    audience,
    early,  ///< `nbf` or `iat` is in the future
    expired,
};

/// Checks a token: first the signature, with the keys that have its `kid` and its algorithm, then
/// the claims, against the issuer whose key it was. Errors: `token_expired`, `too_large`, else
/// `token_invalid`. `now_ms` is the wall clock.
[[nodiscard]] base::Result<Grant> check_token(std::string_view token, const Trust& trust,
                                              const Signatures& signatures, uint64_t now_ms,
                                              Flaw* flaw = nullptr);

}  // namespace tandem::auth
