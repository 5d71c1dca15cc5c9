#pragma once

#include <cstddef>
#include <cstdint>

namespace tandem::net {

// Incremental UTF-8 check (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF).
// It fails at the first byte that cannot be part of any valid text, so a bad text message is
// refused before all of it has arrived.
class Utf8Validator {
  public:
    // Returns false once the bytes fed so far cannot be the beginning of valid text.
    [[nodiscard]] bool feed(const char* data, size_t size);
    // True when the bytes fed so far end on a character boundary.
    [[nodiscard]] bool is_complete() const { return need_ == 0; }
    void reset() { *this = Utf8Validator{}; }

  private:
    uint8_t need_ = 0;    // Continuation bytes that are still to come.
    uint8_t low_ = 0x80;  // Range of the next continuation byte.
    uint8_t high_ = 0xBF;
};

}  // namespace tandem::net
