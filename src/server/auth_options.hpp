#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "auth/trust.hpp"

namespace tandem::server {

/// Whose tokens are taken: one `[[auth.issuers]]`, or the settings of `[auth]` itself.
struct IssuerOptions {
    std::string name;      ///< `iss`
    std::string audience;  ///< `aud`
    std::string jwks;      ///< file
};

/// `[auth]`.
struct AuthOptions {
    enum class Mode : uint8_t {
        automatic,  ///< required where keys are configured; `tandem dev` asks for none
        required,
        optional,  ///< who brings a token is held to it, others may do everything
        off,
    };
    Mode mode = Mode::automatic;
    IssuerOptions issuer;
    std::vector<IssuerOptions> more_issuers;
    std::string api_keys;  ///< file
    uint64_t leeway_ms = auth::kLeewayMsDefault;

    [[nodiscard]] bool has_keys() const {
        return !issuer.jwks.empty() || !more_issuers.empty() || !api_keys.empty();
    }
};

}  // namespace tandem::server
