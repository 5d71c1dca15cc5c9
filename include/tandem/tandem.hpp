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

/// The client for C++ programs. Nothing throws, and functions given to it must not either. Handles
/// are cheap to copy and must not outlive their client. With `ClientOptions::own_thread` any thread
/// may use a client and its handles at any time. Without it one thread at a time does, and two at
/// once end the process; `Client::stop` alone may be called from everywhere.
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
    T* operator->() { return &*value_; }
    const Error& error() const { return error_; }

  private:
    std::optional<T> value_;
    Error error_;
};

struct Committed {
    uint64_t seq = 0;
};
struct Done {};
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
    std::string id;  ///< of the connection
    std::string user;
    Value state;
};

class Client;
class Text;
namespace sdk {
class Core;
class Listener;
struct PastState;
}  // namespace sdk

/// One write: shown at once, stored on this device before it is sent, and pending until the server
/// has it on disk.
class Write {
  public:
    /// Runs the client until the server has decided, for at most this long (`timed_out`: it stays
    /// pending). Not from within a callback on the client's thread.
    Result<Committed> wait(std::chrono::milliseconds timeout);

  private:
    friend class sdk::Core;
    sdk::Core* core_ = nullptr;
    std::string channel_;
    uint64_t push_ = 0;
    std::optional<Committed> committed_;
    std::optional<Error> error_;
};

/// Ends the calls of its callback when it goes. A call that another thread is in is waited for.
class [[nodiscard]] Subscription {
  public:
    Subscription() = default;
    ~Subscription();
    Subscription(Subscription&&) noexcept = default;
    Subscription& operator=(Subscription&&) noexcept;

  private:
    friend class sdk::Core;
    // Shared with the client, which may be gone first.
    std::shared_ptr<sdk::Listener> listener_;
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
    /// The new item's id, which is its name at once; `write`, when given, becomes the write of it.
    ItemId insert(Value object, const Place& place = Place::last(), Write* write = nullptr);
    Write move(const ItemId& item, const Place& place);
    Write remove(const ItemId& item);
    Field field(const ItemId& item, std::string_view path);
};

/// The writes of one transaction, which take effect together or not at all: those that the function
/// given to `transact` makes, also by other handles of the same channel. They show when it returns,
/// and the write that `transact` gives is the one to wait for (those inside give `would_block`).
class Tx {
  public:
    Field field(std::string_view path) { return {*core_, channel_, std::string(path)}; }
    Counter counter(std::string_view path) { return {*core_, channel_, std::string(path)}; }
    Set set(std::string_view path) { return {*core_, channel_, std::string(path)}; }
    List list(std::string_view path) { return {*core_, channel_, std::string(path)}; }

  private:
    friend class sdk::Core;
    Tx(sdk::Core& core, std::string channel) : core_(&core), channel_(std::move(channel)) {}
    sdk::Core* core_;
    std::string channel_;
};
struct TransactOptions {
    std::string label = {};                      ///< what a user calls it, for `History`
    std::vector<std::string> if_unchanged = {};  ///< paths
};

/// Values that lost to the one shown; each can be brought back.
class Conflict {
  public:
    std::string path;
    Value shown;
    std::vector<Value> losers;
    /// Decides: everybody sees this value, and the conflict is closed.
    Write resolve(Value value) const;
    /// Decides for one that lost.
    Write restore(size_t loser) const;

  private:
    friend class sdk::Core;
    sdk::Core* core_ = nullptr;
    std::string channel_;
    uint8_t sort_ = 0;
};

/// Undo and redo of this program's own writes to a channel, since it was opened. What others wrote
/// over a step stays.
class History {
  public:
    /// False when there is nothing to take back.
    bool undo();
    bool redo();
    bool can_undo() const;
    bool can_redo() const;
    /// `TransactOptions::label` of the step that `undo` or `redo` would take; empty without one.
    std::string undo_label() const;
    std::string redo_label() const;

  private:
    friend class Channel;
    History(sdk::Core& core, std::string channel) : core_(&core), channel_(std::move(channel)) {}
    sdk::Core* core_;
    std::string channel_;
};

/// Who is there.
class Presence {
  public:
    /// What others see of this connection, which goes with it.
    void set(Value state);
    void leave();
    std::vector<Member> others() const;

  private:
    friend class Channel;
    Presence(sdk::Core& core, std::string channel) : core_(&core), channel_(std::move(channel)) {}
    sdk::Core* core_;
    std::string channel_;
};

/// The record as an entry left it. It never changes, and needs no client.
class PastView {
  public:
    ~PastView();
    PastView(PastView&&) noexcept;
    PastView& operator=(PastView&&) noexcept;
    /// The entry's place in the log.
    uint64_t seq() const { return seq_; }
    /// At a path, such as `cards/@id/text`; null where nothing was.
    Value value(std::string_view path = {}) const;
    std::vector<ItemId> items(std::string_view list) const;

  private:
    friend class Past;
    PastView(uint64_t seq, std::unique_ptr<const sdk::PastState> state);
    uint64_t seq_;
    std::unique_ptr<const sdk::PastState> state_;
};

/// One path that one entry changed.
struct PastChange {
    uint64_t seq = 0;
    std::chrono::system_clock::time_point at;  ///< by the server's clock
    std::string by;                            ///< the actor; "1" is the HTTP API
    std::string op;                            ///< such as `set` or `insert`
    std::string path;
    std::optional<Value> before;  ///< none where nothing was, and of a move
    std::optional<Value> after;
};
/// A state with a name, which stays however much of the log is trimmed.
struct Version {
    std::string name;
    uint64_t seq = 0;
    std::chrono::system_clock::time_point created;
    uint64_t size = 0;  ///< bytes on the server's disk
};
struct PastRange {
    uint64_t oldest = 0;
    uint64_t newest = 0;
};

