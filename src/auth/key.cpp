#include "auth/key.hpp"

#include <algorithm>
#include <utility>

#include "auth/base64url.hpp"
#include "base/sha256.hpp"
#include "base/value.hpp"

namespace tandem::auth {

using base::ErrorCode;
using base::Value;

namespace {

constexpr std::pair<std::string_view, Algorithm> kAlgorithms[] = {
    {"EdDSA", Algorithm::eddsa},
    {"ES256", Algorithm::es256},
    {"RS256", Algorithm::rs256},
    {"HS256", Algorithm::hs256},
};
constexpr size_t kKeyIdBytesMax = 255;
constexpr size_t kRsaBytesMax = 1024;

bool is_text(const Value& key, std::string_view name, std::string_view wanted) {
    const Value* member = key.find(name);
    return member != nullptr && member->is_string() && member->as_string() == wanted;
}

// A member in base64url, of so many bytes; empty where it is missing or not that.
std::string part(const Value& key, std::string_view name, size_t bytes_min, size_t bytes_max) {
    const Value* member = key.find(name);
    if (member == nullptr || !member->is_string()) return {};
    auto bytes = from_base64url(member->as_string());
    if (!bytes || bytes->size() < bytes_min || bytes->size() > bytes_max) return {};
    return *std::move(bytes);
}

// `use` and `key_ops`, where they are there, allow signatures.
bool is_for_signatures(const Value& key) {
    if (key.find("use") != nullptr && !is_text(key, "use", "sig")) return false;
    const Value* ops = key.find("key_ops");
    if (ops == nullptr) return true;
    return ops->is_array() &&
           std::any_of(ops->as_array().begin(), ops->as_array().end(), [](const Value& op) {
               return op.is_string() && (op.as_string() == "verify" || op.as_string() == "sign");
           });
}

std::optional<Algorithm> only_algorithm_of(const Value& key) {
    if (is_text(key, "kty", "OKP") && is_text(key, "crv", "Ed25519")) return Algorithm::eddsa;
    if (is_text(key, "kty", "EC") && is_text(key, "crv", "P-256")) return Algorithm::es256;
    if (is_text(key, "kty", "RSA")) return Algorithm::rs256;
    if (is_text(key, "kty", "oct")) return Algorithm::hs256;
    return std::nullopt;
}

std::optional<Key> read_key(const Value& json) {
    if (!json.is_object() || !is_for_signatures(json)) return std::nullopt;
    const auto algorithm = only_algorithm_of(json);
    if (!algorithm) return std::nullopt;
    if (json.find("alg") != nullptr && !is_text(json, "alg", name_of(*algorithm)))
        return std::nullopt;
    Key key;
    key.algorithm = *algorithm;
    if (const Value* id = json.find("kid"); id != nullptr) {
        if (!id->is_string() || id->as_string().empty() || id->as_string().size() > kKeyIdBytesMax)
            return std::nullopt;
        key.id = id->as_string();
    }
    bool is_whole = false;
    switch (key.algorithm) {
        case Algorithm::es256:
            key.y = part(json, "y", 32, 32);
            [[fallthrough]];
        case Algorithm::eddsa:
            key.x = part(json, "x", 32, 32);
            key.d = part(json, "d", 32, 32);
            is_whole = !key.x.empty() && (key.algorithm == Algorithm::eddsa || !key.y.empty()) &&
                       (json.find("d") == nullptr || !key.d.empty());
            break;
        case Algorithm::rs256:
            key.n = part(json, "n", kRsaBitsMin / 8, kRsaBytesMax);
            key.e = part(json, "e", 1, 8);
            is_whole = !key.n.empty() && key.n[0] != 0 && !key.e.empty() && key.e[0] != 0;
            break;
        case Algorithm::hs256:
            key.secret = part(json, "k", kSecretBytesMin, kRsaBytesMax);
            is_whole = !key.secret.empty();
            break;
    }
    if (!is_whole) return std::nullopt;
    const base::Sha256Digest digest = base::sha256(std::string(name_of(key.algorithm)) + key.x +
                                                   key.y + key.n + key.e + key.secret);
    for (size_t i = 0; i < sizeof key.print; ++i)
        key.print = key.print << 8 | digest[i];
    return key;
}

Value jwk(const Key& key) {
    Value out(base::Object{});
    const auto put = [&](std::string_view name, std::string_view bytes) {
        if (!bytes.empty()) out.put(name, Value(to_base64url(bytes)));
    };
    out.put("alg", Value(name_of(key.algorithm)));
    if (!key.id.empty()) out.put("kid", Value(key.id));
    switch (key.algorithm) {
        case Algorithm::eddsa:
            out.put("kty", Value("OKP"));
            out.put("crv", Value("Ed25519"));
            break;
        case Algorithm::es256:
            out.put("kty", Value("EC"));
            out.put("crv", Value("P-256"));
            break;
        case Algorithm::rs256:
            out.put("kty", Value("RSA"));
            break;
        case Algorithm::hs256:
            out.put("kty", Value("oct"));
            break;
    }
    put("x", key.x);
    put("y", key.y);
    put("n", key.n);
    put("e", key.e);
    return out;
}

}  // namespace

std::string_view name_of(Algorithm algorithm) {
    for (const auto& [name, one] : kAlgorithms)
        if (one == algorithm) return name;
    return {};
}

std::optional<Algorithm> algorithm_of(std::string_view name) {
    for (const auto& [known, one] : kAlgorithms)
        if (known == name) return one;
    return std::nullopt;
}

base::Result<std::vector<Key>> read_jwks(std::string_view json) {
    if (json.size() > kJwksBytesMax) return base::fail(ErrorCode::too_large, kJwksBytesMax);
    TANDEM_TRY(const Value set, base::parse_json(json, base::kLooseValueLimits));
    if (!set.is_object()) return ErrorCode::malformed;
    base::Array one;
    const Value* list = set.find("keys");
    if (list == nullptr)
        one.push_back(set);
    else if (!list->is_array())
        return ErrorCode::malformed;
    const base::Array& all = list == nullptr ? one : list->as_array();
    if (all.size() > kKeysMax) return base::fail(ErrorCode::too_large, kKeysMax);
    std::vector<Key> keys;
    for (const Value& member : all) {
        auto key = read_key(member);
        const bool is_known = key && std::any_of(keys.begin(), keys.end(), [&](const Key& other) {
                                  return !key->id.empty() && other.id == key->id;
                              });
        if (!key || is_known) return base::fail(ErrorCode::token_invalid, keys.size());
        keys.push_back(*std::move(key));
    }
    return keys;
}

std::string public_jwk(const Key& key) { return base::to_json(jwk(key)); }

std::string private_jwk(const Key& key) {
    Value out = jwk(key);
    if (!key.d.empty()) out.put("d", Value(to_base64url(key.d)));
    if (!key.secret.empty()) out.put("k", Value(to_base64url(key.secret)));
    return base::to_json(out);
}

}  // namespace tandem::auth
