// Views of a part of the record (docs/merge.md, section 9). A walk beside two trees of selections:
// `held` says what the view has of a node, `select` what it is to have. Null stands for nothing.

#include "record/partial.hpp"

#include <algorithm>
#include <set>

#include "record/diff.hpp"
#include "record/window_state.hpp"

namespace tandem::record {

namespace {

bool holds(const std::vector<Window>& windows, uint64_t index) {
    return std::any_of(windows.begin(), windows.end(),
                       [&](const Window& window) { return window.holds(index); });
}

const SelectedNode* child_of(const SelectedNode* node, const Segment& segment) {
    return node == nullptr ? nullptr : node->find(segment);
}

bool has_windows(const SelectedNode* node) { return node != nullptr && !node->windows.empty(); }

class PartialDiffer {
  public:
    PartialDiffer(std::vector<Change>& out, const Document::Impl& document,
                  const PartialRange& range)
        : differ_(out, path_, range.from),
          out_(out),
          document_(document),
          range_(range),
          is_same_(&range.held == &range.select || range.held == range.select) {}

    void run() {
        const SelectedNode* held = &range_.held.root();
        // With one selection the walk may take one tree for both.
        if (is_same_) held = &range_.select.root();
        if (range_.from == 0) is_anew_.push_back({});
        visit(document_.root, held, &range_.select.root(),
              range_.from == 0 ? Mode::fresh : Mode::delta);
        rows();
    }

  private:
    void outside() { differ_.emit(ChangeKind::outside); }
    // All that follows below here is sent as to a view that has nothing of it.
    void begin_anew() { is_anew_.push_back(path_); }

    // Takes care of what only one of the selections has, and of what they have differently. False
    // when nothing is left to visit.
    bool reconcile(const SelectedNode* held, const SelectedNode* select, Mode& mode) {
        if (select == nullptr) {
            if (held != nullptr) outside();
            return false;
        }
        const bool is_other = held == nullptr || held->is_covered != select->is_covered;
        if (is_other) {
            if (held != nullptr) outside();
            begin_anew();
            mode = Mode::fresh;
        }
        return true;
    }

    // A node on the way, or an item there, has become something else or nothing.
    void clear_on_the_way(const SelectedNode* held, const SelectedNode& select) {
        if (select.has_windows_below() || (held != nullptr && held->has_windows_below())) {
            // Which rows the windows covered is not known.
            outside();
            begin_anew();
        } else {
            differ_.emit(ChangeKind::clear);
        }
    }

    void visit(const Node& node, const SelectedNode* held, const SelectedNode* select, Mode mode) {
        if (!reconcile(held, select, mode)) return;
        if (select->is_covered) return differ_.visit(node, mode);
        if (is_same_ && mode == Mode::delta && node.max_seq <= range_.from) return;
        if (mode != Mode::fresh && (node.flip_seq > range_.from || node.tomb_seq > range_.from)) {
            clear_on_the_way(held, *select);
            mode = Mode::fresh;
        }
        content(node, held, *select, mode);
    }

    void content(const Node& node, const SelectedNode* held, const SelectedNode& select,
                 Mode mode) {
        std::set<Segment> segments;
        for (const auto& [segment, child] : select.children)
            segments.insert(segment);
        if (held != nullptr) {
            for (const auto& [segment, child] : held->children)
                segments.insert(segment);
        }
        if (node.shown == Kind::list && (has_windows(held) || has_windows(&select)))
            return windows(node, held, select, segments, mode);
        for (const Segment& segment : segments) {
            const SelectedNode* held_child = child_of(held, segment);
            const SelectedNode* select_child = select.find(segment);
            path_.push_back(segment);
            if (segment.is_item()) {
                const Item* found =
                    node.shown == Kind::list ? node.list->find(segment.name) : nullptr;
                item(found, held_child, select_child, mode);
            } else {
                const Node* child =
                    node.shown == Kind::map ? node.map->find(segment.name) : nullptr;
                if (child != nullptr)
                    visit(*child, held_child, select_child, mode);
                else
                    absent(held_child, select_child);
            }
            path_.pop_back();
        }
    }

    void item(const Item* item, const SelectedNode* held, const SelectedNode* select, Mode mode) {
        if (item == nullptr || !item->is_visible()) return gone(item, held, select, mode);
        if (!reconcile(held, select, mode)) return;
        if (select->is_covered) return differ_.item(*item, mode);
        if (is_same_ && mode == Mode::delta && item->max_seq <= range_.from) return;
        if (mode != Mode::fresh && (item->flip_seq > range_.from || item->tomb_seq > range_.from)) {
            clear_on_the_way(held, *select);
            mode = Mode::fresh;
        }
        if (mode == Mode::delta && item->visible_seq > range_.from) mode = Mode::full;
        if (mode != Mode::delta || item->moved_seq > range_.from) differ_.emit_item(*item);
        content(*item, held, *select, mode);
    }

