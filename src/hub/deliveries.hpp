#pragma once

#include <string>
#include <vector>

#include "hub/types.hpp"
#include "record/change.hpp"
#include "wire/frames.hpp"

/// What live frames and catch-ups share.
namespace tandem::hub {

inline constexpr size_t kChunkBytes = 24 * 1024;
/// A reader further behind than this gets the difference instead of every frame.
inline constexpr uint64_t kReplayFramesMax = 256;

template <class T>
FramePtr encode(Codec codec, const T& frame) {
    std::string payload;
    if (codec == Codec::binary)
        wire::encode_binary(payload, wire::ServerFrame(frame));
    else
        wire::encode_json(payload, wire::ServerFrame(frame));
    return make_frame(std::move(payload));
}

inline std::string changes_text(const std::vector<record::Change>& changes) {
    std::string out = "[";
    for (size_t i = 0; i < changes.size(); ++i) {
        if (i > 0) out += ',';
        record::append_change_json(out, changes[i]);
    }
    return out + ']';
}

/// PlantedBug::lost_tombstone.
inline void drop_removals(std::vector<record::Change>& changes) {
    std::erase_if(changes, [](const record::Change& change) {
        return change.kind == record::ChangeKind::clear;
    });
}

}  // namespace tandem::hub
