#include <algorithm>

#include "oracle/oracle.hpp"

// What readers see of a state: docs/merge.md, section 2.
namespace tandem::oracle {

bool ranks_below(const Sibling& a, const Sibling& b) {
    return std::tuple(a.stamp, a.dot.counter, a.seq) < std::tuple(b.stamp, b.dot.counter, b.seq);
}

namespace {

bool is_any_live(const Node& node) { return shown_kind(node) != Kind::none; }

json shown_list(const Node& node) {
    std::vector<std::tuple<bool, std::string, std::string>> order;
    for (const auto& [id, item] : node.list) {
        if (item.existence.empty()) continue;
        const Sibling* position = winner(item.positions);
        order.emplace_back(position == nullptr,
                           position == nullptr ? "" : position->value.get<std::string>(), id);
    }
    std::sort(order.begin(), order.end());
    json out = json::array();
    for (const auto& [last, position, id] : order) {
        out.push_back(shown_item(id, node.list.at(id)));
    }
    return out;
}

}  // namespace

json shown_item(const std::string& id, const Item& item) {
    const Kind kind = shown_kind(item.node);
    json out = json::object();
    if (kind == Kind::map) out = shown_slot(item.node, Kind::map);
    out["id"] = id;
    if (kind != Kind::map && kind != Kind::none) out["value"] = shown_slot(item.node, kind);
    return out;
}

const char* name_of(Kind kind) {
    switch (kind) {
        case Kind::none:
            return "none";
        case Kind::map:
            return "map";
        case Kind::list:
            return "list";
        case Kind::set:
            return "set";
        case Kind::counter:
            return "counter";
        case Kind::reg:
            return "register";
    }
    return "";
}

const Sibling* winner(const std::vector<Sibling>& siblings) {
    const auto best = std::max_element(siblings.begin(), siblings.end(), ranks_below);
    return best == siblings.end() ? nullptr : &*best;
}

bool is_live(const Node& node, Kind slot) {
    switch (slot) {
        case Kind::none:
            return false;
        case Kind::reg:
            return !node.reg.empty();
        case Kind::counter:
            return node.counter.has_value() && node.counter->removed_seq == 0;
        case Kind::set:
            return !node.set.empty();
        case Kind::list:
            return std::any_of(node.list.begin(), node.list.end(),
                               [](const auto& entry) { return !entry.second.existence.empty(); });
        case Kind::map:
            return !node.marker.empty() ||
                   std::any_of(node.map.begin(), node.map.end(),
                               [](const auto& entry) { return is_any_live(entry.second); });
    }
    return false;
}

Kind shown_kind(const Node& node) {
    if (is_live(node, node.declared)) return node.declared;
    for (const Kind kind : kKinds) {
        if (is_live(node, kind)) return kind;
    }
    return Kind::none;
}

json shown_slot(const Node& node, Kind slot) {
    switch (slot) {
        case Kind::none:
            break;
        case Kind::reg:
            return resolved(node).value;
        case Kind::counter:
            return node.counter->value;
        case Kind::set: {
            json out = json::array();
            for (const auto& [bytes, element] : node.set)
                out.push_back(element.value);
            return out;
        }
        case Kind::list:
            return shown_list(node);
        case Kind::map: {
            json out = json::object();
            for (const auto& [key, child] : node.map) {
                const Kind kind = shown_kind(child);
                if (kind != Kind::none) out[key] = shown_slot(child, kind);
            }
            return out;
        }
    }
    return json(json::value_t::discarded);
}

}  // namespace tandem::oracle
