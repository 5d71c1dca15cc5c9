#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "net/address_limits.hpp"
#include "net/connection.hpp"
#include "net/http_parser.hpp"
#include "net/http_types.hpp"
#include "net/reactor.hpp"
#include "net/shared_bytes.hpp"
#include "net/tcp_socket.hpp"
#include "net/websocket_connection.hpp"

namespace tandem::net {

class HttpSession;

// A response whose body is sent as it comes to be, for example server-sent events.
class HttpStream {
  public:
    // Output goes out at the end of the turn; after end() it is ignored.
    virtual void write(std::string_view data) = 0;
    // The same without a copy.
    virtual void write(SharedBytes data) = 0;
    virtual void end() = 0;
    // False once it has been ended, by whomever.
    [[nodiscard]] virtual bool is_open() const = 0;
    [[nodiscard]] virtual size_t bytes_queued() const = 0;
    [[nodiscard]] virtual SocketAddress peer() const = 0;

  protected:
    ~HttpStream() = default;
};

class HttpStreamHandler {
  public:
    virtual ~HttpStreamHandler() = default;
    virtual void on_open(HttpStream& stream) = 0;
    // The output fell to the low watermark after it had been above.
    virtual void on_writable(HttpStream& stream) = 0;
    // The last call, whoever ended the stream, before the handler is destroyed.
    virtual void on_close(HttpStream& stream) = 0;
};

// The one chance to answer a request, now or later on the reactor's thread. It may outlive the
// connection and the endpoint: then answers go nowhere. Destroyed unused, it answers 500.
class Responder {
  public:
    explicit Responder(HttpSession& session);
    Responder(Responder&& other) noexcept;
    Responder& operator=(Responder&& other) noexcept;
    ~Responder();

    // False once answered, or when the client is gone.
    [[nodiscard]] bool is_live() const { return session_ != nullptr; }
    void respond(const HttpResponse& response);
    // Goes with whatever answers this request.
    void add_header(std::string_view name, std::string_view value);
    // `head` carries status and headers. Handlers of a client that is gone are dropped uncalled.
    void stream(const HttpResponse& head, std::unique_ptr<HttpStreamHandler> handler);
    // `response` is make_websocket_response(); when its status is not 101 it is only sent.
    void accept_websocket(const HttpResponse& response, std::unique_ptr<WebSocketHandler> handler,
                          WsOptions options);
    // Empty when the client is gone.
    [[nodiscard]] SocketAddress peer() const;
    [[nodiscard]] IpAddress peer_ip() const;

  private:
    friend class HttpSession;
    HttpSession* session_ = nullptr;
};

class EndpointHandler {
  public:
    virtual void on_request(HttpRequest request, Responder responder) = 0;

  protected:
    ~EndpointHandler() = default;
};

struct EndpointOptions {
    HttpParserLimits http;
    PortSharing port_sharing = PortSharing::kExclusive;
    size_t connections_max = 100'000;
    // How many may be there that speak HTTP, or have not said anything yet, while
    // is_short_of_memory.
    size_t sessions_when_short_max = 256;
    size_t queue_bytes_max = 4 * 1024 * 1024;  // Output of a stream before it is dropped.
    uint64_t request_timeout_ms = 30'000;      // From the first byte of a request to its last.
    uint64_t idle_timeout_ms = 60'000;         // Between requests, and before the first.
    uint64_t stall_timeout_ms = 60'000;        // Of a stream of which nothing is taken; 0: none.
    // Counts connections by their address; borrowed, null counts none. Those of the proxies are
    // not, since they are of many.
    AddressLimits* address_limits = nullptr;
    const TrustedProxies* proxies = nullptr;
    // Encrypts all connections; borrowed, null: they are in plain text.
    TlsServer* tls = nullptr;
    uint64_t handshake_timeout_ms = 10'000;
    // Makes the answer to what never reaches the handler: 400, 408, 413, 414, 417, 429, 431, 500,
    // 501, 503 or 505. Without it, that is a line of text.
    std::function<HttpResponse(int status)> make_failure;
};

// Listens, speaks HTTP and turns connections into WebSockets. One per reactor.
class ServerEndpoint final : private AcceptHandler, private WsOwner {
  public:
    ServerEndpoint(Reactor& reactor, EndpointOptions options, EndpointHandler& handler);
    // Drops all connections without calling their handlers.
    ~ServerEndpoint();

    [[nodiscard]] base::Status listen(const SocketAddress& address);
    [[nodiscard]] SocketAddress address() const { return listener_.address(); }
    // Until it is taken back, connections beyond sessions_when_short_max are closed unheard.
    void set_short_of_memory(bool is_short) { is_short_of_memory_ = is_short; }
    void stop_listening() { listener_.close(); }
    // Closes WebSockets with `code`, ends streams and closes idle HTTP connections; busy ones are
    // closed after their answer. connection_count() falls to 0 in the turns that follow.
    void close_all(uint16_t code, std::string_view reason);
    [[nodiscard]] size_t connection_count() const { return sessions_.size() + websockets_.size(); }
    [[nodiscard]] size_t websocket_count() const { return websockets_.size(); }

  private:
    friend class HttpSession;

    void on_accept(UniqueFd fd) override;
    void on_websocket_closed(WsConnection& connection) override;
    void remove(HttpSession& session);
    void adopt(std::unique_ptr<Connection> connection, std::unique_ptr<WebSocketHandler> handler,
               WsOptions options);
    [[nodiscard]] std::string_view date();
    void refuse(UniqueFd fd, base::Error error);

    Reactor& reactor_;
    EndpointOptions options_;
    EndpointHandler& handler_;
    TcpListener listener_;
    size_t refused_ = 0;  // Sessions that are there to be told so.
    std::vector<std::unique_ptr<HttpSession>> sessions_;
    std::vector<std::unique_ptr<WsConnection>> websockets_;
    std::string date_;
    int64_t date_second_ = 0;
    bool is_closing_ = false;
    bool is_short_of_memory_ = false;
};

}  // namespace tandem::net
