#include "record/apply.hpp"

namespace tandem::record {

void Applier::remove_slot(Node& node, Kind slot) {
    switch (slot) {
        case Kind::none:
            return;
        case Kind::reg: {
            size_t removed = std::erase_if(node.siblings, [&](const Sibling& sibling) {
                bool is_seen = seen_(sibling.seq, sibling.dot.actor);
                if (is_seen) document_.bytes -= bytes_of(sibling);
                return is_seen;
            });
            if (removed == 0) return;
            if (node.siblings.empty()) --document_.fields;
            node.leaf_seq = entry_.seq;
            change(node);
            return;
        }
        case Kind::counter: {
            if (!node.counter) return;
            Counter& counter = *node.counter;
            bool is_all_seen = counter.touched.are_seen(seen_);
            if (counter.is_removed()) {
                if (is_all_seen) counter.removed.add(tag());
                return;
            }
            if (is_all_seen) {
                // Its body stays, for those who count on without having seen this.
                counter.removed_seq = entry_.seq;
                counter.removed.add(tag());
                --document_.fields;
                for (Node* at = &node; at != nullptr; at = at->parent)
                    at->has_removed_counter = true;
            } else if (!counter.touched.remove_seen(seen_)) {
                return;
            }
            node.leaf_seq = entry_.seq;
            change(node);
            return;
        }
        case Kind::set:
            if (!node.set || node.set->present == 0) return;
            for (auto& element : node.set->elements)
                lose_seen(*node.set, *element, node);
            return;
        case Kind::list:
            if (!node.list || node.list->visible == 0) return;
            for (auto& item : node.list->items)
                remove_item(*item);
            return;
        case Kind::map:
            if (!node.map) return;
            if (node.map->marker.remove_seen(seen_)) change(node);
            for (auto& child : node.map->children) {
                // A child that was none holds nothing that could be removed, unless this entry
                // has written to it, or it has a counter that was removed before.
                if (child->shown != Kind::none || child->is_touched || child->has_removed_counter) {
                    remove_content(*child);
                }
            }
            return;
    }
}

void Applier::remove_content(Node& node) {
    remove_slot(node, Kind::map);
    remove_slot(node, Kind::list);
    remove_slot(node, Kind::set);
    remove_slot(node, Kind::counter);
    remove_slot(node, Kind::reg);
}

void Applier::clear_other_slots(Node& node, Kind kept) {
    if (kept != Kind::map && node.map) remove_slot(node, Kind::map);
    if (kept != Kind::list && node.list) remove_slot(node, Kind::list);
    if (kept != Kind::set && node.set) remove_slot(node, Kind::set);
    if (kept != Kind::counter && node.counter) remove_slot(node, Kind::counter);
    if (kept != Kind::reg && !node.siblings.empty()) remove_slot(node, Kind::reg);
}

void Applier::lose_seen(SetSlot& slot, Element& element, Node& node) {
    if (element.dots.empty() || !element.dots.remove_seen(seen_)) return;
    change(node);
    if (!element.dots.empty()) return;
    element.seq = entry_.seq;
    --slot.present;
    --document_.fields;
}

void Applier::remove_item(Item& item) {
    if (!item.is_visible() || !item.existence.remove_seen(seen_)) return;
    change(item);
    if (item.is_visible()) return;
    item.removed_seq = entry_.seq;
    item.has_toggled = true;
    --item.parent->list->visible;
}

void Applier::renew(Item& item) {
    bool was_visible = item.is_visible();
    item.existence.remove_seen(seen_);
    item.existence.add(tag());
    change(item);
    if (was_visible) return;
    item.removed_seq = 0;
    item.visible_seq = entry_.seq;
    item.has_toggled = true;
    ++item.parent->list->visible;
}

}  // namespace tandem::record
