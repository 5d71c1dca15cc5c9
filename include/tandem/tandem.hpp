#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tandem/value.hpp"

/// The client for C++ programs. Nothing throws. One thread uses a client and all its handles;
/// `Client::stop` alone may be called from others. Handles are cheap to copy and must not outlive
/// their client.
namespace tandem {

/// What happened (`code`, `message`) and what to do (`hint`); the codes are those of
/// docs/errors.md.
class Error {
  public:
    Error() = default;
    Error(std::string code, std::string message, std::string hint)
        : code_(std::move(code)), message_(std::move(message)), hint_(std::move(hint)) {}
    const std::string& code() const { return code_; }
    const std::string& message() const { return message_; }
    const std::string& hint() const { return hint_; }

  private:
    std::string code_;
    std::string message_;
    std::string hint_;
};

/// A value or an error.
template <class T>
class [[nodiscard]] Result {
  public:
    Result(T value) : value_(std::move(value)) {}
    Result(Error error) : error_(std::move(error)) {}
    explicit operator bool() const { return value_.has_value(); }
    const T& operator*() const { return *value_; }
    const T* operator->() const { return &*value_; }
    T& operator*() { return *value_; }
    const Error& error() const { return error_; }

  private:
    std::optional<T> value_;
    Error error_;
};

struct Committed {
    uint64_t seq = 0;
};
struct ItemId {
    std::string id;
};
struct WriteOptions {
    bool if_unchanged = false;  ///< refused when somebody else has changed it since it was shown
};
struct Change {
    uint64_t seq = 0;
    std::string path;  ///< empty: anything may have changed
};
struct Status {
    bool online = false;
    bool synced = false;
    unsigned pending = 0;
};
struct Signal {
    std::string from;
    std::string name;
    Value value;
};
struct Member {
    std::string id;
    std::string user;
    Value state;
};

class Client;
namespace sdk {
class Core;
}

/// One write: shown at once, stored on this device before it is sent, and pending until the server
/// has it on disk.
class Write {
  public:
    /// Runs the client until the server has decided, for at most this long (`timed_out`: it stays
    /// pending). Not from within a callback.
    Result<Committed> wait(std::chrono::milliseconds timeout);

  private:
    friend class sdk::Core;
    sdk::Core* core_ = nullptr;
    std::string channel_;
    uint64_t push_ = 0;
    std::optional<Error> error_;
};

/// Ends the calls of its callback when it goes.
class [[nodiscard]] Subscription {
  public:
    Subscription() = default;

  private:
    friend class sdk::Core;
    // Shared with the client, which may be gone first.
    std::shared_ptr<void> listener_;
};

/// Where an item goes in its list.
class Place {
  public:
    static Place first() { return {0, {}}; }
    static Place last() { return {1, {}}; }
    static Place before(ItemId item) { return {2, std::move(item.id)}; }
    static Place after(ItemId item) { return {3, std::move(item.id)}; }
    int kind = 1;
    std::string id;

  private:
    Place(int k, std::string of) : kind(k), id(std::move(of)) {}
};

/// A part of a channel's record; paths are texts such as `cards/@id/text`.
class Handle {
  public:
    Handle(sdk::Core& core, std::string channel, std::string path)
        : core_(&core), channel_(std::move(channel)), path_(std::move(path)) {}

  protected:
    sdk::Core* core_;
    std::string channel_;
    std::string path_;
};

class Field : public Handle {
  public:
    using Handle::Handle;
    /// As shown: what is confirmed, with the own pending writes.
    Value value() const;
    Write set(Value value, WriteOptions options = {});
    Write remove();
};

class Counter : public Handle {
  public:
    using Handle::Handle;
    int64_t value() const;
    Write add(int64_t n);
    Write set(int64_t value);
};

class Set : public Handle {
  public:
    using Handle::Handle;
    Value value() const;
    Write add(Value element);
    Write remove(Value element);
};

class List : public Handle {
  public:
    using Handle::Handle;
    Value value() const;
    std::vector<ItemId> items() const;
    /// How many items the list has, also outside of the windows that are followed.
    uint64_t total() const;
    ItemId insert(Value object, const Place& place = Place::last());
    Write move(const ItemId& item, const Place& place);
    Write remove(const ItemId& item);
    Field field(const ItemId& item, std::string_view path);
};

/// The writes of one transaction, which take effect together or not at all.
class Transaction {
  public:
    void set(std::string_view path, Value value);
    void remove(std::string_view path);
    void add(std::string_view counter, int64_t n);
    void add_element(std::string_view set, Value element);
    void remove_element(std::string_view set, Value element);
    ItemId insert(std::string_view list, Value object, const Place& place = Place::last());

