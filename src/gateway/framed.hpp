#pragma once

#include <cstddef>
#include <cstdint>

#include "gateway/loop_meters.hpp"
#include "hub/types.hpp"
#include "net/shared_bytes.hpp"
#include "net/websocket_connection.hpp"

namespace tandem::gateway {

/// What one connection may have queued in the transport; beyond it, its cursors stay where they
/// are. One more than the transport's low watermark, so that a queue which is full always reports
/// when it has drained.
inline constexpr size_t kQueuedBytesMax = net::WsOptions{}.low_watermark_bytes + 1;

[[nodiscard]] inline net::WsDataKind data_kind(hub::Codec codec) {
    return codec == hub::Codec::json ? net::WsDataKind::kText : net::WsDataKind::kBinary;
}

/// How frames go to one connection.
struct FrameForm {
    net::WsDataKind kind = net::WsDataKind::kBinary;
    /// Those of at least so many bytes are compressed; the largest value: none are.
    size_t deflate_bytes_min = SIZE_MAX;
    enum class Carrier : uint8_t {
        websocket,
        events,  ///< of a stream over HTTP, where binary messages are in base64
    };
    Carrier carrier = Carrier::websocket;
};

[[nodiscard]] FrameForm form_for(hub::Codec codec, const net::WsConnection& socket);

/// The frame with its WebSocket header, or as an event; made, and compressed, once for all
/// connections that get it so, and counted as sent once more. Only on the thread of the hub that
/// made it.
[[nodiscard]] net::SharedBytes framed(const hub::Frame& frame, FrameForm form, LoopMeters& meters);

}  // namespace tandem::gateway
