#pragma once

#include <string>
#include <vector>

#include "auth/grant.hpp"
#include "auth/trust.hpp"
#include "base/sha256.hpp"
#include "server/auth_options.hpp"
#include "server/options.hpp"

namespace tandem::server {

inline constexpr size_t kApiKeyBytesMin = 32;

/// The key of a program, which `X-API-Key` carries. Only its digest is kept.
struct ApiKey {
    base::Sha256Digest digest{};
    auth::GrantPtr grant;
};

/// All that decides whether somebody is let in.
struct AuthKeys {
    auth::Trust trust;
    std::vector<ApiKey> api_keys;
    bool has_dev_key = false;
};

/// Reads the files that the options name. What is wrong is added to `problems`.
[[nodiscard]] AuthKeys read_auth_keys(const AuthOptions& options, std::vector<Problem>& problems);

/// The key of `tandem dev`, with its private part: it is the same everywhere, so whoever has this
/// program can sign with it.
[[nodiscard]] auth::Key dev_key();
/// What `tandem dev` trusts: that key.
[[nodiscard]] AuthKeys dev_auth_keys(const AuthOptions& options);

}  // namespace tandem::server
