#pragma once

#include <cstdint>
#include <vector>

#include "record/document_impl.hpp"

namespace tandem::record {

/// What the view is known to hold at a node: `delta` the state at `from`; `full` possibly some of
/// it, so that everything is told and what went since is cleared; `fresh` nothing.
enum class Mode : uint8_t { delta, full, fresh };

/// Changes of nodes that the view holds whole (docs/merge.md, section 7).
class Differ {
  public:
    /// Borrows both. `path` is that of the node visited next.
    Differ(std::vector<Change>& out, Path& path, uint64_t from)
        : out_(out), path_(path), from_(from) {}

    void visit(const Node& node, Mode mode);
    void item(const Item& item, Mode mode);
    Change& emit(ChangeKind kind);
    void emit_item(const Item& item);

  private:
    void content(const Node& node, Mode mode);
    void elements(const SetSlot& slot, Mode mode);
    template <class T>
    std::vector<const Node*> nodes(const std::vector<std::unique_ptr<T>>& all,
                                   const Recency& recency, Mode mode) const;

    std::vector<Change>& out_;
    Path& path_;
    uint64_t from_;
};

/// The nodes of a slot that changed after `from`, by name.
std::vector<const Node*> changed_nodes(const Recency& recency, uint64_t from);

}  // namespace tandem::record
