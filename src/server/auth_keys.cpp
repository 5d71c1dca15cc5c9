#include "server/auth_keys.hpp"

#include <algorithm>
#include <fstream>
#include <memory>
#include <sstream>
#include <utility>

#include "base/value.hpp"

namespace tandem::server {

using base::Value;

namespace {

constexpr std::string_view kDevKey = R"({"kty":"OKP","crv":"Ed25519","kid":"tandem-dev",)"
                                     R"("x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",)"
                                     R"("d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"})";
constexpr size_t kFileBytesMax = 1024 * 1024;

bool read_whole(const std::string& path, std::string& out, std::vector<Problem>& problems) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    if (!in || !(text << in.rdbuf()) || text.str().size() > kFileBytesMax) {
        problems.push_back({path, "cannot be read; check the path and its permissions"});
        return false;
    }
    out = text.str();
    return true;
}

void add_issuer(const IssuerOptions& options, AuthKeys& out, std::vector<Problem>& problems) {
    std::string text;
    if (!read_whole(options.jwks, text, problems)) return;
    auto keys = auth::read_jwks(text);
    if (!keys) {
        problems.push_back(
            {options.jwks,
             keys.error().code == base::ErrorCode::token_invalid
                 ? "has a key that is not taken, number " +
                       std::to_string(keys.error().detail + 1) +
                       "; keys are Ed25519, P-256, RSA of 2048 bits or more, or oct of 32 bytes or "
                       "more, each with a kid of its own"
                 : "is no JWKS; `tandem genkey` writes one"});
        return;
    }
    if (keys->empty()) problems.push_back({options.jwks, "has no keys"});
    // Only what checks is kept.
    for (auth::Key& key : *keys) {
        key.d.clear();
        out.has_dev_key = out.has_dev_key || key.x == dev_key().x;
    }
    out.trust.issuers.push_back({options.name, options.audience, *std::move(keys)});
}

void add_api_keys(const std::string& path, AuthKeys& out, std::vector<Problem>& problems) {
    std::string text;
    if (!read_whole(path, text, problems)) return;
    const auto json = base::parse_json(text, base::kLooseValueLimits);
    const Value* list = json.ok() ? json->find("keys") : nullptr;
    if (list == nullptr || !list->is_array()) {
        problems.push_back(
            {path, "has no keys; write {\"keys\":[{\"name\":…,\"key\":…,\"cap\":…}]}"});
        return;
    }
    for (const Value& entry : list->as_array()) {
        const Value* name = entry.find("name");
        const Value* key = entry.find("key");
        const Value* cap = entry.find("cap");
        const auto rights =
            cap != nullptr ? auth::Rights::read(*cap) : base::Result<auth::Rights>(auth::Rights());
        if (name == nullptr || !name->is_string() || name->as_string().empty() ||
            name->as_string().size() > 200 || key == nullptr || !key->is_string() ||
            key->as_string().size() < kApiKeyBytesMin || !rights) {
            problems.push_back(
                {path,
                 "has an entry without a `name`, without a `key` of at least 32 characters, "
                 "or with a `cap` that is none: number " +
                     std::to_string(out.api_keys.size() + 1)});
            return;
        }
        auto grant = std::make_shared<auth::Grant>();
        grant->subject = "key:" + name->as_string();
        grant->id = grant->subject;
        grant->rights = *rights;
        grant->claims = Value(base::Object{});
        const base::Sha256Digest digest = base::sha256(key->as_string());
        for (size_t i = 0; i < sizeof grant->key_print; ++i)
            grant->key_print = grant->key_print << 8 | digest[i];
        out.api_keys.push_back({digest, std::move(grant)});
    }
}

}  // namespace

auth::Key dev_key() { return auth::read_jwks(kDevKey)->front(); }

AuthKeys dev_auth_keys(const AuthOptions& options) {
    AuthKeys out;
    auth::Key key = dev_key();
    key.d.clear();
    out.trust.leeway_ms = options.leeway_ms;
    out.trust.issuers.push_back({options.issuer.name, options.issuer.audience, {std::move(key)}});
    out.has_dev_key = true;
    return out;
}

AuthKeys read_auth_keys(const AuthOptions& options, std::vector<Problem>& problems) {
    AuthKeys out;
    out.trust.leeway_ms = options.leeway_ms;
    if (!options.issuer.jwks.empty()) add_issuer(options.issuer, out, problems);
    for (const IssuerOptions& more : options.more_issuers)
        add_issuer(more, out, problems);
    const auto& issuers = out.trust.issuers;
    for (size_t i = 0; i < issuers.size(); ++i)
        for (size_t j = 0; j < i; ++j)
            if (issuers[i].name == issuers[j].name)
                problems.push_back(
                    {"auth.issuers", "has the name '" + issuers[i].name + "' twice"});
    if (!options.api_keys.empty()) add_api_keys(options.api_keys, out, problems);
    return out;
}

}  // namespace tandem::server
