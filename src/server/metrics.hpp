#pragma once

#include <string>

#include "hub/hub.hpp"
#include "server/webhooks.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace tandem::server {

/// The text of /metrics, in the format of Prometheus.
std::string metrics_text(const hub::Stats& stats, const store::StoreStats& store);
std::string metrics_text(const Webhooks::Totals& totals);

}  // namespace tandem::server
