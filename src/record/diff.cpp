#include "record/diff.hpp"

#include <algorithm>

#include "record/resolver.hpp"

namespace tandem::record {

std::vector<const Node*> changed_nodes(const Recency& recency, uint64_t from) {
    std::vector<const Node*> out;
    for (const Node* node = recency.newest; node != nullptr && node->max_seq > from;
         node = node->older) {
        out.push_back(node);
    }
    std::sort(out.begin(), out.end(),
              [](const Node* a, const Node* b) { return a->name < b->name; });
    return out;
}

void Differ::visit(const Node& node, Mode mode) {
    if (mode == Mode::delta && node.max_seq <= from_) return;
    if (mode != Mode::fresh) {
        if (node.flip_seq > from_) {
            emit(ChangeKind::clear);
            mode = Mode::fresh;
        } else if (node.tomb_seq > from_) {
            // Whatever is here now came later than the clear; it is found by its seq.
            emit(ChangeKind::clear);
        }
    }
    content(node, mode);
}

Change& Differ::emit(ChangeKind kind) {
    Change& change = out_.emplace_back();
    change.kind = kind;
    change.path = path_;
    return change;
}

void Differ::emit_item(const Item& item) {
    Change& change = emit(ChangeKind::item);
    if (item.positions.empty()) return;
    change.has_position = true;
    change.position = winner(item.positions).value.as_string();
}

void Differ::content(const Node& node, Mode mode) {
    bool is_full = mode != Mode::delta;
    switch (node.shown) {
        case Kind::none:
            return;
        case Kind::reg:
            if (is_full || node.leaf_seq > from_) {
                emit(ChangeKind::value).value = shown_register(node);
            }
            return;
        case Kind::counter:
            if (is_full || node.leaf_seq > from_) {
                Change& change = emit(ChangeKind::counter);
                change.value = base::Value::integer(node.counter->value);
                change.dot = node.counter->generation;
            }
            return;
        case Kind::set:
            elements(*node.set, mode);
            return;
        case Kind::map:
            for (const Node* child : nodes(node.map->children, node.map->recency, mode)) {
                path_.push_back({Segment::Kind::key, child->name});
                visit(*child, mode);
                path_.pop_back();
            }
            if (node.map->live == 0) emit(ChangeKind::empty);
            return;
        case Kind::list:
            for (const Node* child : nodes(node.list->items, node.list->recency, mode)) {
                path_.push_back({Segment::Kind::item, child->name});
                item(as_item(*child), mode);
                path_.pop_back();
            }
            return;
    }
}

void Differ::elements(const SetSlot& slot, Mode mode) {
    for (const auto& element : slot.elements) {
        bool has_changed = element->seq > from_;
        if (!element->dots.empty()) {
            if (has_changed || mode != Mode::delta) {
                emit(ChangeKind::element).value = element->value;
            }
        } else if (has_changed && mode != Mode::fresh) {
            emit(ChangeKind::no_element).value = element->value;
        }
    }
}

void Differ::item(const Item& item, Mode mode) {
    if (!item.is_visible()) {
        if (mode != Mode::fresh && item.removed_seq > from_) emit(ChangeKind::clear);
        return;
    }
    if (mode == Mode::delta && item.max_seq <= from_) return;
    // A clear at an item takes it out of its list, so that the item has to follow.
    bool was_emptied = item.flip_seq > from_ || item.tomb_seq > from_;
    if (mode != Mode::fresh && was_emptied) {
        emit(ChangeKind::clear);
        mode = Mode::fresh;
    }
    if (mode == Mode::delta && item.visible_seq > from_) mode = Mode::full;
    if (mode != Mode::delta || item.moved_seq > from_) emit_item(item);
    content(item, mode);
}

// The nodes of a slot that are to be visited, by name.
template <class T>
std::vector<const Node*> Differ::nodes(const std::vector<std::unique_ptr<T>>& all,
                                       const Recency& recency, Mode mode) const {
    if (mode == Mode::delta) return changed_nodes(recency, from_);
    std::vector<const Node*> out;
    out.reserve(all.size());
    for (const auto& node : all)
        out.push_back(node.get());
    return out;
}

std::vector<Change> diff(const Document::Impl& document, uint64_t from) {
    std::vector<Change> out;
    Path path;
    Differ(out, path, from).visit(document.root, from == 0 ? Mode::fresh : Mode::delta);
    document.journal.append_changes(out, from);
    return out;
}

}  // namespace tandem::record
