#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "net/tcp_socket.hpp"

namespace tandem::server {

/// Where a server is.
struct ServerUrl {
    net::SocketAddress address;
};

/// From `http://host:port`, `ws://host:port` or `host:port`; a path is ignored. Fails with
/// `invalid_argument`; https and wss are not there yet.
[[nodiscard]] base::Result<ServerUrl> parse_url(std::string_view text);

}  // namespace tandem::server
