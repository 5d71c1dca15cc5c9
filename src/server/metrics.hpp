#pragma once

#include <string>
#include <vector>

#include "base/histogram.hpp"
#include "hub/hub.hpp"
#include "server/memory_watch.hpp"
#include "server/webhooks.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace tandem::server {

/// What the loops have measured, each and all together.
struct LoopSums {
    std::vector<base::Histogram::Sum> lags;  ///< by loop
    base::Histogram::Sum write_to_ack;
    base::Histogram::Sum commit_to_send;
    uint64_t deflated_frames = 0;
    uint64_t deflate_saved_bytes = 0;
};

/// The text of /metrics, in the format of Prometheus.
std::string metrics_text(const hub::Stats& stats, const store::StoreStats& store);
std::string metrics_text(const LoopSums& loops);
std::string metrics_text(const Webhooks::Totals& totals);
/// Of memory: its budget, and what is held for clients.
std::string metrics_text(const MemoryWatch& memory, const hub::Stats& stats);

/// The bounds of the buckets that are shown, in nanoseconds: 16 µs, 24, 32, 48 … 8.4 s, and what is
/// above.
[[nodiscard]] const std::vector<uint64_t>& shown_bounds_ns();

}  // namespace tandem::server
