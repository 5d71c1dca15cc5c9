#include "gateway/hub_socket.hpp"

namespace tandem::gateway {

void TandemSocket::on_message(net::WsConnection& connection, std::string_view data,
                              net::WsDataKind kind) {
    const bool is_text = kind == net::WsDataKind::kText;
    if (is_text != (codec() == hub::Codec::json)) {
        connection.close(net::kWsClosePolicy, "the subprotocol wants the other message type");
        return;
    }
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
    on_binary(connection, data);
}

}  // namespace tandem::gateway
