#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/value.hpp"
#include "net/http_types.hpp"

namespace tandem::gateway {

/// A parameter of the address that is a whole number of 0 or more; nothing when it is none.
[[nodiscard]] std::optional<uint64_t> optional_number(const net::HttpRequest& request,
                                                      std::string_view name);

/// A member that is a seq, or is not there; no value when it is something else.
[[nodiscard]] std::optional<std::optional<uint64_t>> seq_member(const base::Value& body,
                                                                std::string_view name);

}  // namespace tandem::gateway
