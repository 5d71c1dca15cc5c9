#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "hub/channel.hpp"
#include "hub/config.hpp"
#include "hub/connection.hpp"
#include "hub/pressure.hpp"
#include "hub/requests.hpp"
#include "hub/types.hpp"
#include "port/entropy.hpp"
#include "port/store.hpp"

namespace tandem::hub {

struct ConnectionInfo {
    /// The client of a guest speaks with another hub of this server, its home; here it has only
    /// what concerns the channels of this one.
    enum class Side : uint8_t { home, guest };

    Codec codec = Codec::binary;
    std::string remote;
    std::string subject = "anonymous";
    Side side = Side::home;
    uint64_t actor = 0;              ///< of a guest: `own_actor` of its home
    auth::GrantPtr grant = nullptr;  ///< of a token that came with the connection
    bool is_counted = false;         ///< held to the rates of a connection
};

/// Which of a server's hubs this is. Their channel handles differ, so that one client may have
/// channels of several.
struct ShardPlace {
    uint32_t index = 0;
    uint32_t count = 1;
};

class Lookback;
class TextPast;

/// Plain sums for metrics.
struct Stats {
    uint64_t connections = 0;
    uint64_t subscriptions = 0;
    uint64_t channels = 0;
    uint64_t damaged = 0;  ///< channels in memory whose stored log does not fit together
    uint64_t pushes = 0;
    uint64_t commits = 0;  ///< batches
    uint64_t entries = 0;  ///< entries committed
    uint64_t duplicates = 0;
    uint64_t refusals = 0;
    uint64_t rate_limited = 0;  ///< of them pushes that came too fast
    uint64_t deliveries_live = 0;
    uint64_t deliveries_diff = 0;
    uint64_t deliveries_snapshot = 0;
    uint64_t resets = 0;
    uint64_t alarms = 0;     ///< cursors that no honest client can hold
    uint64_t conflicts = 0;  ///< journal rows opened
    uint64_t bytes_in = 0;
    uint64_t bytes_out = 0;
    uint64_t snapshots = 0;
    uint64_t hashes = 0;        ///< SHA-256 computed for hashes of records
    uint64_t unchanged = 0;     ///< whole states that changed nothing
    uint64_t evicted = 0;       ///< channels that left memory, since nobody used them
    uint64_t text_readers = 0;  ///< cursors over texts; they count as subscriptions too
    uint64_t text_updates = 0;  ///< entries that changed a text
    uint64_t shed_readers = 0;  ///< closed because of `catch_up_bytes_max`
    // Of what carries the connections, which counts these itself.
    uint64_t streams = 0;              ///< connections without a WebSocket
    uint64_t stream_posts = 0;         ///< of theirs, taken
    uint64_t stream_repeats = 0;       ///< that came again, and were not taken again
    uint64_t stream_strays = 0;        ///< that named a stream which is not there
    uint64_t shed_connections = 0;     ///< closed, or not let in, since memory was short
    uint64_t stalled_connections = 0;  ///< closed, since they took nothing for too long
    HeldBytes held;                    ///< as of the last `count_held`
};

void add(Stats& sum, const Stats& more);

/// A line for the server's log; the hub itself writes nowhere.
struct LogLine {
    bool is_alarm = false;
    ConnectionId connection = 0;
    std::string text;
};

/// What somebody who follows all channels from outside is told; the rest is in the store.
struct News {
    std::string channel;
    bool has_entries = false;   ///< its log has grown, or it was deleted
    bool has_presence = false;  ///< its members have changed
};

/// The server of one shard as a state machine without I/O: bytes, time and completions come in,
/// messages and requests for the store come out. The caller, after any `handle_…`:
///   - takes `take_ready` and calls `poll_transmit` for each of these connections, now and again
///     whenever the connection's transport has room;
///   - calls `flush` once for all the input of a turn;
///   - takes `take_closing`, `poll_reply`, `poll_log`;
///   - arms a timer for `next_timeout`.
/// Not thread-safe; owned by one event loop.
class Hub {
  public:
    /// Borrows the store and the entropy, which must outlive it.
    Hub(const Config& config, port::Store& store, port::Entropy& entropy, ShardPlace place = {});
    ~Hub();
    Hub(const Hub&) = delete;
    Hub& operator=(const Hub&) = delete;

