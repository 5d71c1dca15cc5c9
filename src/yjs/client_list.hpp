#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "yjs/item.hpp"

namespace tandem::yjs {

/// The items of one client in the order of their clocks, without gaps: from a clock to its item.
///
/// A few whose handles follow each other, as those of a small document do that was loaded, need no
/// storage: their clocks are read from the items. All others are listed in chunks, so that a split
/// moves few entries, and a search stays within few lines of memory.
class ClientList {
  public:
    struct Position {
        uint32_t chunk = 0;
        uint32_t slot = 0;
    };

    bool empty() const { return count_ == 0 && chunked_ == nullptr; }

    /// The item's clock is the next of the client.
    void append(Handle item, const ItemPool& pool) {
        if (chunked_ == nullptr) {
            if (count_ == 0) first_ = item;
            if (item == first_ + count_ && count_ < kRunMax) {
                ++count_;
                return;
            }
            make_chunks(pool);
        }
        chunked_->append({pool[item].clock, item});
    }

    /// Appends `count` items whose handles follow each other.
    void append_run(Handle first, uint32_t count, const ItemPool& pool);

    /// The place of the highest clock that is not above `clock`; the list must not be empty.
    Position find(uint32_t clock, const ItemPool& pool) const {
        return chunked_ != nullptr ? chunked_->find(clock) : Position{0, find_in_run(clock, pool)};
    }
    Handle at(Position at) const {
        return chunked_ != nullptr ? chunked_->chunks[at.chunk][at.slot].item : first_ + at.slot;
    }
    /// To be called when it has changed where an item begins; it stays between its neighbours.
    void set_clock(Position at, uint32_t clock) {
        if (chunked_ == nullptr) return;
        chunked_->chunks[at.chunk][at.slot].clock = clock;
        if (at.slot == 0) chunked_->firsts[at.chunk] = clock;
    }
    Position last() const {
        if (chunked_ == nullptr) return {0, count_ - 1};
        return {static_cast<uint32_t>(chunked_->chunks.size() - 1),
                static_cast<uint32_t>(chunked_->chunks.back().size() - 1)};
    }
    bool next(Position& at) const {
        const Chunked* const chunked = chunked_.get();
        if (++at.slot < (chunked != nullptr ? chunked->chunks[at.chunk].size() : count_))
            return true;
        if (chunked == nullptr || at.chunk + 1 == chunked->chunks.size()) {
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
        const auto slots = static_cast<uint32_t>(chunked_->chunks[at.chunk - 1].size());
        at = {at.chunk - 1, slots - 1};
        return true;
    }

    void insert_after(Position at, Handle item, const ItemPool& pool);
    void erase(Position at, const ItemPool& pool);
    size_t memory_bytes() const;
    /// Gives back what growing has taken ahead, or all if the items follow each other.
    void shrink();

    /// Calls `visit(handle)` for every item in the order of clocks.
    template <class Visit>
    void for_each(Visit&& visit) const {
        if (chunked_ == nullptr) {
            for (uint32_t i = 0; i < count_; ++i)
                visit(first_ + i);
            return;
        }
        for (const Chunk& chunk : chunked_->chunks) {
            for (const Entry& entry : chunk)
                visit(entry.item);
        }
    }

  private:
    static constexpr uint32_t kChunkMax = 128;
    /// A run becomes one chunk.
    static constexpr uint32_t kRunMax = kChunkMax;

    struct Entry {
        uint32_t clock = 0;
        Handle item = 0;
    };
    using Chunk = std::vector<Entry>;

    struct Chunked {
        void append(Entry entry) {
            if (chunks.empty() || chunks.back().size() == kChunkMax) open_chunk(entry.clock);
            chunks.back().push_back(entry);
        }
        void open_chunk(uint32_t clock);
        Position find(uint32_t clock) const {
            const uint32_t chunk = find_chunk(clock);
            const Chunk& entries = chunks[chunk];
            auto count = static_cast<uint32_t>(entries.size());
            if (entries[count - 1].clock <= clock) return {chunk, count - 1};
            // Many ask for what is at the last answer, or not far behind it.
            if (chunk == recent.chunk) {
                for (uint32_t slot = recent.slot, end = slot + 3; slot < end && slot + 1 < count;
                     ++slot) {
                    if (entries[slot].clock > clock) break;
                    if (clock < entries[slot + 1].clock) return recent = {chunk, slot};
                }
            }
            uint32_t low = 0;
            // Invariant: the entry at `low` is not above, the one at `low + count` is.
            while (count > 1) {
                uint32_t half = count / 2;
                low = entries[low + half].clock <= clock ? low + half : low;
                count -= half;
            }
            return recent = {chunk, low};
        }
        uint32_t find_chunk(uint32_t clock) const {
            const auto last = static_cast<uint32_t>(firsts.size() - 1);
            if (clock >= firsts[last]) return last;
            // Edits are near one another.
            const uint32_t near = recent.chunk;
            if (near < last && firsts[near] <= clock && clock < firsts[near + 1]) return near;
            const uint32_t* at = firsts.data();
            // Invariant: the chunk at `at` is not above, the one at `at + count` is.
            for (uint32_t count = last; count > 1;) {
                const uint32_t half = count / 2;
                at = at[half] <= clock ? at + half : at;
                count -= half;
            }
            return static_cast<uint32_t>(at - firsts.data());
        }

        std::vector<Chunk> chunks;
        std::vector<uint32_t> firsts;
        /// Where the last search ended; only a hint.
        mutable Position recent;
    };

    void make_chunks(const ItemPool& pool);
    uint32_t find_in_run(uint32_t clock, const ItemPool& pool) const {
        if (pool[first_ + count_ - 1].clock <= clock) return count_ - 1;
        uint32_t low = 0;
        // As in a chunk.
        for (uint32_t count = count_; count > 1;) {
            const uint32_t half = count / 2;
            low = pool[first_ + low + half].clock <= clock ? low + half : low;
            count -= half;
        }
        return low;
    }

    /// The run of handles, until there are chunks.
    Handle first_ = 0;
    uint32_t count_ = 0;
    std::unique_ptr<Chunked> chunked_;
};

}  // namespace tandem::yjs
