#pragma once

#include <atomic>
#include <cstdint>

#include "base/histogram.hpp"

namespace tandem::gateway {

/// What one loop measures of its own work. Its thread writes, any may read.
struct LoopMeters {
    /// From the turn in which a write came until its answer was given to the system, for those
    /// whose connection had room.
    base::Histogram write_to_ack;
    /// From when a commit was durable until this loop had given all that it sends of it to the
    /// system; one for each commit.
    base::Histogram commit_to_send;
    std::atomic<uint64_t> deflated_frames = 0;  ///< sent
    std::atomic<uint64_t> deflate_saved_bytes = 0;

    void note_deflated(uint64_t saved_bytes) {
        deflated_frames.store(deflated_frames.load(std::memory_order_relaxed) + 1,
                              std::memory_order_relaxed);
        deflate_saved_bytes.store(deflate_saved_bytes.load(std::memory_order_relaxed) + saved_bytes,
                                  std::memory_order_relaxed);
    }
};

}  // namespace tandem::gateway
