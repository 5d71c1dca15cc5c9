#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>

#include "base/assert.hpp"

namespace tandem::yjs {

/// A vector of plain values, of which there is mostly one: what fits where the pointer would be is
/// kept there, without a block of its own.
template <class T>
class Few {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 2 * sizeof(void*) &&
                  alignof(T) <= alignof(void*));

  public:
    Few() = default;
    ~Few() { release(); }
    Few(Few&& other) noexcept { swap(other); }
    Few& operator=(Few&& other) noexcept {
        Few moved(std::move(other));
        swap(moved);
        return *this;
    }
    Few(const Few& other) { assign(other); }
    Few& operator=(const Few& other) {
        if (this != &other) assign(other);
        return *this;
    }
    void swap(Few& other) noexcept {
        std::swap(bytes_, other.bytes_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
    }

    bool empty() const { return size_ == 0; }
    size_t size() const { return size_; }
    /// In the block; 0 while there is none.
    size_t capacity() const { return capacity_; }
    T* begin() { return data(); }
    T* end() { return data() + size_; }
    const T* begin() const { return data(); }
    const T* end() const { return data() + size_; }
    T& operator[](size_t at) { return data()[at]; }
    const T& operator[](size_t at) const { return data()[at]; }
    T& back() { return data()[size_ - 1]; }
    const T& back() const { return data()[size_ - 1]; }

    void clear() { size_ = 0; }
    void push_back(const T& value) {
        const T copy = value;
        if (size_ >= room()) [[unlikely]]
            resize_block(std::max<size_t>(4, size_t{size_} + size_ / 2));
        data()[size_++] = copy;
    }
    void pop_back() { --size_; }
    void resize(size_t size, const T& value = T()) {
        const T copy = value;
        if (size > room()) resize_block(std::max<size_t>(size, size_t{size_} + size_ / 2));
        for (size_t i = size_; i < size; ++i)
            data()[i] = copy;
        size_ = static_cast<uint32_t>(size);
    }
    void shrink_to_fit() {
        if (capacity_ == 0 || capacity_ == size_) return;
        if (size_ > kInside) {
            resize_block(size_);
            return;
        }
        unsigned char inside[sizeof(void*)];
        std::memcpy(inside, block(), size_ * sizeof(T));
        release();
        capacity_ = 0;
        std::memcpy(bytes_, inside, size_ * sizeof(T));
    }

  private:
    static constexpr size_t kInside = sizeof(void*) / sizeof(T);

    size_t room() const { return capacity_ == 0 ? kInside : capacity_; }
    void* block() const {
        void* block;
        std::memcpy(&block, bytes_, sizeof(block));
        return block;
    }
    T* data() { return static_cast<T*>(capacity_ == 0 ? static_cast<void*>(bytes_) : block()); }
    const T* data() const {
        return static_cast<const T*>(capacity_ == 0 ? static_cast<const void*>(bytes_) : block());
    }
    void assign(const Few& other) {
        size_ = 0;
        if (other.size_ > room()) resize_block(other.size_);
        size_ = other.size_;
        if (size_ > 0) std::memcpy(static_cast<void*>(data()), other.data(), size_ * sizeof(T));
    }
    void resize_block(size_t capacity) {
        TANDEM_ASSERT(capacity < UINT32_MAX);
        void* moved = std::realloc(capacity_ == 0 ? nullptr : block(), capacity * sizeof(T));
        TANDEM_ASSERT(moved != nullptr);
        if (capacity_ == 0) std::memcpy(moved, bytes_, size_ * sizeof(T));
        std::memcpy(bytes_, &moved, sizeof(moved));
        capacity_ = static_cast<uint32_t>(capacity);
    }
    void release() {
        if (capacity_ != 0) std::free(block());
    }

    /// The address of the values, or while there is no capacity the values themselves.
    alignas(void*) unsigned char bytes_[sizeof(void*)] = {};
    uint32_t size_ = 0;
    uint32_t capacity_ = 0;
};

}  // namespace tandem::yjs
