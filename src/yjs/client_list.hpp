#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "yjs/item.hpp"

namespace tandem::yjs {

/// The items of one client in the order of their clocks, without gaps: from a clock to its item. In
/// chunks, so that a split moves few entries.
class ClientList {
  public:
    struct Entry {
        uint32_t clock = 0;
        Handle item = 0;
    };
    struct Position {
        uint32_t chunk = 0;
        uint32_t slot = 0;
    };

    bool empty() const { return chunks_.empty(); }

    void append(uint32_t clock, Handle item) {
        if (chunks_.empty() || chunks_.back().size() == kChunkMax) open_chunk(clock);
        chunks_.back().push_back({clock, item});
    }

    /// Appends `count` items whose handles follow each other.
    void append_run(const Item* items, Handle first, uint32_t count);

    /// The entry with the highest clock that is not above `clock`; the list must not be empty.
    Position find(uint32_t clock) const {
        const uint32_t chunk = find_chunk(clock);
        const Chunk& entries = chunks_[chunk];
        auto count = static_cast<uint32_t>(entries.size());
        if (entries[count - 1].clock <= clock) return {chunk, count - 1};
        // Many ask for what is at the last answer, or not far behind it.
        if (chunk == recent_.chunk) {
            for (uint32_t slot = recent_.slot, end = slot + 3; slot < end && slot + 1 < count;
                 ++slot) {
                if (entries[slot].clock > clock) break;
                if (clock < entries[slot + 1].clock) return recent_ = {chunk, slot};
            }
        }
        uint32_t low = 0;
        // Invariant: the entry at `low` is not above, the one at `low + count` is.
        while (count > 1) {
            uint32_t half = count / 2;
            low = entries[low + half].clock <= clock ? low + half : low;
            count -= half;
        }
        return recent_ = {chunk, low};
    }
    /// Moves where an item begins; it stays between its neighbours.
    void set_clock(Position at, uint32_t clock) {
        chunks_[at.chunk][at.slot].clock = clock;
        if (at.slot == 0) firsts_[at.chunk] = clock;
    }
    const Entry& at(Position at) const { return chunks_[at.chunk][at.slot]; }
    Position last() const {
        return {static_cast<uint32_t>(chunks_.size() - 1),
                static_cast<uint32_t>(chunks_.back().size() - 1)};
    }
    bool next(Position& at) const {
        if (++at.slot < chunks_[at.chunk].size()) return true;
        if (at.chunk + 1 == chunks_.size()) {
            --at.slot;
            return false;
        }
        at = {at.chunk + 1, 0};
        return true;
    }
    bool previous(Position& at) const {
        if (at.slot > 0) {
            --at.slot;
            return true;
        }
        if (at.chunk == 0) return false;
        at = {at.chunk - 1, static_cast<uint32_t>(chunks_[at.chunk - 1].size() - 1)};
        return true;
    }

    void insert_after(Position at, Entry entry);
    void erase(Position at);
    size_t memory_bytes() const;
    /// Gives back what growing has taken ahead.
    void shrink();

    /// Calls `visit(handle)` for every item in the order of clocks.
    template <class Visit>
    void for_each(Visit&& visit) const {
        for (const Chunk& chunk : chunks_) {
            for (const Entry& entry : chunk)
                visit(entry.item);
        }
    }

  private:
    static constexpr size_t kChunkMax = 128;
    using Chunk = std::vector<Entry>;

    void open_chunk(uint32_t clock);
    uint32_t find_chunk(uint32_t clock) const {
        const auto last = static_cast<uint32_t>(firsts_.size() - 1);
        if (clock >= firsts_[last]) return last;
        // Edits are near one another.
        const uint32_t near = recent_.chunk;
        if (near < last && firsts_[near] <= clock && clock < firsts_[near + 1]) return near;
        const uint32_t* at = firsts_.data();
        // Invariant: the chunk at `at` is not above, the one at `at + count` is.
        for (uint32_t count = last; count > 1;) {
            const uint32_t half = count / 2;
            at = at[half] <= clock ? at + half : at;
            count -= half;
        }
        return static_cast<uint32_t>(at - firsts_.data());
    }

    std::vector<Chunk> chunks_;
    std::vector<uint32_t> firsts_;
    /// Where the last search ended; only a hint.
    mutable Position recent_;
};

}  // namespace tandem::yjs
