#pragma once

#include "port/entropy.hpp"

namespace tandem::server {

/// The operating system's randomness.
class SystemEntropy final : public port::Entropy {
  public:
    uint64_t next() override;
};

}  // namespace tandem::server
