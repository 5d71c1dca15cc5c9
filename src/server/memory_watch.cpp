#include "server/memory_watch.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "server/log.hpp"

namespace tandem::server {

using hub::Pressure;

namespace {

// While half of the budget is free, nothing that clients do takes the rest in so short a time.
constexpr uint64_t kCalmMs = 500;
constexpr uint64_t kWatchfulMs = 50;
// Of the budget; less than that part of it is not worth the search.
constexpr uint64_t kSpareShare = 32;
constexpr uint32_t kLooksPerRelief = 10;

std::string mebibytes(uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

MemoryWatch::MemoryWatch(net::Reactor& reactor, SpareMemory& spare, uint64_t budget_bytes,
                         OnPressure on_pressure)
    : spare_(spare),
      budget_(budget_bytes),
      on_pressure_(std::move(on_pressure)),
      timer_(reactor, [this] { look(); }) {}

void MemoryWatch::look() {
    const uint64_t resident = unshared_bytes();
    uint64_t used = resident;
    // What the allocator holds for later is given back, and is no reason to cut anybody.
    if (resident >= budget_.high_mark() || budget_.pressure() != Pressure::none) {
        used = std::min(resident, allocated_bytes());
        if (resident - used > budget_.bytes() / kSpareShare)
            spare_.give_back(SpareMemory::Urgency::now);
    }
    used_ = used;
    const Pressure before = budget_.pressure();
    const Pressure pressure = budget_.take(used);
    pressure_ = pressure;
    if (pressure != before) {
        const std::string told =
            mebibytes(used) + " of the budget of " + mebibytes(budget_.bytes()) + " are used: ";
        if (pressure == Pressure::critical)
            log_warning(told +
                        "connections for which most is held are cut, loads and writes are "
                        "refused for now");
        else if (pressure == Pressure::high)
            log_warning(told + "nobody new is let in, and caches are given up");
        else
            log_info(told + "memory is short no more");
    }
    // The caches fill again while it lasts.
    const bool is_due = ++looks_ % kLooksPerRelief == 0;
    if (pressure != before || pressure == Pressure::critical ||
        (is_due && pressure == Pressure::high))
        on_pressure_(pressure, budget_.excess(used));
    timer_.start(used > budget_.bytes() / 2 ? kWatchfulMs : kCalmMs);
}

}  // namespace tandem::server
