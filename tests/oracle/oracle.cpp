#include "oracle/oracle.hpp"

#include <algorithm>

namespace tandem::oracle {

namespace {

constexpr size_t kSiblingsMax = 8;
constexpr size_t kDotsMax = 8;
constexpr size_t kRowsMax = 4096;
constexpr int64_t kLogicalMax = 0xffffffff;

json to_json(const Dot& dot) { return json::array({dot.actor, dot.counter}); }
json to_json(const Stamp& stamp) { return json::array({stamp.ms, stamp.logical, stamp.actor}); }
json to_json(const Dots& dots) {
    json out = json::array();
    for (const auto& [actor, d] : dots)
        out.push_back({d.seq, d.dot.actor, d.dot.counter});
    return out;
}
json to_json(const Sibling& sibling) {
    return {{"value", sibling.value},
            {"dot", to_json(sibling.dot)},
            {"seq", sibling.seq},
            {"stamp", to_json(sibling.stamp)}};
}

std::vector<Sibling> ranked(std::vector<Sibling> siblings) {
    std::sort(siblings.begin(), siblings.end(),
              [](const Sibling& a, const Sibling& b) { return ranks_below(b, a); });
    return siblings;
}

json siblings_json(const std::vector<Sibling>& siblings) {
    json out = json::array();
    for (const auto& s : ranked(siblings))
        out.push_back(to_json(s));
    return out;
}

Path operator/(Path path, Segment segment) {
    path.push_back(std::move(segment));
    return path;
}

json slots_json(const Node& node) {
    json out = json::object();
    if (!node.reg.empty()) out["register"] = siblings_json(node.reg);
    if (node.counter) {
        out["counter"] = {{"value", node.counter->value},
                          {"generation", to_json(node.counter->generation)},
                          {"origin", node.counter->is_made_by_inc ? "inc" : "counter_set"},
                          {"touched", to_json(node.counter->touched)}};
        if (node.counter->removed_seq != 0) {
            out["counter"]["removed_seq"] = node.counter->removed_seq;
            out["counter"]["removed"] = to_json(node.counter->removed);
        }
    }
    for (const auto& [bytes, element] : node.set) {
        out["set"].push_back({{"value", element.value}, {"dots", to_json(element.dots)}});
    }
    for (const auto& [id, item] : node.list) {
        out["list"][id] = {{"existence", to_json(item.existence)},
                           {"positions", siblings_json(item.positions)},
                           {"removed_seq", item.removed_seq},
                           {"node", slots_json(item.node)}};
    }
    for (const auto& [key, child] : node.map) {
        json inner = slots_json(child);
        // A child that holds nothing differs in no way from one that was never made.
        if (!inner.empty()) out["map"][key] = std::move(inner);
    }
    if (!node.marker.empty()) out["marker"] = to_json(node.marker);
    if (node.declared != Kind::none) out["declared"] = name_of(node.declared);
    if (node.resolver != 0) out["resolver"] = node.resolver;
    if (!node.texts.empty()) out["texts"] = node.texts;
    for (const auto& [seq, base] : node.bases)
        out["bases"].push_back({seq, base});
    return out;
}

}  // namespace

/// One entry on its way into the state.
class Applying {
  public:
    Applying(Oracle& oracle, const json& entry)
        : oracle_(oracle),
          seq_(entry.at("seq").get<int64_t>()),
          dot_{entry.value("actor", int64_t{0}), entry.value("counter", int64_t{0})},
          own_(entry.value("own", true)) {
        if (entry.contains("stamp")) {
            stamp_ = {entry["stamp"][0].get<int64_t>(), entry["stamp"][1].get<int64_t>(),
                      dot_.actor};
        }
        oracle_.seq_ = seq_;
    }

    void run(const json& entry) {
        for (const auto& op : entry.value("ops", json::array())) {
            if (makes_sense(op)) apply(op);
        }
        note_texts(oracle_.root_);
        note_tombs(oracle_.root_);
        bring_rows_in_line();
        if (const int64_t floor = entry.value("floor", int64_t{0}); floor > 0) forget(floor);
        bound_journal();
    }

  private:
    bool has_seen(int64_t seq, int64_t actor) const {
        return seq <= base_ || seq == seq_ || (own_ && actor == dot_.actor);
    }

