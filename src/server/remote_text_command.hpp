#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tandem::server {

/// `tandem text list|get|edit`: texts of a running server. Exit codes as for the other verbs that
/// talk to one: 0 done, 1 refused or not reachable, 2 wrong arguments.
struct RemoteTextCommand {
    std::string url;
    std::string channel;
    bool is_json = false;
    std::string name;         ///< empty: main, as the server has it
    std::string root;         ///< empty: the only one that can be meant
    std::string as = "text";  ///< text, json, xml, delta or update
    std::string file;         ///< get: to write; edit: an update
    // edit; positions are in UTF-16 units
    std::string append;               ///< "-": the standard input
    std::vector<std::string> insert;  ///< INDEX TEXT
    std::vector<uint64_t> erase;      ///< INDEX COUNT
    std::string edits;                ///< JSON, as the HTTP API takes them
    std::string author;
    bool leaves = false;
};

int run_text_list(const RemoteTextCommand& command);
int run_text_get(const RemoteTextCommand& command);
int run_text_edit(const RemoteTextCommand& command);

}  // namespace tandem::server
