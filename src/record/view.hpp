#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "record/change.hpp"
#include "record/op.hpp"

namespace tandem::record {

/// A view's own copy of the shown state: what a client holds. Changes are applied as docs/merge.md,
/// section 7, says; own pending ops plainly, section 8. A copy is cheap to take only when small.
class View {
  public:
    View();
    ~View();
    View(const View&);
    View& operator=(const View&);
    View(View&&) noexcept;
    View& operator=(View&&) noexcept;

    void apply(const Change& change);
    /// Applies an own op; `actor` and `counter` are the dot a counter generation is named by.
    void apply_plain(const Op& op, Dot dot);
    void clear();

    bool exists(const Path& path) const;
    base::Value shown(const Path& path) const;
    Kind shown_kind(const Path& path) const;
    struct Counter {
        bool exists = false;
        int64_t value = 0;
        Dot generation;
    };
    Counter counter(const Path& path) const;
    struct Item {
        std::string id;
        std::string position;
        bool has_position = false;
    };
    std::vector<Item> items(const Path& list) const;
    /// Number of visible items of the whole list of which the view has a window; 0 when none says.
    uint64_t window(const Path& list) const;
    /// Open conflicts, ordered by (path, reason, dot).
    std::vector<Row> conflicts() const;
    /// Changes that make an empty view this one, for keeping it.
    std::vector<Change> contents() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// A position strictly between two (empty: the open end), made unique by `tail` (1–12 characters of
/// 0-9A-Za-z, not ending in '0'). The integer part grows by one digit per 62-fold, so appending n
/// items costs O(log n) characters. Keys compare as bytes.
std::string position_between(std::string_view low, std::string_view high, std::string_view tail);

}  // namespace tandem::record
