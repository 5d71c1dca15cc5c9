#pragma once

#include <cstdint>
#include <cstdlib>
#include <type_traits>

#include "base/assert.hpp"
#include "yjs/structs.hpp"

namespace tandem::yjs {

/// Number of an item within its document; 0 is none. Stays the same while the item lives.
using Handle = uint32_t;
/// Number of a client within its document.
using ClientIndex = uint32_t;
inline constexpr ClientIndex kNoClient = UINT32_MAX;

/// A struct that belongs to a document: a run of insertions with consecutive clocks that are
/// neighbours in their list, were made after the same character and stand before the same one.
struct Item {
    static constexpr uint8_t kDeleted = 1;
    /// Kept from collection for the sake of undo.
    static constexpr uint8_t kKept = 2;
    /// Undo has brought it back as another item; see Store::follow_redone.
    static constexpr uint8_t kRedone = 8;
    /// Not linked yet, and its parent is the item (left: client, right: clock).
    static constexpr uint8_t kParentById = 4;

    ClientIndex client = 0;
    uint32_t clock = 0;
    uint32_t len = 0;
    /// Neighbours in the list, or in the chain of values of one key of a map.
    Handle left = 0;
    Handle right = 0;
    ClientIndex origin_client = kNoClient;
    uint32_t origin_clock = 0;
    ClientIndex right_origin_client = kNoClient;
    uint32_t right_origin_clock = 0;
    /// The shared type it stands in; 0 for a collected struct.
    uint32_t parent = 0;
    /// The name of its key in the parent's map; 0 for an item of the list.
    uint32_t key = 0;
    /// Where its content begins in the arena, or the shared type that it is.
    uint32_t content = 0;
    /// Bytes of content in the arena.
    uint32_t bytes = 0;
    Kind kind = Kind::gc;
    uint8_t flags = 0;

    uint32_t end() const { return clock + len; }
    uint32_t last_clock() const { return clock + len - 1; }
    bool is_deleted() const { return (flags & kDeleted) != 0; }
    bool is_kept() const { return (flags & kKept) != 0; }
    bool is_redone() const { return (flags & kRedone) != 0; }
    bool is_collected() const { return kind == Kind::gc; }
    bool has_origin() const { return origin_client != kNoClient; }
    bool has_right_origin() const { return right_origin_client != kNoClient; }
    bool is_countable() const { return yjs::is_countable(kind); }
    /// What it adds to the length of its list.
    uint32_t visible() const { return is_deleted() || !is_countable() ? 0 : len; }
};
static_assert(std::is_trivially_copyable_v<Item>);

/// All items of a document in one block, addressed by handle. A reference is valid until the next
/// `add`.
class ItemPool {
  public:
    ItemPool() = default;
    ~ItemPool() { std::free(items_); }
    ItemPool(const ItemPool&) = delete;
    ItemPool& operator=(const ItemPool&) = delete;

    Item& operator[](Handle handle) { return items_[handle]; }
    const Item& operator[](Handle handle) const { return items_[handle]; }

    Handle add() {
        if (free_ != 0) {
            Handle handle = free_;
            free_ = items_[handle].left;
            items_[handle] = Item{};
            return handle;
        }
        if (size_ >= capacity_) grow();
        items_[size_] = Item{};
        return size_++;
    }
    void remove(Handle handle) {
        items_[handle].left = free_;
        items_[handle].kind = Kind::skip;
        free_ = handle;
    }
    /// One more than the highest handle in use.
    uint32_t limit() const { return size_; }
    size_t memory_bytes() const { return capacity_ * sizeof(Item); }
    void shrink();

  private:
    void grow();

    Item* items_ = nullptr;
    uint32_t size_ = 1;
    uint32_t capacity_ = 0;
    Handle free_ = 0;
};

}  // namespace tandem::yjs
