#include "record/window_state.hpp"

#include "base/assert.hpp"
#include "record/partial.hpp"

namespace tandem::record {

WindowState::WindowState(Selection selection) : selection_(std::move(selection)) {}

void WindowState::reset(const Document& document) {
    lists_.clear();
    Path path;
    follow(document, selection_.root(), path);
    seq_ = document.seq();
}

std::vector<Change> WindowState::advance(const Document& document) {
    TANDEM_ASSERT(document.seq() == seq_ + 1);
    std::vector<Change> changes = document.changes(*this);
    Path path;
    follow(document, selection_.root(), path);
    seq_ = document.seq();
    return changes;
}

void WindowState::follow(const Document& document, const SelectedNode& node, Path& path) {
    if (!node.windows.empty()) document.read_windows(path, node.windows, lists_[&node]);
    for (const auto& [segment, child] : node.children) {
        path.push_back(segment);
        follow(document, child, path);
        path.pop_back();
    }
}

const WindowList* WindowState::find(const SelectedNode& node) const {
    const auto at = lists_.find(&node);
    return at == lists_.end() ? nullptr : &at->second;
}

size_t WindowState::bytes() const {
    size_t total = sizeof(*this);
    for (const auto& [node, list] : lists_) {
        total += sizeof(list) + sizeof(node);
        for (const std::string& id : list.ids)
            total += sizeof(id) + id.size() + 4 * sizeof(void*);
    }
    return total;
}

}  // namespace tandem::record
