#include "record/resolver.hpp"

#include <algorithm>
#include <tuple>

#include "base/assert.hpp"

namespace tandem::record {

bool ranks_below(const Sibling& a, const Sibling& b) {
    return std::tie(a.stamp, a.dot.counter, a.seq) < std::tie(b.stamp, b.dot.counter, b.seq);
}

const Sibling& winner(const std::vector<Sibling>& siblings) {
    TANDEM_ASSERT(!siblings.empty());
    return *std::max_element(siblings.begin(), siblings.end(), ranks_below);
}

}  // namespace tandem::record
