#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/value.hpp"
#include "hub/requests.hpp"
#include "yjs/document.hpp"
#include "yjs/resting_document.hpp"

/// Reading and editing texts for programs that have no document of their own. A document is built
/// for the moment.
namespace tandem::hub {

/// What is to be done to a root of a text, and in whose name.
struct TextEdit {
    base::Value edits;        ///< an array
    std::string root;         ///< empty: the only one
    uint64_t client = 0;      ///< of the structs that it makes
    std::string author;       ///< empty: nobody is shown
    std::string color;        ///< of the author's cursor; may be empty
    bool is_leaving = false;  ///< the author is not shown any more after it
    std::string cursor;       ///< JSON of the place where it ended; set by `make_edit`
};

/// The update that the edits amount to, as one transaction; empty when they change nothing. Each
/// edit is an object of one member:
///   {"insert": {"index", "text", "attributes"}}, {"delete": {"index", "length"}},
///   {"format": {"index", "length", "attributes"}}, {"append": text}, {"delta": Quill's}.
/// Positions are in UTF-16 units. Errors: `invalid_argument` (detail: the edit's number from 1),
/// `out_of_range` (detail: the length that there is), `not_found` (there is not one root),
/// `wrong_type` (the root is no text).
base::Result<std::string> make_edit(yjs::RestingDocument& resting, TextEdit& edit);

struct ShownText {
    std::string bytes;
    ReplyContent content = ReplyContent::json;
};
/// Errors: `not_found`, `wrong_type`, as above; `storage_corrupt`.
base::Result<ShownText> show_text(yjs::RestingDocument& resting, const ReadText& request);

}  // namespace tandem::hub
