#include "yjs/buffer.hpp"

#include <algorithm>

namespace tandem::yjs {

void Buffer::grow(size_t more) {
    size_t wanted = std::max(size_ + more, capacity_ + capacity_ / 2);
    wanted = std::max<size_t>(wanted, 64);
    // realloc of large blocks moves pages, not bytes.
    void* moved = std::realloc(data_, wanted);
    TANDEM_ASSERT(moved != nullptr);
    data_ = static_cast<char*>(moved);
    capacity_ = wanted;
}

void Buffer::shrink() {
    if (size_ == capacity_) return;
    if (size_ == 0) {
        std::free(data_);
        data_ = nullptr;
        capacity_ = 0;
        return;
    }
    void* moved = std::realloc(data_, size_);
    if (moved == nullptr) return;
    data_ = static_cast<char*>(moved);
    capacity_ = size_;
}

}  // namespace tandem::yjs
