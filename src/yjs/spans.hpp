#pragma once

#include <cstdint>
#include <vector>

namespace tandem::yjs {

/// A stretch of the arena.
struct Span {
    uint32_t at = 0;
    uint32_t bytes = 0;
};

/// Where contents lie of which their items do not say it themselves, by number; 0 is none.
class Spans {
  public:
    Span& operator[](uint32_t number) { return spans_[number]; }
    const Span& operator[](uint32_t number) const { return spans_[number]; }

    uint32_t add(const Span& span) {
        if (free_ == 0) {
            spans_.push_back(span);
            return static_cast<uint32_t>(spans_.size() - 1);
        }
        const uint32_t number = free_;
        free_ = spans_[number].at;
        spans_[number] = span;
        return number;
    }
    void remove(uint32_t number) {
        spans_[number] = {free_, 0};
        free_ = number;
    }

    void shrink() { spans_.shrink_to_fit(); }
    size_t memory_bytes() const { return sizeof(*this) + spans_.capacity() * sizeof(Span); }

  private:
    std::vector<Span> spans_ = std::vector<Span>(1);
    /// The first that is not in use; each of these names the next one.
    uint32_t free_ = 0;
};

}  // namespace tandem::yjs
