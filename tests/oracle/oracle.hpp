#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "oracle/terms.hpp"

namespace tandem::oracle {

struct Dot {
    int64_t actor = 0;
    int64_t counter = 0;
    friend auto operator<=>(const Dot&, const Dot&) = default;
};

struct Stamp {
    int64_t ms = 0;
    int64_t logical = 0;
    int64_t actor = 0;
    friend auto operator<=>(const Stamp&, const Stamp&) = default;
};

struct SeqDot {
    int64_t seq = 0;
    Dot dot;
};

/// A set of dots: one per actor, at most 8.
using Dots = std::map<int64_t, SeqDot>;

struct Sibling {
    json value;
    Dot dot;
    int64_t seq = 0;
    Stamp stamp;
};

struct Counter {
    int64_t value = 0;
    Dot generation;
    bool is_made_by_inc = false;  // the generation
    Dots touched;
    Dots removed = {};        // of removals
    int64_t removed_seq = 0;  // of the first one; 0 while it is there
};

struct Element {
    json value;
    Dots dots;
};

struct Item;

enum class Kind { none = 0, map = 1, list = 2, set = 3, counter = 4, reg = 5 };
const char* name_of(Kind kind);
/// The order in which kinds are shown when nothing is declared.
inline constexpr Kind kKinds[] = {Kind::map, Kind::list, Kind::set, Kind::counter, Kind::reg};

/// One slot per kind, side by side; nothing is ever pruned but by the floor.
struct Node {
    std::vector<Sibling> reg;
    std::optional<Counter> counter;
    std::map<std::string, Element> set;  // by canonical bytes
    std::map<std::string, Item> list;
    std::map<std::string, Node> map;
    Dots marker;
    Kind declared = Kind::none;
    int resolver = 0;
    std::vector<std::pair<int64_t, std::string>> texts;  // text3: (seq, what was shown)
    std::map<int64_t, int64_t> bases;                    // text3: seq of a sibling to its base
    Kind kind_before = Kind::none;                       // the shown kind after the last entry
    int64_t tomb = 0;                                    // the seq at which that became none
};

struct Item {
    Dots existence;
    std::vector<Sibling> positions;
    Node node;
    int64_t removed_seq = 0;  // 0 while visible
};

struct Row {
    Path path;
    std::string reason;
    Dot dot;
    int64_t loser_seq = 0;
    json value;
    Stamp stamp;
    int64_t seq = 0;
    int64_t closed_seq = 0;
    Dot decided_by = {};
};

/// The record facet of a channel as docs/merge.md describes it, read as literally as possible.
/// Entries and ops are in the JSON form of the log; paths are text. Every `apply` works on the
/// whole state again where that is simpler.
class Oracle {
  public:
    void apply(const json& entry);

    /// The record's shown JSON.
    json shown() const;
    /// Shown JSON at a path; a discarded value when there is nothing.
    json shown(const std::string& path) const;
    /// Siblings of the register at a path, the winner first: {value, dot, seq, stamp}.
    json siblings(const std::string& path) const;
    /// All rows by (path, reason, dot): {path, reason, dot, loser_seq, value, stamp, seq,
    /// closed_seq}.
    json journal() const;
    json open_journal() const;
    /// Everything that a later entry could depend on.
    json state() const;
    /// {value, generation} at a path, null without a counter.
    json counter(const std::string& path) const;
    int64_t seq() const { return seq_; }
    int64_t floor() const { return floor_; }

  private:
    using RowKey = std::tuple<std::string, std::string, Dot>;
    const Node* find(const std::string& path) const;
    json rows(bool only_open) const;

    Node root_;
    std::map<RowKey, Row> journal_;
    int64_t seq_ = 0;
    int64_t floor_ = 0;

    friend class Applying;
};

bool is_live(const Node& node, Kind slot);
Kind shown_kind(const Node& node);
/// Shown JSON of one slot of a node that has it live.
json shown_slot(const Node& node, Kind slot);
/// A visible item, its id among its members.
json shown_item(const std::string& id, const Item& item);
/// The order of siblings; the highest wins.
bool ranks_below(const Sibling& a, const Sibling& b);
/// What the register of a node shows, and the dots of the siblings that have lost.
struct Resolved {
    json value;
    std::set<Dot> losers;
};
Resolved resolved(const Node& node);
/// True when max or min (2, 3) shows `a` rather than `b`.
bool goes_first(int resolver, const json& a, const json& b);
/// How a text that others may be merged on is remembered: empty when it is none.
std::string text_to_merge_on(const json& value);
/// text3 of what was written, in the order of dots: the text, and which lost something. `order`
/// has the indexes by rank, the highest first.
std::pair<std::string, std::set<size_t>> merge_texts(const std::string& base,
                                                     const std::vector<std::string>& texts,
                                                     const std::vector<size_t>& order);
/// The winner, or null for no siblings.
const Sibling* winner(const std::vector<Sibling>& siblings);

}  // namespace tandem::oracle
