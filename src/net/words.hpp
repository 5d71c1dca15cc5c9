#pragma once

#include <cstdint>
#include <cstring>

namespace tandem::net {

/// Eight bytes as a number, in the machine's order; they need not be aligned.
inline uint64_t load8(const char* data) {
    uint64_t word = 0;
    std::memcpy(&word, data, sizeof(word));
    return word;
}
inline void store8(char* data, uint64_t word) { std::memcpy(data, &word, sizeof(word)); }

}  // namespace tandem::net
