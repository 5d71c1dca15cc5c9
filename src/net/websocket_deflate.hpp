#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/http_types.hpp"
#include "net/utf8_validator.hpp"

// permessage-deflate (RFC 7692). Each message is compressed by itself: no context is taken over in
// either direction, so that a compressed frame can be shared by all who get it, and a connection
// holds no state of zlib between messages.
namespace tandem::net {

inline constexpr uint8_t kWsWindowBitsMax = 15;

// What the server agrees to, of what one client offers.
struct WsDeflateAnswer {
    uint8_t window_bits = 0;  // 9 to 15, of what the server sends; 0: nothing is agreed on.
    bool names_window = false;

    [[nodiscard]] bool is_agreed() const { return window_bits != 0; }
};

// Takes the first acceptable offer of the fields Sec-WebSocket-Extensions. Nothing when the fields
// break the grammar of RFC 6455, section 9.1.
[[nodiscard]] std::optional<WsDeflateAnswer> choose_deflate(const HttpHeaders& headers);
// The value of Sec-WebSocket-Extensions that says so.
[[nodiscard]] std::string deflate_answer_value(const WsDeflateAnswer& answer);

// Compresses whole messages, keeping its 256 KiB from one to the next.
class WsDeflater {
  public:
    WsDeflater();
    ~WsDeflater();
    WsDeflater(WsDeflater&&) = delete;

    // The payload of a compressed message; valid until the next call. Nothing where that would not
    // be smaller.
    [[nodiscard]] std::optional<std::string_view> deflate(std::string_view message,
                                                          uint8_t window_bits);
    // That of this thread's event loop.
    [[nodiscard]] static WsDeflater& of_this_thread();

  private:
    struct Stream;
    std::unique_ptr<Stream> stream_;
    std::string out_;
};

enum class WsInflateResult : uint8_t { kDone, kTooBig, kInvalidData, kInvalidText };

// Decompresses whole messages. It serves any number of connections in turn: what it holds between
// messages is memory only.
class WsInflater {
  public:
    WsInflater();
    ~WsInflater();
    WsInflater(WsInflater&&) = delete;

    // Fills `out`, which is empty, and stops as soon as the message is over `bytes_max` or, with a
    // fresh validator, no UTF-8.
    [[nodiscard]] WsInflateResult inflate(std::string_view payload, size_t bytes_max,
                                          Utf8Validator* utf8, std::string& out);
    // That of this thread's event loop.
    [[nodiscard]] static WsInflater& of_this_thread();

  private:
    struct Stream;
    [[nodiscard]] WsInflateResult run(std::string_view piece, size_t bytes_max, Utf8Validator* utf8,
                                      std::string& out);

    std::unique_ptr<Stream> stream_;
};

}  // namespace tandem::net