    void open(Now now, ConnectionId id, const ConnectionInfo& info);
    /// One whole message from the client. Bad input is answered with an `error` frame; only a
    /// message that does not decode at all makes the connection close.
    void handle_bytes(Now now, ConnectionId id, std::string_view message);
    /// One frame of a message that the caller has decoded.
    void handle_frame(Now now, ConnectionId id, wire::ClientFrame& frame);
    /// At a connection's home, before the push is handled wherever its channel is: whether it comes
    /// within the connection's rate. Otherwise it has been refused.
    [[nodiscard]] bool take_push(Now now, ConnectionId id, const wire::Push& push);
    /// Answers with an error frame.
    void refuse(Now now, ConnectionId id, base::Error error, std::string channel = {});
    void refuse(Now now, ConnectionId id, wire::RefusedFrame& frame);
    /// A message of y-protocols about a text; the first one begins to follow it.
    void handle_text(Now now, ConnectionId id, TextMessage message);
    void count_bytes_in(ConnectionId id, size_t bytes);
    /// Of a guest, whose home has taken a token.
    void set_grant(Now now, ConnectionId id, const auth::GrantPtr& grant);
    [[nodiscard]] auth::GrantPtr grant_of(ConnectionId id) const;
    /// Another hub has messages about texts from this connection, and judges its tokens.
    void note_elsewhere(ConnectionId id);
    /// After tokens were revoked or keys were taken away: closes what has lost its grant.
    void recheck_grants(Now now);
    /// Why a connection of `take_closing` is closed; none: it is too slow.
    [[nodiscard]] std::optional<base::ErrorCode> refusal_of(ConnectionId id) const;
    /// The actor of JSON pushes that carry a counter and no actor, issued on first use.
    uint64_t own_actor(ConnectionId id);
    enum class Farewell : uint8_t { clean, lost };
    void close(Now now, ConnectionId id, Farewell farewell);

    void handle_store(Now now);
    void handle_timeout(Now now);
    /// Hands what has been sequenced to the store, as one batch. Called once per turn of the event
    /// loop, after all its input, so that pushes which arrive together share a commit.
    void flush(Now now) { submit_batch(now); }
    /// Monotonic ms, UINT64_MAX for never.
    uint64_t next_timeout() const;

    /// Messages for a connection, about `budget_bytes` of them (one more may exceed it). True when
    /// there is more to send.
    bool poll_transmit(Now now, ConnectionId id, size_t budget_bytes, std::vector<FramePtr>& out);
    /// Connections that have something new to send since they were last emptied.
    void take_ready(std::vector<ConnectionId>& out);
    /// Connections to close once what `poll_transmit` gives is flushed.
    void take_closing(std::vector<ConnectionId>& out);
    bool has_closing() const { return !closing_.empty(); }
    bool poll_log(LogLine& out);
    /// The writes acknowledged since the last call whose arrival is known.
    void take_acked(std::vector<Acked>& out);
    /// When what was committed since the last call became durable, as the store told; 0: nothing.
    uint64_t take_committed_ns() { return std::exchange(committed_ns_, 0); }
    /// Channels of which there is news since the last call; none unless the config wants them.
    void take_news(std::vector<News>& out);

    /// Requests of the HTTP API and the command line; answered through `poll_reply`.
    void request(Now now, uint64_t id, Request request);
    bool poll_reply(Reply& out);

    /// Tells every client to come back in `reconnect_after_ms`; no new pushes are taken. The shard
    /// may stop once `is_idle`.
    void begin_shutdown(Now now, uint64_t reconnect_after_ms);
    /// Gives up what can be had again, and goes on to do so until it is told otherwise; under
    /// critical pressure loads and writes are refused for a while.
    void relieve(Now now, Pressure pressure);
    /// What is held for one connection alone.
    [[nodiscard]] size_t held_bytes(ConnectionId id) const;
    /// Those for whom at least so much is held, in no order.
    void find_holders(size_t bytes_min, std::vector<std::pair<size_t, ConnectionId>>& out) const;
    /// Closes it, as one that is too slow.
    void shed(Now now, ConnectionId id);
    void count_shed() { stats_.shed_connections++; }
    void count_stalled() { stats_.stalled_connections++; }
    /// Brings `held` of the stats up to date.
    void count_held();

    /// Nothing waits for the store.
    bool is_idle() const;
    /// The store has failed for good: the process must stop.
    bool has_failed() const { return failed_; }

