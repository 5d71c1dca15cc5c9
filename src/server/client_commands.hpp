#pragma once

#include <cstdint>
#include <string>

namespace tandem::server {

/// The verbs that talk to a running server. Each prints to stdout, errors to stderr, and returns
/// the process's exit code: 0 done, 1 refused or not reachable, 2 wrong arguments.
struct ClientCommand {
    std::string url;
    std::string channel;
    std::string path;
    std::string value;
    std::string file;  ///< set: the whole object instead of a path and its value
    bool is_json = false;
    bool has_after = false;
    uint64_t after = 0;
    uint64_t count = 0;  ///< watch: stop after so many lines; 0: never
};

int run_get(const ClientCommand& command);
int run_set(const ClientCommand& command);
int run_watch(const ClientCommand& command);

}  // namespace tandem::server