  private:
    friend class sdk::Core;
    explicit Transaction(void* edit) : edit_(edit) {}
    void* edit_;
    std::optional<Error> error_;
};
struct TransactOptions {
    std::vector<std::string> if_unchanged;  ///< paths
};

/// Values that lost to the one shown; each can be brought back.
class Conflict {
  public:
    std::string path;
    std::vector<Value> losers;
    /// An ordinary write of that value, which has seen all others.
    Write restore(size_t loser);

  private:
    friend class sdk::Core;
    sdk::Core* core_ = nullptr;
    std::string channel_;
};

class Channel {
  public:
    /// Runs the client until the record, or what is selected of it, is here.
    Result<Committed> wait_ready(std::chrono::milliseconds timeout);
    /// Follows these parts from now on (none: the whole record), in place of what was followed
    /// before. It does not wait: the view shows the former parts until the new ones are here, which
    /// `wait_ready` waits for. Errors: `bad_path`, `bad_select`.
    Result<Committed> select(const std::vector<std::string>& parts);
    /// Follows these parts, too. Errors as for `select`.
    Result<Committed> load(const std::vector<std::string>& parts);
    Value value() const;
    Status status() const;
    Field field(std::string_view path) { return {*core_, name_, std::string(path)}; }
    Counter counter(std::string_view path) { return {*core_, name_, std::string(path)}; }
    Set set(std::string_view path) { return {*core_, name_, std::string(path)}; }
    List list(std::string_view path) { return {*core_, name_, std::string(path)}; }
    Write transact(const std::function<void(Transaction&)>& work, TransactOptions options = {});
    /// False when there is nothing to take back.
    bool undo();
    bool redo();

    void set_presence(Value state);
    void leave_presence();
    std::vector<Member> members() const;
    void signal(std::string_view name, Value value);

    Subscription on_change(std::function<void(const Change&)> callback);
    Subscription on_status(std::function<void(const Status&)> callback);
    Subscription on_conflict(std::function<void(Conflict&)> callback);
    Subscription on_signal(std::function<void(const Signal&)> callback);
    Subscription on_members(std::function<void()> callback);
    /// Writes that the server refused for good.
    Subscription on_refused(std::function<void(const Error&)> callback);

  private:
    friend class Client;
    Channel(sdk::Core& core, std::string name) : core_(&core), name_(std::move(name)) {}
    sdk::Core* core_;
    std::string name_;
};

struct SelectOptions {
    /// Paths (with all below them), and windows of lists by the index of their items, such as
    /// `cards[0:40]`. None: the whole record.
    std::vector<std::string> select;
};

struct ClientOptions {
    std::string url;  ///< ws://host:port or http://host:port
    /// File that keeps what is pending over restarts and crashes, and what was shown last; one
    /// process at a time uses it. Empty: both end with the program.
    std::string outbox;
    std::string name = "tandem-cpp";  ///< for the server's logs
};

class Client {
  public:
    /// Errors: `invalid_argument` (the url), `storage_corrupt` or `io_failed` (the outbox, also
    /// when another process uses it).
    static Result<Client> open(ClientOptions options);
    ~Client();
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;

    /// Follows the channel, or parts of it, from now on. Parts that cannot be read are an error of
    /// `wait_ready`. Another handle of the same channel follows the same parts, unless it names
    /// others.
    Channel channel(std::string_view name, const SelectOptions& options = {});

    /// For loops of other libraries: call `poll` when `fd` is readable. It never blocks.
    int fd() const;
    void poll();
    /// Runs until `stop`.
    void run();
    void stop();

  private:
    explicit Client(std::unique_ptr<sdk::Core> core);
    std::unique_ptr<sdk::Core> core_;
};

}  // namespace tandem
