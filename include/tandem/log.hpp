#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tandem/tandem.hpp"

/// The log of a channel as it is written, for programs that feed other systems or keep a record of
/// who did what. Where a `Channel` shows what is, this tells each write.
namespace tandem {

/// What a write did in one place.
struct LogOp {
    std::string op;    ///< such as `set`, `inc` or `insert`
    std::string path;  ///< such as `cards/@id/text`
    Value value;       ///< as it was written
    /// What is shown there since, where a value or counter is: something else than was written when
    /// others' writes merged with it. Told of writes that come one by one.
    std::optional<Value> shown;
};
struct LogEntry {
    uint64_t seq = 0;
    Value by;  ///< the actor that wrote it; 1 is the HTTP API
    std::vector<LogOp> ops;
};
/// The record as of `seq`, in place of the entries up to it.
struct LogState {
    uint64_t seq = 0;
    Value value;
    /// Where the reader was. None: it has just begun, with what is there. Below `seq`: the entries
    /// between are not kept any more. From `seq` on: the history was replaced, by a restore from a
    /// backup or because the channel was deleted.
    std::optional<uint64_t> after;
};
/// What the entries above `from` up to `to` have changed, in place of them: there are too many.
struct LogDifference {
    uint64_t from = 0;
    uint64_t to = 0;
    std::vector<LogOp> changes;  ///< `op` is the kind of change, such as `value` or `clear`
};

/// Gets what a reader reads, in order. It may stop the reader.
class LogFollower {
  public:
    virtual ~LogFollower() = default;
    virtual void on_entry(const LogEntry& entry) = 0;
    virtual void on_state(const LogState& state) = 0;
    virtual void on_difference(const LogDifference& difference) = 0;
    virtual void on_signal(const Signal& signal) = 0;
    /// The server does not let it read, and why; the reader stops.
    virtual void on_refused(const Error& error) = 0;
    /// A connection ended. The reader comes back for what follows `after`.
    virtual void on_lost(std::optional<uint64_t> after) = 0;
    /// The server was not reached. The reader tries again.
    virtual void on_unreachable(const Error& error) = 0;
};

struct LogReaderOptions {
    std::string url = {};  ///< ws://, wss://, http:// or https://, then host:port
    std::string channel = {};
    /// Begins with what follows this entry (0: the first); none: with the state of now.
    std::optional<uint64_t> after = {};
    /// Gives the token of each connection; called before it, and must not throw.
    std::function<std::string()> token = {};
    /// PEM file of the authorities that certificates of servers must lead to (wss://, https://);
    /// empty: those of the system. There is no way to connect without the check.
    std::string ca_file = {};
};

/// Follows the log of one channel, and comes back with its cursor when it is cut off: each entry
/// once, whatever happens to the connection. One thread uses it; `stop` may be called from all.
class LogReader {
  public:
    /// Errors: `invalid_argument` (the url).
    static Result<LogReader> open(LogReaderOptions options, LogFollower& follower);
    ~LogReader();
    LogReader(LogReader&&) noexcept;
    LogReader& operator=(LogReader&&) noexcept;

    /// Reads until `stop`, or until it is refused.
    void run();
    void stop();

  private:
    class Impl;
    explicit LogReader(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace tandem
