#pragma once

#include <string>
#include <vector>

#include "record/document.hpp"
#include "record/selection.hpp"
#include "record/view.hpp"
#include "sim/profile.hpp"

namespace tandem::sim {

/// What a view of a part of a record must be, read off the whole record by docs/merge.md, section
/// 9. It shares no code with the product's differences and windows.
class Part {
  public:
    /// Borrows both.
    Part(const record::Document& document, const record::Selection& selection)
        : document_(document), selection_(selection), parts_(selection.parts()) {}

    base::Value shown() const;
    bool is_covered(const record::Path& path) const;
    /// Open rows of the journal that belong to it.
    std::vector<record::Row> conflicts() const;
    /// The lists of which there is no more than windows.
    std::vector<record::Path> windowed() const;
    /// What is wrong with a view that should be this; empty: nothing.
    std::string difference(const record::View& view) const;

  private:
    bool is_on_way(const record::Path& path) const;
    bool show(const record::Path& path, base::Value& out) const;

    const record::Document& document_;
    const record::Selection& selection_;
    std::vector<record::SelectedPart> parts_;
};

/// Parts that devices of these channels would follow; now and then the whole record.
record::Selection any_selection(Dice& dice, const std::string& channel, size_t device);

}  // namespace tandem::sim
