#pragma once

#include <cstdint>
#include <map>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace tandem::hub {

/// What a channel remembers of one actor: its highest counter, and of that push the seq and digest,
/// so that a push which comes twice is answered without reading the log.
struct VersionRow {
    uint64_t counter = 0;
    uint64_t seq = 0;
    uint64_t digest = 0;
    uint64_t wall_ms = 0;  ///< when it last wrote, for retiring old outboxes
};

/// Ordered, so that snapshots of equal state have equal bytes.
using VersionRows = std::map<uint64_t, VersionRow>;

void encode_rows(base::Writer& out, const VersionRows& rows);
[[nodiscard]] base::Result<VersionRows> decode_rows(base::Reader& in);

}  // namespace tandem::hub
