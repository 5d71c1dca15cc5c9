#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.hpp"

namespace tandem::server {

/// One op that an import writes.
struct ImportStep {
    base::Value op;
    /// In an entry of its own: a value that crosses the one that is shown, so that it is in the
    /// journal again.
    bool is_alone = false;
};

/// What an import of one channel writes into an empty one: the ops that make the absolute changes
/// of the export's line.
struct ImportPlan {
    std::vector<ImportStep> steps;
    /// Conflicts of places, kinds or counters, which cannot be brought back.
    size_t left_out = 0;

    static ImportPlan of(const base::Array& changes);

    /// What a log must not hold beside: an op that this import would not write.
    [[nodiscard]] bool has(const base::Value& logged_op) const;
    /// Without the ops of a log that holds a part of it.
    void drop_written(const std::vector<base::Value>& logged_ops);

  private:
    std::set<std::string> keys_;
};

/// Whether two lists of absolute changes show the same; who wrote it and when does not count.
[[nodiscard]] bool shows_same(const base::Array& a, const base::Array& b);

/// The ops that make what `wanted` shows of what `now` shows.
[[nodiscard]] std::vector<base::Value> overwrite_ops(const base::Array& now,
                                                     const base::Array& wanted);

}  // namespace tandem::server
