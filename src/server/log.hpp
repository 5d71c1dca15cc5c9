#pragma once

#include <string_view>

#include "server/options.hpp"

namespace tandem::server {

/// Sets the process's log up: lines on stderr, as text or as one JSON object each.
void open_log(const Options& options);
/// Why the program ends at once, with a hint; told whatever the level is.
void log_refusal(std::string_view what, std::string_view hint);
void log_info(std::string_view text);
void log_warning(std::string_view text);
void log_error(std::string_view text);

}  // namespace tandem::server
