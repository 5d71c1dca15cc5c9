// What people write in JSON becomes exact ops here: objects become `assign`, a number written to a
// counter `counter_set`, a place in a list a position.

#include <algorithm>
#include <charconv>

#include "hub/channel.hpp"
#include "record/view.hpp"

namespace tandem::hub {

using base::ErrorCode;
using base::Value;
using record::Kind;
using record::Op;
using record::OpKind;

namespace {

base::Result<record::Cursor> cursor_from_json(const Value& json) {
    record::Cursor cursor;
    if (json.is_integer() && json.as_integer() >= 0) {
        cursor.seq = static_cast<uint64_t>(json.as_integer());
        return cursor;
    }
    const Value* epoch = json.find("epoch");
    const Value* seq = json.find("seq");
    if (epoch == nullptr || seq == nullptr || !epoch->is_string() || !seq->is_integer() ||
        seq->as_integer() < 0)
        return base::fail(ErrorCode::malformed);
    const std::string& digits = epoch->as_string();
    const auto [end, failure] =
        std::from_chars(digits.data(), digits.data() + digits.size(), cursor.epoch);
    if (failure != std::errc() || end != digits.data() + digits.size())
        return base::fail(ErrorCode::malformed);
    cursor.seq = static_cast<uint64_t>(seq->as_integer());
    return cursor;
}

char digit62(uint64_t n) {
    return "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[n % 62];
}

// Puts the item where `place` says among those of its list, and gives its position.
base::Result<std::string> place_item(std::vector<record::Document::ItemView>& items,
                                     const Value* place, const std::string& id,
                                     const std::string& tail) {
    std::erase_if(items, [&](const auto& item) { return item.id == id; });
    size_t index = items.size();
    if (place != nullptr && place->is_string()) {
        if (place->as_string() == "first")
            index = 0;
        else if (place->as_string() != "last")
            return base::fail(ErrorCode::malformed);
    } else if (place != nullptr) {
        const Value* before = place->find("before");
        const Value* after = place->find("after");
        const Value* anchor = before != nullptr ? before : after;
        if (anchor == nullptr || !anchor->is_string()) return base::fail(ErrorCode::malformed);
        const auto found = std::find_if(items.begin(), items.end(), [&](const auto& item) {
            return item.id == anchor->as_string();
        });
        if (found == items.end()) return base::fail(ErrorCode::not_found);
        index = static_cast<size_t>(found - items.begin()) + (before != nullptr ? 0 : 1);
    }
    const std::string low = index == 0 ? std::string() : items[index - 1].position;
    const std::string high = index == items.size() ? std::string() : items[index].position;
    std::string position = record::position_between(low, high, tail);
    items.insert(items.begin() + static_cast<std::ptrdiff_t>(index), {id, position, true});
    return position;
}

bool is_at_or_below(const std::string& path, const std::string& upper) {
    return upper.empty() || path == upper || path.starts_with(upper + '/');
}

}  // namespace

std::string position_tail(uint64_t seq, size_t index) {
    std::string tail;
    tail += digit62(index / 62);
    tail += digit62(index);
    for (uint64_t n = seq; n > 0; n /= 62)
        tail += digit62(n);
    tail += 'V';
    return tail.substr(tail.size() > 12 ? tail.size() - 12 : 0);
}

base::Result<void> Channel::convert_json(PendingPush& push, bool& needs_head) {
    record::Cursor base;
    base.seq = kBaseIsHead;
    if (!push.base_json.is_null()) {
        TANDEM_TRY(base, cursor_from_json(push.base_json));
    }
    push.ops.clear();
    push.target.ids.clear();
    Sight sight;
    if (!push.ops_json.is_array()) return base::fail(ErrorCode::malformed);
    const base::Array& ops = push.ops_json.as_array();
    if (ops.size() > base::kOpsPerPushMax)
        return base::fail(ErrorCode::too_large, base::kOpsPerPushMax);
    for (size_t i = 0; i < ops.size(); ++i) {
        const size_t before = push.ops.size();
        const auto converted = convert_json_op(ops[i], base, i, push, sight);
        needs_head |= sight.needs_head;
        if (!converted) return converted.error();
        for (size_t k = before; k < push.ops.size(); ++k)
            note_counters(push.ops[k], sight);
    }
    return {};
}

record::CounterView& Channel::counter_in(Sight& sight, const record::Path& path) const {
    const std::string text = record::to_text(path);
    const auto [at, is_new] = sight.counters.try_emplace(text);
    const bool is_removed =
        std::any_of(sight.removed.begin(), sight.removed.end(),
                    [&](const std::string& upper) { return is_at_or_below(text, upper); });
    if (is_new && !is_removed) at->second = document_.counter(path);
    return at->second;
}

// Whoever does not say which counter it saw has seen the one at the head, and what this push has
// made of it.
void Channel::see_counter(Op& op, Sight& sight) const {
    sight.needs_head = true;
    const record::CounterView& now = counter_in(sight, op.path);
    op.generation = now.exists ? now.generation : record::Dot{};
    op.seen = now.exists ? now.value : 0;
}

void Channel::note_counters(const Op& op, Sight& sight) const {
    const bool is_inc = op.kind == OpKind::inc;
    if (is_inc || op.kind == OpKind::counter_set) {
        // Only what a later op of this push may ask for; nothing is known of other bases.
        record::CounterView& now = counter_in(sight, op.path);
        const bool is_made = !now.exists || !is_inc;
        now.value =
            is_inc && now.exists ? now.value + op.value.as_integer() : op.value.as_integer();
        now.value = std::clamp(now.value, -base::kIntegerMax, base::kIntegerMax);
        if (is_made) now.generation = {0, kCounterOfThisPush};
        now.exists = true;
        return;
    }
    if (op.kind != OpKind::set && op.kind != OpKind::assign && op.kind != OpKind::remove_node)
        return;
    std::string text = record::to_text(op.path);
    for (auto& [path, counter] : sight.counters)
        if (is_at_or_below(path, text)) counter = {};
    sight.removed.push_back(std::move(text));
}

base::Result<void> Channel::convert_json_op(const Value& json, const record::Cursor& base,
                                            size_t index, PendingPush& push, Sight& sight) {
    // The root must be meant: without its path, a misspelt member would empty the record.
    if (json.find("path") == nullptr) return base::fail(ErrorCode::bad_path);
    TANDEM_TRY(Op op, record::op_from_json(json));
    op.base = base;
    sight.needs_head |= op.is_decision;
    if (const Value* own = json.find("base"); own != nullptr) {
        TANDEM_TRY(op.base, cursor_from_json(*own));
    }
    if (op.kind == OpKind::insert || op.kind == OpKind::move) {
        const std::string tail = position_tail(assigned_ + 1, index);
        if (op.kind == OpKind::insert && (op.path.empty() || !op.path.back().is_item())) {
            std::string id("i");
            id += tail;
            push.target.ids.push_back(id);
            op.path.push_back({record::Segment::Kind::item, std::move(id)});
        }
        if (op.path.empty() || !op.path.back().is_item()) return base::fail(ErrorCode::bad_path);
        if (op.position.empty()) {
            sight.needs_head = true;
            record::Path list = op.path;
            list.pop_back();
            // The ops of one push see each other: "first" twice puts the second before the first.
            auto [items, is_new] = sight.lists.try_emplace(record::to_text(list));
            if (is_new) items->second = document_.items(list);
            TANDEM_TRY(op.position,
                       place_item(items->second, json.find("at"), op.path.back().name, tail));
        }
    }
    if (op.kind == OpKind::counter_set && json.find("generation") == nullptr) {
        see_counter(op, sight);
    }
    if (op.kind != OpKind::set) {
        push.ops.push_back(std::move(op));
        return {};
    }
    const FieldRule* rule = namespace_.rule_for(op.path);
    const bool is_untyped = rule == nullptr;
    if (rule != nullptr && rule->kind == Kind::counter && op.value.is_integer()) {
        op.kind = OpKind::counter_set;
        see_counter(op, sight);
    } else if (rule != nullptr && rule->kind == Kind::set && op.value.is_array()) {
        // A whole set: what is not in it goes, what is in it is added.
        Op each = op;
        each.kind = OpKind::remove_node;
        each.value = Value();
        push.ops.push_back(each);
        for (const Value& element : op.value.as_array()) {
            each.kind = OpKind::add;
            each.value = element;
            push.ops.push_back(each);
        }
        return {};
    } else if (op.value.is_object() && (is_untyped || rule->type != ValueType::json)) {
        op.kind = OpKind::assign;
    }
    push.ops.push_back(std::move(op));
    return {};
}

}  // namespace tandem::hub
