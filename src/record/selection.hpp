#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "record/path.hpp"

namespace tandem::record {

inline constexpr size_t kSelectedPartsMax = 64;
inline constexpr uint64_t kWindowItemsMax = 1000;

/// Items of a list by their index in the order shown: [from, to).
struct Window {
    uint64_t from = 0;
    uint64_t to = 0;
    bool holds(uint64_t index) const { return from <= index && index < to; }
    friend auto operator<=>(const Window&, const Window&) = default;
};

/// A path with all below it, or a window of the list there.
struct SelectedPart {
    Path path;
    bool has_window = false;
    Window window;
    friend bool operator==(const SelectedPart&, const SelectedPart&) = default;
};

/// The parts as a tree, for walks beside the document's.
struct SelectedNode {
    bool is_covered = false;      ///< with all below; then there is nothing more in here
    std::vector<Window> windows;  ///< of the list here, ascending, apart from each other
    std::map<Segment, SelectedNode> children;

    bool has_windows_below() const;  ///< or here
    const SelectedNode* find(const Segment& segment) const;
    friend bool operator==(const SelectedNode&, const SelectedNode&) = default;
};

/// What a view is selected by, in normal form (docs/merge.md, section 9): no part is covered by
/// another and windows of a list stay apart, so that equal selections have equal keys.
class Selection {
  public:
    /// The whole record.
    Selection();

    /// Fails with `bad_select` (detail: index of the part) for more than 64 parts, and for a
    /// window that is empty or wider than 1,000 items. No parts select the whole record.
    [[nodiscard]] static base::Result<Selection> make(const std::vector<SelectedPart>& parts);

    bool is_whole() const { return root_.is_covered; }
    const SelectedNode& root() const { return root_; }
    /// In the order of their paths; of the whole record none.
    std::vector<SelectedPart> parts() const;
    /// Equal for equal selections; empty for the whole record.
    std::string key() const;
    /// True when what is at the path is covered whatever the record holds: windows cover nothing
    /// here.
    bool covers_always(const Path& path) const;
    /// True when something at, above or below the path may be covered.
    bool concerns(const Path& path) const;

    friend bool operator==(const Selection&, const Selection&) = default;

  private:
    SelectedNode root_;
};

/// `a/b` or `cards[0:40]`. Fails with `bad_path`; what `Selection::make` refuses is not looked for.
[[nodiscard]] base::Result<SelectedPart> parse_selected(std::string_view text);
/// The text that reads back as the same part, but for a path whose last key ends like a window.
std::string to_text(const SelectedPart& part);

}  // namespace tandem::record