    bool are_seen(const Dots& dots) const {
        return std::ranges::all_of(dots,
                                   [&](const auto& d) { return has_seen(d.second.seq, d.first); });
    }

    // A removed counter as an op finds it that counts or sets: whole, or gone.
    void find_counter(Node& node) const {
        if (!node.counter || node.counter->removed_seq == 0) return;
        const bool knows_of_it = std::ranges::any_of(
            node.counter->removed, [&](const auto& d) { return has_seen(d.second.seq, d.first); });
        if (knows_of_it) {
            node.counter.reset();
            return;
        }
        node.counter->removed_seq = 0;
        node.counter->removed.clear();
        node.counter->touched.clear();
    }

    void lose_seen(Dots& dots) const {
        std::erase_if(dots, [&](const auto& d) { return has_seen(d.second.seq, d.first); });
    }

    void gain(Dots& dots) const {
        dots[dot_.actor] = {seq_, dot_};
        if (dots.size() <= kDotsMax) return;
        dots.erase(std::min_element(dots.begin(), dots.end(), [](const auto& a, const auto& b) {
            return a.second.seq < b.second.seq;
        }));
    }

    // Section 4.
    void remove_slot(Node& node, Kind slot) {
        switch (slot) {
            case Kind::none:
                break;
            case Kind::reg:
                std::erase_if(node.reg,
                              [&](const Sibling& s) { return has_seen(s.seq, s.dot.actor); });
                break;
            case Kind::counter:
                if (!node.counter) break;
                if (!are_seen(node.counter->touched)) {
                    if (node.counter->removed_seq == 0) lose_seen(node.counter->touched);
                    break;
                }
                if (node.counter->removed_seq == 0) node.counter->removed_seq = seq_;
                gain(node.counter->removed);
                break;
            case Kind::set:
                for (auto& [bytes, element] : node.set)
                    lose_seen(element.dots);
                std::erase_if(node.set, [](const auto& e) { return e.second.dots.empty(); });
                break;
            case Kind::list:
                for (auto& [id, item] : node.list)
                    remove_item(item);
                break;
            case Kind::map:
                lose_seen(node.marker);
                for (auto& [key, child] : node.map)
                    remove_content(child);
                break;
        }
    }

    void remove_item(Item& item) const {
        if (item.existence.empty()) return;
        lose_seen(item.existence);
        if (item.existence.empty()) item.removed_seq = seq_;
    }

    void remove_content(Node& node) {
        for (const Kind kind : kKinds)
            remove_slot(node, kind);
    }

    void clear_other_slots(Node& node, Kind kept) {
        for (const Kind kind : kKinds) {
            if (kind != kept) remove_slot(node, kind);
        }
    }

    void renew(Item& item) const {
        lose_seen(item.existence);
        gain(item.existence);
        item.removed_seq = 0;
    }

    // Section 3, "approach": the node at the path, or null where the op ends early.
    Node* approach(const Path& path, const std::string& kind) {
        const bool writes = is_writing(kind);
        Node* node = &oracle_.root_;
        item_ = nullptr;
        list_ = nullptr;
        for (size_t i = 0; i < path.size(); ++i) {
            const Segment& segment = path[i];
            const bool is_last = i + 1 == path.size();
            if (writes) clear_other_slots(*node, segment.is_item ? Kind::list : Kind::map);
            if (!segment.is_item) {
                if (!writes && node->map.count(segment.name) == 0) return nullptr;
                node = &node->map[segment.name];
                continue;
            }
            if (!writes && node->list.count(segment.name) == 0) return nullptr;
            Item& item = node->list[segment.name];
            if (!is_last || (kind != "delete" && kind != "move")) renew(item);
            if (is_last) {
                item_ = &item;
                list_ = node;
            }
            node = &item.node;
        }
        return node;
    }

