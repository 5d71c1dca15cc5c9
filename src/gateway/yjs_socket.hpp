#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/hub_host.hpp"
#include "net/websocket_connection.hpp"

namespace tandem::gateway {

/// Where providers of Yjs connect: `/yjs/ROOM`, as y-websocket forms it.
inline constexpr std::string_view kYjsPrefix = "/yjs/";
/// The namespace of rooms whose name has none.
inline constexpr std::string_view kYjsNamespace = "text";
/// The text of a room that names none.
inline constexpr std::string_view kYjsText = "main";

/// The channel of a room: its name, or `text:` and that.
[[nodiscard]] std::string channel_of_room(std::string_view room);

/// A WebSocket that speaks y-protocols about one text, as the stock provider y-websocket does.
class YjsSocket final : public net::WebSocketHandler {
  public:
    YjsSocket(HubHost& host, hub::ConnectionInfo info, std::string channel, std::string text)
        : host_(host),
          info_(std::move(info)),
          channel_(std::move(channel)),
          text_(std::move(text)) {}

    void on_open(net::WsConnection& connection) override;
    void on_message(net::WsConnection& connection, std::string_view data,
                    net::WsDataKind kind) override;
    void on_writable(net::WsConnection& connection) override;
    void on_close(net::WsConnection& connection, uint16_t code) override;

  private:
    HubHost& host_;
    hub::ConnectionInfo info_;
    std::string channel_;
    std::string text_;
    hub::ConnectionId id_ = 0;
};

}  // namespace tandem::gateway
