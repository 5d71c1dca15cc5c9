#include "record/view.hpp"

#include <algorithm>
#include <tuple>

#include "record/view_node.hpp"

namespace tandem::record {

namespace {

using RowKey = std::tuple<Path, Reason, Dot>;

// The item at the end of a path, or the node there when it ends in a key.
struct Place {
    ViewNode* node = nullptr;
    ViewNode::Item* item = nullptr;
};

Place make(ViewNode& root, const Path& path) {
    Place place{&root, nullptr};
    for (const Segment& segment : path) {
        ViewNode& node = *place.node;
        if (segment.is_item()) {
            node.become(Kind::list);
            place.item = &node.items[segment.name];
            place.node = &place.item->node;
        } else {
            node.become(Kind::map);
            place.item = nullptr;
            place.node = &node.children[segment.name];
        }
    }
    return place;
}

Place find(ViewNode& root, const Path& path) {
    Place place{&root, nullptr};
    for (const Segment& segment : path) {
        ViewNode& node = *place.node;
        if (segment.is_item()) {
            auto at = node.items.find(segment.name);
            if (at == node.items.end()) return {};
            place.item = &at->second;
            place.node = &at->second.node;
        } else {
            auto at = node.children.find(segment.name);
            if (at == node.children.end()) return {};
            place.item = nullptr;
            place.node = &at->second;
        }
    }
    return place;
}

// Removes the node or item at a path, and the nodes above that hold nothing any more.
void erase(ViewNode& node, const Path& path, size_t depth) {
    if (depth == path.size()) {
        node = ViewNode{};
        return;
    }
    const std::string& name = path[depth].name;
    bool is_last = depth + 1 == path.size();
    if (path[depth].is_item()) {
        auto at = node.items.find(name);
        if (at == node.items.end()) return;
        if (is_last) {
            node.items.erase(at);
        } else {
            // An item stays when its node has become vacant.
            erase(at->second.node, path, depth + 1);
        }
    } else {
        auto at = node.children.find(name);
        if (at == node.children.end()) return;
        if (!is_last) erase(at->second, path, depth + 1);
        if (is_last || at->second.is_vacant()) node.children.erase(at);
    }
    if (node.is_vacant()) node = ViewNode{};
}

Change change_at(ChangeKind kind, const Path& path, base::Value value = {}) {
    Change change;
    change.kind = kind;
    change.path = path;
    change.value = std::move(value);
    return change;
}

void append_contents(const ViewNode& node, Path& path, std::vector<Change>& out) {
    switch (node.kind) {
        case Kind::none:
            return;
        case Kind::reg:
            out.push_back(change_at(ChangeKind::value, path, node.value));
            return;
        case Kind::counter:
            out.push_back(change_at(ChangeKind::counter, path, base::Value::integer(node.count)));
            out.back().dot = node.generation;
            return;
        case Kind::set:
            for (const auto& [bytes, element] : node.elements)
                out.push_back(change_at(ChangeKind::element, path, element));
            return;
        case Kind::map:
            if (node.is_empty_map) out.push_back(change_at(ChangeKind::empty, path));
            for (const auto& [key, child] : node.children) {
                path.push_back({Segment::Kind::key, key});
                append_contents(child, path, out);
                path.pop_back();
            }
            return;
        case Kind::list:
            for (const auto& [id, item] : node.items) {
                path.push_back({Segment::Kind::item, id});
                out.push_back(change_at(ChangeKind::item, path));
                out.back().has_position = item.has_position;
                out.back().position = item.position;
                append_contents(item.node, path, out);
                path.pop_back();
            }
            return;
    }
}

// Removes an element, and the nodes that hold nothing any more.
void erase_element(ViewNode& root, const Path& path, const base::Value& value) {
    Place place = find(root, path);
    if (place.node == nullptr || place.node->kind != Kind::set) return;
    place.node->elements.erase(base::canonical_bytes(value));
    if (!place.node->elements.empty()) return;
    *place.node = ViewNode{};
    if (place.item == nullptr) erase(root, path, 0);
}

void set_register(ViewNode& node, base::Value value) {
    node.become(Kind::reg);
    node.value = std::move(value);
}

void write_object(ViewNode& node, const base::Value& object) {
    node.become(Kind::map);
    if (object.as_object().empty()) node.is_empty_map = true;
    for (const base::Member& member : object.as_object()) {
        ViewNode& child = node.children[member.key];
        if (member.value.is_object()) {
            write_object(child, member.value);
        } else {
            set_register(child, member.value);
        }
    }
}

}  // namespace

struct View::Impl {
    ViewNode root;
    std::map<RowKey, Row> rows;
    std::map<Path, uint64_t> windows;  ///< of lists: items of the whole list

