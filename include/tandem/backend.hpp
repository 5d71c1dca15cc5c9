#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "tandem/tandem.hpp"

/// Records from programs that come and go: scripts, jobs, handlers of requests. A `Client` is a
/// device, whose actor each channel that it writes remembers; this is not. It holds no copy, no
/// connection and no outbox: each call is one request, which waits for the answer and is not sent
/// again by itself. What it writes is by the author "1", as all of the HTTP API.
namespace tandem {

struct BackendOptions {
    std::string url = {};  ///< ws://, wss://, http:// or https://, then host:port
    std::chrono::milliseconds timeout = std::chrono::seconds(10);  ///< of each call
    /// Gives the token that each request carries; called before it, and must not throw.
    std::function<std::string()> token = {};
    /// PEM file of the authorities that certificates of servers must lead to (wss://, https://);
    /// empty: those of the system. There is no way to connect without the check.
    std::string ca_file = {};
};

/// A record, or a part of it, as of an entry.
struct ReadRecord {
    Value value;
    uint64_t seq = 0;
    std::string version;  ///< for `BackendWrite::if_version` and `base`
};

struct BackendWrite {
    /// Refused (`precondition_failed`) when what is written has changed since this version.
    std::string if_version = {};
    /// Of a whole object: the version that it was made from, so that what others wrote since stays.
    std::string base = {};
    /// The same key, channel and write are stored once, however often they are sent.
    std::string idempotency_key = {};
};

/// A write that is on the server's disk.
struct Stored {
    uint64_t seq = 0;
    bool was_stored_before = false;  ///< by a call with the same `idempotency_key`
    bool is_unchanged = false;       ///< nothing had to be written; `seq` is the newest entry
};

/// Threads may share one. Errors of all calls: what the server says (docs/errors.md),
/// `io_failed` or `connection_closed` when it is not reached, `protocol_error` when what answers is
/// no Tandem server, and `timed_out`, after which the write may have been
/// stored or not: only with an `idempotency_key` is it safe to send it again.
class Backend {
  public:
    /// Errors: `invalid_argument` (the url). Nothing is sent yet.
    static Result<Backend> open(BackendOptions options);
    ~Backend();
    Backend(Backend&&) noexcept;
    Backend& operator=(Backend&&) noexcept;

    /// At a path, such as `cards/@id/text`; empty: the whole record.
    Result<ReadRecord> get(std::string_view channel, std::string_view path = {}) const;
    Result<Stored> set(std::string_view channel, std::string_view path, const Value& value,
                       const BackendWrite& write = {}) const;
    Result<Stored> add(std::string_view channel, std::string_view counter, int64_t by,
                       const BackendWrite& write = {}) const;
    Result<Stored> erase(std::string_view channel, std::string_view path,
                         const BackendWrite& write = {}) const;
    /// Several at once, as the HTTP API takes them: a JSON array such as
    /// `[{"op":"set","path":"title","value":"Plan"},{"op":"inc","path":"votes","value":1}]`. All of
    /// them are stored, or none.
    Result<Stored> apply(std::string_view channel, std::string_view ops,
                         const BackendWrite& write = {}) const;
    /// A whole object, as JSON: what differs from `base` (without one: from what is there) is
    /// written, what is not in it is deleted.
    Result<Stored> replace(std::string_view channel, std::string_view object,
                           const BackendWrite& write = {}) const;

  private:
    class Impl;
    explicit Backend(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace tandem
