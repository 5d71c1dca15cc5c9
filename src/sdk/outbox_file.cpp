#include "sdk/outbox_file.hpp"

#include <sqlite3.h>

namespace tandem::sdk {

namespace {

base::Error failure(int code) {
    const int primary = code & 0xff;
    const bool is_corrupt = primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
    return base::fail(is_corrupt ? base::ErrorCode::storage_corrupt : base::ErrorCode::io_failed,
                      static_cast<uint64_t>(code));
}

base::Status run(sqlite3* db, const char* sql) {
    const int code = sqlite3_exec(db, sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return failure(code);
    return {};
}

// A prepared statement that ends with its scope.
class Statement {
  public:
    Statement(sqlite3* db, const char* sql) {
        code_ = sqlite3_prepare_v2(db, sql, -1, &statement_, nullptr);
    }
    ~Statement() { sqlite3_finalize(statement_); }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    void bind(int index, std::string_view bytes) {
        if (code_ == SQLITE_OK)
            code_ = sqlite3_bind_blob64(statement_, index, bytes.empty() ? "" : bytes.data(),
                                        bytes.size(), SQLITE_TRANSIENT);
    }
    void bind(int index, uint64_t number) {
        if (code_ == SQLITE_OK)
            code_ = sqlite3_bind_int64(statement_, index, static_cast<int64_t>(number));
    }
    int step() { return code_ == SQLITE_OK ? sqlite3_step(statement_) : code_; }
    std::string bytes(int column) {
        const void* data = sqlite3_column_blob(statement_, column);
        const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_, column));
        return data == nullptr ? std::string() : std::string(static_cast<const char*>(data), size);
    }
    uint64_t number(int column) {
        return static_cast<uint64_t>(sqlite3_column_int64(statement_, column));
    }

  private:
    sqlite3_stmt* statement_ = nullptr;
    int code_ = SQLITE_OK;
};

}  // namespace

void OutboxFile::Close::operator()(sqlite3* db) const { sqlite3_close_v2(db); }

base::Result<OutboxFile> OutboxFile::open(const std::string& file) {
    sqlite3* db = nullptr;
    const int code =
        sqlite3_open_v2(file.c_str(), &db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    OutboxFile outbox(db);
    if (code != SQLITE_OK) return failure(code);
    // Two processes with one outbox would number different writes alike.
    TANDEM_CHECK(run(db,
                     "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;"
                     "PRAGMA synchronous=FULL;"
                     "CREATE TABLE IF NOT EXISTS records(channel BLOB, push INTEGER, bytes BLOB,"
                     " PRIMARY KEY(channel, push)) WITHOUT ROWID;"
                     "BEGIN IMMEDIATE; COMMIT;"));
    return outbox;
}

base::Result<std::vector<client::StoreRecord>> OutboxFile::load() {
    std::vector<client::StoreRecord> out;
    Statement select(db_.get(), "SELECT channel, push, bytes FROM records");
    int code = select.step();
    for (; code == SQLITE_ROW; code = select.step()) {
        client::StoreRecord& record = out.emplace_back();
        record.channel = select.bytes(0);
        record.push = select.number(1);
        using client::StoreRecord;
        record.kind = record.push == 0                       ? StoreRecord::Kind::state
                      : record.push == StoreRecord::kViewKey ? StoreRecord::Kind::view
                                                             : StoreRecord::Kind::push;
        record.bytes = select.bytes(2);
    }
    if (code != SQLITE_DONE) return failure(code);
    return out;
}

base::Status OutboxFile::store(const std::vector<client::StoreRecord>& records) {
    TANDEM_CHECK(run(db_.get(), "BEGIN IMMEDIATE"));
    for (const client::StoreRecord& record : records) {
        const bool is_removal = record.kind == client::StoreRecord::Kind::remove_push;
        Statement write(db_.get(), is_removal
                                       ? "DELETE FROM records WHERE channel = ?1 AND push = ?2"
                                       : "REPLACE INTO records VALUES(?1, ?2, ?3)");
        write.bind(1, record.channel);
        write.bind(2, record.push);
        if (!is_removal) write.bind(3, record.bytes);
        if (const int code = write.step(); code != SQLITE_DONE) {
            (void)run(db_.get(), "ROLLBACK");
            return failure(code);
        }
    }
    return run(db_.get(), "COMMIT");
}

}  // namespace tandem::sdk
