#include <limits>

#include "record/change.hpp"
#include "record/fields.hpp"

namespace tandem::record {

namespace {

using base::ErrorCode;
using base::fail;

// Fields of the message Change; see docs/protocol.md.
constexpr uint32_t kKind = 1;
constexpr uint32_t kPath = 2;
constexpr uint32_t kPathSlot = 3;
constexpr uint32_t kValue = 4;
constexpr uint32_t kPosition = 5;
constexpr uint32_t kDotActor = 6;
constexpr uint32_t kDotCounter = 7;
constexpr uint32_t kReason = 8;
constexpr uint32_t kStampMs = 9;
constexpr uint32_t kStampLogical = 10;
constexpr uint32_t kStampActor = 11;
constexpr uint32_t kSeq = 12;
constexpr uint32_t kChanges = 1;

bool has_value(ChangeKind kind) {
    switch (kind) {
        case ChangeKind::value:
        case ChangeKind::counter:
        case ChangeKind::element:
        case ChangeKind::no_element:
        case ChangeKind::conflict:
        case ChangeKind::window:
            return true;
        case ChangeKind::clear:
        case ChangeKind::empty:
        case ChangeKind::item:
        case ChangeKind::no_conflict:
        case ChangeKind::outside:
            return false;
    }
    return false;
}

bool has_dot(ChangeKind kind) {
    return kind == ChangeKind::counter || kind == ChangeKind::conflict ||
           kind == ChangeKind::no_conflict;
}

base::Result<Change> decode_change(std::string_view bytes, const PathLookup* lookup) {
    Change change;
    base::Reader reader(bytes);
    while (!reader.at_end()) {
        TANDEM_TRY(Field field, read_field(reader));
        if (field.number > kSeq) continue;
        bool wants_bytes =
            field.number == kPath || field.number == kValue || field.number == kPosition;
        if (wants_bytes ? !field.is_bytes() : !field.is_varint()) return ErrorCode::malformed;
        switch (field.number) {
            case kKind:
                if (field.value == 0 || field.value > static_cast<uint64_t>(kChangeKindMax)) {
                    return fail(ErrorCode::unknown_operation, field.value);
                }
                change.kind = static_cast<ChangeKind>(field.value);
                break;
            case kPath: {
                TANDEM_TRY(change.path, decode_path_below(field.bytes));
                break;
            }
            case kPathSlot: {
                if (field.value > std::numeric_limits<uint32_t>::max() || lookup == nullptr) {
                    return ErrorCode::bad_path;
                }
                const Path* path = lookup->path_at(static_cast<uint32_t>(field.value));
                if (path == nullptr) return ErrorCode::bad_path;
                change.path = *path;
                break;
            }
            case kValue: {
                TANDEM_TRY(change.value, base::decode_value(field.bytes, base::kLooseValueLimits));
                break;
            }
            case kPosition:
                if (!base::is_utf8(field.bytes)) return ErrorCode::malformed;
                change.has_position = true;
                change.position = field.bytes;
                break;
            case kDotActor:
                change.dot.actor = field.value;
                break;
            case kDotCounter:
                change.dot.counter = field.value;
                break;
            case kReason:
                if (field.value == 0 || field.value > static_cast<uint64_t>(Reason::folded)) {
                    return fail(ErrorCode::unknown_operation, field.value);
                }
                change.reason = static_cast<Reason>(field.value);
                break;
            case kStampMs:
                change.stamp.ms = field.value;
                break;
            case kStampLogical:
                if (field.value > std::numeric_limits<uint32_t>::max()) {
                    return ErrorCode::out_of_range;
                }
                change.stamp.logical = static_cast<uint32_t>(field.value);
                break;
            case kStampActor:
                change.stamp.actor = field.value;
                break;
            case kSeq:
                change.seq = field.value;
                break;
            default:
                break;
        }
    }
    TANDEM_CHECK(check_change(change));
    return change;
}

}  // namespace

base::Result<void> check_change(const Change& change) {
    bool ends_in_item = !change.path.empty() && change.path.back().is_item();
    switch (change.kind) {
        case ChangeKind::counter:
            if (!change.value.is_integer()) return ErrorCode::wrong_type;
            break;
        case ChangeKind::element:
        case ChangeKind::no_element:
            if (!change.value.is_scalar()) return ErrorCode::wrong_type;
            break;
        case ChangeKind::item:
            if (!ends_in_item) return ErrorCode::bad_path;
            break;
        case ChangeKind::window:
            if (!change.value.is_integer()) return ErrorCode::wrong_type;
            if (change.value.as_integer() < 0) return ErrorCode::out_of_range;
            break;
        case ChangeKind::value:
        case ChangeKind::clear:
        case ChangeKind::empty:
        case ChangeKind::conflict:
        case ChangeKind::no_conflict:
        case ChangeKind::outside:
            break;
    }
    return {};
}

void encode_changes(std::string& out, const std::vector<Change>& changes, PathTable* table) {
    FieldWriter list(out);
    std::string body;
    std::string scratch;
    for (const Change& change : changes) {
        body.clear();
        FieldWriter fields(body);
        if (change.kind != ChangeKind::value) {
            fields.varint(kKind, static_cast<uint64_t>(change.kind));
        }
        uint32_t slot = table != nullptr ? table->slot_of(change.path) : 0;
        if (slot != 0) {
            fields.varint(kPathSlot, slot);
        } else {
            scratch.clear();
            encode_path(scratch, change.path);
            fields.bytes_if(kPath, scratch);
        }
        if (has_value(change.kind)) {
            scratch.clear();
            base::encode_value(scratch, change.value);
            fields.bytes_if(kValue, scratch);
        }
        if (change.kind == ChangeKind::item && change.has_position) {
            fields.bytes(kPosition, change.position);
        }
        if (has_dot(change.kind)) {
            fields.varint_if(kDotActor, change.dot.actor);
            fields.varint_if(kDotCounter, change.dot.counter);
        }
        if (change.kind == ChangeKind::conflict || change.kind == ChangeKind::no_conflict) {
            fields.varint(kReason, static_cast<uint64_t>(change.reason));
        }
        if (change.kind == ChangeKind::conflict) {
            fields.varint_if(kStampMs, change.stamp.ms);
            fields.varint_if(kStampLogical, change.stamp.logical);
            fields.varint_if(kStampActor, change.stamp.actor);
            fields.varint_if(kSeq, change.seq);
        }
        list.bytes(kChanges, body);
    }
}

base::Result<std::vector<Change>> decode_changes(std::string_view bytes, const PathLookup* lookup) {
    std::vector<Change> changes;
    base::Reader reader(bytes);
    while (!reader.at_end()) {
        TANDEM_TRY(Field field, read_field(reader));
        if (field.number != kChanges) continue;
        if (!field.is_bytes()) return ErrorCode::malformed;
        TANDEM_TRY(Change change, decode_change(field.bytes, lookup));
        changes.push_back(std::move(change));
    }
    return changes;
}

}  // namespace tandem::record
