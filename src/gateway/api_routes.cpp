#include "gateway/api_routes.hpp"

namespace tandem::gateway {

namespace {

using net::HttpMethod;

constexpr uint8_t bits(std::initializer_list<HttpMethod> methods) {
    uint8_t out = 0;
    for (const HttpMethod method : methods)
        out = static_cast<uint8_t>(out | 1u << static_cast<unsigned>(method));
    return out;
}

constexpr std::string_view kOfChannel = "channels/{channel}/";

constexpr ApiRoute kRoutes[] = {
    {ApiRoute::openapi, "openapi.json", bits({HttpMethod::kGet})},
    {ApiRoute::connections, "connections", bits({HttpMethod::kGet})},
    {ApiRoute::channels, "channels", bits({HttpMethod::kGet}), {"prefix", "after", "limit"}},
    {ApiRoute::channel, "channels/{channel}", bits({HttpMethod::kDelete})},
    {ApiRoute::record,
     "channels/{channel}/record",
     bits({HttpMethod::kGet, HttpMethod::kPatch, HttpMethod::kPut}),
     {"path", "at", "version", "form", "base"}},
    {ApiRoute::entries, "channels/{channel}/entries", bits({HttpMethod::kGet}), {"after", "limit"}},
    {ApiRoute::changes,
     "channels/{channel}/changes",
     bits({HttpMethod::kGet}),
     {"from", "to", "limit"}},
    {ApiRoute::conflicts,
     "channels/{channel}/conflicts",
     bits({HttpMethod::kGet, HttpMethod::kPost}),
     {"all", "after"}},
    {ApiRoute::hashes, "channels/{channel}/hashes", bits({HttpMethod::kPost})},
    {ApiRoute::presence, "channels/{channel}/presence", bits({HttpMethod::kGet})},
    {ApiRoute::versions,
     "channels/{channel}/versions",
     bits({HttpMethod::kGet, HttpMethod::kPost, HttpMethod::kDelete}),
     {"name"}},
    {ApiRoute::restore, "channels/{channel}/restore", bits({HttpMethod::kPost})},
    {ApiRoute::texts, "channels/{channel}/texts", bits({HttpMethod::kGet})},
    {ApiRoute::text,
     "channels/{channel}/text",
     bits({HttpMethod::kGet, HttpMethod::kPost}),
     {"name", "as", "root", "kind", "at", "version"}},
    {ApiRoute::text_versions,
     "channels/{channel}/text-versions",
     bits({HttpMethod::kGet, HttpMethod::kPost, HttpMethod::kDelete}),
     {"name", "at", "version"}},
    {ApiRoute::text_changes,
     "channels/{channel}/text-changes",
     bits({HttpMethod::kGet}),
     {"name", "from", "to", "from_version", "to_version"}},
    {ApiRoute::text_restore,
     "channels/{channel}/text-restore",
     bits({HttpMethod::kPost}),
     {"name"}},
    {ApiRoute::webhooks, "webhooks", bits({HttpMethod::kGet, HttpMethod::kPost})},
    {ApiRoute::revocations, "revocations", bits({HttpMethod::kGet, HttpMethod::kPost})},
};

}  // namespace

std::string ApiRoute::allowed() const {
    std::string out;
    for (const HttpMethod method : {HttpMethod::kGet, HttpMethod::kPost, HttpMethod::kPut,
                                    HttpMethod::kPatch, HttpMethod::kDelete})
        if (allows(method)) {
            out += (out.empty() ? "" : ", ") + std::string(method_name(method));
            if (method == HttpMethod::kGet) out += ", HEAD";
        }
    return out;
}

std::span<const ApiRoute> api_routes() { return kRoutes; }

ApiAddress find_api_route(std::string_view path) {
    constexpr std::string_view kChannels = "channels/";
    for (const ApiRoute& route : kRoutes)
        if (route.path == path) return {&route, {}};
    if (!path.starts_with(kChannels) || path.size() == kChannels.size()) return {};
    const std::string_view rest = path.substr(kChannels.size());
    if (const size_t slash = rest.rfind('/'); slash != std::string_view::npos)
        for (const ApiRoute& route : kRoutes)
            if (route.path.starts_with(kOfChannel) &&
                route.path.substr(kOfChannel.size()) == rest.substr(slash + 1))
                return {&route, std::string(rest.substr(0, slash))};
    for (const ApiRoute& route : kRoutes)
        if (route.id == ApiRoute::channel) return {&route, std::string(rest)};
    return {};
}

}  // namespace tandem::gateway
