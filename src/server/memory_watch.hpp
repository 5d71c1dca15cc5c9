#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "net/reactor.hpp"
#include "server/memory_budget.hpp"
#include "server/spare_memory.hpp"

namespace tandem::server {

/// Looks at the process's memory now and then, and tells of pressure. Belongs to the thread of its
/// reactor, but for the numbers.
class MemoryWatch {
  public:
    /// Told at every change, and as long as memory is short; with what has to go. Borrows the
    /// reactor and the spare memory.
    using OnPressure = std::function<void(hub::Pressure, uint64_t excess_bytes)>;

    MemoryWatch(net::Reactor& reactor, SpareMemory& spare, uint64_t budget_bytes,
                OnPressure on_pressure);

    void start() { timer_.start(1); }
    void stop() { timer_.stop(); }

    // From any thread.
    [[nodiscard]] uint64_t budget_bytes() const { return budget_.bytes(); }
    [[nodiscard]] uint64_t used_bytes() const { return used_; }
    [[nodiscard]] hub::Pressure pressure() const { return pressure_; }

  private:
    void look();

    SpareMemory& spare_;
    MemoryBudget budget_;
    OnPressure on_pressure_;
    uint32_t looks_ = 0;
    std::atomic<uint64_t> used_ = 0;
    std::atomic<hub::Pressure> pressure_ = hub::Pressure::none;
    net::Timer timer_;
};

}  // namespace tandem::server
