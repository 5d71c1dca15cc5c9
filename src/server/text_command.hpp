#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/limits.hpp"

namespace tandem::server {

/// `tandem text`: work on files that hold Yjs updates.
struct TextCommand {
    std::vector<std::string> files;
    /// For verbs of one file, which is put into `files`.
    std::string file;
    /// Encoding of the files: v1 or v2.
    std::string from = "v1";
    /// Encoding of what is written; that of the files unless given.
    std::string to;
    /// For `diff`: a state vector, or an update whose state is meant.
    std::string since;
    /// For `json`: roots as NAME:KIND, where the kind cannot be seen from the content.
    std::vector<std::string> roots;
    /// Of one file: what a server takes unless it is told otherwise.
    uint64_t file_bytes_max = base::Limits().text_bytes_max;
};

/// Each writes its result to the standard output and returns the exit code: 0, or 1 with a message.
int run_text_merge(const TextCommand& command);
int run_text_diff(const TextCommand& command);
int run_text_state_vector(const TextCommand& command);
int run_text_convert(const TextCommand& command);
int run_text_json(const TextCommand& command);

}  // namespace tandem::server
