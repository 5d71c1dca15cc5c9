#include "hub/schema.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "base/value.hpp"

namespace tandem::hub {

using base::ErrorCode;
using record::Kind;
using record::Op;
using record::OpKind;
using record::Path;
using record::Segment;

namespace {

bool matches(const FieldRule& rule, const Path& path) {
    if (rule.pattern.size() != path.size()) return false;
    for (size_t i = 0; i < path.size(); ++i) {
        if (rule.pattern[i] == "*") continue;
        if (path[i].is_item() || rule.pattern[i] != path[i].name) return false;
    }
    return true;
}

// Compares from the first segment on: a literal is more exact than a wildcard.
bool is_more_exact(const FieldRule& a, const FieldRule& b) {
    for (size_t i = 0; i < a.pattern.size(); ++i) {
        const bool a_wild = a.pattern[i] == "*";
        const bool b_wild = b.pattern[i] == "*";
        if (a_wild != b_wild) return b_wild;
    }
    return false;
}

bool has_type(ValueType type, const base::Value& value) {
    switch (type) {
        case ValueType::any:
        case ValueType::json:
            return true;
        case ValueType::string:
            return value.is_string();
        case ValueType::number:
            return value.is_number();
        case ValueType::boolean:
            return value.is_bool();
    }
    return false;
}

constexpr record::Resolver kResolvers[] = {record::Resolver::lww,       record::Resolver::max,
                                           record::Resolver::min,       record::Resolver::mean,
                                           record::Resolver::set_union, record::Resolver::text3,
                                           record::Resolver::manual,    record::Resolver::agent};

// Counters, sets, lists and maps merge by themselves; a resolver is for what is one value.
bool fits(record::Resolver resolver, const FieldRule& rule) {
    switch (resolver) {
        case record::Resolver::keep:
        case record::Resolver::lww:
            return true;
        case record::Resolver::max:
        case record::Resolver::min:
        case record::Resolver::manual:
        case record::Resolver::agent:
            return rule.kind == Kind::reg;
        case record::Resolver::mean:
            return rule.kind == Kind::reg && rule.type == ValueType::number;
        case record::Resolver::set_union:
            return rule.kind == Kind::reg && rule.type == ValueType::json;
        case record::Resolver::text3:
            return rule.kind == Kind::reg && rule.type == ValueType::string;
    }
    return false;
}

// Which kind's slot of the node at its path an op writes; none for those that only remove.
Kind slot_written(OpKind kind) {
    switch (kind) {
        case OpKind::set:
            return Kind::reg;
        case OpKind::assign:
            return Kind::map;
        case OpKind::inc:
        case OpKind::counter_set:
            return Kind::counter;
        case OpKind::add:
        case OpKind::remove:
            return Kind::set;
        case OpKind::insert:
        case OpKind::move:
            return Kind::list;
        case OpKind::remove_node:
            return Kind::none;
    }
    return Kind::none;
}

bool writes_slot(OpKind kind) {
    return kind != OpKind::remove && kind != OpKind::move && kind != OpKind::remove_node;
}

// Leaves of an object literal become registers; the schema must allow that at each.
base::Result<void> check_members(const Namespace& ns, Path& path, const base::Value& object) {
    for (const base::Member& member : object.as_object()) {
        if (!base::is_key(member.key)) return base::fail(ErrorCode::bad_path);
        if (!path.empty() && path.back().is_item() && member.key == "id")
            return base::fail(ErrorCode::bad_path);
        path.push_back({Segment::Kind::key, member.key});
        if (path.size() > base::kPathKeysMax) return base::fail(ErrorCode::too_deep);
        const FieldRule* rule = ns.rule_for(path);
        base::Result<void> checked;
        if (member.value.is_object()) {
            if (rule != nullptr && rule->kind != Kind::map)
                checked = base::fail(ErrorCode::wrong_type);
            else
                checked = check_members(ns, path, member.value);
        } else if (rule != nullptr) {
            if (rule->kind != Kind::reg || !has_type(rule->type, member.value))
                checked = base::fail(ErrorCode::wrong_type);
        } else if (ns.is_strict) {
            checked = base::fail(ErrorCode::bad_path);
        }
        path.pop_back();
        if (!checked) return checked;
    }
    return {};
}

// Positions of one alphabet, so that there is always one between two (record/view.hpp).
bool is_position(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    });
}

