#pragma once

#include <cstdint>

namespace tandem::port {

/// Unpredictable numbers in production, seeded ones in the simulator.
class Entropy {
  public:
    virtual ~Entropy() = default;
    virtual uint64_t next() = 0;
};

}  // namespace tandem::port
