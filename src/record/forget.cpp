#include <algorithm>

#include "record/document_impl.hpp"

namespace tandem::record {

namespace {

class Forgetter {
  public:
    Forgetter(Document::Impl& document, uint64_t floor) : document_(document), floor_(floor) {}

    void visit(Node& node) {
        if (node.shown == Kind::none && node.tomb_seq <= floor_) {
            node.declared = Kind::none;
            node.resolver = Resolver::keep;
            document_.bytes -= bytes_of(node.blending.get());
            node.blending.reset();
        }
        if (node.set) elements(node);
        if (node.map) children(node);
        if (node.list) items(node);
        if (!node.has_removed_counter) return;
        if (node.counter && node.counter->is_removed() && node.counter->removed_seq <= floor_) {
            document_.bytes -= sizeof(Counter);
            node.counter.reset();
        }
        node.has_removed_counter = holds_removed_counter(node);
    }

  private:
    // True when nothing would change if the node were not there.
    bool is_vacant(const Node& node) const {
        return node.shown == Kind::none && node.tomb_seq <= floor_ && node.open_rows == 0 &&
               !node.set && !node.map && !node.list && !node.counter;
    }

    void elements(Node& node) {
        std::erase_if(node.set->elements, [&](const auto& element) {
            bool is_past = element->dots.empty() && element->seq <= floor_;
            if (is_past) {
                document_.bytes -=
                    sizeof(Element) + element->bytes.size() + bytes_of(element->value);
            }
            return is_past;
        });
        if (node.set->elements.empty()) node.set.reset();
    }

    void children(Node& node) {
        std::erase_if(node.map->children, [&](const auto& child) {
            visit(*child);
            if (!is_vacant(*child)) return false;
            node.map->recency.remove(*child);
            document_.bytes -= sizeof(Node) + child->name.size();
            return true;
        });
        if (node.map->children.empty() && node.map->marker.empty()) node.map.reset();
    }

    void items(Node& node) {
        std::erase_if(node.list->items, [&](const auto& item) {
            if (item->is_visible() || item->removed_seq > floor_) {
                visit(*item);
                return false;
            }
            node.list->recency.remove(*item);
            discount(*item);
            return true;
        });
        if (node.list->items.empty()) node.list.reset();
    }

    // Takes a whole item out of the totals.
    void discount(const Node& node) {
        for (const Sibling& sibling : node.siblings)
            document_.bytes -= bytes_of(sibling);
        if (!node.siblings.empty()) --document_.fields;
        document_.bytes -= bytes_of(node.blending.get());
        if (node.counter) {
            document_.bytes -= sizeof(Counter);
            if (!node.counter->is_removed()) --document_.fields;
        }
        if (node.set) {
            for (const auto& element : node.set->elements) {
                document_.bytes -=
                    sizeof(Element) + element->bytes.size() + bytes_of(element->value);
            }
            document_.fields -= node.set->present;
        }
        if (node.map) {
            for (const auto& child : node.map->children)
                discount(*child);
        }
        if (node.list) {
            for (const auto& item : node.list->items)
                discount(*item);
        }
        if (node.is_item) {
            for (const Sibling& position : as_item(node).positions) {
                document_.bytes -= bytes_of(position);
            }
        }
        document_.bytes -= (node.is_item ? sizeof(Item) : sizeof(Node)) + node.name.size();
    }

    Document::Impl& document_;
    uint64_t floor_;
};

}  // namespace

void forget(Document::Impl& document, uint64_t floor) {
    if (floor > document.seq) floor = document.seq;
    if (floor <= document.floor) return;
    document.floor = floor;
    Forgetter(document, floor).visit(document.root);
    document.journal.forget(floor);
}

}  // namespace tandem::record
