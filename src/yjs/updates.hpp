#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "yjs/state_vector.hpp"
#include "yjs/structs.hpp"

/// Functions of updates alone, without a document. What they write equals Yjs 13.6 byte for byte.
/// Errors of all: `malformed`, and `too_large` for an update that unfolds into more structs than
/// `structs_max`.
namespace tandem::yjs {

/// One update with everything that the given ones hold. What is missing in between is written as a
/// gap; it stays possible to merge what comes later.
base::Result<std::string> merge_updates(std::span<const std::string_view> updates,
                                        Encoding encoding = Encoding::v1);
/// What `update` has beyond `vector`, and all of its delete set.
base::Result<std::string> diff_update(std::string_view update, const StateVector& vector,
                                      Encoding encoding = Encoding::v1);
/// How far the update reaches for each client from clock 0 without a gap.
base::Result<StateVector> state_vector_of_update(std::string_view update,
                                                 Encoding encoding = Encoding::v1);
base::Result<std::string> convert_update(std::string_view update, Encoding from, Encoding to);

/// The first clock and the one after the last of each client in an update.
struct UpdateSpan {
    StateVector from;
    StateVector to;
};
base::Result<UpdateSpan> span_of_update(std::string_view update, Encoding encoding = Encoding::v1);

/// Whether an update holds no struct and no delete.
base::Result<bool> is_empty_update(std::string_view update, Encoding encoding = Encoding::v1);

}  // namespace tandem::yjs
