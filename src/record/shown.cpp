#include "record/document_impl.hpp"
#include "record/resolver.hpp"

namespace tandem::record {

namespace {

base::Value shown_map(const MapSlot& map) {
    base::Object members;
    members.reserve(map.live);
    for (const auto& child : map.children) {
        if (child->shown == Kind::none) continue;
        members.push_back({child->name, shown_node(*child)});
    }
    return base::Value(std::move(members));
}

base::Value shown_item(const Item& item) {
    base::Value out{base::Object{}};
    if (item.shown == Kind::map) {
        out = shown_map(*item.map);
    } else if (item.shown != Kind::none) {
        out.put("value", shown_slot(item, item.shown));
    }
    out.put("id", base::Value(item.name));
    return out;
}

}  // namespace

base::Value shown_slot(const Node& node, Kind slot) {
    switch (slot) {
        case Kind::none:
            break;
        case Kind::map:
            return shown_map(*node.map);
        case Kind::list: {
            base::Array out;
            out.reserve(node.list->visible);
            for (const Item* item : node.list->ordered())
                out.push_back(shown_item(*item));
            return base::Value(std::move(out));
        }
        case Kind::set: {
            base::Array out;
            out.reserve(node.set->present);
            for (const auto& element : node.set->elements) {
                if (!element->dots.empty()) out.push_back(element->value);
            }
            return base::Value(std::move(out));
        }
        case Kind::counter:
            return base::Value::integer(node.counter->value);
        case Kind::reg:
            return shown_register(node);
    }
    return base::Value();
}

base::Value shown_node(const Node& node) {
    if (node.is_item) return shown_item(as_item(node));
    if (node.parent == nullptr && node.shown == Kind::none) return base::Value(base::Object{});
    return shown_slot(node, node.shown);
}

}  // namespace tandem::record
