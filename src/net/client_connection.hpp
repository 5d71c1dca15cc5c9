#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "net/connection.hpp"
#include "net/http_types.hpp"
#include "net/reactor.hpp"
#include "net/tcp_socket.hpp"
#include "net/websocket_connection.hpp"

namespace tandem::net {

struct WsClientOptions {
    SocketAddress address;
    std::string target = "/";
    std::vector<std::string> subprotocols;  // In order of preference.
    HttpHeaders headers;                    // Further ones, for example Authorization.
    uint64_t connect_timeout_ms = 10'000;
    WsOptions websocket;
    // Null: in plain text, and the address is one in digits or "localhost". With it the host may be
    // a name, which is looked up while connect() waits, and which the certificate must be for.
    std::shared_ptr<const TlsClient> tls = nullptr;
};

// A WebSocket client on a reactor; one connection at a time.
class WsClient final : private ConnectionHandler, private TurnEndHandler, private WsOwner {
  public:
    explicit WsClient(Reactor& reactor);
    // Drops the connection without calling its handler.
    ~WsClient();

    // Called when no WebSocket came to be; with the status of the server's answer, or 0.
    using OnFailed = std::function<void(int status)>;

    // Either `on_failed` or handler->on_open() follows. An error is final at once: neither
    // follows. Not while connecting or connected; it may be called again from `on_failed`, and
    // in a turn after on_close().
    [[nodiscard]] base::Status connect(WsClientOptions options,
                                       std::unique_ptr<WebSocketHandler> handler,
                                       OnFailed on_failed);
    // Null unless the WebSocket is open or closing.
    [[nodiscard]] WsConnection* websocket() { return websocket_.get(); }
    [[nodiscard]] const std::string& subprotocol() const { return subprotocol_; }
    // Why the last connection failed before it was one: tls_failed, or connection_closed.
    [[nodiscard]] base::Error failure() const { return failure_; }
    // What the server's refusal of it said of when to come again; 0: nothing.
    [[nodiscard]] uint64_t retry_after_ms() const { return retry_after_ms_; }
    [[nodiscard]] bool is_idle() const { return !connection_ && !websocket_; }

  private:
    [[nodiscard]] size_t on_data(Connection& connection, std::span<char> data) override;
    void on_writable_low(Connection& connection) override;
    void on_deadline(Connection& connection) override;
    void on_closed(Connection& connection, CloseReason reason) override;
    void on_turn_end() override;
    void on_websocket_closed(WsConnection& connection) override;

    Reactor& reactor_;
    WsClientOptions options_;
    std::unique_ptr<Connection> connection_;
    std::unique_ptr<WsConnection> websocket_;
    std::unique_ptr<WebSocketHandler> handler_;
    OnFailed on_failed_;
    std::string key_;
    std::string head_;
    std::string subprotocol_;
    base::Error failure_ = base::fail(base::ErrorCode::connection_closed);
    int status_ = 0;
    uint64_t retry_after_ms_ = 0;
    bool is_accepted_ = false;
};

}  // namespace tandem::net
