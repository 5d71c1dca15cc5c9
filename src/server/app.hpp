#pragma once

#include "server/options.hpp"

namespace tandem::server {

/// What is printed once the server answers.
enum class ReadyLine : uint8_t {
    none = 0,
    json = 1,    ///< {"event":"ready","url":…,"pid":N} on stdout
    people = 2,  ///< the address and what to try
};

/// Opens the store, listens, and serves until SIGTERM or SIGINT. Returns the exit code: 0 after a
/// graceful stop, 1 when it could not start or the store failed; the reason is on stderr.
int run_server(Options& options, ReadyLine ready);

}  // namespace tandem::server
