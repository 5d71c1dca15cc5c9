#include "client/kept_view.hpp"

#include "base/bytes.hpp"

namespace tandem::client {
namespace {

constexpr uint8_t kKeptViewVersion = 1;
constexpr size_t kPathBytesMax = 64 * base::kKiB;
constexpr size_t kPushesMax = 1'000'000;

void append(base::Writer& w, const std::vector<PushId>& ids) {
    w.varint(ids.size());
    for (PushId id : ids)
        w.varint(id);
}

base::Result<std::vector<PushId>> read_ids(base::Reader& r) {
    std::vector<PushId> ids;
    TANDEM_TRY(uint64_t count, r.varint_max(kPushesMax));
    for (uint64_t i = 0; i < count; ++i) {
        TANDEM_TRY(PushId id, r.varint());
        ids.push_back(id);
    }
    return ids;
}

void append(base::Writer& w, const record::Selection& selection) {
    const auto parts = selection.parts();
    w.varint(parts.size());
    std::string path;
    for (const record::SelectedPart& part : parts) {
        path.clear();
        record::encode_path(path, part.path);
        w.sized(path);
        w.u8(part.has_window ? 1 : 0);
        w.varint(part.window.from);
        w.varint(part.window.to);
    }
}

base::Result<record::Selection> read_selection(base::Reader& r) {
    std::vector<record::SelectedPart> parts;
    TANDEM_TRY(uint64_t count, r.varint_max(record::kSelectedPartsMax));
    for (uint64_t i = 0; i < count; ++i) {
        record::SelectedPart part;
        TANDEM_TRY(auto path, r.sized(kPathBytesMax));
        TANDEM_TRY(part.path, record::decode_path(path));
        TANDEM_TRY(uint8_t flags, r.u8());
        part.has_window = (flags & 1) != 0;
        TANDEM_TRY(part.window.from, r.varint());
        TANDEM_TRY(part.window.to, r.varint());
        parts.push_back(std::move(part));
    }
    return record::Selection::make(parts);
}

}  // namespace

std::string encode_kept(const Replica& replica, const std::vector<PushId>& settled,
                        const Outbox& outbox) {
    std::string out;
    base::Writer w(out);
    w.u8(kKeptViewVersion);
    w.fixed64(replica.cursor().epoch);
    w.varint(replica.cursor().seq);
    w.fixed32(replica.cursor().check);
    append(w, replica.in_force());
    append(w, settled);
    std::vector<PushId> doubtful;
    for (const Pending& push : outbox.pending())
        if (push.is_doubtful) doubtful.push_back(push.id);
    append(w, doubtful);
    w.varint(outbox.actor());
    record::encode_changes(out, replica.confirmed().contents(), nullptr);
    return out;
}

base::Result<KeptView> decode_kept(std::string_view bytes) {
    base::Reader r(bytes);
    KeptView kept;
    TANDEM_TRY(uint8_t version, r.u8());
    if (version != kKeptViewVersion) return base::ErrorCode::unsupported_version;
    TANDEM_TRY(kept.cursor.epoch, r.fixed64());
    TANDEM_TRY(kept.cursor.seq, r.varint());
    TANDEM_TRY(kept.cursor.check, r.fixed32());
    TANDEM_TRY(kept.in_force, read_selection(r));
    TANDEM_TRY(kept.settled, read_ids(r));
    TANDEM_TRY(kept.doubtful, read_ids(r));
    TANDEM_TRY(kept.actor, r.varint_max(base::kActorMax));
    TANDEM_TRY(auto changes, record::decode_changes(r.rest(), nullptr));
    for (const record::Change& change : changes)
        kept.view.apply(change);
    return kept;
}

}  // namespace tandem::client
