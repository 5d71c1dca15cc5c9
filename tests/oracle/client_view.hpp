#pragma once

#include <map>
#include <string>
#include <tuple>

#include "oracle/terms.hpp"

namespace tandem::oracle {

/// A client's copy of the shown state, as docs/merge.md, sections 7 and 8, describe it: one kind
/// per node, no siblings. Copying it is the way to try pending ops.
class ClientView {
  public:
    /// One absolute change of section 7, in JSON form.
    void apply_change(const json& change);
    /// One own pending op of section 8, applied plainly.
    void apply_op(const json& op);

    json shown() const;
    /// confirmed ⊕ pending.
    json shown_with(const json& pending) const;
    /// Open conflicts by (path, reason, dot).
    json conflicts() const;
    /// {value, generation} or null.
    json counter(const std::string& path) const;

  private:
    enum class Kind { none, map, list, set, counter, reg };
    struct Item;
    struct Node {
        Kind kind = Kind::none;
        json value;                            // register
        int64_t number = 0;                    // counter
        json generation;                       // counter
        std::map<std::string, json> elements;  // set, by canonical bytes
        std::map<std::string, Node> children;  // map
        bool is_empty_map = false;             // stays a map without children
        std::map<std::string, Item> items;     // list
    };
    struct Item {
        bool has_position = false;
        std::string position;
        Node node;
    };

    static void turn(Node& node, Kind kind);
    static bool is_none(const Node& node);
    static json shown_of(const Node& node);
    static json shown_item(const std::string& id, const Item& item);
    static void merge_members(Node& node, const json& object);
    Node& make(const Path& path);
    Item& make_item(const Path& path);
    const Node* find(const Path& path) const;
    Node* find(const Path& path);
    Item* find_item(const Path& path);
    void remove(const Path& path);

    Node root_;
    std::map<std::tuple<std::string, std::string, std::string>, json> conflicts_;
};

}  // namespace tandem::oracle
