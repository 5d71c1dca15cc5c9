#include "base/limits.hpp"
#include "record/fields.hpp"
#include "record/op.hpp"

namespace tandem::record {

namespace {

using base::ErrorCode;
using base::fail;

// Fields of the message Op; see docs/protocol.md.
constexpr uint32_t kKind = 1;
constexpr uint32_t kPath = 2;
constexpr uint32_t kValue = 3;
constexpr uint32_t kPosition = 4;
constexpr uint32_t kGenerationActor = 5;
constexpr uint32_t kGenerationCounter = 6;
constexpr uint32_t kSeen = 7;
constexpr uint32_t kBaseEpoch = 8;
constexpr uint32_t kBaseSeq = 9;
constexpr uint32_t kSeenSeq = 10;
constexpr uint32_t kResolver = 11;
constexpr uint32_t kDeclared = 12;
constexpr uint32_t kDecides = 13;
constexpr uint32_t kOps = 1;

constexpr uint64_t kOpKindMax = static_cast<uint64_t>(OpKind::move);
constexpr uint64_t kResolverMax = static_cast<uint64_t>(Resolver::agent);

// Members of an object that is written field by field become keys of maps.
base::Result<void> check_keys(const base::Value& object, size_t depth) {
    if (depth > base::kPathKeysMax) return fail(ErrorCode::too_deep, base::kPathKeysMax);
    for (const base::Member& member : object.as_object()) {
        if (!base::is_key(member.key)) return ErrorCode::bad_path;
        if (member.value.is_object()) TANDEM_CHECK(check_keys(member.value, depth + 1));
    }
    return {};
}

base::Result<Op> decode_op(std::string_view bytes, Form form) {
    Op op;
    base::Reader reader(bytes);
    bool has_kind = false;
    while (!reader.at_end()) {
        TANDEM_TRY(Field field, read_field(reader));
        bool is_known = field.number <= kDecides;
        bool wants_bytes =
            field.number == kPath || field.number == kValue || field.number == kPosition;
        if (!is_known) continue;
        bool fits = wants_bytes                  ? field.is_bytes()
                    : field.number == kBaseEpoch ? field.is_fixed64()
                                                 : field.is_varint();
        if (!fits) return ErrorCode::malformed;
        switch (field.number) {
            case kKind:
                if (field.value == 0 || field.value > kOpKindMax) {
                    return fail(ErrorCode::unknown_operation, field.value);
                }
                op.kind = static_cast<OpKind>(field.value);
                has_kind = true;
                break;
            case kPath: {
                TANDEM_TRY(op.path, decode_path(field.bytes));
                break;
            }
            case kValue: {
                TANDEM_TRY(op.value, base::decode_value(field.bytes));
                break;
            }
            case kPosition:
                op.position = field.bytes;
                break;
            case kGenerationActor:
                op.generation.actor = field.value;
                break;
            case kGenerationCounter:
                op.generation.counter = field.value;
                break;
            case kSeen:
                op.seen = base::zigzag_decode(field.value);
                break;
            case kBaseEpoch:
                if (form == Form::pushed) op.base.epoch = field.value;
                break;
            case kBaseSeq:
                if (form == Form::pushed) op.base.seq = field.value;
                break;
            case kSeenSeq:
                if (form == Form::logged) op.seen_seq = field.value;
                break;
            case kResolver:
                if (form != Form::logged) break;
                if (field.value > kResolverMax) {
                    return fail(ErrorCode::unknown_operation, field.value);
                }
                op.resolver = static_cast<Resolver>(field.value);
                break;
            case kDeclared:
                if (form == Form::logged) op.is_declared = field.value != 0;
                break;
            case kDecides:
                op.is_decision = field.value != 0;
                break;
            default:
                break;
        }
    }
    if (!has_kind) return ErrorCode::unknown_operation;
    TANDEM_CHECK(check_op(op));
    return op;
}

bool has_value(OpKind kind) { return kind != OpKind::remove_node && kind != OpKind::move; }

}  // namespace

base::Result<void> check_op(const Op& op) {
    if (!is_valid(op.path)) return ErrorCode::bad_path;
    bool ends_in_item = !op.path.empty() && op.path.back().is_item();
    if (op.generation.actor > base::kActorMax) {
        return fail(ErrorCode::out_of_range, base::kActorMax);
    }
    if (op.is_decision && op.kind != OpKind::set) return ErrorCode::wrong_type;
    switch (op.kind) {
        case OpKind::set:
        case OpKind::remove_node:
            return {};
        case OpKind::assign:
            if (!op.value.is_object()) return ErrorCode::wrong_type;
            if (ends_in_item && op.value.find("id") != nullptr) return ErrorCode::bad_path;
            return check_keys(op.value, op.path.size() + 1);
        case OpKind::inc:
            if (!op.value.is_integer()) return ErrorCode::wrong_type;
            return {};
        case OpKind::counter_set:
            if (!op.value.is_integer()) return ErrorCode::wrong_type;
            if (op.seen > base::kIntegerMax || op.seen < -base::kIntegerMax) {
                return ErrorCode::out_of_range;
            }
            return {};
        case OpKind::add:
        case OpKind::remove:
            if (!op.value.is_scalar()) return ErrorCode::wrong_type;
            return {};
        case OpKind::insert:
            if (!op.value.is_null() && !op.value.is_object()) return ErrorCode::wrong_type;
            if (op.value.find("id") != nullptr) return ErrorCode::bad_path;
            if (op.value.is_object()) TANDEM_CHECK(check_keys(op.value, op.path.size() + 1));
            [[fallthrough]];
        case OpKind::move:
            if (!ends_in_item) return ErrorCode::bad_path;
            if (op.position.size() > kPositionBytesMax) {
                return fail(ErrorCode::too_large, kPositionBytesMax);
            }
            if (!base::is_utf8(op.position)) return ErrorCode::malformed;
            return {};
    }
    return ErrorCode::unknown_operation;
}

void encode_ops(std::string& out, const std::vector<Op>& ops, Form form) {
    FieldWriter list(out);
    std::string body;
    std::string scratch;
    for (const Op& op : ops) {
        body.clear();
        FieldWriter fields(body);
        fields.varint(kKind, static_cast<uint64_t>(op.kind));
        scratch.clear();
        encode_path(scratch, op.path);
        fields.bytes_if(kPath, scratch);
        if (has_value(op.kind)) {
            scratch.clear();
            base::encode_value(scratch, op.value);
            fields.bytes_if(kValue, scratch);
        }
        if (op.kind == OpKind::insert || op.kind == OpKind::move) {
            fields.bytes_if(kPosition, op.position);
        }
        if (op.kind == OpKind::counter_set) {
            fields.varint_if(kGenerationActor, op.generation.actor);
            fields.varint_if(kGenerationCounter, op.generation.counter);
            fields.zigzag_if(kSeen, op.seen);
        }
        fields.varint_if(kDecides, op.is_decision ? 1 : 0);
        switch (form) {
            case Form::pushed:
                fields.fixed64_if(kBaseEpoch, op.base.epoch);
                fields.varint_if(kBaseSeq, op.base.seq);
                break;
            case Form::logged:
                fields.varint_if(kSeenSeq, op.seen_seq);
                fields.varint_if(kResolver, static_cast<uint64_t>(op.resolver));
                fields.varint_if(kDeclared, op.is_declared ? 1 : 0);
                break;
        }
        list.bytes(kOps, body);
    }
}

base::Result<std::vector<Op>> decode_ops(std::string_view bytes, Form form) {
    std::vector<Op> ops;
    base::Reader reader(bytes);
    while (!reader.at_end()) {
        TANDEM_TRY(Field field, read_field(reader));
        if (field.number != kOps) continue;
        if (!field.is_bytes()) return ErrorCode::malformed;
        if (ops.size() == base::kOpsPerPushMax) {
            return fail(ErrorCode::too_large, base::kOpsPerPushMax);
        }
        TANDEM_TRY(Op op, decode_op(field.bytes, form));
        ops.push_back(std::move(op));
    }
    return ops;
}

}  // namespace tandem::record
