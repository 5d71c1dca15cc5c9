#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "auth/grant.hpp"
#include "base/limits.hpp"
#include "base/result.hpp"
#include "hub/config.hpp"
#include "hub/group.hpp"
#include "hub/presence.hpp"
#include "hub/text.hpp"
#include "hub/types.hpp"
#include "hub/unchanged_filter.hpp"
#include "hub/version_rows.hpp"
#include "port/store.hpp"
#include "record/document.hpp"

namespace tandem::hub {

struct Subscription;

/// Who waits for the outcome of a push: a connection's frame, or a request of the HTTP API.
struct AckTarget {
    ConnectionId connection = 0;
    uint64_t request = 0;
    uint64_t ref = 0;
    std::vector<std::string> ids;
    bool is_duplicate = false;
    /// Of an update of a text; nobody else is told of it then.
    TextReaderId reader = 0;
    uint32_t round = 0;
    uint32_t acks = 0;  ///< how many of what its provider counts are stored with it
    uint64_t arrived_ns = 0;
};

/// The digest of a push that skips its counter, in whatever form it came.
uint64_t skip_digest();
/// Why a push is refused whose counter stands for something else.
base::Error other_content(uint64_t stored_digest, uint64_t counter);

/// A state that a program writes as a whole, having read the one at `base` (kBaseIsHead: at the
/// head).
struct WholeWrite {
    base::Value state;
    record::Cursor base;
    bool is_conditional = false;
    std::string base_text;  ///< with `body`, tells a state that is written again
    std::string body;
    /// What the author had read, where that is not what the head shows.
    std::unique_ptr<record::Document> read;
};

/// A write that has been read but not yet sequenced.
struct PendingPush {
    AckTarget target;
    auth::GrantPtr by;   ///< null: anybody
    uint64_t actor = 0;  ///< 0: the server numbers it
    uint64_t counter = 0;
    clock::Stamp stamp;
    std::vector<record::Op> ops;
    base::Value ops_json;               ///< not null: ops still in JSON form
    base::Value base_json;              ///< base of JSON ops that have none of their own
    std::unique_ptr<WholeWrite> whole;  ///< not null: the ops are what it changes
    std::unique_ptr<TextWrite> text;    ///< not null: there are no ops
    std::vector<record::Path> if_unchanged;
    record::Cursor condition_base;  ///< of HTTP conditions; seq UINT64_MAX: from the ops
    uint64_t digest = 0;
    bool is_skip = false;
    std::string outcome_key;
    /// Not 0: of the pushes of one set, which stand in line together, none is written once one was
    /// refused.
    uint64_t set = 0;
};

/// Base of an op whose author gave none and so has seen the head.
inline constexpr uint64_t kBaseIsHead = UINT64_MAX;

/// Stands for the counter of a push that has none yet, in generations that it made itself.
inline constexpr uint64_t kCounterOfThisPush = UINT64_MAX;

/// What is too much for one entry is written in entries of this size; one op may exceed it.
inline constexpr size_t kPartBytes = 32 * base::kKiB;

/// The actor of writes that the server numbers itself.
inline constexpr uint64_t kHttpActor = 1;
/// Ids below are the server's own.
inline constexpr uint64_t kOutboxActorMin = 65'536;

/// An entry on its way to the disk.
struct Inflight {
    record::Entry entry;
    uint64_t digest = 0;
    uint32_t check = 0;
    std::string outcome_key;
    std::vector<AckTarget> targets;
    bool has_rest = false;  ///< what was written with it follows; one batch has all of it
    std::unique_ptr<TextWrite> text;
};

/// One channel of the hub: its committed state, what is on its way to the disk, and what those at
/// the head are sent. It keeps the rules of the log (docs/protocol.md, section 3.1).
class Channel {
  public:
    enum class State : uint8_t { loading, ready, broken };

    Channel(std::string name, uint32_t handle, const Namespace& ns, const Config& config);

    const std::string& name() const { return name_; }
    uint32_t handle() const { return handle_; }
    State state() const { return state_; }
    const Namespace& ns() const { return namespace_; }
    const record::Document& document() const { return document_; }
    uint64_t head() const { return head_; }
    uint64_t assigned() const { return assigned_; }
    uint32_t check() const { return check_; }
    uint64_t epoch() const { return epochs_.empty() ? 0 : epochs_.back().epoch; }
    uint64_t floor() const { return document_.floor(); }
    base::Error broken_by() const { return broken_by_; }

