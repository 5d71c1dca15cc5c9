#pragma once

#include <string>
#include <vector>

#include "record/hash_tree.hpp"

namespace tandem::record {

/// Finds the fields in which two replicas differ, though they may share no history, by looking at
/// the same subtrees of both, level by level. Whoever drives it asks both sides (one of them may be
/// at hand) for `wanted()` and hands over the answers; for k differing fields of n that is
/// O(log n) rounds over O(k log n) subtrees.
class HashComparison {
  public:
    /// In how many subtrees a round may ask for; more of them wait for the next rounds.
    explicit HashComparison(size_t subtrees_per_round_max)
        : per_round_max_(subtrees_per_round_max), waiting_{KeyPrefix()} {}

    struct Difference {
        Digest key{};
        bool is_left = false;   ///< the left side holds something there
        bool is_right = false;  ///< the right side does
    };

    bool is_done() const { return waiting_.empty(); }
    /// Prefixes for the next round, the same for both sides.
    std::vector<KeyPrefix> wanted() const;
    /// Answers in the order of `wanted()`. False when there are not as many.
    [[nodiscard]] bool handle(const std::vector<Subtree>& left, const std::vector<Subtree>& right);
    /// By key; complete when it is done.
    const std::vector<Difference>& differences() const { return differences_; }

  private:
    void compare(const KeyPrefix& prefix, const Subtree& left, const Subtree& right);

    size_t per_round_max_;
    std::vector<KeyPrefix> waiting_;
    std::vector<Difference> differences_;
};

}  // namespace tandem::record
