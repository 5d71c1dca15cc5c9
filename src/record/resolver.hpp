#pragma once

#include <vector>

#include "record/document.hpp"

namespace tandem::record {

/// Order of siblings under `lww` and `manual`: by stamp, ties by counter, then by seq.
bool ranks_below(const Sibling& a, const Sibling& b);
/// The sibling that is shown; `siblings` must not be empty.
const Sibling& winner(const std::vector<Sibling>& siblings);

}  // namespace tandem::record
