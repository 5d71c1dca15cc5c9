#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hub/config.hpp"
#include "sim/vfs/fault_disk.hpp"

namespace tandem::sim {

inline bool one_in(Dice& dice, uint64_t n) { return dice.below(n) == 0; }
inline bool percent(Dice& dice, uint64_t p) { return dice.below(100) < p; }
/// Both bounds are included.
inline uint64_t between(Dice& dice, uint64_t low, uint64_t high) {
    return low + dice.below(high - low + 1);
}
template <class T>
const T& any_of(Dice& dice, const std::vector<T>& list) {
    return list[dice.below(list.size())];
}

/// What one seed is about: the shape of the world and the faults that happen in it.
struct Profile {
    explicit Profile(Dice& dice);
    /// Those who came later have dice of their own, so that a world without them stays what it was.
    void add_others(Dice& dice);

    size_t devices = 3;
    std::vector<std::string> channels;
    uint64_t events_max = 3'000;  ///< before everything is healed
    uint64_t act_every_ms = 150;
    uint64_t fault_every_ms = 2'000;
    uint64_t latency_ms = 20;
    uint64_t commit_ms = 5;

    bool has_restore = false;
    bool has_deletion = false;
    bool has_fork = false;
    bool has_frame_loss = false;
    bool has_clock_jumps = false;
    bool has_disk_errors = false;
    bool has_json_client = false;
    bool has_http_client = false;
    bool has_long_absence = false;
    /// Some devices, and a client of the JSON protocol, follow parts of records.
    bool has_partial = false;
    bool has_historian = false;
    bool has_whole_writer = false;
    bool has_vandal = false;
    bool has_hooks = false;    ///< somebody reads the logs by cursors that the store keeps
    bool has_texts = false;    ///< somebody edits texts beside the records
    bool has_gateway = false;  ///< which decodes frames before the hub, as where there are shards

    hub::Config config;
};

}  // namespace tandem::sim
