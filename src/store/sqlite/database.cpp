#include "store/sqlite/database.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>

namespace tandem::store {

using base::ErrorCode;
using base::fail;

namespace {

constexpr int kBusyTimeoutMs = 5'000;
// SQLite's own files take less than 128 KiB in one write, and say "full" to more.
constexpr int kRewriteBytes = 64 * 1024;

}  // namespace

base::Error error_of(int code, sqlite3* db) {
    auto system_error = [&](int failed) -> uint64_t {
        int number = db != nullptr ? sqlite3_system_errno(db) : 0;
        // SQLite forgets the number of some failures on the way, such as those of fsync.
        if (number <= 0) number = (failed & 0xff) == SQLITE_IOERR ? EIO : 0;
        return static_cast<uint64_t>(number);
    };
    switch (code & 0xff) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return fail(ErrorCode::storage_corrupt);
        case SQLITE_FULL:
            return fail(ErrorCode::storage_full);
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return fail(ErrorCode::unavailable);
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN:
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH:
            return fail(ErrorCode::io_failed, system_error(code));
        case SQLITE_TOOBIG:
            return fail(ErrorCode::too_large);
        default:
            return fail(ErrorCode::internal, static_cast<uint64_t>(code));
    }
}

Execution::~Execution() {
    sqlite3_reset(handle_);
    if (bound_ > 0) sqlite3_clear_bindings(handle_);
}

Execution& Execution::number(uint64_t value) {
    sqlite3_bind_int64(handle_, ++bound_, std::bit_cast<int64_t>(value));
    return *this;
}

Execution& Execution::text(std::string_view value) {
    // A null pointer would bind NULL instead of the empty string.
    const char* bytes = value.data() != nullptr ? value.data() : "";
    sqlite3_bind_text64(handle_, ++bound_, bytes, value.size(), SQLITE_STATIC, SQLITE_UTF8);
    return *this;
}

Execution& Execution::blob(std::string_view value) {
    const char* bytes = value.data() != nullptr ? value.data() : "";
    sqlite3_bind_blob64(handle_, ++bound_, bytes, value.size(), SQLITE_STATIC);
    return *this;
}

int Execution::run() {
    int code = step();
    return code == SQLITE_DONE || code == SQLITE_ROW ? SQLITE_OK : code;
}

uint64_t Execution::number_at(int column) const {
    return std::bit_cast<uint64_t>(static_cast<int64_t>(sqlite3_column_int64(handle_, column)));
}

std::string Execution::bytes_at(int column) const {
    const void* bytes = sqlite3_column_blob(handle_, column);
    int size = sqlite3_column_bytes(handle_, column);
    if (bytes == nullptr || size <= 0) return {};
    return std::string(static_cast<const char*>(bytes), static_cast<size_t>(size));
}

base::Result<Connection> Connection::open(const std::string& path, int flags,
                                          const std::string& vfs) {
    sqlite3* handle = nullptr;
    int code =
        sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                        vfs.empty() ? nullptr : vfs.c_str());
    Connection connection(handle);
    if (code != SQLITE_OK) return error_of(code, handle);
    sqlite3_busy_timeout(handle, kBusyTimeoutMs);
    return connection;
}

int Connection::run(const char* sql) {
    return sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
}

base::Status Connection::execute(const char* sql) {
    int code = run(sql);
    if (code != SQLITE_OK) return error_of(code, handle_);
    return {};
}

base::Result<Statement> Connection::prepare(const char* sql) {
    sqlite3_stmt* handle = nullptr;
    int code = sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
    if (code != SQLITE_OK) return error_of(code, handle_);
    return Statement(handle);
}

// A statement that changes something, as `PRAGMA journal_mode` does, commits behind its last row:
// only then is it known whether it succeeded.
base::Result<std::string> Connection::query(const char* sql) {
    TANDEM_TRY(Statement statement, prepare(sql));
    Execution execution(statement);
    std::string first;
    int code = execution.step();
    if (code == SQLITE_ROW) first = execution.bytes_at(0);
    while (code == SQLITE_ROW)
        code = execution.step();
    if (code != SQLITE_DONE) return error_of(code, handle_);
    return first;
}

base::Result<uint64_t> Connection::query_number(const char* sql) {
    TANDEM_TRY(Statement statement, prepare(sql));
    Execution execution(statement);
    uint64_t first = 0;
    int code = execution.step();
    if (code == SQLITE_ROW) first = execution.number_at(0);
    while (code == SQLITE_ROW)
        code = execution.step();
    if (code != SQLITE_DONE) return error_of(code, handle_);
    return first;
}

base::Status Connection::rewrite_log() {
    sqlite3_file* log = nullptr;
    int code = sqlite3_file_control(handle_, "main", SQLITE_FCNTL_JOURNAL_POINTER,
                                    static_cast<void*>(&log));
    if (code != SQLITE_OK) return error_of(code, handle_);
    if (log == nullptr || log->pMethods == nullptr) return {};
    sqlite3_int64 size = 0;
    code = log->pMethods->xFileSize(log, &size);
    if (code != SQLITE_OK || size == 0)
        return code == SQLITE_OK ? base::Status() : error_of(code, handle_);
    std::string bytes;
    for (sqlite3_int64 at = 0; at < size && code == SQLITE_OK; at += kRewriteBytes) {
        const auto count = static_cast<int>(std::min<sqlite3_int64>(kRewriteBytes, size - at));
        bytes.resize(static_cast<size_t>(count));
        code = log->pMethods->xRead(log, bytes.data(), count, at);
        if (code == SQLITE_OK) code = log->pMethods->xWrite(log, bytes.data(), count, at);
    }
    if (code == SQLITE_OK) code = log->pMethods->xSync(log, SQLITE_SYNC_FULL);
    if (code != SQLITE_OK) return error_of(code, handle_);
    return {};
}

void Connection::keep_log_on_close(bool keeps) {
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keeps ? 1 : 0, nullptr);
}

}  // namespace tandem::store