    void apply(const json& op) {
        const Path path = *parse_path(op.at("path").get<std::string>());
        const std::string kind = op.at("op");
        const json value = op.contains("value") ? normal(op["value"]) : json();
        base_ = op.value("base", int64_t{0});
        decides_ = kind == "set" && op.value("decides", false);
        if (decides_) decided_.insert(path_text(path));

        if (kind == "set" || kind == "counter_set" || kind == "assign" || kind == "delete") {
            close_events(path, kind == "assign" || kind == "delete");
        }
        Node* const node = approach(path, kind);
        if (node == nullptr) return;

        if (kind == "set") {
            remember(*node, Kind::reg, op);
            write_register(*node, path, value);
        } else if (kind == "delete") {
            if (item_ != nullptr) {
                remove_item(*item_);
            } else {
                remove_content(*node);
            }
        } else if (kind == "assign") {
            remember(*node, Kind::map, op);
            remove_content(*node);
            write_object(*node, path, value);
        } else if (kind == "inc") {
            clear_other_slots(*node, Kind::counter);
            find_counter(*node);
            if (!node->counter) node->counter = Counter{0, dot_, true, {}};
            node->counter->value = clamped(__int128{node->counter->value} + *integer_of(value));
            gain(node->counter->touched);
            remember(*node, Kind::counter, op);
        } else if (kind == "counter_set") {
            clear_other_slots(*node, Kind::counter);
            set_counter(*node, path, *integer_of(value), op);
            remember(*node, Kind::counter, op);
        } else if (kind == "add") {
            clear_other_slots(*node, Kind::set);
            Element& element = node->set[canonical_bytes(value)];
            element.value = value;
            lose_seen(element.dots);
            gain(element.dots);
            remember(*node, Kind::set, op);
        } else if (kind == "remove") {
            const auto element = node->set.find(canonical_bytes(value));
            if (element == node->set.end()) return;
            lose_seen(element->second.dots);
            if (element->second.dots.empty()) node->set.erase(element);
        } else if (kind == "insert") {
            write_sibling(item_->positions, path, op.value("position", ""));
            remember(*list_, Kind::list, op);
            if (value.is_object()) write_object(*node, path, value);
        } else if (kind == "move") {
            write_sibling(item_->positions, path, op.value("position", ""));
        }
    }

    void remember(Node& node, Kind kind, const json& op) const {
        const int resolver = op.value("resolver", 0);
        if (resolver != 0 && resolver != node.resolver) {
            std::vector<std::pair<int64_t, std::string>> texts;
            if (resolver == 6 && !node.reg.empty()) {
                int64_t since = 0;
                for (const Sibling& s : node.reg)
                    since = std::max(since, s.seq);
                texts.emplace_back(since, text_to_merge_on(resolved(node).value));
            }
            node.texts = texts;
            node.bases.clear();
            node.resolver = resolver;
        }
        if (op.value("declared", false)) node.declared = kind;
    }

    void write_register(Node& node, const Path& path, const json& value) {
        clear_other_slots(node, Kind::reg);
        write_sibling(node.reg, path, value, node.resolver);
        if (node.resolver == 6) node.bases[seq_] = base_;
    }

    void write_sibling(std::vector<Sibling>& siblings, const Path& path, const json& value,
                       int resolver = 1) {
        Sibling mine{value, dot_, seq_, stamp_};
        std::vector<Sibling> kept;
        for (const Sibling& s : siblings) {
            if (!has_seen(s.seq, s.dot.actor)) {
                kept.push_back(s);
                continue;
            }
            if (goes_first(resolver, s.value, mine.value)) mine.value = s.value;
            if (std::pair(s.stamp.ms, s.stamp.logical) >=
                std::pair(mine.stamp.ms, mine.stamp.logical)) {
                mine.stamp = {s.stamp.ms, s.stamp.logical + 1, dot_.actor};
                if (mine.stamp.logical > kLogicalMax) mine.stamp = {s.stamp.ms + 1, 0, dot_.actor};
            }
        }
        kept.push_back(mine);
        if (kept.size() > kSiblingsMax) {
            auto lowest = std::min_element(kept.begin(), kept.end(), ranks_below);
            if (resolver == 2 || resolver == 3) {
                for (auto s = kept.begin(); s != kept.end(); ++s) {
                    const bool is_worse = goes_first(resolver, lowest->value, s->value);
                    const bool is_better = goes_first(resolver, s->value, lowest->value);
                    if (is_worse || (!is_better && ranks_below(*s, *lowest))) lowest = s;
                }
                kept.erase(lowest);
                siblings = std::move(kept);
                return;
            }
            open_row(
                {path, "folded", lowest->dot, lowest->seq, lowest->value, lowest->stamp, seq_, 0});
            kept.erase(lowest);
        }
        siblings = std::move(kept);
    }

