#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "net/tcp_socket.hpp"
#include "net/unique_fd.hpp"
#include "net/websocket_frames.hpp"

namespace tandem::bench {

/// Nanoseconds of the monotonic clock.
uint64_t now_ns();
inline double to_ms(uint64_t ns) { return static_cast<double>(ns) / 1e6; }

/// A socket of the driver as the loop sees it.
class Pollable {
  public:
    virtual void on_io(uint32_t events) = 0;

  protected:
    ~Pollable() = default;
};

/// An epoll set. Pollables may be removed at any time, also by their own callback.
class Loop {
  public:
    Loop();
    void add(int fd, uint32_t events, Pollable& target);
    void modify(int fd, uint32_t events, Pollable& target);
    void remove(int fd);
    /// One wait of at most `timeout_ns`, and the callbacks of what is ready.
    void turn(uint64_t timeout_ns);
    /// The newest time that `turn` has read: when its events became known.
    uint64_t woke_ns() const { return woke_ns_; }

  private:
    net::UniqueFd epoll_;
    uint64_t woke_ns_ = 0;
    std::vector<Pollable*> ready_;
};

/// Ends the process with a message: a benchmark that cannot go on has measured nothing.
[[noreturn]] void die(const std::string& text);

/// "http://host:port" to its address.
net::SocketAddress address_of(std::string_view url);

/// One WebSocket of a driver. It counts bytes as they are on the TCP stream and can be cut at any
/// byte.
class Link final : private Pollable {
  public:
    struct Handler {
        std::function<void()> on_open;
        /// `wire_bytes` counts the frame's header as well.
        std::function<void(std::string_view message, size_t wire_bytes)> on_message;
        /// Not after `cut`.
        std::function<void()> on_lost;
    };

    /// Messages are binary with the subprotocol tandem.v1, else text; an empty one is not offered.
    Link(Loop& loop, net::SocketAddress server, std::string subprotocol, Handler handler,
         std::string target = "/connection/websocket");
    ~Link();
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    void connect();
    bool is_open() const { return state_ == State::open; }
    bool is_closed() const { return state_ == State::closed; }
    /// Queued until `flush`.
    void send(std::string_view message);
    void flush();
    /// Writes at most `bytes_more` of what is queued, wherever that ends, and drops the connection
    /// with a reset.
    void cut(size_t bytes_more);
    /// Cuts the open connection when so many more bytes have arrived; what follows is not seen.
    /// Then on_lost is called.
    void cut_after(size_t bytes) { cut_after_ = bytes; }

    /// Instead of ending the process, a refused handshake counts as a lost connection.
    void bear_refusals() { bears_refusals_ = true; }
    /// What the refusal of the last connection said; 0: it was none.
    uint64_t retry_after_ms() const { return retry_after_ms_; }
    uint64_t refusals() const { return refusals_; }

    uint64_t bytes_received() const { return bytes_received_; }
    uint64_t bytes_sent() const { return bytes_sent_; }
    size_t bytes_queued() const { return out_.size(); }

  private:
    enum class State : uint8_t { closed, handshake, open };

    void on_io(uint32_t events) override;
    void read();
    bool read_handshake();
    void parse(std::span<char> input);
    void lose();
    void close_fd();

    Loop& loop_;
    net::SocketAddress server_;
    std::string subprotocol_;
    std::string target_;
    Handler handler_;
    net::UniqueFd fd_;
    State state_ = State::closed;
    net::FrameParser parser_{net::WsRole::kClient};
    std::string key_;
    std::string head_;
    std::string out_;
    uint64_t generation_ = 0;
    size_t cut_after_ = SIZE_MAX;
    bool is_blocked_ = false;
    bool bears_refusals_ = false;
    uint64_t retry_after_ms_ = 0;
    uint64_t refusals_ = 0;
    uint64_t bytes_received_ = 0;
    uint64_t bytes_sent_ = 0;
    std::mt19937_64 random_{now_ns()};
};

}  // namespace tandem::bench
