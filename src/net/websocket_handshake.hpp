#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "net/http_types.hpp"
#include "net/websocket_deflate.hpp"

// The opening handshake of RFC 6455, section 4, without I/O.
namespace tandem::net {

// Value of Sec-WebSocket-Accept for a Sec-WebSocket-Key.
[[nodiscard]] std::string websocket_accept_value(std::string_view key);

struct WsHandshake {
    int status = 400;         // 101 when the request is a correct handshake.
    std::string subprotocol;  // The chosen one, or empty.
    std::string origin;       // For the caller to check; empty when a program connects.
    WsDeflateAnswer deflate;  // What is agreed on.
};

enum class WsCompression : uint8_t {
    kNone,     // Offers are passed over.
    kDeflate,  // permessage-deflate is agreed on with who offers it.
};

// `supported` is in order of preference. A client that offers only unknown subprotocols is
// accepted without one, as the RFC has it; the caller may refuse that.
[[nodiscard]] WsHandshake check_websocket_request(const HttpRequest& request,
                                                  std::span<const std::string_view> supported,
                                                  WsCompression compression);

// The answer to a request that passed: 101, or the refusal of one that did not.
[[nodiscard]] HttpResponse make_websocket_response(const HttpRequest& request,
                                                   const WsHandshake& handshake);

struct WsClientRequest {
    std::string_view host;  // With the port, as in the Host field.
    std::string_view target = "/";
    std::string_view key;  // base64 of 16 random bytes.
    std::span<const std::string_view> subprotocols;
    const HttpHeaders* extra_headers = nullptr;
};

[[nodiscard]] std::string make_websocket_request(const WsClientRequest& request);

struct WsClientAnswer {
    int status = 0;
    bool is_accepted = false;
    std::string subprotocol;
    uint64_t retry_after_ms = 0;  // Of a refusal that says so in seconds, an hour at most.
};

// `head` is the response up to and including the empty line.
[[nodiscard]] WsClientAnswer check_websocket_response(
    std::string_view head, std::string_view key, std::span<const std::string_view> subprotocols);

}  // namespace tandem::net
