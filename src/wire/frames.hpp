#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/value.hpp"

namespace tandem::wire {

/// Frames as docs/protocol.md lists them. Bodies (ops, changes) stay opaque here: bytes in the
/// binary codec, JSON values in the JSON codec.
struct Hello {
    uint32_t version = 1;
    std::string client;
    bool want_actor = false;
    uint64_t time_ms = 0;
    std::string token = {};  ///< empty: none, or none anew
};

/// A part of the record: a path, and with `to` above 0 a window of the list there.
struct Selection {
    std::string path;   ///< binary codec: wire bytes; JSON codec: text
    uint64_t from = 0;  ///< index of the window's first item
    uint64_t to = 0;    ///< index after its last; 0: no window
    friend bool operator==(const Selection&, const Selection&) = default;
};

struct Subscribe {
    std::string channel;
    bool has_after = false;
    uint64_t after_epoch = 0;  ///< 0: the newest
    uint64_t after = 0;
    uint32_t check = 0;  ///< 0: not known
    uint64_t actor = 0;
    uint64_t known_counter = 0;
    std::vector<Selection> select;  ///< empty: the whole record
    /// What the view at the cursor was selected by; empty: by `select`. The whole record is said
    /// by the path of the root.
    std::vector<Selection> held;
    uint64_t select_version = 0;  ///< echoed in `subscribed`
};

struct Unsubscribe {
    std::string channel;
};

struct Push {
    std::string channel;
    uint64_t actor = 0;
    uint64_t counter = 0;
    uint64_t stamp_ms = 0;
    uint32_t stamp_logical = 0;
    std::string ops;        ///< binary codec: body
    base::Value ops_json;   ///< JSON codec: array of op objects
    base::Value base_json;  ///< JSON codec: base for ops without their own; null: the head
    bool skip = false;
    std::vector<std::string> if_unchanged;
    uint64_t ref = 0;
};

struct PresenceSet {
    std::string channel;
    base::Value state;
    bool leave = false;
};

struct SignalSend {
    std::string channel;
    std::string name;
    base::Value value;
};

struct Ping {
    uint64_t time_ms = 0;
};

/// A message of y-protocols about a text of a channel, or a piece of one.
struct TextSend {
    std::string channel;
    std::string name;     ///< of the text; empty: `main`
    std::string message;  ///< JSON codec: base64
    bool more = false;    ///< the message goes on in this connection's next frame of a text
    uint64_t ref = 0;     ///< echoed when what the message writes is on disk, or refused
    bool leave = false;   ///< the text is no longer followed
};

using ClientFrame =
    std::variant<Hello, Subscribe, Unsubscribe, Push, PresenceSet, SignalSend, Ping, TextSend>;

struct Welcome {
    uint32_t version = 1;
    std::string connection;
    uint64_t actor = 0;
    uint64_t time_ms = 0;
    uint64_t heartbeat_ms = 0;
    uint64_t message_bytes_max = 0;
    std::string server;
};

struct Subscribed {
    std::string channel;
    uint32_t handle = 0;
    uint64_t epoch = 0;
    uint64_t head = 0;
    uint64_t acked_counter = 0;
    uint64_t select_version = 0;
};

enum class DeliveryKind : uint8_t { live = 0, diff = 1, snapshot = 2 };

/// Defines a slot of the subscription's table: a path (its wire bytes) or an actor.
struct SlotDef {
    uint32_t slot = 0;
    std::string path;
    uint64_t actor = 0;
};

struct Delivery {
    uint32_t handle = 0;
    std::string channel;  ///< JSON codec only
    uint64_t from = 0;
    uint64_t to = 0;
    DeliveryKind kind = DeliveryKind::live;
    uint32_t check = 0;
    uint64_t acked_counter = 0;
    uint64_t actor = 0;
    uint32_t actor_slot = 0;
    uint64_t counter = 0;
    std::vector<SlotDef> defs;
    std::string changes;  ///< binary: body; JSON codec: text of the array, inserted as it is
    std::string items;    ///< JSON codec only: text of the array of entries as written, or empty
    std::string value;    ///< JSON codec only: text of the snapshot's shown value, or empty
    bool more = false;
    bool reset = false;
    uint64_t epoch = 0;
    uint64_t stamp_ms = 0;
    uint32_t stamp_logical = 0;
    bool installs =
        false;  ///< its last chunk puts the selection of the newest `subscribed` in force
};

struct Ack {
    std::string channel;
    uint64_t actor = 0;
    uint64_t counter = 0;
    uint64_t seq = 0;
    bool duplicate = false;
    uint64_t stamp_ms = 0;
    uint32_t stamp_logical = 0;
    uint64_t ref = 0;
    uint64_t epoch = 0;
    std::vector<std::string> ids;  ///< JSON codec only: ids that the server made for inserts
};

struct ErrorFrame {
    std::string code;
    std::string message;
    std::string hint;
    std::string docs;
    std::string channel;
    uint64_t actor = 0;
    uint64_t counter = 0;
    uint64_t retry_after_ms = 0;
    uint64_t ref = 0;
    bool temporary = false;
    uint32_t number = 0;
    uint64_t acked_counter = 0;
};

struct Member {
    std::string id;
    std::string user;
    base::Value state;
    base::Value info = {};  ///< of the user's token; null: none
};

struct Members {
    uint32_t handle = 0;
    std::string channel;  ///< JSON codec only
    bool full = false;
    std::vector<Member> joined;
    std::vector<std::string> left;
    std::string self;
};

struct SignalReceived {
    uint32_t handle = 0;
    std::string channel;  ///< JSON codec only
    std::string from;
    std::string name;
    base::Value value;
};

struct Pong {
    uint64_t time_ms = 0;
    uint64_t server_ms = 0;
};

struct Bye {
    std::string code;
    std::string message;
    uint64_t reconnect_after_ms = 0;
};

/// Of a text: a message of y-protocols, or what has become of one that the client sent.
struct TextReceived {
    std::string channel;
    std::string name;
    std::string message;  ///< JSON codec: base64; empty: none
    uint64_t ref = 0;
    uint64_t seq = 0;    ///< what `ref` wrote is on disk, in this entry or an earlier one
    std::string code;    ///< `ref` was refused
    std::string reason;  ///< why, for people
    bool temporary = false;
    uint64_t retry_after_ms = 0;
    bool closed = false;  ///< the channel was deleted; the text is no longer followed
};

using ServerFrame = std::variant<Welcome, Subscribed, Delivery, Ack, ErrorFrame, Members,
                                 SignalReceived, Pong, Bye, TextReceived>;

/// Each appends one `Batch.frame` field, so that outputs may be joined.
void encode_binary(std::string& out, const ClientFrame& frame);
void encode_binary(std::string& out, const ServerFrame& frame);

/// A frame that was refused while it was decoded.
struct RefusedFrame {
    base::Error error;
    std::string where;  ///< JSON codec only: the member ("push.counter"), or empty
    ErrorFrame
        context;  ///< its channel, and a push's actor, counter and ref, if they were readable
};

using ReceivedFrame = std::variant<ClientFrame, RefusedFrame>;

/// A whole message of a client, in its order. Each frame stands alone: an error is returned only
/// when the message as a whole cannot be read, and the frames before it are in `out`.
[[nodiscard]] base::Result<void> decode_binary(std::string_view message,
                                               std::vector<ReceivedFrame>& out);
[[nodiscard]] base::Result<void> decode_json(std::string_view message,
                                             std::vector<ReceivedFrame>& out);
/// For who wants all frames of a message or none: also the first refused frame is an error.
[[nodiscard]] base::Result<void> decode_binary(std::string_view message,
                                               std::vector<ClientFrame>& out);
[[nodiscard]] base::Result<void> decode_json(std::string_view message,
                                             std::vector<ClientFrame>& out);
/// A whole message of a server. The frames before an error are in `out` and stay valid.
[[nodiscard]] base::Result<void> decode_binary(std::string_view message,
                                               std::vector<ServerFrame>& out);

/// Each appends one JSON object (no separator); a message of several is `[a,b]`.
void encode_json(std::string& out, const ClientFrame& frame);
void encode_json(std::string& out, const ServerFrame& frame);

}  // namespace tandem::wire