    const Stats& stats() const { return stats_; }
    /// In the order of their ids.
    std::vector<ConnectionRow> connection_rows() const;
    /// Puts what is in memory over what the store knows.
    void refresh(ChannelRow& row) const;
    /// For tests and the simulator; null when it is not in memory. Borrowed.
    const Channel* find_channel(std::string_view name) const;

  private:
    struct Waiting;

    // hub_frames.cpp
    void handle_frame(Now now, Connection& connection, wire::ClientFrame& frame);
    [[nodiscard]] bool take_push(Now now, Connection& connection, const wire::Push& push);
    void handle(Now now, Connection& connection, wire::Hello& frame);
    void handle(Now now, Connection& connection, wire::Subscribe& frame);
    void handle(Now now, Connection& connection, wire::Unsubscribe& frame);
    void handle(Now now, Connection& connection, wire::Push& frame);
    void handle(Now now, Connection& connection, wire::PresenceSet& frame);
    void handle(Now now, Connection& connection, wire::SignalSend& frame);
    void handle(Now now, Connection& connection, wire::Ping& frame);
    void handle(Now now, Connection& connection, wire::TextSend& frame);
    void send(Connection& connection, const wire::ServerFrame& frame);
    void send_shared(Connection& connection, FramePtr frame);
    void close_slow(Connection& connection);
    void send_error(Connection& connection, base::Error error, wire::ErrorFrame frame);
    /// When the same may succeed; 0: never.
    static uint64_t retry_after_ms(base::Error error);
    void log_refusal(Connection& connection, base::ErrorCode code, const std::string& channel);
    uint64_t new_actor();
    uint64_t actor_of(Connection& connection);
    void drop_subscription(Now now, Subscription& subscription, Farewell farewell);
    void leave(Now now, Subscription& subscription, Farewell farewell);

    // hub_auth.cpp
    [[nodiscard]] bool needs_token() const;
    [[nodiscard]] auth::Capabilities rights_of(const auth::GrantPtr& grant,
                                               std::string_view channel) const;
    [[nodiscard]] static base::Error lack_of(const auth::GrantPtr& grant);
    [[nodiscard]] bool owns_actor(const Connection& connection, uint64_t actor) const;
    [[nodiscard]] bool may_push_as(Connection& connection, uint64_t actor) const;
    void arm_deadline(const Connection& connection, uint64_t in_ms);
    void arm_expiry(const Connection& connection, const auth::GrantPtr& grant);
    void admit(Connection& connection, const auth::GrantPtr& grant);
    [[nodiscard]] base::Status take_token(Now now, Connection& connection, std::string_view token);
    void replace_grant(Now now, Connection& connection, const auth::GrantPtr& grant);
    static void set_rights(TextReader& reader, auth::Capabilities rights);
    void note_bytes_in(Connection& connection, size_t bytes);
    void refuse_connection(Now now, Connection& connection, base::Error error);
    void drop_readers(Now now, Connection& connection, base::ErrorCode code,
                      bool (*is_over)(const Hub&, const auth::GrantPtr&));
    void check_deadline(Now now, Connection& connection);
    void handle_deadlines(Now now);

    // hub.cpp
    Channel* channel_for(Now now, std::string_view name, base::Error& error);
    void enqueue_push(Now now, Channel& channel, PendingPush push);
    void place_push(Now now, Channel& channel, PendingPush push);
    void refuse_push(Channel& channel, const PendingPush& push, base::Error error);
    void refuse_waiting(Channel& channel, base::Error error);
    void refuse_inflight(Channel& channel, base::Error error);
    bool try_push(Now now, Channel& channel, PendingPush& push);
    void drain_waiting(Now now, Channel& channel);
    enum class Outcome : uint8_t { stored, repeated, unchanged };
    static Outcome outcome_of(const AckTarget& target) {
        return target.is_duplicate ? Outcome::repeated : Outcome::stored;
    }
    void answer_ack(const Channel& channel, const AckTarget& target, uint64_t actor,
                    uint64_t counter, uint64_t seq, const clock::Stamp& stamp, Outcome outcome);
    void note_acked(const AckTarget& target);
    void answer_refusal(const Channel& channel, const AckTarget& target, uint64_t actor,
                        uint64_t counter, base::Error error);
    void mark_dirty(Channel& channel);
    void note_entries(const std::string& channel);
    void note_presence(const Channel& channel);
    void submit_batch(Now now);
    void handle_appended(Now now, const std::vector<std::string>& channels);
    void handle_append_failed(Now now, const std::vector<std::string>& channels, base::Error error);
    void activate(Subscription& subscription);
    void wake(Connection& connection);
    void fail(base::Error error);
    port::Ticket submit(port::StoreRequest request, Waiting waiting);

