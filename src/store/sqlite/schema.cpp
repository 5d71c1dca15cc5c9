#include "store/sqlite/schema.hpp"

namespace tandem::store {

using base::ErrorCode;
using base::fail;

namespace {

// "Tndm": tells a store from other SQLite files, also for file(1).
constexpr uint64_t kApplicationId = 0x546e646d;

// channels.live is 0 for a deleted channel. Its row and epochs stay, so that a channel of the same
// name continues above the old head and no cursor of the old one can be taken for one of the new.
// channels.base_seq is the seq above which the log is needed: the snapshot's, or the head at the
// deletion. channels.begin_seq is the seq at which its record was empty: 0, or that head.
constexpr const char* kTables = R"sql(
CREATE TABLE meta (
    key TEXT PRIMARY KEY, value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE channels (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    live INTEGER NOT NULL,
    head INTEGER NOT NULL,
    floor INTEGER NOT NULL,
    base_seq INTEGER NOT NULL,
    log_bytes INTEGER NOT NULL,
    snapshot_bytes INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    begin_seq INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE epochs (
    channel INTEGER NOT NULL, ordinal INTEGER NOT NULL,
    epoch INTEGER NOT NULL, fork_seq INTEGER NOT NULL,
    PRIMARY KEY (channel, ordinal)
) STRICT, WITHOUT ROWID;
CREATE TABLE entries (
    channel INTEGER NOT NULL, seq INTEGER NOT NULL,
    actor INTEGER NOT NULL, counter INTEGER NOT NULL,
    stamp_ms INTEGER NOT NULL, stamp_logical INTEGER NOT NULL, stamp_actor INTEGER NOT NULL,
    own INTEGER NOT NULL, floor INTEGER NOT NULL, wall_ms INTEGER NOT NULL,
    digest INTEGER NOT NULL, chk INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (channel, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE snapshots (
    channel INTEGER PRIMARY KEY, seq INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE TABLE outcomes (
    channel INTEGER NOT NULL, key TEXT NOT NULL,
    digest INTEGER NOT NULL, seq INTEGER NOT NULL, expires_ms INTEGER NOT NULL,
    PRIMARY KEY (channel, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX outcomes_by_expiry ON outcomes (expires_ms);
)sql";

// What version 2 has beside version 1. states holds older snapshots.
constexpr const char* kTables2 = R"sql(
CREATE TABLE states (
    channel INTEGER NOT NULL, seq INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (channel, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE versions (
    channel INTEGER NOT NULL, name TEXT NOT NULL,
    seq INTEGER NOT NULL, created_ms INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (channel, name)
) STRICT, WITHOUT ROWID;
)sql";

// What version 3 has beside version 2: webhooks, and how far each has read every channel. The rows
// of a deleted channel stay, as its head does.
constexpr const char* kTables3 = R"sql(
CREATE TABLE hooks (
    name TEXT PRIMARY KEY, scope TEXT NOT NULL, disabled INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE hook_cursors (
    hook TEXT NOT NULL, stream INTEGER NOT NULL, channel INTEGER NOT NULL,
    epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (hook, stream, channel)
) STRICT, WITHOUT ROWID;
)sql";

// What version 4 has beside version 3. A version without a name is one of those that are kept by
// themselves; changed_ms is when the text became so.
constexpr const char* kTables4 = R"sql(
CREATE TABLE text_versions (
    channel INTEGER NOT NULL, text TEXT NOT NULL, seq INTEGER NOT NULL, name TEXT NOT NULL,
    kind INTEGER NOT NULL, changed_ms INTEGER NOT NULL, created_ms INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (channel, text, seq, name)
) STRICT, WITHOUT ROWID;
)sql";

// Where a channel of version 1 began is known only if it has no snapshot. One that has, and that
// was deleted before, is taken to have begun at 0: its log then counts as trimmed.
constexpr const char* kUpgradeTo2 = R"sql(
ALTER TABLE channels ADD COLUMN begin_seq INTEGER NOT NULL DEFAULT 0;
UPDATE channels SET begin_seq = base_seq
    WHERE NOT EXISTS (SELECT 1 FROM snapshots WHERE snapshots.channel = channels.id);
)sql";

base::Status put_meta(Connection& connection, std::string_view key, uint64_t value) {
    TANDEM_TRY(Statement put, connection.prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)"));
    int code = Execution(put).text(key).number(value).run();
    if (code != SQLITE_OK) return error_of(code, connection.get());
    return {};
}

base::Status in_transaction(Connection& connection, auto&& write) {
    TANDEM_CHECK(connection.execute("BEGIN IMMEDIATE"));
    base::Status written = write();
    if (written.ok()) written = connection.execute("COMMIT");
    if (!written.ok()) connection.run("ROLLBACK");
    return written;
}

}  // namespace

base::Result<SchemaState> inspect_schema(Connection& connection) {
    TANDEM_TRY(uint64_t tables, connection.query_number("SELECT count(*) FROM sqlite_schema"));
    TANDEM_TRY(uint64_t id, connection.query_number("PRAGMA application_id"));
    if (tables == 0 && id == 0) return SchemaState::absent;
    if (id != kApplicationId) return fail(ErrorCode::storage_corrupt);
    TANDEM_TRY(uint64_t version, connection.query_number("PRAGMA user_version"));
    if (version > kSchemaVersion) return fail(ErrorCode::storage_newer, version);
    if (version == 0) return fail(ErrorCode::storage_corrupt);
    return SchemaState::present;
}

base::Status create_schema(Connection& connection, uint64_t store_epoch) {
    return in_transaction(connection, [&]() -> base::Status {
        TANDEM_CHECK(connection.execute(kTables));
        TANDEM_CHECK(connection.execute(kTables2));
        TANDEM_CHECK(connection.execute(kTables3));
        TANDEM_CHECK(connection.execute(kTables4));
        TANDEM_CHECK(put_meta(connection, "epoch", store_epoch));
        std::string pragmas = "PRAGMA application_id=" + std::to_string(kApplicationId) +
                              ";PRAGMA user_version=" + std::to_string(kSchemaVersion);
        return connection.execute(pragmas.c_str());
    });
}

base::Status upgrade_schema(Connection& connection) {
    TANDEM_TRY(uint64_t version, connection.query_number("PRAGMA user_version"));
    if (version >= kSchemaVersion) return {};
    return in_transaction(connection, [&]() -> base::Status {
        if (version < 2) {
            TANDEM_CHECK(connection.execute(kUpgradeTo2));
            TANDEM_CHECK(connection.execute(kTables2));
        }
        if (version < 3) TANDEM_CHECK(connection.execute(kTables3));
        TANDEM_CHECK(connection.execute(kTables4));
        return connection.execute("PRAGMA user_version=4");
    });
}

base::Result<uint64_t> read_store_epoch(Connection& connection) {
    TANDEM_TRY(uint64_t epoch,
               connection.query_number("SELECT value FROM meta WHERE key = 'epoch'"));
    if (epoch == 0) return fail(ErrorCode::storage_corrupt);
    return epoch;
}

base::Status fork_all_channels(Connection& connection, uint64_t new_epoch) {
    return in_transaction(connection, [&]() -> base::Status {
        TANDEM_CHECK(put_meta(connection, "epoch", new_epoch));
        TANDEM_TRY(Statement fork,
                   connection.prepare(
                       "INSERT INTO epochs SELECT id, 1 + (SELECT coalesce(max(ordinal), 0) FROM "
                       "epochs WHERE channel = id), ?, head FROM channels"));
        int code = Execution(fork).number(new_epoch).run();
        if (code != SQLITE_OK) return error_of(code, connection.get());
        return {};
    });
}

}  // namespace tandem::store
