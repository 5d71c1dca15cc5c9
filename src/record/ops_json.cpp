#include <charconv>

#include "record/json_fields.hpp"
#include "record/op.hpp"

namespace tandem::record {

namespace {

using base::ErrorCode;
using base::Value;

base::Result<OpKind> kind_from_name(std::string_view name) {
    for (auto number = static_cast<uint8_t>(OpKind::set);
         number <= static_cast<uint8_t>(OpKind::move); ++number) {
        auto kind = static_cast<OpKind>(number);
        if (name_of(kind) == name) return kind;
    }
    return ErrorCode::unknown_operation;
}

base::Result<Cursor> cursor_from_json(const Value& json) {
    Cursor cursor;
    if (json.is_number()) {
        TANDEM_TRY(cursor.seq, json_unsigned(json));
        return cursor;
    }
    if (!json.is_object()) return ErrorCode::wrong_type;
    if (const Value* seq = json.find("seq")) {
        TANDEM_TRY(cursor.seq, json_unsigned(*seq));
    }
    if (const Value* epoch = json.find("epoch")) {
        // Decimal text, because an epoch has 64 bits.
        if (!epoch->is_string()) return ErrorCode::wrong_type;
        const std::string& text = epoch->as_string();
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cursor.epoch);
        if (error != std::errc() || end != text.data() + text.size()) {
            return ErrorCode::wrong_type;
        }
    }
    return cursor;
}

}  // namespace

base::Result<uint64_t> json_unsigned(const Value& json) {
    if (!json.is_integer() || json.as_number() < 0) return ErrorCode::out_of_range;
    return static_cast<uint64_t>(json.as_integer());
}

base::Result<Dot> json_dot(const Value& json) {
    if (!json.is_array() || json.as_array().size() != 2) return ErrorCode::wrong_type;
    Dot dot;
    TANDEM_TRY(dot.actor, json_unsigned(json.as_array()[0]));
    TANDEM_TRY(dot.counter, json_unsigned(json.as_array()[1]));
    return dot;
}

void append_dot_json(std::string& out, const Dot& dot) {
    out.append("[").append(std::to_string(dot.actor)).append(",");
    out.append(std::to_string(dot.counter)).append("]");
}

base::Result<Op> op_from_json(const Value& json) {
    if (!json.is_object()) return ErrorCode::wrong_type;
    Op op;
    const Value* kind = json.find("op");
    if (kind == nullptr || !kind->is_string()) return ErrorCode::unknown_operation;
    TANDEM_TRY(op.kind, kind_from_name(kind->as_string()));
    if (const Value* path = json.find("path")) {
        if (!path->is_string()) return ErrorCode::bad_path;
        TANDEM_TRY(op.path, parse_path(path->as_string()));
    }
    const Value* value = json.find("value");
    // An increment's amount has a name of its own.
    if (op.kind == OpKind::inc && value == nullptr) value = json.find("n");
    if (value != nullptr) op.value = *value;
    if (const Value* position = json.find("position")) {
        if (!position->is_string()) return ErrorCode::wrong_type;
        op.position = position->as_string();
    }
    if (const Value* generation = json.find("generation")) {
        TANDEM_TRY(op.generation, json_dot(*generation));
    }
    if (const Value* seen = json.find("seen")) {
        if (!seen->is_integer()) return ErrorCode::wrong_type;
        op.seen = seen->as_integer();
    }
    if (const Value* base = json.find("base")) {
        TANDEM_TRY(op.base, cursor_from_json(*base));
    }
    if (const Value* decides = json.find("decides")) {
        if (!decides->is_bool()) return ErrorCode::wrong_type;
        op.is_decision = decides->as_bool();
    }
    bool ends_in_item = !op.path.empty() && op.path.back().is_item();
    if (op.kind == OpKind::insert && !ends_in_item) {
        // The id is still to be made; what else there is can be checked on a stand-in.
        Op named = op;
        named.path.push_back({Segment::Kind::item, "x"});
        TANDEM_CHECK(check_op(named));
        return op;
    }
    TANDEM_CHECK(check_op(op));
    return op;
}

void append_op_json(std::string& out, const Op& op, Form form) {
    out.append("{\"op\":");
    base::append_json_string(out, name_of(op.kind));
    out.append(",\"path\":");
    base::append_json_string(out, to_text(op.path));
    switch (op.kind) {
        case OpKind::set:
        case OpKind::assign:
        case OpKind::inc:
        case OpKind::counter_set:
        case OpKind::add:
        case OpKind::remove:
            out.append(",\"value\":");
            base::append_json(out, op.value);
            break;
        case OpKind::insert:
            if (op.value.is_null()) break;
            out.append(",\"value\":");
            base::append_json(out, op.value);
            break;
        case OpKind::remove_node:
        case OpKind::move:
            break;
    }
    if (op.kind == OpKind::insert || op.kind == OpKind::move) {
        out.append(",\"position\":");
        base::append_json_string(out, op.position);
    }
    if (op.kind == OpKind::counter_set) {
        out.append(",\"generation\":");
        append_dot_json(out, op.generation);
        out.append(",\"seen\":").append(std::to_string(op.seen));
    }
    if (op.is_decision) out.append(",\"decides\":true");
    switch (form) {
        case Form::pushed:
            if (op.base == Cursor{}) break;
            out.append(",\"base\":{\"epoch\":\"").append(std::to_string(op.base.epoch));
            out.append("\",\"seq\":").append(std::to_string(op.base.seq)).append("}");
            break;
        case Form::logged:
            out.append(",\"base\":").append(std::to_string(op.seen_seq));
            break;
    }
    out.push_back('}');
}

}  // namespace tandem::record