    // Writes an object's members below a node; what was to be removed is gone already.
    void write_object(Node& node, const Path& path, const json& object) {
        clear_other_slots(node, Kind::map);
        if (object.empty()) {
            lose_seen(node.marker);
            gain(node.marker);
        }
        for (const auto& [key, value] : object.items()) {
            const Path at = path / Segment{false, key};
            Node& child = node.map[key];
            if (value.is_object()) {
                write_object(child, at, value);
            } else {
                close_events(at, false);
                write_register(child, at, value);
            }
        }
    }

    void set_counter(Node& node, const Path& path, int64_t value, const json& op) {
        Dot generation;
        if (op.contains("generation")) {
            generation = {op["generation"][0].get<int64_t>(), op["generation"][1].get<int64_t>()};
        }
        if (generation.actor == 0 && generation.counter > 0) generation.actor = dot_.actor;
        const bool saw_none = generation == Dot{};
        const int64_t seen = saw_none ? 0 : *integer_of(op.value("seen", json(0)));
        if (saw_none && node.counter && are_seen(node.counter->touched)) node.counter.reset();
        find_counter(node);
        if (!node.counter) {
            node.counter = Counter{value, dot_, false, {}};
        } else if ((saw_none && node.counter->is_made_by_inc) ||
                   (!saw_none && generation == node.counter->generation)) {
            node.counter->value = clamped(__int128{value} + node.counter->value - seen);
            node.counter->generation = dot_;
            node.counter->is_made_by_inc = false;
        } else {
            open_row({path, "generation", dot_, seq_, value, stamp_, seq_, 0});
        }
        gain(node.counter->touched);
    }

    // Section 5.
    void open_row(const Row& row) {
        oracle_.journal_[{path_text(row.path), row.reason, row.dot}] = row;
    }

    void close_events(const Path& path, bool below_too) {
        for (auto& [key, row] : oracle_.journal_) {
            if (row.closed_seq != 0 || (row.reason != "generation" && row.reason != "folded")) {
                continue;
            }
            if (row.path != path && !(below_too && is_above(path, row.path))) continue;
            if (!has_seen(row.loser_seq, row.dot.actor)) continue;
            row.closed_seq = seq_;
            row.decided_by = decides_ ? dot_ : Dot{};
        }
    }

    void position_rows(std::vector<Row>& rows, const std::vector<Sibling>& siblings,
                       const Path& path) const {
        for (const Sibling& s : siblings) {
            if (s.value == winner(siblings)->value) continue;
            rows.push_back({path, "position", s.dot, s.seq, s.value, s.stamp, seq_, 0});
        }
    }

    void value_rows(std::vector<Row>& rows, const Node& node, const Path& path) const {
        if (node.reg.empty()) return;
        const std::set<Dot> losers = resolved(node).losers;
        for (const Sibling& s : node.reg) {
            if (losers.count(s.dot) == 0) continue;
            rows.push_back({path, "value", s.dot, s.seq, s.value, s.stamp, seq_, 0});
        }
    }

    static int64_t highest_seq(const Node& node, Kind slot) {
        int64_t highest = 0;
        const auto look = [&](const Dots& dots) {
            for (const auto& [actor, d] : dots)
                highest = std::max(highest, d.seq);
        };
        if (slot == Kind::reg) {
            for (const auto& s : node.reg)
                highest = std::max(highest, s.seq);
        } else if (slot == Kind::counter) {
            look(node.counter->touched);
        } else if (slot == Kind::set) {
            for (const auto& [bytes, element] : node.set)
                look(element.dots);
        }
        return highest;
    }

