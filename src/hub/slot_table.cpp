#include "hub/slot_table.hpp"

#include "base/bytes.hpp"

namespace tandem::hub {

void SlotTable::begin_frame() {
    used_.reset();
    defined_.reset();
}

uint32_t SlotTable::slot_of(const record::Path& path) {
    // The root's path has no bytes, so a definition of it would look like that of an actor.
    if (path.empty()) return 0;
    std::string key("p");
    base::Writer out(key);
    for (const record::Segment& segment : path) {
        out.varint((segment.name.size() << 1) | (segment.is_item() ? 1u : 0u));
        out.bytes(segment.name);
    }
    return take(key, &path, 0);
}

uint32_t SlotTable::slot_of_actor(uint64_t actor) {
    std::string key("a");
    base::Writer(key).varint(actor);
    return take(key, nullptr, actor);
}

uint32_t SlotTable::take(std::string_view key, const record::Path* path, uint64_t actor) {
    const std::string owned(key);
    const auto found = by_key_.find(owned);
    if (found != by_key_.end()) {
        used_.set(found->second);
        return found->second;
    }
    // A slot that this very frame uses must keep its meaning; past that many paths, write in full.
    if (used_.count() + 1 >= kSlotCount) return 0;
    do
        hand_ = hand_ % static_cast<uint32_t>(kSlotCount - 1) + 1;
    while (used_.test(hand_));
    Slot& slot = slots_[hand_];
    if (!slot.key.empty()) by_key_.erase(slot.key);
    slot.key = owned;
    slot.def.slot = hand_;
    slot.def.path = path != nullptr ? owned.substr(1) : std::string();
    slot.def.actor = actor;
    by_key_[owned] = hand_;
    used_.set(hand_);
    defined_.set(hand_);
    return hand_;
}

std::vector<wire::SlotDef> SlotTable::definitions(const SlotSet& slots) const {
    std::vector<wire::SlotDef> out;
    for (size_t i = 1; i < kSlotCount; ++i)
        if (slots.test(i)) out.push_back(slots_[i].def);
    return out;
}

}  // namespace tandem::hub
