#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/connection.hpp"
#include "net/shared_bytes.hpp"
#include "net/websocket_frames.hpp"

namespace tandem::net {

enum class WsDataKind : uint8_t { kText, kBinary };

// Why nothing is read from a WebSocket; it goes on when no reason is left.
enum class PauseReason : uint8_t {
    kBacklog = 1,  // What came before is not done.
    kRate = 2,     // It comes too fast.
};

struct WsOptions {
    size_t message_bytes_max = 64 * 1024;
    // A connection whose output grows past this is dropped. A feeder that stops at
    // `low_watermark_bytes` and goes on at on_writable() never comes near it.
    size_t queue_bytes_max = 4 * 1024 * 1024;
    size_t low_watermark_bytes = 64 * 1024;
    uint64_t ping_interval_ms = 25'000;  // After this long without input; 0 sends none.
    uint64_t idle_timeout_ms = 60'000;   // Without any input; 0 is no limit.
    uint64_t stall_timeout_ms = 60'000;  // With output waiting of which nothing is taken; 0: none.
    // For a message, from its first byte to its last, and a second more for each 16 KiB; 0: none.
    uint64_t message_timeout_ms = 60'000;
    uint64_t close_timeout_ms = 5'000;  // For the peer's answer to a close frame.
    // Messages of fewer bytes are sent as they are.
    size_t deflate_bytes_min = 1024;
    // Of what is sent compressed; 0: permessage-deflate is not agreed on.
    uint8_t deflate_window_bits = 0;
};

class WsConnection;

// The callbacks of one WebSocket. All come from the reactor's thread, and none from inside a
// member function of WsConnection.
class WebSocketHandler {
  public:
    virtual ~WebSocketHandler() = default;
    virtual void on_open(WsConnection& connection) = 0;
    // `data` may be used until the call returns.
    virtual void on_message(WsConnection& connection, std::string_view data, WsDataKind kind) = 0;
    // The output fell to the low watermark after it had been above.
    virtual void on_writable(WsConnection& connection) = 0;
    // The last call, before the handler is destroyed. `code` is the peer's, or that of close(),
    // or kWsCloseAbnormal.
    virtual void on_close(WsConnection& connection, uint16_t code) = 0;
};

// Told that a WebSocket has ended; may destroy it.
class WsOwner {
  public:
    virtual void on_websocket_closed(WsConnection& connection) = 0;

  protected:
    ~WsOwner() = default;
};

// A frame that is encoded once for any number of server connections: see send_framed().
[[nodiscard]] SharedBytes make_shared_frame(WsDataKind kind, std::string_view payload);
// The same, compressed, for connections of which takes_deflated() says that they take it. Empty
// where that would not be smaller.
[[nodiscard]] SharedBytes make_shared_deflated_frame(WsDataKind kind, std::string_view payload);

// An open WebSocket, of either side. It lives until on_close().
class WsConnection final : private ConnectionHandler {
  public:
    // `connection` is started, and its handshake is done.
    WsConnection(std::unique_ptr<Connection> connection, WsRole role, WsOptions options,
                 std::unique_ptr<WebSocketHandler> handler, WsOwner& owner);
    ~WsConnection();

    // Takes the stream over and calls on_open().
    void open();

    // Output goes out at the end of the turn; after close() it is ignored.
    void send(std::string_view payload, WsDataKind kind);
    // The header is written for this frame, the payload is shared.
    void send(SharedBytes payload, WsDataKind kind);
    // Bytes from make_shared_frame(). Only on the server's side: a client must mask every frame.
    void send_framed(SharedBytes frame);
    void ping(std::string_view payload);

    [[nodiscard]] size_t bytes_queued() const { return connection_->bytes_queued(); }
    // The same, with what has come of a message that is not whole yet.
    [[nodiscard]] size_t bytes_held() const {
        return connection_->bytes_held() + parser_.bytes_buffered();
    }
    [[nodiscard]] bool is_open() const { return state_ == State::kOpen; }
    // It was dropped since its peer took nothing for too long.
    [[nodiscard]] bool has_stalled() const { return has_stalled_; }
    // The peer reads frames of make_shared_deflated_frame(). One that asked for a window smaller
    // than the largest does not: it gets shared frames as they are.
    [[nodiscard]] bool takes_deflated() const {
        return options_.deflate_window_bits == kWsWindowBitsMax;
    }
    [[nodiscard]] size_t deflate_bytes_min() const { return options_.deflate_bytes_min; }

    // Begins the closing handshake; `code` must be one that may be sent.
    void close(uint16_t code, std::string_view reason);
    // Drops the connection without a handshake.
    void terminate(uint16_t code);

    // Timeouts for input are suspended while paused.
    void pause_reading(PauseReason reason = PauseReason::kBacklog);
    void resume_reading(PauseReason reason = PauseReason::kBacklog);

    [[nodiscard]] SocketAddress peer() const { return connection_->peer(); }
    [[nodiscard]] Reactor& reactor() { return connection_->reactor(); }
    [[nodiscard]] WebSocketHandler& handler() { return *handler_; }

    // Place in the owner's table.
    [[nodiscard]] size_t owner_index() const { return owner_index_; }
    void set_owner_index(size_t index) { owner_index_ = index; }

  private:
    enum class State : uint8_t {
        kOpen,
        kClosing,  // Our close frame is sent, the peer's is awaited.
        kClosed,
    };
    class MaskKeys;

    [[nodiscard]] size_t on_data(Connection& connection, std::span<char> data) override;
    void on_writable_low(Connection& connection) override;
    void on_deadline(Connection& connection) override;
    void on_closed(Connection& connection, CloseReason reason) override;

    void handle(const WsEvent& event);
    void write_frame(WsOpcode opcode, std::string_view payload, WsPayload form = WsPayload::kPlain);
    // False when the message is to be sent as it is.
    [[nodiscard]] bool send_deflated(std::string_view payload, WsDataKind kind);
    // True when there is room; otherwise the connection is dropped.
    [[nodiscard]] bool reserve(size_t bytes);
    void arm_deadline();
    // What comes in drops holds a place, and memory.
    [[nodiscard]] bool is_message_late() const;
    // As long, or until who takes nothing, or sends in drops, is to be dropped.
    void set_deadline(uint64_t delay_ms);
    void answer_close(uint16_t peer_code, std::string_view reason);

    std::unique_ptr<Connection> connection_;
    std::unique_ptr<WebSocketHandler> handler_;
    std::unique_ptr<MaskKeys> mask_keys_;  // Only on the client's side.
    WsOwner& owner_;
    WsOptions options_;
    FrameParser parser_;
    size_t owner_index_ = 0;
    WsRole role_;
    uint64_t message_since_ms_ = 0;  // Of one that is not whole yet.
    State state_ = State::kOpen;
    bool has_stalled_ = false;
    uint8_t pauses_ = 0;  // Reasons, as bits.
    uint16_t close_code_ = kWsCloseAbnormal;
};

}  // namespace tandem::net
