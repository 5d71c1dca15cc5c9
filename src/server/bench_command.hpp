#pragma once

#include <cstdint>
#include <string>

namespace tandem::server {

/// Clients that follow channels of a running server and write to them at a steady rate.
struct BenchCommand {
    std::string url;
    uint32_t connections = 10;
    uint32_t channels = 1;
    std::string prefix = "board:bench-";
    uint32_t rate = 100;  ///< writes a second, of all together
    uint32_t seconds = 5;
    bool is_json = false;
};

/// Prints rates and latencies; returns the exit code.
int run_bench(const BenchCommand& command);

}  // namespace tandem::server
