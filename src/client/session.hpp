#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/basis.hpp"
#include "client/channel.hpp"
#include "client/edit.hpp"
#include "client/types.hpp"
#include "clock/hlc.hpp"
#include "wire/frames.hpp"

namespace tandem::client {

struct KeptView;

/// Until the server says how often it wants to hear of a client.
inline constexpr uint64_t kHeartbeatDefaultMs = 25'000;

/// A client of one server with one outbox, as a state machine: no socket, file, clock or
/// randomness.
///
/// The embedder dials when `want_connect` says so and reports handle_open / handle_close, feeds
/// whole binary messages to handle_bytes, calls handle_timeout at next_timeout, and after each call
/// takes what poll_store, poll_transmit and poll_event give until they are empty. Records of
/// poll_store are stored in order; with Persistence::confirmed their tickets are confirmed once
/// they are on disk.
class Session {
  public:
    explicit Session(Options options);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// A record that `poll_store` once gave. Only before `start`.
    [[nodiscard]] base::Result<void> restore(const StoreRecord& record);
    void start(Now now);
    /// Stays offline from now on; pending pushes stay stored.
    void stop(Now now);

    /// The token of the next `hello`; empty: none.
    void set_token(std::string token) { token_ = std::move(token); }
    /// Shows a fresh token on the connection that there is.
    void refresh(Now now, std::string token);

    void handle_open(Now now);
    /// `retry_after_ms`: what the server's refusal of the connection said; 0: nothing.
    void handle_close(Now now, uint64_t retry_after_ms = 0);
    void handle_bytes(Now now, std::string_view message);
    void handle_timeout(Now now);
    /// On the mono clock.
    std::optional<uint64_t> next_timeout() const;

    std::optional<std::string> poll_transmit(Now now);
    std::optional<Event> poll_event();
    std::optional<StoreRecord> poll_store();
    void confirm_persisted(Now now, uint64_t ticket);

    /// Follows the channel, or the selected part of it; again to follow another part.
    void subscribe(Now now, std::string_view channel, record::Selection select = {});
    /// Pushes that still wait are sent first.
    void unsubscribe(Now now, std::string_view channel);
    /// Changes what is followed of the channel. Until `ready` comes (again), the view shows what
    /// was selected before; offline that may be long. Refused by the server: event `error` with
    /// `bad_select`, and what was followed before goes on.
    void select(Now now, std::string_view channel, record::Selection select);
    /// Follows more of the channel. Fails with `bad_select` when the parts are too many.
    base::Result<void> load(Now now, std::string_view channel,
                            const std::vector<record::SelectedPart>& parts);
    /// What is followed, or will be.
    const record::Selection& selection(std::string_view channel);
    /// What the view is selected by now.
    const record::Selection& selection_in_force(std::string_view channel);
    /// The number of items of a list, also of those outside of its windows, with what is pending;
    /// 0 when the view has nothing of the list.
    uint64_t total(std::string_view channel, const record::Path& list);

    /// Shown at once, queued while offline. The ops' bases are set here, for good; those of more
    /// than is followed reach no further than what is shown.
    base::Result<PushId> push(Now now, std::string_view channel, std::vector<record::Op> ops,
                              PushOptions options = {});
    /// Ops on what the channel shows; give them to `push` before anything else happens.
    Edit edit(std::string_view channel);
    /// 0 when there is nothing to take back that still shows.
    PushId undo(Now now, std::string_view channel);
    PushId redo(Now now, std::string_view channel);
    bool can_undo(std::string_view channel) const;
    bool can_redo(std::string_view channel) const;
    /// Labels of the steps that would be taken back, and done again.
    std::string undo_label(std::string_view channel) const;
    std::string redo_label(std::string_view channel) const;

    /// confirmed ⊕ pending; borrowed until the next call.
    const record::View& view(std::string_view channel);
    const record::View& confirmed(std::string_view channel);
    Replica::Cursor cursor(std::string_view channel) const;
    /// What is seen by who reads the channel now.
    Seen seen(std::string_view channel);
    bool is_ready(std::string_view channel) const;
    const std::deque<Pending>& pending(std::string_view channel);
    SyncStatus status(Now now, std::string_view channel) const;
    Link link() const { return link_; }
    uint64_t actor(std::string_view channel) const;
    /// The server's clock as far as it is known, else the own.
    uint64_t server_time_ms(Now now) const;

    void set_presence(Now now, std::string_view channel, base::Value state);
    void leave_presence(Now now, std::string_view channel);
    const std::map<std::string, wire::Member>& members(std::string_view channel);
    std::string self(std::string_view channel) const;
    /// A message about a text (`TextReplica`), in as many frames as it takes; lost when offline.
    void send_text(wire::TextSend frame);
    /// What the server says of texts, once one was sent.
    std::optional<wire::TextReceived> poll_text();
    /// Lost when the channel is not being followed online.
    void send_signal(Now now, std::string_view channel, std::string_view name, base::Value value);

