#include "store/sqlite/backup.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "store/sqlite/database.hpp"
#include "store/sqlite/engine.hpp"
#include "store/sqlite/lock_file.hpp"
#include "store/sqlite/schema.hpp"

namespace tandem::store {

using base::ErrorCode;
using base::fail;
using base::Status;

namespace {

constexpr int kPagesPerStep = 256;

base::Error system_failure() { return fail(ErrorCode::io_failed, static_cast<uint64_t>(errno)); }

// Removes a database's file and what SQLite keeps beside it.
void remove_database(const std::string& path) {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
        ::unlink((path + suffix).c_str());
    }
}

Status copy_pages(Connection& from, Connection& to, const BackupProgress& progress) {
    sqlite3_backup* copy = sqlite3_backup_init(to.get(), "main", from.get(), "main");
    if (copy == nullptr) return error_of(sqlite3_errcode(to.get()), to.get());
    int code = SQLITE_OK;
    while (code == SQLITE_OK) {
        code = sqlite3_backup_step(copy, kPagesPerStep);
        auto total = static_cast<uint64_t>(sqlite3_backup_pagecount(copy));
        auto remaining = static_cast<uint64_t>(sqlite3_backup_remaining(copy));
        if (progress && (code == SQLITE_OK || code == SQLITE_DONE)) {
            progress(total - remaining, total);
        }
    }
    int finished = sqlite3_backup_finish(copy);
    if (code != SQLITE_DONE) return error_of(code, to.get());
    if (finished != SQLITE_OK) return error_of(finished, to.get());
    return {};
}

Status copy_store(const std::string& path, const std::string& destination,
                  const BackupProgress& progress, uint64_t new_epoch) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return system_failure();
    TANDEM_TRY(Connection from, Connection::open(path, SQLITE_OPEN_READWRITE, ""));
    // One read transaction over the whole copy: otherwise every commit of the server would make
    // the copy begin again.
    TANDEM_CHECK(from.execute("BEGIN"));
    TANDEM_TRY(SchemaState state, inspect_schema(from));
    if (state == SchemaState::absent) return fail(ErrorCode::storage_corrupt);

    TANDEM_TRY(Connection to,
               Connection::open(destination, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, ""));
    TANDEM_CHECK(to.execute("PRAGMA synchronous=FULL"));
    TANDEM_CHECK(copy_pages(from, to, progress));
    // The copy has the mark of a write-ahead log; without it the store is one file.
    TANDEM_TRY(std::string journal, to.query("PRAGMA journal_mode=DELETE"));
    if (journal != "delete") return fail(ErrorCode::io_failed);
    TANDEM_TRY(std::string verdict, to.query("PRAGMA integrity_check(1)"));
    if (verdict != "ok") return fail(ErrorCode::storage_corrupt);
    if (new_epoch != 0) TANDEM_CHECK(fork_all_channels(to, new_epoch));
    return {};
}

// Makes a copy under a passing name; on an error nothing of it stays.
Status make_copy(const std::string& path, const std::string& passing,
                 const BackupProgress& progress, uint64_t new_epoch) {
    remove_database(passing);
    Status copied = copy_store(path, passing, progress, new_epoch);
    if (!copied.ok()) remove_database(passing);
    return copied;
}

// Brings the log of the former store into its file, so that it neither is lost nor gets applied to
// the new one. A store that is too damaged for that keeps its log under another name.
Status set_former_aside(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
        if (errno == ENOENT) return {};
        return system_failure();
    }
    auto opened = Connection::open(path, SQLITE_OPEN_READWRITE, "");
    if (opened.ok()) {
        Connection former = *std::move(opened);
        auto journal = former.query("PRAGMA journal_mode=DELETE");
        if (!journal.ok() && journal.error().code == ErrorCode::unavailable) {
            return ErrorCode::storage_locked;
        }
        if (!journal.ok() || *journal != "delete") former.keep_log_on_close();
    }
    // A store that an earlier restore set aside stays: it may be the one that is wanted.
    std::string aside = path + ".replaced";
    for (int number = 2; ::link(path.c_str(), aside.c_str()) != 0; ++number) {
        if (errno != EEXIST) return system_failure();
        aside = path + ".replaced." + std::to_string(number);
    }
    if (::rename((path + "-wal").c_str(), (aside + "-wal").c_str()) != 0 && errno != ENOENT) {
        return system_failure();
    }
    ::unlink((path + "-shm").c_str());
    ::unlink((path + "-journal").c_str());
    return sync_folder(folder_of(path));
}

}  // namespace

Status backup(const std::string& path, const std::string& destination,
              const BackupProgress& progress) {
    std::string passing = destination + ".partial";
    TANDEM_CHECK(make_copy(path, passing, progress, 0));
    if (::rename(passing.c_str(), destination.c_str()) != 0) {
        base::Error error = system_failure();
        remove_database(passing);
        return error;
    }
    return sync_folder(folder_of(destination));
}

Status restore(const std::string& backup_file, const std::string& data_dir, uint64_t new_epoch) {
    if (new_epoch == 0) return fail(ErrorCode::invalid_argument, 3);
    std::string path = data_dir + "/" + kStoreFileName;
    TANDEM_TRY(LockFile lock, LockFile::take(lock_path(path)));
    std::string passing = path + ".restoring";
    TANDEM_CHECK(make_copy(backup_file, passing, {}, new_epoch));
    Status aside = set_former_aside(path);
    if (aside.ok() && ::rename(passing.c_str(), path.c_str()) != 0) aside = system_failure();
    if (!aside.ok()) {
        remove_database(passing);
        return aside;
    }
    return sync_folder(data_dir);
}

}  // namespace tandem::store
