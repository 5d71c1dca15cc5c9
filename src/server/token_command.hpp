#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/auth_options.hpp"

namespace tandem::server {

/// `tandem genkey`, `gentoken` and `checktoken`, which work without a server.
struct TokenCommand {
    std::string algorithm = "EdDSA";
    std::string key_id;
    std::string file;  ///< of a private key; empty: that of `tandem dev`
    std::string subject;
    std::vector<std::string> caps;  ///< PATTERN=read,write
    uint64_t ttl_s = 3600;
    std::string info;                 ///< JSON
    std::vector<std::string> claims;  ///< NAME=JSON
    std::string id;                   ///< `jti`; empty: a random one
    std::string issuer;
    std::string audience;
    std::string token;  ///< to check; "-": from the standard input
    bool is_json = false;
};

int run_genkey(const TokenCommand& command);
int run_gentoken(const TokenCommand& command);
/// Asks a server to revoke one token (`jti`), or all of a subject; neither: prints what is revoked.
int run_revoke(const std::string& url, const std::string& id, const std::string& subject,
               bool is_json);
/// Against the keys of the options, or that of `tandem dev` when they have none. Exit code 1 when
/// the token is not taken.
int run_checktoken(const TokenCommand& command, const AuthOptions& options);

}  // namespace tandem::server
