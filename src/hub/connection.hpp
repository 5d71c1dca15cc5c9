#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "auth/grant.hpp"
#include "base/token_bucket.hpp"
#include "hub/group.hpp"
#include "hub/text.hpp"
#include "hub/types.hpp"
#include "wire/frames.hpp"

namespace tandem::hub {

class Channel;
struct Connection;

/// One cursor over one channel's log. Nothing is queued for it but the rest of a catch-up that has
/// begun; when its connection has no room, it simply stays where it is.
struct Subscription {
    Connection* connection = nullptr;
    Channel* channel = nullptr;
    wire::Subscribe wanted;

    enum class State : uint8_t {
        loading,    ///< the channel is not there yet
        snapshot,   ///< the next thing it gets is a snapshot
        following,  ///< it has everything up to `cursor`
        reading,    ///< the log is being read for it (JSON replay)
    };
    State state = State::loading;
    bool is_reset = false;
    uint64_t cursor = 0;
    bool is_replaying = false;  ///< JSON: entries without their changes have been sent
    uint64_t replay_from = 0;   ///< where that began
    uint64_t read_ticket = 0;   ///< the read that `reading` waits for
    SlotSet known;              ///< slots that this reader can resolve
    Group* group = nullptr;     ///< null while the channel is loading
    record::Selection selection;
    /// What the client's view is selected by, until the difference to that is on its way.
    std::unique_ptr<record::Selection> held;
    bool is_due = false;         ///< a difference is, also when there are no new entries
    bool is_installing = false;  ///< the next catch-up puts the selection in force
    CatchUpPtr catch_up;         ///< the one that it is in the middle of
    size_t next_chunk = 0;
    bool is_through() const { return has_told_acked && next_chunk == catch_up->chunks.size(); }
    uint64_t told_acked = 0;      ///< acknowledged counter, as of the end of the catch-up
    bool has_told_acked = false;  ///< the own first chunk of the catch-up has gone out
    auth::Capabilities rights = auth::kAllCapabilities;  ///< of the connection's token here
    uint64_t members_version = 0;
    bool has_members = false;  ///< the whole list has been sent once
    std::string member_id;
};

/// Signals are lossy: they are the first thing that who has so many answers waiting goes without.
inline constexpr size_t kSignalBacklogMax = 16 * 1024;

/// What the hub keeps of one client connection.
struct Connection {
    ConnectionId id = 0;
    Codec codec = Codec::binary;
    std::string remote;
    std::string subject;
    std::string client;
    bool is_guest = false;         ///< another hub speaks with the client
    uint64_t opened_ms = 0;        ///< wall clock
    uint64_t actor = 0;            ///< of JSON pushes that carry a counter and no actor
    std::deque<FramePtr> control;  ///< answers and errors
    size_t control_bytes = 0;
    std::map<std::string, Subscription, std::less<>> subscriptions;
    /// By the channel's name, the text's and the label.
    using TextKey = std::tuple<std::string, std::string, std::string>;
    std::map<TextKey, TextReader> texts;
    /// Of Hocuspocus: those that its token was refused for; it has been told of each.
    std::set<TextKey> denied_texts;
    TextPieces text_pieces;
    std::string next_served;  ///< channel whose turn it is, so that none starves
    /// While it is polled, and once that is known: who is in the middle of a catch-up.
    const Subscription* catching_up = nullptr;
    bool knows_catching_up = false;
    bool is_ready = false;  ///< listed as having something to send
    /// There was more than its transport had room for, and so it polls again when it has.
    bool waits_for_room = false;
    bool is_closing = false;
    bool is_counted = false;  ///< held to the rate of pushes
    base::TokenBucket pushes;
    auth::GrantPtr grant;                    ///< null: it has shown no token
    std::optional<base::ErrorCode> refusal;  ///< why it is about to be closed
    uint64_t owned_actor = 0;                ///< the last that was found to be its subject's
    bool has_text_elsewhere = false;         ///< of a provider: another hub judges its tokens
    uint64_t bytes_in = 0;
    uint64_t bytes_out = 0;
    uint64_t logged_errors = 0;
};

}  // namespace tandem::hub
