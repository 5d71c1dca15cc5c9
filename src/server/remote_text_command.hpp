#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.hpp"

namespace tandem::server {

/// `tandem text list|get|edit|versions|history|revert|watch`: texts of a running server. Exit codes
/// as for the other verbs that talk to one: 0 done, 1 refused or not reachable, 2 wrong arguments.
struct RemoteTextCommand {
    std::string url;
    std::string channel;
    bool is_json = false;
    std::string name;                 ///< empty: main, as the server has it
    std::optional<std::string> root;  ///< nothing: the only one that can be meant
    std::string as = "text";          ///< text, json, xml, delta or update
    std::string file;                 ///< get: to write; edit: an update
    // edit; positions are in UTF-16 units
    std::string append;               ///< "-": the standard input
    std::vector<std::string> insert;  ///< INDEX TEXT
    std::vector<uint64_t> erase;      ///< INDEX COUNT
    std::string edits;                ///< JSON, as the HTTP API takes them
    std::string author;
    bool leaves = false;
    // moments: a seq or the name of a version
    std::optional<uint64_t> at;
    std::string version;
    std::optional<uint64_t> from;
    std::string from_version;
    std::optional<uint64_t> to;
    std::string to_version;
    // versions
    std::string save;
    std::string remove;
    std::optional<uint64_t> remove_at;
    uint64_t count = 0;  ///< watch: of lines; 0: no end
};

int run_text_list(const RemoteTextCommand& command);
int run_text_get(const RemoteTextCommand& command);
int run_text_edit(const RemoteTextCommand& command);
int run_text_versions(const RemoteTextCommand& command);
int run_text_history(const RemoteTextCommand& command);
int run_text_revert(const RemoteTextCommand& command);
int run_text_watch(const RemoteTextCommand& command);

/// For people: {"root","path","delta","keys"} and, where they are known, "by" and "keys_by".
void print_text_change(const base::Value& change);

/// The address of `resource` of the command's channel, with the text's name.
std::string text_target(const RemoteTextCommand& command, std::string_view resource);
/// Adds a parameter to an address.
void add_param(std::string& target, std::string_view name, std::string_view value);

}  // namespace tandem::server
