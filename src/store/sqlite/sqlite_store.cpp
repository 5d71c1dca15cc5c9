#include "store/sqlite/sqlite_store.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "base/assert.hpp"
#include "store/sqlite/steady_clock.hpp"

namespace tandem::store {

using base::ErrorCode;
using base::Result;
using port::Completion;
using port::StoreReply;
using port::StoreRequest;
using port::Ticket;

class SqliteStore::Port final : public port::Store {
  public:
    Port(SqliteStore& store, uint64_t id) : store_(store), id_(id) {}
    ~Port() override { store_.close_port(id_); }

    void submit(Ticket ticket, StoreRequest request) override {
        store_.submit(id_, ticket, std::move(request));
    }
    void poll(std::vector<Completion>& out) override { store_.poll(id_, out); }
    bool failed() const override { return store_.failed(); }

  private:
    SqliteStore& store_;
    uint64_t id_;
};

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const std::string& path,
                                                       const SqliteStoreOptions& options) {
    EngineOptions engine_options = options.engine;
    engine_options.clock_ns = steady_ns;
    auto files = std::make_unique<TimedFiles>();
    engine_options.files = files.get();
    TANDEM_TRY(std::unique_ptr<SqliteEngine> engine, SqliteEngine::open(path, engine_options));
    TANDEM_TRY(Connection checkpointer,
               Connection::open(path, SQLITE_OPEN_READWRITE,
                                engine_options.vfs.empty() ? files->name() : engine_options.vfs));
    // A connection that has read nothing does not know that the database has a log. It must not
    // touch the log when it closes either: only the engine knows whether that is safe.
    TANDEM_CHECK(checkpointer.execute(
        "PRAGMA synchronous=FULL;PRAGMA wal_autocheckpoint=0;SELECT count(*) FROM sqlite_schema"));
    checkpointer.keep_log_on_close();
    return std::unique_ptr<SqliteStore>(
        new SqliteStore(std::move(files), std::move(engine), std::move(checkpointer), options));
}

SqliteStore::SqliteStore(std::unique_ptr<TimedFiles> files, std::unique_ptr<SqliteEngine> engine,
                         Connection checkpointer, const SqliteStoreOptions& options)
    : limits_(options.limits),
      idle_checkpoint_ms_(options.idle_checkpoint_ms),
      store_epoch_(engine->store_epoch()),
      files_(std::move(files)),
      engine_(std::move(engine)),
      checkpointer_(std::move(checkpointer)),
      checkpoint_thread_([this] { checkpoint_loop(); }),
      writer_([this] { write_loop(); }) {}

SqliteStore::~SqliteStore() {
    {
        std::lock_guard lock(clients_mutex_);
        TANDEM_ASSERT(clients_.empty() && "a port outlives its store");
    }
    {
        std::lock_guard lock(queue_mutex_);
        stopping_ = true;
    }
    queue_wakes_.notify_all();
    checkpoint_wakes_.notify_all();
    writer_.join();
    checkpoint_thread_.join();
    checkpointer_ = Connection();
}

std::unique_ptr<port::Store> SqliteStore::open_port(Notify notify) {
    std::lock_guard lock(clients_mutex_);
    uint64_t id = next_port_++;
    clients_[id].notify = std::move(notify);
    return std::make_unique<Port>(*this, id);
}

void SqliteStore::close_port(uint64_t port) {
    std::lock_guard lock(clients_mutex_);
    clients_.erase(port);
}

void SqliteStore::submit(uint64_t port, Ticket ticket, StoreRequest request) {
    TANDEM_ASSERT(ticket != 0);
    size_t room = entries_of(request);
    bool was_empty = false;
    {
        std::lock_guard lock(queue_mutex_);
        was_empty = queue_.empty();
        if (queue_entries_ != 0 && queue_entries_ + room > limits_.queue_entries_max) {
            queue_.push_back({port, ticket, StoreRequest(), 0});
        } else {
            queue_entries_ += room;
            queue_.push_back({port, ticket, std::move(request), room});
        }
        counters_.queue_entries.store(queue_entries_, std::memory_order_relaxed);
    }
    if (was_empty) queue_wakes_.notify_one();
}

void SqliteStore::poll(uint64_t port, std::vector<Completion>& out) {
    std::vector<Completion> taken;
    {
        std::lock_guard lock(clients_mutex_);
        taken.swap(clients_[port].completions);
    }
    std::move(taken.begin(), taken.end(), std::back_inserter(out));
}

StoreStats SqliteStore::stats() const {
    StoreStats stats;
    stats.commits = counters_.commits.load(std::memory_order_relaxed);
    stats.appends = counters_.appends.load(std::memory_order_relaxed);
    stats.entries = counters_.entries.load(std::memory_order_relaxed);
    stats.checkpoints = counters_.checkpoints.load(std::memory_order_relaxed);
    stats.queue_entries = counters_.queue_entries.load(std::memory_order_relaxed);
    commit_times_.add_to(stats.commit_times);
    files_->sync_times().add_to(stats.sync_times);
    return stats;
}

