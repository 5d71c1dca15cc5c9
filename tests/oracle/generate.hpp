#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "oracle/oracle.hpp"

namespace tandem::oracle {

/// A small generator of numbers (splitmix64) that gives the same ones everywhere.
class Dice {
  public:
    explicit Dice(uint64_t seed) : state_(seed) {}
    uint64_t next();
    /// 0 to below `n`.
    int64_t below(int64_t n) { return static_cast<int64_t>(next() % static_cast<uint64_t>(n)); }
    bool one_in(int64_t n) { return below(n) == 0; }
    template <typename T>
    const T& of(const std::vector<T>& list) {
        return list[static_cast<size_t>(below(static_cast<int64_t>(list.size())))];
    }

  private:
    uint64_t state_;
};

/// What a generated log is mostly about.
enum class Theme { registers, counters, sets, lists, maps, types, everything, crowd, resolvers };
const char* name_of(Theme theme);

struct LogShape {
    Theme theme = Theme::everything;
    int64_t entries = 40;
    int64_t devices = 4;
    bool has_floor = true;
};

/// A log as a server would hold it: devices with cursors that lag and never go back, skewed clocks,
/// a server actor, several ops in some entries.
std::vector<json> generate_log(Dice& dice, const LogShape& shape);
json generate_op(Dice& dice, Theme theme, const Oracle& seen);
/// Any change of docs/merge.md, section 7.
json generate_change(Dice& dice);

}  // namespace tandem::oracle
