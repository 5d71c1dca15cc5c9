#pragma once

#include <string>

#include "base/errors.hpp"
#include "server/options.hpp"

namespace tandem::server {

/// What went wrong with a store's file and what to do, for people.
Problem explain_store_error(base::Error error, const std::string& path);

}  // namespace tandem::server
