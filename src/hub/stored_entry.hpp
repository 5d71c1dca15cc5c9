#pragma once

#include "base/result.hpp"
#include "port/store.hpp"
#include "record/op.hpp"

namespace tandem::hub {

/// An entry as the record takes it, but for its ops.
record::Entry head_of(const port::StoredEntry& stored);
/// The whole entry; `storage_corrupt` (detail: its seq) when its ops do not decode.
[[nodiscard]] base::Result<record::Entry> entry_of(const port::StoredEntry& stored);

}  // namespace tandem::hub
