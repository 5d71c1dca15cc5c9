#pragma once

#include <string>

#include "hub/hub.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace tandem::server {

/// The text of /metrics, in the format of Prometheus.
std::string metrics_text(const hub::Stats& stats, const store::StoreStats& store);

}  // namespace tandem::server
