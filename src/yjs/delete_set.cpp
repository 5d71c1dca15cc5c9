#include "yjs/delete_set.hpp"

#include <algorithm>

namespace tandem::yjs {

void normalize(std::vector<IdRange>& ranges) {
    if (ranges.size() < 2) return;
    auto by_clock = [](const IdRange& a, const IdRange& b) { return a.clock < b.clock; };
    if (!std::is_sorted(ranges.begin(), ranges.end(), by_clock))
        std::sort(ranges.begin(), ranges.end(), by_clock);
    size_t last = 0;
    for (size_t i = 1; i < ranges.size(); ++i) {
        IdRange& left = ranges[last];
        if (left.end() >= ranges[i].clock) {
            left.len = std::max(left.end(), ranges[i].end()) - left.clock;
        } else {
            ranges[++last] = ranges[i];
        }
    }
    ranges.resize(last + 1);
}

void DeleteSet::normalize() {
    for (auto& [client, ranges] : clients_)
        yjs::normalize(ranges);
}

void DeleteSet::normalize_unordered() {
    for (auto& [client, ranges] : clients_) {
        for (size_t i = 1; i < ranges.size(); ++i) {
            if (ranges[i].clock >= ranges[i - 1].end()) continue;
            yjs::normalize(ranges);
            break;
        }
    }
}

bool DeleteSet::contains(uint64_t client, uint32_t clock) const {
    auto found = clients_.find(client);
    if (found == clients_.end()) return false;
    const Ranges& ranges = found->second;
    auto after =
        std::upper_bound(ranges.begin(), ranges.end(), clock,
                         [](uint32_t at, const IdRange& range) { return at < range.clock; });
    return after != ranges.begin() && clock < std::prev(after)->end();
}

}  // namespace tandem::yjs
