#include "yjs/client_list.hpp"

namespace tandem::yjs {

void ClientList::open_chunk(uint32_t clock) {
    chunks_.emplace_back();
    // A first chunk may stay small; a document with a second one is large.
    if (chunks_.size() > 1) chunks_.back().reserve(kChunkMax);
    firsts_.push_back(clock);
}

void ClientList::append_run(const Item* items, Handle first, uint32_t count) {
    for (uint32_t i = 0; i < count;) {
        if (chunks_.empty() || chunks_.back().size() == kChunkMax) open_chunk(items[i].clock);
        Chunk& chunk = chunks_.back();
        const auto room = static_cast<uint32_t>(kChunkMax - chunk.size());
        const uint32_t end = i + std::min(room, count - i);
        for (; i < end; ++i)
            chunk.push_back({items[i].clock, first + i});
    }
}

void ClientList::insert_after(Position at, Entry entry) {
    if (chunks_[at.chunk].size() == kChunkMax) {
        Chunk upper;
        upper.reserve(kChunkMax);
        Chunk& full = chunks_[at.chunk];
        upper.assign(full.begin() + kChunkMax / 2, full.end());
        full.resize(kChunkMax / 2);
        firsts_.insert(firsts_.begin() + at.chunk + 1, upper[0].clock);
        chunks_.insert(chunks_.begin() + at.chunk + 1, std::move(upper));
        if (at.slot >= kChunkMax / 2) {
            ++at.chunk;
            at.slot -= static_cast<uint32_t>(kChunkMax / 2);
        }
    }
    Chunk& chunk = chunks_[at.chunk];
    chunk.insert(chunk.begin() + at.slot + 1, entry);
}

void ClientList::erase(Position at) {
    Chunk& chunk = chunks_[at.chunk];
    chunk.erase(chunk.begin() + at.slot);
    if (chunk.empty()) {
        chunks_.erase(chunks_.begin() + at.chunk);
        firsts_.erase(firsts_.begin() + at.chunk);
    } else if (at.slot == 0) {
        firsts_[at.chunk] = chunk[0].clock;
    }
}

size_t ClientList::memory_bytes() const {
    size_t bytes = chunks_.capacity() * sizeof(Chunk) + firsts_.capacity() * sizeof(uint32_t);
    for (const Chunk& chunk : chunks_)
        bytes += chunk.capacity() * sizeof(Entry);
    return bytes;
}

void ClientList::shrink() {
    for (Chunk& chunk : chunks_)
        chunk.shrink_to_fit();
    chunks_.shrink_to_fit();
    firsts_.shrink_to_fit();
}

}  // namespace tandem::yjs
