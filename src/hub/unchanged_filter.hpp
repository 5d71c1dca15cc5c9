#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/limits.hpp"

namespace tandem::hub {

/// Larger bodies are not remembered.
inline constexpr size_t kUnchangedBytesMax = 256 * base::kKiB;

/// The last whole object that changed nothing. A program that writes its state again and again, as
/// it is, costs one comparison of texts each time.
class UnchangedFilter {
  public:
    void remember(uint64_t head, std::string_view base, std::string body) {
        if (body.size() > kUnchangedBytesMax) return;
        head_ = head;
        base_ = base;
        body_ = std::move(body);
    }
    bool has(uint64_t head, std::string_view base, std::string_view body) const {
        return !body_.empty() && head_ == head && base_ == base && body_ == body;
    }

  private:
    uint64_t head_ = 0;
    std::string base_;
    std::string body_;
};

}  // namespace tandem::hub
