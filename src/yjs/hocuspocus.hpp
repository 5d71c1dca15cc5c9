#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "yjs/sync_messages.hpp"

/// The messages of Hocuspocus, as its providers 2 and 4 send them: the key of a document, then a
/// message as y-protocols has it, or one of a few more kinds. Views borrow from the frame.
namespace tandem::yjs {

enum class HocuspocusKind : uint8_t {
    sync = 0,
    awareness = 1,
    auth = 2,
    query_awareness = 3,
    sync_reply = 4,  ///< a sync message whose sender wants no question in return
    stateless = 5,
    broadcast_stateless = 6,
    close = 7,
    sync_status = 8,  ///< to the provider: what it sent is stored, or not
    ping = 9,         ///< of a connection: a frame of one byte, without a key
    pong = 10,
};

/// What an editor may do, as the provider is told.
enum class HocuspocusScope : uint8_t { read_write, readonly };

inline constexpr size_t kHocuspocusKeyBytesMax = 1024;

struct HocuspocusFrame {
    std::string_view key;      ///< empty: of the connection
    std::string_view message;  ///< without the key
};
/// Errors: `malformed`, also for an empty key; `too_large` (detail: the limit) for a long one.
base::Result<HocuspocusFrame> read_hocuspocus_frame(std::string_view frame);
/// The document's name in a key: all of it, or what is before a NUL. What follows that tells the
/// sessions of one document on one connection apart.
std::string_view document_of_key(std::string_view key);

struct HocuspocusMessage {
    HocuspocusKind kind = HocuspocusKind::sync;
    SyncStep step = SyncStep::step1;  ///< of sync and sync_reply
    std::string_view body;            ///< of these and awareness; a token; a stateless payload
    bool has_version = false;         ///< of auth: the provider tells its own
};
/// Of what a provider sends. Errors: `malformed`; `unknown_operation` (detail: its number).
base::Result<HocuspocusMessage> read_hocuspocus_message(std::string_view message);

std::string hocuspocus_frame(std::string_view key, std::string_view message);
/// Not y-protocols' message, which has another number.
std::string denied_message(std::string_view reason);
std::string authenticated_message(HocuspocusScope scope);
std::string stateless_message(std::string_view payload);
std::string close_message(std::string_view reason);
std::string sync_status_message(bool is_stored);

}  // namespace tandem::yjs