    // Paths are ordered by their segments, so that those below one follow it.
    void drop_windows(const Path& path) {
        auto at = windows.lower_bound(path);
        while (at != windows.end() && covers(path, at->first))
            at = windows.erase(at);
    }
    void drop_rows(const Path& path) {
        auto at = rows.lower_bound({path, Reason{}, Dot{}});
        while (at != rows.end() && covers(path, std::get<Path>(at->first)))
            at = rows.erase(at);
    }
};

View::View() : impl_(std::make_unique<Impl>()) {}
View::~View() = default;
View::View(const View& other) : impl_(std::make_unique<Impl>(*other.impl_)) {}
View& View::operator=(const View& other) {
    if (this != &other) *impl_ = *other.impl_;
    return *this;
}
View::View(View&& other) noexcept : impl_(std::move(other.impl_)) {
    other.impl_ = std::make_unique<Impl>();
}
View& View::operator=(View&& other) noexcept {
    if (this != &other) {
        impl_ = std::move(other.impl_);
        other.impl_ = std::make_unique<Impl>();
    }
    return *this;
}

void View::clear() { *impl_ = Impl{}; }

void View::apply(const Change& change) {
    ViewNode& root = impl_->root;
    switch (change.kind) {
        case ChangeKind::value:
            set_register(*make(root, change.path).node, change.value);
            return;
        case ChangeKind::counter: {
            if (!change.value.is_integer()) return;
            ViewNode& node = *make(root, change.path).node;
            node.become(Kind::counter);
            node.count = change.value.as_integer();
            // A live frame leaves out a generation that has not changed.
            if (change.dot != Dot{}) node.generation = change.dot;
            return;
        }
        case ChangeKind::clear:
            erase(root, change.path, 0);
            impl_->drop_windows(change.path);
            return;
        case ChangeKind::empty: {
            ViewNode& node = *make(root, change.path).node;
            node.become(Kind::map);
            node.children.clear();
            node.is_empty_map = true;
            return;
        }
        case ChangeKind::element: {
            ViewNode& node = *make(root, change.path).node;
            node.become(Kind::set);
            node.elements[base::canonical_bytes(change.value)] = change.value;
            return;
        }
        case ChangeKind::no_element:
            erase_element(root, change.path, change.value);
            return;
        case ChangeKind::item: {
            if (change.path.empty() || !change.path.back().is_item()) return;
            ViewNode::Item& item = *make(root, change.path).item;
            item.has_position = change.has_position;
            item.position = change.position;
            return;
        }
        case ChangeKind::conflict: {
            Row row;
            row.path = change.path;
            row.reason = change.reason;
            row.dot = change.dot;
            row.value = change.value;
            row.stamp = change.stamp;
            row.seq = change.seq;
            RowKey key{change.path, change.reason, change.dot};
            impl_->rows.insert_or_assign(std::move(key), std::move(row));
            return;
        }
        case ChangeKind::no_conflict:
            impl_->rows.erase({change.path, change.reason, change.dot});
            return;
        case ChangeKind::window:
            if (!change.value.is_integer()) return;
            if (change.value.as_integer() <= 0) {
                impl_->windows.erase(change.path);
            } else {
                impl_->windows[change.path] = static_cast<uint64_t>(change.value.as_integer());
            }
            return;
        case ChangeKind::outside:
            erase(root, change.path, 0);
            impl_->drop_windows(change.path);
            impl_->drop_rows(change.path);
            return;
    }
}

void View::apply_plain(const Op& op, Dot dot) {
    ViewNode& root = impl_->root;
    bool ends_in_item = !op.path.empty() && op.path.back().is_item();
    switch (op.kind) {
        case OpKind::set:
            set_register(*make(root, op.path).node, op.value);
            return;
        case OpKind::remove_node:
            erase(root, op.path, 0);
            return;
        case OpKind::assign: {
            if (!op.value.is_object()) return;
            ViewNode& node = *make(root, op.path).node;
            node = ViewNode{};
            write_object(node, op.value);
            return;
        }
        case OpKind::inc: {
            if (!op.value.is_integer()) return;
            ViewNode& node = *make(root, op.path).node;
            if (node.kind != Kind::counter) {
                node.become(Kind::counter);
                node.generation = dot;
            }
            node.count = std::clamp(node.count + op.value.as_integer(), -base::kIntegerMax,
                                    base::kIntegerMax);
            return;
        }
        case OpKind::counter_set: {
            if (!op.value.is_integer()) return;
            ViewNode& node = *make(root, op.path).node;
            node.become(Kind::counter);
            node.count = op.value.as_integer();
            node.generation = dot;
            return;
        }
        case OpKind::add: {
            if (!op.value.is_scalar()) return;
            ViewNode& node = *make(root, op.path).node;
            node.become(Kind::set);
            node.elements[base::canonical_bytes(op.value)] = op.value;
            return;
        }
        case OpKind::remove:
            if (op.value.is_scalar()) erase_element(root, op.path, op.value);
            return;
        case OpKind::insert: {
            if (!ends_in_item || (!op.value.is_null() && !op.value.is_object())) return;
            ViewNode::Item& item = *make(root, op.path).item;
            item.has_position = true;
            item.position = op.position;
            if (op.value.is_object()) write_object(item.node, op.value);
            return;
        }
        case OpKind::move: {
            if (!ends_in_item) return;
            Place place = find(root, op.path);
            if (place.item == nullptr) return;
            place.item->has_position = true;
            place.item->position = op.position;
            return;
        }
    }
}

bool View::exists(const Path& path) const {
    Place place = find(impl_->root, path);
    return place.node != nullptr;
}

base::Value View::shown(const Path& path) const {
    Place place = find(impl_->root, path);
    if (place.node == nullptr) return base::Value();
    if (place.item != nullptr) return place.item->shown(path.back().name);
    if (path.empty() && place.node->kind == Kind::none) return base::Value(base::Object{});
    return place.node->shown();
}

Kind View::shown_kind(const Path& path) const {
    Place place = find(impl_->root, path);
    return place.node == nullptr ? Kind::none : place.node->kind;
}

View::Counter View::counter(const Path& path) const {
    Place place = find(impl_->root, path);
    if (place.node == nullptr || place.node->kind != Kind::counter) return {};
    return {true, place.node->count, place.node->generation};
}

std::vector<View::Item> View::items(const Path& list) const {
    std::vector<Item> out;
    Place place = find(impl_->root, list);
    if (place.node == nullptr || place.node->kind != Kind::list) return out;
    for (const auto* at : ordered(*place.node)) {
        out.push_back({at->first, at->second.position, at->second.has_position});
    }
    return out;
}

uint64_t View::window(const Path& list) const {
    auto at = impl_->windows.find(list);
    return at == impl_->windows.end() ? 0 : at->second;
}

std::vector<Row> View::conflicts() const {
    std::vector<Row> out;
    for (const auto& [key, row] : impl_->rows)
        out.push_back(row);
    return out;
}

std::vector<Change> View::contents() const {
    std::vector<Change> out;
    Path path;
    append_contents(impl_->root, path, out);
    for (const auto& [list, count] : impl_->windows)
        out.push_back(
            change_at(ChangeKind::window, list, base::Value::integer(static_cast<int64_t>(count))));
    for (const auto& [key, row] : impl_->rows) {
        out.push_back(change_at(ChangeKind::conflict, row.path, row.value));
        out.back().reason = row.reason;
        out.back().dot = row.dot;
        out.back().stamp = row.stamp;
        out.back().seq = row.seq;
    }
    return out;
}

}  // namespace tandem::record
