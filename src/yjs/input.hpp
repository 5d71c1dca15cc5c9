#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/result.hpp"

namespace tandem::yjs {

/// Reads lib0's primitives from bytes that it borrows. The first read that fails makes all later
/// ones give zeros, so that a decoder asks `ok` once a struct instead of once a byte; loops over
/// counts from the input must ask it every turn.
class Input {
  public:
    Input() = default;
    explicit Input(std::string_view data) : at_(data.data()), end_(data.data() + data.size()) {}

    bool ok() const { return !failed_; }
    bool at_end() const { return at_ == end_; }
    size_t remaining() const { return static_cast<size_t>(end_ - at_); }
    const char* position() const { return at_; }
    std::string_view rest() const { return {at_, remaining()}; }
    void fail() {
        failed_ = true;
        at_ = end_;
    }

    uint8_t u8() {
        if (at_ == end_) [[unlikely]] {
            fail();
            return 0;
        }
        return static_cast<uint8_t>(*at_++);
    }

    /// At most 2^53 − 1, as in JavaScript; more fails.
    uint64_t var_uint() {
        if (at_ != end_ && static_cast<uint8_t>(*at_) < 0x80) return static_cast<uint8_t>(*at_++);
        return long_var_uint();
    }
    /// Passes over a varUint if it is the given one, of `size` bytes that are the low ones of
    /// `word`.
    bool skip_known(uint64_t word, size_t size) {
        uint64_t next;
        if (remaining() < sizeof(next)) return false;
        std::memcpy(&next, at_, sizeof(next));
        if (((next ^ word) << (64 - 8 * size)) != 0) return false;
        at_ += size;
        return true;
    }
    /// A varUint that must fit 32 bits, such as a clock or a length.
    uint32_t var_uint32() {
        uint64_t value = var_uint();
        if (value > UINT32_MAX) [[unlikely]] {
            fail();
            return 0;
        }
        return static_cast<uint32_t>(value);
    }

    struct VarInt {
        uint64_t magnitude = 0;
        bool is_negative = false;
        int64_t value() const {
            return is_negative ? -static_cast<int64_t>(magnitude) : static_cast<int64_t>(magnitude);
        }
    };
    VarInt var_int();

    std::string_view bytes(size_t count) {
        if (count > remaining()) [[unlikely]] {
            fail();
            return {};
        }
        std::string_view taken(at_, count);
        at_ += count;
        return taken;
    }
    std::string_view var_bytes() {
        uint64_t count = var_uint();
        if (count > remaining()) [[unlikely]] {
            fail();
            return {};
        }
        return bytes(static_cast<size_t>(count));
    }
    uint64_t big_endian(int byte_count);

  private:
    uint64_t long_var_uint();

    const char* at_ = nullptr;
    const char* end_ = nullptr;
    bool failed_ = false;
};

}  // namespace tandem::yjs
