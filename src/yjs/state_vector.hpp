#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace tandem::yjs {

/// How many clocks of each client are known: the next clock, highest client first. The encoding is
/// the same in both versions.
using StateVector = std::map<uint64_t, uint32_t, std::greater<>>;

/// Errors: `malformed`. Of a client that occurs twice the later clock counts.
base::Result<StateVector> decode_state_vector(std::string_view bytes);
std::string encode_state_vector(const StateVector& vector);

}  // namespace tandem::yjs
