#include "client/slot_table.hpp"

#include "record/path.hpp"

namespace tandem::client {

void SlotTable::clear() { slots_.fill({}); }

base::Result<void> SlotTable::define(const std::vector<wire::SlotDef>& defs) {
    for (const wire::SlotDef& def : defs) {
        if (def.slot == 0 || def.slot >= slots_.size()) return base::ErrorCode::out_of_range;
        Slot& slot = slots_[def.slot];
        slot = {};
        if (def.actor != 0) {
            slot.actor = def.actor;
        } else {
            TANDEM_TRY(slot.path, record::decode_path(def.path));
        }
    }
    return {};
}

const record::Path* SlotTable::path_at(uint32_t slot) const {
    if (slot >= slots_.size() || !slots_[slot].path) return nullptr;
    return &*slots_[slot].path;
}

uint64_t SlotTable::actor_at(uint32_t slot) const {
    return slot < slots_.size() ? slots_[slot].actor : 0;
}

}  // namespace tandem::client
