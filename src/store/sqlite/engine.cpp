#include "store/sqlite/engine.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/assert.hpp"
#include "store/sqlite/engine_statements.hpp"
#include "store/sqlite/schema.hpp"

namespace tandem::store {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::Result;
using base::Status;
using port::StoreReply;
using port::StoreRequest;

namespace {

bool is_write(const StoreRequest& request) {
    return std::holds_alternative<port::AppendRequest>(request) ||
           std::holds_alternative<port::SnapshotRequest>(request) ||
           std::holds_alternative<port::DeleteRequest>(request) ||
           std::holds_alternative<port::PutVersionRequest>(request) ||
           std::holds_alternative<port::DeleteVersionRequest>(request) ||
           std::holds_alternative<port::PutTextVersionRequest>(request) ||
           std::holds_alternative<port::DeleteTextVersionRequest>(request) ||
           std::holds_alternative<port::SaveHooksRequest>(request);
}

// Tells a missing or read-only folder apart before SQLite can only say that it cannot open.
Status check_folder(const std::string& path, const EngineOptions& options) {
    std::string folder = folder_of(path);
    struct stat info {};
    if (::stat(folder.c_str(), &info) != 0) {
        return fail(ErrorCode::io_failed, static_cast<uint64_t>(errno));
    }
    if (!S_ISDIR(info.st_mode)) return fail(ErrorCode::io_failed, ENOTDIR);
    bool exists = ::stat(path.c_str(), &info) == 0;
    if (exists && !S_ISREG(info.st_mode)) return fail(ErrorCode::io_failed, EISDIR);
    if (!exists && (options.new_epoch == 0 || options.mode == OpenMode::read_only)) {
        return fail(ErrorCode::io_failed, ENOENT);
    }
    int access = options.mode == OpenMode::read_only ? R_OK : R_OK | W_OK;
    if (exists && ::access(path.c_str(), access) != 0) {
        return fail(ErrorCode::io_failed, static_cast<uint64_t>(errno));
    }
    return {};
}

Status set_write_pragmas(Connection& connection, const EngineOptions& options, SchemaState state) {
    if (state == SchemaState::absent) {
        std::string page = "PRAGMA page_size=" + std::to_string(options.page_bytes);
        TANDEM_CHECK(connection.execute(page.c_str()));
    }
    // The switch to the write-ahead log uses a rollback journal. Unless its removal is durable, a
    // power cut may bring it back, and it would then undo every later commit.
    TANDEM_CHECK(connection.execute("PRAGMA synchronous=EXTRA"));
    TANDEM_TRY(std::string journal, connection.query("PRAGMA journal_mode=WAL"));
    if (journal != "wal") return fail(ErrorCode::unavailable);
    return connection.execute("PRAGMA synchronous=FULL;PRAGMA wal_autocheckpoint=0");
}

}  // namespace

SqliteEngine::SqliteEngine(LockFile lock, Connection connection)
    : lock_(std::move(lock)), connection_(std::move(connection)) {}

SqliteEngine::~SqliteEngine() {
    // Nothing is copied out of a log whose state on disk is unknown.
    if (failed_) connection_.keep_log_on_close();
}

Result<std::unique_ptr<SqliteEngine>> SqliteEngine::open(const std::string& path,
                                                         const EngineOptions& options) {
    LockFile lock;
    bool system_files = options.vfs.empty();
    bool writable = options.mode == OpenMode::read_write;
    if (system_files) {
        TANDEM_CHECK(check_folder(path, options));
        if (writable) {
            TANDEM_TRY(lock, LockFile::take(lock_path(path)));
        }
    }
    int flags = SQLITE_OPEN_READONLY;
    if (writable) {
        flags = SQLITE_OPEN_READWRITE;
        if (options.new_epoch != 0) flags |= SQLITE_OPEN_CREATE;
    }
    const bool is_timed = system_files && options.files != nullptr;
    TANDEM_TRY(Connection opened,
               Connection::open(path, flags, is_timed ? options.files->name() : options.vfs));
    std::unique_ptr<SqliteEngine> engine(new SqliteEngine(std::move(lock), std::move(opened)));
    Connection& connection = engine->connection_;
    // Closing copies the log out too; not before what it holds is known to be on disk.
    connection.keep_log_on_close();
    engine->mode_ = options.mode;
    engine->clock_ns_ = options.clock_ns;

    std::string settings =
        "PRAGMA foreign_keys=OFF;PRAGMA temp_store=MEMORY;"
        "PRAGMA trusted_schema=OFF;PRAGMA cell_size_check=ON;PRAGMA cache_size=-" +
        std::to_string(options.cache_kib);
    TANDEM_CHECK(connection.execute(settings.c_str()));
    TANDEM_TRY(SchemaState state, inspect_schema(connection));
    // An empty file is what a crash during creation leaves; it is a store only for who may create.
    if (state == SchemaState::absent && (!writable || options.new_epoch == 0)) {
        return fail(ErrorCode::storage_corrupt);
    }
    if (writable) {
        TANDEM_CHECK(set_write_pragmas(connection, options, state));
        // What an earlier process left in the log may be in the system's memory alone, if an fsync
        // failed. It is served from now on, so it must be on disk before that, and before any of it
        // is copied into the database; and a process continues the log of an earlier one only when
        // there is no room to copy it.
        TANDEM_CHECK(connection.rewrite_log());
        connection.keep_log_on_close(false);
        TANDEM_CHECK(engine->checkpoint(CheckpointMode::truncate));
        if (state == SchemaState::absent) {
            TANDEM_CHECK(create_schema(connection, options.new_epoch));
        }
        TANDEM_CHECK(upgrade_schema(connection));
        if (system_files) TANDEM_CHECK(sync_folder(folder_of(path)));
    }
    TANDEM_TRY(engine->page_bytes_, connection.query_number("PRAGMA page_size"));
    TANDEM_TRY(engine->store_epoch_, read_store_epoch(connection));
    TANDEM_CHECK(engine->prepare());
    sqlite3_wal_hook(connection.get(), &SqliteEngine::on_commit, engine.get());
    return engine;
}

Status SqliteEngine::prepare() {
    statements_ = std::make_unique<Statements>();
    const std::pair<Statement*, const char*> texts[] = {
        {&statements_->channel_by_name,
         "SELECT id, live, head, base_seq, begin_seq FROM channels WHERE name = ?"},
        {&statements_->oldest_seq, "SELECT min(seq) FROM entries WHERE channel = ?"},
        {&statements_->snapshot, "SELECT body FROM snapshots WHERE channel = ?"},
        {&statements_->entries,
         "SELECT seq, actor, counter, stamp_ms, stamp_logical, stamp_actor, own, floor, wall_ms, "
         "digest, chk, body FROM entries WHERE channel = ? AND seq > ? AND seq <= ? ORDER BY seq"},
        {&statements_->epochs,
         "SELECT epoch, fork_seq FROM epochs WHERE channel = ? ORDER BY ordinal"},
        {&statements_->find_entry,
         "SELECT seq, actor, counter, stamp_ms, stamp_logical, stamp_actor, own, floor, wall_ms, "
         "digest, chk, body FROM entries WHERE channel = ? AND actor = ? AND counter = ? "
         "ORDER BY seq DESC LIMIT 1"},
        {&statements_->find_outcome,
         "SELECT digest, seq, expires_ms FROM outcomes WHERE channel = ? AND key = ?"},
        {&statements_->list,
         "SELECT name, head, floor, log_bytes + snapshot_bytes, changed_ms FROM channels "
         "WHERE name > ?1 AND name >= ?2 AND live = 1 ORDER BY name"},
        {&statements_->insert_channel,
         "INSERT INTO channels (name, live, head, floor, base_seq, log_bytes, snapshot_bytes, "
         "changed_ms, begin_seq) VALUES (?, 1, 0, 0, 0, 0, 0, 0, 0)"},
        {&statements_->update_channel,
         "UPDATE channels SET live = 1, head = ?2, floor = max(floor, ?3), "
         "log_bytes = log_bytes + ?4, changed_ms = max(changed_ms, ?5) WHERE id = ?1"},
        {&statements_->insert_epoch,
         "INSERT INTO epochs VALUES (?1, 1 + (SELECT coalesce(max(ordinal), 0) FROM epochs "
         "WHERE channel = ?1), ?2, ?3)"},
        {&statements_->insert_entry,
         "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
        {&statements_->insert_outcome, "INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?, ?, ?)"},
        // Twice as many go as come, so that expired ones cannot pile up.
        {&statements_->prune_outcomes,
         "DELETE FROM outcomes WHERE (channel, key) IN (SELECT channel, key FROM outcomes "
         "INDEXED BY outcomes_by_expiry WHERE expires_ms <= ? LIMIT 2)"},
        {&statements_->put_snapshot, "INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?)"},
        {&statements_->note_snapshot,
         "UPDATE channels SET base_seq = ?2, snapshot_bytes = ?3 WHERE id = ?1"},
        {&statements_->log_size,
         "SELECT count(*), coalesce(sum(length(body)), 0) FROM entries "
         "WHERE channel = ? AND seq <= ?"},
        {&statements_->trim_entries, "DELETE FROM entries WHERE channel = ? AND seq <= ?"},
        {&statements_->note_trim,
         "UPDATE channels SET log_bytes = max(0, log_bytes - ?2) WHERE id = ?1"},
        {&statements_->bury_channel,
         "UPDATE channels SET live = 0, floor = 0, base_seq = head, log_bytes = 0, "
         "snapshot_bytes = 0, begin_seq = head WHERE id = ?"},
        {&statements_->delete_snapshot, "DELETE FROM snapshots WHERE channel = ?"},
        {&statements_->delete_outcomes, "DELETE FROM outcomes WHERE channel = ?"},
        {&statements_->states, "SELECT seq FROM states WHERE channel = ? ORDER BY seq"},
        {&statements_->state, "SELECT body FROM states WHERE channel = ? AND seq = ?"},
        {&statements_->keep_state,
         "INSERT OR IGNORE INTO states SELECT channel, seq, body FROM snapshots WHERE channel = ?"},
        {&statements_->delete_state, "DELETE FROM states WHERE channel = ? AND seq = ?"},
        {&statements_->delete_states_below, "DELETE FROM states WHERE channel = ? AND seq < ?"},
        {&statements_->insert_version, "INSERT INTO versions VALUES (?, ?, ?, ?, ?)"},
        {&statements_->version_names, "SELECT name FROM versions WHERE channel = ?"},
        {&statements_->versions,
         "SELECT name, seq, created_ms, length(body) FROM versions WHERE channel = ? "
         "ORDER BY seq, name"},
        {&statements_->find_version,
         "SELECT seq, created_ms, body FROM versions WHERE channel = ? AND name = ?"},
        {&statements_->delete_version, "DELETE FROM versions WHERE channel = ? AND name = ?"},
        {&statements_->delete_versions, "DELETE FROM versions WHERE channel = ?"},
        // Of one seq one is enough: the text was the same.
        {&statements_->put_text_version,
         "INSERT OR IGNORE INTO text_versions VALUES (?, ?, ?, ?, ?, ?, ?, ?)"},
        {&statements_->text_versions,
         "SELECT name, kind, seq, changed_ms, created_ms, length(body) FROM text_versions "
         "WHERE channel = ? AND text = ? ORDER BY seq, name"},
        {&statements_->text_version_by_name,
         "SELECT name, kind, seq, changed_ms, created_ms, length(body), body FROM text_versions "
         "WHERE channel = ? AND text = ? AND name = ?"},
        {&statements_->text_version_at,
         "SELECT name, kind, seq, changed_ms, created_ms, length(body), body FROM text_versions "
         "WHERE channel = ? AND text = ? AND seq = ? ORDER BY name LIMIT 1"},
        {&statements_->delete_text_version,
         "DELETE FROM text_versions WHERE channel = ? AND text = ? AND seq = ? AND name = ?"},
        {&statements_->delete_text_versions, "DELETE FROM text_versions WHERE channel = ?"},
        {&statements_->hooks, "SELECT name, scope, disabled FROM hooks ORDER BY name"},
        {&statements_->put_hook, "INSERT OR REPLACE INTO hooks VALUES (?, ?, ?)"},
        {&statements_->put_hook_cursor,
         "INSERT OR REPLACE INTO hook_cursors SELECT ?1, ?2, id, ?4, ?5 FROM channels "
         "WHERE name = ?3"},
        {&statements_->add_hook_cursor,
         "INSERT OR IGNORE INTO hook_cursors SELECT ?1, ?2, id, ?4, ?5 FROM channels "
         "WHERE name = ?3"},
        {&statements_->hook_cursor,
         "SELECT epoch, seq FROM hook_cursors WHERE hook = ? AND stream = ? AND channel = ?"},
        {&statements_->hook_lag,
         "SELECT name, head, (SELECT epoch FROM epochs WHERE epochs.channel = channels.id "
         "ORDER BY ordinal DESC LIMIT 1), hook_cursors.seq IS NOT NULL, hook_cursors.epoch, "
         "hook_cursors.seq FROM channels LEFT JOIN hook_cursors ON hook = ?1 AND stream = ?2 "
         "AND hook_cursors.channel = channels.id WHERE name > ?3 ORDER BY name LIMIT ?4"},
    };
    for (auto [statement, text] : texts) {
        TANDEM_TRY(*statement, connection_.prepare(text));
    }
    return {};
}

int SqliteEngine::on_commit(void* self, sqlite3*, const char*, int pages) {
    auto* engine = static_cast<SqliteEngine*>(self);
    engine->log_bytes_ = static_cast<uint64_t>(pages) * engine->page_bytes_;
    return SQLITE_OK;
}

void SqliteEngine::fail_for_ever(Error error) {
    if (failed_) return;
    failed_ = true;
    failure_ = error;
}

Error SqliteEngine::note_error(int code) { return error_of(code, connection_.get()); }

Error SqliteEngine::note_write_error(int code) {
    if (broken_ == SQLITE_OK) broken_ = code;
    return note_error(code);
}

Status SqliteEngine::checkpoint(CheckpointMode mode) {
    if (failed_) return failure_;
    int kind =
        mode == CheckpointMode::passive ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_TRUNCATE;
    int code = sqlite3_wal_checkpoint_v2(connection_.get(), nullptr, kind, nullptr, nullptr);
    ++counters_.checkpoints;
    int primary = code & 0xff;
    if (primary == SQLITE_OK || primary == SQLITE_BUSY || primary == SQLITE_LOCKED ||
        primary == SQLITE_FULL) {
        return {};
    }
    fail_for_ever(note_error(code));
    return failure_;
}

bool SqliteEngine::roll_back() {
    if (sqlite3_get_autocommit(connection_.get()) != 0) return true;
    return connection_.run("ROLLBACK") == SQLITE_OK &&
           sqlite3_get_autocommit(connection_.get()) != 0;
}

Result<StoreReply> SqliteEngine::execute(const StoreRequest& request) {
    const StoreRequest* one[] = {&request};
    return std::move(execute_batch(one).front());
}

// Gives every write the error and carries the reads out again on what is really stored.
void SqliteEngine::abort_batch(std::span<const StoreRequest* const> requests, Error error,
                               std::vector<Result<StoreReply>>& replies) {
    ++counters_.rollbacks;
    replies.clear();
    for (const StoreRequest* request : requests) {
        if (failed_ || is_write(*request)) {
            replies.push_back(error);
        } else {
            replies.push_back(run(*request));
        }
    }
}

std::vector<Result<StoreReply>> SqliteEngine::execute_batch(
    std::span<const StoreRequest* const> requests) {
    std::vector<Result<StoreReply>> replies;
    replies.reserve(requests.size());
    if (failed_) {
        replies.assign(requests.size(), failure_);
        return replies;
    }
    bool writes = false;
    uint64_t appends = 0;
    uint64_t entries = 0;
    for (const StoreRequest* request : requests)
        writes = writes || is_write(*request);
    if (writes && mode_ == OpenMode::read_only) {
        replies.assign(requests.size(), fail(ErrorCode::invalid_argument));
        return replies;
    }

    broken_ = SQLITE_OK;
    int code = connection_.run(writes ? "BEGIN IMMEDIATE" : "BEGIN");
    if (code != SQLITE_OK) {
        Error error = note_error(code);
        // Another program holds the write lock for long, which passes; anything else does not.
        if (writes && error.code != ErrorCode::unavailable) fail_for_ever(error);
        replies.assign(requests.size(), error);
        return replies;
    }
    for (const StoreRequest* request : requests) {
        replies.push_back(run(*request));
        if (broken_ != SQLITE_OK) break;
        auto* append = std::get_if<port::AppendRequest>(request);
        if (append == nullptr || !replies.back().ok()) continue;
        ++appends;
        for (const auto& channel : append->channels)
            entries += channel.entries.size();
    }
    // Some errors, also of a read, end the transaction by themselves.
    bool ended = sqlite3_get_autocommit(connection_.get()) != 0;
    if (broken_ != SQLITE_OK || (writes && ended)) {
        Error error = note_error(broken_ != SQLITE_OK ? broken_ : SQLITE_IOERR);
        if (!roll_back() || error.code != ErrorCode::storage_full) fail_for_ever(error);
        abort_batch(requests, error, replies);
        return replies;
    }
    if (ended) return replies;
    if (!writes) {
        connection_.run("COMMIT");
        return replies;
    }
    uint64_t began_ns = clock_ns_ != nullptr ? clock_ns_() : 0;
    code = connection_.run("COMMIT");
    if (clock_ns_ != nullptr) counters_.commit_ns = clock_ns_() - began_ns;
    if (code != SQLITE_OK) {
        // There was no room for the log's last frames, of which the very last one commits: it is
        // not there whole, so that no recovery takes the batch, and the next one overwrites it.
        // A failed fsync is another error.
        const Error error = note_error(code);
        const bool is_clean = error.code == ErrorCode::storage_full && roll_back();
        if (!is_clean) fail_for_ever(error);
        abort_batch(requests, error, replies);
        return replies;
    }
    ++counters_.commits;
    counters_.appends += appends;
    counters_.entries += entries;
    return replies;
}

Result<StoreReply> SqliteEngine::run(const StoreRequest& request) {
    return std::visit([this](const auto& kind) { return run_one(kind); }, request);
}

}  // namespace tandem::store
