#include "server/nearest.hpp"

#include <algorithm>
#include <string_view>

namespace tandem::server {

namespace {

// Edits of single characters, or swaps of neighbours, that lead from one word to the other.
size_t distance(std::string_view from, std::string_view to) {
    std::vector<std::vector<size_t>> steps(from.size() + 1, std::vector<size_t>(to.size() + 1));
    for (size_t i = 0; i <= from.size(); ++i)
        for (size_t k = 0; k <= to.size(); ++k) {
            size_t& at = steps[i][k];
            if (i == 0 || k == 0) {
                at = i + k;
                continue;
            }
            at = std::min({steps[i - 1][k] + 1, steps[i][k - 1] + 1,
                           steps[i - 1][k - 1] + (from[i - 1] == to[k - 1] ? 0 : 1)});
            if (i > 1 && k > 1 && from[i - 1] == to[k - 2] && from[i - 2] == to[k - 1])
                at = std::min(at, steps[i - 2][k - 2] + 1);
        }
    return steps[from.size()][to.size()];
}

}  // namespace

std::string nearest_word(const std::string& word, const std::vector<std::string>& words) {
    std::string nearest;
    size_t best = 1 + word.size() / 2;
    for (const std::string& other : words) {
        const size_t steps = distance(word, other);
        if (steps >= best) continue;
        best = steps;
        nearest = other;
    }
    return nearest;
}

}  // namespace tandem::server
