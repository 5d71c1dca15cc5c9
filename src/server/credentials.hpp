#pragma once

#include <string>

#include "net/http_types.hpp"

namespace tandem::server {

/// The token that the verbs of the command line show to servers: that of `--token`, else
/// TANDEM_TOKEN, else none. Set once, before the verb runs.
void use_token(std::string token);
[[nodiscard]] const std::string& token_in_use();
/// Adds it to a request.
void authorize(net::HttpHeaders& headers);

}  // namespace tandem::server
