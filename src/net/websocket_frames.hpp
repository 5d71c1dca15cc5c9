#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "net/utf8_validator.hpp"
#include "net/websocket_deflate.hpp"

// RFC 6455 framing without I/O: bytes in, events out. The same parser serves both sides.
namespace tandem::net {

enum class WsOpcode : uint8_t {
    kContinuation = 0,
    kText = 1,
    kBinary = 2,
    kClose = 8,
    kPing = 9,
    kPong = 10,
};

enum class WsRole : uint8_t {
    kServer,  // Reads masked frames, writes unmasked ones.
    kClient,  // Reads unmasked frames, writes masked ones.
};

// Close codes of RFC 6455, section 7.4.1, and of the IANA registry.
inline constexpr uint16_t kWsCloseNormal = 1000;
inline constexpr uint16_t kWsCloseGoingAway = 1001;
inline constexpr uint16_t kWsCloseProtocolError = 1002;
inline constexpr uint16_t kWsCloseNoStatus = 1005;  // Never on the wire.
inline constexpr uint16_t kWsCloseAbnormal = 1006;  // Never on the wire.
inline constexpr uint16_t kWsCloseInvalidPayload = 1007;
inline constexpr uint16_t kWsClosePolicy = 1008;
inline constexpr uint16_t kWsCloseTooBig = 1009;
inline constexpr uint16_t kWsCloseInternalError = 1011;
inline constexpr uint16_t kWsCloseTryAgainLater = 1013;

inline constexpr size_t kWsHeaderBytesMax = 14;
inline constexpr size_t kWsControlBytesMax = 125;
inline constexpr size_t kWsMessageBytesMaxDefault = 16U * 1024 * 1024;

// True for the codes that a peer may put into a close frame.
[[nodiscard]] bool is_valid_close_code(uint16_t code);

using WsMaskKey = std::array<uint8_t, 4>;

// XORs `data` in place; `phase` is the offset of its first byte in the payload, modulo 4.
void apply_mask(char* data, size_t size, WsMaskKey key, size_t phase);

struct WsFrameLimits {
    size_t message_bytes_max = kWsMessageBytesMaxDefault;
};

enum class WsEventKind : uint8_t {
    kNeedMore,  // All input is consumed.
    kMessage,   // A whole text or binary message.
    kPing,
    kPong,
    kClose,  // `close_code` is kWsCloseNoStatus for an empty close frame; payload is the reason.
    kError,  // `close_code` says how to fail the connection; the parser stays in this state.
};

struct WsEvent {
    WsEventKind kind = WsEventKind::kNeedMore;
    bool is_binary = false;
    uint16_t close_code = 0;
    std::string_view payload;  // Valid until the next call and while the input bytes live.
};

class FrameParser {
  public:
    // With an inflater, borrowed, permessage-deflate is agreed on: it reads compressed messages.
    // Parsers of one thread may share it.
    explicit FrameParser(WsRole role, WsFrameLimits limits = {}, WsInflater* inflater = nullptr)
        : limits_(limits), inflater_(inflater), role_(role) {}

    // Takes the next event from `input` and advances it past the bytes used. Masked payloads are
    // unmasked in place; a message that arrives in one piece is returned without a copy.
    // Call until kNeedMore or kError.
    [[nodiscard]] WsEvent next(std::span<char>& input);

    [[nodiscard]] size_t bytes_buffered() const { return message_.capacity(); }
    // A message, or the header of a frame, has begun to come and is not whole.
    [[nodiscard]] bool is_inside_message() const {
        return message_opcode_ != 0 || header_size_ != 0 || payload_left_ != 0;
    }
    // What has come of it so far.
    [[nodiscard]] size_t message_bytes() const { return message_.size(); }

  private:
    [[nodiscard]] WsEvent fail(uint16_t code);
    // Returns false when more header bytes are needed; on a violation it sets failed_code_.
    [[nodiscard]] bool read_header(std::span<char>& input);
    [[nodiscard]] uint16_t check_header(uint64_t length, bool is_masked, bool is_minimal);
    [[nodiscard]] WsEvent finish_control(std::string_view payload);
    [[nodiscard]] WsEvent read_control(std::span<char>& input);
    // Consumes payload; sets `is_done` when the event is to be returned.
    [[nodiscard]] WsEvent read_data(std::span<char>& input, bool& is_done);
    // Turns a whole compressed message into what it says.
    [[nodiscard]] WsEvent inflate_message(std::string_view payload);
    [[nodiscard]] bool is_control() const { return (opcode_ & 8U) != 0; }

    WsFrameLimits limits_;
    WsInflater* inflater_;
    uint64_t payload_left_ = 0;
    std::string message_;  // Fragments and partly received payloads; released after delivery.
    std::string control_;
    std::array<uint8_t, kWsHeaderBytesMax> header_{};
    WsMaskKey mask_{};
    uint16_t failed_code_ = 0;
    uint8_t header_size_ = 0;
    uint8_t opcode_ = 0;          // Of the current frame.
    uint8_t message_opcode_ = 0;  // Of the message being assembled, 0 when there is none.
    uint8_t mask_phase_ = 0;
    WsRole role_;
    bool is_final_ = false;
    bool is_masked_ = false;
    bool is_in_payload_ = false;
    bool is_release_due_ = false;
    bool is_compressed_ = false;  // The message being assembled.
    Utf8Validator utf8_;
};

enum class WsPayload : uint8_t { kPlain, kDeflated };

// Header of an unmasked, final frame, as a server sends it.
void append_frame_header(std::string& out, WsOpcode opcode, uint64_t payload_bytes);
// Writes the same header to `out` and returns its size.
[[nodiscard]] size_t write_frame_header(std::array<char, kWsHeaderBytesMax>& out, WsOpcode opcode,
                                        uint64_t payload_bytes, WsPayload form = WsPayload::kPlain);
// A whole masked, final frame, as a client sends it.
void append_masked_frame(std::string& out, WsOpcode opcode, std::string_view payload,
                         WsMaskKey key);
// Payload of a close frame; the reason is cut, on a character boundary, to what fits.
[[nodiscard]] std::string make_close_payload(uint16_t code, std::string_view reason);

}  // namespace tandem::net
