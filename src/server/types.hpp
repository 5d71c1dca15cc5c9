#pragma once

#include <string>
#include <vector>

#include "hub/config.hpp"

namespace tandem::server {

/// A TypeScript module with one definition for each namespace, to be given to `tandem.channel`.
std::string typescript_of(const hub::Config& config);

/// `namespace/path` of what has members of any name and is taken for a map, though it might be a
/// list: no field says which.
[[nodiscard]] std::vector<std::string> undeclared_maps(const hub::Config& config);

}  // namespace tandem::server
