#include "sim/planted.hpp"

namespace tandem::sim {

namespace {

Planted of_hub(std::string_view name, hub::PlantedBug bug) {
    Planted planted;
    planted.name = name;
    planted.hub = bug;
    return planted;
}
Planted of_client(std::string_view name, client::PlantedBug bug) {
    Planted planted;
    planted.name = name;
    planted.client = bug;
    return planted;
}
Planted of_world(std::string_view name, WorldBug bug) {
    Planted planted;
    planted.name = name;
    planted.world = bug;
    return planted;
}

}  // namespace

const std::vector<Planted>& planted_bugs() {
    static const std::vector<Planted> all = {
        of_hub("ack_before_commit", hub::PlantedBug::ack_before_commit),
        of_hub("seq_gap", hub::PlantedBug::seq_gap),
        of_hub("future_clock", hub::PlantedBug::future_clock),
        of_hub("lost_tombstone", hub::PlantedBug::lost_tombstone),
        of_hub("no_dedup", hub::PlantedBug::no_dedup),
        of_hub("head_as_base", hub::PlantedBug::head_as_base),
        of_hub("stale_acked", hub::PlantedBug::stale_acked),
        of_hub("apply_before_commit", hub::PlantedBug::apply_before_commit),
        of_hub("eager_epoch", hub::PlantedBug::eager_epoch),
        of_hub("keep_floor_cursor", hub::PlantedBug::keep_floor_cursor),
        of_hub("forget_exit", hub::PlantedBug::forget_exit),
        of_hub("forget_held", hub::PlantedBug::forget_held),
        of_client("selection_not_kept", client::PlantedBug::selection_not_kept),
        of_client("uncovered_base", client::PlantedBug::uncovered_base),
        of_hub("whole_on_head", hub::PlantedBug::whole_on_head),
        of_hub("past_keeps_removed", hub::PlantedBug::past_keeps_removed),
        of_hub("restore_on_assigned", hub::PlantedBug::restore_on_assigned),
        of_hub("condition_ignored", hub::PlantedBug::condition_ignored),
        of_hub("page_gap", hub::PlantedBug::page_gap),
        of_hub("version_of_head", hub::PlantedBug::version_of_head),
        of_hub("text_gap_stored", hub::PlantedBug::text_gap_stored),
        of_hub("text_skipped", hub::PlantedBug::text_skipped),
        of_client("pending_dropped_at_ack", client::PlantedBug::pending_dropped_at_ack),
        of_client("base_at_resend", client::PlantedBug::base_at_resend),
        of_client("offset_not_advanced", client::PlantedBug::offset_not_advanced),
        of_client("reuse_counter_after_refusal", client::PlantedBug::reuse_counter_after_refusal),
        of_client("no_reissue_on_reset", client::PlantedBug::no_reissue_on_reset),
        of_client("acked_counter_ignored", client::PlantedBug::acked_counter_ignored),
        of_world("disk_lies", WorldBug::disk_lies),
        of_world("early_confirmation", WorldBug::early_confirmation),
    };
    return all;
}

std::optional<Planted> find_planted(std::string_view name) {
    for (const Planted& planted : planted_bugs())
        if (planted.name == name) return planted;
    return std::nullopt;
}

}  // namespace tandem::sim
