#include "net/shared_bytes.hpp"

#include <cstring>
#include <new>

namespace tandem::net {

SharedBytes SharedBytes::with_capacity(size_t capacity) {
    void* memory = ::operator new(sizeof(Block) + capacity);
    auto* block = new (memory) Block;
    block->capacity = capacity;
    return SharedBytes(block);
}

bool SharedBytes::append(std::string_view tail) {
    if (block_ == nullptr || block_->capacity - block_->size < tail.size()) return false;
    if (!tail.empty()) std::memcpy(data() + block_->size, tail.data(), tail.size());
    block_->size += tail.size();
    return true;
}

SharedBytes SharedBytes::joined(std::string_view first, std::string_view second) {
    SharedBytes bytes = with_capacity(first.size() + second.size());
    (void)bytes.append(first);
    (void)bytes.append(second);
    return bytes;
}

SharedBytes SharedBytes::copy_of(std::string_view data) { return joined(data, {}); }

void SharedBytes::release() {
    if (block_ == nullptr) return;
    if (block_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        block_->~Block();
        ::operator delete(block_);
    }
    block_ = nullptr;
}

}  // namespace tandem::net
