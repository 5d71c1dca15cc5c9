#include "gateway/provider_sockets.hpp"

#include "yjs/hocuspocus.hpp"

namespace tandem::gateway {

namespace {

constexpr uint64_t kHocuspocusPingMs = 10'000;
constexpr char kHocuspocusPing[] = {static_cast<char>(yjs::HocuspocusKind::ping)};

}  // namespace

std::string channel_of_room(std::string_view room) {
    std::string out(room);
    if (room.find(':') == std::string_view::npos) out = std::string(kYjsNamespace) + ':' + out;
    return out;
}

void YjsSocket::on_binary(net::WsConnection&, std::string_view data) {
    host().on_text(id(), {channel_, text_, std::string(data)});
}

void HocuspocusSocket::on_binary(net::WsConnection& connection, std::string_view data) {
    const auto frame = yjs::read_hocuspocus_frame(data);
    if (!frame) {
        connection.close(net::kWsClosePolicy, "a frame begins with the name of its document");
        return;
    }
    if (frame->key.empty()) return;
    if (!ping_) {
        const auto message = yjs::read_hocuspocus_message(frame->message);
        if (message && message->has_version) keep_awake(connection);
    }
    host().on_text(id(), {channel_of_room(yjs::document_of_key(frame->key)), text_,
                          std::string(frame->message), std::string(frame->key)});
}

void HocuspocusSocket::keep_awake(net::WsConnection& connection) {
    ping_.emplace(connection.reactor(), [this, &connection] {
        connection.send({kHocuspocusPing, sizeof kHocuspocusPing}, net::WsDataKind::kBinary);
        ping_->start(kHocuspocusPingMs);
    });
    ping_->start(kHocuspocusPingMs);
}

}  // namespace tandem::gateway
