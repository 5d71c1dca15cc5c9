#include "hub/stored_entry.hpp"

#include <utility>

namespace tandem::hub {

record::Entry head_of(const port::StoredEntry& stored) {
    record::Entry entry;
    entry.seq = stored.seq;
    entry.actor = stored.actor;
    entry.counter = stored.counter;
    entry.stamp = {stored.stamp_ms, stored.stamp_logical, stored.stamp_actor};
    entry.own = stored.own;
    entry.floor = stored.floor;
    entry.wall_ms = stored.wall_ms;
    return entry;
}

base::Result<record::Entry> entry_of(const port::StoredEntry& stored) {
    auto ops = record::decode_ops(stored.body, record::Form::logged);
    if (!ops) return base::fail(base::ErrorCode::storage_corrupt, stored.seq);
    record::Entry entry = head_of(stored);
    entry.ops = *std::move(ops);
    return entry;
}

}  // namespace tandem::hub
