#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "net/http_types.hpp"

namespace tandem::gateway {

inline constexpr std::string_view kApiPrefix = "/api/v1/";

/// One address of the HTTP API, as docs/openapi.json describes it. HEAD goes where GET does.
struct ApiRoute {
    enum Id : uint8_t {
        openapi,
        connections,
        channels,
        channel,
        record,
        entries,
        changes,
        conflicts,
        hashes,
        presence,
        versions,
        restore,
        texts,
        text,
        text_versions,
        text_changes,
        text_restore,
        webhooks,
        revocations,
    };
    Id id;
    std::string_view path;  ///< below the prefix; {channel} stands for a channel's name
    uint8_t methods;        ///< bits by number
    std::array<std::string_view, 6> query = {};  ///< names of parameters; the rest is empty

    [[nodiscard]] bool allows(net::HttpMethod method) const {
        return (methods >> static_cast<unsigned>(method) & 1) != 0;
    }
    [[nodiscard]] bool knows(std::string_view parameter) const {
        return !parameter.empty() &&
               std::find(query.begin(), query.end(), parameter) != query.end();
    }
    /// For the Allow header.
    [[nodiscard]] std::string allowed() const;
};

[[nodiscard]] std::span<const ApiRoute> api_routes();

struct ApiAddress {
    const ApiRoute* route = nullptr;  ///< null: there is nothing here
    std::string channel;
};
/// `path` is what follows the prefix, decoded. Ids of channels may hold slashes: what follows the
/// last one, if it is the name of a resource, is the resource.
[[nodiscard]] ApiAddress find_api_route(std::string_view path);

/// The OpenAPI description, docs/openapi.json as it was at the build.
[[nodiscard]] std::string_view openapi_text();

}  // namespace tandem::gateway
