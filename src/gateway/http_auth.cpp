#include "gateway/http_auth.hpp"

namespace tandem::gateway {

using auth::Capability;
using base::ErrorCode;

namespace {

constexpr std::string_view kBearer = "bearer ";

}  // namespace

base::Result<auth::GrantPtr> sender_of(const net::HttpRequest& request, const auth::Gate* gate,
                                       uint64_t now_ms) {
    if (gate == nullptr) return auth::GrantPtr();
    const bool has_token = request.headers.contains("authorization");
    const bool has_key = request.headers.contains(kApiKeyHeader);
    if (has_token && has_key) return ErrorCode::invalid_argument;
    if (has_key) return gate->check_api_key(request.headers.get(kApiKeyHeader));
    if (!has_token) return auth::GrantPtr();
    const std::string_view field = request.headers.get("authorization");
    if (!net::equals_ignoring_case(field.substr(0, kBearer.size()), kBearer))
        return ErrorCode::token_invalid;
    return gate->check(net::trim_blanks(field.substr(kBearer.size())), now_ms);
}

Need need_of(const ApiRoute& route, net::HttpMethod method) {
    const bool is_get = method == net::HttpMethod::kGet;
    switch (route.id) {
        case ApiRoute::openapi:
        case ApiRoute::entries:
        case ApiRoute::changes:
        case ApiRoute::hashes:
        case ApiRoute::texts:
        case ApiRoute::text_changes:
            break;
        case ApiRoute::presence:
            return {Capability::presence};
        case ApiRoute::connections:
        case ApiRoute::channels:
        case ApiRoute::webhooks:
        case ApiRoute::revocations:
            return {Capability::admin, true};
        case ApiRoute::channel:
            return {Capability::admin};
        case ApiRoute::record:
        case ApiRoute::conflicts:
        case ApiRoute::versions:
        case ApiRoute::text:
        case ApiRoute::text_versions:
            return {is_get ? Capability::read : Capability::write};
        case ApiRoute::restore:
        case ApiRoute::text_restore:
            return {Capability::write};
    }
    return {Capability::read};
}

base::Status check_need(const auth::Gate* gate, const auth::GrantPtr& grant, Need need,
                        std::string_view channel) {
    if (gate == nullptr || (grant == nullptr && !gate->is_required())) return {};
    if (grant == nullptr) return ErrorCode::unauthenticated;
    const auth::Capabilities rights =
        need.is_of_server ? grant->rights.on_all() : grant->rights.on(channel);
    if (!auth::has(rights, need.capability)) return ErrorCode::forbidden;
    return {};
}

}  // namespace tandem::gateway
