#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "port/hooks.hpp"

namespace tandem::port {

/// Names a request until its completion comes. Given by the caller, never 0.
using Ticket = uint64_t;

/// One log entry at rest. `body` is opaque to the store.
struct StoredEntry {
    uint64_t seq = 0;
    uint64_t actor = 0;
    uint64_t counter = 0;
    uint64_t stamp_ms = 0;
    uint32_t stamp_logical = 0;
    uint64_t stamp_actor = 0;
    bool own = true;
    uint64_t floor = 0;    ///< not 0: an entry that moves the floor
    uint64_t wall_ms = 0;  ///< the server's clock at the append
    uint64_t digest = 0;
    uint32_t check = 0;  ///< chained check at this entry
    std::string body;
};

/// (epoch, fork_seq): entries above fork_seq up to the next fork belong to that epoch.
struct EpochFork {
    uint64_t epoch = 0;
    uint64_t fork_seq = 0;
};

struct Outcome {
    std::string key;  ///< Idempotency-Key, unique per channel
    uint64_t digest = 0;
    uint64_t seq = 0;
    uint64_t expires_ms = 0;
};

/// A state of a text that is kept: somebody named it, or it is one of those that are kept by
/// themselves and thinned out with age.
struct StoredTextVersion {
    enum class Kind : uint8_t { named = 0, automatic = 1, before_restore = 2 };
    std::string text;
    std::string name;  ///< empty unless it is named
    Kind kind = Kind::automatic;
    uint64_t seq = 0;         ///< the entry that made the text so
    uint64_t changed_ms = 0;  ///< when that was
    uint64_t created_ms = 0;
    uint64_t bytes = 0;  ///< of the body, also where that is left out
    std::string body;
};
/// How many versions of one text are kept. Of those without a name the oldest go first.
struct TextVersionLimits {
    uint32_t named_max = 100;
    uint32_t automatic_max = 1'000;
    uint64_t bytes_max = uint64_t{256} << 20;  ///< of all of a text
    // By the age of what changed: one in so much time up to an age, one an hour up to the next,
    // then one a day.
    uint64_t every_ms = 600'000;
    uint64_t all_ms = 86'400'000;
    uint64_t hourly_ms = 604'800'000;
};

/// What one batch does to one channel. `seq` of entries must continue the channel's head.
struct ChannelAppend {
    std::string channel;
    /// Rows to add, at the head that the entries continue. The first append of a channel brings
    /// one, and so does the first after its deletion, with an epoch that the channel never had.
    std::vector<EpochFork> new_epochs;
    std::vector<StoredEntry> entries;
    std::vector<Outcome> outcomes;
    /// Automatic ones, to be kept as far as the limits allow.
    std::vector<StoredTextVersion> text_versions = {};
    TextVersionLimits text_version_limits = {};
};

struct LoadRequest {
    std::string channel;
};
/// All of the batch or nothing, durable when the completion says so.
struct AppendRequest {
    std::vector<ChannelAppend> channels;
};
struct SnapshotRequest {
    std::string channel;
    uint64_t seq = 0;
    std::string body;
    uint64_t trim_through = 0;  ///< entries with seq <= this (and <= seq) are deleted too; 0: none
    /// So many older snapshots are kept at most, spread over the log, so that the state at any seq
    /// is near one. The log is then trimmed only below one of them. 0: none is kept.
    uint32_t states_max = 0;
    uint64_t states_every = 1;  ///< least distance in seqs of those that are kept
};
struct ReadRequest {
    std::string channel;
    uint64_t after = 0;      ///< entries with seq > after
    uint64_t through = 0;    ///< and <= through
    uint32_t limit = 0;      ///< 0: none
    uint64_t bytes_max = 0;  ///< of bodies; 0: none. One entry is given in any case
};
struct FindRequest {
    std::string channel;
    uint64_t actor = 0;
    uint64_t counter = 0;
};
struct FindOutcomeRequest {
    std::string channel;
    std::string key;
    uint64_t now_ms = 0;
};
struct ListRequest {
    std::string after;  ///< names above this one, in byte order
    std::string prefix;
    uint32_t limit = 100;
};
struct DeleteRequest {
    /// Its head and epochs stay: a channel of this name that is used again continues above the
    /// head.
    std::string channel;
};
/// The state from which that at `at` is had by replaying what follows it.
struct StateRequest {
    std::string channel;
    uint64_t at = 0;
};
/// A state that somebody gave a name. It stays until it is deleted, or its channel is.
struct StoredVersion {
    std::string name;
    uint64_t seq = 0;
    uint64_t created_ms = 0;
    uint64_t bytes = 0;  ///< of the body, also where that is left out
    std::string body;
};
struct PutVersionRequest {
    std::string channel;
    StoredVersion version;
    uint32_t versions_max = 100;  ///< of the channel
};
struct VersionsRequest {
    std::string channel;
};
struct FindVersionRequest {
    std::string channel;
    std::string name;
};
struct DeleteVersionRequest {
    std::string channel;
    std::string name;
};
/// Errors: `too_large` (the detail is `bytes_max`) when the named ones leave no room for it.
struct PutTextVersionRequest {
    std::string channel;
    StoredTextVersion version;
    TextVersionLimits limits;
};
struct TextVersionsRequest {
    std::string channel;
    std::string text;
};
/// The one of that name; without a name the one that is the text as of `at`, if one was kept.
struct FindTextVersionRequest {
    std::string channel;
    std::string text;
    std::string name;
    uint64_t at = 0;
};
/// The one of that name; without a name the automatic one of `at`.
struct DeleteTextVersionRequest {
    std::string channel;
    std::string text;
    std::string name;
    uint64_t at = 0;
};
using StoreRequest =
    std::variant<LoadRequest, AppendRequest, SnapshotRequest, ReadRequest, FindRequest,
                 FindOutcomeRequest, ListRequest, DeleteRequest, StateRequest, PutVersionRequest,
                 VersionsRequest, FindVersionRequest, DeleteVersionRequest, HooksRequest,
                 SaveHooksRequest, HookLagRequest, HookFeedRequest, PutTextVersionRequest,
                 TextVersionsRequest, FindTextVersionRequest, DeleteTextVersionRequest>;

struct Loaded {
    bool exists = false;  ///< false also for a deleted channel, which has a head and epochs
    uint64_t head = 0;
    /// The seq below `entries`. Without a snapshot the state there is empty: 0, or the head at
    /// which the channel was deleted.
    uint64_t snapshot_seq = 0;
    std::string snapshot;              ///< empty: none
    std::vector<StoredEntry> entries;  ///< all above snapshot_seq, in order
    std::vector<EpochFork> epochs;     ///< in order
    uint64_t store_epoch = 0;          ///< epoch for channels that have none yet
    uint64_t oldest_seq = 0;           ///< lowest seq still in the log; 0: none
    uint64_t begin_seq = 0;  ///< at which the record was empty: 0, or the head at its deletion
};
struct Appended {};
struct SnapshotSaved {
    uint64_t oldest_seq = 0;  ///< lowest seq still in the log; 0: none
};
struct EntriesRead {
    std::vector<StoredEntry> entries;  ///< contiguous from after+1, or empty when trimmed
    uint64_t oldest_seq = 0;
};
struct Found {
    bool exists = false;
    StoredEntry entry;  ///< body may be empty
};
struct OutcomeFound {
    bool exists = false;
    Outcome outcome;
};
struct ChannelInfo {
    std::string name;
    uint64_t head = 0;
    uint64_t floor = 0;
    uint64_t bytes = 0;  ///< rough, of its log and snapshot
    uint64_t changed_ms = 0;
};
struct Listed {
    std::vector<ChannelInfo> channels;
    bool more = false;
};
struct Deleted {
    bool existed = false;
};
struct StateFound {
    bool exists = false;
    uint64_t seq = 0;
    std::string body;         ///< of a snapshot; empty: the channel began here, with nothing
    uint64_t oldest_seq = 0;  ///< the lowest seq whose state can be had
};
struct VersionPut {
    enum class Outcome : uint8_t { stored, exists, too_many, no_channel };
    Outcome outcome = Outcome::stored;
};
struct Versions {
    std::vector<StoredVersion> versions;  ///< by seq, then name; without bodies
};
struct VersionFound {
    bool exists = false;
    StoredVersion version;
};
struct VersionDeleted {
    bool existed = false;
};
struct TextVersions {
    std::vector<StoredTextVersion> versions;  ///< by seq, then name; without bodies
};
struct TextVersionFound {
    bool exists = false;
    StoredTextVersion version;
};
struct Hooks {
    std::vector<StoredHook> hooks;  ///< by name
};
struct HooksSaved {};
struct HookLagRow {
    std::string channel;
    std::optional<HookPosition> at;  ///< none: the stream has no cursor here
    HookPosition head;
};
struct HookLag {
    std::vector<HookLagRow> rows;
    std::string last;  ///< name of the last channel that was looked at
    bool more = false;
};
struct HookFeed {
    bool exists = false;  ///< false also for a deleted channel
    uint64_t head = 0;
    uint64_t begin_seq = 0;          ///< the seq at which its record was empty
    uint64_t oldest_seq = 0;         ///< lowest seq still in the log; 0: none
    std::vector<EpochFork> epochs;   ///< in order
    std::optional<HookPosition> at;  ///< that was asked for, or is stored
    /// Contiguous from `at` (0 without it), or empty when the first is not there.
    std::vector<StoredEntry> entries;
};
using StoreReply =
    std::variant<Loaded, Appended, SnapshotSaved, EntriesRead, Found, OutcomeFound, Listed, Deleted,
                 StateFound, VersionPut, Versions, VersionFound, VersionDeleted, Hooks, HooksSaved,
                 HookLag, HookFeed, TextVersions, TextVersionFound>;

struct Completion {
    Ticket ticket = 0;
    base::Result<StoreReply> reply;
    /// When it became durable, on the clock of the caller's loops; 0: not told, or nothing written.
    uint64_t done_ns = 0;
};

/// Durable storage, asynchronous. Requests are carried out in the order of submission; their
/// completions come in that order too. After a failed commit nothing more is written and every
/// request fails (see `failed`), because what is on disk is then unknown. While the store has not
/// failed, an error says that nothing of the request was written: `internal` when it contradicts
/// what is stored (seqs or epochs); `storage_full`, `overloaded` and `unavailable` may pass.
class Store {
  public:
    virtual ~Store() = default;
    virtual void submit(Ticket ticket, StoreRequest request) = 0;
    /// Appends the completions that are there; never blocks.
    virtual void poll(std::vector<Completion>& out) = 0;
    virtual bool failed() const = 0;
};

}  // namespace tandem::port
