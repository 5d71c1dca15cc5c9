#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "net/tcp_socket.hpp"

namespace tandem::net {

struct Url {
    bool is_secure = false;  // https or wss.
    SocketAddress address;
    std::string target = "/";  // Path and query.
};

// http, https, ws and wss; without user information. The port defaults to the scheme's, the host
// is not resolved. Errors: invalid_argument.
[[nodiscard]] base::Result<Url> parse_url(std::string_view text);

}  // namespace tandem::net
