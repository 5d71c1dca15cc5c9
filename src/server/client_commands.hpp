#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace tandem::server {

/// The verbs that talk to a running server. Each prints to stdout, errors to stderr, and returns
/// the process's exit code: 0 done, 1 refused or not reachable, 2 wrong arguments.
struct ClientCommand {
    std::string url;
    std::string channel;
    std::string path;
    std::string value;
    /// get: to write, with the name of the channel; set: the whole object instead of a path and its
    /// value; export and import: JSON lines, "-" for the standard streams
    std::string file;
    bool is_json = false;
    bool has_after = false;
    uint64_t after = 0;
    uint64_t count = 0;  ///< watch: stop after so many lines; 0: never
    std::optional<uint64_t> at = std::nullopt;
    std::string version;
    std::optional<uint64_t> from = std::nullopt;
    std::optional<uint64_t> to = std::nullopt;
    uint64_t limit = 50;  ///< rows
    std::string prefix;
    bool is_all = false;
    bool is_overwrite = false;  ///< export: a file; import: what others wrote since
    std::string keep;           ///< conflicts: decide those of this path
    std::string restore;
    std::string dot;   ///< ACTOR:COUNTER of one row
    std::string save;  ///< versions
    std::string remove;
    std::string ops;   ///< publish: JSON
    std::string name;  ///< publish: of a signal
};

int run_get(const ClientCommand& command);
int run_set(const ClientCommand& command);
int run_publish(const ClientCommand& command);

// watch_command.cpp
int run_watch(const ClientCommand& command);

// history_commands.cpp
int run_history(const ClientCommand& command);
int run_channels(const ClientCommand& command);
int run_conflicts(const ClientCommand& command);
int run_versions(const ClientCommand& command);
int run_revert(const ClientCommand& command);

// export_command.cpp
int run_export(const ClientCommand& command);

// import_command.cpp
int run_import(const ClientCommand& command);

}  // namespace tandem::server
