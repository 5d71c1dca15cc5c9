#include "auth/jws.hpp"

#include "auth/base64url.hpp"
#include "base/value.hpp"

namespace tandem::auth {

using base::ErrorCode;
using base::Value;

namespace {

// Members of a header that would change what the token means, or say where its key is.
constexpr std::string_view kRefusedMembers[] = {"crit", "b64", "zip", "enc",
                                                "jwk",  "jku", "x5u", "x5c"};
constexpr size_t kHeaderBytesMax = 1024;

bool is_jwt(std::string_view type) {
    std::string lower;
    for (const char c : type)
        lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    return lower == "jwt" || lower == "at+jwt";
}

}  // namespace

base::Result<Jws> read_jws(std::string_view token) {
    if (token.size() > kTokenBytesMax) return base::fail(ErrorCode::too_large, kTokenBytesMax);
    const size_t first = token.find('.');
    if (first == std::string_view::npos) return ErrorCode::token_invalid;
    const size_t second = token.find('.', first + 1);
    if (second == std::string_view::npos) return ErrorCode::token_invalid;
    const auto header = from_base64url(token.substr(0, first));
    auto signature = from_base64url(token.substr(second + 1));
    if (!header || !signature || header->size() > kHeaderBytesMax) return ErrorCode::token_invalid;
    const auto json = base::parse_json(*header);
    if (!json || !json->is_object()) return ErrorCode::token_invalid;
    for (const std::string_view name : kRefusedMembers)
        if (json->find(name) != nullptr) return ErrorCode::token_invalid;
    const Value* named = json->find("alg");
    if (named == nullptr || !named->is_string()) return ErrorCode::token_invalid;
    const auto algorithm = algorithm_of(named->as_string());
    if (!algorithm) return ErrorCode::token_invalid;
    if (const Value* type = json->find("typ"); type != nullptr)
        if (!type->is_string() || !is_jwt(type->as_string())) return ErrorCode::token_invalid;
    Jws jws;
    jws.algorithm = *algorithm;
    if (const Value* id = json->find("kid"); id != nullptr) {
        if (!id->is_string() || id->as_string().empty()) return ErrorCode::token_invalid;
        jws.key_id = id->as_string();
    }
    jws.signed_text = token.substr(0, second);
    jws.payload = token.substr(first + 1, second - first - 1);
    jws.signature = *std::move(signature);
    return jws;
}

std::optional<uint64_t> peek_expiry_ms(std::string_view token) {
    const size_t first = token.find('.');
    const size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
    if (second == std::string_view::npos) return std::nullopt;
    const auto payload = from_base64url(token.substr(first + 1, second - first - 1));
    const auto claims = payload ? base::parse_json(*payload) : base::Result<Value>(Value());
    const Value* expires = claims ? claims->find("exp") : nullptr;
    constexpr double kSecondsMax = 1e12;
    if (expires == nullptr || !expires->is_number() || expires->as_number() < 0 ||
        expires->as_number() > kSecondsMax)
        return std::nullopt;
    return static_cast<uint64_t>(expires->as_number() * 1000);
}

std::string signing_text(const Key& key, std::string_view payload) {
    Value header(base::Object{});
    header.put("alg", Value(name_of(key.algorithm)));
    header.put("typ", Value("JWT"));
    if (!key.id.empty()) header.put("kid", Value(key.id));
    return to_base64url(base::to_json(header)) + '.' + to_base64url(payload);
}

std::string with_signature(std::string signed_text, std::string_view signature) {
    return std::move(signed_text) + '.' + to_base64url(signature);
}

}  // namespace tandem::auth
