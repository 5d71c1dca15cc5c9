#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tandem::sim {

/// What became of one job in a worker process.
struct Outcome {
    bool is_done = false;  ///< false: the process died in it
    bool is_failure = false;
    uint64_t seed = 0;
    uint64_t events = 0;
    uint64_t virtual_ms = 0;
    uint64_t crashes = 0;
    std::string text;
};

/// Runs jobs in as many processes as there are cores. A process that dies in a job fails that job
/// alone. `progress` is called for each job that ends.
std::vector<Outcome> run_jobs(size_t count, const std::function<Outcome(size_t)>& job,
                              const std::function<void(size_t, const Outcome&)>& progress);

}  // namespace tandem::sim
