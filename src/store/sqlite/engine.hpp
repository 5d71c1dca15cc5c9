#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "port/store.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/lock_file.hpp"
#include "store/sqlite/timed_files.hpp"

namespace tandem::store {

/// The name of the store's file in a data folder.
inline constexpr const char* kStoreFileName = "tandem.db";

/// The write-ahead log is copied into the database when it is larger than this.
inline constexpr uint64_t kLogBytesMax = uint64_t{4} * 1024 * 1024;

enum class OpenMode {
    read_write,
    read_only,  ///< takes no lock; every write is refused with `invalid_argument`
};

struct EngineOptions {
    /// Name of a registered VFS; empty: the system's. With another one no lock file is taken.
    std::string vfs;
    /// The system's files by another name, where `vfs` is empty. Borrowed, and outlives the engine.
    const TimedFiles* files = nullptr;
    OpenMode mode = OpenMode::read_write;
    /// The epoch of a store that this call creates, a random number. 0: the store must exist.
    uint64_t new_epoch = 0;
    uint32_t page_bytes = 4096;  ///< of a store that this call creates
    uint32_t cache_kib = 32 * 1024;
    /// Measures commits when given. The simulator gives none.
    uint64_t (*clock_ns)() = nullptr;
};

struct EngineCounters {
    uint64_t commits = 0;  ///< transactions that wrote; each costs one fsync
    uint64_t rollbacks = 0;
    uint64_t appends = 0;  ///< append requests that were committed
    uint64_t entries = 0;  ///< entries that were committed
    uint64_t checkpoints = 0;
    uint64_t commit_ns = 0;  ///< duration of the last commit, when there is a clock
};

enum class CheckpointMode {
    passive,   ///< copies what it can without waiting for anyone
    truncate,  ///< copies all and empties the log; waits for readers
};

/// The store in one SQLite file, synchronous and single-threaded. A commit is durable when it
/// returns: write-ahead log, one fsync for each commit.
///
/// What an error means:
/// - `internal`: the request contradicts what is stored (seqs that do not continue the head, a
///   first append without an epoch). Nothing of it is written; other requests are not affected.
/// - `storage_full` while the engine has not failed: there was no room for the transaction, also
///   for the last of it at the commit, and it was rolled back; no request of the batch was written
///   and all may be sent again.
/// - Every other error of the commit itself, and every I/O error or damage that a write meets, is
/// final:
///   what is on disk is then unknown, and a second fsync may report success for data that the first
///   one lost. The engine writes nothing more (`failed`) and answers everything with that error.
///   Opening the store again finds all that was acknowledged, and possibly the failed batch.
class SqliteEngine {
  public:
    /// Errors: `io_failed` (folder or file missing or not accessible; the detail is errno),
    /// `storage_locked`, `storage_corrupt`, `storage_newer` (the detail is the file's version),
    /// `storage_full`, `invalid_argument`.
    static base::Result<std::unique_ptr<SqliteEngine>> open(const std::string& path,
                                                            const EngineOptions& options);
    ~SqliteEngine();
    SqliteEngine(const SqliteEngine&) = delete;
    SqliteEngine& operator=(const SqliteEngine&) = delete;

    base::Result<port::StoreReply> execute(const port::StoreRequest& request);

    /// Carries out the requests in order in one transaction, with one commit when there is a write
    /// among them. The replies are in the order of the requests and are all durable.
    std::vector<base::Result<port::StoreReply>> execute_batch(
        std::span<const port::StoreRequest* const> requests);

    bool failed() const { return failed_; }
    base::Error failure() const { return failure_; }
    uint64_t store_epoch() const { return store_epoch_; }
    const EngineCounters& counters() const { return counters_; }

    /// Size of the write-ahead log's used part at the last commit.
    uint64_t log_bytes() const { return log_bytes_; }
    /// Copies the log into the database. A busy or full disk is no error: the log stays.
    base::Status checkpoint(CheckpointMode mode);

  private:
    struct Statements;
    struct Row;

    SqliteEngine(LockFile lock, Connection connection);

    base::Status prepare();
    static int on_commit(void* self, sqlite3*, const char*, int pages);
    void fail_for_ever(base::Error error);
    /// True when no transaction is open any more.
    bool roll_back();
    base::Error note_write_error(int code);
    base::Error note_error(int code);
    void abort_batch(std::span<const port::StoreRequest* const> requests, base::Error error,
                     std::vector<base::Result<port::StoreReply>>& replies);
    base::Result<port::StoreReply> run(const port::StoreRequest& request);

