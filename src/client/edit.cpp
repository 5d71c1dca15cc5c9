#include "client/edit.hpp"

#include <algorithm>

namespace tandem::client {

using record::Op;
using record::OpKind;
using record::Path;

Edit& Edit::append(OpKind kind, Path path, base::Value value) {
    Op op;
    op.kind = kind;
    op.path = std::move(path);
    op.value = std::move(value);
    ops_.push_back(std::move(op));
    return *this;
}

const record::View& Edit::view_at(const Path& path) {
    bool matters = std::any_of(ops_.begin(), ops_.end(), [&](const Op& op) {
        return record::covers(op.path, path) || record::covers(path, op.path);
    });
    if (!matters) return *shown_;
    if (!scratch_) scratch_.emplace(*shown_);
    for (; scratch_ops_ < ops_.size(); ++scratch_ops_)
        scratch_->apply_plain(ops_[scratch_ops_], dot_);
    return *scratch_;
}

Edit& Edit::set(Path path, base::Value value) {
    return append(OpKind::set, std::move(path), std::move(value));
}
Edit& Edit::remove_node(Path path) { return append(OpKind::remove_node, std::move(path), {}); }
Edit& Edit::assign(Path path, base::Value object) {
    return append(OpKind::assign, std::move(path), std::move(object));
}
Edit& Edit::inc(Path path, int64_t n) {
    return append(OpKind::inc, std::move(path), base::Value::integer(n));
}
Edit& Edit::counter_set(Path path, int64_t value) {
    auto counter = view_at(path).counter(path);
    append(OpKind::counter_set, std::move(path), base::Value::integer(value));
    if (counter.exists) {
        ops_.back().generation = counter.generation;
        ops_.back().seen = counter.value;
    }
    return *this;
}
Edit& Edit::add(Path path, base::Value element) {
    return append(OpKind::add, std::move(path), std::move(element));
}
Edit& Edit::remove(Path path, base::Value element) {
    return append(OpKind::remove, std::move(path), std::move(element));
}

std::string Edit::insert(const Path& list, const Place& place, base::Value object) {
    std::string id = make_item_id((*entropy_)());
    std::string position = position_for(list, place, {});
    Path path = list;
    path.push_back({record::Segment::Kind::item, id});
    append(OpKind::insert, std::move(path), std::move(object));
    ops_.back().position = std::move(position);
    return id;
}

Edit& Edit::move(const Path& item, const Place& place) {
    if (item.empty()) return *this;
    Path list(item.begin(), item.end() - 1);
    std::string position = position_for(list, place, item.back().name);
    append(OpKind::move, item, {});
    ops_.back().position = std::move(position);
    return *this;
}

Edit& Edit::move_to(Path item, std::string position) {
    append(OpKind::move, std::move(item), {});
    ops_.back().position = std::move(position);
    return *this;
}

Edit& Edit::append(const std::vector<Op>& ops) {
    ops_.insert(ops_.end(), ops.begin(), ops.end());
    return *this;
}

std::string Edit::position_for(const Path& list, const Place& place, const std::string& moved) {
    auto items = view_at(list).items(list);
    // Items without a position come last; nothing can be put among them.
    std::erase_if(items, [&](const auto& item) { return !item.has_position || item.id == moved; });
    size_t at = items.size();
    switch (place.kind) {
        case Place::Kind::first:
            at = 0;
            break;
        case Place::Kind::last:
            break;
        case Place::Kind::before:
        case Place::Kind::after:
            for (size_t i = 0; i < items.size(); ++i) {
                if (items[i].id != place.id) continue;
                at = place.kind == Place::Kind::before ? i : i + 1;
                break;
            }
            break;
    }
    std::string low = at > 0 ? items[at - 1].position : std::string();
    // Two clients may have chosen one key; there is no room between equal ones.
    while (at < items.size() && items[at].position <= low)
        ++at;
    std::string high = at < items.size() ? items[at].position : std::string();
    return record::position_between(low, high, make_position_tail((*entropy_)()));
}

}  // namespace tandem::client
