#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "base/value.hpp"
#include "yjs/document.hpp"

namespace tandem::yjs {

/// Nothing: the only one. An empty name is a name as others are: that of `doc.getText()` in Yjs.
using RootName = std::optional<std::string_view>;

/// The root that is asked for, or, without a name, the only one. One that is not there yet is made
/// unless `kind` is unknown. Errors: `not_found`.
base::Result<BranchIndex> find_root(Document& document, const RootName& name, TypeKind kind);

/// Of shared types and XML that one edit makes; so many levels.
inline constexpr size_t kEditDepthMax = 64;

/// What edits do to a root of which nothing is known: text, array, map or xml_fragment.
TypeKind kind_for_edits(const base::Value& edits);

/// Does what an array of edits says to a root, within the transaction that is open. Each is an
/// object of one member:
///   {"insert": {"index", "text", "attributes"}}, {"delete": {"index", "length"}},
///   {"format": {"index", "length", "attributes"}}, {"append": text or {"text", "attributes"}},
///   {"delta": Quill's or {"delta"}} to texts;
///   {"insert": {"index", "values": […]}}, with "shared": […] instead to make shared types, or
///   "xml": [text or {"name", "attributes", "children"}…], and "delete", to lists and XML;
///   {"set": {"key", "value"}}, with "shared" instead of "value", and {"remove": {"key"}} to maps
///   and the attributes of XML.
/// "shared" makes maps of objects and arrays of arrays, at any depth, and a text of a string that
/// is itself what is shared; of nothing else. A "path" of keys and positions beside these names a
/// type within the root. Positions are UTF-16 units in texts, and items in lists. The answer is
/// where a text was edited last. Errors: `invalid_argument` (detail: the edit's number from 1;
/// `fault_of_edits` tells more; nothing was done), `out_of_range` (detail: the length that there
/// is), `not_found` and `wrong_type` (no such type is at the path; detail: the edit's number). What
/// was done before these three stays done.
struct EditedPlace {
    BranchIndex branch = 0;
    uint32_t position = 0;
};
base::Result<EditedPlace> apply_edits(Document& document, BranchIndex root,
                                      const base::Value& edits);

}  // namespace tandem::yjs
