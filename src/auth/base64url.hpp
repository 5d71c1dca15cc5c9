#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace tandem::auth {

/// RFC 4648, section 5, without padding, as JWS has it.
[[nodiscard]] std::string to_base64url(std::string_view bytes);
/// `malformed` unless the text is what `to_base64url` gives for some bytes: no padding, no blanks,
/// no bits left over.
[[nodiscard]] base::Result<std::string> from_base64url(std::string_view text);

}  // namespace tandem::auth