bool is_rule_below(const Namespace& ns, const Path& path) {
    for (const FieldRule& rule : ns.fields) {
        if (rule.pattern.size() <= path.size()) continue;
        bool same = true;
        for (size_t i = 0; i < path.size() && same; ++i)
            same = rule.pattern[i] == "*" || rule.pattern[i] == path[i].name;
        if (same) return true;
    }
    return false;
}

}  // namespace

const FieldRule* Namespace::rule_for(const Path& path) const {
    const FieldRule* best = nullptr;
    for (const FieldRule& rule : fields)
        if (matches(rule, path) && (best == nullptr || is_more_exact(rule, *best))) best = &rule;
    return best;
}

base::Result<FieldRule> make_rule(std::string_view pattern, std::string_view type,
                                  std::string_view resolver) {
    FieldRule rule;
    size_t begin = 0;
    while (begin <= pattern.size()) {
        const size_t end = std::min(pattern.find('/', begin), pattern.size());
        std::string segment(pattern.substr(begin, end - begin));
        if (segment != "*" && !base::is_key(segment)) return base::fail(ErrorCode::bad_path);
        rule.pattern.push_back(std::move(segment));
        begin = end + 1;
    }
    rule.kind = Kind::reg;
    if (type == "string")
        rule.type = ValueType::string;
    else if (type == "number")
        rule.type = ValueType::number;
    else if (type == "boolean")
        rule.type = ValueType::boolean;
    else if (type == "json")
        rule.type = ValueType::json;
    else if (type == "counter")
        rule.kind = Kind::counter;
    else if (type == "set")
        rule.kind = Kind::set;
    else if (type == "list")
        rule.kind = Kind::list;
    else if (type == "map")
        rule.kind = Kind::map;
    else
        return base::fail(ErrorCode::wrong_type);
    rule.resolver = record::Resolver::keep;
    for (const record::Resolver known : kResolvers)
        if (resolver == record::name_of(known)) rule.resolver = known;
    if (resolver.empty()) rule.resolver = record::Resolver::lww;
    if (rule.resolver == record::Resolver::keep) return base::fail(ErrorCode::unknown_operation);
    if (!fits(rule.resolver, rule)) return base::fail(ErrorCode::invalid_argument);
    return rule;
}

base::Result<void> check_op(const Namespace& ns, Op& op) {
    op.resolver = record::Resolver::keep;
    op.is_declared = false;
    const bool names_item = op.kind == OpKind::insert || op.kind == OpKind::move;
    if (names_item && !is_position(op.position)) return base::fail(ErrorCode::invalid_argument);
    // A record is a map of fields: as a whole it can be replaced or emptied, but be nothing else.
    if (op.path.empty() && op.kind != OpKind::assign && op.kind != OpKind::remove_node)
        return base::fail(ErrorCode::wrong_type);
    if (names_item && (op.path.empty() || !op.path.back().is_item()))
        return base::fail(ErrorCode::bad_path);
    if (!op.path.empty() && !op.path.back().is_item() && op.path.back().name == "id" &&
        op.path.size() >= 2 && op.path[op.path.size() - 2].is_item())
        return base::fail(ErrorCode::bad_path);
    Path target = op.path;
    if (names_item) target.pop_back();
    // Above a path there may only be containers.
    for (size_t n = 1; n < op.path.size(); ++n) {
        const Path prefix(op.path.begin(), op.path.begin() + static_cast<std::ptrdiff_t>(n));
        const FieldRule* above = ns.rule_for(prefix);
        if (above == nullptr) continue;
        const Kind needed = op.path[n].is_item() ? Kind::list : Kind::map;
        if (above->kind != needed) return base::fail(ErrorCode::wrong_type);
    }
    const FieldRule* rule = ns.rule_for(target);
    const Kind slot = slot_written(op.kind);
    if (rule == nullptr) {
        if (ns.is_strict && slot != Kind::none && !is_rule_below(ns, target))
            return base::fail(ErrorCode::bad_path);
    } else if (slot != Kind::none) {
        const bool item_body = op.path.size() > 0 && op.path.back().is_item() && !names_item;
        if (slot != rule->kind && !item_body) return base::fail(ErrorCode::wrong_type);
        if (op.kind == OpKind::set && !has_type(rule->type, op.value))
            return base::fail(ErrorCode::wrong_type);
        if (writes_slot(op.kind)) {
            op.is_declared = true;
            op.resolver = rule->resolver;
        }
    }
    if (op.is_decision && op.resolver != record::Resolver::manual &&
        op.resolver != record::Resolver::agent)
        return base::fail(ErrorCode::invalid_argument);
    switch (op.kind) {
        case OpKind::inc:
        case OpKind::counter_set:
            if (!op.value.is_integer()) return base::fail(ErrorCode::out_of_range);
            break;
        case OpKind::add:
        case OpKind::remove:
            if (!op.value.is_scalar()) return base::fail(ErrorCode::wrong_type);
            break;
        case OpKind::assign: {
            if (!op.value.is_object()) return base::fail(ErrorCode::wrong_type);
            Path path = op.path;
            TANDEM_CHECK(check_members(ns, path, op.value));
            break;
        }
        case OpKind::insert:
            if (op.value.is_object()) {
                Path path = op.path;
                TANDEM_CHECK(check_members(ns, path, op.value));
            } else if (!op.value.is_null()) {
                return base::fail(ErrorCode::wrong_type);
            }
            break;
        case OpKind::set:
        case OpKind::remove_node:
        case OpKind::move:
            break;
    }
    return {};
}

