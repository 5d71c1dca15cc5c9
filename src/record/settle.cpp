#include <algorithm>
#include <map>

#include "record/apply.hpp"
#include "record/resolver.hpp"

namespace tandem::record {

namespace {

constexpr Kind kKinds[] = {Kind::map, Kind::list, Kind::set, Kind::counter, Kind::reg};

// The highest seq of a dot or sibling directly in a slot.
uint64_t highest_seq(const Node& node, Kind slot) {
    uint64_t highest = 0;
    switch (slot) {
        case Kind::none:
        case Kind::map:
        case Kind::list:
            break;
        case Kind::set:
            for (const auto& element : node.set->elements) {
                highest = std::max(highest, element->dots.seq_max());
            }
            break;
        case Kind::counter:
            highest = node.counter->touched.seq_max();
            break;
        case Kind::reg:
            for (const Sibling& sibling : node.siblings)
                highest = std::max(highest, sibling.seq);
            break;
    }
    return highest;
}

void append_row(std::vector<Row>& rows, const Sibling& sibling, Reason reason) {
    Row row;
    row.reason = reason;
    row.dot = sibling.dot;
    row.loser_seq = sibling.seq;
    row.value = sibling.value;
    row.stamp = sibling.stamp;
    rows.push_back(std::move(row));
}

void append_position_rows(std::vector<Row>& rows, const std::vector<Sibling>& positions) {
    if (positions.size() < 2) return;
    const Sibling& shown = winner(positions);
    for (const Sibling& sibling : positions) {
        if (sibling.value != shown.value) append_row(rows, sibling, Reason::position);
    }
}

// Of a settled register. What a resolver has counted in has not lost.
void append_value_rows(std::vector<Row>& rows, const Node& node) {
    if (node.siblings.size() < 2) return;
    if (node.resolver == Resolver::max || node.resolver == Resolver::min) return;
    const Blend* blend = node.blending && node.blending->shown ? &*node.blending->shown : nullptr;
    const base::Value& shown = shown_register(node);
    for (const Sibling& sibling : node.siblings) {
        bool has_lost = blend == nullptr ? sibling.value != shown
                                         : std::find(blend->lost.begin(), blend->lost.end(),
                                                     sibling.dot) != blend->lost.end();
        if (has_lost) append_row(rows, sibling, Reason::value);
    }
}

bool may_have_rows(const Node& node) {
    return node.open_rows > 0 || node.siblings.size() > 1 || node.live_slots() > 1 ||
           (node.is_item && as_item(node).positions.size() > 1);
}

}  // namespace

void Applier::touch(Node& node) {
    if (node.is_touched) return;
    // A child must come after its parent, because settling goes backwards.
    if (node.parent != nullptr) touch(*node.parent);
    node.is_touched = true;
    touched_.push_back(&node);
}

void Applier::change(Node& node) {
    touch(node);
    node.is_changed = true;
}

void Applier::reorder() {
    std::map<ListSlot*, std::vector<const Item*>> changed;
    for (Node* node : touched_) {
        if (!node->is_item) continue;
        const Item& item = as_item(*node);
        if (!item.has_toggled && item.moved_seq != entry_.seq) continue;
        node->parent->list->order_seq = entry_.seq;
        changed[node->parent->list.get()].push_back(&item);
    }
    for (auto& [list, items] : changed)
        list->reorder(items);
}

void Applier::settle() {
    // Rows tell what lists show, so these come first.
    reorder();
    for (size_t i = touched_.size(); i > 0; --i)
        settle(*touched_[i - 1]);
    touched_.clear();
}

void Applier::settle(Node& node) {
    node.is_touched = false;
    bring_blend_in_line(node);
    Kind kind = node.kind_now();
    if (kind != node.shown) {
        if (kind == Kind::none) {
            node.tomb_seq = entry_.seq;
        } else if (node.shown != Kind::none) {
            node.flip_seq = entry_.seq;
        }
        if (!node.is_item && node.parent != nullptr) {
            if (kind == Kind::none) --node.parent->map->live;
            if (node.shown == Kind::none) ++node.parent->map->live;
        }
        node.shown = kind;
        node.is_changed = true;
    }
    if (node.is_changed) {
        node.is_changed = false;
        node.max_seq = entry_.seq;
        if (node.parent != nullptr) {
            node.parent->is_changed = true;
            node.recency_in_parent().move_to_front(node);
        }
    }
    if (node.is_item && as_item(node).has_toggled) {
        as_item(node).has_toggled = false;
        reconcile_below(node);
    } else if (may_have_rows(node)) {
        reconcile(node);
    }
}

void Applier::reconcile_below(Node& node) {
    if (may_have_rows(node)) reconcile(node);
    if (node.map) {
        for (auto& child : node.map->children)
            reconcile_below(*child);
    }
    if (node.list) {
        for (auto& item : node.list->items)
            reconcile_below(*item);
    }
}

void Applier::reconcile(Node& node) {
    std::vector<Row> wanted;
    if (!node.is_hidden()) {
        append_value_rows(wanted, node);
        if (node.is_item) append_position_rows(wanted, as_item(node).positions);
        if (node.live_slots() > 1) {
            for (Kind kind : kKinds) {
                if (kind == node.shown || !node.is_live(kind)) continue;
                Row row;
                row.reason = Reason::type;
                row.dot = Dot{0, static_cast<uint64_t>(kind)};
                row.loser_seq = highest_seq(node, kind);
                row.value = shown_slot(node, kind);
                wanted.push_back(std::move(row));
            }
        }
    }
    if (wanted.empty() && node.open_rows == 0) return;
    bool is_decided = std::find(decided_.begin(), decided_.end(), &node) != decided_.end();
    node.open_rows = document_.journal.reconcile(node.path(), std::move(wanted), entry_.seq,
                                                 is_decided ? dot() : Dot{});
}

}  // namespace tandem::record
