#include "net/http_session.hpp"

#include <algorithm>
#include <utility>

#include "net/http_response.hpp"

namespace tandem::net {

namespace {

// A client that pipelines requests without reading the answers has to wait at this much output.
constexpr size_t kPipelineBytesMax = 256 * 1024;
// For the first request of who will be refused.
constexpr uint64_t kRefusedTimeoutMs = 2'000;

}  // namespace

Responder::Responder(HttpSession& session) : session_(&session) { session.responder_ = this; }

Responder::Responder(Responder&& other) noexcept
    : session_(std::exchange(other.session_, nullptr)) {
    if (session_ != nullptr) session_->responder_ = this;
}

Responder& Responder::operator=(Responder&& other) noexcept {
    if (this == &other) return *this;
    if (session_ != nullptr) respond(session_->failure(500));
    session_ = std::exchange(other.session_, nullptr);
    if (session_ != nullptr) session_->responder_ = this;
    return *this;
}

Responder::~Responder() {
    if (session_ != nullptr) respond(session_->failure(500));
}

void Responder::respond(const HttpResponse& response) {
    if (HttpSession* session = std::exchange(session_, nullptr); session != nullptr) {
        session->responder_ = nullptr;
        session->respond(response);
    }
}

void Responder::add_header(std::string_view name, std::string_view value) {
    if (session_ != nullptr) session_->answer_headers_.add(name, value);
}

void Responder::stream(const HttpResponse& head, std::unique_ptr<HttpStreamHandler> handler) {
    if (HttpSession* session = std::exchange(session_, nullptr); session != nullptr) {
        session->responder_ = nullptr;
        session->start_stream(head, std::move(handler));
    }
}

void Responder::accept_websocket(const HttpResponse& response,
                                 std::unique_ptr<WebSocketHandler> handler, WsOptions options) {
    if (HttpSession* session = std::exchange(session_, nullptr); session != nullptr) {
        session->responder_ = nullptr;
        session->accept_websocket(response, std::move(handler), options);
    }
}

SocketAddress Responder::peer() const {
    return session_ == nullptr ? SocketAddress{"", 0} : session_->peer();
}

IpAddress Responder::peer_ip() const {
    return session_ == nullptr ? IpAddress() : session_->peer_ip();
}

HttpSession::HttpSession(ServerEndpoint& endpoint, UniqueFd fd, std::unique_ptr<TlsStream> tls,
                         size_t given_index)
    : index(given_index),
      endpoint_(endpoint),
      connection_(std::make_unique<Connection>(endpoint.reactor_, std::move(fd),
                                               static_cast<ConnectionHandler&>(*this),
                                               std::move(tls))) {}

HttpSession::~HttpSession() {
    if (responder_ != nullptr) responder_->session_ = nullptr;
    if (is_refused_) --endpoint_.refused_;
}

void HttpSession::refuse(base::Error error) {
    is_refused_ = true;
    ++endpoint_.refused_;
    refusal_status_ = error.code == base::ErrorCode::overloaded ? 503 : 429;
    // Where it is the number of connections, one may end at any moment.
    const uint64_t wait_ms = error.code == base::ErrorCode::rate_limited ? error.detail : 0;
    retry_after_s_ = static_cast<uint32_t>(std::max<uint64_t>((wait_ms + 999) / 1000, 1));
}

base::Status HttpSession::start() {
    TANDEM_CHECK(connection_->start());
    const EndpointOptions& options = endpoint_.options_;
    connection_->set_deadline(is_refused_                     ? kRefusedTimeoutMs
                              : connection_->tls() != nullptr ? options.handshake_timeout_ms
                                                              : options.idle_timeout_ms);
    return {};
}

void HttpSession::close() {
    state_ = State::kClosing;
    parser_.reset();
    connection_->close_gracefully();
}

void HttpSession::close_when_idle() {
    is_keep_alive_ = false;
    if (state_ == State::kReading && !parser_) close();
    if (state_ == State::kStreaming) end();
}

size_t HttpSession::on_data(Connection& connection, std::span<char> data) {
    size_t used = 0;
    while (used < data.size()) {
        // What a client sends during a stream has no meaning; reading on shows its end.
        if (state_ == State::kStreaming || state_ == State::kClosing) return data.size();
        if (state_ != State::kReading) return used;
        if (connection.bytes_queued() > kPipelineBytesMax) {
            connection.pause_reading();
            return used;
        }
        if (!parser_) {
            parser_.emplace(endpoint_.options_.http);
            if (!is_refused_) connection.set_deadline(endpoint_.options_.request_timeout_ms);
        }
        used += parser_->feed({data.data() + used, data.size() - used});
        if (parser_->state() == HttpParserState::kFailed) {
            fail(parser_->error_status());
            return data.size();
        }
        if (parser_->take_continue_expected()) {
            connection.send(std::string_view("HTTP/1.1 100 Continue\r\n\r\n"));
        }
        if (parser_->state() == HttpParserState::kComplete) dispatch();
    }
    return used;
}

void HttpSession::dispatch() {
    HttpRequest request = parser_->take_request();
    parser_.reset();
    answer_headers_ = {};
    connection_->set_deadline(0);
    method_ = request.method;
    minor_version_ = request.minor_version;
    is_keep_alive_ = request.is_keep_alive && !endpoint_.is_closing_;
    if (is_refused_) return fail(refusal_status_);
    state_ = State::kWaiting;
    endpoint_.handler_.on_request(std::move(request), Responder(*this));
}

void HttpSession::send_response(const HttpResponse& response, HttpBodyKind body_kind) {
    std::string out;
    out.reserve(response.body.size() + 512);
    const HttpWireOptions options{body_kind, is_keep_alive_, endpoint_.date()};
    if (answer_headers_.all().empty()) {
        append_response(out, response, options);
    } else {
        HttpResponse whole = response;
        for (const auto& [name, value] : answer_headers_.all())
            whole.headers.add(name, value);
        append_response(out, whole, options);
    }
    connection_->send(std::string_view(out));
}

HttpResponse HttpSession::failure(int status) const {
    const auto& make = endpoint_.options_.make_failure;
    return make ? make(status) : make_status_response(status);
}

void HttpSession::fail(int status) {
    is_keep_alive_ = false;
    answer_headers_ = {};
    HttpResponse response = failure(status);
    if (retry_after_s_ != 0) response.headers.set("Retry-After", std::to_string(retry_after_s_));
    send_response(response, HttpBodyKind::kWhole);
    close();
}

void HttpSession::finish_answer() {
    if (!is_keep_alive_ || endpoint_.is_closing_) {
        close();
        return;
    }
    state_ = State::kReading;
    connection_->set_deadline(endpoint_.options_.idle_timeout_ms);
    connection_->resume_reading();
}

void HttpSession::respond(const HttpResponse& response) {
    if (state_ != State::kWaiting) return;
    if (endpoint_.is_closing_) is_keep_alive_ = false;
    send_response(response,
                  method_ == HttpMethod::kHead ? HttpBodyKind::kHeadOnly : HttpBodyKind::kWhole);
    finish_answer();
}

void HttpSession::start_stream(const HttpResponse& head,
                               std::unique_ptr<HttpStreamHandler> handler) {
    if (state_ != State::kWaiting) return;
    if (method_ == HttpMethod::kHead) {
        send_response(head, HttpBodyKind::kChunked);
        finish_answer();
        return;
    }
    if (minor_version_ == 0) is_keep_alive_ = false;
    send_response(head, minor_version_ == 0 ? HttpBodyKind::kUntilClose : HttpBodyKind::kChunked);
    stream_handler_ = std::move(handler);
    state_ = State::kStreaming;
    connection_->set_deadline(endpoint_.options_.stall_timeout_ms);
    is_stream_opening_ = true;
    connection_->resume_reading();
    endpoint_.reactor_.schedule_turn_end(*this);
}

void HttpSession::accept_websocket(const HttpResponse& response,
                                   std::unique_ptr<WebSocketHandler> handler, WsOptions options) {
    if (state_ != State::kWaiting) return;
    if (response.status != 101 || endpoint_.is_closing_) {
        respond(response.status == 101 ? make_status_response(503) : response);
        return;
    }
    send_response(response, HttpBodyKind::kWhole);
    websocket_handler_ = std::move(handler);
    websocket_options_ = std::make_unique<WsOptions>(options);
    state_ = State::kUpgrading;
    endpoint_.reactor_.schedule_turn_end(*this);
}

void HttpSession::on_turn_end() {
    if (state_ == State::kStreaming && is_stream_opening_) {
        is_stream_opening_ = false;
        stream_handler_->on_open(*this);
        return;
    }
    if (state_ == State::kUpgrading) {
        ServerEndpoint& endpoint = endpoint_;
        auto connection = std::move(connection_);
        auto handler = std::move(websocket_handler_);
        const WsOptions options = *websocket_options_;
        endpoint.remove(*this);
        endpoint.adopt(std::move(connection), std::move(handler), options);
    }
}

bool HttpSession::reserve(size_t bytes) {
    if (state_ != State::kStreaming || bytes == 0) return false;
    if (connection_->bytes_queued() + bytes <= endpoint_.options_.queue_bytes_max) return true;
    state_ = State::kClosing;
    connection_->abort();
    return false;
}

void HttpSession::write(SharedBytes data) {
    if (!reserve(data.size())) return;
    if (minor_version_ == 0) return connection_->send(std::move(data));
    connection_->send(std::string_view(chunk_head(data.size())));
    connection_->send(std::move(data));
    connection_->send(kChunkEnd);
}

void HttpSession::write(std::string_view data) {
    if (!reserve(data.size())) return;
    if (minor_version_ == 0) {
        connection_->send(data);
        return;
    }
    std::string chunk;
    chunk.reserve(data.size() + 16);
    append_chunk(chunk, data);
    connection_->send(std::string_view(chunk));
}

void HttpSession::end() {
    if (state_ != State::kStreaming) return;
    if (minor_version_ != 0) connection_->send(kLastChunk);
    // The connection is not used again: on_close() of the stream is then that of the connection.
    close();
}

void HttpSession::on_secure(Connection& connection) {
    connection.set_deadline(endpoint_.options_.idle_timeout_ms);
}

void HttpSession::on_writable_low(Connection& connection) {
    if (state_ == State::kStreaming) {
        if (!is_stream_opening_) stream_handler_->on_writable(*this);
    } else if (state_ == State::kReading) {
        connection.resume_reading();
    }
}

void HttpSession::on_deadline(Connection& connection) {
    if (state_ == State::kStreaming) {
        const uint64_t limit_ms = endpoint_.options_.stall_timeout_ms;
        const uint64_t stalled_ms = connection.stalled_ms();
        if (stalled_ms >= limit_ms) return connection.abort();
        return connection.set_deadline(limit_ms - stalled_ms);
    }
    if (state_ != State::kReading) return;
    if (parser_ && !parser_->is_idle()) {
        fail(408);
    } else {
        close();
    }
}

void HttpSession::on_closed(Connection& /*connection*/, CloseReason /*reason*/) {
    if (stream_handler_ && !is_stream_opening_) stream_handler_->on_close(*this);
    endpoint_.remove(*this);
}

}  // namespace tandem::net
