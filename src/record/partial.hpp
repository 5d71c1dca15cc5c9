#pragma once

#include <vector>

#include "record/document_impl.hpp"
#include "record/selection.hpp"

namespace tandem::record {

class WindowState;

/// How a view comes from one selection at `from` to another at the document's seq.
struct PartialRange {
    uint64_t from = 0;
    const Selection& held;
    const Selection& select;
    /// What the windows of `held`, which is `select`, held at `from`; null when that is not known.
    const WindowState* windows = nullptr;
};

std::vector<Change> partial_diff(const Document::Impl& document, const PartialRange& range);
base::Value shown_selected(const Document::Impl& document, const Selection& select);
/// Whether a selection covers what is at a path, the windows as they are now.
bool is_covered(const Document::Impl& document, const Selection& select, const Path& path);
/// Calls `take` with the items in the windows, in their order.
template <class Take>
void for_windows(const ListSlot& list, const std::vector<Window>& windows, Take take) {
    const auto& order = list.ordered();
    for (const Window& window : windows) {
        for (uint64_t i = window.from; i < window.to && i < order.size(); ++i)
            take(*order[static_cast<size_t>(i)]);
    }
}

}  // namespace tandem::record
