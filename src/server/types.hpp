#pragma once

#include <string>

#include "hub/config.hpp"

namespace tandem::server {

/// A TypeScript module with one definition for each namespace, to be given to `tandem.channel`.
std::string typescript_of(const hub::Config& config);

}  // namespace tandem::server
