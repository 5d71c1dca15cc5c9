#include "record/view_node.hpp"

#include <algorithm>
#include <tuple>

namespace tandem::record {

void ViewNode::become(Kind wanted) {
    if (kind == wanted) return;
    *this = ViewNode{};
    kind = wanted;
}

bool ViewNode::is_vacant() const {
    switch (kind) {
        case Kind::none:
            return true;
        case Kind::map:
            return children.empty() && !is_empty_map;
        case Kind::list:
            return items.empty();
        case Kind::set:
            return elements.empty();
        case Kind::counter:
        case Kind::reg:
            return false;
    }
    return true;
}

base::Value ViewNode::shown() const {
    switch (kind) {
        case Kind::none:
            break;
        case Kind::reg:
            return value;
        case Kind::counter:
            return base::Value::integer(count);
        case Kind::set: {
            base::Array out;
            for (const auto& [bytes, element] : elements)
                out.push_back(element);
            return base::Value(std::move(out));
        }
        case Kind::map: {
            base::Object out;
            for (const auto& [key, child] : children)
                out.push_back({key, child.shown()});
            return base::Value(std::move(out));
        }
        case Kind::list: {
            base::Array out;
            for (const auto* at : ordered(*this))
                out.push_back(at->second.shown(at->first));
            return base::Value(std::move(out));
        }
    }
    return base::Value();
}

base::Value ViewNode::Item::shown(std::string_view id) const {
    base::Value out{base::Object{}};
    if (node.kind == Kind::map) {
        out = node.shown();
    } else if (node.kind != Kind::none) {
        out.put("value", node.shown());
    }
    out.put("id", base::Value(id));
    return out;
}

std::vector<const std::pair<const std::string, ViewNode::Item>*> ordered(const ViewNode& list) {
    std::vector<const std::pair<const std::string, ViewNode::Item>*> out;
    for (const auto& at : list.items)
        out.push_back(&at);
    std::sort(out.begin(), out.end(), [](const auto* a, const auto* b) {
        bool is_a_last = !a->second.has_position;
        bool is_b_last = !b->second.has_position;
        return std::tie(is_a_last, a->second.position, a->first) <
               std::tie(is_b_last, b->second.position, b->first);
    });
    return out;
}

}  // namespace tandem::record
