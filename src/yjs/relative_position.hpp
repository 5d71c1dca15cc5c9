#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "yjs/document.hpp"

/// Places in a list or text that stay where they are while others insert and delete, such as the
/// cursor of an editor.
namespace tandem::yjs {

/// A place next to an insertion, or at the end of a shared type. The three names of it are those of
/// Yjs; a place that has an item has the type that the item was in as well, which is not encoded.
struct RelativePosition {
    /// The item that holds the shared type.
    std::optional<Id> type;
    /// The name of the shared type if it is a root.
    std::optional<std::string> root;
    /// The insertion that the place is next to.
    std::optional<Id> item;
    /// Negative: the place goes with what is before it; otherwise with what is behind it.
    int64_t assoc = 0;

    friend bool operator==(const RelativePosition&, const RelativePosition&) = default;
};

/// The place at an index of visible units; the end of the list for an index beyond it.
RelativePosition relative_position(const Store& store, BranchIndex list, uint32_t index,
                                   int64_t assoc = 0);

/// The place has to have an item, a root or a type.
std::string encode_relative_position(const RelativePosition& position);
/// Errors: `malformed`.
base::Result<RelativePosition> decode_relative_position(std::string_view bytes);

/// {"type","tname","item","assoc"}, as Yjs writes it: the root of the empty name is left out.
std::string relative_position_json(const RelativePosition& position);
/// Errors: `malformed`.
base::Result<RelativePosition> relative_position_of_json(std::string_view json);

struct AbsolutePosition {
    BranchIndex list = 0;
    /// In visible units; 0 in a list that was deleted.
    uint32_t index = 0;
    int64_t assoc = 0;
};

enum class Redone : uint8_t {
    /// What was deleted and brought back by undo is found where it is now.
    followed,
    ignored,
};

/// Where a place is now. None if what it is next to has not come yet, or was collected. Makes the
/// root that it names.
std::optional<AbsolutePosition> absolute_position(Document& document,
                                                  const RelativePosition& position,
                                                  Redone redone = Redone::followed);

}  // namespace tandem::yjs
