#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/limits.hpp"
#include "base/token_bucket.hpp"

namespace tandem::gateway {

/// What one connection sends, against the rates of a connection.
class MessageMeter {
  public:
    /// A message of so many bytes has come; the milliseconds until the next may. Every protocol
    /// bears to wait: what was sent stays in the order it was sent, and nothing is lost.
    [[nodiscard]] uint64_t charge(const base::Limits& limits, uint64_t now_ms, size_t size) {
        const base::Rate messages{limits.messages_per_second, 2 * limits.messages_per_second};
        const base::Rate volume{limits.bytes_per_second, 4 * limits.bytes_per_second};
        messages_.charge(messages, now_ms, 1);
        bytes_.charge(volume, now_ms, size);
        return std::max(messages_.wait_ms(messages, 1), bytes_.wait_ms(volume, 1));
    }

  private:
    base::TokenBucket messages_;
    base::TokenBucket bytes_;
};

}  // namespace tandem::gateway
