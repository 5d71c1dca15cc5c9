#include "base/bytes.hpp"

#include <limits>

namespace tandem::base {

Result<uint8_t> Reader::u8() {
    if (at_end()) return fail(ErrorCode::truncated, 1);
    return static_cast<uint8_t>(data_[offset_++]);
}

Result<uint64_t> Reader::varint() {
    uint64_t value = 0;
    size_t at = offset_;
    for (size_t i = 0; i < kVarintBytesMax; ++i) {
        if (at == data_.size()) return fail(ErrorCode::truncated, 1);
        auto byte = static_cast<uint8_t>(data_[at++]);
        // The tenth byte holds the one bit that is left of 64.
        if (i == kVarintBytesMax - 1 && byte > 1) return fail(ErrorCode::out_of_range);
        value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            if (byte == 0 && i > 0) return fail(ErrorCode::noncanonical);
            offset_ = at;
            return value;
        }
    }
    return fail(ErrorCode::out_of_range);
}

Result<uint64_t> Reader::varint_max(uint64_t max) {
    size_t start = offset_;
    auto value = varint();
    if (value && *value > max) {
        offset_ = start;
        return fail(ErrorCode::out_of_range, max);
    }
    return value;
}

Result<uint32_t> Reader::varint32() {
    TANDEM_TRY(uint64_t value, varint_max(std::numeric_limits<uint32_t>::max()));
    return static_cast<uint32_t>(value);
}

Result<int64_t> Reader::zigzag() {
    TANDEM_TRY(uint64_t value, varint());
    return zigzag_decode(value);
}

template <class T>
Result<T> Reader::fixed() {
    if (remaining() < sizeof(T)) return fail(ErrorCode::truncated, sizeof(T) - remaining());
    T value = 0;
    for (size_t i = 0; i < sizeof(T); ++i) {
        value |= static_cast<T>(static_cast<uint8_t>(data_[offset_ + i])) << (8 * i);
    }
    offset_ += sizeof(T);
    return value;
}

Result<uint32_t> Reader::fixed32() { return fixed<uint32_t>(); }
Result<uint64_t> Reader::fixed64() { return fixed<uint64_t>(); }

Result<double> Reader::f64() {
    TANDEM_TRY(uint64_t bits, fixed64());
    return std::bit_cast<double>(bits);
}

Result<std::string_view> Reader::bytes(size_t count) {
    if (remaining() < count) return fail(ErrorCode::truncated, count - remaining());
    std::string_view taken = data_.substr(offset_, count);
    offset_ += count;
    return taken;
}

Result<std::string_view> Reader::sized(size_t max_bytes) {
    size_t start = offset_;
    TANDEM_TRY(uint64_t count, varint());
    if (count > max_bytes) {
        offset_ = start;
        return fail(ErrorCode::too_large, max_bytes);
    }
    auto taken = bytes(static_cast<size_t>(count));
    if (!taken) offset_ = start;
    return taken;
}

Result<void> Reader::skip(size_t count) {
    TANDEM_CHECK(bytes(count));
    return {};
}

Result<void> Reader::expect_end() const {
    if (!at_end()) return fail(ErrorCode::malformed, remaining());
    return {};
}

}  // namespace tandem::base