namespace {

// The object without the members that a resolver of their own waits for; those become ops.
base::Object take_out(const Namespace& ns, const Op& from, Path& path, const base::Object& object,
                      std::vector<Op>& sets) {
    base::Object rest;
    for (const base::Member& member : object) {
        path.push_back({Segment::Kind::key, member.key});
        const FieldRule* rule = ns.rule_for(path);
        if (member.value.is_object() && !member.value.as_object().empty()) {
            base::Object below = take_out(ns, from, path, member.value.as_object(), sets);
            // A map of which nothing is left is made by the ops inside it.
            if (!below.empty()) rest.push_back({member.key, base::Value(std::move(below))});
        } else if (rule != nullptr && rule->kind == Kind::reg &&
                   rule->resolver != record::Resolver::lww) {
            Op set;
            set.path = path;
            set.value = member.value;
            set.base = from.base;
            set.seen_seq = from.seen_seq;
            set.resolver = rule->resolver;
            set.is_declared = true;
            sets.push_back(std::move(set));
        } else {
            rest.push_back(member);
        }
        path.pop_back();
    }
    return rest;
}

}  // namespace

void carry_resolvers(const Namespace& ns, std::vector<Op>& ops) {
    const auto has_members = [](const Op& op) {
        return (op.kind == OpKind::assign || op.kind == OpKind::insert) && op.value.is_object();
    };
    if (std::none_of(ops.begin(), ops.end(), has_members)) return;
    const auto is_resolved = [](const FieldRule& rule) {
        return rule.kind == Kind::reg && rule.resolver != record::Resolver::lww;
    };
    if (std::none_of(ns.fields.begin(), ns.fields.end(), is_resolved)) return;
    std::vector<Op> out;
    for (const Op& op : ops) {
        out.push_back(op);
        if (!has_members(op)) continue;
        std::vector<Op> sets;
        Path path = op.path;
        base::Object rest = take_out(ns, op, path, op.value.as_object(), sets);
        if (sets.empty()) continue;
        Op& kept = out.back();
        if (!rest.empty()) {
            kept.value = base::Value(std::move(rest));
        } else if (op.kind == OpKind::insert) {
            kept.value = base::Value();
        } else if (op.path.empty() || !op.path.back().is_item()) {
            // An empty object would leave a mark of its own; what it replaces goes all the same.
            kept.kind = OpKind::remove_node;
            kept.value = base::Value();
            kept.is_declared = false;
            kept.resolver = record::Resolver::keep;
        } else {
            kept.value = base::Value(base::Object{});
        }
        out.insert(out.end(), sets.begin(), sets.end());
    }
    if (out.size() <= base::kOpsPerPushMax) ops = std::move(out);
}

}  // namespace tandem::hub
