#include "yjs/sync_messages.hpp"

#include "yjs/any.hpp"
#include "yjs/buffer.hpp"
#include "yjs/input.hpp"

namespace tandem::yjs {

namespace {
constexpr uint64_t kPermissionDenied = 0;
}  // namespace

base::Result<Message> read_message(std::string_view message) {
    Input in(message);
    Message out;
    const uint64_t kind = in.var_uint();
    if (in.ok() && kind > static_cast<uint64_t>(MessageKind::query_awareness))
        return base::fail(base::ErrorCode::unknown_operation, kind);
    out.kind = static_cast<MessageKind>(kind);
    if (out.kind == MessageKind::sync) {
        const uint64_t step = in.var_uint();
        if (step > static_cast<uint64_t>(SyncStep::update)) in.fail();
        out.step = static_cast<SyncStep>(step);
    }
    if (out.kind == MessageKind::sync || out.kind == MessageKind::awareness)
        out.body = in.var_bytes();
    if (!in.ok()) return base::fail(base::ErrorCode::malformed);
    return out;
}

std::string sync_message(SyncStep step, std::string_view body) {
    Buffer out;
    out.reserve(body.size() + 16);
    out.var_uint(static_cast<uint64_t>(MessageKind::sync));
    out.var_uint(static_cast<uint64_t>(step));
    out.var_bytes(body);
    return out.str();
}

std::string awareness_message(std::string_view body) {
    Buffer out;
    out.var_uint(static_cast<uint64_t>(MessageKind::awareness));
    out.var_bytes(body);
    return out.str();
}

std::string permission_denied_message(std::string_view reason) {
    Buffer out;
    out.var_uint(static_cast<uint64_t>(MessageKind::auth));
    out.var_uint(kPermissionDenied);
    out.var_bytes(reason);
    return out.str();
}

base::Result<std::vector<AwarenessState>> decode_awareness(std::string_view body) {
    Input in(body);
    std::vector<AwarenessState> out;
    Buffer scratch;
    const uint64_t count = in.var_uint();
    for (uint64_t i = 0; i < count && in.ok(); ++i) {
        AwarenessState state;
        state.client = in.var_uint();
        state.clock = in.var_uint32();
        state.json = in.var_bytes();
        // What a reader cannot parse would cost him all that comes with it.
        scratch.clear();
        if (in.ok() && !append_any_of_json(state.json, scratch).ok())
            return base::fail(base::ErrorCode::malformed);
        out.push_back(state);
    }
    if (!in.ok() || !in.at_end()) return base::fail(base::ErrorCode::malformed);
    return out;
}

std::string encode_awareness(std::span<const AwarenessState> states) {
    Buffer out;
    out.var_uint(states.size());
    for (const AwarenessState& state : states) {
        out.var_uint(state.client);
        out.var_uint(state.clock);
        out.var_bytes(state.json);
    }
    return out.str();
}

}  // namespace tandem::yjs
