#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "auth/base64url.hpp"
#include "auth/trust.hpp"
#include "base/assert.hpp"

namespace {

// Takes every signature of a right look, so that the claims are reached.
class Credulous final : public tandem::auth::Signatures {
  public:
    [[nodiscard]] bool is_good(const tandem::auth::Key&, std::string_view,
                               std::string_view) const override {
        return true;
    }
};

}  // namespace

// A token, or with a { in front a JWKS. What is read is written and read the same again, and what
// is granted is granted by the token.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace tandem;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (text.starts_with('{')) {
        const auto keys = auth::read_jwks(text);
        if (!keys) return 0;
        for (const auth::Key& key : *keys) {
            TANDEM_ASSERT(key.algorithm != auth::Algorithm::hs256 ||
                          key.secret.size() >= auth::kSecretBytesMin);
            const auto again = auth::read_jwks(auth::private_jwk(key));
            TANDEM_ASSERT(again.ok() && again->size() == 1 && again->at(0).x == key.x &&
                          again->at(0).secret == key.secret && again->at(0).id == key.id);
        }
        return 0;
    }
    const auto jws = auth::read_jws(text);
    if (!jws) return 0;
    TANDEM_ASSERT(auth::to_base64url(jws->signature) == text.substr(text.rfind('.') + 1));
    auth::Trust trust;
    auth::Key key;
    key.algorithm = jws->algorithm;
    key.id = jws->key_id;
    trust.issuers.push_back({"", "", {key}});
    constexpr uint64_t kNow = 1'800'000'000'000;
    const auto grant = auth::check_token(text, trust, Credulous(), kNow);
    if (!grant) return 0;
    TANDEM_ASSERT(grant->expires_ms > kNow && !grant->subject.empty());
    TANDEM_ASSERT((grant->rights.on_all() & ~grant->rights.on("board:1")) == 0);
    return 0;
}