    /// Takes what the store had. On an error the channel is broken and refuses everything.
    [[nodiscard]] base::Result<void> handle_loaded(const port::Loaded& loaded, uint64_t new_epoch);
    void handle_load_failed(base::Error error);

    struct Taken {};  ///< sequenced; answered at the commit
    struct Duplicate {
        uint64_t seq = 0;
        uint64_t stamp_ms = 0;
    };                    ///< committed before
    struct Lookup {};     ///< an old duplicate: the log must be read
    struct Wait {};       ///< needs the state at the head: after the commit
    struct Unchanged {};  ///< a whole state, or an update of a text, that is there already
    struct Missing {};    ///< an update of a text that depends on what is not there
    struct Past {
        uint64_t seq = 0;
    };  ///< of a whole state: needs the record as it was at its base
    using Sequenced =
        std::variant<Taken, Duplicate, Lookup, Wait, Unchanged, Missing, Past, base::Error>;
    /// Decides a push under the channel's order. Taken pushes are moved from.
    Sequenced sequence(PendingPush& push, Now now);

    /// Appends a floor entry when the log has grown past its retention; true if it did.
    bool sequence_floor(Now now);

    bool has_unsent() const { return !unsent_.empty(); }
    bool has_inflight() const { return !unsent_.empty() || !sent_.empty(); }
    /// Moves up to `entries_max` entries into one batch for the store; more when they were written
    /// as one.
    port::ChannelAppend take_batch(size_t entries_max);
    /// The batch is on disk: call until `has_sent` is false. Each call applies one entry, in order,
    /// and gives it for publishing and acknowledging, while the state is exactly at its seq.
    bool has_sent() const { return !sent_.empty(); }
    Inflight commit_next();
    /// The batch is not on disk, nor will anything above it be: all that was in flight comes back.
    std::vector<Inflight> fail_batch();

    uint64_t acked_counter(uint64_t actor) const;
    /// Seq of the actor's newest entry; 0 when it has none.
    uint64_t acked_seq(uint64_t actor) const;
    const VersionRows& version_rows() const { return rows_; }

    enum class Resume : uint8_t { from_cursor, snapshot, reset };
    /// What a cursor that a client brings is worth.
    Resume judge(const wire::Subscribe& wanted) const;
    /// (seq after all forks) of a base; `base_in_future` when above what has been delivered.
    [[nodiscard]] base::Result<uint64_t> effective_base(const record::Cursor& base) const;
    /// True of a state that this log has no more: the channel was deleted since, or a restore of
    /// the store ended the history that had it. What has changed since then cannot be told.
    bool is_lost(const record::Cursor& base) const;

    /// `precondition_failed` when what is shown at or below `path` has changed since that state.
    [[nodiscard]] base::Result<void> check_unchanged(const record::Path& path,
                                                     const record::Cursor& since) const;

    [[nodiscard]] std::string encode_snapshot();
    uint64_t entries_since_snapshot() const { return head_ - snapshot_seq_; }
    uint64_t bytes_since_snapshot() const { return log_bytes_; }
    void note_snapshot(uint64_t seq);
    uint64_t oldest_seq() const { return oldest_seq_; }
    /// The lowest seq that the store still has in the log; 0: none.
    void note_oldest(uint64_t seq);
    bool is_snapshot_running = false;

    struct RefusedSet {
        uint64_t set = 0;
        base::Error error;
    };
    RefusedSet refused_set;           ///< the last one
    std::deque<PendingPush> waiting;  ///< until loaded, or until the commit of what is in flight
    std::vector<Subscription*> subscribers;
    Texts texts;
    /// Messages about texts that came before the channel was loaded.
    std::deque<std::pair<ConnectionId, TextMessage>> early_texts;
    size_t early_text_bytes = 0;
    /// Outboxes whose readers are told that the history they knew was deleted. They go on under
    /// another actor; what they had sent before they heard of it must not be logged as well.
    std::set<uint64_t> retired_actors;
    Presence presence;
    /// By the key of their selection. That of the whole record is always there.
    std::map<std::string, std::unique_ptr<Group>> groups;
    Group& whole() const { return *groups.begin()->second; }
    std::vector<std::string> keys_in_flight;  ///< Idempotency-Keys
    bool is_dirty = false;                    ///< listed for the next batch
    uint64_t idle_since_ms = 0;
    uint64_t lookups = 0;      ///< what the store is asked of it; it stays in memory meanwhile
    bool is_deleting = false;  ///< pushes wait for what comes after
    UnchangedFilter unchanged;

