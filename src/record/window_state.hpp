#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "record/document.hpp"
#include "record/selection.hpp"

namespace tandem::record {

/// What the windows of a selection hold as of one seq, so that the next entry's changes tell
/// exactly what enters and leaves them. Memory: the ids of the items in the windows.
class WindowState {
  public:
    explicit WindowState(Selection selection);
    WindowState(const WindowState&) = delete;
    WindowState& operator=(const WindowState&) = delete;

    const Selection& selection() const { return selection_; }
    uint64_t seq() const { return seq_; }
    /// Takes what the windows hold now, and nothing else is known of before.
    void reset(const Document& document);
    /// Changes of the document's newest entry, which must be the one after `seq`.
    std::vector<Change> advance(const Document& document);
    /// Rough bytes held.
    size_t bytes() const;

    /// Null when the windows of a node are not known. Borrowed.
    const WindowList* find(const SelectedNode& node) const;

  private:
    void follow(const Document& document, const SelectedNode& node, Path& path);

    const Selection selection_;
    uint64_t seq_ = 0;
    std::map<const SelectedNode*, WindowList> lists_;
};

}  // namespace tandem::record
