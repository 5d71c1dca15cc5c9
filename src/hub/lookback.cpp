#include "hub/lookback.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "hub/stored_entry.hpp"

namespace tandem::hub {

using base::ErrorCode;

base::Status Lookback::begin(const port::StateFound& state) {
    if (!state.exists) return base::fail(ErrorCode::state_gone, state.oldest_seq);
    // A log is trimmed below a state that is kept, so each start is above the one before.
    if (has_started_over_ && state.seq <= begun_at_)
        return base::fail(ErrorCode::storage_corrupt, state.seq);
    has_begun_ = true;
    begun_at_ = state.seq;
    if (state.body.empty()) {
        if (state.seq == 0) return {};
        record::Entry ground;
        ground.seq = state.seq;
        ground.floor = state.seq;
        document_.apply(ground);
        return {};
    }
    TANDEM_TRY(document_, document_in_snapshot(state.body));
    if (document_.seq() != state.seq) return base::fail(ErrorCode::storage_corrupt, state.seq);
    return {};
}

base::Status Lookback::begin(const port::StoredVersion& version) {
    TANDEM_TRY(document_, record::Document::load(version.body));
    goal_ = {document_.seq()};
    return {};
}

port::StoreRequest Lookback::next_request() const {
    if (!has_begun_) return port::StateRequest{channel_, start_seq()};
    return port::ReadRequest{channel_, document_.seq(), goal_.seq, kPageEntries, kPageBytes};
}

base::Status Lookback::feed(const std::vector<port::StoredEntry>& entries) {
    if (entries.empty()) {
        has_begun_ = false;
        has_started_over_ = true;
        document_ = record::Document();
        rows_.clear();
        row_count_ = 0;
        return {};
    }
    for (const port::StoredEntry& stored : entries) {
        if (is_done()) break;
        if (stored.seq != document_.seq() + 1)
            return base::fail(ErrorCode::storage_corrupt, stored.seq);
        TANDEM_TRY(const record::Entry entry, entry_of(stored));
        if (stored.seq > goal_.rows_from)
            apply_with_rows(entry);
        else
            document_.apply(entry);
        is_full_ =
            row_count_ >= goal_.rows_max && goal_.rows_max != 0 && document_.seq() < goal_.seq;
    }
    return {};
}

void Lookback::add_row(const record::Entry& entry, std::string_view op, const record::Path& path,
                       const base::Value* before, const base::Value* after) {
    if (row_count_++ > 0) rows_ += ',';
    rows_ += "{\"seq\":" + std::to_string(entry.seq);
    rows_ += ",\"when_ms\":" + std::to_string(entry.wall_ms);
    rows_ += ",\"by\":" + std::to_string(entry.actor) + ",\"op\":";
    base::append_json_string(rows_, op);
    rows_ += ",\"path\":";
    base::append_json_string(rows_, record::to_text(path));
    if (before != nullptr) {
        rows_ += ",\"before\":";
        base::append_json(rows_, *before);
    }
    if (after != nullptr) {
        rows_ += ",\"after\":";
        base::append_json(rows_, *after);
    }
    rows_ += '}';
}

namespace {

// What a path showed before an entry.
struct Before {
    record::Path path;
    std::string_view op;
    bool is_move = false;
    bool exists = false;
    base::Value value;
    std::string position;         ///< of an item in its list
    std::set<record::Path> maps;  ///< paths at and below it that were maps
};

void gather_maps(const record::Document& document, const record::Path& path,
                 const base::Value& shown, std::set<record::Path>& out) {
    if (!shown.is_object() || document.shown_kind(path) != record::Kind::map) return;
    out.insert(path);
    for (const base::Member& member : shown.as_object()) {
        record::Path below = path;
        below.push_back({record::Segment::Kind::key, member.key});
        gather_maps(document, below, member.value, out);
    }
}

// Calls row(path, before, after) for the smallest parts that differ; null: not there.
template <class Row>
void compare(const record::Path& path, const base::Value* before, const base::Value* after,
             const std::set<record::Path>& maps, const record::Document& document, const Row& row) {
    if (before != nullptr && after != nullptr && *before == *after) return;
    const bool is_map = before != nullptr && after != nullptr && before->is_object() &&
                        after->is_object() && maps.contains(path) &&
                        document.shown_kind(path) == record::Kind::map;
    if (!is_map) return row(path, before, after);
    const auto below = [&](const std::string& key) {
        record::Path out = path;
        out.push_back({record::Segment::Kind::key, key});
        return out;
    };
    for (const base::Member& member : before->as_object())
        compare(below(member.key), &member.value, after->find(member.key), maps, document, row);
    for (const base::Member& member : after->as_object())
        if (before->find(member.key) == nullptr)
            compare(below(member.key), nullptr, &member.value, maps, document, row);
}

// Where an op may change what is shown: at its path, or above it at a node of another kind, which
// it turns, or at a removed item, which it brings back.
record::Path concerned(const record::Document& document, const record::Path& path) {
    record::Path prefix;
    for (const record::Segment& segment : path) {
        const record::Kind kind = document.shown_kind(prefix);
        const record::Kind needed = segment.is_item() ? record::Kind::list : record::Kind::map;
        if (kind != needed && kind != record::Kind::none) return prefix;
        if (!prefix.empty() && prefix.back().is_item() && !document.exists(prefix) &&
            document.is_kept(prefix))
            return prefix;
        prefix.push_back(segment);
    }
    return path;
}

}  // namespace

void Lookback::apply_with_rows(const record::Entry& entry) {
    const std::string_view deleted = record::name_of(record::OpKind::remove_node);
    const std::string_view set = record::name_of(record::OpKind::set);
    const std::string_view moved = record::name_of(record::OpKind::move);
    std::vector<Before> paths;
    for (const record::Op& op : entry.ops) {
        const record::Path path = concerned(document_, op.path);
        const auto covered = std::find_if(paths.begin(), paths.end(), [&](const Before& seen) {
            return record::covers(seen.path, path);
        });
        const bool is_move = op.kind == record::OpKind::move;
        if (covered != paths.end()) {
            covered->is_move |= is_move && covered->path == path;
            continue;
        }
        std::erase_if(paths, [&](const Before& b) { return record::covers(path, b.path); });
        Before before{path, record::name_of(op.kind), is_move, document_.exists(path), {}, {}, {}};
        if (before.exists) {
            before.value = document_.shown(path);
            before.position = document_.position(path);
            gather_maps(document_, path, before.value, before.maps);
        }
        paths.push_back(std::move(before));
    }
    document_.apply(entry);
    for (const Before& before : paths) {
        const bool exists = document_.exists(before.path);
        const base::Value after = exists ? document_.shown(before.path) : base::Value();
        if (!before.exists && !exists) continue;
        // An insert of what is there already may have moved it.
        if (before.exists && exists &&
            (before.is_move || before.position != document_.position(before.path)))
            add_row(entry, moved, before.path, nullptr, nullptr);
        if (before.exists && exists && before.value == after) continue;
        compare(before.path, before.exists ? &before.value : nullptr, exists ? &after : nullptr,
                before.maps, document_,
                [&](const record::Path& path, const base::Value* was, const base::Value* is) {
                    // What is removed to be written anew, such as a whole set, was set.
                    const bool is_set =
                        is != nullptr && (before.op == deleted || before.op == moved);
                    add_row(entry, is_set ? set : before.op, path, was, is);
                });
    }
}

}  // namespace tandem::hub
