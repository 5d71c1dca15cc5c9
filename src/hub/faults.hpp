#pragma once

#include <cstdint>

namespace tandem::hub {

/// Bugs planted on purpose, so that the simulator can show that it finds them. Production code
/// never sets any; each is one comparison off the hot path.
enum class PlantedBug : uint8_t {
    none = 0,
    ack_before_commit = 1,
    seq_gap = 2,
    future_clock = 3,    ///< a stamp that leads the server's clock is stored as it is
    lost_tombstone = 4,  ///< diffs leave out what was removed
    no_dedup = 5,        ///< a retried push is appended again
    head_as_base = 6,    ///< every op counts as having seen the head
    stale_acked = 7,     ///< diffs say that nothing of the recipient was acknowledged
    apply_before_commit = 8,
    eager_epoch = 9,          ///< a base of an older epoch counts in full, past its fork
    keep_floor_cursor = 10,   ///< a cursor below the floor gets a diff instead of a reset
    forget_exit = 11,         ///< nobody hears that an item has left a window
    forget_held = 12,         ///< a view counts as selected by what is wanted now
    whole_on_head = 13,       ///< a whole state is compared with the head, whatever its author read
    past_keeps_removed = 14,  ///< what looks back leaves deletes out
    restore_on_assigned = 15,  ///< a restore counts as having seen what is on its way to the disk
    condition_ignored = 16,    ///< If-Match is not looked at
    page_gap = 17,             ///< the next page of changes begins one entry too late
    version_of_head = 18,      ///< a version of an older state keeps the newest
    text_gap_stored = 19,      ///< an update is stored without what it depends on
    text_skipped = 20,         ///< who is behind in a text gets only what is kept of the newest
};

}  // namespace tandem::hub
