#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "client/types.hpp"
#include "hub/faults.hpp"

namespace tandem::sim {

/// Faults of the simulated surroundings, which show that the checks see what hub and client cannot.
enum class WorldBug {
    none,
    disk_lies,           ///< a sync of the disk does nothing and reports success
    early_confirmation,  ///< the embedder confirms outbox records before they are stored
};

/// A bug put in on purpose, which the simulator must find.
struct Planted {
    std::string_view name;
    hub::PlantedBug hub = hub::PlantedBug::none;
    client::PlantedBug client = client::PlantedBug::none;
    WorldBug world = WorldBug::none;
};

const std::vector<Planted>& planted_bugs();
std::optional<Planted> find_planted(std::string_view name);

}  // namespace tandem::sim
