#include "yjs/branch.hpp"

namespace tandem::yjs {

namespace {
constexpr size_t kLinearMax = 12;
}

const MapEntries::Entry* MapEntries::find(uint32_t key) const {
    if (places_.empty()) {
        for (const Entry& entry : entries_) {
            if (entry.key == key) return &entry;
        }
        return nullptr;
    }
    auto found = places_.find(key);
    return found == places_.end() ? nullptr : &entries_[found->second];
}

void MapEntries::put(uint32_t key, Handle last, uint32_t slot) {
    if (const Entry* entry = find(key)) {
        entries_[static_cast<size_t>(entry - entries_.data())].last = last;
        return;
    }
    entries_.push_back({key, last, slot});
    if (!places_.empty()) {
        places_.emplace(key, static_cast<uint32_t>(entries_.size() - 1));
    } else if (entries_.size() > kLinearMax) {
        for (uint32_t i = 0; i < entries_.size(); ++i)
            places_.emplace(entries_[i].key, i);
    }
}

size_t MapEntries::memory_bytes() const {
    return sizeof(*this) + entries_.capacity() * sizeof(Entry) +
           places_.size() * (sizeof(std::pair<uint32_t, uint32_t>) + 2 * sizeof(void*)) +
           places_.bucket_count() * sizeof(void*);
}

}  // namespace tandem::yjs
