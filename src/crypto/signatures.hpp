#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "auth/jws.hpp"
#include "base/result.hpp"

namespace tandem::crypto {

/// The signatures of tokens by GnuTLS. Has no state; any thread may use it.
class GnutlsSignatures final : public auth::Signatures {
  public:
    [[nodiscard]] bool is_good(const auth::Key& key, std::string_view text,
                               std::string_view signature) const override;
    /// With the private part of the key: HS256, EdDSA and ES256. `invalid_argument` without one.
    [[nodiscard]] static base::Result<std::string> sign(const auth::Key& key,
                                                        std::string_view text);
    /// A new key with its private part; of RS256 `invalid_argument`.
    [[nodiscard]] static base::Result<auth::Key> make_key(auth::Algorithm algorithm,
                                                          std::string id);
};

/// Whether two secrets are the same, in a time that tells nothing of where they differ.
[[nodiscard]] bool equals_secret(std::string_view a, std::string_view b);

}  // namespace tandem::crypto
