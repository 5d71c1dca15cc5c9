#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "yjs/item.hpp"

namespace tandem::yjs {

/// A B+tree over the items of one list in their order, whose inner nodes know how many visible
/// units and how many formats lie below them: from a position to its item and back in logarithmic
/// time. It is built when a long list is first asked for a position, so that a document that is
/// only relayed never pays for it.
class PositionIndex {
  public:
    struct Place {
        Handle item = 0;
        /// Visible units of the item that lie before the position.
        uint32_t offset = 0;
    };

    /// Where each item's leaf is, by handle; shared by all indexes of a document.
    using Leaves = std::vector<uint32_t>;

    explicit PositionIndex(Leaves& leaves) : leaves_(&leaves) {}

    /// `left` is 0 for the first item of the list.
    void insert_after(Handle left, Handle item, uint32_t visible, bool is_format);
    void remove(Handle item);
    void set_visible(Handle item, uint32_t visible, bool is_format);

    /// The item that shows the unit at `position`; none at the end of the list.
    Place find(uint32_t position) const;
    /// How many visible units lie before an item.
    uint32_t position_of(Handle item) const;
    /// Appends the formats that lie before the item, in their order; the whole list's for 0.
    void formats_before(Handle item, std::vector<Handle>& out) const;
    uint32_t visible() const { return root_ == 0 ? 0 : nodes_[root_].visible; }
    size_t memory_bytes() const { return nodes_.capacity() * sizeof(Node); }

  private:
    static constexpr uint32_t kSlots = 32;

    struct Node {
        uint32_t parent = 0;
        uint32_t count = 0;
        uint32_t visible = 0;
        uint32_t formats = 0;
        bool is_leaf = true;
        /// Items of a leaf, nodes of an inner node, and what each shows.
        uint32_t children[kSlots];
        uint32_t shows[kSlots];
        /// One bit for each item of a leaf that is a live format.
        uint32_t format_bits = 0;
    };

    uint32_t new_node(bool is_leaf);
    uint32_t slot_of(const Node& node, uint32_t child) const;
    void add_upwards(uint32_t node, uint32_t visible_delta, uint32_t formats_delta);
    /// Makes room in a full node; returns the node that now has what was at `slot`.
    uint32_t split(uint32_t node, uint32_t& slot);
    void remove_node(uint32_t node);
    void recount(Node& node);

    Leaves* leaves_;
    std::vector<Node> nodes_{1};
    std::vector<uint32_t> free_;
    uint32_t root_ = 0;
};

/// The indexes of a document's lists, numbered from 1.
class PositionIndexes {
  public:
    PositionIndex& at(uint32_t number) { return *indexes_[number - 1]; }
    const PositionIndex& at(uint32_t number) const { return *indexes_[number - 1]; }
    uint32_t add();
    void remove(uint32_t number);
    size_t memory_bytes() const;

  private:
    PositionIndex::Leaves leaves_;
    std::vector<std::unique_ptr<PositionIndex>> indexes_;
    std::vector<uint32_t> free_;
};

}  // namespace tandem::yjs