/// The past of a channel, as far as the server keeps it. It is asked of the server, so all of this
/// needs one that can be reached, and takes at most the given time; the client runs meanwhile. Not
/// from within a callback on the client's thread. Errors: what the server says (`state_gone` below
/// the oldest state), `timed_out`, `connection_closed`.
class Past {
  public:
    /// The first and the last state that can be had.
    Result<PastRange> range() const;
    Result<PastView> at(uint64_t seq) const;
    /// As of a named version.
    Result<PastView> at(std::string_view version) const;
    /// Who changed what above `from`, up to `to` (0: the newest entry); the oldest first.
    Result<std::vector<PastChange>> changes_between(uint64_t from, uint64_t to = 0) const;
    Result<std::vector<Version>> versions() const;
    /// Names the newest state, or the one at `seq`. Also `version_exists`.
    Result<Committed> save_version(std::string_view name, std::optional<uint64_t> seq = {}) const;
    Result<Done> delete_version(std::string_view name) const;
    /// Writes what makes the record show that state again: one ordinary write of this program,
    /// which `History::undo` takes back. What is too large for one, and a channel of which only a
    /// part is followed, is restored by the server instead.
    Write restore(uint64_t seq) const;
    Write restore(std::string_view version) const;

  private:
    friend class Channel;
    Past(sdk::Core& core, std::string channel, std::chrono::milliseconds timeout)
        : core_(&core), channel_(std::move(channel)), timeout_(timeout) {}
    sdk::Core* core_;
    std::string channel_;
    std::chrono::milliseconds timeout_;
};

class Channel {
  public:
    /// Runs the client until the record, or what is selected of it, is here. Errors: what the
    /// server refuses the channel or the connection with, at once; `timed_out`; `would_block` in a
    /// callback.
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
    /// `work` runs before this returns, on the client's thread, and must not wait.
    Write transact(const std::function<void(Tx&)>& work, TransactOptions options = {});

    /// For programs that have whole objects only. `read` gives the record as it is shown; `assign`
    /// writes what differs from what was last read or assigned by this program, and what others
    /// wrote since then stays and merges: objects field by field, lists by the `id` of their items,
    /// sets by elements, counters by their difference, all else as one value. What is not in the
    /// object is deleted. Errors: `wrong_type` for what the record cannot hold.
    Value read();
    Write assign(Value object);

    History history() { return {*core_, name_}; }
    Presence presence() { return {*core_, name_}; }
    Past past(std::chrono::milliseconds timeout = std::chrono::seconds(10)) {
        return {*core_, name_, timeout};
    }
    /// The record as of an entry of the log: `past().at(seq)`.
    Result<PastView> at(uint64_t seq) { return past().at(seq); }
    /// Those that are open.
    std::vector<Conflict> conflicts() const;
    /// Tells whoever follows the channel now; lost when it is not followed online.
    void signal(std::string_view name, Value value);

    Subscription on_change(std::function<void(const Change&)> callback);
    Subscription on_status(std::function<void(const Status&)> callback);
    /// Once for each value that loses.
    Subscription on_conflict(std::function<void(Conflict&)> callback);
    Subscription on_signal(std::function<void(const Signal&)> callback);
    Subscription on_members(std::function<void()> callback);
    /// Writes that the server refused for good; the channel itself, when the server does not let it
    /// be followed (`unknown_namespace`, say): its writes stay pending then; and when the outbox
    /// could not be written: such writes show, but are not sent until they are in it, which is
    /// tried again.
    Subscription on_refused(std::function<void(const Error&)> callback);

  private:
    friend class Client;
    friend class Text;
    Channel(sdk::Core& core, std::string name) : core_(&core), name_(std::move(name)) {}
    sdk::Core* core_;
    std::string name_;
};

struct SelectOptions {
    /// Paths (with all below them), and windows of lists by the index of their items, such as
    /// `cards[0:40]`. None: the whole record.
    std::vector<std::string> select = {};
};

struct ClientOptions {
    std::string url = {};  ///< ws://, wss://, http:// or https://, then host:port
    /// File that keeps what is pending over restarts and crashes, and what was shown last; one
    /// process at a time uses it. Empty: both end with the program.
    std::string outbox = {};
    std::string name = "tandem-cpp";  ///< for the server's logs
    /// Gives the token for each connection, and a fresh one before it expires; called on the
    /// client's thread, which it holds up, and must not throw. Empty: none is shown.
    std::function<std::string()> token = {};
    /// The client runs on a thread of its own, which `open` starts and the destructor ends. Then
    /// all of it may be used by any thread, callbacks come on the client's thread unless there is a
    /// `dispatch`, and `run`, `poll` and `fd` are not needed. A callback must not wait for a lock
    /// that a thread holds while it uses the client.
    bool own_thread = false;
    /// Gets each callback to be called, on the client's thread, and brings it to where the program
    /// wants it, in order: such as the queue of a user interface. Empty: they are called at once.
    std::function<void(std::function<void()>)> dispatch = {};
    /// PEM file of the authorities that certificates of servers must lead to (wss://, https://);
    /// empty: those of the system. There is no way to connect without the check.
    std::string ca_file = {};
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

    /// For loops of other libraries: call `poll` when `fd` is readable. It never blocks. With a
    /// thread of its own there is no fd (-1), and `poll` has nothing to do.
    int fd() const;
    void poll();
    /// Runs until `stop`. With a thread of its own it waits for that, which does not end the
    /// thread.
    void run();
    void stop();

  private:
    explicit Client(std::unique_ptr<sdk::Core> core);
    std::unique_ptr<sdk::Core> core_;
};

}  // namespace tandem
