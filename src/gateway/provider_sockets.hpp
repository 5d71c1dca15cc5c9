#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/hub_socket.hpp"
#include "net/reactor.hpp"

namespace tandem::gateway {

/// Where y-websocket connects: `/yjs/ROOM`, as it forms it.
inline constexpr std::string_view kYjsPrefix = "/yjs/";
/// Where providers of Hocuspocus connect.
inline constexpr std::string_view kHocuspocusPath = "/hocuspocus";
/// The namespace of rooms whose name has none.
inline constexpr std::string_view kYjsNamespace = "text";
/// The text of a room that names none.
inline constexpr std::string_view kYjsText = hub::kMainText;

/// The channel of a room: its name, or `text:` and that.
[[nodiscard]] std::string channel_of_room(std::string_view room);

/// A WebSocket that speaks y-protocols about one text, as the stock provider y-websocket does.
class YjsSocket final : public ProviderSocket {
  public:
    YjsSocket(HubHost& host, hub::ConnectionInfo info, std::string channel, std::string text)
        : ProviderSocket(host, std::move(info)),
          channel_(std::move(channel)),
          text_(std::move(text)) {}

  private:
    void on_binary(net::WsConnection& connection, std::string_view data) override;

    std::string channel_;
    std::string text_;
};

/// One that speaks of several documents, each named before every message, as the stock provider of
/// Hocuspocus does. A document is a room's text of the name that the socket was opened with.
class HocuspocusSocket final : public ProviderSocket {
  public:
    HocuspocusSocket(HubHost& host, hub::ConnectionInfo info, std::string text)
        : ProviderSocket(host, std::move(info)), text_(std::move(text)) {}

  private:
    void on_binary(net::WsConnection& connection, std::string_view data) override;
    void keep_awake(net::WsConnection& connection);

    std::string text_;
    /// Providers that tell their version close a connection on which they hear nothing for 30
    /// seconds, and take pings; older ones take none.
    std::optional<net::Timer> ping_;
};

}  // namespace tandem::gateway
