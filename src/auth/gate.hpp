#pragma once

#include <cstdint>
#include <string_view>

#include "auth/grant.hpp"
#include "base/result.hpp"

namespace tandem::auth {

/// Who lets people in. Every event loop asks the same one: it is safe to use from all threads.
class Gate {
  public:
    virtual ~Gate() = default;
    /// Whether who brings no token may do nothing (or everything, where tokens are optional).
    [[nodiscard]] virtual bool is_required() const = 0;
    /// A token, at that time of the wall clock. Errors: token_invalid, token_expired,
    /// token_revoked, too_large.
    [[nodiscard]] virtual base::Result<GrantPtr> check(std::string_view token,
                                                       uint64_t now_ms) const = 0;
    /// The key of a program. Errors: token_invalid, token_revoked.
    [[nodiscard]] virtual base::Result<GrantPtr> check_api_key(std::string_view key) const = 0;
    /// It was revoked, or its key is no longer there.
    [[nodiscard]] virtual bool is_revoked(const Grant& grant) const = 0;
    /// An actor is its first subject's for ever: false when it is another's.
    [[nodiscard]] virtual bool claim_actor(std::string_view subject, uint64_t actor) = 0;
};

}  // namespace tandem::auth
