#include "oracle/client_view.hpp"

#include <algorithm>
#include <vector>

namespace tandem::oracle {

void ClientView::turn(Node& node, Kind kind) {
    if (node.kind == kind) return;
    node = Node{};
    node.kind = kind;
}

bool ClientView::is_none(const Node& node) {
    switch (node.kind) {
        case Kind::none:
            return true;
        case Kind::reg:
        case Kind::counter:
            return false;
        case Kind::set:
            return node.elements.empty();
        case Kind::list:
            return node.items.empty();
        case Kind::map:
            return !node.is_empty_map &&
                   std::all_of(node.children.begin(), node.children.end(),
                               [](const auto& child) { return is_none(child.second); });
    }
    return true;
}

json ClientView::shown_item(const std::string& id, const Item& item) {
    json out = json::object();
    if (item.node.kind == Kind::map) out = shown_of(item.node);
    out["id"] = id;
    if (item.node.kind != Kind::map && !is_none(item.node)) out["value"] = shown_of(item.node);
    return out;
}

json ClientView::shown_of(const Node& node) {
    switch (node.kind) {
        case Kind::none:
            return json::object();
        case Kind::reg:
            return node.value;
        case Kind::counter:
            return node.number;
        case Kind::set: {
            json out = json::array();
            for (const auto& [bytes, value] : node.elements)
                out.push_back(value);
            return out;
        }
        case Kind::map: {
            json out = json::object();
            for (const auto& [key, child] : node.children) {
                if (!is_none(child)) out[key] = shown_of(child);
            }
            return out;
        }
        case Kind::list: {
            std::vector<std::tuple<bool, std::string, std::string>> order;
            for (const auto& [id, item] : node.items) {
                order.emplace_back(!item.has_position, item.position, id);
            }
            std::sort(order.begin(), order.end());
            json out = json::array();
            for (const auto& [last, position, id] : order) {
                out.push_back(shown_item(id, node.items.at(id)));
            }
            return out;
        }
    }
    return nullptr;
}

json ClientView::shown() const { return is_none(root_) ? json::object() : shown_of(root_); }

json ClientView::shown_with(const json& pending) const {
    ClientView copy = *this;
    for (const auto& op : pending)
        copy.apply_op(op);
    return copy.shown();
}

ClientView::Node& ClientView::make(const Path& path) {
    Node* node = &root_;
    for (const Segment& segment : path) {
        turn(*node, segment.is_item ? Kind::list : Kind::map);
        node = segment.is_item ? &node->items[segment.name].node : &node->children[segment.name];
    }
    return *node;
}

ClientView::Item& ClientView::make_item(const Path& path) {
    make(path);
    return *find_item(path);
}

const ClientView::Node* ClientView::find(const Path& path) const {
    const Node* node = &root_;
    for (const Segment& segment : path) {
        if (segment.is_item) {
            const auto item = node->items.find(segment.name);
            if (item == node->items.end()) return nullptr;
            node = &item->second.node;
        } else {
            const auto child = node->children.find(segment.name);
            if (child == node->children.end()) return nullptr;
            node = &child->second;
        }
    }
    return node;
}

ClientView::Node* ClientView::find(const Path& path) {
    return const_cast<Node*>(static_cast<const ClientView*>(this)->find(path));
}

ClientView::Item* ClientView::find_item(const Path& path) {
    Node* const list = find(Path(path.begin(), path.end() - 1));
    if (list == nullptr) return nullptr;
    const auto item = list->items.find(path.back().name);
    return item == list->items.end() ? nullptr : &item->second;
}

void ClientView::remove(const Path& path) {
    if (path.empty()) {
        root_ = Node{};
        return;
    }
    Node* const parent = find(Path(path.begin(), path.end() - 1));
    if (parent == nullptr) return;
    if (path.back().is_item) {
        parent->items.erase(path.back().name);
    } else {
        parent->children.erase(path.back().name);
    }
}

void ClientView::apply_change(const json& change) {
    const std::string kind = change.at("change");
    const std::string text = change.at("path");
    const Path path = *parse_path(text);
    if (kind == "value") {
        Node& node = make(path);
        turn(node, Kind::reg);
        node.value = normal(change.at("value"));
    } else if (kind == "counter") {
        Node& node = make(path);
        turn(node, Kind::counter);
        node.number = *integer_of(change.at("value"));
        node.generation = change.value("generation", json());
    } else if (kind == "clear") {
        remove(path);
    } else if (kind == "empty") {
        Node& node = make(path);
        node = Node{};
        node.kind = Kind::map;
        node.is_empty_map = true;
    } else if (kind == "element") {
        Node& node = make(path);
        turn(node, Kind::set);
        const json value = normal(change.at("value"));
        node.elements[canonical_bytes(value)] = value;
    } else if (kind == "no_element") {
        Node* const node = find(path);
        if (node != nullptr) node->elements.erase(canonical_bytes(change.at("value")));
    } else if (kind == "item") {
        Item& item = make_item(path);
        item.has_position = change.contains("position");
        item.position = change.value("position", "");
    } else if (kind == "conflict") {
        conflicts_[{text, change.at("reason"), change.at("dot").dump()}] = change;
    } else if (kind == "no_conflict") {
        conflicts_.erase({text, change.at("reason"), change.at("dot").dump()});
    }
}

void ClientView::merge_members(Node& node, const json& object) {
    turn(node, Kind::map);
    if (object.empty()) node.is_empty_map = true;
    for (const auto& [key, value] : object.items()) {
        Node& child = node.children[key];
        if (value.is_object()) {
            merge_members(child, value);
        } else {
            turn(child, Kind::reg);
            child.value = value;
        }
    }
}

void ClientView::apply_op(const json& op) {
    if (!makes_sense(op)) return;
    const std::string kind = op.at("op");
    const Path path = *parse_path(op.at("path").get<std::string>());
    const json value = op.contains("value") ? normal(op["value"]) : json();
    if (kind == "set") {
        Node& node = make(path);
        turn(node, Kind::reg);
        node.value = value;
    } else if (kind == "delete") {
        remove(path);
    } else if (kind == "assign") {
        Node& node = make(path);
        node = Node{};
        merge_members(node, value);
    } else if (kind == "inc") {
        Node& node = make(path);
        turn(node, Kind::counter);
        node.number = clamped(__int128{node.number} + *integer_of(value));
    } else if (kind == "counter_set") {
        Node& node = make(path);
        turn(node, Kind::counter);
        node.number = *integer_of(value);
    } else if (kind == "add") {
        Node& node = make(path);
        turn(node, Kind::set);
        node.elements[canonical_bytes(value)] = value;
    } else if (kind == "remove") {
        Node* const node = find(path);
        if (node != nullptr) node->elements.erase(canonical_bytes(value));
    } else if (kind == "insert") {
        Item& item = make_item(path);
        item.has_position = true;
        item.position = op.value("position", "");
        if (value.is_object()) merge_members(item.node, value);
    } else if (kind == "move") {
        Item* const item = find_item(path);
        if (item == nullptr) return;
        item->has_position = true;
        item->position = op.value("position", "");
    }
}

json ClientView::conflicts() const {
    json out = json::array();
    for (const auto& [key, change] : conflicts_)
        out.push_back(change);
    return out;
}

json ClientView::counter(const std::string& text) const {
    const auto path = parse_path(text);
    const Node* node = path ? find(*path) : nullptr;
    if (node == nullptr || node->kind != Kind::counter) return nullptr;
    return {{"value", node->number}, {"generation", node->generation}};
}

}  // namespace tandem::oracle
