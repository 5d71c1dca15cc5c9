#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace tandem::base {

// A varint is LEB128 in the fewest bytes: 7 bits a byte, least significant first, at most 10 bytes.
inline constexpr size_t kVarintBytesMax = 10;

constexpr uint64_t zigzag_encode(int64_t value) {
    return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
constexpr int64_t zigzag_decode(uint64_t value) {
    return static_cast<int64_t>((value >> 1) ^ (~(value & 1) + 1));
}
constexpr size_t varint_size(uint64_t value) {
    return value == 0 ? 1 : (static_cast<size_t>(std::bit_width(value)) + 6) / 7;
}

// Appends to a string that it borrows. Fixed-width numbers are little-endian.
class Writer {
  public:
    explicit Writer(std::string& out) : out_(&out) {}

    void u8(uint8_t value) { out_->push_back(static_cast<char>(value)); }
    void varint(uint64_t value) {
        while (value >= 0x80) {
            u8(static_cast<uint8_t>(value | 0x80));
            value >>= 7;
        }
        u8(static_cast<uint8_t>(value));
    }
    void zigzag(int64_t value) { varint(zigzag_encode(value)); }
    void fixed32(uint32_t value) { fixed(value); }
    void fixed64(uint64_t value) { fixed(value); }
    void f64(double value) { fixed(std::bit_cast<uint64_t>(value)); }
    void bytes(std::string_view value) { out_->append(value); }
    // The length as a varint, then the bytes.
    void sized(std::string_view value) {
        varint(value.size());
        bytes(value);
    }

    std::string& out() { return *out_; }

  private:
    template <class T>
    void fixed(T value) {
        char buffer[sizeof(T)];
        for (size_t i = 0; i < sizeof(T); ++i)
            buffer[i] = static_cast<char>(value >> (8 * i));
        out_->append(buffer, sizeof(T));
    }

    std::string* out_;
};

// Reads bytes that it borrows; views it returns live as long as those. A failed read consumes
// nothing. Errors: `truncated` (detail: missing bytes), `noncanonical`, `out_of_range`, `too_large`
// (detail: the limit), `malformed` from expect_end (detail: bytes left over).
class Reader {
  public:
    explicit Reader(std::string_view data) : data_(data) {}
    explicit Reader(std::span<const uint8_t> data)
        : data_(reinterpret_cast<const char*>(data.data()), data.size()) {}

    bool at_end() const { return offset_ == data_.size(); }
    size_t offset() const { return offset_; }
    size_t remaining() const { return data_.size() - offset_; }
    std::string_view rest() const { return data_.substr(offset_); }

    Result<uint8_t> u8();
    Result<uint64_t> varint();
    // A varint of at most `max`.
    Result<uint64_t> varint_max(uint64_t max);
    Result<uint32_t> varint32();
    Result<int64_t> zigzag();
    Result<uint32_t> fixed32();
    Result<uint64_t> fixed64();
    Result<double> f64();
    Result<std::string_view> bytes(size_t count);
    // What Writer::sized wrote, if it is at most `max_bytes` long.
    Result<std::string_view> sized(size_t max_bytes);
    Result<void> skip(size_t count);
    Result<void> expect_end() const;

  private:
    template <class T>
    Result<T> fixed();

    std::string_view data_;
    size_t offset_ = 0;
};

}  // namespace tandem::base