    // Where there is nothing, rows may be open all the same.
    void absent(const SelectedNode* held, const SelectedNode* select) {
        Mode mode = Mode::delta;
        if (is_same_ || !reconcile(held, select, mode) || mode == Mode::fresh) return;
        std::set<Segment> segments;
        for (const auto& [segment, child] : select->children)
            segments.insert(segment);
        for (const auto& [segment, child] : held->children)
            segments.insert(segment);
        for (const Segment& segment : segments) {
            path_.push_back(segment);
            absent(held->find(segment), select->find(segment));
            path_.pop_back();
        }
    }

    void gone(const Item* item, const SelectedNode* held, const SelectedNode* select, Mode mode) {
        const bool was_removed = item != nullptr && item->removed_seq > range_.from;
        if (select == nullptr) {
            if (held == nullptr) return;
            // It left a window because it is no more; events of it may still be open.
            if (was_removed) differ_.emit(ChangeKind::clear);
            if (!was_removed || document_.journal.has_open_at(path_)) outside();
            return;
        }
        Mode before = mode;
        reconcile(held, select, mode);
        if (before == Mode::fresh || mode == Mode::fresh) return;
        if (was_removed && select->is_covered)
            differ_.emit(ChangeKind::clear);
        else if (was_removed)
            clear_on_the_way(held, *select);
        absent(held, select);
    }

    void windows(const Node& node, const SelectedNode* held, const SelectedNode& select,
                 std::set<Segment>& segments, Mode mode) {
        const ListSlot& list = *node.list;
        const WindowList* before = nullptr;
        if (range_.windows != nullptr) before = range_.windows->find(select);
        const bool is_known =
            list.order_seq <= range_.from || (before != nullptr && before->is_shown);
        if (mode != Mode::delta || !is_known || has_windows(held) != has_windows(&select))
            return windows_anew(node, held, select, mode);
        if (before != nullptr && before->count != list.visible) emit_window(list);
        if (is_same_ && list.order_seq <= range_.from) {
            for (const Node* child : changed_nodes(list.recency, range_.from)) {
                const Item& changed = as_item(*child);
                path_.push_back({Segment::Kind::item, changed.name});
                const SelectedNode* part = select.find(path_.back());
                const auto index = list.index_of(changed);
                if (index && holds(select.windows, *index)) part = &everything_;
                item(&changed, part, part, mode);
                path_.pop_back();
            }
            return;
        }
        std::set<std::string, std::less<>> held_ids;
        std::set<std::string, std::less<>> select_ids;
        for_windows(list, select.windows, [&](const Item& one) { select_ids.insert(one.name); });
        if (before != nullptr)
            held_ids = before->ids;
        else if (held != nullptr)
            for_windows(list, held->windows, [&](const Item& one) { held_ids.insert(one.name); });
        for (const std::string& id : held_ids)
            segments.insert({Segment::Kind::item, id});
        for (const std::string& id : select_ids)
            segments.insert({Segment::Kind::item, id});
        for (const Segment& segment : segments) {
            if (!segment.is_item()) continue;
            const SelectedNode* old_part =
                held_ids.contains(segment.name) ? &everything_ : child_of(held, segment);
            const SelectedNode* new_part =
                select_ids.contains(segment.name) ? &everything_ : select.find(segment);
            path_.push_back(segment);
            item(list.find(segment.name), old_part, new_part, mode);
            path_.pop_back();
        }
    }

    // Which items the windows held is not known: the list goes, and what the windows hold comes.
    void windows_anew(const Node& node, const SelectedNode* held, const SelectedNode& select,
                      Mode mode) {
        const ListSlot& list = *node.list;
        const bool has_something = mode != Mode::fresh || (held != nullptr && !is_same_);
        if (has_something) {
            outside();
            begin_anew();
            // A list may be an item, which has gone with it.
            if (node.is_item) differ_.emit_item(as_item(node));
        }
        if (has_windows(&select)) emit_window(list);
        std::set<std::string_view> sent;
        const auto send = [&](const Item& one, const SelectedNode* part) {
            if (!sent.insert(one.name).second) return;
            path_.push_back({Segment::Kind::item, one.name});
            item(&one, part, part, Mode::fresh);
            path_.pop_back();
        };
        for_windows(list, select.windows, [&](const Item& one) { send(one, &everything_); });
        for (const auto& [segment, part] : select.children) {
            const Item* found = segment.is_item() ? list.find(segment.name) : nullptr;
            if (found != nullptr) send(*found, &part);
        }
    }

