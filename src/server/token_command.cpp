#include "server/token_command.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>

#include "auth/trust.hpp"
#include "base/value.hpp"
#include "crypto/signatures.hpp"
#include "server/auth_keys.hpp"
#include "server/random.hpp"
#include "server/remote.hpp"

namespace tandem::server {

using base::Value;

namespace {

uint64_t wall_now_ms() {
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                     std::chrono::system_clock::now().time_since_epoch())
                                     .count());
}

std::string random_id() {
    SystemEntropy entropy;
    char text[40];
    std::snprintf(text, sizeof text, "%016llx%016llx",
                  static_cast<unsigned long long>(entropy.next()),
                  static_cast<unsigned long long>(entropy.next()));
    return text;
}

// Readable by its owner alone; a key that is there is not written over.
int write_secret(const std::string& path, const std::string& text) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return complain("cannot write " + path + ": " + std::strerror(errno),
                        "Name a file that is not there yet.");
    const bool is_whole =
        ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
        ::fsync(file) == 0;
    ::close(file);
    return is_whole ? 0 : complain("cannot write all of " + path, "Is there room?");
}

int take_key(const TokenCommand& command, auth::Key& out) {
    if (command.file.empty()) {
        out = dev_key();
        return 0;
    }
    std::ifstream in(command.file, std::ios::binary);
    std::ostringstream text;
    if (!in || !(text << in.rdbuf()))
        return complain("cannot read '" + command.file + "'", "Is the name right?");
    const auto keys = auth::read_jwks(text.str());
    if (!keys)
        return complain("'" + command.file + "' is no key",
                        "`tandem genkey --out FILE` makes one.");
    for (const auth::Key& key : *keys) {
        if (key.d.empty() && key.secret.empty()) continue;
        if (!command.key_id.empty() && key.id != command.key_id) continue;
        out = key;
        return 0;
    }
    return complain("'" + command.file + "' has no private key" +
                        (command.key_id.empty() ? "" : " with the kid '" + command.key_id + "'"),
                    "Public keys check tokens and cannot make them.");
}

std::string trimmed(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
        text.pop_back();
    return text;
}

std::string reason_of(auth::Flaw flaw) {
    switch (flaw) {
        case auth::Flaw::none:
            break;
        case auth::Flaw::form:
            return "it is no JWT of an algorithm that is taken (EdDSA, ES256, RS256, HS256)";
        case auth::Flaw::key:
            return "no configured key has its kid and its algorithm";
        case auth::Flaw::signature:
            return "the key that it names did not sign it";
        case auth::Flaw::claims:
            return "it lacks `sub` or `exp`, or a claim is not what it must be";
        case auth::Flaw::issuer:
            return "its `iss` is not that of the key's issuer";
        case auth::Flaw::audience:
            return "its `aud` does not name this server, or none is configured";
        case auth::Flaw::early:
            return "its `nbf` or `iat` is in the future";
        case auth::Flaw::expired:
            return "it has expired";
    }
    return {};
}

}  // namespace

int run_genkey(const TokenCommand& command) {
    const auto algorithm = auth::algorithm_of(command.algorithm);
    if (!algorithm || *algorithm == auth::Algorithm::rs256) {
        complain("no keys of '" + command.algorithm + "' are made here",
                 "Use EdDSA, ES256 or HS256; RSA keys of others are taken as they are.");
        return 2;
    }
    const auto key = crypto::GnutlsSignatures::make_key(
        *algorithm, command.key_id.empty() ? random_id().substr(0, 8) : command.key_id);
    if (!key) return complain("no key could be made", "");
    const auto set_of = [](const std::string& jwk) { return "{\"keys\":[" + jwk + "]}"; };
    const std::string secret = set_of(auth::private_jwk(*key));
    if (command.file.empty()) {
        print_line(secret);
        return 0;
    }
    if (const int code = write_secret(command.file, secret + '\n'); code != 0) return code;
    // An HMAC has one key for both, so there is nothing to publish.
    if (*algorithm != auth::Algorithm::hs256) print_line(set_of(auth::public_jwk(*key)));
    return 0;
}

