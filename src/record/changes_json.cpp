#include <limits>

#include "record/change.hpp"
#include "record/json_fields.hpp"

namespace tandem::record {

namespace {

using base::ErrorCode;
using base::Value;

base::Result<ChangeKind> kind_from_name(std::string_view name) {
    for (auto number = static_cast<uint8_t>(ChangeKind::value);
         number <= static_cast<uint8_t>(kChangeKindMax); ++number) {
        auto kind = static_cast<ChangeKind>(number);
        if (name_of(kind) == name) return kind;
    }
    return ErrorCode::unknown_operation;
}

base::Result<Reason> reason_from_name(std::string_view name) {
    for (auto number = static_cast<uint8_t>(Reason::value);
         number <= static_cast<uint8_t>(Reason::folded); ++number) {
        auto reason = static_cast<Reason>(number);
        if (name_of(reason) == name) return reason;
    }
    return ErrorCode::unknown_operation;
}

base::Result<clock::Stamp> stamp_from_json(const Value& json) {
    if (!json.is_array() || json.as_array().size() != 3) return ErrorCode::wrong_type;
    clock::Stamp stamp;
    TANDEM_TRY(stamp.ms, json_unsigned(json.as_array()[0]));
    TANDEM_TRY(uint64_t logical, json_unsigned(json.as_array()[1]));
    if (logical > std::numeric_limits<uint32_t>::max()) return ErrorCode::out_of_range;
    stamp.logical = static_cast<uint32_t>(logical);
    TANDEM_TRY(stamp.actor, json_unsigned(json.as_array()[2]));
    return stamp;
}

void append_stamp_json(std::string& out, const clock::Stamp& stamp) {
    out.append("[").append(std::to_string(stamp.ms)).append(",");
    out.append(std::to_string(stamp.logical)).append(",");
    out.append(std::to_string(stamp.actor)).append("]");
}

}  // namespace

void append_change_json(std::string& out, const Change& change) {
    out.append("{\"change\":");
    base::append_json_string(out, name_of(change.kind));
    out.append(",\"path\":");
    base::append_json_string(out, to_text(change.path));
    auto append_value = [&] {
        out.append(",\"value\":");
        base::append_json(out, change.value);
    };
    auto append_row_key = [&] {
        out.append(",\"reason\":");
        base::append_json_string(out, name_of(change.reason));
        out.append(",\"dot\":");
        append_dot_json(out, change.dot);
    };
    switch (change.kind) {
        case ChangeKind::value:
        case ChangeKind::element:
        case ChangeKind::no_element:
        case ChangeKind::window:
            append_value();
            break;
        case ChangeKind::counter:
            append_value();
            out.append(",\"generation\":");
            append_dot_json(out, change.dot);
            break;
        case ChangeKind::clear:
        case ChangeKind::empty:
        case ChangeKind::outside:
            break;
        case ChangeKind::item:
            if (!change.has_position) break;
            out.append(",\"position\":");
            base::append_json_string(out, change.position);
            break;
        case ChangeKind::conflict:
            append_row_key();
            append_value();
            out.append(",\"stamp\":");
            append_stamp_json(out, change.stamp);
            out.append(",\"seq\":").append(std::to_string(change.seq));
            break;
        case ChangeKind::no_conflict:
            append_row_key();
            break;
    }
    out.push_back('}');
}

base::Result<Change> change_from_json(const Value& json) {
    Change change;
    const Value* kind = json.find("change");
    if (kind == nullptr || !kind->is_string()) return ErrorCode::unknown_operation;
    TANDEM_TRY(change.kind, kind_from_name(kind->as_string()));
    if (const Value* path = json.find("path")) {
        if (!path->is_string()) return ErrorCode::bad_path;
        TANDEM_TRY(change.path, parse_path_below(path->as_string()));
    }
    if (const Value* value = json.find("value")) change.value = *value;
    if (const Value* position = json.find("position")) {
        if (!position->is_string()) return ErrorCode::wrong_type;
        change.has_position = true;
        change.position = position->as_string();
    }
    const Value* dot = json.find(change.kind == ChangeKind::counter ? "generation" : "dot");
    if (dot != nullptr) {
        TANDEM_TRY(change.dot, json_dot(*dot));
    }
    if (const Value* reason = json.find("reason")) {
        if (!reason->is_string()) return ErrorCode::wrong_type;
        TANDEM_TRY(change.reason, reason_from_name(reason->as_string()));
    }
    if (const Value* stamp = json.find("stamp")) {
        TANDEM_TRY(change.stamp, stamp_from_json(*stamp));
    }
    if (const Value* seq = json.find("seq")) {
        TANDEM_TRY(change.seq, json_unsigned(*seq));
    }
    TANDEM_CHECK(check_change(change));
    return change;
}

}  // namespace tandem::record
