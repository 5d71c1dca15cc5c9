#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "record/change.hpp"
#include "wire/frames.hpp"

namespace tandem::hub {

inline constexpr size_t kSlotCount = 256;  ///< slot 0 means "none"
using SlotSet = std::bitset<kSlotCount>;

/// The short numbers for paths and actors on one channel's live frames (docs/protocol.md, section
/// 3.1). All subscribers at the head share it: a frame that redefines a slot goes to each of them,
/// so a bit per subscriber and slot says exactly what it can read.
class SlotTable : public record::PathTable {
  public:
    /// Starts the next frame; `used` and `defined` then collect what it refers to and brings.
    void begin_frame();
    uint32_t slot_of(const record::Path& path) override;
    uint32_t slot_of_actor(uint64_t actor);

    const SlotSet& used() const { return used_; }
    const SlotSet& defined() const { return defined_; }
    /// The definitions of these slots, as they are now.
    std::vector<wire::SlotDef> definitions(const SlotSet& slots) const;

  private:
    uint32_t take(std::string_view key, const record::Path* path, uint64_t actor);

    struct Slot {
        std::string key;  ///< path bytes with a leading 'p', or actor with a leading 'a'
        wire::SlotDef def;
    };
    std::array<Slot, kSlotCount> slots_;
    std::unordered_map<std::string, uint32_t> by_key_;
    uint32_t hand_ = 0;
    SlotSet used_;
    SlotSet defined_;
};

}  // namespace tandem::hub
