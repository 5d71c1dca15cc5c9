#include "hub/version_rows.hpp"

namespace tandem::hub {

void encode_rows(base::Writer& out, const VersionRows& rows) {
    out.varint(rows.size());
    for (const auto& [actor, row] : rows) {
        out.varint(actor);
        out.varint(row.counter);
        out.varint(row.seq);
        out.fixed64(row.digest);
        out.varint(row.wall_ms);
    }
}

base::Result<VersionRows> decode_rows(base::Reader& in) {
    VersionRows rows;
    TANDEM_TRY(const uint64_t count, in.varint());
    for (uint64_t i = 0; i < count; ++i) {
        VersionRow row;
        TANDEM_TRY(const uint64_t actor, in.varint());
        TANDEM_TRY(row.counter, in.varint());
        TANDEM_TRY(row.seq, in.varint());
        TANDEM_TRY(row.digest, in.fixed64());
        TANDEM_TRY(row.wall_ms, in.varint());
        rows[actor] = row;
    }
    return rows;
}

}  // namespace tandem::hub
