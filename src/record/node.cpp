#include "record/node.hpp"

#include <algorithm>
#include <tuple>

#include "base/assert.hpp"
#include "record/resolver.hpp"

namespace tandem::record {

namespace {

constexpr Kind kShownOrder[] = {Kind::map, Kind::list, Kind::set, Kind::counter, Kind::reg};

template <class T>
auto position_of(const std::vector<std::unique_ptr<T>>& all, std::string_view name) {
    if (all.empty() || all.back()->name < name) return all.end();
    return std::lower_bound(all.begin(), all.end(), name,
                            [](const std::unique_ptr<T>& node, std::string_view wanted) {
                                return node->name < wanted;
                            });
}

template <class T>
T* find_in(const std::vector<std::unique_ptr<T>>& all, std::string_view name) {
    auto at = position_of(all, name);
    return at != all.end() && (*at)->name == name ? at->get() : nullptr;
}

// Sorting anew is cheaper than putting that many into their places.
constexpr size_t kReorderMax = 32;

bool is_before(const Item* a, const Item* b) {
    const auto place = [](const Item& item) {
        const bool is_last = item.positions.empty();
        std::string_view position;
        if (!is_last) position = winner(item.positions).value.as_string();
        return std::tuple<bool, std::string_view, std::string_view>(is_last, position, item.name);
    };
    return place(*a) < place(*b);
}

}  // namespace

void Recency::move_to_front(Node& node) {
    if (newest == &node) return;
    remove(node);
    node.older = newest;
    if (newest != nullptr) newest->newer = &node;
    newest = &node;
    if (oldest == nullptr) oldest = &node;
}

void Recency::remove(Node& node) {
    if (node.newer != nullptr) {
        node.newer->older = node.older;
    } else if (newest == &node) {
        newest = node.older;
    }
    if (node.older != nullptr) {
        node.older->newer = node.newer;
    } else if (oldest == &node) {
        oldest = node.newer;
    }
    node.newer = nullptr;
    node.older = nullptr;
}

void Recency::push_back(Node& node) {
    node.newer = oldest;
    if (oldest != nullptr) oldest->older = &node;
    oldest = &node;
    if (newest == nullptr) newest = &node;
}

Element* SetSlot::find(std::string_view bytes) {
    auto at = std::lower_bound(
        elements.begin(), elements.end(), bytes,
        [](const auto& element, std::string_view wanted) { return element->bytes < wanted; });
    return at != elements.end() && (*at)->bytes == bytes ? at->get() : nullptr;
}

Element& SetSlot::find_or_make(std::string_view bytes, const base::Value& value) {
    auto at = std::lower_bound(
        elements.begin(), elements.end(), bytes,
        [](const auto& element, std::string_view wanted) { return element->bytes < wanted; });
    if (at == elements.end() || (*at)->bytes != bytes) {
        at = elements.insert(at, std::make_unique<Element>());
        (*at)->bytes = bytes;
        (*at)->value = value;
    }
    return **at;
}

Node* MapSlot::find(std::string_view name) const { return find_in(children, name); }
Item* ListSlot::find(std::string_view id) const { return find_in(items, id); }

const std::vector<const Item*>& ListSlot::ordered() const {
    if (!is_ordered_) {
        order_.clear();
        order_.reserve(visible);
        for (const auto& item : items)
            if (item->is_visible()) order_.push_back(item.get());
        std::sort(order_.begin(), order_.end(), is_before);
        is_ordered_ = true;
    }
    return order_;
}

std::optional<uint64_t> ListSlot::index_of(const Item& item) const {
    if (!item.is_visible()) return std::nullopt;
    const auto& order = ordered();
    const auto at = std::lower_bound(order.begin(), order.end(), &item, is_before);
    if (at == order.end() || *at != &item) return std::nullopt;
    return static_cast<uint64_t>(at - order.begin());
}

void ListSlot::reorder(const std::vector<const Item*>& changed) {
    if (!is_ordered_) return;
    if (changed.size() > kReorderMax) {
        is_ordered_ = false;
        order_ = {};
        return;
    }
    std::erase_if(order_, [&](const Item* item) {
        return std::find(changed.begin(), changed.end(), item) != changed.end();
    });
    for (const Item* item : changed) {
        if (!item->is_visible()) continue;
        order_.insert(std::upper_bound(order_.begin(), order_.end(), item, is_before), item);
    }
}

Node& make_child(MapSlot& slot, Node& parent, std::string_view name) {
    auto made = slot.children.insert(position_of(slot.children, name),
                                     std::make_unique<Node>(&parent, name, false));
    slot.recency.push_back(**made);
    return **made;
}

Item& make_item(ListSlot& slot, Node& parent, std::string_view id) {
    auto made = slot.items.insert(position_of(slot.items, id), std::make_unique<Item>(&parent, id));
    slot.recency.push_back(**made);
    return **made;
}

bool Node::is_live(Kind kind) const {
    switch (kind) {
        case Kind::none:
            return false;
        case Kind::map:
            return map && (map->live > 0 || !map->marker.empty());
        case Kind::list:
            return list && list->visible > 0;
        case Kind::set:
            return set && set->present > 0;
        case Kind::counter:
            return counter && !counter->is_removed();
        case Kind::reg:
            return !siblings.empty();
    }
    return false;
}

Kind Node::kind_now() const {
    if (is_live(declared)) return declared;
    for (Kind kind : kShownOrder) {
        if (is_live(kind)) return kind;
    }
    return Kind::none;
}

size_t Node::live_slots() const {
    size_t count = 0;
    for (Kind kind : kShownOrder)
        count += is_live(kind) ? 1 : 0;
    return count;
}

MapSlot& Node::map_slot() {
    if (!map) map = std::make_unique<MapSlot>();
    return *map;
}

ListSlot& Node::list_slot() {
    if (!list) list = std::make_unique<ListSlot>();
    return *list;
}

SetSlot& Node::set_slot() {
    if (!set) set = std::make_unique<SetSlot>();
    return *set;
}

Recency& Node::recency_in_parent() {
    TANDEM_ASSERT(parent != nullptr);
    return is_item ? parent->list->recency : parent->map->recency;
}

Path Node::path() const {
    Path path;
    for (const Node* node = this; node->parent != nullptr; node = node->parent) {
        path.push_back({node->is_item ? Segment::Kind::item : Segment::Kind::key, node->name});
    }
    std::reverse(path.begin(), path.end());
    return path;
}

bool Node::is_hidden() const {
    for (const Node* node = this; node != nullptr; node = node->parent) {
        if (node->is_item && !as_item(*node).is_visible()) return true;
    }
    return false;
}

bool holds_removed_counter(const Node& node) {
    auto holds = [](const auto& below) { return below->has_removed_counter; };
    if (node.counter && node.counter->is_removed()) return true;
    if (node.map && std::any_of(node.map->children.begin(), node.map->children.end(), holds)) {
        return true;
    }
    return node.list && std::any_of(node.list->items.begin(), node.list->items.end(), holds);
}

std::string_view common_text(const Node& node) {
    if (node.resolver != Resolver::text3 || !node.blending) return {};
    uint64_t lowest = UINT64_MAX;
    for (const Sibling& sibling : node.siblings) {
        auto written = std::find_if(node.blending->bases.begin(), node.blending->bases.end(),
                                    [&](const SiblingBase& at) { return at.seq == sibling.seq; });
        if (written == node.blending->bases.end()) return {};
        lowest = std::min(lowest, written->base);
    }
    std::string_view text;
    for (const TextVersion& version : node.blending->versions) {
        if (version.seq <= lowest) text = version.text;
    }
    return text;
}

void compute_blend(Node& node) {
    std::optional<Blend> shown = blend(node.siblings, node.resolver, common_text(node));
    if (!shown && node.resolver != Resolver::text3) {
        node.blending.reset();
        return;
    }
    if (!node.blending) node.blending = std::make_unique<Blending>();
    node.blending->shown = std::move(shown);
}

const base::Value& shown_register(const Node& node) {
    if (node.blending && node.blending->shown) return node.blending->shown->value;
    return pick(node.siblings, node.resolver).value;
}

size_t bytes_of(const Blending* blending) {
    if (blending == nullptr) return 0;
    size_t total = sizeof(Blending) + blending->bases.size() * sizeof(SiblingBase);
    for (const TextVersion& version : blending->versions)
        total += sizeof(TextVersion) + version.text.size();
    return total;
}

size_t bytes_of(const base::Value& value) {
    switch (value.kind()) {
        case base::Value::Kind::null:
        case base::Value::Kind::boolean:
        case base::Value::Kind::number:
            return 0;
        case base::Value::Kind::string:
            // Short strings are inside the value.
            return value.as_string().size() < 16 ? 0 : value.as_string().size() + 1;
        case base::Value::Kind::array: {
            size_t total = 0;
            for (const base::Value& element : value.as_array()) {
                total += sizeof(base::Value) + bytes_of(element);
            }
            return total;
        }
        case base::Value::Kind::object: {
            size_t total = 0;
            for (const base::Member& member : value.as_object()) {
                total += sizeof(base::Member) + member.key.size() + bytes_of(member.value);
            }
            return total;
        }
    }
    return 0;
}

}  // namespace tandem::record
