#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

/// The messages of y-protocols 1.0, as providers of Yjs send them over their connections. Views
/// borrow from the message.
namespace tandem::yjs {

enum class MessageKind : uint8_t { sync = 0, awareness = 1, auth = 2, query_awareness = 3 };

/// step1 has a state vector, step2 and update have an update of the first encoding.
enum class SyncStep : uint8_t { step1 = 0, step2 = 1, update = 2 };

struct Message {
    MessageKind kind = MessageKind::sync;
    SyncStep step = SyncStep::step1;  ///< of sync
    std::string_view body;            ///< of sync and awareness
};
/// Errors: `malformed`; `unknown_operation` (detail: its number) for another kind of message.
base::Result<Message> read_message(std::string_view message);
std::string sync_message(SyncStep step, std::string_view body);
std::string awareness_message(std::string_view body);
std::string permission_denied_message(std::string_view reason);

/// What one client says of itself: a JSON text, "null" when it has gone. The newer clock counts.
struct AwarenessState {
    uint64_t client = 0;
    uint32_t clock = 0;
    std::string_view json;
};
/// Errors: `malformed`.
base::Result<std::vector<AwarenessState>> decode_awareness(std::string_view body);
std::string encode_awareness(std::span<const AwarenessState> states);

}  // namespace tandem::yjs
