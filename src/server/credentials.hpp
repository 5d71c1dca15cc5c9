#pragma once

#include <string>

#include "net/http_types.hpp"

namespace tandem::server {

/// The token that the verbs of the command line show to servers: that of `--token`, else
/// TANDEM_TOKEN, else none. Set once, before the verb runs.
void use_token(std::string token);
[[nodiscard]] const std::string& token_in_use();
/// The authorities that servers' certificates must lead to: a PEM file, that of `--ca`, else
/// TANDEM_CA; empty: those of the system.
void use_ca_file(std::string file);
[[nodiscard]] const std::string& ca_file_in_use();
/// Adds the token to a request.
void authorize(net::HttpHeaders& headers);

}  // namespace tandem::server
