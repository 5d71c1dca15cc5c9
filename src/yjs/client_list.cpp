#include "yjs/client_list.hpp"

namespace tandem::yjs {

void ClientList::Chunked::open_chunk(uint32_t clock) {
    chunks.emplace_back();
    // A first chunk may stay small; a document with a second one is large.
    if (chunks.size() > 1) chunks.back().reserve(kChunkMax);
    firsts.push_back(clock);
}

void ClientList::make_chunks(const ItemPool& pool) {
    auto made = std::make_unique<Chunked>();
    if (count_ > 0) {
        made->open_chunk(pool[first_].clock);
        // It is cut now, and may soon be again.
        made->chunks.back().reserve(std::min(2 * count_, kChunkMax));
    }
    for (Handle item = first_; item < first_ + count_; ++item)
        made->chunks.back().push_back({pool[item].clock, item});
    chunked_ = std::move(made);
    count_ = 0;
}

void ClientList::append_run(Handle first, uint32_t count, const ItemPool& pool) {
    if (count == 0) return;
    if (chunked_ == nullptr) {
        if (count_ == 0) first_ = first;
        if (first == first_ + count_ && count <= kRunMax - count_) {
            count_ += count;
            return;
        }
        make_chunks(pool);
    }
    const Item* const items = &pool[first];
    for (uint32_t i = 0; i < count;) {
        std::vector<Chunk>& chunks = chunked_->chunks;
        if (chunks.empty() || chunks.back().size() == kChunkMax)
            chunked_->open_chunk(items[i].clock);
        Chunk& chunk = chunks.back();
        const auto room = static_cast<uint32_t>(kChunkMax - chunk.size());
        const uint32_t end = i + std::min(room, count - i);
        for (; i < end; ++i)
            chunk.push_back({items[i].clock, first + i});
    }
}

void ClientList::insert_after(Position at, Handle item, const ItemPool& pool) {
    if (chunked_ == nullptr) make_chunks(pool);
    std::vector<Chunk>& chunks = chunked_->chunks;
    std::vector<uint32_t>& firsts = chunked_->firsts;
    if (chunks[at.chunk].size() == kChunkMax) {
        Chunk upper;
        upper.reserve(kChunkMax);
        Chunk& full = chunks[at.chunk];
        upper.assign(full.begin() + kChunkMax / 2, full.end());
        full.resize(kChunkMax / 2);
        firsts.insert(firsts.begin() + at.chunk + 1, upper[0].clock);
        chunks.insert(chunks.begin() + at.chunk + 1, std::move(upper));
        if (at.slot >= kChunkMax / 2) {
            ++at.chunk;
            at.slot -= kChunkMax / 2;
        }
    }
    Chunk& chunk = chunks[at.chunk];
    chunk.insert(chunk.begin() + at.slot + 1, Entry{pool[item].clock, item});
}

void ClientList::erase(Position at, const ItemPool& pool) {
    if (chunked_ == nullptr) {
        if (at.slot + 1 == count_) {
            --count_;
            return;
        }
        make_chunks(pool);
    }
    std::vector<Chunk>& chunks = chunked_->chunks;
    Chunk& chunk = chunks[at.chunk];
    chunk.erase(chunk.begin() + at.slot);
    if (chunk.empty()) {
        chunks.erase(chunks.begin() + at.chunk);
        chunked_->firsts.erase(chunked_->firsts.begin() + at.chunk);
        if (chunks.empty()) chunked_.reset();
    } else if (at.slot == 0) {
        chunked_->firsts[at.chunk] = chunk[0].clock;
    }
}

size_t ClientList::memory_bytes() const {
    if (chunked_ == nullptr) return 0;
    size_t bytes = sizeof(Chunked) + chunked_->chunks.capacity() * sizeof(Chunk) +
                   chunked_->firsts.capacity() * sizeof(uint32_t);
    for (const Chunk& chunk : chunked_->chunks)
        bytes += chunk.capacity() * sizeof(Entry);
    return bytes;
}

void ClientList::shrink() {
    if (chunked_ == nullptr) return;
    std::vector<Chunk>& chunks = chunked_->chunks;
    if (chunks.size() == 1) {
        const Handle first = chunks[0][0].item;
        uint32_t count = 0;
        for (const Entry& entry : chunks[0]) {
            if (entry.item != first + count) break;
            ++count;
        }
        if (count == chunks[0].size()) {
            chunked_.reset();
            first_ = first;
            count_ = count;
            return;
        }
    }
    for (Chunk& chunk : chunks)
        chunk.shrink_to_fit();
    chunks.shrink_to_fit();
    chunked_->firsts.shrink_to_fit();
}

}  // namespace tandem::yjs
