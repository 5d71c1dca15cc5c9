#pragma once

#include <string>

namespace tandem::server {

/// `tandem diff LEFT RIGHT`: each is URL/CHANNEL or a file. Exit codes as of diff(1): 0 the same,
/// 1 different, 2 trouble.
struct DiffCommand {
    std::string left;
    std::string right;
    bool is_json = false;
};

int run_diff(const DiffCommand& command);

}  // namespace tandem::server
