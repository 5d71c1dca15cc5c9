#include "net/client_connection.hpp"

#include <sys/random.h>

#include <array>

#include "base/assert.hpp"
#include "base/base64.hpp"
#include "net/http_parser.hpp"
#include "net/sha1.hpp"
#include "net/websocket_handshake.hpp"

namespace tandem::net {

namespace {

std::string random_key() {
    std::array<char, 16> bytes{};
    (void)::getrandom(bytes.data(), bytes.size(), 0);
    return base::to_base64({bytes.data(), bytes.size()});
}

}  // namespace

WsClient::WsClient(Reactor& reactor) : reactor_(reactor) {}

WsClient::~WsClient() = default;

base::Status WsClient::connect(WsClientOptions options, std::unique_ptr<WebSocketHandler> handler,
                               OnFailed on_failed) {
    TANDEM_ASSERT(is_idle());
    SocketAddress address = options.address;
    if (options.tls != nullptr) {
        TANDEM_TRY(address, look_up(address));
    }
    TANDEM_TRY(UniqueFd fd, open_connection(address));
    auto connection = std::make_unique<Connection>(
        reactor_, std::move(fd), static_cast<ConnectionHandler&>(*this),
        options.tls == nullptr ? nullptr : options.tls->connect(options.address.host));
    TANDEM_CHECK(connection->start());
    connection_ = std::move(connection);
    options_ = std::move(options);
    handler_ = std::move(handler);
    on_failed_ = std::move(on_failed);
    key_ = random_key();
    head_.clear();
    subprotocol_.clear();
    status_ = 0;
    retry_after_ms_ = 0;
    is_accepted_ = false;

    const std::string host = to_text(options_.address);
    const std::vector<std::string_view> subprotocols(options_.subprotocols.begin(),
                                                     options_.subprotocols.end());
    WsClientRequest request;
    request.host = host;
    request.target = options_.target;
    request.key = key_;
    request.subprotocols = subprotocols;
    request.extra_headers = &options_.headers;
    connection_->send(std::string_view(make_websocket_request(request)));
    connection_->set_deadline(options_.connect_timeout_ms);
    return {};
}

size_t WsClient::on_data(Connection& connection, std::span<char> data) {
    if (is_accepted_) return 0;
    size_t used = 0;
    while (used < data.size()) {
        head_.push_back(data[used++]);
        if (head_.size() > kHttpHeadBytesMax) {
            connection.abort();
            return data.size();
        }
        if (head_.back() != '\n' || !head_.ends_with("\r\n\r\n")) continue;
        const std::vector<std::string_view> subprotocols(options_.subprotocols.begin(),
                                                         options_.subprotocols.end());
        const WsClientAnswer answer = check_websocket_response(head_, key_, subprotocols);
        status_ = answer.status;
        retry_after_ms_ = answer.retry_after_ms;
        if (!answer.is_accepted) {
            connection.abort();
            return data.size();
        }
        is_accepted_ = true;
        subprotocol_ = answer.subprotocol;
        reactor_.schedule_turn_end(*this);
        return used;
    }
    return used;
}

void WsClient::on_turn_end() {
    if (!is_accepted_ || !connection_) return;
    std::string().swap(head_);
    websocket_ =
        std::make_unique<WsConnection>(std::move(connection_), WsRole::kClient, options_.websocket,
                                       std::move(handler_), static_cast<WsOwner&>(*this));
    websocket_->open();
}

void WsClient::on_writable_low(Connection& /*connection*/) {}

void WsClient::on_deadline(Connection& connection) { connection.abort(); }

void WsClient::on_closed(Connection& connection, CloseReason /*reason*/) {
    const bool is_refused =
        connection.tls() != nullptr && connection.tls()->state() == TlsStream::State::failed;
    failure_ = is_refused ? base::fail(base::ErrorCode::tls_failed, connection.tls()->failure())
                          : base::fail(base::ErrorCode::connection_closed);
    const std::unique_ptr<Connection> ended = std::move(connection_);
    const std::unique_ptr<WebSocketHandler> unused = std::move(handler_);
    const OnFailed on_failed = std::move(on_failed_);
    if (on_failed) on_failed(status_);
}

void WsClient::on_websocket_closed(WsConnection& /*connection*/) { websocket_.reset(); }

}  // namespace tandem::net