    // The rows that apply now, of a node and all below it, hidden items left out.
    void live_rows(std::vector<Row>& rows, const Node& node, const Path& path) const {
        value_rows(rows, node, path);
        for (const Kind kind : kKinds) {
            if (kind == shown_kind(node) || !is_live(node, kind)) continue;
            rows.push_back({path, "type", Dot{0, static_cast<int64_t>(kind)},
                            highest_seq(node, kind), shown_slot(node, kind), Stamp{}, seq_, 0});
        }
        for (const auto& [key, child] : node.map)
            live_rows(rows, child, path / Segment{false, key});
        for (const auto& [id, item] : node.list) {
            if (item.existence.empty()) continue;
            const Path at = path / Segment{true, id};
            position_rows(rows, item.positions, at);
            live_rows(rows, item.node, at);
        }
    }

    void bring_rows_in_line() {
        std::vector<Row> rows;
        live_rows(rows, oracle_.root_, {});
        std::map<Oracle::RowKey, Row> wanted;
        for (const Row& row : rows)
            wanted[{path_text(row.path), row.reason, row.dot}] = row;
        for (auto& [key, row] : oracle_.journal_) {
            const bool is_event = row.reason == "generation" || row.reason == "folded";
            if (is_event || row.closed_seq != 0 || wanted.count(key) != 0) continue;
            row.closed_seq = seq_;
            row.decided_by = decided_.count(path_text(row.path)) != 0 ? dot_ : Dot{};
        }
        for (const auto& [key, row] : wanted) {
            const auto found = oracle_.journal_.find(key);
            const bool same = found != oracle_.journal_.end() && found->second.closed_seq == 0 &&
                              found->second.loser_seq == row.loser_seq &&
                              found->second.value == row.value && found->second.stamp == row.stamp;
            if (!same) oracle_.journal_[key] = row;
        }
    }

    void bound_journal() {
        while (oracle_.journal_.size() > kRowsMax) {
            const auto oldest = std::min_element(
                oracle_.journal_.begin(), oracle_.journal_.end(), [](const auto& a, const auto& b) {
                    return std::pair(a.second.closed_seq == 0, a.second.seq) <
                           std::pair(b.second.closed_seq == 0, b.second.seq);
                });
            oracle_.journal_.erase(oldest);
        }
    }

    // Section 2.1: what a text3 register shows after this entry, for those who will write on it.
    void note_texts(Node& node) const {
        if (node.resolver == 6) {
            std::erase_if(node.bases, [&](const auto& base) {
                return std::none_of(node.reg.begin(), node.reg.end(),
                                    [&](const Sibling& s) { return s.seq == base.first; });
            });
            const std::string text = node.reg.empty() ? "" : text_to_merge_on(resolved(node).value);
            const std::string before = node.texts.empty() ? "" : node.texts.back().second;
            if (text != before) {
                if (!node.texts.empty() && node.texts.back().first == seq_) node.texts.pop_back();
                node.texts.emplace_back(seq_, text);
            }
            if (node.texts.size() > 16) thin(node);
        }
        for (auto& [key, child] : node.map)
            note_texts(child);
        for (auto& [id, item] : node.list)
            note_texts(item.node);
    }

    static void thin(Node& node) {
        int64_t lowest = node.bases.size() < node.reg.size() ? -1 : INT64_MAX;
        for (const auto& [seq, base] : node.bases)
            lowest = std::min(lowest, base);
        std::map<int64_t, size_t> by_gap;  // the first of equal gaps
        for (size_t i = 1; i + 8 < node.texts.size(); ++i) {
            const bool is_merged_on =
                node.texts[i].first <= lowest && node.texts[i + 1].first > lowest;
            if (is_merged_on && !node.reg.empty()) continue;
            by_gap.emplace(node.texts[i + 1].first - node.texts[i - 1].first, i);
        }
        node.texts.erase(node.texts.begin() + static_cast<int64_t>(by_gap.begin()->second));
    }

    void note_tombs(Node& node) const {
        const Kind kind = shown_kind(node);
        if (kind == Kind::none && node.kind_before != Kind::none) node.tomb = seq_;
        node.kind_before = kind;
        for (auto& [key, child] : node.map)
            note_tombs(child);
        for (auto& [id, item] : node.list)
            note_tombs(item.node);
    }

    // Section 6.
    void forget(int64_t floor) {
        if (floor <= oracle_.floor_) return;
        oracle_.floor_ = floor;
        forget_items(oracle_.root_, floor);
        std::erase_if(oracle_.journal_, [&](const auto& entry) {
            return entry.second.closed_seq != 0 && entry.second.closed_seq <= floor;
        });
    }

