#pragma once

#include <cstddef>
#include <variant>

#include "port/store.hpp"

namespace tandem::store {

/// What one transaction may hold. Both kinds of limit are checked after a request was taken, so
/// that one request always fits.
struct BatchLimits {
    size_t entries_max = 1024;  ///< see base::Limits::entries_per_commit_max
    size_t reads_max = 64;
    /// The port's queue, in entries; a request without entries counts as one.
    size_t queue_entries_max = 65'536;
};

/// How much room of a queue a request takes.
inline size_t entries_of(const port::StoreRequest& request) {
    auto* append = std::get_if<port::AppendRequest>(&request);
    if (append == nullptr) return 1;
    size_t entries = 0;
    for (const port::ChannelAppend& channel : append->channels)
        entries += channel.entries.size();
    return entries == 0 ? 1 : entries;
}

/// Counts what a batch takes until one of its limits is reached.
class BatchBudget {
  public:
    explicit BatchBudget(const BatchLimits& limits) : limits_(limits) {}

    bool is_full() const { return entries_ >= limits_.entries_max || reads_ >= limits_.reads_max; }
    void take(const port::StoreRequest& request) {
        bool append = std::holds_alternative<port::AppendRequest>(request);
        (append ? entries_ : reads_) += entries_of(request);
    }

  private:
    const BatchLimits& limits_;
    size_t entries_ = 0;
    size_t reads_ = 0;
};

}  // namespace tandem::store
