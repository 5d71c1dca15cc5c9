#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/histogram.hpp"
#include "port/store.hpp"
#include "store/sqlite/batch.hpp"
#include "store/sqlite/engine.hpp"
#include "store/sqlite/timed_files.hpp"

namespace tandem::store {

struct StoreStats {
    uint64_t commits = 0;  ///< also the number of fsyncs for appends
    uint64_t appends = 0;
    uint64_t entries = 0;
    uint64_t checkpoints = 0;
    uint64_t queue_entries = 0;
    base::Histogram::Sum commit_times;
    base::Histogram::Sum sync_times;  ///< of every file, checkpoints included
};

struct SqliteStoreOptions {
    EngineOptions engine;
    BatchLimits limits;
    uint64_t idle_checkpoint_ms = 1'000;
};

/// The store of a server: one thread carries out all requests, all that wait in one transaction and
/// with one fsync; another copies the write-ahead log into the database meanwhile. Every client (a
/// shard) has a port of its own, whose completions are separate and in order.
class SqliteStore {
  public:
    /// Called on the store's thread after completions were added to a port, to wake its owner. It
    /// must not block and must not call the store.
    using Notify = std::function<void()>;

    static base::Result<std::unique_ptr<SqliteStore>> open(const std::string& path,
                                                           const SqliteStoreOptions& options);
    /// Carries out what was submitted. All ports must be gone.
    ~SqliteStore();
    SqliteStore(const SqliteStore&) = delete;
    SqliteStore& operator=(const SqliteStore&) = delete;

    /// From any thread. The port itself is for one thread at a time and ends before the store. A
    /// request for which the queue has no room completes, in its turn, with `overloaded`.
    std::unique_ptr<port::Store> open_port(Notify notify);

    bool failed() const { return failed_.load(std::memory_order_acquire); }
    uint64_t store_epoch() const { return store_epoch_; }
    StoreStats stats() const;

  private:
    class Port;
    struct Waiting {
        uint64_t port;
        port::Ticket ticket;
        port::StoreRequest request;
        size_t room;  ///< 0: was refused, and only completes in its turn
    };
    struct Client {
        std::vector<port::Completion> completions;
        Notify notify;
    };

    SqliteStore(std::unique_ptr<TimedFiles> files, std::unique_ptr<SqliteEngine> engine,
                Connection checkpointer, const SqliteStoreOptions& options);

    void submit(uint64_t port, port::Ticket ticket, port::StoreRequest request);
    void poll(uint64_t port, std::vector<port::Completion>& out);
    void close_port(uint64_t port);

    void write_loop();
    std::vector<Waiting> wait_for_batch();
    void run_batch(std::vector<Waiting> batch);
    void note_commit();
    void plan_checkpoint();
    void finish_checkpoint();
    void checkpoint_loop();

    BatchLimits limits_;
    uint64_t idle_checkpoint_ms_;
    uint64_t store_epoch_;

    // Before the connections that use it.
    std::unique_ptr<TimedFiles> files_;
    // The writer's alone.
    std::unique_ptr<SqliteEngine> engine_;
    uint64_t log_bytes_copied_ = 0;
    // The checkpoint thread's alone.
    Connection checkpointer_;

    std::mutex queue_mutex_;
    std::condition_variable queue_wakes_;
    std::condition_variable checkpoint_wakes_;
    std::deque<Waiting> queue_;
    size_t queue_entries_ = 0;
    bool stopping_ = false;
    bool checkpoint_wanted_ = false;
    bool checkpoint_done_ = false;

    std::mutex clients_mutex_;
    std::map<uint64_t, Client> clients_;
    uint64_t next_port_ = 1;

    std::atomic<bool> failed_ = false;
    struct {
        std::atomic<uint64_t> commits = 0;
        std::atomic<uint64_t> appends = 0;
        std::atomic<uint64_t> entries = 0;
        std::atomic<uint64_t> checkpoints = 0;
        std::atomic<uint64_t> queue_entries = 0;
    } counters_;
    base::Histogram commit_times_;

    std::thread checkpoint_thread_;
    std::thread writer_;
};

}  // namespace tandem::store
