#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "yjs/item.hpp"

namespace tandem::yjs {

/// Number of a shared type within its document; 0 is none.
using BranchIndex = uint32_t;

/// The last item of the chain of each key, in the order in which the keys came, which is the order
/// that JavaScript shows them in.
class MapEntries {
  public:
    struct Entry {
        uint32_t key;
        Handle last;
        /// The number of the Slot that its items have as their home.
        uint32_t slot;
    };
    /// Null if there is none; until the next `put`.
    const Entry* find(uint32_t key) const;
    /// Sets the last item of a chain; a new key gets its place, and its slot for good.
    void put(uint32_t key, Handle last, uint32_t slot);
    const std::vector<Entry>& entries() const { return entries_; }
    size_t memory_bytes() const;

  private:
    std::vector<Entry> entries_;
    std::unordered_map<uint32_t, uint32_t> places_;
};

/// A key of a shared type's map, as the home of the items that are its values.
struct Slot {
    BranchIndex branch = 0;
    uint32_t key = 0;
    /// The first item of its chain, which is a long way from the last where many set the key at
    /// once; 0: none yet.
    Handle first = 0;
};

/// A shared type: a list, a map, or both at once, as Yjs has it.
struct Branch {
    static constexpr uint8_t kObserved = 1;
    static constexpr uint8_t kObservedDeep = 2;

    /// The item that holds it; 0 for a root.
    Handle item = 0;
    Handle start = 0;
    uint32_t length = 0;
    /// A root's name, or that of an XML element or hook.
    uint32_t name = 0;
    /// The tree of positions of this list, when one was built; see PositionIndex.
    uint32_t positions = 0;
    TypeKind kind = TypeKind::unknown;
    bool is_root : 1 = false;
    bool has_formatting : 1 = false;
    bool is_free : 1 = false;
    /// Who wants to be told of changes.
    uint8_t observers = 0;
    std::unique_ptr<MapEntries> map;

    Handle map_find(uint32_t key) const {
        const MapEntries::Entry* entry = map ? map->find(key) : nullptr;
        return entry == nullptr ? 0 : entry->last;
    }
};
static_assert(sizeof(Branch) == 32);

}  // namespace tandem::yjs
