#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace tandem::base {

/// RFC 4648, section 4: the standard alphabet with padding.
[[nodiscard]] std::string to_base64(std::string_view bytes);
/// `invalid_argument` unless the text is what `to_base64` gives for some bytes.
[[nodiscard]] Result<std::string> from_base64(std::string_view text);

}  // namespace tandem::base
