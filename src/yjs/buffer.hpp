#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "base/assert.hpp"

namespace tandem::yjs {

/// Bytes that are being written, and the arena of a document's contents. Grows by half of its size;
/// `reserve` once and the writes that fit cost no further check.
class Buffer {
  public:
    Buffer() = default;
    ~Buffer() { std::free(data_); }
    Buffer(Buffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0)),
          capacity_(std::exchange(other.capacity_, 0)) {}
    Buffer& operator=(Buffer&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
        return *this;
    }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    const char* data() const { return data_; }
    char* data() { return data_; }
    size_t size() const { return size_; }
    size_t capacity() const { return capacity_; }
    bool empty() const { return size_ == 0; }
    std::string_view view() const { return {data_, size_}; }
    std::string_view view(size_t offset, size_t count) const { return {data_ + offset, count}; }

    void clear() { size_ = 0; }
    void truncate(size_t size) { size_ = size; }
    /// Gives back what was reserved and is not used.
    void shrink();

    void reserve(size_t more) {
        if (capacity_ - size_ < more) [[unlikely]]
            grow(more);
    }

    void u8(uint8_t value) {
        reserve(1);
        data_[size_++] = static_cast<char>(value);
    }
    void bytes(const char* data, size_t count) {
        if (count == 0) return;
        reserve(count);
        std::memcpy(data_ + size_, data, count);
        size_ += count;
    }
    void bytes(std::string_view value) { bytes(value.data(), value.size()); }

    /// lib0's varUint: 7 bits a byte, least significant first.
    void var_uint(uint64_t value) {
        reserve(10);
        while (value >= 0x80) {
            data_[size_++] = static_cast<char>(value | 0x80);
            value >>= 7;
        }
        data_[size_++] = static_cast<char>(value);
    }
    /// lib0's varInt: the first byte has a sign bit and six bits of the magnitude. Negative zero is
    /// a value of its own.
    void var_int(uint64_t magnitude, bool is_negative) {
        reserve(11);
        uint8_t first = static_cast<uint8_t>((magnitude & 0x3f) | (is_negative ? 0x40 : 0));
        magnitude >>= 6;
        data_[size_++] = static_cast<char>(first | (magnitude > 0 ? 0x80 : 0));
        while (magnitude > 0) {
            data_[size_++] = static_cast<char>((magnitude & 0x7f) | (magnitude > 0x7f ? 0x80 : 0));
            magnitude >>= 7;
        }
    }
    void var_int(int64_t value) {
        bool is_negative = value < 0;
        uint64_t bits = static_cast<uint64_t>(value);
        var_int(is_negative ? ~bits + 1 : bits, is_negative);
    }
    /// The length as a varUint, then the bytes.
    void var_bytes(std::string_view value) {
        var_uint(value.size());
        bytes(value);
    }
    /// Floats and 64-bit integers are big-endian in lib0.
    void big_endian(uint64_t value, int byte_count) {
        reserve(8);
        for (int shift = (byte_count - 1) * 8; shift >= 0; shift -= 8)
            data_[size_++] = static_cast<char>(value >> shift);
    }

    /// Makes the buffer longer by bytes that the caller writes.
    char* extend(size_t count) {
        reserve(count);
        size_ += count;
        return data_ + (size_ - count);
    }

    /// Moves `count` bytes from `from` to the end; the ranges may be of this same buffer.
    void append_own(size_t from, size_t count) {
        reserve(count);
        std::memcpy(data_ + size_, data_ + from, count);
        size_ += count;
    }

    std::string str() const { return std::string(data_, size_); }

  private:
    void grow(size_t more);

    char* data_ = nullptr;
    size_t size_ = 0;
    size_t capacity_ = 0;
};

}  // namespace tandem::yjs
