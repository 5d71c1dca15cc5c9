#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "record/document.hpp"
#include "record/op.hpp"

namespace tandem::record {

/// What the change detector asks of the state that a program last read, besides its JSON.
class DetectContext {
  public:
    virtual ~DetectContext() = default;
    /// Shown kind; none where nothing is.
    virtual Kind kind(const Path& path) const = 0;
    /// Kind that the schema declares; none where it says nothing.
    virtual Kind declared(const Path& path) const = 0;
    virtual std::vector<Document::ItemView> items(const Path& list) const = 0;
    /// True for an item that is removed but whose body would come back with it.
    virtual bool is_hidden_item(const Path& path) const = 0;
};

/// Of a record at hand, without a schema. Borrows the document.
class DocumentContext : public DetectContext {
  public:
    explicit DocumentContext(const Document& document) : document_(document) {}
    Kind kind(const Path& path) const override { return document_.shown_kind(path); }
    Kind declared(const Path&) const override { return Kind::none; }
    std::vector<Document::ItemView> items(const Path& list) const override {
        return document_.items(list);
    }
    bool is_hidden_item(const Path& path) const override { return document_.is_kept(path); }

  private:
    const Document& document_;
};

/// Fewest ops that turn `before`, the whole object that a program last read, into `after`, the one
/// that it wants: for programs that only have whole objects. The caller gives the ops that read's
/// base, so that what others wrote since merges with them.
///   - Objects field by field. A field that is not there any more is deleted.
///   - Lists by the ids of their items: insert, delete, edits inside, and moves of those items only
///     that are not part of the longest run that kept its order.
///   - Sets by elements; counters by their difference.
///   - Other arrays, and objects kept as opaque JSON, as one value.
/// An empty list or set and one that is not there are the same.
/// New positions end in digits of the item's id and in `tail` (see `position_between`), so that two
/// programs that put the same items to the same places write the same. Errors: `wrong_type` where
/// an element of a list has no id of its own, one of a declared set is no scalar, or the record is
/// no object.
[[nodiscard]] base::Result<std::vector<Op>> detect_changes(const base::Value& before,
                                                           const base::Value& after,
                                                           const DetectContext& context,
                                                           std::string_view tail);

/// True for an array of objects that all have a text `id` of their own.
bool is_item_array(const base::Value& value);

}  // namespace tandem::record