    // hub_channels.cpp
    void handle_loaded(Now now, Channel& channel, base::Result<port::StoreReply>& reply);
    void drop_broken(Channel& channel);
    void maybe_snapshot(Channel& channel, bool force);
    void evict_cold(Now now);

    // publish.cpp
    void publish(Channel& channel, const Inflight& item);
    void publish(Channel& channel, Group& group, const Inflight& item,
                 std::vector<record::Change> changes);
    std::vector<record::Change> changes_of(Channel& channel, Group& group, uint64_t seq);
    bool transmit(Subscription& subscription, size_t budget, size_t& used,
                  std::vector<FramePtr>& out);
    bool has_more(const Subscription& subscription) const;
    void begin_replay(Subscription& subscription);
    void continue_replay(Subscription& subscription, const port::EntriesRead& read);
    void transmit_members(Subscription& subscription, size_t& used, std::vector<FramePtr>& out);

    // hub_texts.cpp
    void route_text(Now now, Connection& connection, TextMessage message);
    static TextReader* find_text_reader(Connection& connection, const TextMessage& message);
    TextReader* find_text_reader(TextReaderId id) const;
    /// The one that there is, or a new one.
    TextReader* text_reader(Connection& connection, Channel& channel, const TextMessage& message,
                            base::Error& error, const auth::GrantPtr& grant = nullptr);
    void take_text(Now now, Connection& connection, Channel& channel, const TextMessage& message);
    void take_yjs(Now now, TextReader& reader, const yjs::Message& message, uint64_t ref);
    void take_sync(Now now, TextReader& reader, yjs::SyncStep step, std::string_view body,
                   uint64_t ref = 0);
    void take_update(Now now, TextReader& reader, yjs::SyncStep step, std::string_view update,
                     uint64_t ref);
    void take_awareness(TextReader& reader, std::string_view body);
    void refuse_text(TextReader& reader, base::Error error, uint64_t ref = 0);
    void refuse_text(Connection& connection, const TextMessage& message, base::Error error);
    /// It is on disk, in that entry or before.
    void answer_text(const AckTarget& target, uint64_t seq);
    void answer_text(const AckTarget& target, base::Error error);
    void take_early_texts(Now now, Channel& channel);
    void ask_for_missing(Channel& channel, const TextWrite& write, const AckTarget& target);
    void publish_text(Channel& channel, const Inflight& item);
    bool transmit_text(TextReader& reader, size_t budget, size_t& used,
                       std::vector<FramePtr>& out) const;
    /// As an answer, ahead of what the reader is behind with.
    void send_message(TextReader& reader, std::string message);
    /// The message as the reader's connection speaks.
    static FramePtr as_spoken(const TextReader& reader, FramePtr message);
    void forget_text_reader(TextReader& reader);
    void drop_text_reader(Now now, TextReader& reader);
    /// Of a channel that is about to go; their connections are closed, unless they can be told.
    void close_text_readers(Channel& channel, std::string_view reason);

    // hub_text_frames.cpp
    void leave_text(Now now, Connection& connection, const TextMessage& message);
    /// Of tandem.v1.
    void refuse_text_frame(Connection& connection, const std::string& channel,
                           const std::string& name, uint64_t ref, base::Error error);
    void send_text_frame(const TextReader& reader, wire::TextReceived frame);

    // hub_hocuspocus.cpp
    void take_hocuspocus(Now now, Connection& connection, Channel& channel,
                         const TextMessage& message);
    void take_stateless(TextReader& from, std::string_view payload, bool is_for_all);
    void take_owed(PendingPush& push);
    void owe(const AckTarget& target);
    static bool transmit_status(TextReader& reader, size_t budget, size_t& used,
                                std::vector<FramePtr>& out);