int run_gentoken(const TokenCommand& command) {
    auth::Key key;
    if (const int code = take_key(command, key); code != 0) return code;
    Value claims(base::Object{});
    const uint64_t now_s = wall_now_ms() / 1000;
    claims.put("sub", Value(command.subject));
    claims.put("iat", Value(static_cast<double>(now_s)));
    claims.put("exp", Value(static_cast<double>(now_s + command.ttl_s)));
    claims.put("jti", Value(command.id.empty() ? random_id() : command.id));
    if (!command.issuer.empty()) claims.put("iss", Value(command.issuer));
    if (!command.audience.empty()) claims.put("aud", Value(command.audience));
    Value cap(base::Object{});
    for (const std::string& given : command.caps) {
        const size_t equals = given.rfind('=');
        if (equals == std::string::npos || equals == 0) {
            complain("'" + given + "' grants nothing",
                     "Write --cap PATTERN=CAPABILITIES, such as --cap 'board:*=read,write'.");
            return 2;
        }
        base::Array names;
        std::stringstream in(given.substr(equals + 1));
        for (std::string name; std::getline(in, name, ',');) {
            if (!auth::capability_of(name)) {
                complain("there is no capability '" + name + "'",
                         "There are read, write, presence, signal, stream and admin.");
                return 2;
            }
            names.emplace_back(name);
        }
        cap.put(given.substr(0, equals), Value(std::move(names)));
    }
    if (!auth::Rights::read(cap)) {
        complain("a pattern is no channel's name or its beginning and a final *",
                 "Such as 'board:42' or 'board:*'.");
        return 2;
    }
    claims.put("cap", std::move(cap));
    const auto put_json = [&](const std::string& name, const std::string& text) {
        auto value = base::parse_json(text);
        if (!value) {
            complain("'" + text + "' is not JSON", "Texts have quotes, as in '\"editor\"'.");
            return 2;
        }
        claims.put(name, *std::move(value));
        return 0;
    };
    if (!command.info.empty())
        if (const int code = put_json("info", command.info); code != 0) return code;
    for (const std::string& claim : command.claims) {
        const size_t equals = std::min(claim.find('='), claim.size());
        const std::string json = equals < claim.size() ? claim.substr(equals + 1) : "";
        if (const int code = put_json(claim.substr(0, equals), json); code != 0) return code;
    }
    const std::string payload = base::to_json(claims);
    std::string text = auth::signing_text(key, payload);
    const auto signature = crypto::GnutlsSignatures::sign(key, text);
    if (!signature) return complain("the key cannot sign", "Is it a private key?");
    const std::string token = auth::with_signature(std::move(text), *signature);
    if (token.size() > auth::kTokenBytesMax)
        return complain("the token has more than 8 KiB, which no server takes",
                        "Grant patterns instead of single channels.");
    if (command.is_json)
        print_line("{\"token\":\"" + token + "\",\"claims\":" + payload + '}');
    else
        print_line(token);
    return 0;
}

int run_revoke(const std::string& url, const std::string& id, const std::string& subject,
               bool is_json) {
    constexpr const char* kTarget = "/api/v1/revocations";
    Value answer;
    if (id.empty() && subject.empty()) {
        if (const int code = get_json(url, kTarget, answer); code != 0) return code;
        const Value* rows = answer.find("revocations");
        if (rows == nullptr || !rows->is_array()) return 1;
        for (const Value& row : rows->as_array())
            print_line(is_json ? base::to_json(row)
                               : time_text(number_of(row, "at_ms")) + "  " +
                                     (row.find("sub") != nullptr ? "sub " + text_of(row, "sub")
                                                                 : "jti " + text_of(row, "jti")));
        return 0;
    }
    Value body(base::Object{});
    if (!id.empty())
        body.put("jti", Value(id));
    else
        body.put("sub", Value(subject));
    if (const int code =
            send_json(url, net::HttpMethod::kPost, kTarget, base::to_json(body), answer);
        code != 0)
        return code;
    print_line(is_json ? base::to_json(answer) : "revoked");
    return 0;
}

int run_checktoken(const TokenCommand& command, const AuthOptions& options) {
    std::vector<Problem> problems;
    const AuthKeys keys =
        options.has_keys() ? read_auth_keys(options, problems) : dev_auth_keys(options);
    for (const Problem& problem : problems)
        complain(problem.where + " " + problem.what, "");
    if (!problems.empty()) return 1;
    std::string token = command.token;
    if (token == "-") std::getline(std::cin, token);
    token = trimmed(token);
    auth::Flaw flaw = auth::Flaw::none;
    const auto grant =
        auth::check_token(token, keys.trust, crypto::GnutlsSignatures(), wall_now_ms(), &flaw);
    if (!grant) {
        if (command.is_json)
            print_line("{\"ok\":false,\"code\":\"" +
                       std::string(base::error_name(grant.error().code)) + "\"}");
        complain("the token is not taken: " + reason_of(flaw),
                 options.has_keys() ? ""
                                    : "It was checked with the key of `tandem dev`; name "
                                      "others with --auth.jwks FILE or --config FILE.");
        return 1;
    }
    if (command.is_json) {
        Value line(base::Object{});
        line.put("ok", Value(true));
        line.put("sub", Value(grant->subject));
        line.put("exp", Value(static_cast<double>(grant->expires_ms / 1000)));
        if (!grant->id.empty()) line.put("jti", Value(grant->id));
        print_line(base::to_json(line));
        return 0;
    }
    print_line("The token is good: " + grant->subject + ", until " + time_text(grant->expires_ms) +
               ".");
    return 0;
}

}  // namespace tandem::server
