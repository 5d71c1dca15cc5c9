#include "store/sqlite/inline_store.hpp"

#include <limits>

#include "base/assert.hpp"

namespace tandem::store {

void InlineStore::submit(port::Ticket ticket, port::StoreRequest request) {
    TANDEM_ASSERT(ticket != 0);
    queue_.push_back({ticket, std::move(request)});
}

void InlineStore::poll(std::vector<port::Completion>& out) {
    size_t batches = budget_ ? budget_() : std::numeric_limits<size_t>::max();
    for (; batches > 0 && !queue_.empty(); --batches)
        run_batch(out);
}

void InlineStore::run_batch(std::vector<port::Completion>& out) {
    BatchBudget budget(limits_);
    std::vector<const port::StoreRequest*> requests;
    for (const Waiting& waiting : queue_) {
        if (budget.is_full()) break;
        budget.take(waiting.request);
        requests.push_back(&waiting.request);
    }
    auto replies = engine_->execute_batch(requests);
    for (auto& reply : replies) {
        out.push_back({queue_.front().ticket, std::move(reply)});
        queue_.pop_front();
    }
    // A checkpoint that fails marks the engine; the next request reports it.
    if (!engine_->failed() && engine_->log_bytes() > kLogBytesMax) {
        base::Status copied = engine_->checkpoint(CheckpointMode::passive);
        static_cast<void>(copied);
    }
}

}  // namespace tandem::store
