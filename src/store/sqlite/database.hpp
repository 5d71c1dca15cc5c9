#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"

namespace tandem::store {

/// The catalogue's error for a result code of SQLite. `db` may be null; it gives the operating
/// system's error number.
base::Error error_of(int code, sqlite3* db);

/// A prepared statement, kept for the life of its connection. Unsigned 64-bit numbers are stored
/// as their two's-complement signed form; those that are compared in SQL stay below 2^63.
class Statement {
  public:
    Statement() = default;
    explicit Statement(sqlite3_stmt* handle) : handle_(handle) {}
    Statement(Statement&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Statement& operator=(Statement&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Statement() { sqlite3_finalize(handle_); }

    sqlite3_stmt* get() const { return handle_; }

  private:
    sqlite3_stmt* handle_ = nullptr;
};

/// One execution of a statement. Parameters are bound in order of the calls and borrowed until the
/// execution ends; its destructor makes the statement ready for the next one.
class Execution {
  public:
    explicit Execution(Statement& statement) : handle_(statement.get()) {}
    Execution(const Execution&) = delete;
    Execution& operator=(const Execution&) = delete;
    ~Execution();

    Execution& number(uint64_t value);
    Execution& text(std::string_view value);
    Execution& blob(std::string_view value);

    /// SQLITE_ROW, SQLITE_DONE or an error.
    int step() { return sqlite3_step(handle_); }
    /// Runs a statement that gives no rows: SQLITE_OK or an error.
    int run();

    uint64_t number_at(int column) const;
    std::string bytes_at(int column) const;

  private:
    sqlite3_stmt* handle_;
    int bound_ = 0;
};

/// Owns a connection. Not for use by two threads at once.
class Connection {
  public:
    /// `vfs` empty: the system's. Waits up to five seconds for another connection's lock.
    static base::Result<Connection> open(const std::string& path, int flags,
                                         const std::string& vfs);

    Connection() = default;
    Connection(Connection&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Connection& operator=(Connection&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Connection() { sqlite3_close_v2(handle_); }

    sqlite3* get() const { return handle_; }

    /// Runs SQL whose rows are of no interest; the result code.
    int run(const char* sql);
    base::Status execute(const char* sql);
    base::Result<Statement> prepare(const char* sql);
    /// The first column of the first row; empty when there is none.
    base::Result<std::string> query(const char* sql);
    base::Result<uint64_t> query_number(const char* sql);

    /// Writes every byte of the write-ahead log to its place again and syncs the file. After a
    /// failed fsync the system may show pages that are not on disk and that no later fsync brings
    /// there; only a new write does.
    [[nodiscard]] base::Status rewrite_log();
    /// Leaves the write-ahead log as it is when the connection closes.
    void keep_log_on_close(bool keeps = true);

  private:
    explicit Connection(sqlite3* handle) : handle_(handle) {}

    sqlite3* handle_ = nullptr;
};

}  // namespace tandem::store
