#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "port/store.hpp"
#include "store/sqlite/batch.hpp"
#include "store/sqlite/engine.hpp"

namespace tandem::store {

/// The store of the simulator: the same engine and the same batches as SqliteStore, carried out
/// within `poll`. Deterministic; for one thread.
class InlineStore final : public port::Store {
  public:
    /// How many batches one `poll` carries out; fewer than wait delays the rest. None: all.
    using Budget = std::function<size_t()>;

    explicit InlineStore(std::unique_ptr<SqliteEngine> engine, BatchLimits limits = {})
        : engine_(std::move(engine)), limits_(limits) {}

    void set_budget(Budget budget) { budget_ = std::move(budget); }

    void submit(port::Ticket ticket, port::StoreRequest request) override;
    void poll(std::vector<port::Completion>& out) override;
    bool failed() const override { return engine_->failed(); }

    SqliteEngine& engine() { return *engine_; }
    size_t waiting() const { return queue_.size(); }

  private:
    struct Waiting {
        port::Ticket ticket;
        port::StoreRequest request;
    };

    void run_batch(std::vector<port::Completion>& out);

    std::unique_ptr<SqliteEngine> engine_;
    BatchLimits limits_;
    Budget budget_;
    std::deque<Waiting> queue_;
};

}  // namespace tandem::store
