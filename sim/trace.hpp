#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tandem::sim {

/// Everything that happens, folded into one number (FNV-1a) by which two runs of a seed are
/// compared, and printed when somebody wants to read it.
class Trace {
  public:
    explicit Trace(bool prints) : prints_(prints) {}

    bool prints() const { return prints_; }
    uint64_t hash() const { return hash_; }
    void note(uint64_t now_ms, std::string_view what, uint64_t a, uint64_t b,
              std::string_view detail);
    /// For the reader alone.
    void print(std::string_view text) const;

  private:
    void mix(uint64_t value);
    void mix(std::string_view bytes);

    bool prints_;
    uint64_t hash_ = 0xcbf29ce484222325;
};

}  // namespace tandem::sim
