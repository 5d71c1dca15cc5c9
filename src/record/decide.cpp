#include "record/decide.hpp"

#include <algorithm>
#include <utility>

#include "record/shown_content.hpp"

namespace tandem::record {

namespace {

Op op_at(OpKind kind, const Path& path, base::Value value = {}) {
    Op op;
    op.kind = kind;
    op.path = path;
    op.value = std::move(value);
    return op;
}

Op count(const Document& document, const Path& path, base::Value value) {
    Op op = op_at(OpKind::counter_set, path, std::move(value));
    if (const CounterView now = document.counter(path); now.exists) {
        op.generation = now.generation;
        op.seen = now.value;
    }
    return op;
}

Op place(OpKind kind, const Path& item, std::string position) {
    Op op = op_at(kind, item);
    op.position = std::move(position);
    return op;
}

// Writes what is shown at the path once more: a write clears what it has seen beside it.
Op write_again(const Document& document, const Path& path) {
    switch (document.shown_kind(path)) {
        case Kind::reg:
            return op_at(OpKind::set, path, content_of(document, path));
        case Kind::counter:
            return count(document, path,
                         base::Value(static_cast<double>(document.counter(path).value)));
        case Kind::set:
            return op_at(OpKind::add, path, content_of(document, path).as_array().front());
        case Kind::list: {
            const Document::ItemView first = document.items(path).front();
            Path item = path;
            item.push_back({Segment::Kind::item, first.id});
            if (first.has_position) return place(OpKind::insert, item, first.position);
            return write_again(document, item);
        }
        case Kind::map: {
            const base::Value shown = content_of(document, path);
            const bool is_item = !path.empty() && path.back().is_item();
            for (const base::Member& member : shown.as_object()) {
                if (is_item && member.key == "id") continue;
                Path child = path;
                child.push_back({Segment::Kind::key, member.key});
                return write_again(document, child);
            }
            return op_at(OpKind::assign, path, base::Value(base::Object{}));
        }
        case Kind::none:
            break;
    }
    const bool is_item = !path.empty() && path.back().is_item();
    if (is_item && document.exists(path))
        return op_at(OpKind::assign, path, base::Value(base::Object{}));
    return op_at(OpKind::remove_node, path);
}

// Rows of positions have the path of an item; a folded one may be of its register as well.
bool is_of_position(const Document& document, const Row& row) {
    if (row.path.empty() || !row.path.back().is_item() || !row.value.is_string()) return false;
    if (row.reason == Reason::position) return true;
    return row.reason == Reason::folded && document.shown_kind(row.path) != Kind::reg;
}

std::string position_of(const Document& document, const Path& item) {
    Path list = item;
    list.pop_back();
    for (const Document::ItemView& view : document.items(list))
        if (view.id == item.back().name) return view.position;
    return {};
}

base::Result<std::vector<Op>> restore_kind(const Document& document, const Row& row) {
    switch (static_cast<Kind>(row.dot.counter)) {
        case Kind::reg:
            return std::vector<Op>{op_at(OpKind::set, row.path, row.value)};
        case Kind::map:
            if (!row.value.is_object()) break;
            return std::vector<Op>{op_at(OpKind::assign, row.path, row.value)};
        case Kind::counter:
            if (!row.value.is_integer()) break;
            return std::vector<Op>{count(document, row.path, row.value)};
        case Kind::set: {
            if (!row.value.is_array()) break;
            std::vector<Op> ops;
            for (const base::Value& element : row.value.as_array())
                ops.push_back(op_at(OpKind::add, row.path, element));
            return ops;
        }
        case Kind::list:
        case Kind::none:
            break;
    }
    return base::fail(base::ErrorCode::wrong_type);
}

}  // namespace

base::Result<std::vector<Op>> decide_ops(const Document& document, const Row& row,
                                         Decision decision) {
    if (is_of_position(document, row)) {
        std::string position =
            decision == Decision::restore ? row.value.as_string() : position_of(document, row.path);
        if (position.empty()) return base::fail(base::ErrorCode::not_found);
        return std::vector<Op>{place(OpKind::move, row.path, std::move(position))};
    }
    if (decision == Decision::keep) {
        // What is not shown cannot be shown once more.
        if (!document.exists(row.path)) return base::fail(base::ErrorCode::not_found);
        // Such a row is closed by a write at its very path alone.
        const Kind kind = document.shown_kind(row.path);
        const bool is_event = row.reason == Reason::generation || row.reason == Reason::folded;
        if (is_event && kind != Kind::counter && kind != Kind::reg)
            return base::fail(base::ErrorCode::wrong_type);
        return std::vector<Op>{write_again(document, row.path)};
    }
    if (row.reason == Reason::type) return restore_kind(document, row);
    if (row.reason == Reason::generation && row.value.is_integer())
        return std::vector<Op>{count(document, row.path, row.value)};
    return std::vector<Op>{op_at(OpKind::set, row.path, row.value)};
}

}  // namespace tandem::record
