#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/value.hpp"

namespace tandem::yjs {

/// What is wrong with the form of edits as of `apply_edits`, whatever they are made to.
struct EditFault {
    uint64_t edit = 0;  ///< its number, from 1; 0: it is no array
    std::string what;   ///< a sentence for people, which names the member that is missing or wrong
};

/// The first fault. Edits without one are refused by `apply_edits` only for what there is, or is
/// not, in the document.
std::optional<EditFault> fault_of_edits(const base::Value& edits);

}  // namespace tandem::yjs
