#include "net/server_endpoint.hpp"

#include <array>
#include <ctime>
#include <utility>

#include "net/http_session.hpp"

namespace tandem::net {

namespace {

// Of those whose address or server has too many connections, so many at a time are told why and
// when to come again. The others are closed at once, which costs next to nothing.
constexpr size_t kRefusedMax = 64;

}  // namespace

ServerEndpoint::ServerEndpoint(Reactor& reactor, EndpointOptions options, EndpointHandler& handler)
    : reactor_(reactor), options_(options), handler_(handler), listener_(reactor, *this) {}

ServerEndpoint::~ServerEndpoint() = default;

base::Status ServerEndpoint::listen(const SocketAddress& address) {
    return listener_.listen(address, options_.port_sharing);
}

void ServerEndpoint::on_accept(UniqueFd fd) {
    if (is_closing_) return;
    if (connection_count() >= options_.connections_max)
        return refuse(std::move(fd), base::fail(base::ErrorCode::overloaded));
    if (is_short_of_memory_ && sessions_.size() >= options_.sessions_when_short_max) return;
    AddressLimits::Lease lease;
    if (options_.address_limits != nullptr) {
        const IpAddress peer = peer_ip(fd.get());
        if (options_.proxies == nullptr || !options_.proxies->contains(peer)) {
            auto taken = options_.address_limits->connect(peer, reactor_.now_ms());
            if (!taken) return refuse(std::move(fd), taken.error());
            lease = *std::move(taken);
        }
    }
    std::unique_ptr<TlsStream> tls;
    if (options_.tls != nullptr) {
        tls = options_.tls->accept();
        if (tls == nullptr) return;
    }
    auto session =
        std::make_unique<HttpSession>(*this, std::move(fd), std::move(tls), sessions_.size());
    session->hold(std::move(lease));
    if (session->start().ok()) sessions_.push_back(std::move(session));
}

void ServerEndpoint::refuse(UniqueFd fd, base::Error error) {
    // A handshake would cost more than the answer is worth.
    if (refused_ >= kRefusedMax || options_.tls != nullptr) return;
    auto session = std::make_unique<HttpSession>(*this, std::move(fd), nullptr, sessions_.size());
    session->refuse(error);
    if (session->start().ok()) sessions_.push_back(std::move(session));
}

void ServerEndpoint::remove(HttpSession& session) {
    const size_t index = session.index;
    const std::unique_ptr<HttpSession> removed = std::move(sessions_[index]);
    if (index + 1 != sessions_.size()) {
        sessions_[index] = std::move(sessions_.back());
        sessions_[index]->index = index;
    }
    sessions_.pop_back();
}

void ServerEndpoint::adopt(std::unique_ptr<Connection> connection,
                           std::unique_ptr<WebSocketHandler> handler, WsOptions options) {
    auto websocket =
        std::make_unique<WsConnection>(std::move(connection), WsRole::kServer, options,
                                       std::move(handler), static_cast<WsOwner&>(*this));
    WsConnection& opened = *websocket;
    opened.set_owner_index(websockets_.size());
    websockets_.push_back(std::move(websocket));
    opened.open();
}

void ServerEndpoint::on_websocket_closed(WsConnection& connection) {
    const size_t index = connection.owner_index();
    const std::unique_ptr<WsConnection> removed = std::move(websockets_[index]);
    if (index + 1 != websockets_.size()) {
        websockets_[index] = std::move(websockets_.back());
        websockets_[index]->set_owner_index(index);
    }
    websockets_.pop_back();
}

void ServerEndpoint::close_all(uint16_t code, std::string_view reason) {
    is_closing_ = true;
    // Closing only marks: the tables change at the end of the turn.
    for (const auto& websocket : websockets_)
        websocket->close(code, reason);
    for (const auto& session : sessions_)
        session->close_when_idle();
}

std::string_view ServerEndpoint::date() {
    const std::time_t now = std::time(nullptr);
    if (now != date_second_ || date_.empty()) {
        std::tm parts{};
        ::gmtime_r(&now, &parts);
        std::array<char, 64> text{};
        const size_t size =
            std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
        date_.assign(text.data(), size);
        date_second_ = now;
    }
    return date_;
}

}  // namespace tandem::net
