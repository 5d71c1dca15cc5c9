#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "gateway/client_link.hpp"
#include "gateway/hub_host.hpp"
#include "gateway/message_meter.hpp"
#include "net/address_limits.hpp"
#include "net/reactor.hpp"
#include "net/websocket_connection.hpp"

namespace tandem::gateway {

/// The handler of a WebSocket that is a connection of the hub for as long as it is open.
class HubSocket : public net::WebSocketHandler, private ClientLink {
  public:
    /// Counts for its address for as long as it is there, where it came through a proxy.
    void hold(net::AddressLimits::Lease lease) { lease_ = std::move(lease); }

    void on_open(net::WsConnection& connection) final {
        connection_ = &connection;
        id_ = host_.attach(*this, info_);
    }
    void on_writable(net::WsConnection&) final { host_.on_writable(id_); }
    void on_close(net::WsConnection& connection, uint16_t code) final {
        if (connection.has_stalled()) host_.note_stalled();
        host_.detach(id_, farewell_of(code));
    }

  protected:
    /// Borrows the host.
    HubSocket(HubHost& host, hub::ConnectionInfo info) : host_(host), info_(std::move(info)) {}

    [[nodiscard]] HubHost& host() const { return host_; }
    [[nodiscard]] hub::ConnectionId id() const { return id_; }
    [[nodiscard]] hub::Codec codec() const { return info_.codec; }
    /// A message has come. When they come faster than they may, the next waits to be read.
    void meter(net::WsConnection& connection, size_t bytes);

  private:
    [[nodiscard]] bool is_open() const final { return connection_->is_open(); }
    [[nodiscard]] size_t bytes_queued() const final { return connection_->bytes_queued(); }
    [[nodiscard]] size_t bytes_held() const final { return connection_->bytes_held(); }
    void drop() final { connection_->terminate(net::kWsCloseTryAgainLater); }
    [[nodiscard]] FrameForm form() const final { return form_for(info_.codec, *connection_); }
    void send(net::SharedBytes frame) final { connection_->send_framed(std::move(frame)); }
    void close(uint16_t code, std::string_view reason) final { connection_->close(code, reason); }
    void pause_reading() final { connection_->pause_reading(); }
    void resume_reading() final { connection_->resume_reading(); }

    /// What others are told of an end with that code.
    [[nodiscard]] virtual hub::Hub::Farewell farewell_of(uint16_t code) const = 0;

    HubHost& host_;
    hub::ConnectionInfo info_;
    hub::ConnectionId id_ = 0;
    net::WsConnection* connection_ = nullptr;  ///< from `on_open` on
    net::AddressLimits::Lease lease_;
    MessageMeter meter_;
    std::unique_ptr<net::Timer> hold_;  ///< once it was needed
};

/// The handler of one Tandem WebSocket.
class TandemSocket final : public HubSocket {
  public:
    TandemSocket(HubHost& host, hub::ConnectionInfo info) : HubSocket(host, std::move(info)) {}

    void on_message(net::WsConnection& connection, std::string_view data,
                    net::WsDataKind kind) override;

  private:
    [[nodiscard]] hub::Hub::Farewell farewell_of(uint16_t code) const override;
};

/// One that is not let in, and is told when to come again. A page cannot read the status of a
/// refused handshake, so it is made.
class TurnedAwaySocket final : public net::WebSocketHandler {
  public:
    /// Borrows the host.
    TurnedAwaySocket(HubHost& host, hub::Codec codec) : host_(host), codec_(codec) {}

    void on_open(net::WsConnection& connection) override { host_.turn_away(connection, codec_); }
    void on_message(net::WsConnection&, std::string_view, net::WsDataKind) override {}
    void on_writable(net::WsConnection&) override {}
    void on_close(net::WsConnection&, uint16_t) override {}

  private:
    HubHost& host_;
    hub::Codec codec_;
};

/// Of a provider of Yjs: it speaks of texts, in binary messages.
class ProviderSocket : public HubSocket {
  public:
    void on_message(net::WsConnection& connection, std::string_view data,
                    net::WsDataKind kind) final;

  protected:
    using HubSocket::HubSocket;

  private:
    virtual void on_binary(net::WsConnection& connection, std::string_view data) = 0;
    /// Who has gone says so: others see at once that its cursor has.
    [[nodiscard]] hub::Hub::Farewell farewell_of(uint16_t) const final {
        return hub::Hub::Farewell::clean;
    }
};

}  // namespace tandem::gateway
