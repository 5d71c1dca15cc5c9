#pragma once

#include <string>

namespace tandem::server {

/// `tandem top`: what a server does, as it does it. On a terminal it draws over one screen until it
/// is ended, and leaves the terminal as it was; elsewhere it prints one report after the other.
struct TopCommand {
    std::string url;
    double every_s = 2;
    bool is_once = false;
    bool is_json = false;
};

/// Exit codes as of the other verbs; 0 when it is ended by a key or a signal.
int run_top(const TopCommand& command);

}  // namespace tandem::server
