#include "yjs/snapshot.hpp"

#include "yjs/buffer.hpp"
#include "yjs/input.hpp"
#include "yjs/update_reader.hpp"
#include "yjs/update_writer.hpp"
#include "yjs/updates.hpp"

namespace tandem::yjs {

namespace {

template <class Fields>
std::string encode_with(const Snapshot& snapshot) {
    Fields out;
    write_delete_set(out, snapshot.deletes);
    out.rest.bytes(encode_state_vector(snapshot.states));
    return out.rest.str();
}

template <class Fields>
base::Result<bool> contains(const Snapshot& snapshot, std::string_view update) {
    StructReader<Fields> reader;
    TANDEM_CHECK(reader.open(update));
    bool has_structs = true;
    for (const RawStruct* item = reader.current(); item != nullptr; item = reader.next()) {
        reader.release();
        auto known = snapshot.states.find(item->id.client);
        if (known == snapshot.states.end() || known->second < item->end()) has_structs = false;
    }
    TANDEM_CHECK(reader.status());
    DeleteSet both = snapshot.deletes;
    TANDEM_CHECK(reader.deletes(
        [&](uint64_t client, uint32_t clock, uint32_t len) { both.add(client, clock, len); }));
    both.normalize();
    return has_structs && both == snapshot.deletes;
}

}  // namespace

bool Snapshot::shows(uint64_t client, uint32_t clock) const {
    auto known = states.find(client);
    return known != states.end() && known->second > clock && !deletes.contains(client, clock);
}

Snapshot snapshot_of(const Store& store) { return {store.delete_set(), store.state_vector()}; }

std::string encode_snapshot(const Snapshot& snapshot, Encoding encoding) {
    return encoding == Encoding::v1 ? encode_with<FieldWriterV1>(snapshot)
                                    : encode_with<FieldWriterV2>(snapshot);
}

base::Result<Snapshot> decode_snapshot(std::string_view bytes, Encoding encoding) {
    Snapshot snapshot;
    Input in(bytes);
    const uint64_t clients = in.var_uint();
    for (uint64_t i = 0; i < clients && in.ok(); ++i) {
        const uint64_t client = in.var_uint();
        const uint64_t ranges = in.var_uint();
        uint64_t end = 0;
        for (uint64_t j = 0; j < ranges && in.ok(); ++j) {
            const bool is_second = encoding == Encoding::v2;
            const uint64_t clock = in.var_uint() + (is_second ? end : 0);
            const uint64_t len = in.var_uint() + (is_second ? 1 : 0);
            end = clock + len;
            if (end > UINT32_MAX) in.fail();
            if (in.ok())
                snapshot.deletes.add(client, static_cast<uint32_t>(clock),
                                     static_cast<uint32_t>(len));
        }
    }
    if (!in.ok()) return base::fail(base::ErrorCode::malformed);
    snapshot.deletes.normalize();
    TANDEM_TRY(snapshot.states, decode_state_vector(in.rest()));
    return snapshot;
}

base::Result<bool> snapshot_contains(const Snapshot& snapshot, std::string_view update,
                                     Encoding encoding) {
    return encoding == Encoding::v1 ? contains<FieldReaderV1>(snapshot, update)
                                    : contains<FieldReaderV2>(snapshot, update);
}

}  // namespace tandem::yjs
