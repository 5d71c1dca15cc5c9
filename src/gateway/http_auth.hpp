#pragma once

#include <string>
#include <string_view>

#include "auth/gate.hpp"
#include "gateway/api_routes.hpp"
#include "net/http_types.hpp"

namespace tandem::gateway {

/// The header field in which programs send their keys; tokens are in Authorization.
inline constexpr std::string_view kApiKeyHeader = "x-api-key";

/// Who sends the request: by the token in `Authorization: Bearer`, or by the key in `X-API-Key`,
/// not both. Null: nobody has said. Errors: token_invalid, token_expired, token_revoked,
/// invalid_argument (two of them).
[[nodiscard]] base::Result<auth::GrantPtr> sender_of(const net::HttpRequest& request,
                                                     const auth::Gate* gate, uint64_t now_ms);

/// What a request needs: a capability on the channel that it names, or on everything.
struct Need {
    auth::Capability capability = auth::Capability::read;
    bool is_of_server = false;
};
[[nodiscard]] Need need_of(const ApiRoute& route, net::HttpMethod method);

/// Whether who sends it may; else `unauthenticated` or `forbidden`. Without a gate everybody may,
/// and with one that asks for no tokens everybody who brings none.
[[nodiscard]] base::Status check_need(const auth::Gate* gate, const auth::GrantPtr& grant,
                                      Need need, std::string_view channel);

}  // namespace tandem::gateway
