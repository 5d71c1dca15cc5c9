#include "yjs/rank_tree.hpp"

#include <algorithm>

namespace tandem::yjs {

uint32_t RankTree::new_node(bool is_leaf) {
    nodes_.emplace_back();
    nodes_.back().is_leaf = is_leaf;
    return static_cast<uint32_t>(nodes_.size() - 1);
}

uint32_t RankTree::slot_of(const Node& node, uint32_t child) const {
    for (uint32_t slot = 0; slot < node.count; ++slot) {
        if (node.children[slot] == child) return slot;
    }
    TANDEM_UNREACHABLE();
}

uint32_t RankTree::split(uint32_t full, uint32_t& slot) {
    const bool is_leaf = nodes_[full].is_leaf;
    const uint32_t upper = new_node(is_leaf);
    if (full == root_) {
        root_ = new_node(false);
        nodes_[root_].count = 1;
        nodes_[root_].children[0] = full;
        nodes_[full].parent = root_;
    }
    uint32_t parent = nodes_[full].parent;
    uint32_t at = slot_of(nodes_[parent], full);
    if (nodes_[parent].count == kSlots) parent = split(parent, at);
    Node& low = nodes_[full];
    Node& high = nodes_[upper];
    // Appending keeps nodes full.
    const uint32_t keep = slot == kSlots - 1 ? kSlots - 1 : kSlots / 2;
    high.count = low.count - keep;
    std::copy_n(low.children + keep, high.count, high.children);
    std::copy_n(low.ranks + keep, high.count, high.ranks);
    for (uint32_t i = 0; i < high.count; ++i) {
        if (is_leaf) {
            (*leaves_)[high.children[i]] = upper;
        } else {
            nodes_[high.children[i]].parent = upper;
        }
    }
    low.count = keep;
    Node& above = nodes_[parent];
    std::copy_backward(above.children + at + 1, above.children + above.count,
                       above.children + above.count + 1);
    std::copy_backward(above.ranks + at + 1, above.ranks + above.count,
                       above.ranks + above.count + 1);
    ++above.count;
    auto lowest = [](const Node& node) {
        return *std::min_element(node.ranks, node.ranks + node.count);
    };
    above.children[at + 1] = upper;
    above.ranks[at] = lowest(low);
    above.ranks[at + 1] = lowest(high);
    low.parent = parent;
    high.parent = parent;
    if (slot < keep) return full;
    slot -= keep;
    return upper;
}

void RankTree::insert_after(Handle left, Handle item, const Rank& rank) {
    if (leaves_->size() <= item) leaves_->resize(size_t{item} + item / 4 + 16);
    if (root_ == 0) root_ = new_node(true);
    uint32_t leaf = root_;
    uint32_t slot = 0;
    if (left != 0) {
        leaf = (*leaves_)[left];
        slot = slot_of(nodes_[leaf], left);
    } else {
        while (!nodes_[leaf].is_leaf)
            leaf = nodes_[leaf].children[0];
    }
    if (nodes_[leaf].count == kSlots) leaf = split(leaf, slot);
    if (left != 0) ++slot;
    Node& node = nodes_[leaf];
    std::copy_backward(node.children + slot, node.children + node.count,
                       node.children + node.count + 1);
    std::copy_backward(node.ranks + slot, node.ranks + node.count, node.ranks + node.count + 1);
    node.children[slot] = item;
    node.ranks[slot] = rank;
    ++node.count;
    (*leaves_)[item] = leaf;
    uint32_t child = leaf;
    for (uint32_t above = node.parent; above != 0; above = nodes_[above].parent) {
        Rank& known = nodes_[above].ranks[slot_of(nodes_[above], child)];
        // A node's first item comes to one that says nothing yet only where it is the root.
        if (known <= rank) return;
        known = rank;
        child = above;
    }
}

const RankTree::Rank& RankTree::rank_of(Handle item) const {
    const Node& leaf = nodes_[(*leaves_)[item]];
    return leaf.ranks[slot_of(leaf, item)];
}

bool RankTree::is_before(Handle a, Handle b) const {
    // All leaves are at the same depth.
    uint32_t left = a;
    uint32_t right = b;
    uint32_t left_node = (*leaves_)[a];
    uint32_t right_node = (*leaves_)[b];
    while (left_node != right_node) {
        left = left_node;
        right = right_node;
        left_node = nodes_[left].parent;
        right_node = nodes_[right].parent;
    }
    const Node& common = nodes_[left_node];
    return slot_of(common, left) < slot_of(common, right);
}

Handle RankTree::first_below_under(uint32_t at, const Rank& rank) const {
    for (;;) {
        const Node& node = nodes_[at];
        uint32_t slot = 0;
        while (node.ranks[slot] >= rank)
            ++slot;
        if (node.is_leaf) return node.children[slot];
        at = node.children[slot];
    }
}

Handle RankTree::last_below_under(uint32_t at, const Rank& rank) const {
    for (;;) {
        const Node& node = nodes_[at];
        uint32_t slot = node.count - 1;
        while (node.ranks[slot] >= rank)
            --slot;
        if (node.is_leaf) return node.children[slot];
        at = node.children[slot];
    }
}

Handle RankTree::next_below(Handle after, const Rank& rank) const {
    uint32_t child = after;
    for (uint32_t at = after == 0 ? root_ : (*leaves_)[after]; at != 0; at = nodes_[at].parent) {
        const Node& node = nodes_[at];
        for (uint32_t slot = child == 0 ? 0 : slot_of(node, child) + 1; slot < node.count; ++slot) {
            if (node.ranks[slot] >= rank) continue;
            return node.is_leaf ? node.children[slot]
                                : first_below_under(node.children[slot], rank);
        }
        child = at;
    }
    return 0;
}

Handle RankTree::last_below(Handle before, const Rank& rank) const {
    uint32_t child = before;
    for (uint32_t at = before == 0 ? root_ : (*leaves_)[before]; at != 0; at = nodes_[at].parent) {
        const Node& node = nodes_[at];
        for (uint32_t slot = child == 0 ? node.count : slot_of(node, child); slot > 0; --slot) {
            if (node.ranks[slot - 1] >= rank) continue;
            return node.is_leaf ? node.children[slot - 1]
                                : last_below_under(node.children[slot - 1], rank);
        }
        child = at;
    }
    return 0;
}

Handle RankTree::last() const {
    uint32_t at = root_;
    while (at != 0 && !nodes_[at].is_leaf)
        at = nodes_[at].children[nodes_[at].count - 1];
    return at == 0 ? 0 : nodes_[at].children[nodes_[at].count - 1];
}

}  // namespace tandem::yjs
