#include "sim/part.hpp"

#include <algorithm>
#include <utility>

namespace tandem::sim {

namespace {

using record::Kind;
using record::Path;
using record::Segment;

Path below(const Path& path, Segment::Kind kind, std::string name) {
    Path out = path;
    out.push_back({kind, std::move(name)});
    return out;
}

bool is_item(const Path& path) { return !path.empty() && path.back().is_item(); }

}  // namespace

bool Part::is_covered(const Path& path) const {
    if (selection_.is_whole()) return true;
    for (const record::SelectedPart& part : parts_) {
        if (!record::covers(part.path, path)) continue;
        if (!part.has_window) return true;
        if (path.size() == part.path.size() || !path[part.path.size()].is_item()) continue;
        const auto items = document_.items(part.path);
        for (uint64_t i = part.window.from; i < part.window.to && i < items.size(); ++i)
            if (items[i].id == path[part.path.size()].name) return true;
    }
    return false;
}

bool Part::is_on_way(const Path& path) const {
    return std::any_of(parts_.begin(), parts_.end(), [&](const record::SelectedPart& part) {
        return record::covers(path, part.path);
    });
}

// False when there is nothing to show.
bool Part::show(const Path& path, base::Value& out) const {
    if (is_covered(path)) {
        out = document_.shown(path);
        return document_.exists(path);
    }
    if (!is_on_way(path) || !document_.exists(path)) return false;
    base::Value inside;
    bool has_inside = false;
    const Kind kind = document_.shown_kind(path);
    if (kind == Kind::map) {
        inside = base::Value(base::Object());
        const base::Value whole = document_.shown(path);
        for (const base::Member& member : whole.as_object()) {
            if (is_item(path) && member.key == "id") continue;
            base::Value child;
            if (!show(below(path, Segment::Kind::key, member.key), child)) continue;
            inside.put(member.key, std::move(child));
            has_inside = true;
        }
    } else if (kind == Kind::list) {
        base::Array items;
        for (const auto& item : document_.items(path)) {
            base::Value child;
            if (show(below(path, Segment::Kind::item, item.id), child))
                items.push_back(std::move(child));
        }
        has_inside = !items.empty();
        inside = base::Value(std::move(items));
    }
    if (!is_item(path)) {
        out = std::move(inside);
        return has_inside;
    }
    // An item on the way is there even when nothing of it is.
    out = base::Value(base::Object());
    if (kind == Kind::map)
        out = std::move(inside);
    else if (has_inside)
        out.put("value", std::move(inside));
    out.put("id", base::Value(path.back().name));
    return true;
}

base::Value Part::shown() const {
    base::Value out;
    if (!show({}, out)) out = base::Value(base::Object());
    return out;
}

std::vector<record::Row> Part::conflicts() const {
    std::vector<record::Row> rows = document_.journal(record::Document::Rows::open);
    std::erase_if(rows, [&](const record::Row& row) { return !is_covered(row.path); });
    return rows;
}

std::vector<Path> Part::windowed() const {
    std::vector<Path> lists;
    for (const record::SelectedPart& part : parts_)
        if (part.has_window && !is_covered(part.path)) lists.push_back(part.path);
    return lists;
}

std::string Part::difference(const record::View& view) const {
    const std::string wanted = base::to_json(shown());
    const std::string found = base::to_json(view.shown({}));
    if (found != wanted) return "shows " + found + ", not " + wanted;
    const std::vector<record::Row> rows = conflicts();
    for (const record::Row& row : view.conflicts()) {
        const bool is_known = std::any_of(rows.begin(), rows.end(), [&](const record::Row& other) {
            return other.path == row.path && other.reason == row.reason && other.dot == row.dot &&
                   other.value == row.value;
        });
        if (!is_known) return "has a conflict too much at " + record::to_text(row.path);
    }
    if (rows.size() != view.conflicts().size())
        return "has " + std::to_string(view.conflicts().size()) + " conflicts, not " +
               std::to_string(rows.size());
    for (const Path& list : windowed()) {
        const uint64_t count = document_.items(list).size();
        if (view.window(list) != count)
            return "counts " + std::to_string(view.window(list)) + " items in " +
                   record::to_text(list) + ", not " + std::to_string(count);
    }
    return {};
}

record::Selection any_selection(Dice& dice, const std::string& channel, size_t device) {
    static const std::vector<std::string> open = {
        "a",      "b",      "c/x", "d/y",   "a[0:2]",   "a[1:4]",   "b[0:3]",
        "c[2:5]", "d[0:1]", "a/x", "b/y/z", "a/x[0:2]", "b/x[1:3]", "own"};
    static const std::vector<std::string> board = {
        "title",      "price",      "count",      "tags",       "meta",  "note",
        "labels",     "cards[0:2]", "cards[1:4]", "cards[3:8]", "cards", "plan",
        "cards[0:5]", "own",        "mark",       "level",      "low"};
    if (one_in(dice, 12)) return {};
    std::vector<record::SelectedPart> parts;
    const auto add = [&](const std::string& text) {
        auto part = record::parse_selected(text);
        TANDEM_ASSERT(part.ok());
        parts.push_back(std::move(*part));
    };
    if (!one_in(dice, 4)) add("own/d" + std::to_string(device));
    for (uint64_t count = between(dice, 1, 3); count > 0; --count)
        add(any_of(dice, channel.starts_with("open") ? open : board));
    auto selection = record::Selection::make(parts);
    TANDEM_ASSERT(selection.ok());
    return std::move(*selection);
}

}  // namespace tandem::sim
