#include "auth/base64url.hpp"

#include <algorithm>

#include "base/base64.hpp"

namespace tandem::auth {

std::string to_base64url(std::string_view bytes) {
    std::string out = base::to_base64(bytes);
    out.resize(std::min(out.find('='), out.size()));
    std::replace(out.begin(), out.end(), '+', '-');
    std::replace(out.begin(), out.end(), '/', '_');
    return out;
}

base::Result<std::string> from_base64url(std::string_view text) {
    if (text.find_first_of("+/=") != std::string_view::npos) return base::ErrorCode::malformed;
    std::string standard(text);
    std::replace(standard.begin(), standard.end(), '-', '+');
    std::replace(standard.begin(), standard.end(), '_', '/');
    standard.append((4 - standard.size() % 4) % 4, '=');
    // A text whose last group has one digit gets three of padding, which is refused there.
    auto bytes = base::from_base64(standard);
    if (!bytes) return base::ErrorCode::malformed;
    return bytes;
}

}  // namespace tandem::auth
