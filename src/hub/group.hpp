#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "clock/stamp.hpp"
#include "hub/slot_table.hpp"
#include "hub/types.hpp"
#include "record/window_state.hpp"

namespace tandem::hub {

/// One committed entry as it goes out to those at the head. A frame that nobody needed is null.
struct LiveEntry {
    uint64_t seq = 0;
    uint32_t check = 0;
    FramePtr compact;   ///< binary, for readers that know its slots
    FramePtr complete;  ///< binary, with the definitions of all its slots
    FramePtr json;
    std::string item;  ///< JSON text of the entry as written
    SlotSet used;
    SlotSet defined;
};

/// A difference or a snapshot in encoded chunks. Immutable; readers at different places of it share
/// it, so that one who stalls in the middle holds no copy of its own.
struct CatchUp {
    CatchUp() = default;
    CatchUp(const CatchUp&) = delete;
    CatchUp& operator=(const CatchUp&) = delete;
    ~CatchUp() {
        if (held_bytes != nullptr) *held_bytes -= bytes;
    }

    uint64_t number = 0;                 ///< in the order in which they were made
    std::shared_ptr<size_t> held_bytes;  ///< the hub's sum over all that exist
    bool is_snapshot = false;
    uint64_t from = 0;
    uint64_t to = 0;
    uint32_t check = 0;
    std::vector<FramePtr> chunks;
    size_t bytes = 0;
};
using CatchUpPtr = std::shared_ptr<const CatchUp>;

/// Of what is kept for readers to come, beside what readers are in the middle of. Emptied with
/// every sweep.
inline constexpr size_t kCatchUpsKeptMax = 4;
inline constexpr size_t kCatchUpBytesKeptMax = 1024 * 1024;

/// Those who follow one selection of a channel, and what is encoded once for all of them.
struct Group {
    Group(uint32_t handle_number, record::Selection selection)
        : handle(handle_number), windows(std::move(selection)) {}

    const record::Selection& selection() const { return windows.selection(); }
    bool is_whole() const { return selection().is_whole(); }
    /// Drops the oldest until what is kept is within the limits.
    void keep(CatchUpPtr made) {
        if (made->bytes > kCatchUpBytesKeptMax) return;
        kept_bytes += made->bytes;
        kept.push_back(std::move(made));
        while (kept.size() > kCatchUpsKeptMax || kept_bytes > kCatchUpBytesKeptMax) {
            kept_bytes -= kept.front()->bytes;
            kept.pop_front();
        }
    }
    void drop_oldest_live() {
        const LiveEntry& oldest = live.front();
        if (oldest.complete != nullptr) live_bytes -= oldest.complete->payload.size();
        if (oldest.json != nullptr) live_bytes -= oldest.json->payload.size();
        live.pop_front();
    }
    void forget_kept() {
        kept.clear();
        kept_bytes = 0;
    }

    const uint32_t handle;
    record::WindowState windows;
    size_t binary_readers = 0;
    size_t json_readers = 0;
    SlotTable slots;
    std::deque<LiveEntry> live;
    size_t live_bytes = 0;
    std::deque<CatchUpPtr> kept;
    size_t kept_bytes = 0;
};

}  // namespace tandem::hub
