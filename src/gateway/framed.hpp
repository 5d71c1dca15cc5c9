#pragma once

#include <cstddef>

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

/// The frame with its WebSocket header, made once. Only on the thread of the hub that made it.
[[nodiscard]] net::SharedBytes framed(const hub::Frame& frame, net::WsDataKind kind);

}  // namespace tandem::gateway
