#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace tandem::hub {

/// The two clocks: timers run on the first, which never jumps; stamps are cut to the second.
struct Now {
    uint64_t mono_ms = 0;
    uint64_t wall_ms = 0;
    /// When the input that is handled came, on a clock of the caller's; 0: it does not want to
    /// know.
    uint64_t arrived_ns = 0;
};

/// Writes of one client that came together and are answered together.
struct Acked {
    uint64_t connection = 0;  ///< 0: requests
    uint64_t arrived_ns = 0;  ///< of `Now`
    uint64_t count = 0;
};

/// `yjs`: the messages of y-protocols about one text, as its providers speak them; `hocuspocus`:
/// these and a few more about several, each behind the name of its document.
enum class Codec : uint8_t { binary = 0, json = 1, yjs = 2, hocuspocus = 3 };
inline constexpr size_t kCodecCount = 4;
/// Speaks of texts alone.
constexpr bool is_of_providers(Codec codec) {
    return codec == Codec::yjs || codec == Codec::hocuspocus;
}

using ConnectionId = uint64_t;
/// One who follows one text. Never reused within a hub; 0: nobody.
using TextReaderId = uint64_t;

/// One encoded message, immutable and shared by all who get it. `framed` is the transport's own
/// copy with its header in front, made on first use; only the owning shard's thread touches it.
struct Frame {
    std::string payload;
    mutable std::shared_ptr<const void> framed;
};
using FramePtr = std::shared_ptr<const Frame>;

inline FramePtr make_frame(std::string payload) {
    return std::make_shared<const Frame>(Frame{std::move(payload), nullptr});
}

}  // namespace tandem::hub
