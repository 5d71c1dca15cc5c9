#include "yjs/hocuspocus.hpp"

#include "yjs/buffer.hpp"
#include "yjs/input.hpp"

namespace tandem::yjs {

using base::ErrorCode;

namespace {

constexpr uint64_t kToken = 0;
constexpr uint64_t kDenied = 1;
constexpr uint64_t kAuthenticated = 2;

std::string message_of(HocuspocusKind kind, std::string_view body) {
    Buffer out;
    out.reserve(body.size() + 16);
    out.var_uint(static_cast<uint64_t>(kind));
    out.var_bytes(body);
    return out.str();
}

std::string auth_message(uint64_t part, std::string_view text) {
    Buffer out;
    out.var_uint(static_cast<uint64_t>(HocuspocusKind::auth));
    out.var_uint(part);
    out.var_bytes(text);
    return out.str();
}

}  // namespace

base::Result<HocuspocusFrame> read_hocuspocus_frame(std::string_view frame) {
    HocuspocusFrame out;
    if (frame.size() == 1) {
        out.message = frame;
        return out;
    }
    Input in(frame);
    out.key = in.var_bytes();
    if (!in.ok() || document_of_key(out.key).empty()) return base::fail(ErrorCode::malformed);
    if (out.key.size() > kHocuspocusKeyBytesMax)
        return base::fail(ErrorCode::too_large, kHocuspocusKeyBytesMax);
    out.message = in.rest();
    return out;
}

std::string_view document_of_key(std::string_view key) { return key.substr(0, key.find('\0')); }

base::Result<HocuspocusMessage> read_hocuspocus_message(std::string_view message) {
    Input in(message);
    HocuspocusMessage out;
    const uint64_t kind = in.var_uint();
    if (!in.ok()) return base::fail(ErrorCode::malformed);
    if (kind > static_cast<uint64_t>(HocuspocusKind::pong))
        return base::fail(ErrorCode::unknown_operation, kind);
    out.kind = static_cast<HocuspocusKind>(kind);
    switch (out.kind) {
        case HocuspocusKind::sync:
        case HocuspocusKind::sync_reply: {
            const uint64_t step = in.var_uint();
            if (step > static_cast<uint64_t>(SyncStep::update)) in.fail();
            out.step = static_cast<SyncStep>(step);
            out.body = in.var_bytes();
            break;
        }
        case HocuspocusKind::auth:
            if (in.var_uint() != kToken) in.fail();
            out.body = in.var_bytes();
            out.has_version = !in.at_end();
            break;
        case HocuspocusKind::awareness:
        case HocuspocusKind::stateless:
        case HocuspocusKind::broadcast_stateless:
            out.body = in.var_bytes();
            break;
        case HocuspocusKind::query_awareness:
        case HocuspocusKind::close:
        case HocuspocusKind::ping:
        case HocuspocusKind::pong:
            break;
        case HocuspocusKind::sync_status:
            return base::fail(ErrorCode::unknown_operation, kind);
    }
    if (!in.ok()) return base::fail(ErrorCode::malformed);
    return out;
}

std::string hocuspocus_frame(std::string_view key, std::string_view message) {
    Buffer out;
    out.reserve(key.size() + message.size() + 16);
    out.var_bytes(key);
    out.bytes(message);
    return out.str();
}

std::string denied_message(std::string_view reason) { return auth_message(kDenied, reason); }

std::string authenticated_message(HocuspocusScope scope) {
    return auth_message(kAuthenticated,
                        scope == HocuspocusScope::readonly ? "readonly" : "read-write");
}

std::string stateless_message(std::string_view payload) {
    return message_of(HocuspocusKind::stateless, payload);
}

std::string close_message(std::string_view reason) {
    return message_of(HocuspocusKind::close, reason);
}

std::string sync_status_message(bool is_stored) {
    Buffer out;
    out.var_uint(static_cast<uint64_t>(HocuspocusKind::sync_status));
    out.var_uint(is_stored ? 1 : 0);
    return out.str();
}

}  // namespace tandem::yjs
