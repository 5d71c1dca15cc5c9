#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "auth/gate.hpp"
#include "base/limits.hpp"
#include "hub/faults.hpp"
#include "hub/schema.hpp"
#include "port/store.hpp"

namespace tandem::hub {

/// How long the log is kept, and when state is written beside it.
struct Retention {
    uint64_t entries = 100'000;  ///< kept at least; twice as many are trimmed down to this
    uint64_t snapshot_every_entries = 1'000;
    uint64_t snapshot_every_bytes = 1'000'000;
    uint64_t states = 16;             ///< older snapshots of a channel, for looking back quickly
    uint64_t versions = 100;          ///< named versions of a channel
    uint64_t cold_after_ms = 60'000;  ///< an unused channel leaves memory
    /// `every_ms` 0: none is kept by itself.
    port::TextVersionLimits text_versions;
};

struct Config {
    base::Limits limits;
    Retention retention;
    std::map<std::string, Namespace, std::less<>> namespaces;
    std::string server_name = "tandem";
    std::string docs_url = "docs/errors.md";
    auth::Gate* gate =
        nullptr;  ///< borrowed; null: there are no tokens, and everybody may do everything
    bool wants_news = false;  ///< somebody calls `take_news`
    PlantedBug planted = PlantedBug::none;
};

/// Checks `namespace:id`; gives the namespace or `bad_channel`, `unknown_namespace`.
[[nodiscard]] base::Result<const Namespace*> find_namespace(const Config& config,
                                                            std::string_view channel);

}  // namespace tandem::hub
