#include "server/import_ops.hpp"

#include <algorithm>

#include "server/remote.hpp"

namespace tandem::server {

using base::Value;

namespace {

bool is_path_below(const std::string& path, const std::string& upper) {
    return path.size() > upper.size() && path.starts_with(upper) &&
           (upper.empty() || path[upper.size()] == '/');
}

// JSON has no line ends of its own, so they can part what belongs to it.
std::string key_of(const Value& op) {
    std::string key;
    for (const char* name : {"path", "value", "position"}) {
        key += '\n';
        if (const Value* part = op.find(name); part != nullptr) key += base::to_json(*part);
    }
    return key;
}

Value make_op(const char* name, const std::string& path) {
    Value op(base::Object{});
    op.put("op", Value(name));
    op.put("path", Value(path));
    return op;
}

Value copy_of(const Value& change, const char* name, std::string_view member) {
    Value op = make_op(name, text_of(change, "path"));
    if (const Value* value = change.find(member); value != nullptr) op.put(member, *value);
    return op;
}

// The op that makes an absolute change; null for what is no field.
Value op_of(const Value& change, bool has_content) {
    const std::string kind = text_of(change, "change");
    if (kind == "value") return copy_of(change, "set", "value");
    if (kind == "counter") return copy_of(change, "counter_set", "value");
    if (kind == "element") return copy_of(change, "add", "value");
    const bool is_item = kind == "item";
    if (is_item && change.find("position") != nullptr) return copy_of(change, "insert", "position");
    // An item without a place of its own comes to be with what is in it.
    if (kind == "empty" || (is_item && !has_content)) {
        Value op = make_op("assign", text_of(change, "path"));
        op.put("value", Value(base::Object{}));
        return op;
    }
    return {};
}

// The paths at which something is, and those above them.
std::set<std::string> paths_with_content(const base::Array& changes) {
    std::set<std::string> out;
    for (const Value& change : changes) {
        const std::string kind = text_of(change, "change");
        if (kind == "conflict" || kind == "window") continue;
        std::string path = text_of(change, "path");
        while (true) {
            const size_t slash = path.rfind('/');
            if (slash == std::string::npos) break;
            path.resize(slash);
            if (!out.insert(path).second) break;
        }
    }
    return out;
}

bool is_field(const Value& change) {
    const std::string kind = text_of(change, "change");
    return kind == "value" || kind == "counter" || kind == "element" || kind == "empty" ||
           kind == "item";
}

// What a change shows, without where it comes from.
std::string shown_key(const Value& change) { return text_of(change, "change") + key_of(change); }

}  // namespace

ImportPlan ImportPlan::of(const base::Array& changes) {
    ImportPlan plan;
    // Neither has seen the other, so the values that are not shown are in the journal again.
    std::set<std::string> shown;
    for (const Value& change : changes)
        if (text_of(change, "change") == "value") shown.insert(text_of(change, "path"));
    for (const Value& change : changes) {
        if (text_of(change, "change") != "conflict") continue;
        if (text_of(change, "reason") != "value" || !shown.contains(text_of(change, "path"))) {
            ++plan.left_out;
            continue;
        }
        plan.steps.push_back({copy_of(change, "set", "value"), true});
    }
    const std::set<std::string> filled = paths_with_content(changes);
    for (const Value& change : changes) {
        Value op = op_of(change, filled.contains(text_of(change, "path")));
        if (!op.is_null()) plan.steps.push_back({std::move(op), false});
    }
    for (const ImportStep& step : plan.steps)
        plan.keys_.insert(key_of(step.op));
    return plan;
}

bool ImportPlan::has(const Value& logged_op) const {
    const std::string kind = text_of(logged_op, "op");
    const bool is_write = kind == "set" || kind == "assign" || kind == "counter_set" ||
                          kind == "add" || kind == "insert";
    return is_write && keys_.contains(key_of(logged_op));
}

void ImportPlan::drop_written(const std::vector<Value>& logged_ops) {
    std::set<std::string> written;
    for (const Value& op : logged_ops)
        written.insert(key_of(op));
    std::erase_if(steps, [&](const ImportStep& step) { return written.contains(key_of(step.op)); });
}

bool shows_same(const base::Array& a, const base::Array& b) {
    const auto shown = [](const base::Array& changes) {
        std::set<std::string> keys;
        for (const Value& change : changes)
            if (is_field(change)) keys.insert(shown_key(change));
        return keys;
    };
    return shown(a) == shown(b);
}

std::vector<Value> overwrite_ops(const base::Array& now, const base::Array& wanted) {
    std::map<std::string, std::set<std::string>> kinds_wanted;
    std::set<std::string> keys_wanted;
    for (const Value& change : wanted) {
        if (!is_field(change)) continue;
        kinds_wanted[text_of(change, "path")].insert(text_of(change, "change"));
        keys_wanted.insert(shown_key(change));
    }
    const std::set<std::string> filled = paths_with_content(wanted);
    std::vector<const Value*> present;
    for (const Value& change : now)
        if (is_field(change)) present.push_back(&change);
    // What is above goes first, and takes along what is below.
    std::stable_sort(present.begin(), present.end(), [](const Value* a, const Value* b) {
        return text_of(*a, "path").size() < text_of(*b, "path").size();
    });
    std::vector<Value> ops;
    std::vector<std::string> gone;
    std::set<std::string> stays;
    std::set<std::string> items;
    for (const Value* change : present) {
        const std::string path = text_of(*change, "path");
        const std::string kind = text_of(*change, "change");
        if (std::any_of(gone.begin(), gone.end(), [&](const std::string& upper) {
                return path == upper || is_path_below(path, upper);
            }))
            continue;
        if (keys_wanted.contains(shown_key(*change))) {
            stays.insert(shown_key(*change));
            if (kind == "item") items.insert(path);
            continue;
        }
        const auto at = kinds_wanted.find(path);
        const bool is_same_kind = at != kinds_wanted.end() && at->second.contains(kind);
        if (kind == "element" && is_same_kind) {
            ops.push_back(copy_of(*change, "remove", "value"));
            continue;
        }
        // An item that is elsewhere is moved, a value is written over.
        if (kind == "item" && is_same_kind) items.insert(path);
        if (is_same_kind) continue;
        if (kind == "empty" && filled.contains(path)) continue;
        ops.push_back(make_op("delete", path));
        gone.push_back(path);
    }
    for (const Value& change : wanted) {
        if (!is_field(change) || stays.contains(shown_key(change))) continue;
        const std::string path = text_of(change, "path");
        Value op = op_of(change, filled.contains(path));
        if (op.is_null()) continue;
        if (text_of(op, "op") == "insert" && items.contains(path)) op.put("op", Value("move"));
        ops.push_back(std::move(op));
    }
    return ops;
}

}  // namespace tandem::server
