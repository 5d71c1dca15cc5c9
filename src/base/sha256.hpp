#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tandem::base {

using Sha256Digest = std::array<uint8_t, 32>;

// SHA-256 after FIPS 180-4, fed in pieces. Not for secrets: nothing is wiped.
class Sha256 {
  public:
    Sha256() { reset(); }

    void reset();
    void update(std::string_view data);
    // The digest of everything since the last reset; ends the computation until the next reset.
    Sha256Digest finish();

  private:
    void compress(const uint8_t* block);

    std::array<uint32_t, 8> state_;
    std::array<uint8_t, 64> block_;
    uint64_t bytes_;
};

Sha256Digest sha256(std::string_view data);

// Lower-case hexadecimal.
std::string to_hex(const Sha256Digest& digest);

}  // namespace tandem::base
