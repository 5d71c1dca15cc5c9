#include "server/credentials.hpp"

#include <utility>

namespace tandem::server {

namespace {

std::string& token_of_process() {
    static std::string token;
    return token;
}

}  // namespace

void use_token(std::string token) { token_of_process() = std::move(token); }

const std::string& token_in_use() { return token_of_process(); }

void authorize(net::HttpHeaders& headers) {
    if (!token_in_use().empty()) headers.set("Authorization", "Bearer " + token_in_use());
}

}  // namespace tandem::server
