#include "yjs/position_index.hpp"

#include <bit>

namespace tandem::yjs {

uint32_t PositionIndex::new_node(bool is_leaf) {
    uint32_t node;
    if (free_.empty()) {
        nodes_.emplace_back();
        node = static_cast<uint32_t>(nodes_.size() - 1);
    } else {
        node = free_.back();
        free_.pop_back();
        nodes_[node] = Node{};
    }
    nodes_[node].is_leaf = is_leaf;
    return node;
}

uint32_t PositionIndex::slot_of(const Node& node, uint32_t child) const {
    for (uint32_t slot = 0; slot < node.count; ++slot) {
        if (node.children[slot] == child) return slot;
    }
    TANDEM_UNREACHABLE();
}

// The differences are modulo 2^32, so that they may be negative.
void PositionIndex::add_upwards(uint32_t node, uint32_t visible_delta, uint32_t formats_delta) {
    while (node != 0) {
        Node& here = nodes_[node];
        here.visible += visible_delta;
        here.formats += formats_delta;
        if (here.parent != 0 && visible_delta != 0) {
            Node& above = nodes_[here.parent];
            above.shows[slot_of(above, node)] += visible_delta;
        }
        node = here.parent;
    }
}

void PositionIndex::recount(Node& node) {
    node.visible = 0;
    node.formats = 0;
    for (uint32_t slot = 0; slot < node.count; ++slot) {
        node.visible += node.shows[slot];
        if (!node.is_leaf) node.formats += nodes_[node.children[slot]].formats;
    }
    if (node.is_leaf) node.formats = static_cast<uint32_t>(std::popcount(node.format_bits));
}

uint32_t PositionIndex::split(uint32_t full, uint32_t& slot) {
    bool is_leaf = nodes_[full].is_leaf;
    uint32_t upper = new_node(is_leaf);
    if (nodes_[full].parent == 0) {
        uint32_t root = new_node(false);
        Node& top = nodes_[root];
        top.count = 1;
        top.children[0] = full;
        top.shows[0] = nodes_[full].visible;
        top.visible = nodes_[full].visible;
        top.formats = nodes_[full].formats;
        nodes_[full].parent = root;
        root_ = root;
    }
    uint32_t parent = nodes_[full].parent;
    uint32_t at = slot_of(nodes_[parent], full);
    if (nodes_[parent].count == kSlots) {
        parent = split(parent, at);
        // The node itself moved with its slot.
    }
    Node& low = nodes_[full];
    Node& high = nodes_[upper];
    // Appending keeps nodes full.
    uint32_t keep = slot == kSlots - 1 ? kSlots - 1 : kSlots / 2;
    high.count = low.count - keep;
    for (uint32_t i = 0; i < high.count; ++i) {
        high.children[i] = low.children[keep + i];
        high.shows[i] = low.shows[keep + i];
        if (is_leaf) {
            (*leaves_)[high.children[i]] = upper;
        } else {
            nodes_[high.children[i]].parent = upper;
        }
    }
    if (is_leaf) {
        high.format_bits = low.format_bits >> keep;
        low.format_bits &= (uint32_t{1} << keep) - 1;
    }
    low.count = keep;
    recount(low);
    recount(high);

    Node& above = nodes_[parent];
    for (uint32_t i = above.count; i > at + 1; --i) {
        above.children[i] = above.children[i - 1];
        above.shows[i] = above.shows[i - 1];
    }
    ++above.count;
    above.children[at + 1] = upper;
    above.shows[at + 1] = high.visible;
    above.shows[at] = low.visible;
    high.parent = parent;
    low.parent = parent;
    if (slot < keep) return full;
    slot -= keep;
    return upper;
}

void PositionIndex::insert_after(Handle left, Handle item, uint32_t visible, bool is_format) {
    if (leaves_->size() <= item) leaves_->resize(size_t{item} + item / 4 + 16);
    uint32_t leaf = 0;
    uint32_t slot = 0;
    if (left != 0) {
        leaf = (*leaves_)[left];
        slot = slot_of(nodes_[leaf], left);
        if (nodes_[leaf].count == kSlots) leaf = split(leaf, slot);
        ++slot;
    } else {
        if (root_ == 0) root_ = new_node(true);
        leaf = root_;
        while (!nodes_[leaf].is_leaf)
            leaf = nodes_[leaf].children[0];
        if (nodes_[leaf].count == kSlots) leaf = split(leaf, slot);
        slot = 0;
    }
    Node& node = nodes_[leaf];
    for (uint32_t i = node.count; i > slot; --i) {
        node.children[i] = node.children[i - 1];
        node.shows[i] = node.shows[i - 1];
    }
    uint32_t low_bits = node.format_bits & ((uint32_t{1} << slot) - 1);
    uint32_t high_bits = (node.format_bits & ~((uint32_t{1} << slot) - 1)) << 1;
    node.format_bits = low_bits | high_bits | (is_format ? uint32_t{1} << slot : 0);
    node.children[slot] = item;
    node.shows[slot] = visible;
    ++node.count;
    (*leaves_)[item] = leaf;
    add_upwards(leaf, visible, is_format ? 1 : 0);
}

void PositionIndex::set_visible(Handle item, uint32_t visible, bool is_format) {
    uint32_t leaf = (*leaves_)[item];
    Node& node = nodes_[leaf];
    uint32_t slot = slot_of(node, item);
    uint32_t bit = uint32_t{1} << slot;
    uint32_t was_format = (node.format_bits & bit) != 0 ? 1 : 0;
    uint32_t now_format = is_format ? 1 : 0;
    uint32_t delta = visible - node.shows[slot];
    if (delta == 0 && was_format == now_format) return;
    node.shows[slot] = visible;
    node.format_bits = (node.format_bits & ~bit) | (is_format ? bit : 0);
    add_upwards(leaf, delta, now_format - was_format);
}

void PositionIndex::remove(Handle item) {
    set_visible(item, 0, false);
    uint32_t leaf = (*leaves_)[item];
    Node& node = nodes_[leaf];
    uint32_t slot = slot_of(node, item);
    for (uint32_t i = slot + 1; i < node.count; ++i) {
        node.children[i - 1] = node.children[i];
        node.shows[i - 1] = node.shows[i];
    }
    uint32_t low_mask = (uint32_t{1} << slot) - 1;
    node.format_bits = (node.format_bits & low_mask) | ((node.format_bits >> 1) & ~low_mask);
    --node.count;
    if (node.count == 0) remove_node(leaf);
}

// Nodes that became empty go; half-empty ones stay, since lists mostly grow.
void PositionIndex::remove_node(uint32_t empty) {
    while (empty != 0 && nodes_[empty].count == 0) {
        uint32_t parent = nodes_[empty].parent;
        free_.push_back(empty);
        if (parent == 0) {
            root_ = 0;
            return;
        }
        Node& above = nodes_[parent];
        uint32_t slot = slot_of(above, empty);
        for (uint32_t i = slot + 1; i < above.count; ++i) {
            above.children[i - 1] = above.children[i];
            above.shows[i - 1] = above.shows[i];
        }
        --above.count;
        empty = parent;
    }
}

PositionIndex::Place PositionIndex::find(uint32_t position) const {
    if (root_ == 0 || position >= nodes_[root_].visible) return {};
    uint32_t at = root_;
    for (;;) {
        const Node& node = nodes_[at];
        uint32_t slot = 0;
        while (position >= node.shows[slot])
            position -= node.shows[slot++];
        if (node.is_leaf) return {node.children[slot], position};
        at = node.children[slot];
    }
}

uint32_t PositionIndex::position_of(Handle item) const {
    uint32_t child = item;
    uint32_t at = (*leaves_)[item];
    uint32_t position = 0;
    while (at != 0) {
        const Node& node = nodes_[at];
        for (uint32_t slot = 0; node.children[slot] != child; ++slot)
            position += node.shows[slot];
        child = at;
        at = node.parent;
    }
    return position;
}

void PositionIndex::formats_before(Handle item, std::vector<Handle>& out) const {
    // The way down to the item: at each node what lies before the child on the way is taken whole.
    std::vector<std::pair<uint32_t, uint32_t>> way;
    uint32_t child = item;
    for (uint32_t at = item == 0 ? 0 : (*leaves_)[item]; at != 0; at = nodes_[at].parent) {
        way.push_back({at, slot_of(nodes_[at], child)});
        child = at;
    }
    std::vector<std::pair<uint32_t, uint32_t>> stack;
    auto take = [&](uint32_t node, uint32_t end) {
        stack.push_back({node, 0});
        std::vector<uint32_t> ends{end};
        while (!stack.empty()) {
            auto& [at, slot] = stack.back();
            const Node& here = nodes_[at];
            if (slot == ends.back() || here.formats == 0) {
                stack.pop_back();
                ends.pop_back();
                continue;
            }
            uint32_t now = slot++;
            if (here.is_leaf) {
                if ((here.format_bits & uint32_t{1} << now) != 0) out.push_back(here.children[now]);
            } else {
                uint32_t down = here.children[now];
                stack.push_back({down, 0});
                ends.push_back(nodes_[down].count);
            }
        }
    };
    if (item == 0) {
        if (root_ != 0) take(root_, nodes_[root_].count);
        return;
    }
    for (auto step = way.rbegin(); step != way.rend(); ++step) {
        // Only the part before the way; the rest of this node belongs to the next step down.
        take(step->first, step->second);
    }
}

uint32_t PositionIndexes::add() {
    auto index = std::make_unique<PositionIndex>(leaves_);
    if (!free_.empty()) {
        uint32_t number = free_.back();
        free_.pop_back();
        indexes_[number - 1] = std::move(index);
        return number;
    }
    indexes_.push_back(std::move(index));
    return static_cast<uint32_t>(indexes_.size());
}

void PositionIndexes::remove(uint32_t number) {
    indexes_[number - 1].reset();
    free_.push_back(number);
}

size_t PositionIndexes::memory_bytes() const {
    size_t bytes = leaves_.capacity() * sizeof(uint32_t);
    for (const auto& index : indexes_) {
        if (index) bytes += index->memory_bytes();
    }
    return bytes;
}

}  // namespace tandem::yjs
