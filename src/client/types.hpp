#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/limits.hpp"
#include "base/value.hpp"
#include "record/op.hpp"

namespace tandem::client {

/// The two clocks: timers run on the first, which never jumps; stamps come from the second until
/// the server's clock is known.
struct Now {
    uint64_t mono_ms = 0;
    uint64_t wall_ms = 0;
};

/// Names a push of this outbox in one channel, from 1, for good. (Its counter on the wire changes
/// when the outbox gets a new actor.)
using PushId = uint64_t;

/// When a push may be sent: at once, when its record was taken by `poll_store`, or when the
/// embedder has confirmed it.
enum class Persistence : uint8_t { none = 0, handed = 1, confirmed = 2 };

/// Bugs that the simulator plants to see that its checks find them.
enum class PlantedBug : uint8_t {
    none = 0,
    pending_dropped_at_ack = 1,       ///< not when the cursor reaches the push
    base_at_resend = 2,               ///< the base is that of the last attempt
    offset_not_advanced = 3,          ///< a delivery without changes leaves the cursor
    reuse_counter_after_refusal = 4,  ///< no skip; the next push takes the counter
    no_reissue_on_reset = 5,          ///< the actor is kept whatever the reset says
    acked_counter_ignored = 6,        ///< diffs and snapshots do not drop pending pushes
    selection_not_kept = 7,           ///< a kept view comes back with its cursor alone
    uncovered_base = 8,               ///< every op has the cursor as its base
};

struct TestFaults {
    PlantedBug planted = PlantedBug::none;
};

struct Options {
    /// Ids of items, tails of positions and jitter come from it. Required.
    std::function<uint64_t()> entropy;
    std::string client;  ///< name and version, for the server's logs
    Persistence persistence = Persistence::none;
    size_t message_bytes_max = base::Limits{}.message_bytes_max;
    size_t pushes_in_flight_max = 64;  ///< per channel
    size_t history_steps_max = 256;    ///< per channel; 0: no undo
    /// Confirmed views are records to be stored, too, so that a program that starts again shows
    /// them, and is sent only what is new since.
    bool keeps_views = false;
    /// At least this long between two records of one view; longer for large ones.
    uint64_t keep_view_every_ms = 1'000;
    uint64_t welcome_timeout_ms = 10'000;
    uint64_t pong_timeout_ms = 10'000;
    uint64_t reconnect_delay_min_ms = base::Limits{}.reconnect_delay_min_ms;
    uint64_t reconnect_delay_max_ms = base::Limits{}.reconnect_delay_max_ms;
    TestFaults faults;
};

struct Seen;

struct PushOptions {
    std::vector<std::string> if_unchanged;  ///< paths as text
    bool has_history = true;                ///< makes a step that `undo` takes back
    std::string label;                      ///< of that step
    /// What the author had seen, when that is not what is shown now. Borrowed by `push`.
    const Seen* seen = nullptr;
};

/// Where an item goes in its list. An unknown neighbour counts as the end.
struct Place {
    enum class Kind : uint8_t { first = 0, last = 1, before = 2, after = 3 };
    Kind kind = Kind::last;
    std::string id;  ///< of the neighbour
    static Place first() { return {Kind::first, {}}; }
    static Place last() { return {Kind::last, {}}; }
    static Place before(std::string id) { return {Kind::before, std::move(id)}; }
    static Place after(std::string id) { return {Kind::after, std::move(id)}; }
};

enum class Link : uint8_t { offline = 0, connecting = 1, online = 2 };

struct SyncStatus {
    Link link = Link::offline;
    size_t pending = 0;
    bool synced = false;  ///< online, ready, and nothing pending
    uint64_t retry_in_ms = 0;
};

enum class EventKind : uint8_t {
    want_connect = 0,  ///< dial, then call handle_open or handle_close
    want_close = 1,    ///< close the transport; the session already counts it as closed
    connected = 2,     ///< the server has welcomed
    disconnected = 3,
    /// channel: its view is selected as wanted, and at the head that `subscribed` told
    ready = 4,
    view_changed = 5,    ///< channel, paths, or is_whole
    acked = 6,           ///< channel, push, counter, seq: on the server's disk
    refused = 7,         ///< channel, push, counter, code, text, hint, ops
    overridden = 8,      ///< channel, path, push (0: no longer known): a write of mine is not shown
    status_changed = 9,  ///< channel
    members_changed = 10,  ///< channel
    signal = 11,           ///< channel, from, name, value
    gap = 12,              ///< channel: deliveries were missed and are being fetched
    reset = 13,            ///< channel: the confirmed view was replaced
    error = 14,            ///< channel (may be empty), code, text, hint
};

struct Event {
    EventKind kind = EventKind::error;
    std::string channel;
    PushId push = 0;
    uint64_t counter = 0;
    uint64_t seq = 0;
    bool is_whole = false;
    std::vector<record::Path> paths;
    std::string code;
    std::string text;
    std::string hint;
    std::vector<record::Op> ops;
    std::string from;
    std::string name;
    base::Value value;
};

/// What the embedder writes to disk, in the order given; a record replaces that of the same channel
/// and key. `restore` takes the last ones of each key, in any order.
struct StoreRecord {
    enum class Kind : uint8_t { state = 0, push = 1, remove_push = 2, view = 3 };
    /// In place of a push, for a view.
    static constexpr PushId kViewKey = INT64_MAX;

    Kind kind = Kind::state;
    uint64_t ticket = 0;  ///< for confirm_persisted: ascending
    std::string channel;  ///< empty: the session's own state
    PushId push = 0;      ///< the key in its channel
    std::string bytes;
};

/// Names that no other client can have taken, from 64 random bits.
std::string make_item_id(uint64_t random);
/// The last characters of a position key: 0-9A-Za-z, never ending in '0'.
std::string make_position_tail(uint64_t random);

}  // namespace tandem::client
