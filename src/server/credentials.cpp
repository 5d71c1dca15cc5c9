#include "server/credentials.hpp"

#include <utility>

namespace tandem::server {

namespace {

std::string& token_of_process() {
    static std::string token;
    return token;
}

std::string& ca_file_of_process() {
    static std::string file;
    return file;
}

}  // namespace

void use_ca_file(std::string file) { ca_file_of_process() = std::move(file); }

const std::string& ca_file_in_use() { return ca_file_of_process(); }

void use_token(std::string token) { token_of_process() = std::move(token); }

const std::string& token_in_use() { return token_of_process(); }

void authorize(net::HttpHeaders& headers) {
    if (!token_in_use().empty()) headers.set("Authorization", "Bearer " + token_in_use());
}

}  // namespace tandem::server
