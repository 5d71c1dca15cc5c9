#pragma once

#include <array>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "record/change.hpp"
#include "wire/frames.hpp"

namespace tandem::client {

/// What the slots of one subscription stand for (docs/protocol.md, section 3.1).
class SlotTable : public record::PathLookup {
  public:
    void clear();
    [[nodiscard]] base::Result<void> define(const std::vector<wire::SlotDef>& defs);
    const record::Path* path_at(uint32_t slot) const override;
    /// 0 when the slot stands for no actor.
    uint64_t actor_at(uint32_t slot) const;

  private:
    struct Slot {
        std::optional<record::Path> path;
        uint64_t actor = 0;
    };
    std::array<Slot, 256> slots_;
};

}  // namespace tandem::client
