#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/value.hpp"
#include "clock/stamp.hpp"
#include "record/op.hpp"
#include "record/path.hpp"

namespace tandem::record {

enum class ChangeKind : uint8_t {
    value = 1,
    counter = 2,
    clear = 3,
    empty = 4,
    element = 5,
    no_element = 6,
    item = 7,
    conflict = 8,
    no_conflict = 9,
    window = 10,
    outside = 11,
};
inline constexpr ChangeKind kChangeKindMax = ChangeKind::outside;

enum class Reason : uint8_t { value = 1, position = 2, type = 3, generation = 4, folded = 5 };

/// One row of the conflict journal (docs/merge.md, section 5).
struct Row {
    Path path;
    Reason reason = Reason::value;
    Dot dot;
    uint64_t loser_seq = 0;
    base::Value value;
    clock::Stamp stamp;
    uint64_t seq = 0;
    uint64_t closed_seq = 0;
    Dot decided_by;  ///< the entry that closed it by a decision; (0, 0) when none did
};

/// One absolute change of the shown state (docs/merge.md, section 7). Idempotent.
struct Change {
    ChangeKind kind = ChangeKind::value;
    Path path;
    base::Value value;  ///< value, counter, element, no_element, conflict, window
    bool has_position = false;
    std::string position;  ///< item
    Dot dot;               ///< counter: its generation; conflict, no_conflict: the loser's
    Reason reason = Reason::value;
    clock::Stamp stamp;  ///< conflict
    uint64_t seq = 0;    ///< conflict
};

/// Gives a path a short number on one stream of frames, so that a change names it in two bytes;
/// the default (no dictionary) writes every path in full.
class PathTable {
  public:
    virtual ~PathTable() = default;
    /// Slot (from 1) of the path, or 0 to write it in full.
    virtual uint32_t slot_of(const Path& path) = 0;
};
class PathLookup {
  public:
    virtual ~PathLookup() = default;
    /// The path in a slot, or null when it is not known. Borrowed.
    virtual const Path* path_at(uint32_t slot) const = 0;
};

void encode_changes(std::string& out, const std::vector<Change>& changes, PathTable* table);
[[nodiscard]] base::Result<std::vector<Change>> decode_changes(std::string_view bytes,
                                                               const PathLookup* lookup);
/// Checks that the value and the path fit the kind.
[[nodiscard]] base::Result<void> check_change(const Change& change);
void append_change_json(std::string& out, const Change& change);
[[nodiscard]] base::Result<Change> change_from_json(const base::Value& json);
std::string_view name_of(Reason reason);
std::string_view name_of(ChangeKind kind);

}  // namespace tandem::record
