#include "client/history.hpp"

#include <algorithm>
#include <optional>

namespace tandem::client {

using record::Kind;
using record::Op;
using record::OpKind;
using record::Path;
using record::View;

namespace {

constexpr std::string_view kItemIdKey = "id";
constexpr std::string_view kItemValueKey = "value";

Op make_op(OpKind kind, Path path, base::Value value = {}) {
    Op op;
    op.kind = kind;
    op.path = std::move(path);
    op.value = std::move(value);
    return op;
}

bool is_item(const Path& path) { return !path.empty() && path.back().is_item(); }

Path child(const Path& path, std::string_view name, record::Segment::Kind kind) {
    Path out = path;
    out.push_back({kind, std::string(name)});
    return out;
}
Path key_of(const Path& path, std::string_view name) {
    return child(path, name, record::Segment::Kind::key);
}
Path item_of(const Path& path, std::string_view name) {
    return child(path, name, record::Segment::Kind::item);
}

/// The members that a map shows, without an item's own id.
base::Object members_of(const View& view, const Path& path) {
    base::Value shown = view.shown(path);
    if (!shown.is_object()) return {};
    base::Object members = std::move(shown.as_object());
    if (is_item(path))
        std::erase_if(members, [](const base::Member& m) { return m.key == kItemIdKey; });
    return members;
}

/// The value of a leaf; an item that is no map shows it beside its id.
base::Value leaf_value(const View& view, const Path& path) {
    base::Value shown = view.shown(path);
    if (is_item(path) && shown.is_object() && shown.find(kItemIdKey) != nullptr) {
        if (const base::Value* inner = shown.find(kItemValueKey)) return *inner;
    }
    return shown;
}

/// True when one `assign` of the shown object gives the same nodes back.
bool is_plain_map(const View& view, const Path& path, const base::Object& members) {
    return std::all_of(members.begin(), members.end(), [&](const base::Member& member) {
        Path below = key_of(path, member.key);
        switch (view.shown_kind(below)) {
            case Kind::map:
                return is_plain_map(view, below, members_of(view, below));
            case Kind::reg:
                return !member.value.is_object();
            case Kind::none:
            case Kind::list:
            case Kind::set:
            case Kind::counter:
                return false;
        }
        return false;
    });
}

std::optional<record::View::Item> find_item(const View& view, const Path& path) {
    if (!is_item(path)) return std::nullopt;
    Path list(path.begin(), path.end() - 1);
    for (auto& item : view.items(list))
        if (item.id == path.back().name) return std::move(item);
    return std::nullopt;
}

void rebuild_item(const View& view, const Path& path, const View::Item& item, std::vector<Op>& out);

void rebuild_node(const View& view, const Path& path, std::vector<Op>& out) {
    switch (view.shown_kind(path)) {
        case Kind::none:
            return;
        case Kind::reg:
            out.push_back(make_op(OpKind::set, path, leaf_value(view, path)));
            return;
        case Kind::counter:
            out.push_back(
                make_op(OpKind::counter_set, path, base::Value::integer(view.counter(path).value)));
            return;
        case Kind::set: {
            base::Value shown = leaf_value(view, path);
            if (!shown.is_array()) return;
            for (base::Value& element : shown.as_array())
                out.push_back(make_op(OpKind::add, path, std::move(element)));
            return;
        }
        case Kind::list:
            for (const auto& item : view.items(path))
                rebuild_item(view, item_of(path, item.id), item, out);
            return;
        case Kind::map: {
            base::Object members = members_of(view, path);
            if (is_plain_map(view, path, members)) {
                out.push_back(make_op(OpKind::assign, path, base::Value(std::move(members))));
                return;
            }
            for (const base::Member& member : members)
                rebuild_node(view, key_of(path, member.key), out);
            return;
        }
    }
}

void rebuild_item(const View& view, const Path& path, const View::Item& item,
                  std::vector<Op>& out) {
    Op insert = make_op(OpKind::insert, path);
    insert.position = item.position;
    Kind kind = view.shown_kind(path);
    base::Object members = members_of(view, path);
    bool is_whole = kind == Kind::map && is_plain_map(view, path, members);
    if (is_whole) insert.value = base::Value(std::move(members));
    out.push_back(std::move(insert));
    if (!is_whole) rebuild_node(view, path, out);
}

/// What was at the path before, each op only where nothing has been written since.
void restore(const View& before, const Path& path, std::vector<Inverse>& out) {
    std::vector<Op> ops;
    rebuild(before, path, ops);
    for (Op& op : ops) {
        bool adds = op.kind == OpKind::add;
        out.push_back(
            {std::move(op), adds ? Inverse::Guard::always : Inverse::Guard::absent, {}, {}});
    }
}

/// A node that the op replaced, where it still shows what the op wrote.
void restore_replaced(const View& before, const Path& path, const base::Value& written,
                      std::vector<Inverse>& out) {
    std::vector<Op> ops;
    rebuild(before, path, ops);
    if (ops.empty()) ops.push_back(make_op(OpKind::remove_node, path));
    bool is_first = true;
    for (Op& op : ops) {
        // The first op replaces what was written; the others only add to it.
        auto guard = is_first ? Inverse::Guard::shows_value : Inverse::Guard::with_previous;
        out.push_back({std::move(op), guard, path, written});
        is_first = false;
    }
}

void invert_insert(const View& before, const Op& op, std::vector<Inverse>& out) {
    auto item = find_item(before, op.path);
    if (!item) {
        out.push_back({make_op(OpKind::remove_node, op.path), Inverse::Guard::always, {}, {}});
        return;
    }
    if (op.value.is_object()) {
        for (const base::Member& member : op.value.as_object())
            restore_replaced(before, key_of(op.path, member.key), member.value, out);
    }
    if (!item->has_position) return;
    Op move = make_op(OpKind::move, op.path);
    move.position = item->position;
    out.push_back({std::move(move), Inverse::Guard::always, {}, {}});
}

bool has_element(const View& view, const Path& path, const base::Value& element) {
    if (view.shown_kind(path) != Kind::set) return false;
    base::Value shown = leaf_value(view, path);
    if (!shown.is_array()) return false;
    const base::Array& elements = shown.as_array();
    return std::find(elements.begin(), elements.end(), element) != elements.end();
}

void invert_one(const View& before, const Op& op, std::vector<Inverse>& out) {
    switch (op.kind) {
        case OpKind::set:
            return restore_replaced(before, op.path, op.value, out);
        case OpKind::assign: {
            // Taken away whole, then what was there before is written again.
            if (before.shown_kind(op.path) == Kind::none) {
                out.push_back(
                    {make_op(OpKind::remove_node, op.path), Inverse::Guard::always, {}, {}});
                return;
            }
            std::vector<Op> ops;
            rebuild(before, op.path, ops);
            bool replaces = ops.size() == 1 && ops.front().kind != OpKind::add &&
                            ops.front().kind != OpKind::insert;
            if (!replaces && !is_item(op.path))
                out.push_back(
                    {make_op(OpKind::remove_node, op.path), Inverse::Guard::always, {}, {}});
            for (Op& again : ops)
                out.push_back({std::move(again), Inverse::Guard::always, {}, {}});
            return;
        }
        case OpKind::inc: {
            Kind kind = before.shown_kind(op.path);
            if (kind != Kind::none && kind != Kind::counter)
                return restore_replaced(before, op.path, op.value, out);
            out.push_back(
                {make_op(OpKind::inc, op.path, base::Value::integer(-op.value.as_integer())),
                 Inverse::Guard::always,
                 {},
                 {}});
            return;
        }
        case OpKind::counter_set: {
            // Going back by the difference keeps what others have added meanwhile.
            auto counter = before.counter(op.path);
            if (!counter.exists) return restore_replaced(before, op.path, op.value, out);
            int64_t difference = counter.value - op.value.as_integer();
            if (difference == 0) return;
            out.push_back({make_op(OpKind::inc, op.path, base::Value::integer(difference)),
                           Inverse::Guard::always,
                           {},
                           {}});
            return;
        }
        case OpKind::add:
            if (has_element(before, op.path, op.value)) return;
            out.push_back(
                {make_op(OpKind::remove, op.path, op.value), Inverse::Guard::always, {}, {}});
            return;
        case OpKind::remove:
            if (!has_element(before, op.path, op.value)) return;
            out.push_back(
                {make_op(OpKind::add, op.path, op.value), Inverse::Guard::always, {}, {}});
            return;
        case OpKind::remove_node:
            return restore(before, op.path, out);
        case OpKind::insert:
            return invert_insert(before, op, out);
        case OpKind::move: {
            auto item = find_item(before, op.path);
            if (!item || !item->has_position) return;
            Op move = make_op(OpKind::move, op.path);
            move.position = item->position;
            out.push_back({std::move(move), Inverse::Guard::always, {}, {}});
            return;
        }
    }
}

bool overlaps(const Path& a, const Path& b) { return record::covers(a, b) || record::covers(b, a); }

bool holds(const Inverse& inverse, const View& shown, bool previous_held) {
    switch (inverse.guard) {
        case Inverse::Guard::always:
            return true;
        case Inverse::Guard::shows_value:
            return shown.exists(inverse.guard_path) &&
                   leaf_value(shown, inverse.guard_path) == inverse.guard_value;
        case Inverse::Guard::absent:
            // A bare item exists without a kind.
            if (inverse.op.kind == OpKind::insert) return !shown.exists(inverse.op.path);
            return shown.shown_kind(inverse.op.path) == Kind::none;
        case Inverse::Guard::with_previous:
            return previous_held;
    }
    return false;
}

}  // namespace

void rebuild(const View& view, const Path& path, std::vector<Op>& out) {
    if (!is_item(path)) return rebuild_node(view, path, out);
    if (auto item = find_item(view, path)) rebuild_item(view, path, *item, out);
}

std::vector<Inverse> invert(const View& before, const std::vector<Op>& ops, record::Dot dot) {
    std::vector<std::vector<Inverse>> groups(ops.size());
    std::optional<View> scratch;
    for (size_t i = 0; i < ops.size(); ++i) {
        // A copy of the view is only needed when an op builds on an earlier one.
        if (!scratch && std::any_of(ops.begin(), ops.begin() + static_cast<ptrdiff_t>(i),
                                    [&](const Op& o) { return overlaps(o.path, ops[i].path); })) {
            scratch.emplace(before);
            for (size_t j = 0; j < i; ++j)
                scratch->apply_plain(ops[j], dot);
        }
        invert_one(scratch ? *scratch : before, ops[i], groups[i]);
        if (scratch) scratch->apply_plain(ops[i], dot);
    }
    std::vector<Inverse> out;
    for (auto group = groups.rbegin(); group != groups.rend(); ++group)
        for (Inverse& inverse : *group)
            out.push_back(std::move(inverse));
    return out;
}

void History::add(Step step, Origin origin, size_t steps_max) {
    if (steps_max == 0) return;
    auto& steps = origin == Origin::undo ? redo_ : undo_;
    if (origin == Origin::user) redo_.clear();
    if (step.inverses.empty()) return;
    steps.push_back(std::move(step));
    if (steps.size() > steps_max) steps.pop_front();
}

History::Taken History::take(std::deque<Step>& steps, const View& shown) {
    while (!steps.empty()) {
        Step step = std::move(steps.back());
        steps.pop_back();
        // Guards of one step are judged on the view that its earlier inverses have left.
        std::optional<View> scratch;
        std::vector<Op> ops;
        bool held = false;
        for (Inverse& inverse : step.inverses) {
            held = holds(inverse, scratch ? *scratch : shown, held);
            if (!held) continue;
            if (step.inverses.size() > 1) {
                if (!scratch) scratch.emplace(shown);
                if (inverse.op.kind == OpKind::counter_set) {
                    auto counter = scratch->counter(inverse.op.path);
                    inverse.op.generation = counter.generation;
                    inverse.op.seen = counter.value;
                }
                scratch->apply_plain(inverse.op, {0, 0});
            }
            ops.push_back(std::move(inverse.op));
        }
        if (!ops.empty()) return {std::move(ops), std::move(step.label)};
    }
    return {};
}

void History::forget(PushId push) {
    auto is_of_push = [push](const Step& step) { return step.push == push; };
    std::erase_if(undo_, is_of_push);
    std::erase_if(redo_, is_of_push);
}

}  // namespace tandem::client
