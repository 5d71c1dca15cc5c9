#pragma once

#include <cstdint>
#include <optional>
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
    base::Value edits;                ///< an array
    std::optional<std::string> root;  ///< nothing: the only one
    uint64_t client = 0;              ///< of the structs that it makes
    std::string author;               ///< empty: nobody is shown
    std::string color;                ///< of the author's cursor; may be empty
    bool is_leaving = false;          ///< the author is not shown any more after it
    std::string restored;             ///< not empty: a state to go back to, instead of edits
    std::string cursor;               ///< JSON of the place where it ended; set by `make_edit`
};

/// The update that the edits (yjs::apply_edits) amount to, as one transaction, or that goes back to
/// a former state; empty when nothing changes. Errors: as there; `storage_corrupt`.
base::Result<std::string> make_edit(yjs::RestingDocument& resting, TextEdit& edit);

struct ShownText {
    std::string bytes;
    ReplyContent content = ReplyContent::json;
};
/// Errors: `not_found`, `wrong_type`, as above; `storage_corrupt`; `too_large` where formats that
/// each stretch of text repeats would take many times what the document does.
/// `state` is the whole text as an update of the first encoding.
base::Result<ShownText> show_text(std::string_view state, const ReadText& request);

}  // namespace tandem::hub
