#include "yjs/names.hpp"

namespace tandem::yjs {

namespace {
// Below this a look at each name is quicker than the tree.
constexpr size_t kLinearMax = 8;
}  // namespace

uint32_t Names::find(std::string_view name) const {
    if (ranges_.size() > kLinearMax) {
        auto found = by_name_->find(name);
        return found == by_name_->end() ? 0 : found->second;
    }
    for (uint32_t number = 1; number <= ranges_.size(); ++number) {
        if (at(number) == name) return number;
    }
    return 0;
}

uint32_t Names::intern(std::string_view name) {
    if (uint32_t known = find(name)) return known;
    ranges_.push_back({static_cast<uint32_t>(bytes_.size()), static_cast<uint32_t>(name.size())});
    bytes_.bytes(name);
    auto number = static_cast<uint32_t>(ranges_.size());
    if (number == kLinearMax + 1) {
        for (uint32_t i = 1; i <= number; ++i)
            by_name_->emplace(at(i), i);
    } else if (number > kLinearMax) {
        by_name_->emplace(name, number);
    }
    return number;
}

void Names::truncate(uint32_t size) {
    if (size == ranges_.size()) return;
    if (size <= kLinearMax) {
        by_name_.reset();
    } else {
        for (uint32_t number = size + 1; number <= ranges_.size(); ++number)
            by_name_->erase(by_name_->find(at(number)));
    }
    bytes_.truncate(ranges_[size].offset);
    ranges_.resize(size);
}

size_t Names::memory_bytes() const {
    size_t bytes = bytes_.capacity() + ranges_.capacity() * sizeof(Range);
    const auto* const by_name = by_name_.peek();
    const size_t known = by_name == nullptr ? 0 : by_name->size();
    return bytes + known * (sizeof(std::string) + 6 * sizeof(void*));
}

void Names::shrink() {
    bytes_.shrink();
    ranges_.shrink_to_fit();
}

}  // namespace tandem::yjs