    // Reads, in engine_reads.cpp.
    base::Result<Row> row_of(std::string_view channel);
    base::Result<uint64_t> oldest_seq(uint64_t id);
    base::Result<std::vector<port::EpochFork>> epochs_of(uint64_t id);
    base::Result<port::StoreReply> run_one(const port::LoadRequest& request);
    base::Result<port::StoreReply> run_one(const port::ReadRequest& request);
    base::Result<port::StoreReply> run_one(const port::FindRequest& request);
    base::Result<port::StoreReply> run_one(const port::FindOutcomeRequest& request);
    base::Result<port::StoreReply> run_one(const port::ListRequest& request);

    // Older states and named ones, in engine_states.cpp.
    base::Result<std::vector<uint64_t>> states_of(uint64_t id);
    base::Status keep_state(const Row& row, const port::SnapshotRequest& request);
    base::Result<uint64_t> trimmable(const Row& row, const port::SnapshotRequest& request);
    base::Result<port::StoreReply> run_one(const port::StateRequest& request);
    base::Result<port::StoreReply> run_one(const port::PutVersionRequest& request);
    base::Result<port::StoreReply> run_one(const port::VersionsRequest& request);
    base::Result<port::StoreReply> run_one(const port::FindVersionRequest& request);
    base::Result<port::StoreReply> run_one(const port::DeleteVersionRequest& request);

    // Versions of texts, in engine_text_versions.cpp.
    base::Result<std::vector<port::StoredTextVersion>> text_versions_of(uint64_t id,
                                                                        const std::string& text);
    base::Status insert_text_version(uint64_t id, const port::StoredTextVersion& version);
    base::Status delete_text_version(uint64_t id, const port::StoredTextVersion& version);
    base::Status thin_text_versions(uint64_t id, const std::string& text,
                                    const port::TextVersionLimits& limits, uint64_t now_ms);
    base::Result<port::TextVersionFound> find_text_version(uint64_t id, const std::string& text,
                                                           const std::string& name, uint64_t at);
    base::Result<port::StoreReply> run_one(const port::PutTextVersionRequest& request);
    base::Result<port::StoreReply> run_one(const port::TextVersionsRequest& request);
    base::Result<port::StoreReply> run_one(const port::FindTextVersionRequest& request);
    base::Result<port::StoreReply> run_one(const port::DeleteTextVersionRequest& request);

    // Webhooks, in engine_hooks.cpp.
    base::Result<port::StoreReply> run_one(const port::HooksRequest& request);
    base::Result<port::StoreReply> run_one(const port::SaveHooksRequest& request);
    base::Result<port::StoreReply> run_one(const port::HookLagRequest& request);
    base::Result<port::StoreReply> run_one(const port::HookFeedRequest& request);

    // Writes, in engine_writes.cpp. A request is checked as a whole before any of it is written.
    base::Status check_append(const port::AppendRequest& request);
    base::Status append_to_channel(const port::ChannelAppend& append);
    base::Status insert_entry(uint64_t id, const port::StoredEntry& entry);
    base::Status insert_outcome(uint64_t id, const port::Outcome& outcome, uint64_t now_ms);
    base::Status delete_log(uint64_t id, uint64_t through);
    base::Result<port::StoreReply> run_one(const port::AppendRequest& request);
    base::Result<port::StoreReply> run_one(const port::SnapshotRequest& request);
    base::Result<port::StoreReply> run_one(const port::DeleteRequest& request);

    // The lock is the last to go.
    LockFile lock_;
    Connection connection_;
    std::unique_ptr<Statements> statements_;
    OpenMode mode_ = OpenMode::read_write;
    uint64_t (*clock_ns_)() = nullptr;
    uint64_t store_epoch_ = 0;
    uint64_t page_bytes_ = 0;
    uint64_t log_bytes_ = 0;
    // Not SQLITE_OK: a statement of the open transaction failed, which must be rolled back.
    int broken_ = SQLITE_OK;
    bool failed_ = false;
    base::Error failure_{};
    EngineCounters counters_;
};

}  // namespace tandem::store
