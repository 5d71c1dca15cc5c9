#include "auth/trust.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "auth/base64url.hpp"
#include "base/limits.hpp"

namespace tandem::auth {

using base::ErrorCode;
using base::Value;

namespace {

constexpr size_t kNameBytesMax = 255;
constexpr uint64_t kSecondsMax = uint64_t{1} << 42;

// Claims that have their own place in a Grant, or are of no use once they were checked.
constexpr std::string_view kRegistered[] = {"sub", "exp", "iat", "nbf", "jti",
                                            "aud", "iss", "cap", "info"};

// A NumericDate in milliseconds; `out` stays as it is without one.
bool take_time(const Value& claims, std::string_view name, std::optional<uint64_t>& out) {
    const Value* claim = claims.find(name);
    if (claim == nullptr) return true;
    if (!claim->is_number() || claim->as_number() < 0 ||
        claim->as_number() > static_cast<double>(kSecondsMax))
        return false;
    out = static_cast<uint64_t>(claim->as_number() * 1000);
    return true;
}

bool take_text(const Value& claims, std::string_view name, std::string& out) {
    const Value* claim = claims.find(name);
    if (claim == nullptr) return true;
    if (!claim->is_string() || claim->as_string().empty() ||
        claim->as_string().size() > kNameBytesMax)
        return false;
    out = claim->as_string();
    return true;
}

// A token that names whom it is for is for nobody else, and one that names nobody is not for who
// asks to be named.
bool is_for(const Value& claims, const std::string& audience) {
    const Value* claim = claims.find("aud");
    if (claim == nullptr || audience.empty()) return claim == nullptr && audience.empty();
    const auto is_it = [&](const Value& one) {
        return one.is_string() && one.as_string() == audience;
    };
    if (!claim->is_array()) return is_it(*claim);
    const base::Array& all = claim->as_array();
    return std::all_of(all.begin(), all.end(), [](const Value& one) { return one.is_string(); }) &&
           std::any_of(all.begin(), all.end(), is_it);
}

}  // namespace

base::Result<Grant> check_token(std::string_view token, const Trust& trust,
                                const Signatures& signatures, uint64_t now_ms, Flaw* flaw) {
    const auto refuse = [&](Flaw why, ErrorCode code = ErrorCode::token_invalid) {
        if (flaw != nullptr) *flaw = why;
        return base::fail(code);
    };
    const auto jws = read_jws(token);
    if (!jws) {
        if (flaw != nullptr) *flaw = Flaw::form;
        return jws.error();
    }
    const Issuer* issuer = nullptr;
    uint64_t key_print = 0;
    bool has_key = false;
    for (const Issuer& one : trust.issuers)
        for (const Key& key : one.keys) {
            if (issuer != nullptr || key.id != jws->key_id || key.algorithm != jws->algorithm)
                continue;
            has_key = true;
            if (!signatures.is_good(key, jws->signed_text, jws->signature)) continue;
            issuer = &one;
            key_print = key.print;
        }
    if (issuer == nullptr) return refuse(has_key ? Flaw::signature : Flaw::key);

    const auto payload = from_base64url(jws->payload);
    if (!payload) return refuse(Flaw::claims);
    const auto claims = base::parse_json(*payload);
    if (!claims || !claims->is_object()) return refuse(Flaw::claims);
    Grant grant;
    std::optional<uint64_t> expires;
    std::optional<uint64_t> not_before;
    std::optional<uint64_t> issued;
    if (!take_text(*claims, "sub", grant.subject) || grant.subject.empty() ||
        !take_text(*claims, "jti", grant.id) || !take_text(*claims, "iss", grant.issuer) ||
        !take_time(*claims, "exp", expires) || !expires || !take_time(*claims, "nbf", not_before) ||
        !take_time(*claims, "iat", issued))
        return refuse(Flaw::claims);
    if (grant.issuer != issuer->name) return refuse(Flaw::issuer);
    if (!is_for(*claims, issuer->audience)) return refuse(Flaw::audience);
    const uint64_t latest = now_ms + trust.leeway_ms;
    if (not_before.value_or(0) > latest || issued.value_or(0) > latest) return refuse(Flaw::early);
    // No leeway here: a connection closes at that moment, and would be opened again for nothing.
    if (*expires <= now_ms) return refuse(Flaw::expired, ErrorCode::token_expired);
    grant.key_print = key_print;
    grant.expires_ms = *expires;
    grant.issued_ms = issued.value_or(0);
    if (const Value* cap = claims->find("cap"); cap != nullptr) {
        auto rights = Rights::read(*cap);
        if (!rights) return refuse(Flaw::claims);
        grant.rights = *std::move(rights);
    }
    if (const Value* info = claims->find("info"); info != nullptr) grant.info = *info;
    grant.claims = Value(base::Object{});
    for (const base::Member& member : claims->as_object())
        if (std::find(std::begin(kRegistered), std::end(kRegistered), member.key) ==
            std::end(kRegistered))
            grant.claims.put(member.key, member.value);
    // Two issuers may use one name for two people.
    if (trust.issuers.size() > 1 && !issuer->name.empty()) {
        grant.subject = issuer->name + '|' + grant.subject;
        if (grant.subject.size() > base::kSubjectBytesMax) return refuse(Flaw::claims);
    }
    return grant;
}

}  // namespace tandem::auth
