#pragma once

#include <memory>
#include <optional>
#include <span>

#include "net/http_response.hpp"
#include "net/server_endpoint.hpp"

namespace tandem::net {

// One HTTP connection of an endpoint, until it ends or becomes a WebSocket. Requests are
// handled one after the other; pipelined ones wait in the connection.
class HttpSession final : private ConnectionHandler, private TurnEndHandler, private HttpStream {
  public:
    HttpSession(ServerEndpoint& endpoint, UniqueFd fd, std::unique_ptr<TlsStream> tls,
                size_t index);
    ~HttpSession();

    [[nodiscard]] base::Status start();
    void close_when_idle();
    void hold(AddressLimits::Lease lease) { connection_->hold(std::move(lease)); }
    // Its first request is answered with 429, or 503 where it is the server that has too many.
    // Before start().
    void refuse(base::Error error);

    void respond(const HttpResponse& response);
    void start_stream(const HttpResponse& head, std::unique_ptr<HttpStreamHandler> handler);
    void accept_websocket(const HttpResponse& response, std::unique_ptr<WebSocketHandler> handler,
                          WsOptions options);
    [[nodiscard]] SocketAddress peer() const override { return connection_->peer(); }
    [[nodiscard]] IpAddress peer_ip() const { return connection_->peer_ip(); }

    size_t index;  // In the endpoint's table.

  private:
    friend class Responder;
    enum class State : uint8_t {
        kReading,
        kWaiting,  // For the answer.
        kStreaming,
        kUpgrading,  // Until the end of the turn.
        kClosing,
    };

    [[nodiscard]] size_t on_data(Connection& connection, std::span<char> data) override;
    void on_secure(Connection& connection) override;
    void on_writable_low(Connection& connection) override;
    void on_deadline(Connection& connection) override;
    void on_closed(Connection& connection, CloseReason reason) override;
    void on_turn_end() override;

    void write(std::string_view data) override;
    void write(SharedBytes data) override;
    void end() override;
    [[nodiscard]] bool is_open() const override { return state_ == State::kStreaming; }
    [[nodiscard]] size_t bytes_queued() const override { return connection_->bytes_queued(); }

    void dispatch();
    void send_response(const HttpResponse& response, HttpBodyKind body_kind);
    void fail(int status);
    [[nodiscard]] HttpResponse failure(int status) const;
    void finish_answer();
    void close();
    // False where the stream is no more, or has grown past its limit and is dropped.
    [[nodiscard]] bool reserve(size_t bytes);

    ServerEndpoint& endpoint_;
    std::unique_ptr<Connection> connection_;
    std::optional<HttpParser> parser_;  // Dropped between requests, to keep idle ones small.
    Responder* responder_ = nullptr;
    HttpHeaders answer_headers_;  // Of whatever answers the request at hand.
    std::unique_ptr<HttpStreamHandler> stream_handler_;
    std::unique_ptr<WebSocketHandler> websocket_handler_;
    std::unique_ptr<WsOptions> websocket_options_;
    State state_ = State::kReading;
    HttpMethod method_ = HttpMethod::kGet;
    uint8_t minor_version_ = 1;
    bool is_keep_alive_ = true;
    bool is_stream_opening_ = false;
    bool is_refused_ = false;
    uint16_t refusal_status_ = 0;  // When it is.
    uint32_t retry_after_s_ = 0;
};

}  // namespace tandem::net
