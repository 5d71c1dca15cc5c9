#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "record/document.hpp"
#include "record/dots.hpp"
#include "record/resolver.hpp"

namespace tandem::record {

struct Node;
struct Item;

/// The nodes of one slot, the last changed first. The links are in the nodes, so that a diff finds
/// what changed without looking at what did not.
struct Recency {
    Node* newest = nullptr;
    Node* oldest = nullptr;

    void move_to_front(Node& node);
    void remove(Node& node);
    void push_back(Node& node);
};

/// What made a counter's generation. An op that saw no counter adds to increments, but not to a
/// number that somebody else has set. At rest in snapshots.
enum class Origin : uint8_t { inc = 1, counter_set = 2 };

struct Counter {
    int64_t value = 0;
    Dot generation;
    Origin origin = Origin::inc;
    Dots touched;
    Dots removed;              ///< of the removals that had seen all of `touched`
    uint64_t removed_seq = 0;  ///< of the first of them; 0 while it is there

    bool is_removed() const { return removed_seq != 0; }
};

/// What a register showed from an entry on; empty when that was no text to merge on.
struct TextVersion {
    uint64_t seq = 0;
    std::string text;
};

/// What the sibling that a seq names was written on.
struct SiblingBase {
    uint64_t seq = 0;
    uint64_t base = 0;
};

/// What a register needs beside its siblings when its resolver computes the shown value.
struct Blending {
    std::vector<TextVersion> versions;  ///< text3: by seq, at most `kTextVersionsMax`
    std::vector<SiblingBase> bases;     ///< text3: by seq
    /// As of the last settled entry; a function of the siblings and of what is above.
    std::optional<Blend> shown;
};
inline constexpr size_t kTextVersionsMax = 16;

/// An element that has no dots any more is a tombstone for diffs.
struct Element {
    std::string bytes;  ///< canonical bytes of the value
    base::Value value;
    Dots dots;
    uint64_t seq = 0;  ///< of the last appearance or disappearance
};

struct SetSlot {
    std::vector<std::unique_ptr<Element>> elements;  ///< by canonical bytes
    size_t present = 0;

    Element* find(std::string_view bytes);
    Element& find_or_make(std::string_view bytes, const base::Value& value);
};

struct MapSlot {
    Dots marker;
    std::vector<std::unique_ptr<Node>> children;  ///< by name
    size_t live = 0;  ///< children that were not none when they were last settled
    Recency recency;

    Node* find(std::string_view name) const;
};

struct ListSlot {
    std::vector<std::unique_ptr<Item>> items;  ///< by id
    size_t visible = 0;
    uint64_t order_seq = 0;  ///< of the last entry that showed, hid or moved an item
    Recency recency;

    Item* find(std::string_view id) const;
    /// Visible items in the order shown. Sorted on first use, then kept.
    const std::vector<const Item*>& ordered() const;
    /// Place among them; nothing for an item that is not visible.
    std::optional<uint64_t> index_of(const Item& item) const;
    /// Called when these items, of this list, were shown, hidden or moved.
    void reorder(const std::vector<const Item*>& changed);

  private:
    mutable std::vector<const Item*> order_;
    mutable bool is_ordered_ = false;
};

/// What sits at one path (docs/merge.md, section 2). A node is owned by its parent's slot.
struct Node {
    Node(Node* parent_node, std::string_view own_name, bool is_an_item)
        : name(own_name), parent(parent_node), is_item(is_an_item) {}
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    std::string name;
    Node* parent;
    Node* newer = nullptr;
    Node* older = nullptr;

    uint64_t max_seq = 0;   ///< of the last change here or below
    uint64_t flip_seq = 0;  ///< when the shown kind went from one kind to another
    uint64_t tomb_seq = 0;  ///< when the shown kind became none
    uint64_t leaf_seq = 0;  ///< of the last change of the register or counter

    std::vector<Sibling> siblings;
    std::unique_ptr<Blending> blending;  ///< null unless the resolver computes something
    std::unique_ptr<Counter> counter;
    std::unique_ptr<SetSlot> set;
    std::unique_ptr<ListSlot> list;
    std::unique_ptr<MapSlot> map;

    uint32_t open_rows = 0;   ///< of the journal, event rows left out
    Kind shown = Kind::none;  ///< as of the last settled entry
    Kind declared = Kind::none;
    Resolver resolver = Resolver::keep;
    const bool is_item;
    bool is_touched = false;
    bool is_changed = false;
    bool has_removed_counter = false;  ///< here or below
    mutable bool is_hashed = false;    ///< has a leaf in the tree of hashes

    bool is_live(Kind kind) const;
    /// The shown kind as the slots are now.
    Kind kind_now() const;
    size_t live_slots() const;
    MapSlot& map_slot();
    ListSlot& list_slot();
    SetSlot& set_slot();
    Recency& recency_in_parent();
    Path path() const;
    /// True when this is or is inside an item that is not visible.
    bool is_hidden() const;
};

struct Item : Node {
    Item(Node* list_node, std::string_view id) : Node(list_node, id, true) {}

    Dots existence;
    std::vector<Sibling> positions;
    uint64_t removed_seq = 0;
    uint64_t visible_seq = 0;  ///< since when it is visible
    uint64_t moved_seq = 0;
    bool has_toggled = false;

    bool is_visible() const { return !existence.empty(); }
};

/// The name must not be there yet.
Node& make_child(MapSlot& slot, Node& parent, std::string_view name);
Item& make_item(ListSlot& slot, Node& parent, std::string_view id);

inline Item& as_item(Node& node) { return static_cast<Item&>(node); }
inline const Item& as_item(const Node& node) { return static_cast<const Item&>(node); }

/// What `has_removed_counter` must be, by the node's slots and what is directly below.
bool holds_removed_counter(const Node& node);
/// The text on which the siblings of a `text3` register were written; empty when not known.
std::string_view common_text(const Node& node);
/// Brings `blending` in line with the siblings; null when the resolver needs none.
void compute_blend(Node& node);
/// What the register of a settled node shows; it must have siblings.
const base::Value& shown_register(const Node& node);

/// Rough heap bytes of a value.
size_t bytes_of(const base::Value& value);
/// The same of what is kept for merging; what follows from it is left out.
size_t bytes_of(const Blending* blending);
inline size_t bytes_of(const Sibling& sibling) { return sizeof(Sibling) + bytes_of(sibling.value); }

}  // namespace tandem::record
