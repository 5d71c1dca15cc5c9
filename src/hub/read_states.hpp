#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "base/limits.hpp"
#include "base/value.hpp"

namespace tandem::hub {

inline constexpr size_t kReadStatesMax = 4;
/// Of a state's JSON; larger ones are not kept.
inline constexpr size_t kReadStateBytesMax = 256 * base::kKiB;

/// The states of a channel that were read last, for programs that read a whole object and write it
/// back: what such a program changed is told by the state that it read, not by the head.
class ReadStates {
  public:
    void remember(uint64_t seq, base::Value state, size_t json_bytes) {
        if (json_bytes > kReadStateBytesMax || at(seq) != nullptr) return;
        states_.emplace_back(seq, std::move(state));
        if (states_.size() > kReadStatesMax) states_.pop_front();
    }
    /// The state at that seq, or null when it is not kept. Borrowed until the next `remember`.
    const base::Value* at(uint64_t seq) const {
        for (const auto& [of, state] : states_)
            if (of == seq) return &state;
        return nullptr;
    }

  private:
    std::deque<std::pair<uint64_t, base::Value>> states_;
};

/// The last whole object that changed nothing. A program that writes its state again and again, as
/// it is, costs one comparison of texts each time.
class UnchangedFilter {
  public:
    void remember(uint64_t head, std::string_view base, std::string body) {
        if (body.size() > kReadStateBytesMax) return;
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
