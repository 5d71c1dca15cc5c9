#include "yjs/item.hpp"

#include <algorithm>

namespace tandem::yjs {

void ItemPool::grow() {
    TANDEM_ASSERT(capacity_ < UINT32_MAX / 2);
    uint32_t wanted = std::max<uint32_t>(4, capacity_ + std::max<uint32_t>(capacity_ / 4, 4));
    if (wanted <= size_) wanted = size_ + 4;
    resize(wanted);
}

void ItemPool::resize(uint32_t capacity) {
    void* moved = std::realloc(items_, size_t{capacity} * sizeof(Item));
    TANDEM_ASSERT(moved != nullptr);
    items_ = static_cast<Item*>(moved);
    if (capacity_ == 0) items_[0] = Item{};
    capacity_ = capacity;
}

void ItemPool::add_first(uint32_t count) {
    TANDEM_ASSERT(size_ == 1 && capacity_ == 0);
    if (count == 0) return;
    items_ = static_cast<Item*>(std::malloc((size_t{count} + 1) * sizeof(Item)));
    TANDEM_ASSERT(items_ != nullptr);
    items_[0] = Item{};
    size_ = capacity_ = count + 1;
}

void ItemPool::shrink() {
    if (capacity_ == 0 || capacity_ == size_) return;
    void* moved = std::realloc(items_, size_t{size_} * sizeof(Item));
    if (moved == nullptr) return;
    items_ = static_cast<Item*>(moved);
    capacity_ = size_;
}

}  // namespace tandem::yjs
