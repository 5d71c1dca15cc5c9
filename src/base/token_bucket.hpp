#pragma once

#include <algorithm>
#include <cstdint>

namespace tandem::base {

/// How much of something may come: `burst` at once, and `per_second` on and on.
struct Rate {
    uint64_t per_second = 0;  ///< 0: any number
    uint64_t burst = 0;
    [[nodiscard]] bool is_limited() const { return per_second != 0; }
};

/// What has been used up of a Rate. Time is a parameter, in milliseconds of a clock that does not
/// go back; should it, nothing is given for that.
class TokenBucket {
  public:
    /// Takes `count` if there is room for all of it.
    [[nodiscard]] bool take(const Rate& rate, uint64_t now_ms, uint64_t count = 1) {
        if (!rate.is_limited()) return true;
        refill(rate, now_ms);
        if (used_ + count * kParts > rate.burst * kParts) return false;
        used_ += count * kParts;
        return true;
    }

    /// Takes `count` whether there is room or not: what has come has come.
    void charge(const Rate& rate, uint64_t now_ms, uint64_t count) {
        if (!rate.is_limited()) return;
        refill(rate, now_ms);
        used_ += count * kParts;
    }

    /// Milliseconds until there is room for `count`, which is at most the burst.
    [[nodiscard]] uint64_t wait_ms(const Rate& rate, uint64_t count) const {
        const uint64_t room = (rate.burst - std::min(count, rate.burst)) * kParts;
        if (!rate.is_limited() || used_ <= room) return 0;
        return (used_ - room + rate.per_second - 1) / rate.per_second;
    }

  private:
    /// A rate per second is as many parts a millisecond.
    static constexpr uint64_t kParts = 1000;

    void refill(const Rate& rate, uint64_t now_ms) {
        if (now_ms <= at_ms_) return;
        const uint64_t passed_ms = now_ms - at_ms_;
        // Longer than it takes to fill, where the product could not be told from any other.
        used_ = passed_ms > used_ / rate.per_second ? 0 : used_ - passed_ms * rate.per_second;
        at_ms_ = now_ms;
    }

    uint64_t used_ = 0;  ///< in parts
    uint64_t at_ms_ = 0;
};

}  // namespace tandem::base
