#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "gateway/client_link.hpp"
#include "gateway/event_stream.hpp"
#include "gateway/framed.hpp"
#include "gateway/loop_meters.hpp"
#include "hub/hub.hpp"
#include "net/reactor.hpp"

namespace tandem::gateway {

class ShardMember;

/// Runs a hub on a reactor: feeds it input and time, writes what it has to say as far as each
/// connection has room, and hands its work to the store once per turn. One per shard.
class HubHost final : private net::TurnEndHandler, private net::TurnOverHandler {
  public:
    /// Wall clock in milliseconds since the Unix epoch.
    using WallClock = std::function<uint64_t()>;
    using OnLog = std::function<void(const hub::LogLine&)>;
    using OnReply = std::function<void(hub::Reply&)>;

    HubHost(net::Reactor& reactor, const hub::Config& config, port::Store& store,
            port::Entropy& entropy, WallClock clock, OnLog on_log, hub::ShardPlace place = {});
    ~HubHost();

    /// Makes these, in the order of their places, one server. Before any of their reactors runs;
    /// none may go before all reactors have ended. A host that is alone needs no joining.
    static void join(std::span<HubHost* const> hosts);

    /// A client speaks to the hub from here on, until `detach`. The link is borrowed.
    hub::ConnectionId attach(ClientLink& link, const hub::ConnectionInfo& info);
    void detach(hub::ConnectionId id, hub::Hub::Farewell farewell);
    void on_message(hub::ConnectionId id, std::string_view message);
    void on_text(hub::ConnectionId id, hub::TextMessage message);
    void on_writable(hub::ConnectionId id);
    /// One was dropped, since it took nothing for too long.
    void note_stalled() { hub_.count_stalled(); }
    /// Somebody was not let in, since memory is short.
    void count_turned_away() { hub_.count_shed(); }
    /// The store has completions.
    void on_store_ready();

    /// To the stream of that key, on whichever shard it is. `on_posted` is called once, on this
    /// one, in this turn or a later one; it is copied, and may go on another shard's thread.
    void post_to_stream(std::string key, Post post, OnPosted on_posted);

    /// `on_reply` is called once, in this turn or a later one.
    void request(hub::Request request, OnReply on_reply);
    /// The sums of all joined hosts.
    void gather_stats(std::function<void(const hub::Stats&)> done);

    void begin_shutdown(uint64_t reconnect_after_ms);
    /// Memory is short, or is no more: the hub gives up what can be had again, and under critical
    /// pressure those connections are cut for which most is held, until that makes `bytes`. Called
    /// again as long as it is short.
    void relieve(hub::Pressure pressure, size_t bytes);
    [[nodiscard]] hub::Pressure pressure() const { return pressure_; }
    /// When the next who is not let in may come again, in ms; they differ, so that they do not come
    /// together.
    [[nodiscard]] uint64_t next_retry_ms();
    /// Tells a client of `tandem.v1` to come again later, and closes.
    void turn_away(net::WsConnection& socket, hub::Codec codec);

    /// Tokens were revoked, or keys taken away: closes the connections of this host that had them.
    void recheck_grants();
    /// Nothing waits for the store or for another host.
    [[nodiscard]] bool is_idle() const;
    [[nodiscard]] bool has_failed() const { return hub_.has_failed(); }
    [[nodiscard]] net::Reactor& reactor() { return reactor_; }

    [[nodiscard]] LoopMeters& meters() { return meters_; }
    [[nodiscard]] const LoopMeters& meters() const { return meters_; }
    /// At the end of this turn: the time since these came, and since then (0: nothing).
    void measure(const std::vector<hub::Acked>& acked, uint64_t committed_ns);

    // For the other parts of a server of several shards.
    /// Null when it is alone.
    [[nodiscard]] ShardMember* member() { return member_.get(); }
    void request_here(hub::Request request, OnReply on_reply);
    /// With what is held as of now.
    [[nodiscard]] hub::Stats stats();
    [[nodiscard]] StreamTable& streams() { return streams_; }
    [[nodiscard]] uint32_t shard() const { return place_.index; }
    [[nodiscard]] port::Entropy& entropy() { return entropy_; }
    /// What the connection may; null: it has shown no token.
    [[nodiscard]] auth::GrantPtr grant_of(hub::ConnectionId id) const { return hub_.grant_of(id); }
    [[nodiscard]] std::vector<hub::ConnectionRow> connection_rows() const {
        return hub_.connection_rows();
    }
    void refresh(hub::ChannelRow& row) const { hub_.refresh(row); }
    [[nodiscard]] const hub::Config& config() const { return config_; }
    [[nodiscard]] hub::Now now() const;
    void schedule_turn_end() { reactor_.schedule_turn_end(*this); }
    /// Called when channels have left memory.
    std::function<void()> on_evicted;
    /// Called when the store fails for good.
    std::function<void()> on_failure;
    /// Called at the end of a turn with what the hub has news of, when its config wants that.
    std::function<void(std::vector<hub::News>&)> on_news;

  private:
    struct Client {
        ClientLink* link = nullptr;
        FrameForm form;
        hub::Codec codec = hub::Codec::binary;
    };

    void on_turn_end() override;
    void on_turn_over(uint64_t now_ns) override;
    void take_times();
    void pump(hub::ConnectionId id, Client& client);
    void cut_holders(size_t bytes);
    [[nodiscard]] hub::FramePtr bye(hub::Codec codec);
    void close(hub::ConnectionId id, ClientLink& link) const;
    void arm_timer();

    net::Reactor& reactor_;
    port::Entropy& entropy_;
    WallClock clock_;
    mutable hub::Now now_;  ///< of this turn
    OnLog on_log_;
    const hub::Config& config_;
    hub::ShardPlace place_;
    hub::Hub hub_;
    std::unique_ptr<ShardMember> member_;
    net::Timer timer_;
    uint64_t armed_for_ms_ = UINT64_MAX;
    std::unordered_map<hub::ConnectionId, Client> clients_;
    StreamTable streams_;
    hub::ConnectionId next_connection_;
    std::unordered_map<uint64_t, OnReply> replies_;
    uint64_t next_request_ = 1;
    hub::Pressure pressure_ = hub::Pressure::none;
    uint32_t turned_away_ = 0;
    size_t requests_under_way_ = 0;  ///< of a joined host, to any
    std::vector<hub::ConnectionId> scratch_ids_;
    std::vector<hub::FramePtr> scratch_frames_;
    std::vector<hub::News> scratch_news_;
    std::vector<hub::Acked> scratch_acked_;
    std::vector<hub::Acked> acked_;  ///< to be measured when the turn is over
    uint64_t committed_ns_ = 0;
    LoopMeters meters_;
};

}  // namespace tandem::gateway
