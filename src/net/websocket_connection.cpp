#include "net/websocket_connection.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/assert.hpp"

namespace tandem::net {

// Unpredictable mask keys, fetched from the kernel in batches.
class WsConnection::MaskKeys {
  public:
    WsMaskKey next() {
        if (used_ == bytes_.size()) {
            (void)::getrandom(bytes_.data(), bytes_.size(), 0);
            used_ = 0;
        }
        WsMaskKey key{};
        std::memcpy(key.data(), bytes_.data() + used_, key.size());
        used_ += key.size();
        return key;
    }

  private:
    std::array<uint8_t, 256> bytes_{};
    size_t used_ = bytes_.size();
};

namespace {

WsOpcode opcode_of(WsDataKind kind) {
    return kind == WsDataKind::kText ? WsOpcode::kText : WsOpcode::kBinary;
}

}  // namespace

SharedBytes make_shared_frame(WsDataKind kind, std::string_view payload) {
    std::array<char, kWsHeaderBytesMax> header{};
    const size_t size = write_frame_header(header, opcode_of(kind), payload.size());
    return SharedBytes::joined({header.data(), size}, payload);
}

SharedBytes make_shared_deflated_frame(WsDataKind kind, std::string_view payload) {
    const auto deflated = WsDeflater::of_this_thread().deflate(payload, kWsWindowBitsMax);
    if (!deflated) return {};
    std::array<char, kWsHeaderBytesMax> header{};
    const size_t size =
        write_frame_header(header, opcode_of(kind), deflated->size(), WsPayload::kDeflated);
    return SharedBytes::joined({header.data(), size}, *deflated);
}

WsConnection::WsConnection(std::unique_ptr<Connection> connection, WsRole role, WsOptions options,
                           std::unique_ptr<WebSocketHandler> handler, WsOwner& owner)
    : connection_(std::move(connection)),
      handler_(std::move(handler)),
      owner_(owner),
      options_(options),
      parser_(role, {options.message_bytes_max},
              options.deflate_window_bits == 0 ? nullptr : &WsInflater::of_this_thread()),
      role_(role) {
    if (role == WsRole::kClient) mask_keys_ = std::make_unique<MaskKeys>();
}

WsConnection::~WsConnection() = default;

void WsConnection::open() {
    connection_->set_handler(*this);
    connection_->set_low_watermark(options_.low_watermark_bytes);
    connection_->set_sends_in_batches();
    arm_deadline();
    // Before on_open(), which may pause again; input is not delivered before the turn ends.
    connection_->resume_reading();
    handler_->on_open(*this);
}

void WsConnection::arm_deadline() {
    const uint64_t ping = options_.ping_interval_ms;
    const uint64_t idle = options_.idle_timeout_ms;
    if (ping == 0 && idle == 0) return set_deadline(0);
    // Received bytes do not move the timer, they only make it start again when it fires.
    const uint64_t quiet = connection_->reactor().now_ms() - connection_->last_received_ms();
    uint64_t delay = ping == 0 ? idle : quiet < ping ? ping - quiet : ping;
    if (idle != 0) delay = std::min(delay, idle > quiet ? idle - quiet : 1);
    set_deadline(std::max<uint64_t>(delay, 1));
}

void WsConnection::set_deadline(uint64_t delay_ms) {
    const uint64_t stall = options_.stall_timeout_ms;
    const uint64_t stalled = connection_->stalled_ms();
    const uint64_t left = stall > stalled ? stall - stalled : 1;
    if (stall != 0) delay_ms = delay_ms == 0 ? left : std::min(delay_ms, left);
    const uint64_t whole = options_.message_timeout_ms;
    if (whole != 0) delay_ms = delay_ms == 0 ? whole : std::min(delay_ms, whole);
    connection_->set_deadline(delay_ms);
}

bool WsConnection::is_message_late() const {
    if (options_.message_timeout_ms == 0 || message_since_ms_ == 0) return false;
    constexpr uint64_t kBytesPerMs = 16;
    return connection_->reactor().now_ms() - message_since_ms_ >=
           options_.message_timeout_ms + parser_.message_bytes() / kBytesPerMs;
}

void WsConnection::on_deadline(Connection& connection) {
    if (state_ != State::kOpen) {
        connection.abort();
        return;
    }
    if (options_.stall_timeout_ms != 0 && connection.stalled_ms() >= options_.stall_timeout_ms) {
        has_stalled_ = true;
        return terminate(kWsCloseTryAgainLater);
    }
    // Nobody listens to the peer now; its silence counts from when reading resumes.
    if (connection.is_reading_paused()) {
        return set_deadline(std::max(options_.ping_interval_ms, options_.idle_timeout_ms));
    }
    if (is_message_late()) return close(kWsClosePolicy, "a message did not come whole in time");
    const uint64_t quiet = connection.reactor().now_ms() - connection.last_received_ms();
    if (options_.idle_timeout_ms != 0 && quiet >= options_.idle_timeout_ms) {
        terminate(kWsCloseAbnormal);
        return;
    }
    if (options_.ping_interval_ms != 0 && quiet >= options_.ping_interval_ms) ping({});
    arm_deadline();
}

bool WsConnection::reserve(size_t bytes) {
    if (state_ != State::kOpen) return false;
    const size_t queued = connection_->bytes_queued();
    if (bytes <= options_.queue_bytes_max && queued <= options_.queue_bytes_max - bytes) {
        return true;
    }
    terminate(kWsCloseTryAgainLater);
    return false;
}

void WsConnection::write_frame(WsOpcode opcode, std::string_view payload, WsPayload form) {
    if (role_ == WsRole::kClient) {
        std::string frame;
        frame.reserve(payload.size() + kWsHeaderBytesMax);
        append_masked_frame(frame, opcode, payload, mask_keys_->next());
        connection_->send(std::string_view(frame));
        return;
    }
    std::array<char, kWsHeaderBytesMax> header{};
    const size_t size = write_frame_header(header, opcode, payload.size(), form);
    connection_->send(std::string_view(header.data(), size));
    connection_->send(payload);
}

bool WsConnection::send_deflated(std::string_view payload, WsDataKind kind) {
    // What the server agreed to; a client offers nothing.
    if (options_.deflate_window_bits == 0 || payload.size() < options_.deflate_bytes_min) {
        return false;
    }
    const auto deflated =
        WsDeflater::of_this_thread().deflate(payload, options_.deflate_window_bits);
    if (deflated) write_frame(opcode_of(kind), *deflated, WsPayload::kDeflated);
    return deflated.has_value();
}

void WsConnection::send(std::string_view payload, WsDataKind kind) {
    if (!reserve(payload.size() + kWsHeaderBytesMax)) return;
    if (send_deflated(payload, kind)) return;
    write_frame(opcode_of(kind), payload);
}

void WsConnection::send(SharedBytes payload, WsDataKind kind) {
    if (role_ == WsRole::kClient) {
        send(payload.view(), kind);
        return;
    }
    if (!reserve(payload.size() + kWsHeaderBytesMax)) return;
    if (send_deflated(payload.view(), kind)) return;
    std::array<char, kWsHeaderBytesMax> header{};
    const size_t size = write_frame_header(header, opcode_of(kind), payload.size());
    connection_->send(std::string_view(header.data(), size));
    connection_->send(std::move(payload));
}

void WsConnection::send_framed(SharedBytes frame) {
    TANDEM_ASSERT(role_ == WsRole::kServer);
    if (!reserve(frame.size())) return;
    connection_->send(std::move(frame));
}

void WsConnection::ping(std::string_view payload) {
    if (!reserve(kWsHeaderBytesMax + kWsControlBytesMax)) return;
    write_frame(WsOpcode::kPing, payload.substr(0, kWsControlBytesMax));
}

void WsConnection::pause_reading(PauseReason reason) {
    pauses_ |= static_cast<uint8_t>(reason);
    connection_->pause_reading();
}

void WsConnection::resume_reading(PauseReason reason) {
    pauses_ &= static_cast<uint8_t>(~static_cast<uint8_t>(reason));
    if (pauses_ != 0) return;
    // It could not come while nobody read.
    if (message_since_ms_ != 0) message_since_ms_ = connection_->reactor().now_ms();
    connection_->resume_reading();
}

void WsConnection::close(uint16_t code, std::string_view reason) {
    if (state_ != State::kOpen) return;
    write_frame(WsOpcode::kClose, make_close_payload(code, reason));
    state_ = State::kClosing;
    close_code_ = code;
    connection_->resume_reading();
    connection_->set_deadline(std::max<uint64_t>(options_.close_timeout_ms, 1));
}

void WsConnection::terminate(uint16_t code) {
    if (state_ == State::kClosed) return;
    state_ = State::kClosed;
    close_code_ = code;
    connection_->abort();
}

void WsConnection::answer_close(uint16_t peer_code, std::string_view reason) {
    if (state_ == State::kOpen) {
        const std::string payload =
            peer_code == kWsCloseNoStatus ? std::string() : make_close_payload(peer_code, reason);
        write_frame(WsOpcode::kClose, payload);
    }
    close_code_ = peer_code;
    state_ = State::kClosed;
    connection_->close_gracefully();
}

void WsConnection::handle(const WsEvent& event) {
    switch (event.kind) {
        case WsEventKind::kNeedMore:
            return;
        case WsEventKind::kMessage:
            if (state_ != State::kOpen) return;
            handler_->on_message(*this, event.payload,
                                 event.is_binary ? WsDataKind::kBinary : WsDataKind::kText);
            return;
        case WsEventKind::kPing:
            if (reserve(kWsHeaderBytesMax + kWsControlBytesMax)) {
                write_frame(WsOpcode::kPong, event.payload);
            }
            return;
        case WsEventKind::kPong:
            return;  // Its arrival has moved last_received_ms().
        case WsEventKind::kClose:
            answer_close(event.close_code, event.payload);
            return;
        case WsEventKind::kError:
            if (state_ == State::kOpen) {
                std::string reason;
                if (event.close_code == kWsCloseTooBig)
                    reason = "too_large: at most " + std::to_string(options_.message_bytes_max) +
                             " bytes; split the write";
                write_frame(WsOpcode::kClose, make_close_payload(event.close_code, reason));
            }
            close_code_ = event.close_code;
            state_ = State::kClosed;
            connection_->close_gracefully();
            return;
    }
}

size_t WsConnection::on_data(Connection& connection, std::span<char> data) {
    std::span<char> left = data;
    while (state_ != State::kClosed) {
        const WsEvent event = parser_.next(left);
        if (event.kind == WsEventKind::kNeedMore) break;
        // A ping may come in the middle of a message.
        if (event.kind == WsEventKind::kMessage) message_since_ms_ = 0;
        handle(event);
        if (connection.is_reading_paused()) return data.size() - left.size();
    }
    if (!parser_.is_inside_message())
        message_since_ms_ = 0;
    else if (message_since_ms_ == 0)
        message_since_ms_ = connection.last_received_ms();
    return data.size();
}

void WsConnection::on_writable_low(Connection& /*connection*/) {
    if (state_ == State::kOpen) handler_->on_writable(*this);
}

void WsConnection::on_closed(Connection& /*connection*/, CloseReason /*reason*/) {
    // A stream that ends before the closing handshake does is abnormal, whoever began it.
    if (state_ == State::kOpen) close_code_ = kWsCloseAbnormal;
    state_ = State::kClosed;
    handler_->on_close(*this, close_code_);
    owner_.on_websocket_closed(*this);
}

}  // namespace tandem::net
