#include "gateway/yjs_socket.hpp"

namespace tandem::gateway {

std::string channel_of_room(std::string_view room) {
    std::string out(room);
    if (room.find(':') == std::string_view::npos) out = std::string(kYjsNamespace) + ':' + out;
    return out;
}

void YjsSocket::on_open(net::WsConnection& connection) { id_ = host_.attach(connection, info_); }

void YjsSocket::on_message(net::WsConnection& connection, std::string_view data,
                           net::WsDataKind kind) {
    if (kind == net::WsDataKind::kText) {
        connection.close(net::kWsClosePolicy, "messages of y-protocols are binary");
        return;
    }
    host_.on_text(id_, {channel_, text_, std::string(data)});
}

void YjsSocket::on_writable(net::WsConnection&) { host_.on_writable(id_); }

// Who has gone says so: others see at once that its cursor has.
void YjsSocket::on_close(net::WsConnection&, uint16_t) {
    host_.detach(id_, hub::Hub::Farewell::clean);
}

}  // namespace tandem::gateway
