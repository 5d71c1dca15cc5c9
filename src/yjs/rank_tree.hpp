#pragma once

#include <compare>
#include <cstdint>
#include <vector>

#include "yjs/item.hpp"

namespace tandem::yjs {

/// A B+tree over the items of one list in their order, each with a rank, whose inner nodes know the
/// lowest rank below them: from an item to the next, or the last, that ranks below a bound in
/// logarithmic time. Items are only ever added.
class RankTree {
  public:
    /// Compared by depth, then by client.
    struct Rank {
        uint64_t depth = 0;
        uint64_t client = 0;
        friend auto operator<=>(const Rank&, const Rank&) = default;
    };
    /// In which node each item is, by handle; shared by all trees of a document, whose items
    /// differ.
    using Leaves = std::vector<uint32_t>;

    explicit RankTree(Leaves& leaves) : leaves_(&leaves) {}

    /// `left` is 0 for the first item of the list.
    void insert_after(Handle left, Handle item, const Rank& rank);
    /// Of an item that is in the tree.
    const Rank& rank_of(Handle item) const;
    /// Whether `a` stands before `b`; both are in the tree.
    bool is_before(Handle a, Handle b) const;
    /// The first item behind `after` (0: of all) that ranks below; 0: none.
    Handle next_below(Handle after, const Rank& rank) const;
    /// The last item before `before` (0: of all) that ranks below; 0: none.
    Handle last_below(Handle before, const Rank& rank) const;
    /// The last item; 0: the tree is empty.
    Handle last() const;

  private:
    static constexpr uint32_t kSlots = 32;

    struct Node {
        uint32_t parent = 0;
        uint32_t count = 0;
        bool is_leaf = true;
        /// Items of a leaf, nodes of an inner node, and the lowest rank of each.
        uint32_t children[kSlots];
        Rank ranks[kSlots];
    };

    uint32_t new_node(bool is_leaf);
    uint32_t slot_of(const Node& node, uint32_t child) const;
    /// Makes room in a full node; returns the node that now has what was at `slot`.
    uint32_t split(uint32_t full, uint32_t& slot);
    Handle first_below_under(uint32_t node, const Rank& rank) const;
    Handle last_below_under(uint32_t node, const Rank& rank) const;

    Leaves* leaves_;
    std::vector<Node> nodes_{1};
    uint32_t root_ = 0;
};

}  // namespace tandem::yjs
