#pragma once

#include <set>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "client/basis.hpp"
#include "record/op.hpp"
#include "record/view.hpp"

namespace tandem::sdk {

/// A record as a program last read or wrote it whole: what the next whole object is compared with.
class WholeRecord {
  public:
    void read(record::View shown, client::Seen seen);
    base::Value value() const;
    /// What the author had seen when it read; what it wrote since is its own.
    const client::Seen& seen() const { return seen_; }
    /// The fewest ops that make it `after`; `tail` makes new positions unique. Errors: wrong_type.
    [[nodiscard]] base::Result<std::vector<record::Op>> changes_to(const base::Value& after,
                                                                   std::string_view tail) const;
    /// From here on the ops are known. `push` is theirs.
    void note_written(const std::vector<record::Op>& ops, uint64_t push);

  private:
    record::View shown_;
    client::Seen seen_;
    /// Items that this program has removed: what they held would come back with them.
    std::set<record::Path> removed_;
};

}  // namespace tandem::sdk