    static void forget_items(Node& node, int64_t floor) {
        if (shown_kind(node) == Kind::none && node.tomb <= floor) {
            node.declared = Kind::none;
            node.resolver = 0;
            node.texts.clear();
            node.bases.clear();
        }
        if (node.counter && node.counter->removed_seq != 0 && node.counter->removed_seq <= floor) {
            node.counter.reset();
        }
        std::erase_if(node.list, [&](const auto& entry) {
            return entry.second.existence.empty() && entry.second.removed_seq <= floor;
        });
        for (auto& [id, item] : node.list)
            forget_items(item.node, floor);
        for (auto& [key, child] : node.map)
            forget_items(child, floor);
    }

    Oracle& oracle_;
    int64_t seq_;
    Dot dot_;
    bool own_;
    Stamp stamp_;
    int64_t base_ = 0;
    bool decides_ = false;
    std::set<std::string> decided_;  // paths
    Item* item_ = nullptr;  // the item that the op's path names, and the list node it is in
    Node* list_ = nullptr;
};

void Oracle::apply(const json& entry) { Applying(*this, entry).run(entry); }

json Oracle::shown() const {
    const Kind kind = shown_kind(root_);
    return kind == Kind::none ? json::object() : shown_slot(root_, kind);
}

const Node* Oracle::find(const std::string& text) const {
    const auto path = parse_path(text);
    if (!path) return nullptr;
    const Node* node = &root_;
    for (const Segment& segment : *path) {
        if (segment.is_item) {
            const auto item = node->list.find(segment.name);
            if (item == node->list.end() || item->second.existence.empty()) return nullptr;
            node = &item->second.node;
        } else {
            const auto child = node->map.find(segment.name);
            if (child == node->map.end()) return nullptr;
            node = &child->second;
        }
    }
    return node;
}

json Oracle::shown(const std::string& text) const {
    const json nothing(json::value_t::discarded);
    const auto path = parse_path(text);
    if (!path) return nothing;
    const Node* node = &root_;
    for (size_t i = 0; i < path->size(); ++i) {
        const Segment& segment = (*path)[i];
        // What lies in a slot that is not shown does not exist for readers.
        if (shown_kind(*node) != (segment.is_item ? Kind::list : Kind::map)) return nothing;
        if (segment.is_item) {
            const auto item = node->list.find(segment.name);
            if (item == node->list.end() || item->second.existence.empty()) return nothing;
            if (i + 1 == path->size()) return shown_item(segment.name, item->second);
            node = &item->second.node;
        } else {
            const auto child = node->map.find(segment.name);
            if (child == node->map.end()) return nothing;
            node = &child->second;
        }
    }
    return path->empty() ? shown() : shown_slot(*node, shown_kind(*node));
}

json Oracle::siblings(const std::string& path) const {
    const Node* node = find(path);
    return node == nullptr ? json::array() : siblings_json(node->reg);
}

json Oracle::counter(const std::string& path) const {
    const Node* node = find(path);
    if (node == nullptr || !is_live(*node, Kind::counter)) return nullptr;
    return {{"value", node->counter->value}, {"generation", to_json(node->counter->generation)}};
}

json Oracle::rows(bool only_open) const {
    json out = json::array();
    for (const auto& [key, row] : journal_) {
        if (only_open && row.closed_seq != 0) continue;
        out.push_back({{"path", path_text(row.path)},
                       {"reason", row.reason},
                       {"dot", to_json(row.dot)},
                       {"loser_seq", row.loser_seq},
                       {"value", row.value},
                       {"stamp", to_json(row.stamp)},
                       {"seq", row.seq},
                       {"closed_seq", row.closed_seq}});
        if (row.decided_by != Dot{}) out.back()["decided_by"] = to_json(row.decided_by);
    }
    return out;
}

json Oracle::journal() const { return rows(false); }
json Oracle::open_journal() const { return rows(true); }

json Oracle::state() const {
    return {{"seq", seq_}, {"floor", floor_}, {"root", slots_json(root_)}, {"journal", journal()}};
}

}  // namespace tandem::oracle
