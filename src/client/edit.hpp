#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "client/types.hpp"
#include "record/view.hpp"

namespace tandem::client {

/// Collects the ops of one push, each made on the view with the earlier ones. Borrows the view and
/// the entropy; use it at once.
class Edit {
  public:
    /// `dot` names the push that the ops will be in, for generations of counters set twice.
    Edit(const record::View& shown, record::Dot dot, const std::function<uint64_t()>& entropy)
        : shown_(&shown), dot_(dot), entropy_(&entropy) {}

    Edit& set(record::Path path, base::Value value);
    /// Removes the node, or the item from its list.
    Edit& remove_node(record::Path path);
    Edit& assign(record::Path path, base::Value object);
    Edit& inc(record::Path path, int64_t n);
    /// Sets the counter to `value` as it is seen now; what others add meanwhile stays.
    Edit& counter_set(record::Path path, int64_t value);
    Edit& add(record::Path path, base::Value element);
    Edit& remove(record::Path path, base::Value element);
    /// Returns the id of the new item. `object` is an object, or null for an item without members.
    std::string insert(const record::Path& list, const Place& place, base::Value object);
    Edit& move(const record::Path& item, const Place& place);
    /// To a position as it is in a conflict's row.
    Edit& move_to(record::Path item, std::string position);
    Edit& append(const std::vector<record::Op>& ops);

    const std::vector<record::Op>& ops() const { return ops_; }
    std::vector<record::Op> take() { return std::move(ops_); }

  private:
    Edit& append(record::OpKind kind, record::Path path, base::Value value);
    /// The view with the earlier ops; a copy only where they could matter at the path.
    const record::View& view_at(const record::Path& path);
    std::string position_for(const record::Path& list, const Place& place,
                             const std::string& moved);

    const record::View* shown_;
    record::Dot dot_;
    const std::function<uint64_t()>* entropy_;
    std::vector<record::Op> ops_;
    std::optional<record::View> scratch_;
    size_t scratch_ops_ = 0;
};

}  // namespace tandem::client
