// What of a record is hashed, and how the tree of hashes follows the record's changes.

#include "record/hash.hpp"

#include <algorithm>

#include "record/document_impl.hpp"

namespace tandem::record {

namespace {

void write_dots(base::Writer& writer, const Dots& dots) {
    std::vector<Dot> sorted;
    for (const Tag& tag : dots)
        sorted.push_back({tag.actor, tag.counter});
    std::sort(sorted.begin(), sorted.end());
    writer.varint(sorted.size());
    for (const Dot& dot : sorted) {
        writer.varint(dot.actor);
        writer.varint(dot.counter);
    }
}

void write_siblings(base::Writer& writer, const std::vector<Sibling>& siblings) {
    std::vector<const Sibling*> sorted;
    for (const Sibling& sibling : siblings)
        sorted.push_back(&sibling);
    std::sort(sorted.begin(), sorted.end(),
              [](const Sibling* a, const Sibling* b) { return a->dot < b->dot; });
    writer.varint(sorted.size());
    for (const Sibling* sibling : sorted) {
        writer.varint(sibling->dot.actor);
        writer.varint(sibling->dot.counter);
        writer.varint(sibling->stamp.ms);
        writer.varint(sibling->stamp.logical);
        writer.varint(sibling->stamp.actor);
        writer.sized(base::canonical_bytes(sibling->value));
    }
}

// Content of one node, without what hangs below it; empty when it holds nothing. Never a seq, so
// that replicas which ordered the same entries differently can compare.
void write_content(std::string& out, const Node& node) {
    base::Writer writer(out);
    if (!node.siblings.empty()) {
        writer.u8(static_cast<uint8_t>(Kind::reg));
        write_siblings(writer, node.siblings);
    }
    if (node.is_live(Kind::counter)) {
        writer.u8(static_cast<uint8_t>(Kind::counter));
        writer.zigzag(node.counter->value);
        writer.u8(static_cast<uint8_t>(node.counter->origin));
        writer.varint(node.counter->generation.actor);
        writer.varint(node.counter->generation.counter);
        write_dots(writer, node.counter->touched);
    }
    if (node.set && node.set->present > 0) {
        writer.u8(static_cast<uint8_t>(Kind::set));
        writer.varint(node.set->present);
        for (const auto& element : node.set->elements) {
            if (element->dots.empty()) continue;
            writer.sized(element->bytes);
            write_dots(writer, element->dots);
        }
    }
    if (node.map && !node.map->marker.empty()) {
        writer.u8(static_cast<uint8_t>(Kind::map));
        write_dots(writer, node.map->marker);
    }
    if (node.is_item) {
        writer.u8(static_cast<uint8_t>(Kind::list));
        write_dots(writer, as_item(node).existence);
        write_siblings(writer, as_item(node).positions);
    }
}

enum class LeafMode : uint8_t { changed, all, gone };

// Brings the leaves in line with what changed after `since`. Every change of a node's content moves
// the node to the front of its parent's recency, so nothing else needs to be looked at.
class Updater {
  public:
    Updater(HashTree& tree, uint64_t since) : tree_(tree), since_(since) {}

    void visit(const Node& node, LeafMode mode) {
        if (mode == LeafMode::changed && node.max_seq <= since_) return;
        if (node.is_item) {
            const Item& item = as_item(node);
            if (!item.is_visible()) {
                // What was hidden before is not in the tree.
                if (mode == LeafMode::changed && item.removed_seq <= since_) return;
                mode = LeafMode::gone;
            } else if (mode == LeafMode::changed && item.visible_seq > since_) {
                mode = LeafMode::all;
            }
        }
        leaf(node, mode);
        if (node.map) below(node.map->children, node.map->recency, mode);
        if (node.list) below(node.list->items, node.list->recency, mode);
    }

  private:
    void leaf(const Node& node, LeafMode mode) {
        content_.clear();
        if (mode != LeafMode::gone) write_content(content_, node);
        if (content_.empty() && !node.is_hashed) return;
        const Digest key = digest_of(path_);
        tree_.count_hashes(1);
        node.is_hashed = !content_.empty();
        if (content_.empty()) return tree_.erase(key);
        tree_.count_hashes(1);
        tree_.put(key, digest_of(content_), &node);
    }

    template <class T>
    void below(const std::vector<std::unique_ptr<T>>& all, const Recency& recency, LeafMode mode) {
        if (mode != LeafMode::changed) {
            for (const auto& node : all)
                step(*node, mode);
            return;
        }
        for (const Node* node = recency.newest; node != nullptr && node->max_seq > since_;
             node = node->older) {
            step(*node, mode);
        }
    }

    void step(const Node& node, LeafMode mode) {
        const size_t length = path_.size();
        path_.push_back(node.is_item ? '@' : '/');
        base::Writer(path_).sized(node.name);
        visit(node, mode);
        path_.resize(length);
    }

    HashTree& tree_;
    uint64_t since_;
    std::string path_;
    std::string content_;
};

}  // namespace

void update(RecordHashes& hashes, const Node& root, uint64_t seq) {
    if (hashes.seq == seq) return;
    Updater(hashes.tree, hashes.seq)
        .visit(root, hashes.seq == 0 ? LeafMode::all : LeafMode::changed);
    hashes.seq = seq;
}

}  // namespace tandem::record
