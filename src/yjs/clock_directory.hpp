#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "yjs/item.hpp"

namespace tandem::yjs {

/// From the clocks of one client's items to the items, while very many of them are linked at once:
/// a guess by the clock's high bits, and a few steps from there. What it does not find so is left
/// to the client's list.
class ClockDirectory {
  public:
    /// For items of `pool` that follow each other from clock 0; for few, or others, it stays
    /// closed. They outlive their use here.
    void open(ClientIndex client, const Handle* items, size_t count, const ItemPool& pool) {
        if (count < kWorthIt) return;
        const uint32_t total = pool[items[count - 1]].end();
        // About two buckets for each item.
        const auto per_item = static_cast<uint32_t>(total / count);
        shift_ = per_item < 2 ? 0 : static_cast<uint32_t>(std::bit_width(per_item)) - 1;
        buckets_.resize((size_t{total} >> shift_) + 1);
        clocks_.resize(count + 1);
        uint32_t clock = 0;
        uint64_t bucket = 0;
        for (uint32_t i = 0; i < count; ++i) {
            const Item& item = pool[items[i]];
            if (item.clock != clock || item.end() > total) return;
            clocks_[i] = clock;
            clock = item.end();
            for (; bucket << shift_ < clock; ++bucket)
                buckets_[bucket] = i;
        }
        clocks_[count] = total;
        client_ = client;
        items_ = items;
    }
    void close() { client_ = kNoClient; }

    /// The item that was read with this clock, or 0. It may have been cut since.
    Handle find(ClientIndex client, uint32_t clock) const {
        if (client != client_ || clock >= clocks_.back()) return 0;
        uint32_t item = buckets_[clock >> shift_];
        for (uint32_t end = item + kSteps; item < end; ++item) {
            if (clock < clocks_[item + 1]) return items_[item];
        }
        return 0;
    }

  private:
    static constexpr size_t kWorthIt = 64;
    static constexpr uint32_t kSteps = 8;

    ClientIndex client_ = kNoClient;
    uint32_t shift_ = 0;
    const Handle* items_ = nullptr;
    /// Where each item begins, and where the last one ends.
    std::vector<uint32_t> clocks_;
    /// The item that has the first clock of each bucket.
    std::vector<uint32_t> buckets_;
};

}  // namespace tandem::yjs
