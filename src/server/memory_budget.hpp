#pragma once

#include <cstdint>
#include <string>

#include "hub/pressure.hpp"

namespace tandem::server {

/// Which pressure what is used of a budget makes. It rises at 80 % and at 90 %, and falls again
/// below 85 % and 70 %, so that it does not change with every connection.
class MemoryBudget {
  public:
    explicit MemoryBudget(uint64_t bytes) : bytes_(bytes) {}

    /// The pressure from now on.
    hub::Pressure take(uint64_t used_bytes);
    [[nodiscard]] uint64_t bytes() const { return bytes_; }
    [[nodiscard]] hub::Pressure pressure() const { return pressure_; }
    /// From here on it matters how much of what is resident is used.
    [[nodiscard]] uint64_t high_mark() const { return bytes_ / 100 * 80; }
    /// What has to go for critical pressure to end.
    [[nodiscard]] uint64_t excess(uint64_t used_bytes) const;

  private:
    uint64_t bytes_;
    hub::Pressure pressure_ = hub::Pressure::none;
};

/// What this process may use: the machine's memory, or the least limit of its control groups.
[[nodiscard]] uint64_t memory_of_machine();
/// The least limit on the way from `group`, as in /proc/self/cgroup, to `root`; UINT64_MAX: none.
[[nodiscard]] uint64_t memory_of_group(const std::string& root, const std::string& group);
/// The part of it that a server takes unless it is told otherwise.
[[nodiscard]] uint64_t default_memory_budget();

/// Resident memory that is not of files, which the system takes back by itself.
[[nodiscard]] uint64_t unshared_bytes();
/// What the allocator has given out. It looks at all that it has, which takes milliseconds.
[[nodiscard]] uint64_t allocated_bytes();

}  // namespace tandem::server
