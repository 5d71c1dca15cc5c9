#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include "hub/hub.hpp"
#include "net/reactor.hpp"
#include "net/websocket_connection.hpp"

namespace tandem::gateway {

/// Runs a hub on a reactor: feeds it input and time, writes what it has to say as far as each
/// connection has room, and hands its work to the store once per turn. One per shard.
class HubHost final : private net::TurnEndHandler {
  public:
    /// Wall clock in milliseconds since the Unix epoch.
    using WallClock = std::function<uint64_t()>;
    using OnLog = std::function<void(const hub::LogLine&)>;
    using OnReply = std::function<void(hub::Reply&)>;

    HubHost(net::Reactor& reactor, const hub::Config& config, port::Store& store,
            port::Entropy& entropy, WallClock clock, OnLog on_log);

    /// A WebSocket speaks to the hub from here on, until `detach`. Borrowed.
    hub::ConnectionId attach(net::WsConnection& socket, const hub::ConnectionInfo& info);
    void detach(hub::ConnectionId id, hub::Hub::Farewell farewell);
    void on_message(hub::ConnectionId id, std::string_view message);
    void on_writable(hub::ConnectionId id);
    /// The store has completions.
    void on_store_ready();

    /// `on_reply` is called once, in this turn or a later one.
    void request(hub::Request request, OnReply on_reply);

    void begin_shutdown(uint64_t reconnect_after_ms);
    [[nodiscard]] bool is_idle() const { return hub_.is_idle(); }
    [[nodiscard]] bool has_failed() const { return hub_.has_failed(); }
    [[nodiscard]] const hub::Stats& stats() const { return hub_.stats(); }
    /// Called when the store fails for good.
    std::function<void()> on_failure;

  private:
    struct Socket {
        net::WsConnection* socket = nullptr;
        net::WsDataKind kind = net::WsDataKind::kBinary;
    };

    [[nodiscard]] hub::Now now() const;
    void on_turn_end() override;
    void pump(hub::ConnectionId id, Socket& socket);
    void arm_timer();

    net::Reactor& reactor_;
    WallClock clock_;
    OnLog on_log_;
    hub::Hub hub_;
    net::Timer timer_;
    uint64_t armed_for_ms_ = UINT64_MAX;
    std::unordered_map<hub::ConnectionId, Socket> sockets_;
    hub::ConnectionId next_connection_ = 1;
    std::unordered_map<uint64_t, OnReply> replies_;
    uint64_t next_request_ = 1;
    std::vector<hub::ConnectionId> scratch_ids_;
    std::vector<hub::FramePtr> scratch_frames_;
};

/// The handler of one Tandem WebSocket.
class TandemSocket final : public net::WebSocketHandler {
  public:
    TandemSocket(HubHost& host, hub::ConnectionInfo info) : host_(host), info_(std::move(info)) {}

    void on_open(net::WsConnection& connection) override;
    void on_message(net::WsConnection& connection, std::string_view data,
                    net::WsDataKind kind) override;
    void on_writable(net::WsConnection& connection) override;
    void on_close(net::WsConnection& connection, uint16_t code) override;

  private:
    HubHost& host_;
    hub::ConnectionInfo info_;
    hub::ConnectionId id_ = 0;
};

}  // namespace tandem::gateway
