#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/history.hpp"
#include "client/outbox.hpp"
#include "client/replica.hpp"
#include "client/types.hpp"

namespace tandem::client {

/// All that a session keeps of one channel.
struct Channel {
    enum class Subscription : uint8_t {
        off = 0,
        due = 1,    ///< to be asked for at `subscribe_at_ms`
        asked = 2,  ///< deliveries that still arrive belong to the former subscription
        on = 3,
        refused = 4,  ///< for good, until the next connection
    };

    explicit Channel(std::string channel_name) : name(std::move(channel_name)) {}

    /// The application follows the channel; without it, it only drains its outbox.
    bool is_wanted = false;
    std::string name;

    Subscription subscription = Subscription::off;
    uint64_t subscribe_at_ms = 0;
    bool must_ask_again = false;  ///< once the answer to the last question is here
    uint64_t asked_actor = 0;     ///< the outbox whose acknowledged counter the server tells
    uint64_t asked_counter = 0;   ///< what was known to be acknowledged when asking
    uint32_t handle = 0;
    uint64_t head = 0;
    bool is_caught_up = false;  ///< with the head that the newest `subscribed` told
    /// What is to be followed. `replica` says what the view shows meanwhile.
    record::Selection wanted;
    record::Selection asked;      ///< by the newest `subscribe`
    uint64_t select_version = 0;  ///< of that; 0 while only the whole record was ever asked for
    uint32_t gaps = 0;            ///< in a row

    Replica replica;
    Outbox outbox;
    History history;

    bool needs_new_actor = false;  ///< the session's own has been used here
    bool holds_pushes = false;     ///< until it is known whether the history is the same
    PushId next_send = 0;
    uint64_t attempt = 1;  ///< `ref` of pushes; refusals of former attempts are stale
    uint64_t retry_at_ms = 0;
    uint32_t refusals = 0;  ///< temporary ones in a row
    uint64_t actor_ticket = 0;

    std::optional<base::Value> presence;
    std::map<std::string, wire::Member> members;
    std::string self;

    Link reported_link = Link::offline;
    size_t reported_pending = 0;
    bool reported_synced = false;

    // Of views that are kept:
    bool is_view_kept = true;      ///< as it is now
    uint64_t keep_view_at_ms = 0;  ///< when not
    size_t kept_bytes = 0;         ///< of the last one
    std::vector<PushId> settled;   ///< held by the view, and by the store until it has the view

    const record::View& shown() { return replica.shown(outbox.pending()); }
    bool is_selected() const { return replica.has_cursor() && replica.in_force() == wanted; }
    bool is_ready() const { return is_caught_up && is_selected(); }
};

}  // namespace tandem::client
