#include "net/websocket_frames.hpp"

#include <algorithm>
#include <cstring>

#include "net/words.hpp"

namespace tandem::net {

namespace {

// A message buffer above this size is given back after delivery, so that an idle connection
// holds no memory for the largest message it once received.
constexpr size_t kMessageBytesKept = 512;
// The declared length of a frame is only a claim: no more than this is reserved on its word.
constexpr uint64_t kReserveBytesMax = 64 * 1024;
constexpr uint8_t kRsv1 = 0x40;

// Of a compressed message as it comes: what cannot be made smaller grows by the headers of blocks,
// by a 25th at most with the smallest that zlib makes.
constexpr size_t compressed_bytes_max(size_t message_bytes_max) {
    return message_bytes_max + message_bytes_max / 16 + 64;
}

}  // namespace

bool is_valid_close_code(uint16_t code) {
    if (code >= 3000 && code <= 4999) return true;
    if (code >= 1000 && code <= 1003) return true;
    return code >= 1007 && code <= 1014;
}

void apply_mask(char* data, size_t size, WsMaskKey key, size_t phase) {
    std::array<char, 8> pattern{};
    for (size_t i = 0; i < 8; ++i)
        pattern[i] = static_cast<char>(key[(phase + i) & 3U]);
    const uint64_t word = load8(pattern.data());
    size_t i = 0;
    for (; size - i >= 32; i += 32) {
        store8(data + i, load8(data + i) ^ word);
        store8(data + i + 8, load8(data + i + 8) ^ word);
        store8(data + i + 16, load8(data + i + 16) ^ word);
        store8(data + i + 24, load8(data + i + 24) ^ word);
    }
    for (; size - i >= 8; i += 8)
        store8(data + i, load8(data + i) ^ word);
    for (; i < size; ++i)
        data[i] = static_cast<char>(data[i] ^ pattern[i & 7U]);
}

WsEvent FrameParser::fail(uint16_t code) {
    failed_code_ = code;
    return WsEvent{WsEventKind::kError, false, code, {}};
}

uint16_t FrameParser::check_header(uint64_t length, bool is_masked, bool is_minimal) {
    const unsigned reserved = header_[0] & 0x70U;
    // RSV1 stands on the first frame of a message (RFC 7692, section 6).
    const bool may_compress = inflater_ != nullptr && !is_control() && opcode_ != 0;
    if (reserved != 0 && !(reserved == kRsv1 && may_compress)) return kWsCloseProtocolError;
    if (is_masked != (role_ == WsRole::kServer)) return kWsCloseProtocolError;
    if (!is_minimal || length >> 63U != 0) return kWsCloseProtocolError;
    switch (static_cast<WsOpcode>(opcode_)) {
        case WsOpcode::kContinuation:
            if (message_opcode_ == 0) return kWsCloseProtocolError;
            break;
        case WsOpcode::kText:
        case WsOpcode::kBinary:
            if (message_opcode_ != 0) return kWsCloseProtocolError;
            break;
        case WsOpcode::kClose:
        case WsOpcode::kPing:
        case WsOpcode::kPong:
            if (!is_final_ || length > kWsControlBytesMax) return kWsCloseProtocolError;
            return 0;
        default:
            return kWsCloseProtocolError;  // Reserved opcodes: any value may arrive.
    }
    const bool is_compressed = opcode_ == 0 ? is_compressed_ : reserved != 0;
    const size_t bytes_max =
        is_compressed ? compressed_bytes_max(limits_.message_bytes_max) : limits_.message_bytes_max;
    if (length > bytes_max || message_.size() > bytes_max - length) return kWsCloseTooBig;
    return 0;
}

bool FrameParser::read_header(std::span<char>& input) {
    const auto fill = [&](size_t want) {
        const size_t take = std::min(want - std::min<size_t>(want, header_size_), input.size());
        if (take != 0) std::memcpy(header_.data() + header_size_, input.data(), take);
        header_size_ = static_cast<uint8_t>(header_size_ + take);
        input = input.subspan(take);
        return header_size_ >= want;
    };
    if (!fill(2)) return false;
    const auto short_length = static_cast<uint8_t>(header_[1] & 0x7FU);
    const bool is_masked = (header_[1] & 0x80U) != 0;
    const size_t length_bytes = short_length == 126 ? 2 : short_length == 127 ? 8 : 0;
    const size_t want = 2 + length_bytes + (is_masked ? 4 : 0);
    // A frame that breaks the rules in its first two bytes fails now, not when the rest arrives.
    opcode_ = header_[0] & 0x0FU;
    is_final_ = (header_[0] & 0x80U) != 0;
    if (const uint16_t code = check_header(0, is_masked, true); code != 0) {
        failed_code_ = code;
        return false;
    }
    if (!fill(want)) return false;

    uint64_t length = short_length;
    if (length_bytes != 0) {
        length = 0;
        for (size_t i = 0; i < length_bytes; ++i)
            length = length << 8U | header_[2 + i];
    }
    const bool is_minimal = length_bytes == 0 || (length_bytes == 2 && length > 125) ||
                            (length_bytes == 8 && length > 0xFFFF);
    if (const uint16_t code = check_header(length, is_masked, is_minimal); code != 0) {
        failed_code_ = code;
        return false;
    }
    if (is_masked) std::memcpy(mask_.data(), header_.data() + want - 4, 4);
    is_masked_ = is_masked;
    mask_phase_ = 0;
    payload_left_ = length;
    is_in_payload_ = true;
    header_size_ = 0;
    if (!is_control() && opcode_ != 0) {
        message_opcode_ = opcode_;
        is_compressed_ = (header_[0] & kRsv1) != 0;
        utf8_.reset();
    }
    return true;
}

WsEvent FrameParser::finish_control(std::string_view payload) {
    is_in_payload_ = false;
    WsEvent event;
    event.payload = payload;
    if (static_cast<WsOpcode>(opcode_) == WsOpcode::kPing) {
        event.kind = WsEventKind::kPing;
        return event;
    }
    if (static_cast<WsOpcode>(opcode_) == WsOpcode::kPong) {
        event.kind = WsEventKind::kPong;
        return event;
    }
    event.kind = WsEventKind::kClose;
    event.close_code = kWsCloseNoStatus;
    if (payload.empty()) return event;
    if (payload.size() == 1) return fail(kWsCloseProtocolError);
    event.close_code = static_cast<uint16_t>(static_cast<uint8_t>(payload[0]) << 8U |
                                             static_cast<uint8_t>(payload[1]));
    if (!is_valid_close_code(event.close_code)) return fail(kWsCloseProtocolError);
    event.payload = payload.substr(2);
    Utf8Validator reason;
    if (!reason.feed(event.payload.data(), event.payload.size()) || !reason.is_complete()) {
        return fail(kWsCloseInvalidPayload);
    }
    return event;
}

WsEvent FrameParser::read_control(std::span<char>& input) {
    const size_t take = std::min<size_t>(input.size(), static_cast<size_t>(payload_left_));
    char* data = input.data();
    if (is_masked_) apply_mask(data, take, mask_, mask_phase_);
    input = input.subspan(take);
    payload_left_ -= take;
    mask_phase_ = static_cast<uint8_t>((mask_phase_ + take) & 3U);
    if (payload_left_ == 0 && control_.empty()) return finish_control({data, take});
    control_.append(data, take);
    if (payload_left_ != 0) return {};
    return finish_control(control_);
}

WsEvent FrameParser::read_data(std::span<char>& input, bool& is_done) {
    is_done = true;
    const bool is_text = static_cast<WsOpcode>(message_opcode_) == WsOpcode::kText;
    const size_t take =
        input.size() < payload_left_ ? input.size() : static_cast<size_t>(payload_left_);
    char* data = input.data();
    if (is_masked_) apply_mask(data, take, mask_, mask_phase_);
    if (is_text && !is_compressed_ && !utf8_.feed(data, take)) return fail(kWsCloseInvalidPayload);
    input = input.subspan(take);
    payload_left_ -= take;
    mask_phase_ = static_cast<uint8_t>((mask_phase_ + take) & 3U);
    const bool is_end_of_frame = payload_left_ == 0;
    const bool is_end_of_message = is_end_of_frame && is_final_;
    if (is_end_of_message && is_text && !is_compressed_ && !utf8_.is_complete())
        return fail(kWsCloseInvalidPayload);

    WsEvent event;
    if (is_end_of_message && message_.empty()) {
        event.payload = {data, take};
    } else {
        if (message_.empty()) {
            message_.reserve(static_cast<size_t>(std::min(take + payload_left_, kReserveBytesMax)));
        }
        message_.append(data, take);
        event.payload = message_;
    }
    if (is_end_of_frame) is_in_payload_ = false;
    if (!is_end_of_message) {
        is_done = false;
        return {};
    }
    if (is_compressed_) return inflate_message(event.payload);
    event.kind = WsEventKind::kMessage;
    event.is_binary = !is_text;
    message_opcode_ = 0;
    is_release_due_ = true;
    return event;
}

WsEvent FrameParser::inflate_message(std::string_view payload) {
    const bool is_text = static_cast<WsOpcode>(message_opcode_) == WsOpcode::kText;
    std::string message;
    switch (inflater_->inflate(payload, limits_.message_bytes_max, is_text ? &utf8_ : nullptr,
                               message)) {
        case WsInflateResult::kDone:
            break;
        case WsInflateResult::kTooBig:
            return fail(kWsCloseTooBig);
        case WsInflateResult::kInvalidData:
        case WsInflateResult::kInvalidText:
            return fail(kWsCloseInvalidPayload);
    }
    message_ = std::move(message);
    WsEvent event;
    event.kind = WsEventKind::kMessage;
    event.is_binary = !is_text;
    event.payload = message_;
    message_opcode_ = 0;
    is_compressed_ = false;
    is_release_due_ = true;
    return event;
}

WsEvent FrameParser::next(std::span<char>& input) {
    if (failed_code_ != 0) return fail(failed_code_);
    if (is_release_due_) {
        is_release_due_ = false;
        if (message_.capacity() > kMessageBytesKept) {
            std::string().swap(message_);
        } else {
            message_.clear();
        }
    }
    if (!is_in_payload_ && !control_.empty()) std::string().swap(control_);
    for (;;) {
        if (!is_in_payload_ && !read_header(input)) {
            if (failed_code_ != 0) return fail(failed_code_);
            return {};
        }
        if (is_control()) return read_control(input);
        if (payload_left_ != 0 && input.empty()) return {};
        bool is_done = false;
        const WsEvent event = read_data(input, is_done);
        if (is_done) return event;
    }
}

size_t write_frame_header(std::array<char, kWsHeaderBytesMax>& out, WsOpcode opcode,
                          uint64_t payload_bytes, WsPayload form) {
    const unsigned marks = form == WsPayload::kDeflated ? 0x80U | kRsv1 : 0x80U;
    out[0] = static_cast<char>(marks | static_cast<uint8_t>(opcode));
    if (payload_bytes <= 125) {
        out[1] = static_cast<char>(payload_bytes);
        return 2;
    }
    const size_t length_bytes = payload_bytes <= 0xFFFF ? 2 : 8;
    out[1] = static_cast<char>(length_bytes == 2 ? 126 : 127);
    for (size_t i = 0; i < length_bytes; ++i) {
        out[2 + i] = static_cast<char>(payload_bytes >> (8 * (length_bytes - 1 - i)) & 0xFFU);
    }
    return 2 + length_bytes;
}

void append_frame_header(std::string& out, WsOpcode opcode, uint64_t payload_bytes) {
    std::array<char, kWsHeaderBytesMax> header{};
    out.append(header.data(), write_frame_header(header, opcode, payload_bytes));
}

void append_masked_frame(std::string& out, WsOpcode opcode, std::string_view payload,
                         WsMaskKey key) {
    std::array<char, kWsHeaderBytesMax> header{};
    size_t size = write_frame_header(header, opcode, payload.size());
    header[1] = static_cast<char>(static_cast<uint8_t>(header[1]) | 0x80U);
    std::memcpy(header.data() + size, key.data(), key.size());
    size += key.size();
    out.append(header.data(), size);
    const size_t at = out.size();
    out.append(payload);
    apply_mask(out.data() + at, payload.size(), key, 0);
}

std::string make_close_payload(uint16_t code, std::string_view reason) {
    std::string out;
    if (!is_valid_close_code(code)) return out;
    out.push_back(static_cast<char>(code >> 8U));
    out.push_back(static_cast<char>(code & 0xFFU));
    size_t size = std::min(reason.size(), kWsControlBytesMax - 2);
    while (size != 0 && size < reason.size() &&
           (static_cast<uint8_t>(reason[size]) & 0xC0U) == 0x80U) {
        --size;
    }
    out.append(reason.substr(0, size));
    return out;
}

}  // namespace tandem::net
