#include "record/selection.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "base/window.hpp"

namespace tandem::record {

namespace {

using base::ErrorCode;

void cover(SelectedNode& node) {
    node.is_covered = true;
    node.windows.clear();
    node.children.clear();
}

void add_window(std::vector<Window>& windows, const Window& added) {
    windows.push_back(added);
    std::sort(windows.begin(), windows.end());
    size_t kept = 0;
    for (size_t i = 1; i < windows.size(); ++i) {
        if (windows[i].from <= windows[kept].to) {
            windows[kept].to = std::max(windows[kept].to, windows[i].to);
        } else {
            windows[++kept] = windows[i];
        }
    }
    windows.resize(kept + 1);
}

void add(SelectedNode& root, const SelectedPart& part) {
    SelectedNode* node = &root;
    for (const Segment& segment : part.path) {
        if (node->is_covered) return;
        node = &node->children[segment];
    }
    if (node->is_covered) return;
    if (part.has_window)
        add_window(node->windows, part.window);
    else
        cover(*node);
}

void collect(const SelectedNode& node, Path& path, std::vector<SelectedPart>& out) {
    if (node.is_covered) {
        if (!path.empty()) out.push_back({path, false, {}});
        return;
    }
    for (const Window& window : node.windows)
        out.push_back({path, true, window});
    for (const auto& [segment, child] : node.children) {
        path.push_back(segment);
        collect(child, path, out);
        path.pop_back();
    }
}

}  // namespace

bool SelectedNode::has_windows_below() const {
    return !windows.empty() || std::any_of(children.begin(), children.end(), [](const auto& child) {
        return child.second.has_windows_below();
    });
}

const SelectedNode* SelectedNode::find(const Segment& segment) const {
    const auto at = children.find(segment);
    return at == children.end() ? nullptr : &at->second;
}

Selection::Selection() { cover(root_); }

base::Result<Selection> Selection::make(const std::vector<SelectedPart>& parts) {
    Selection selection;
    if (parts.empty()) return selection;
    if (parts.size() > kSelectedPartsMax) return base::fail(ErrorCode::bad_select, parts.size());
    selection.root_ = SelectedNode{};
    for (size_t i = 0; i < parts.size(); ++i) {
        const Window& window = parts[i].window;
        // Whoever misspells a window would wait for a field of that name.
        const Path& path = parts[i].path;
        if (!path.empty() && !path.back().is_item() && base::is_broken_window(path.back().name))
            return base::fail(ErrorCode::bad_select, i);
        if (parts[i].has_window &&
            (window.from >= window.to || window.to - window.from > kWindowItemsMax))
            return base::fail(ErrorCode::bad_select, i);
        add(selection.root_, parts[i]);
    }
    return selection;
}

std::vector<SelectedPart> Selection::parts() const {
    std::vector<SelectedPart> out;
    Path path;
    collect(root_, path, out);
    return out;
}

std::string Selection::key() const {
    std::string out;
    base::Writer writer(out);
    std::string scratch;
    for (const SelectedPart& part : parts()) {
        scratch.clear();
        encode_path(scratch, part.path);
        writer.sized(scratch);
        writer.varint(part.window.from);
        writer.varint(part.window.to);
    }
    return out;
}

bool Selection::covers_always(const Path& path) const {
    const SelectedNode* node = &root_;
    for (const Segment& segment : path) {
        if (node->is_covered) return true;
        node = node->find(segment);
        if (node == nullptr) return false;
    }
    return node->is_covered;
}

bool Selection::concerns(const Path& path) const {
    const SelectedNode* node = &root_;
    for (const Segment& segment : path) {
        if (node->is_covered || (segment.is_item() && !node->windows.empty())) return true;
        node = node->find(segment);
        if (node == nullptr) return false;
    }
    return true;
}

base::Result<SelectedPart> parse_selected(std::string_view text) {
    SelectedPart part;
    if (const auto window = base::split_window(text)) {
        part.has_window = true;
        part.window = {window->from, window->to};
        text = window->path;
    }
    TANDEM_TRY(part.path, parse_path(text));
    return part;
}

std::string to_text(const SelectedPart& part) {
    std::string out = to_text(part.path);
    if (part.has_window) {
        out += '[' + std::to_string(part.window.from) + ':' + std::to_string(part.window.to) + ']';
    }
    return out;
}

}  // namespace tandem::record
