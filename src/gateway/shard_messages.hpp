#pragma once

#include <cstddef>
#include <variant>
#include <vector>

#include "gateway/framed.hpp"
#include "hub/hub.hpp"
#include "net/shared_bytes.hpp"
#include "wire/frames.hpp"

namespace tandem::gateway {

/// A connection is a guest of every shard but its home whose channels it uses. These go from the
/// home to such a shard, in order.
struct GuestOpen {
    hub::ConnectionId id = 0;
    hub::ConnectionInfo info;
    FrameForm form;
};
struct GuestFrames {
    hub::ConnectionId id = 0;
    std::vector<wire::ClientFrame> frames;
    size_t bytes = 0;         ///< what they hold in memory, roughly
    uint64_t arrived_ns = 0;  ///< on the clock that all loops share
};
struct GuestText {
    hub::ConnectionId id = 0;
    hub::TextMessage message;
    uint64_t arrived_ns = 0;
};
/// So much of what the shard sent has left the home's queue: it may send as much again.
struct GuestCredit {
    hub::ConnectionId id = 0;
    size_t bytes = 0;
};
/// The connection has shown a token, or a fresh one.
struct GuestGrant {
    hub::ConnectionId id = 0;
    auth::GrantPtr grant;
};
struct GuestClose {
    hub::ConnectionId id = 0;
    hub::Hub::Farewell farewell = hub::Hub::Farewell::lost;
};
using GuestInput =
    std::variant<GuestOpen, GuestFrames, GuestText, GuestCredit, GuestGrant, GuestClose>;

/// And this goes from the shard to the home. An empty frame asks to close the connection.
struct GuestOutput {
    hub::ConnectionId id = 0;
    net::SharedBytes frame;
};

/// All that one shard has for another at the end of a turn.
struct ShardBatch {
    std::vector<GuestInput> input;
    std::vector<GuestOutput> output;
    /// What the sender has handled of the receiver's GuestFrames since its last batch.
    size_t handled_events = 0;
    size_t handled_bytes = 0;
    /// For the home to measure, when it has sent the above.
    std::vector<hub::Acked> acked;
    uint64_t committed_ns = 0;

    [[nodiscard]] bool is_empty() const {
        return input.empty() && output.empty() && handled_events == 0 && acked.empty();
    }
};

}  // namespace tandem::gateway
