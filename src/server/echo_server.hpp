#pragma once

#include <cstdint>

namespace tandem::server {

/// A WebSocket echo on loopback for conformance suites and benchmarks: every message comes back as
/// it was, up to 16 MiB. Serves until SIGTERM or SIGINT; returns the exit code.
int run_echo_server(uint16_t port);

}  // namespace tandem::server