void SqliteStore::write_loop() {
    while (true) {
        std::vector<Waiting> batch = wait_for_batch();
        if (batch.empty()) return;
        run_batch(std::move(batch));
        plan_checkpoint();
    }
}

// Everything that waits, up to the limits; empty when the store stops and the queue is done.
std::vector<SqliteStore::Waiting> SqliteStore::wait_for_batch() {
    std::unique_lock lock(queue_mutex_);
    while (true) {
        auto is_due = [this] { return !queue_.empty() || stopping_ || checkpoint_done_; };
        bool idle = engine_->log_bytes() <= log_bytes_copied_ || engine_->failed();
        if (idle) {
            queue_wakes_.wait(lock, is_due);
        } else if (!queue_wakes_.wait_for(lock, std::chrono::milliseconds(idle_checkpoint_ms_),
                                          is_due)) {
            checkpoint_done_ = true;
        }
        if (checkpoint_done_) {
            checkpoint_done_ = false;
            lock.unlock();
            finish_checkpoint();
            lock.lock();
        }
        if (!queue_.empty() || stopping_) break;
    }
    std::vector<Waiting> batch;
    BatchBudget budget(limits_);
    while (!queue_.empty() && !budget.is_full()) {
        batch.push_back(std::move(queue_.front()));
        queue_.pop_front();
        if (batch.back().room != 0) budget.take(batch.back().request);
        queue_entries_ -= batch.back().room;
    }
    counters_.queue_entries.store(queue_entries_, std::memory_order_relaxed);
    return batch;
}

void SqliteStore::run_batch(std::vector<Waiting> batch) {
    std::vector<const StoreRequest*> requests;
    for (const Waiting& waiting : batch) {
        if (waiting.room != 0) requests.push_back(&waiting.request);
    }
    uint64_t commits = engine_->counters().commits;
    std::vector<Result<StoreReply>> replies = engine_->execute_batch(requests);
    uint64_t done_ns = 0;
    if (engine_->counters().commits != commits) {
        note_commit();
        done_ns = steady_ns();
    }
    // The flag is visible before the completion that tells of it.
    if (engine_->failed()) failed_.store(true, std::memory_order_release);

    std::lock_guard lock(clients_mutex_);
    std::vector<Client*> touched;
    size_t reply = 0;
    for (Waiting& waiting : batch) {
        Result<StoreReply> result = waiting.room != 0 ? std::move(replies[reply++])
                                                      : Result<StoreReply>(ErrorCode::overloaded);
        auto client = clients_.find(waiting.port);
        if (client == clients_.end()) continue;
        if (std::ranges::find(touched, &client->second) == touched.end()) {
            touched.push_back(&client->second);
        }
        client->second.completions.push_back({waiting.ticket, std::move(result), done_ns});
    }
    // Under the lock, so that a port's function is not called once the port is gone.
    for (Client* client : touched) {
        if (client->notify) client->notify();
    }
}

void SqliteStore::note_commit() {
    const EngineCounters& now = engine_->counters();
    counters_.commits.store(now.commits, std::memory_order_relaxed);
    counters_.appends.store(now.appends, std::memory_order_relaxed);
    counters_.entries.store(now.entries, std::memory_order_relaxed);
    commit_times_.record(now.commit_ns);
}

void SqliteStore::plan_checkpoint() {
    uint64_t bytes = engine_->log_bytes();
    // The log was begun again from its start.
    if (bytes < log_bytes_copied_) log_bytes_copied_ = 0;
    // A long reader, such as a backup, keeps the log from starting again; it is then copied each
    // time that it has grown by as much.
    if (bytes <= log_bytes_copied_ + kLogBytesMax || engine_->failed()) return;
    log_bytes_copied_ = bytes;
    {
        std::lock_guard lock(queue_mutex_);
        checkpoint_wanted_ = true;
    }
    checkpoint_wakes_.notify_one();
}

// The other thread has copied nearly everything. What came meanwhile is copied between two commits,
// because the log starts again only when nothing in it is left to copy.
void SqliteStore::finish_checkpoint() {
    base::Status copied = engine_->checkpoint(CheckpointMode::passive);
    if (!copied.ok()) failed_.store(true, std::memory_order_release);
    counters_.checkpoints.fetch_add(1, std::memory_order_relaxed);
    log_bytes_copied_ = engine_->log_bytes();
}

void SqliteStore::checkpoint_loop() {
    std::unique_lock lock(queue_mutex_);
    while (true) {
        checkpoint_wakes_.wait(lock, [this] { return checkpoint_wanted_ || stopping_; });
        if (stopping_) return;
        checkpoint_wanted_ = false;
        lock.unlock();
        // Its errors are met again, and judged, by the writer's own checkpoint.
        sqlite3_wal_checkpoint_v2(checkpointer_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr,
                                  nullptr);
        lock.lock();
        checkpoint_done_ = true;
        queue_wakes_.notify_one();
    }
}

}  // namespace tandem::store
