#include "gateway/hub_socket.hpp"

namespace tandem::gateway {

void HubSocket::meter(net::WsConnection& connection, size_t bytes) {
    if (!info_.is_counted || !connection.is_open()) return;
    const uint64_t wait_ms =
        meter_.charge(host_.config().limits, connection.reactor().now_ms(), bytes);
    if (wait_ms == 0) return;
    connection.pause_reading(net::PauseReason::kRate);
    if (hold_ == nullptr)
        hold_ = std::make_unique<net::Timer>(connection.reactor(), [&connection] {
            if (connection.is_open()) connection.resume_reading(net::PauseReason::kRate);
        });
    hold_->start(wait_ms);
}

void TandemSocket::on_message(net::WsConnection& connection, std::string_view data,
                              net::WsDataKind kind) {
    const bool is_text = kind == net::WsDataKind::kText;
    if (is_text != (codec() == hub::Codec::json)) {
        connection.close(net::kWsClosePolicy, "the subprotocol wants the other message type");
        return;
    }
    meter(connection, data.size());
    host().on_message(id(), data);
}

hub::Hub::Farewell TandemSocket::farewell_of(uint16_t code) const {
    const bool is_clean = code == net::kWsCloseNormal || code == net::kWsCloseGoingAway ||
                          code == net::kWsCloseNoStatus;
    return is_clean ? hub::Hub::Farewell::clean : hub::Hub::Farewell::lost;
}

void ProviderSocket::on_message(net::WsConnection& connection, std::string_view data,
                                net::WsDataKind kind) {
    if (kind == net::WsDataKind::kText) {
        connection.close(net::kWsClosePolicy, "messages about texts are binary");
        return;
    }
    meter(connection, data.size());
    on_binary(connection, data);
}

}  // namespace tandem::gateway
