#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "yjs/known_clocks.hpp"

namespace tandem::yjs {

/// A document that is kept and served and not looked at: its state as one update of the first
/// encoding, and the updates that have come since. Items are built only to make one of these, and
/// given back at once.
class RestingDocument {
  public:
    RestingDocument() = default;
    /// Errors: `malformed`, `too_large`.
    static base::Result<RestingDocument> load(std::string state);

    /// Takes an update that fits what is known (`KnownClocks::judge`).
    void append(std::string update, const UpdateReach& reach);
    const KnownClocks& known() const { return known_; }
    bool is_empty() const { return state_.empty() && updates_.empty(); }
    /// Of all that is held; the state may be less.
    size_t bytes() const { return state_.size() + updates_bytes_; }

    /// Everything as one update. Borrowed until the next call that is not const.
    std::string_view state();
    /// What whoever has `vector` lacks, and all deletes.
    std::string diff(const StateVector& vector);

  private:
    void compact();

    std::string state_;
    std::vector<std::string> updates_;
    size_t updates_bytes_ = 0;
    KnownClocks known_;
};

}  // namespace tandem::yjs