    // catch_up.cpp
    void begin_snapshot(Subscription& subscription);
    void begin_diff(Subscription& subscription);
    /// False while another channel of the connection is in the middle of a catch-up.
    bool may_begin(const Subscription& subscription);
    void begin_catch_up(Subscription& subscription, CatchUpPtr catch_up);
    void send_shared_catch_up(Subscription& subscription, wire::Delivery head, CatchUpPtr kept,
                              const std::vector<record::Change>& changes);
    CatchUpPtr find_kept(const Subscription& subscription, bool is_snapshot, uint64_t from) const;
    FramePtr next_chunk(Subscription& subscription);
    FramePtr own_chunk(const Subscription& subscription) const;
    /// Counts it as long as it exists; may close readers that hold older ones.
    CatchUpPtr hold(std::shared_ptr<CatchUp> made);
    void shed_catch_ups(uint64_t newest);
    void join_group(Subscription& subscription, record::Selection selection);
    static void leave_group(const Subscription& subscription, Group& group);
    [[nodiscard]] static base::Result<record::Selection> read_selection(
        Codec codec, const std::vector<wire::Selection>& parts);

    // hub_requests.cpp
    void handle_request(Now now, uint64_t id, GetRecord& request);
    void handle_request(Now now, uint64_t id, WriteRecord& request);
    void handle_request(Now now, uint64_t id, ListChannels& request);
    void handle_request(Now now, uint64_t id, DeleteChannel& request);
    void handle_request(Now now, uint64_t id, ReadEntries& request);
    void handle_request(Now now, uint64_t id, ReadConflicts& request);
    void handle_request(Now now, uint64_t id, ReadJournal& request);
    void handle_request(Now now, uint64_t id, ReadPresence& request);
    void handle_request(Now now, uint64_t id, ListConnections& request);
    void handle_request(Now now, uint64_t id, ReplaceRecord& request);
    void handle_request(Now now, uint64_t id, ReadHashes& request);
    /// Counts what computing it takes.
    std::string hash_of(const Channel& channel);
    /// Not when a push of that Idempotency-Key (empty: none) is known or under way.
    void enqueue_once(Now now, Channel& channel, PendingPush push, const std::string& key);
    // hub_text_requests.cpp
    void handle_request(Now now, uint64_t id, ListTexts& request);
    void handle_request(Now now, uint64_t id, ReadText& request);
    void handle_request(Now now, uint64_t id, EditText& request);
    // hub_text_versions.cpp
    void handle_request(Now now, uint64_t id, ListTextVersions& request);
    void handle_request(Now now, uint64_t id, SaveTextVersion& request);
    void handle_request(Now now, uint64_t id, DeleteTextVersion& request);
    void handle_request(Now now, uint64_t id, ReadTextChanges& request);
    void handle_request(Now now, uint64_t id, RestoreText& request);
    /// Answers a request about a text as it was at some moments, or asks the store first.
    void look_at_text(Now now, uint64_t id, Channel& channel, const std::string& name,
                      std::vector<TextMoment> moments, Request request);
    void answer_text_past(Now now, uint64_t id, const Request& request, const TextPast& past);
    void show_past_text(uint64_t id, const Channel& channel, const ReadText& request,
                        const TextPast& past);
    void put_text_version(Now now, uint64_t id, const SaveTextVersion& request,
                          const TextPast& past);
    void reply_text_changes(uint64_t id, const Channel& channel, const TextPast& past);
    void restore_text(Now now, uint64_t id, Channel& channel, const RestoreText& request,
                      const TextPast& past);
    static std::string text_versions_json(const port::TextVersions& versions);
    uint64_t client_of_author(Text& text, const std::string& author);
    void show_author(const Channel& channel, Text& text, const TextEdit& edit);
    void drop_authors(Now now);
    // hub_lookback.cpp
    void handle_request(Now now, uint64_t id, ReadChanges& request);
    void handle_request(Now now, uint64_t id, SaveVersion& request);
    void handle_request(Now now, uint64_t id, ListVersions& request);
    void handle_request(Now now, uint64_t id, DeleteVersion& request);
    void handle_request(Now now, uint64_t id, RestoreRecord& request);
    void handle_request(Now now, uint64_t id, DecideConflict& request);
    void look_back(uint64_t id, const Channel& channel, Request request);
    /// For a whole state: the record as it was at the base.
    void look_back(Channel& channel, PendingPush push, uint64_t seq);
    void finish_lookback(Now now, Lookback& lookback, PendingPush push, base::Status status);
    void start_lookbacks();
    void continue_lookback(Now now, Waiting& waiting, base::Result<port::StoreReply>& reply);
    void finish_lookback(Now now, Lookback& lookback);
    void refuse_lookback(const Lookback& lookback, base::Error error);
    struct Span {
        uint64_t from = 0;
        uint64_t to = 0;
    };
    void reply_changes(uint64_t id, const Channel& channel, Span span, std::string_view rows,
                       uint64_t next);
    void put_version(Now now, uint64_t id, const Channel& channel, const std::string& name,
                     const record::Document& document);
    void restore_record(Now now, uint64_t id, const RestoreRecord& request,
                        const record::Document& then);
    void answer_versions(const Waiting& waiting, base::Result<port::StoreReply>& reply);
    void reply(uint64_t id, base::Error error, std::string channel = {});
    void reply(uint64_t id, std::string json, const Channel* channel = nullptr);
    void reply_listed(uint64_t id, const port::Listed& listed);
    void when_ready(Now now, uint64_t id, const std::string& channel, Request request);
    void answer_record(uint64_t id, const Channel& channel, const record::Document& document,
                       const GetRecord& request);
    void handle_deleted(Now now, const std::string& name);

