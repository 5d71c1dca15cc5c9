#include "record/apply.hpp"

#include <algorithm>
#include <limits>

#include "base/limits.hpp"
#include "record/resolver.hpp"

namespace tandem::record {

namespace {

int64_t clamped_sum(int64_t a, int64_t b) {
    // Both are within ±2^55, so the sum does not overflow.
    return std::clamp(a + b, -base::kIntegerMax, base::kIntegerMax);
}

bool is_writing(OpKind kind) {
    switch (kind) {
        case OpKind::set:
        case OpKind::assign:
        case OpKind::inc:
        case OpKind::counter_set:
        case OpKind::add:
        case OpKind::insert:
            return true;
        case OpKind::remove_node:
        case OpKind::remove:
        case OpKind::move:
            return false;
    }
    return false;
}

// What decides whether an op means anything; names were checked when it was decoded.
bool makes_sense(const Op& op) {
    if (op.path.size() > base::kPathKeysMax) return false;
    bool ends_in_item = !op.path.empty() && op.path.back().is_item();
    switch (op.kind) {
        case OpKind::set:
        case OpKind::remove_node:
            return true;
        case OpKind::assign:
            return op.value.is_object();
        case OpKind::inc:
            return op.value.is_integer();
        case OpKind::counter_set:
            return op.value.is_integer() && op.seen <= base::kIntegerMax &&
                   op.seen >= -base::kIntegerMax;
        case OpKind::add:
        case OpKind::remove:
            return op.value.is_scalar();
        case OpKind::insert:
            return ends_in_item && (op.value.is_null() || op.value.is_object());
        case OpKind::move:
            return ends_in_item;
    }
    return false;
}

}  // namespace

Applier::Applier(Document::Impl& document, const Entry& entry)
    : document_(document), entry_(entry) {
    seen_.seq = entry.seq;
    seen_.actor = entry.actor;
    seen_.own = entry.own;
}

void Applier::run() {
    document_.seq = entry_.seq;
    for (const Op& op : entry_.ops) {
        if (makes_sense(op)) apply(op);
    }
    settle();
    // Nodes that the floor forgets can no longer tell the tree of hashes that they are gone.
    if (entry_.floor != 0 && document_.hashes) document_.hash_tree();
    if (entry_.floor != 0) forget(document_, entry_.floor);
    document_.journal.bound();
}

void Applier::apply(const Op& op) {
    seen_.base = op.seen_seq;
    Dot decided_by = op.is_decision ? dot() : Dot{};
    switch (op.kind) {
        case OpKind::set:
        case OpKind::counter_set:
            document_.journal.close_events(op.path, Journal::Reach::here, seen_, decided_by);
            break;
        case OpKind::assign:
        case OpKind::remove_node:
            document_.journal.close_events(op.path, Journal::Reach::below_too, seen_, Dot{});
            break;
        case OpKind::inc:
        case OpKind::add:
        case OpKind::remove:
        case OpKind::insert:
        case OpKind::move:
            break;
    }
    Node* node = approach(op);
    if (node == nullptr) return;
    switch (op.kind) {
        case OpKind::set:
            remember(*node, Kind::reg, op);
            write_register(*node, op.value);
            if (op.is_decision) decided_.push_back(node);
            break;
        case OpKind::remove_node:
            if (node->is_item) {
                remove_item(as_item(*node));
            } else {
                remove_content(*node);
            }
            break;
        case OpKind::assign:
            remember(*node, Kind::map, op);
            remove_content(*node);
            write_object(*node, op.value);
            break;
        case OpKind::inc:
            remember(*node, Kind::counter, op);
            clear_other_slots(*node, Kind::counter);
            increment(*node, op.value.as_integer());
            break;
        case OpKind::counter_set:
            remember(*node, Kind::counter, op);
            clear_other_slots(*node, Kind::counter);
            write_counter(*node, op);
            break;
        case OpKind::add:
            remember(*node, Kind::set, op);
            clear_other_slots(*node, Kind::set);
            add_element(*node, op.value);
            break;
        case OpKind::remove:
            remove_element(*node, op.value);
            break;
        case OpKind::insert:
            remember(*node->parent, Kind::list, op);
            write_position(as_item(*node), op.position);
            if (op.value.is_object()) write_object(*node, op.value);
            break;
        case OpKind::move:
            write_position(as_item(*node), op.position);
            break;
    }
}

Node* Applier::approach(const Op& op) {
    bool writes = is_writing(op.kind);
    bool renews_last = op.kind != OpKind::remove_node && op.kind != OpKind::move;
    Node* node = &document_.root;
    touch(*node);
    for (size_t i = 0; i < op.path.size(); ++i) {
        const Segment& segment = op.path[i];
        if (writes) clear_other_slots(*node, segment.is_item() ? Kind::list : Kind::map);
        if (!segment.is_item()) {
            Node* child = node->map ? node->map->find(segment.name) : nullptr;
            if (child == nullptr) {
                if (!writes) return nullptr;
                child = &child_of(*node, segment.name);
            }
            node = child;
        } else {
            Item* item = node->list ? node->list->find(segment.name) : nullptr;
            if (item == nullptr) {
                if (!writes) return nullptr;
                item = &item_of(*node, segment.name);
            }
            touch(*item);
            if (renews_last || i + 1 < op.path.size()) renew(*item);
            node = item;
        }
        touch(*node);
    }
    return node;
}

void Applier::write_register(Node& node, const base::Value& value) {
    clear_other_slots(node, Kind::reg);
    if (node.siblings.empty()) ++document_.fields;
    write_sibling(node.siblings, node, value, node.resolver);
    if (node.resolver == Resolver::text3) note_base(node);
    node.leaf_seq = entry_.seq;
    change(node);
}

void Applier::write_sibling(std::vector<Sibling>& siblings, Node& node, base::Value value,
                            Resolver resolver) {
    clock::Stamp stamp = entry_.stamp;
    stamp.actor = entry_.actor;
    Sibling* mine = nullptr;
    size_t kept = 0;
    for (size_t i = 0; i < siblings.size(); ++i) {
        Sibling& sibling = siblings[i];
        if (!seen_(sibling.seq, sibling.dot.actor)) {
            if (kept != i) siblings[kept] = std::move(sibling);
            ++kept;
            continue;
        }
        document_.bytes -= bytes_of(sibling);
        // What max or min has once shown does not go back.
        if (is_beyond(resolver, sibling.value, value)) value = sibling.value;
        bool is_raised =
            std::tie(sibling.stamp.ms, sibling.stamp.logical) >= std::tie(stamp.ms, stamp.logical);
        if (is_raised) stamp = clock::just_above(sibling.stamp, entry_.actor);
    }
    if (kept < siblings.size()) {
        mine = &siblings[kept];
        siblings.resize(kept + 1);
    } else {
        mine = &siblings.emplace_back();
    }
    mine->value = std::move(value);
    mine->dot = dot();
    mine->seq = entry_.seq;
    mine->stamp = stamp;
    document_.bytes += bytes_of(*mine);
    if (siblings.size() <= base::kSiblingsMax) return;

    auto lowest = weakest(siblings, resolver);
    document_.bytes -= bytes_of(*lowest);
    if (resolver == Resolver::max || resolver == Resolver::min) {
        siblings.erase(lowest);
        return;
    }
    Row row;
    row.path = node.path();
    row.reason = Reason::folded;
    row.dot = lowest->dot;
    row.loser_seq = lowest->seq;
    row.value = std::move(lowest->value);
    row.stamp = lowest->stamp;
    row.seq = entry_.seq;
    document_.journal.open_event(std::move(row));
    siblings.erase(lowest);
}

void Applier::write_object(Node& node, const base::Value& object) {
    clear_other_slots(node, Kind::map);
    MapSlot& map = node.map_slot();
    if (object.as_object().empty()) {
        map.marker.remove_seen(seen_);
        map.marker.add(tag());
        change(node);
        return;
    }
    for (const base::Member& member : object.as_object()) {
        Node& child = child_of(node, member.key);
        if (member.value.is_object()) {
            write_object(child, member.value);
        } else {
            document_.journal.close_events(child.path(), Journal::Reach::here, seen_, Dot{});
            write_register(child, member.value);
        }
    }
}

void Applier::drop_counter(Node& node) {
    if (!node.counter->is_removed()) --document_.fields;
    node.counter.reset();
    document_.bytes -= sizeof(Counter);
}

void Applier::revive_counter(Node& node) {
    if (!node.counter || !node.counter->is_removed()) return;
    if (node.counter->removed.is_any_seen(seen_)) return drop_counter(node);
    node.counter->removed_seq = 0;
    node.counter->removed = Dots();
    // What the removal had seen.
    node.counter->touched = Dots();
    ++document_.fields;
    // Who follows has cleared it, and must be told its generation again.
    if (node.shown == Kind::none) node.tomb_seq = entry_.seq;
}

void Applier::increment(Node& node, int64_t n) {
    revive_counter(node);
    if (!node.counter) {
        node.counter = std::make_unique<Counter>();
        node.counter->generation = dot();
        ++document_.fields;
        document_.bytes += sizeof(Counter);
    }
    node.counter->value = clamped_sum(node.counter->value, n);
    node.counter->touched.add(tag());
    node.leaf_seq = entry_.seq;
    change(node);
}

void Applier::write_counter(Node& node, const Op& op) {
    Dot generation = op.generation;
    if (generation.actor == 0 && generation.counter > 0) generation.actor = entry_.actor;
    bool saw_none = generation == Dot{};
    int64_t value = op.value.as_integer();
    if (saw_none && node.counter && node.counter->touched.are_seen(seen_)) {
        drop_counter(node);
    }
    revive_counter(node);
    if (!node.counter) {
        node.counter = std::make_unique<Counter>();
        node.counter->value = value;
        node.counter->generation = dot();
        node.counter->origin = Origin::counter_set;
        ++document_.fields;
        document_.bytes += sizeof(Counter);
    } else if (saw_none ? node.counter->origin == Origin::inc
                        : generation == node.counter->generation) {
        int64_t added_since = node.counter->value - (saw_none ? 0 : op.seen);
        node.counter->value = clamped_sum(value, added_since);
        node.counter->generation = dot();
        node.counter->origin = Origin::counter_set;
    } else {
        Row row;
        row.path = node.path();
        row.reason = Reason::generation;
        row.dot = dot();
        row.loser_seq = entry_.seq;
        row.value = op.value;
        row.stamp = entry_.stamp;
        row.stamp.actor = entry_.actor;
        row.seq = entry_.seq;
        document_.journal.open_event(std::move(row));
    }
    node.counter->touched.add(tag());
    node.leaf_seq = entry_.seq;
    change(node);
}

void Applier::add_element(Node& node, const base::Value& value) {
    scratch_.clear();
    base::encode_value(scratch_, value);
    SetSlot& slot = node.set_slot();
    size_t before = slot.elements.size();
    Element& element = slot.find_or_make(scratch_, value);
    if (slot.elements.size() != before) {
        document_.bytes += sizeof(Element) + scratch_.size() + bytes_of(value);
    }
    bool was_present = !element.dots.empty();
    element.dots.remove_seen(seen_);
    element.dots.add(tag());
    if (!was_present) {
        element.seq = entry_.seq;
        ++slot.present;
        ++document_.fields;
    }
    change(node);
}

void Applier::remove_element(Node& node, const base::Value& value) {
    if (!node.set) return;
    scratch_.clear();
    base::encode_value(scratch_, value);
    if (Element* element = node.set->find(scratch_)) lose_seen(*node.set, *element, node);
}

void Applier::write_position(Item& item, const std::string& position) {
    write_sibling(item.positions, item, base::Value(position), Resolver::lww);
    item.moved_seq = entry_.seq;
    change(item);
}

void Applier::remember(Node& node, Kind kind, const Op& op) {
    if (op.resolver != Resolver::keep) use_resolver(node, op.resolver);
    if (op.is_declared) node.declared = kind;
}

Node& Applier::child_of(Node& node, std::string_view name) {
    MapSlot& slot = node.map_slot();
    Node* child = slot.find(name);
    if (child == nullptr) {
        child = &make_child(slot, node, name);
        document_.bytes += sizeof(Node) + name.size();
    }
    touch(*child);
    return *child;
}

Item& Applier::item_of(Node& node, std::string_view id) {
    ListSlot& slot = node.list_slot();
    Item* item = slot.find(id);
    if (item == nullptr) {
        item = &make_item(slot, node, id);
        document_.bytes += sizeof(Item) + id.size();
    }
    return *item;
}

}  // namespace tandem::record
