#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gateway/framed.hpp"
#include "net/shared_bytes.hpp"

namespace tandem::gateway {

/// The way to one client of the hub, whatever carries it: a WebSocket, or a stream of events with
/// the client's messages in requests of their own. Belongs to the thread of its host.
class ClientLink {
  public:
    /// False once either side has begun to close it; what is sent then goes nowhere.
    [[nodiscard]] virtual bool is_open() const = 0;
    /// Output that the network has not taken yet.
    [[nodiscard]] virtual size_t bytes_queued() const = 0;
    /// The same, with what has come of a message that is not whole yet.
    [[nodiscard]] virtual size_t bytes_held() const { return bytes_queued(); }
    /// How frames are made for it.
    [[nodiscard]] virtual FrameForm form() const = 0;
    /// A frame in that form.
    virtual void send(net::SharedBytes frame) = 0;
    /// `code` is one of WebSockets, which other links tell in their own way.
    virtual void close(uint16_t code, std::string_view reason) = 0;
    /// Ends it at once; what waits to be sent goes with it.
    virtual void drop() = 0;
    /// The client's messages wait until `resume_reading`.
    virtual void pause_reading() = 0;
    virtual void resume_reading() = 0;

  protected:
    ~ClientLink() = default;
};

}  // namespace tandem::gateway
