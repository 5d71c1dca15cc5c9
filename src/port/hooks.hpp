#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What a store keeps for webhooks: readers of every channel's log whose cursors outlive the
// process.
namespace tandem::port {

/// What is remembered of a webhook beside its cursors.
struct StoredHook {
    std::string name;
    std::string scope;  ///< opaque: what it was enrolled for
    bool is_disabled = false;
};
/// A place in a channel's log: all through `seq` is done, and `epoch` is the newest that the
/// webhook was told of.
struct HookPosition {
    uint64_t epoch = 0;
    uint64_t seq = 0;

    friend bool operator==(const HookPosition&, const HookPosition&) = default;
};
/// One webhook has a cursor per channel and stream; a stream is one kind of its events.
struct StoredHookCursor {
    std::string hook;
    uint32_t stream = 0;
    std::string channel;
    HookPosition at;
};

struct HooksRequest {};
/// Writes all of it. A cursor of a channel that never was is left out.
struct SaveHooksRequest {
    enum class Existing : uint8_t { replaced, kept };
    std::vector<StoredHook> hooks;
    std::vector<StoredHookCursor> cursors;
    Existing existing = Existing::replaced;  ///< cursors that are there already
};
/// Looks at so many channels, deleted ones too, and gives those on which a stream is behind.
struct HookLagRequest {
    std::string hook;
    uint32_t stream = 0;
    std::string after;  ///< names above this one, in byte order
    uint32_t channels_max = 500;
};
/// What a stream has to be told next.
struct HookFeedRequest {
    std::string hook;
    uint32_t stream = 0;
    std::string channel;
    std::optional<HookPosition> from;  ///< instead of the stored cursor
    uint32_t limit = 0;                ///< entries; 0: none is wanted
    uint64_t bytes_max = 0;            ///< of bodies; 0: no limit. One entry is given in any case
};

}  // namespace tandem::port
