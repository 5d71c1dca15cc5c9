#pragma once

#include <vector>

#include "record/document.hpp"

namespace tandem::record {

/// What a person does about a row of the conflict journal.
enum class Decision : uint8_t {
    keep,     ///< what is shown is right
    restore,  ///< the value of the row is
};

/// The ops that carry a decision out, for one entry whose author has seen all of `document`; the
/// row is closed by them. Their bases are not set. `wrong_type` for a list that another kind hides
/// (its items are brought back one by one) and where no write of what is shown would close the row;
/// `not_found` for keeping what is not shown.
[[nodiscard]] base::Result<std::vector<Op>> decide_ops(const Document& document, const Row& row,
                                                       Decision decision);

}  // namespace tandem::record
