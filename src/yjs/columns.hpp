#pragma once

#include <cstdint>
#include <string_view>

#include "yjs/buffer.hpp"
#include "yjs/input.hpp"
#include "yjs/utf16.hpp"

/// The run-length columns of lib0 that the second encoding of updates is made of. Numbers are
/// within 53 bits; a value beyond that, or a column that ends too early, fails the reader's Input.
namespace tandem::yjs {

/// A byte, then how often it repeats minus one; the last run repeats for ever.
class RleWriter {
  public:
    void write(uint8_t value) {
        if (count_ > 0 && value == value_) {
            ++count_;
            return;
        }
        if (count_ > 0) out_.var_uint(count_ - 1);
        count_ = 1;
        value_ = value;
        out_.u8(value);
    }
    std::string_view finish() { return out_.view(); }
    void clear() {
        out_.clear();
        count_ = 0;
    }

  private:
    Buffer out_;
    uint64_t count_ = 0;
    uint8_t value_ = 0;
};

class RleReader {
  public:
    void open(std::string_view bytes) { in_ = Input(bytes); }
    uint8_t read() {
        if (count_ == 0) {
            value_ = in_.u8();
            count_ = in_.at_end() ? UINT64_MAX : in_.var_uint() + 1;
        }
        if (count_ != UINT64_MAX) --count_;
        return value_;
    }
    bool ok() const { return in_.ok(); }

  private:
    Input in_;
    uint64_t count_ = 0;
    uint8_t value_ = 0;
};

/// A number once, or its negative and the length of its run minus two.
class UintOptRleWriter {
  public:
    void write(uint64_t value) {
        if (value == value_) {
            ++count_;
            return;
        }
        flush();
        count_ = 1;
        value_ = value;
    }
    std::string_view finish() {
        flush();
        return out_.view();
    }
    void clear() {
        out_.clear();
        count_ = value_ = 0;
    }

  private:
    void flush() {
        if (count_ == 0) return;
        out_.var_int(value_, count_ > 1);
        if (count_ > 1) out_.var_uint(count_ - 2);
        count_ = 0;
    }

    Buffer out_;
    uint64_t count_ = 0;
    uint64_t value_ = 0;
};

class UintOptRleReader {
  public:
    void open(std::string_view bytes) { in_ = Input(bytes); }
    uint64_t read() {
        if (count_ == 0) {
            Input::VarInt next = in_.var_int();
            value_ = next.magnitude;
            count_ = next.is_negative ? in_.var_uint() + 2 : 1;
        }
        --count_;
        return value_;
    }
    bool ok() const { return in_.ok(); }

  private:
    Input in_;
    uint64_t count_ = 0;
    uint64_t value_ = 0;
};

/// The difference to the number before, doubled; odd when a run's length minus two follows.
class IntDiffOptRleWriter {
  public:
    void write(int64_t value) {
        if (diff_ == value - value_) {
            value_ = value;
            ++count_;
            return;
        }
        flush();
        count_ = 1;
        diff_ = value - value_;
        value_ = value;
    }
    std::string_view finish() {
        flush();
        return out_.view();
    }
    void clear() {
        out_.clear();
        count_ = 0;
        diff_ = value_ = 0;
    }

  private:
    void flush() {
        if (count_ == 0) return;
        out_.var_int(diff_ * 2 + (count_ > 1 ? 1 : 0));
        if (count_ > 1) out_.var_uint(count_ - 2);
        count_ = 0;
    }

    Buffer out_;
    uint64_t count_ = 0;
    int64_t diff_ = 0;
    int64_t value_ = 0;
};

class IntDiffOptRleReader {
  public:
    void open(std::string_view bytes) { in_ = Input(bytes); }
    /// Clocks and counts only, so a sum outside 32 bits fails.
    uint32_t read() {
        if (count_ == 0) {
            int64_t next = in_.var_int().value();
            // An arithmetic shift rounds down, as the writer needs it.
            diff_ = next >> 1;
            count_ = (next & 1) != 0 ? in_.var_uint() + 2 : 1;
        }
        --count_;
        value_ += diff_;
        if (value_ < 0 || value_ > int64_t{UINT32_MAX}) {
            in_.fail();
            count_ = 1;
            value_ = 0;
        }
        return static_cast<uint32_t>(value_);
    }
    bool ok() const { return in_.ok(); }

  private:
    Input in_;
    uint64_t count_ = 0;
    int64_t diff_ = 0;
    int64_t value_ = 0;
};

/// All strings in one, then their lengths in UTF-16 units.
class StringColumnWriter {
  public:
    void write(std::string_view text, uint64_t units) {
        text_.bytes(text);
        lengths_.write(units);
    }
    void finish(Buffer& out) {
        std::string_view lengths = lengths_.finish();
        Buffer sized;
        sized.var_bytes(text_.view());
        out.var_uint(sized.size() + lengths.size());
        out.bytes(sized.view());
        out.bytes(lengths);
    }
    void clear() {
        text_.clear();
        lengths_.clear();
    }

  private:
    Buffer text_;
    UintOptRleWriter lengths_;
};

}  // namespace tandem::yjs