    void emit_window(const ListSlot& list) {
        differ_.emit(ChangeKind::window).value =
            base::Value::integer(static_cast<int64_t>(list.visible));
    }

    void rows() {
        const auto is_wanted = [&](const Row& row) {
            if (row.closed_seq == 0) return is_covered(document_, range_.select, row.path);
            return range_.select.concerns(row.path) || range_.held.concerns(row.path);
        };
        document_.journal.append_changes(out_, range_.from, is_anew_, is_wanted);
    }

    const SelectedNode everything_{true, {}, {}};
    Path path_;
    Differ differ_;
    std::vector<Change>& out_;
    const Document::Impl& document_;
    const PartialRange& range_;
    const bool is_same_;
    std::vector<Path> is_anew_;
};

bool is_in_window(const ListSlot& list, const Item& item, const SelectedNode& select) {
    const auto index = list.index_of(item);
    return index && holds(select.windows, *index);
}

/// False when nothing of the node is shown.
bool show(const Node& node, const SelectedNode& select, base::Value& out);

bool show_item(const Item& item, const SelectedNode& select, base::Value& out) {
    if (select.is_covered) {
        out = shown_node(item);
        return true;
    }
    base::Value inside;
    const bool has_some = show(item, select, inside);
    out = base::Value(base::Object{});
    if (has_some && item.shown == Kind::map)
        out = std::move(inside);
    else if (has_some)
        out.put("value", std::move(inside));
    out.put("id", base::Value(item.name));
    return true;
}

bool show(const Node& node, const SelectedNode& select, base::Value& out) {
    if (select.is_covered) {
        if (node.shown == Kind::none) return false;
        out = shown_slot(node, node.shown);
        return true;
    }
    if (node.shown == Kind::map) {
        base::Object members;
        for (const auto& [segment, part] : select.children) {
            const Node* child = segment.is_item() ? nullptr : node.map->find(segment.name);
            base::Value value;
            if (child != nullptr && show(*child, part, value))
                members.push_back({segment.name, std::move(value)});
        }
        if (members.empty()) return false;
        out = base::Value(std::move(members));
        return true;
    }
    if (node.shown != Kind::list) return false;
    std::map<uint64_t, const Item*> chosen;
    for_windows(*node.list, select.windows,
                [&](const Item& item) { chosen.emplace(*node.list->index_of(item), &item); });
    for (const auto& [segment, part] : select.children) {
        const Item* item = segment.is_item() ? node.list->find(segment.name) : nullptr;
        if (item == nullptr) continue;
        if (const auto index = node.list->index_of(*item)) chosen.emplace(*index, item);
    }
    base::Array items;
    for (const auto& [index, item] : chosen) {
        base::Value value;
        if (is_in_window(*node.list, *item, select))
            items.push_back(shown_node(*item));
        else if (show_item(*item, *select.find({Segment::Kind::item, item->name}), value))
            items.push_back(std::move(value));
    }
    if (items.empty()) return false;
    out = base::Value(std::move(items));
    return true;
}

}  // namespace

std::vector<Change> partial_diff(const Document::Impl& document, const PartialRange& range) {
    std::vector<Change> out;
    PartialDiffer(out, document, range).run();
    return out;
}

base::Value shown_selected(const Document::Impl& document, const Selection& select) {
    base::Value out;
    if (!show(document.root, select.root(), out)) return base::Value(base::Object{});
    return out;
}

bool is_covered(const Document::Impl& document, const Selection& select, const Path& path) {
    if (select.covers_always(path)) return true;
    const SelectedNode* part = &select.root();
    const Node* node = &document.root;
    for (const Segment& segment : path) {
        if (part->is_covered) return true;
        if (node->shown != (segment.is_item() ? Kind::list : Kind::map)) return false;
        if (segment.is_item()) {
            const Item* item = node->list->find(segment.name);
            if (item == nullptr || !item->is_visible()) return false;
            if (is_in_window(*node->list, *item, *part)) return true;
            part = part->find(segment);
            node = item;
        } else {
            part = part->find(segment);
            node = node->map->find(segment.name);
        }
        if (part == nullptr || node == nullptr) return false;
    }
    return part->is_covered;
}

}  // namespace tandem::record
