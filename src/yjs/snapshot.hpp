#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "yjs/delete_set.hpp"
#include "yjs/state_vector.hpp"
#include "yjs/store.hpp"

/// A moment of a document, named by what was known and what was deleted then. It holds no contents:
/// it is read from a document that still has them, one that does not collect.
namespace tandem::yjs {

struct Snapshot {
    DeleteSet deletes;
    StateVector states;

    /// Whether an item, or the part of one from a clock on, was there and not deleted.
    bool shows(uint64_t client, uint32_t clock) const;

    friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

Snapshot snapshot_of(const Store& store);

/// The two encodings differ in the delete set.
std::string encode_snapshot(const Snapshot& snapshot, Encoding encoding = Encoding::v1);
/// Errors: `malformed`.
base::Result<Snapshot> decode_snapshot(std::string_view bytes, Encoding encoding = Encoding::v1);

/// Whether a document at that moment had everything that is in an update. As in Yjs the gaps of an
/// update count as well. Errors: those of updates.
base::Result<bool> snapshot_contains(const Snapshot& snapshot, std::string_view update,
                                     Encoding encoding = Encoding::v1);

/// A text as it was at the moment `now`, as a delta; what is there and was not at `before`, or was
/// and is not any more, is shown as well, with the attribute "ychange": {"type": "added" or
/// "removed"}. A moment that is null is left out: `now` is then the present. As in Yjs what is so
/// marked is not joined with its neighbours.
void append_delta_between(const Store& store, BranchIndex text, const Snapshot* now,
                          const Snapshot* before, std::string& out);

}  // namespace tandem::yjs
