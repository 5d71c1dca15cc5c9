#pragma once

#include <string_view>

#include "server/options.hpp"

namespace tandem::server {

/// Sets the process's log up: lines on stderr, as text or as one JSON object each.
void open_log(const Options& options);
void log_info(std::string_view text);
void log_warning(std::string_view text);
void log_error(std::string_view text);

}  // namespace tandem::server
