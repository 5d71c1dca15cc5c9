#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "net/http_types.hpp"
#include "net/tcp_socket.hpp"
#include "net/tls.hpp"

namespace tandem::net {

struct HttpClientRequest {
    HttpMethod method = HttpMethod::kGet;
    std::string target = "/";
    HttpHeaders headers;
    std::string body;
    uint64_t timeout_ms = 10'000;
    // As in WsClientOptions. The name is looked up beyond the timeout.
    std::shared_ptr<const TlsClient> tls;
};

// One request on a connection of its own, waiting for the answer; for command line tools and
// tests. Errors: timed_out, connection_closed, protocol_error, tls_failed, and those of
// open_connection().
[[nodiscard]] base::Result<HttpResponse> http_fetch(const SocketAddress& address,
                                                    const HttpClientRequest& request);

// Sends `bytes` as they are and returns all that comes back until the peer closes.
[[nodiscard]] base::Result<std::string> tcp_exchange(const SocketAddress& address,
                                                     std::string_view bytes, uint64_t timeout_ms);

}  // namespace tandem::net
