#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "yjs/structs.hpp"

/// What two states of one document have to do with each other. A state is an update of the first
/// encoding that holds all of it. Contents that were deleted before a state was taken are not in
/// it, and need not be.
namespace tandem::yjs {

/// What came of `from` on the way to `to`, which must hold all that `from` has, as a JSON array:
///   {"root","path","delta","by"} and, of maps and of attributes, "keys" and "keys_by".
/// `delta` is that of Yjs' events (insert, delete, retain, with attributes); `by` has the client of
/// each insertion in it, in their order, which are parted by client for that. `keys` is Yjs' too,
/// `keys_by` the client that set each. Who deleted something a document does not tell. Types that
/// are themselves new are shown where they were inserted, not once more by what is in them.
/// Errors: `malformed`, `too_large`.
base::Result<std::string> difference_json(std::string_view from, std::string_view to);

/// The update that turns a document at `head` back into what it showed at `then`, an earlier state
/// of it: what has come since is deleted, and what was deleted since comes again, as copies of
/// `client`, in texts, lists, maps and XML, by the rules of Yjs' UndoManager. Edits that cross it
/// stay. Empty when there is nothing to change. Errors: `malformed`, `too_large`.
base::Result<std::string> revert_update(std::string_view head, std::string_view then,
                                        uint64_t client);

}  // namespace tandem::yjs
