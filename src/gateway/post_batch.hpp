#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "hub/types.hpp"

namespace tandem::gateway {

/// How long the body of a POST may be that carries messages of at most `message_bytes_max`. Binary
/// ones are joined, since a client has one POST on its way at a time.
[[nodiscard]] size_t batch_bytes_max(hub::Codec codec, size_t message_bytes_max);

/// The messages in such a body, in order; none is empty or longer than `message_bytes_max`. A body
/// that is no longer than that is one message, whatever it holds; a longer one is cut between its
/// frames. Errors: too_large with the limit, malformed.
[[nodiscard]] base::Result<std::vector<std::string_view>> cut_batch(std::string_view body,
                                                                    hub::Codec codec,
                                                                    size_t message_bytes_max);

}  // namespace tandem::gateway
