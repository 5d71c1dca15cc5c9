#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "gateway/client_link.hpp"
#include "gateway/shard_messages.hpp"
#include "hub/hub.hpp"
#include "net/reactor.hpp"

namespace tandem::gateway {

class HubHost;

/// One shard's part in a server of several. Every channel is owned by the shard that the hash of
/// its name gives, every connection is at home where it was accepted. The home decodes messages
/// and hands each frame to the owner of its channel; the owner keeps the connection's cursors and
/// sends frames, ready for the socket, back through the home. Nothing else is shared: shards talk
/// in batches, one for each other shard at the end of a turn.
///
/// Frames of one connection about one channel keep their order, both ways. Two windows bound what
/// is under way: of input, per pair of shards, past which connections that have more are no
/// longer read; and of output, per connection and owner, past which its cursors stay where they
/// are. So a slow reader costs the same as on a single shard, once per owner.
///
/// Belongs to the thread of its host, but for `meet`.
class ShardMember {
  public:
    static constexpr uint32_t kShardsMax = 64;

    ShardMember(HubHost& host, hub::Hub& hub, const hub::Config& config, hub::ShardPlace place);

    /// Before any shard runs; once for each of the others and for itself.
    void meet(uint32_t shard, net::Reactor& reactor, HubHost& host, ShardMember& member);

    [[nodiscard]] uint32_t index() const { return place_.index; }
    [[nodiscard]] uint32_t count() const { return place_.count; }
    [[nodiscard]] uint32_t owner_of(std::string_view channel) const;
    /// Runs the task on that shard's thread: at once if it is this one, else in a later turn.
    void run_on(uint32_t shard, std::function<void(HubHost&)> task);

    // As the home of connections.
    void attach(hub::ConnectionId id, ClientLink& link, const hub::ConnectionInfo& info);
    void detach(hub::ConnectionId id, hub::Hub::Farewell farewell);
    void on_message(hub::ConnectionId id, std::string_view message);
    void on_text(hub::ConnectionId id, hub::TextMessage message);
    /// The link's queue has drained.
    void on_writable(hub::ConnectionId id);

    // As the owner of channels. Ids that are no guests are ignored.
    void pump(hub::ConnectionId id);
    void close_guest(hub::ConnectionId id);

    /// Of an answer that goes to the connection's home with this turn's batch; false: it does not.
    [[nodiscard]] bool pass_on(const hub::Acked& acked);
    /// What is on its way to others is of a commit that was durable then.
    void note_committed(uint64_t committed_ns);
    /// Sends what has gathered. At the end of every turn.
    void flush();
    /// The other shards have handled all that they were sent.
    [[nodiscard]] bool is_idle() const;
    [[nodiscard]] size_t guest_count() const { return guests_.size(); }

  private:
    struct Peer {
        net::Reactor* reactor = nullptr;
        HubHost* host = nullptr;
        ShardMember* member = nullptr;
        ShardBatch batch;
        // GuestFrames sent and not yet handled.
        size_t events_under_way = 0;
        size_t bytes_under_way = 0;
    };
    /// A shard where a connection is a guest.
    struct Visit {
        uint32_t shard = 0;
        size_t owed_bytes = 0;  ///< received, and not given back as credit
    };
    struct Home {
        ClientLink* link = nullptr;
        hub::ConnectionInfo info;
        std::vector<Visit> visits;
        std::unordered_set<std::string> followed;  ///< channels of all shards
        bool is_stalled = false;                   ///< not read until the input window opens
    };
    struct Guest {
        uint32_t home = 0;
        FrameForm form;
        int64_t credit_bytes = 0;  ///< one frame may overdraw it
        bool has_more = false;     ///< waits for credit
    };

    // Home.
    [[nodiscard]] bool may_follow(Home& home, const wire::ClientFrame& frame);
    void pass_on_grant(Home& home, hub::ConnectionId id);
    void visit(Home& home, hub::ConnectionId id, uint32_t owner);
    void forward(Home& home, hub::ConnectionId id, uint32_t owner, wire::ClientFrame frame,
                 size_t bytes);
    void stall_if_full(Home& home, hub::ConnectionId id);
    void resume_stalled();
    void deliver(uint32_t owner, GuestOutput& output);
    void give_back(Visit& visit, hub::ConnectionId id);
    // Owner.
    void receive(uint32_t source, ShardBatch& batch);
    void handle(uint32_t source, GuestOpen& input);
    void handle(uint32_t source, GuestFrames& input);
    void handle(uint32_t source, GuestText& input);
    void handle(uint32_t source, GuestCredit& input);
    void handle(uint32_t source, GuestGrant& input);
    void handle(uint32_t source, GuestClose& input);
    void pump(hub::ConnectionId id, Guest& guest);

    HubHost& host_;
    hub::Hub& hub_;
    const hub::Config& config_;
    hub::ShardPlace place_;
    size_t window_bytes_;
    std::vector<Peer> peers_;
    std::unordered_map<hub::ConnectionId, Home> homes_;
    std::unordered_map<hub::ConnectionId, Guest> guests_;
    std::vector<hub::ConnectionId> stalled_;
    std::vector<wire::ReceivedFrame> scratch_input_;
    std::vector<hub::FramePtr> scratch_frames_;
};

}  // namespace tandem::gateway
