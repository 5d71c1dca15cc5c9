#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "net/tcp_socket.hpp"
#include "net/tls.hpp"

namespace tandem::net {

struct Url {
    bool is_secure = false;  // https or wss.
    SocketAddress address;
    std::string target = "/";              // Path and query.
    std::shared_ptr<const TlsClient> tls;  // By open_url(), where it is secure.
};

// http, https, ws and wss; without user information. The port defaults to the scheme's, the host
// is not resolved. Errors: invalid_argument.
[[nodiscard]] base::Result<Url> parse_url(std::string_view text);

// The same, ready to connect to: with TLS where the scheme asks for it. `ca_file` as
// TlsClient::create() has it. Errors: invalid_argument, config_invalid (the file).
[[nodiscard]] base::Result<Url> open_url(std::string_view text, const std::string& ca_file);

}  // namespace tandem::net
