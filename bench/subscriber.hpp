#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "link.hpp"

namespace tandem::bench {

/// Bytes of one change.
inline constexpr size_t kChangeBytes = 100;

/// The change of that number, which whoever gets it checks.
inline std::string change_text(uint64_t number) {
    std::string text = std::to_string(number);
    text.resize(kChangeBytes, 'x');
    return text;
}

/// One that is told every change. It decodes them and ends the driver when one is missing, comes
/// twice or is another than was written.
class Subscriber {
  public:
    virtual ~Subscriber() = default;
    /// From here on it is told.
    virtual bool is_ready() const = 0;
    /// How many changes it has.
    virtual uint64_t seq() const = 0;
    /// Of the newest one on the wire, with the header.
    virtual size_t newest_bytes() const = 0;
};

class Publisher {
  public:
    virtual ~Publisher() = default;
    virtual bool is_ready() const = 0;
    virtual uint64_t pushed() const = 0;
    virtual void push() = 0;
};

/// Those of other servers, by what they speak:
/// - `raw`: every message that a client sends is sent to all clients;
/// - `socketio`: the event "change" as well, by Socket.IO on WebSockets;
/// - `centrifugo`: publications on the channel "bench", by its JSON protocol.
std::unique_ptr<Subscriber> make_peer_subscriber(Loop& loop, const net::SocketAddress& server,
                                                 const std::string& protocol);
std::unique_ptr<Publisher> make_peer_publisher(Loop& loop, const net::SocketAddress& server,
                                               const std::string& protocol);

}  // namespace tandem::bench