  private:
    using Channels = std::map<std::string, std::unique_ptr<Channel>, std::less<>>;

    Channel& channel_of(std::string_view name);
    const Channel* find(std::string_view name) const;
    base::Result<PushId> push_with_origin(Now now, Channel& channel, std::vector<record::Op> ops,
                                          PushOptions options, History::Origin origin);

    void receive(Now now, wire::Welcome& frame);
    void receive(Now now, wire::Subscribed& frame);
    void receive(Now now, wire::Delivery& frame);
    void receive(Now now, wire::Ack& frame);
    void receive(Now now, wire::ErrorFrame& frame);
    void receive(Now now, wire::Members& frame);
    void receive(Now now, wire::SignalReceived& frame);
    void receive(Now now, wire::Pong& frame);
    void receive(Now now, wire::Bye& frame);
    void receive(Now now, wire::TextReceived& frame);
    void refuse_push(Channel& channel, Pending& push, const wire::ErrorFrame& frame);
    void give_up(Channel& channel, Pending& push, const wire::ErrorFrame& frame);
    void refuse_channel(Now now, Channel& channel, const wire::ErrorFrame& frame);
    void mend_counter_gap(Now now, Channel& channel, const wire::ErrorFrame& frame);
    void follow_range(Channel& channel, const wire::Delivery& frame, bool had_cursor,
                      std::vector<record::Path>& touched);

    /// Drops the pushes up to `last` that the confirmed view holds.
    void drop_covered(Channel& channel, PushId last, uint64_t seq,
                      std::vector<record::Path>& touched);
    void drop_reached(Channel& channel, std::vector<record::Path>& touched);
    template <class IsDone>
    void drop_if(Channel& channel, uint64_t seq, std::vector<record::Path>& touched, IsDone done);
    void mark_acked(Channel& channel, Pending& push, uint64_t seq);
    void restart_outbox(Channel& channel, PushId first);
    void resend_from(Channel& channel, PushId id);
    void retry_later(Now now, Channel& channel, uint64_t retry_after_ms);
    void ask_again(Now now, Channel& channel);
    void assign_actor(Channel& channel);
    void forget_handle(Channel& channel);

    void lose_connection(Now now, uint64_t delay_ms);
    void close_transport(Now now, uint64_t delay_ms);
    void settle(Now now);
    void settle_subscription(Now now, Channel& channel);
    void report_status(Channel& channel);
    bool append_pushes(Now now, Channel& channel, std::string& message);
    bool may_push(Now now, const Channel& channel) const;
    wire::Push frame_of(Channel& channel, Pending& push) const;
    uint64_t ping_due_ms() const;
    void note_view_changed(Now now, Channel& channel);
    void keep_views(Now now);

    void store_state(Channel& channel);
    void store_push(Channel& channel, Pending& push);
    void store_removal(Channel& channel, PushId push);
    void store_session();
    void store_view(Channel& channel);
    void restore_view(Channel& channel, KeptView kept);
    bool is_durable(uint64_t ticket) const;

    Event& emit(EventKind kind, std::string_view channel);
    void emit_changed(Channel& channel, std::vector<record::Path> paths, bool is_whole);
    void emit_error(const wire::ErrorFrame& frame);
    uint64_t jitter(uint64_t low, uint64_t high) const;

    Options options_;
    std::string token_;
    Channels channels_;
    std::map<uint32_t, Channel*> handles_;
    std::deque<Event> events_;
    std::deque<wire::ClientFrame> out_;
    std::deque<wire::TextReceived> texts_;
    bool has_texts_ = false;
    std::deque<StoreRecord> records_;
    uint64_t last_ticket_ = 0;
    uint64_t handed_ticket_ = 0;
    uint64_t confirmed_ticket_ = 0;

    Link link_ = Link::offline;
    bool is_open_ = false;
    bool is_stopped_ = true;
    uint64_t actor_ = 0;
    bool has_asked_actor_ = false;
    size_t message_bytes_max_;
    uint64_t heartbeat_ms_ = 0;
    uint64_t hello_ms_ = 0;
    uint64_t welcome_ms_ = 0;
    uint64_t last_sent_ms_ = 0;
    uint64_t last_heard_ms_ = 0;
    std::optional<uint64_t> pong_deadline_ms_;
    std::optional<uint64_t> welcome_deadline_ms_;
    std::optional<uint64_t> dial_at_ms_;
    uint32_t failures_ = 0;
    std::optional<int64_t> server_minus_mono_ms_;
    clock::Hlc hlc_{0};
    record::View empty_view_;
};

}  // namespace tandem::client
