#pragma once

#include <cstdint>
#include <cstdlib>
#include <type_traits>
#include <utility>

#include "base/assert.hpp"
#include "yjs/structs.hpp"

namespace tandem::yjs {

/// Number of an item within its document; 0 is none. Stays the same while the item lives.
using Handle = uint32_t;
/// Number of a client within its document.
using ClientIndex = uint32_t;
inline constexpr ClientIndex kNoClient = UINT32_MAX;
/// A document has no more clients than this; an update that would bring more is refused.
inline constexpr size_t kClientsMax = 1'000'000;

/// One clock of one client of the document.
struct Dot {
    ClientIndex client = kNoClient;
    uint32_t clock = 0;
    bool is_some() const { return client != kNoClient; }
    friend bool operator==(const Dot&, const Dot&) = default;
};

/// A struct that belongs to a document: a run of insertions with consecutive clocks that are
/// neighbours in their list, were made after the same character and stand before the same one.
///
/// A document of many authors' small edits is mostly these, so they are packed: what most items
/// do not have (an origin by another client, a key) lies elsewhere in the Store, which reads and
/// writes those fields.
struct Item {
    static constexpr uint8_t kDeleted = 1;
    /// Kept from collection for the sake of undo.
    static constexpr uint8_t kKept = 2;
    /// Not linked yet, and its parent is the item (left: client, right: clock).
    static constexpr uint8_t kParentById = 4;
    /// Undo has brought it back as another item; see Store::follow_redone.
    static constexpr uint8_t kRedone = 8;

    static constexpr uint32_t kClientMask = (uint32_t{1} << 21) - 1;
    static_assert(kClientsMax < kClientMask);
    /// No clock reaches it, and no index of an origin.
    static constexpr uint32_t kNoOrigin = UINT32_MAX;
    /// Set in `home` if the rest is the number of a key's slot.
    static constexpr uint32_t kKeyed = uint32_t{1} << 31;

    Kind kind : 4 = Kind::gc;
    uint8_t flags : 4 = 0;
    /// Of another client than the item: `origin` or `right_origin` is an index, see Store::origin.
    bool has_far_origin : 1 = false;
    bool has_far_right_origin : 1 = false;
    /// Text of as many bytes as clocks, which is ASCII.
    bool is_plain : 1 = false;
    ClientIndex client : 21 = 0;

    uint32_t clock = 0;
    uint32_t len = 0;
    /// Neighbours in the list, or in the chain of values of one key of a map.
    Handle left = 0;
    Handle right = 0;
    uint32_t origin = kNoOrigin;
    uint32_t right_origin = kNoOrigin;
    /// The shared type in whose list it stands, or with kKeyed the slot of its key in a map; 0 for
    /// a collected struct. While it is not linked see Store::set_unlinked_home.
    uint32_t home = 0;
    /// Where its plain text begins in the arena, the number of the span of other content, or the
    /// shared type that it is; 0 where it has nothing.
    uint32_t content = 0;

    uint32_t end() const { return clock + len; }
    uint32_t last_clock() const { return clock + len - 1; }
    bool is_deleted() const { return (flags & kDeleted) != 0; }
    bool is_kept() const { return (flags & kKept) != 0; }
    bool is_redone() const { return (flags & kRedone) != 0; }
    void set(uint8_t flag) { flags = (flags | flag) & 0xf; }
    void unset(uint8_t flag) { flags = flags & ~flag & 0xf; }
    void set_client(ClientIndex index) { client = index & kClientMask; }
    bool is_collected() const { return kind == Kind::gc; }
    bool has_origin() const { return origin != kNoOrigin; }
    bool has_right_origin() const { return right_origin != kNoOrigin; }
    /// Stands in a list, not under a key.
    bool is_in_list() const { return (home & kKeyed) == 0; }
    bool is_countable() const { return yjs::is_countable(kind); }
    /// What it adds to the length of its list.
    uint32_t visible() const { return is_deleted() || !is_countable() ? 0 : len; }
};
static_assert(sizeof(Item) == 36);
static_assert(std::is_trivially_copyable_v<Item>);

/// All items of a document in one block, addressed by handle. A reference is valid until the next
/// `add`.
class ItemPool {
  public:
    ItemPool() = default;
    ~ItemPool() { std::free(items_); }
    ItemPool(const ItemPool&) = delete;
    ItemPool& operator=(const ItemPool&) = delete;
    void swap(ItemPool& other) noexcept {
        std::swap(items_, other.items_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
        std::swap(free_, other.free_);
    }

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
    /// The handles from 1 to `count`, whose items the caller writes. The pool must be unused.
    void add_first(uint32_t count);
    /// Makes room for that many more, if they are more than growing step by step is for.
    void reserve(size_t more) {
        constexpr size_t kFew = 64;
        if (more > kFew && more < UINT32_MAX / 2 && size_ + more > capacity_)
            resize(size_ + static_cast<uint32_t>(more));
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
    void resize(uint32_t capacity);

    Item* items_ = nullptr;
    uint32_t size_ = 1;
    uint32_t capacity_ = 0;
    Handle free_ = 0;
};

}  // namespace tandem::yjs
