#include "record/hash_compare.hpp"

#include <algorithm>

namespace tandem::record {

std::vector<KeyPrefix> HashComparison::wanted() const {
    const size_t count = std::min(waiting_.size(), per_round_max_);
    return {waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count)};
}

bool HashComparison::handle(const std::vector<Subtree>& left, const std::vector<Subtree>& right) {
    const std::vector<KeyPrefix> asked = wanted();
    if (left.size() != asked.size() || right.size() != asked.size()) return false;
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(asked.size()));
    for (size_t i = 0; i < asked.size(); ++i)
        compare(asked[i], left[i], right[i]);
    if (is_done())
        std::sort(differences_.begin(), differences_.end(),
                  [](const Difference& a, const Difference& b) { return a.key < b.key; });
    return true;
}

void HashComparison::compare(const KeyPrefix& prefix, const Subtree& left, const Subtree& right) {
    if (!left.is_inner && !right.is_inner) {
        auto l = left.leaves.begin();
        auto r = right.leaves.begin();
        while (l != left.leaves.end() || r != right.leaves.end()) {
            if (r == right.leaves.end() || (l != left.leaves.end() && l->key < r->key)) {
                differences_.push_back({(l++)->key, true, false});
            } else if (l == left.leaves.end() || r->key < l->key) {
                differences_.push_back({(r++)->key, false, true});
            } else {
                if (l->content != r->content) differences_.push_back({l->key, true, true});
                ++l;
                ++r;
            }
        }
        return;
    }
    if (prefix.size() >= kKeyDigits) return;
    const auto part = [&](const Subtree& side, uint8_t digit) {
        return side.is_inner ? side.parts[digit] : side.part(prefix.size(), digit).digest();
    };
    for (uint8_t digit = 0; digit < 16; ++digit) {
        if (part(left, digit) != part(right, digit))
            waiting_.push_back(prefix + "0123456789abcdef"[digit]);
    }
}

}  // namespace tandem::record
