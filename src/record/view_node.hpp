#pragma once

#include <map>
#include <memory>
#include <string>

#include "record/view.hpp"

namespace tandem::record {

/// A node of a view has one kind and only what belongs to it.
struct ViewNode {
    struct Item;

    Kind kind = Kind::none;
    bool is_empty_map = false;  ///< a map that was written as `{}` stays when its last child goes
    base::Value value;          ///< of a register
    int64_t count = 0;          ///< of a counter
    Dot generation;
    std::map<std::string, base::Value> elements;  ///< by canonical bytes
    std::map<std::string, ViewNode, std::less<>> children;
    std::map<std::string, Item, std::less<>> items;

    /// Drops what the node held unless it is of that kind already.
    void become(Kind wanted);
    bool is_vacant() const;
    base::Value shown() const;
};

struct ViewNode::Item {
    std::string position;
    bool has_position = false;
    ViewNode node;

    base::Value shown(std::string_view id) const;
};

/// Items in the order shown.
std::vector<const std::pair<const std::string, ViewNode::Item>*> ordered(const ViewNode& list);

}  // namespace tandem::record