    const Config& config_;
    port::Store& store_;
    port::Entropy& entropy_;
    ShardPlace place_;
    Now now_;
    std::unordered_map<ConnectionId, std::unique_ptr<Connection>> connections_;
    /// Before the channels, whose texts take their leave of it.
    std::unique_ptr<HotTexts> hot_texts_;
    std::map<std::string, std::unique_ptr<Channel>, std::less<>> channels_;
    uint32_t next_handle_;
    std::vector<ConnectionId> ready_;
    std::vector<ConnectionId> closing_;
    std::shared_ptr<size_t> catch_up_bytes_ = std::make_shared<size_t>(0);
    uint64_t next_catch_up_ = 1;
    std::unordered_map<TextReaderId, TextReader*> text_readers_;
    TextReaderId next_text_reader_ = 1;
    std::vector<Acked> acked_;
    uint64_t committed_ns_ = 0;
    std::deque<LogLine> log_;
    std::map<std::string, News, std::less<>> news_;
    std::deque<Reply> replies_;
    std::vector<Channel*> dirty_;
    bool is_append_running_ = false;
    bool failed_ = false;
    Pressure pressure_ = Pressure::none;
    bool is_stopping_ = false;
    port::Ticket next_ticket_ = 1;

    /// What a completion is for.
    struct Waiting {
        enum class Kind : uint8_t {
            load,
            append,
            snapshot,
            read,
            find,
            outcome,
            list,
            remove,
            look,      ///< `request` is the id of a Lookback
            versions,  ///< what is stored of versions, or their list
        };
        Kind kind = Kind::load;
        std::string channel;
        std::vector<std::string> channels;  ///< append
        ConnectionId connection = 0;        ///< read
        uint64_t request = 0;
        uint64_t seq = 0;  ///< snapshot
        uint64_t through = 0;
        std::unique_ptr<PendingPush> push;  ///< find, outcome

        /// Something is to be done with the channel when the answer comes.
        bool is_lookup() const {
            return kind == Kind::find || kind == Kind::outcome || kind == Kind::read ||
                   kind == Kind::remove || kind == Kind::look || kind == Kind::versions;
        }
    };
    std::unordered_map<port::Ticket, Waiting> waiting_;
    /// Looks into the past, by their ids; those that have not begun yet stand in line.
    std::map<uint64_t, std::unique_ptr<Lookback>> lookbacks_;
    std::deque<uint64_t> lookbacks_in_line_;
    uint64_t next_lookback_ = 1;
    std::multimap<std::string, std::pair<uint64_t, Request>, std::less<>> requests_waiting_;
    std::vector<std::pair<std::string, Inflight>> planted_;  ///< PlantedBug::apply_before_commit
    uint64_t next_sweep_ms_ = 0;
    /// When members whose connections were lost leave, and on which channel.
    std::set<std::pair<uint64_t, std::string>> departures_;
    /// When to look at a connection's tokens again.
    std::set<std::pair<uint64_t, ConnectionId>> deadlines_;
    /// The same for authors of texts.
    std::set<std::pair<uint64_t, std::string>> author_departures_;
    Stats stats_;
};

}  // namespace tandem::hub
