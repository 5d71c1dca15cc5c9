#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "net/address_limits.hpp"
#include "net/reactor.hpp"
#include "net/send_queue.hpp"
#include "net/shared_bytes.hpp"
#include "net/tcp_socket.hpp"
#include "net/tls.hpp"
#include "net/unique_fd.hpp"

namespace tandem::net {

enum class CloseReason : uint8_t {
    kPeer,    // The peer ended the stream.
    kLocal,   // close_gracefully() or abort() of this side.
    kFailed,  // Connecting, reading or writing failed.
};

class Connection;

class ConnectionHandler {
  public:
    // Returns the bytes consumed; the handler may change them in place. Consuming fewer than
    // given pauses reading: the rest comes again, first, after resume_reading().
    [[nodiscard]] virtual size_t on_data(Connection& connection, std::span<char> data) = 0;
    // The handshake of TLS is done; before, no data comes.
    virtual void on_secure(Connection& /*connection*/) {}
    // The output fell to the low watermark after it had been above.
    virtual void on_writable_low(Connection& connection) = 0;
    // The time set by set_deadline() has come.
    virtual void on_deadline(Connection& connection) = 0;
    // The last call, at the end of a turn; it may destroy the connection.
    virtual void on_closed(Connection& connection, CloseReason reason) = 0;

  protected:
    ~ConnectionHandler() = default;
};

// A TCP stream on a reactor, with or without TLS. Nothing that is called on it calls back into the
// handler: output leaves and a close is reported at the end of the turn. Reading uses the reactor's
// memory, so an idle connection holds only this object.
class Connection final : private IoHandler, private TurnEndHandler, private Sender {
  public:
    // `fd` is non-blocking and may still be connecting. Without `tls` it is in plain text.
    Connection(Reactor& reactor, UniqueFd fd, ConnectionHandler& handler,
               std::unique_ptr<TlsStream> tls = nullptr);
    ~Connection();

    // Begins to watch the socket; on an error nothing will be called.
    [[nodiscard]] base::Status start();
    void set_handler(ConnectionHandler& handler) { handler_ = &handler; }

    // Both are ignored once closing.
    void send(std::string_view data);
    void send(SharedBytes bytes);
    [[nodiscard]] size_t bytes_queued() const {
        return queue_.bytes() + (tls_ == nullptr ? 0 : tls_->out().bytes());
    }
    // How long the peer has taken nothing of what waits for it; 0: nothing waits, or it takes some.
    [[nodiscard]] uint64_t stalled_ms() const {
        return stalled_since_ms_ == 0 ? 0 : reactor_.now_ms() - stalled_since_ms_;
    }
    // What is in memory for it: output, and input that nobody has taken.
    [[nodiscard]] size_t bytes_held() const { return bytes_queued() + rest_.capacity(); }
    // Null without TLS.
    [[nodiscard]] const TlsStream* tls() const { return tls_.get(); }
    void set_low_watermark(size_t bytes) { low_watermark_ = bytes; }

    // From now on output leaves with that of others, after all work of the turn's end; before,
    // it leaves at the connection's own turn end.
    void set_sends_in_batches() { sends_in_batches_ = true; }

    void pause_reading();
    void resume_reading();
    [[nodiscard]] bool is_reading_paused() const { return is_paused_; }

    // 0 clears it.
    void set_deadline(uint64_t delay_ms);
    [[nodiscard]] uint64_t last_received_ms() const { return last_received_ms_; }

    // Sends what is queued, ends the stream and waits a little for the peer to do so as well:
    // closing with unread input would reset the stream and could lose the output.
    void close_gracefully();
    // Drops what is queued.
    void abort();
    [[nodiscard]] bool is_closing() const { return state_ != State::kOpen; }

    [[nodiscard]] SocketAddress peer() const { return peer_address(fd_.get()); }
    [[nodiscard]] IpAddress peer_ip() const { return net::peer_ip(fd_.get()); }
    // Counts for its address for as long as it is there.
    void hold(AddressLimits::Lease lease) { lease_ = std::move(lease); }
    [[nodiscard]] Reactor& reactor() { return reactor_; }

  private:
    enum class State : uint8_t {
        kOpen,
        kFlushing,   // Closing, with output left.
        kLingering,  // Our side is shut down; input is discarded until the peer's end.
        kDead,       // on_closed is due at the end of the turn.
        kClosed,
    };

    void on_io(uint32_t events) override;
    void on_turn_end() override;
    Piece begin_send(std::span<char> scratch) override;
    void end_send(ptrdiff_t sent, size_t offered) override;
    void send_now() override;
    void on_timer();
    void read();
    // Returns false when the handler left bytes.
    bool deliver(std::span<char> data);
    void receive(std::span<char> received);
    // Decrypts and delivers as much as the handler takes.
    void decrypt();
    // Answers HTTP without TLS; false: it is TLS, or nothing that could be answered.
    bool answer_plain_text(std::string_view received);
    // Encrypts as much as may wait for the socket.
    void encrypt();
    void drop_output();
    // What goes out as it is.
    [[nodiscard]] SendQueue& wire() { return tls_ == nullptr ? queue_ : tls_->out(); }
    [[nodiscard]] bool can_send();
    void flush();
    void note_flushed(FlushResult result);
    // What is left of a turn's end once the output has left, or could not.
    void finish_turn();
    void die(CloseReason reason);
    void update_events();
    void note_queued();

    Reactor& reactor_;
    ConnectionHandler* handler_;
    Timer timer_;
    SendQueue queue_;  // Before encryption.
    std::unique_ptr<TlsStream> tls_;
    std::string rest_;  // Input that the handler has not consumed.
    size_t low_watermark_ = 64 * 1024;
    uint64_t last_received_ms_ = 0;
    uint64_t stalled_since_ms_ = 0;
    AddressLimits::Lease lease_;
    UniqueFd fd_;
    uint32_t events_ = 0;
    State state_ = State::kOpen;
    CloseReason reason_ = CloseReason::kLocal;
    bool is_started_ = false;
    bool is_paused_ = false;
    bool is_blocked_ = false;
    bool was_above_low_ = false;
    bool is_rest_due_ = false;
    bool sends_in_batches_ = false;
};

}  // namespace tandem::net