  private:
    /// Order of the lists that a push places items in, by the list's path.
    using Lists = std::map<std::string, std::vector<record::Document::ItemView>>;
    base::Result<void> convert_json(PendingPush& push, bool& needs_head);
    /// The seq of the state that the author of a whole one has read.
    [[nodiscard]] base::Result<uint64_t> seq_read(const WholeWrite& whole) const;
    base::Result<void> convert_whole(PendingPush& push) const;
    /// What the ops of a push have made of counters so far, by path.
    using Counters = std::map<std::string, record::CounterView>;
    /// What a push that is being converted sees of its own earlier ops.
    struct Sight {
        Lists lists;
        Counters counters;
        std::vector<std::string> removed;  ///< paths at and below which nothing was left
        bool needs_head = false;
    };
    record::CounterView& counter_in(Sight& sight, const record::Path& path) const;
    void see_counter(record::Op& op, Sight& sight) const;
    void note_counters(const record::Op& op, Sight& sight) const;
    base::Result<void> convert_json_op(const base::Value& json, const record::Cursor& base,
                                       size_t index, PendingPush& push, Sight& sight);
    base::Result<void> check_conditions(const PendingPush& push) const;
    base::Result<void> check_text_unchanged(const Text& text, const record::Cursor& since) const;
    bool has_changed(const record::Path& path, uint64_t seen, uint64_t actor) const;
    base::Result<void> fix_bases(PendingPush& push) const;
    Sequenced sequence_text(PendingPush& push, Now now);
    bool is_to_be_kept(const Text& text, uint64_t wall_ms) const;
    /// As a version, in the batch of what is about to change it.
    void keep_text(Text& text, port::StoredTextVersion::Kind kind, Now now);
    void append(PendingPush& push, Now now);
    /// A whole state that changes more than one entry may hold.
    void append_in_parts(PendingPush& push, Now now);
    void push_inflight(record::Entry entry, uint64_t digest, const std::string& outcome_key,
                       const AckTarget* target);
    void apply(const record::Entry& entry, uint64_t digest, uint32_t check);

    std::string name_;
    uint32_t handle_ = 0;
    const Namespace& namespace_;
    const Config& config_;
    State state_ = State::loading;
    base::Error broken_by_;

    record::Document document_;
    uint64_t head_ = 0;      ///< highest committed and applied
    uint64_t assigned_ = 0;  ///< highest given out
    uint32_t check_ = 0;
    uint32_t assigned_check_ = 0;
    uint64_t begin_ = 0;  ///< the record was empty here; not 0 after a deletion
    std::vector<port::EpochFork> epochs_;
    std::vector<port::EpochFork> new_epochs_;  ///< not yet on disk
    VersionRows rows_;
    struct AssignedRow {
        uint64_t counter = 0;
        uint64_t digest = 0;
    };
    std::map<uint64_t, AssignedRow> assigned_rows_;
    std::vector<port::StoredTextVersion> kept_texts_;  ///< for the next batch
    std::deque<Inflight> unsent_;
    std::deque<Inflight> sent_;
    std::deque<std::pair<uint64_t, uint32_t>> checks_;  ///< (seq, check) of the newest entries
    /// Who wrote where, of the newest entries.
    struct Written {
        uint64_t seq = 0;
        uint64_t actor = 0;
        std::vector<record::Path> paths;
    };
    std::deque<Written> recent_;
    size_t recent_paths_ = 0;
    uint64_t snapshot_seq_ = 0;
    uint64_t log_bytes_ = 0;
    uint64_t oldest_seq_ = 0;
};

/// The same, or null when it is loading or broken.
inline const Channel* ready(const Channel* channel) {
    return channel != nullptr && channel->state() == Channel::State::ready ? channel : nullptr;
}
/// Makes positions unique that the server gives; sorts by the op's place within its push first, so
/// that several "last" keep their order.
std::string position_tail(uint64_t seq, size_t index);
/// The record in a stored snapshot of a channel.
[[nodiscard]] base::Result<record::Document> document_in_snapshot(std::string_view snapshot);
/// The texts in one.
[[nodiscard]] base::Status load_texts_in_snapshot(std::string_view snapshot, Texts& texts);
/// The chained check of docs/protocol.md, section 3.1.
uint32_t next_check(uint32_t previous, uint64_t epoch, uint64_t digest);
/// First 8 bytes of the SHA-256 of a push's ops as sent.
uint64_t digest_of(std::string_view ops);

}  // namespace tandem::hub
