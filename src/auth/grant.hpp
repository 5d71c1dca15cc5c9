#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "auth/rights.hpp"
#include "base/value.hpp"

namespace tandem::auth {

/// What a good token says. Immutable and shared by the connections and pushes that it stands
/// behind, on several threads.
struct Grant {
    std::string subject;  ///< `sub`, with the issuer's name in front where there are several
    std::string id;       ///< `jti`, or empty
    std::string issuer;
    uint64_t expires_ms = UINT64_MAX;  ///< wall clock; UINT64_MAX: never, for keys of servers
    uint64_t issued_ms = 0;            ///< 0: it does not say
    base::Value info;                  ///< for presence; null: none
    base::Value claims;                ///< all others of its own, for rules about fields
    Rights rights;
    uint64_t key_print = 0;  ///< of the key that checked it

    /// Whether a claim is that text, or a list that has it.
    [[nodiscard]] bool claims_that(std::string_view name, std::string_view value) const;
};

using GrantPtr = std::shared_ptr<const Grant>;

}  // namespace tandem::auth
