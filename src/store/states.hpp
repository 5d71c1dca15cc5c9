#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <vector>

// Which older snapshots of a channel a store keeps, and which of them a look back begins with.
namespace tandem::store {

/// `states` are the seqs of those that are kept, in order.
inline bool is_worth_keeping(const std::vector<uint64_t>& states, uint64_t begin_seq,
                             uint64_t snapshot_seq, uint64_t every) {
    const uint64_t last = states.empty() ? begin_seq : states.back();
    return snapshot_seq > last && snapshot_seq - last >= std::max<uint64_t>(every, 1);
}

/// The one to drop, whose neighbours are nearest to each other; never the oldest, below which the
/// log may be gone. `next` is the seq of the snapshot above them all.
inline uint64_t surplus_state(const std::vector<uint64_t>& states, uint64_t next) {
    size_t least = states.size() - 1;
    uint64_t least_gap = UINT64_MAX;
    for (size_t i = 1; i < states.size(); ++i) {
        const uint64_t above = i + 1 < states.size() ? states[i + 1] : next;
        const uint64_t gap = above - states[i - 1];
        if (gap < least_gap) {
            least_gap = gap;
            least = i;
        }
    }
    return states[least];
}

struct StateChoice {
    bool exists = false;
    uint64_t seq = 0;
    uint64_t oldest_seq = 0;
};

/// `snapshot_seq` is that of the newest snapshot, or `begin_seq` without one; `oldest_entry` the
/// lowest seq still in the log, or the head + 1.
inline StateChoice choose_state(const std::vector<uint64_t>& states, uint64_t at,
                                uint64_t begin_seq, uint64_t snapshot_seq, uint64_t oldest_entry) {
    const bool is_whole = oldest_entry <= begin_seq + 1;
    StateChoice choice;
    choice.oldest_seq = is_whole ? begin_seq : states.empty() ? snapshot_seq : states.front();
    if (at < choice.oldest_seq) return choice;
    choice.exists = true;
    if (at >= snapshot_seq) {
        choice.seq = snapshot_seq;
        return choice;
    }
    const auto above = std::upper_bound(states.begin(), states.end(), at);
    choice.seq = above != states.begin() ? *std::prev(above) : begin_seq;
    return choice;
}

}  // namespace tandem::store
