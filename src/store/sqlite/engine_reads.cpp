#include <algorithm>
#include <limits>

#include "store/sqlite/engine.hpp"
#include "store/sqlite/engine_statements.hpp"

namespace tandem::store {

using base::ErrorCode;
using base::fail;
using base::Result;
using port::StoredEntry;
using port::StoreReply;

namespace {

// The greatest seq that SQL can compare.
constexpr uint64_t kSeqMax = std::numeric_limits<int64_t>::max();

StoredEntry entry_at(const Execution& row) {
    StoredEntry entry;
    entry.seq = row.number_at(0);
    entry.actor = row.number_at(1);
    entry.counter = row.number_at(2);
    entry.stamp_ms = row.number_at(3);
    entry.stamp_logical = static_cast<uint32_t>(row.number_at(4));
    entry.stamp_actor = row.number_at(5);
    entry.own = row.number_at(6) != 0;
    entry.floor = row.number_at(7);
    entry.wall_ms = row.number_at(8);
    entry.digest = row.number_at(9);
    entry.check = static_cast<uint32_t>(row.number_at(10));
    entry.body = row.bytes_at(11);
    return entry;
}

}  // namespace

Result<SqliteEngine::Row> SqliteEngine::row_of(std::string_view channel) {
    Execution select(statements_->channel_by_name);
    int code = select.text(channel).step();
    if (code == SQLITE_DONE) return Row{};
    if (code != SQLITE_ROW) return note_error(code);
    Row row;
    row.found = true;
    row.id = select.number_at(0);
    row.live = select.number_at(1) != 0;
    row.head = select.number_at(2);
    row.base_seq = select.number_at(3);
    row.begin_seq = select.number_at(4);
    return row;
}

Result<uint64_t> SqliteEngine::oldest_seq(uint64_t id) {
    Execution select(statements_->oldest_seq);
    int code = select.number(id).step();
    if (code != SQLITE_ROW) return note_error(code);
    return select.number_at(0);
}

Result<std::vector<port::EpochFork>> SqliteEngine::epochs_of(uint64_t id) {
    std::vector<port::EpochFork> epochs;
    Execution select(statements_->epochs);
    select.number(id);
    int code = SQLITE_ROW;
    while ((code = select.step()) == SQLITE_ROW)
        epochs.push_back({select.number_at(0), select.number_at(1)});
    if (code != SQLITE_DONE) return note_error(code);
    return epochs;
}

Result<StoreReply> SqliteEngine::run_one(const port::LoadRequest& request) {
    port::Loaded loaded;
    loaded.store_epoch = store_epoch_;
    TANDEM_TRY(Row row, row_of(request.channel));
    if (!row.found) return StoreReply(std::move(loaded));
    loaded.exists = row.live;
    loaded.head = row.head;
    loaded.snapshot_seq = row.base_seq;
    loaded.begin_seq = row.begin_seq;
    TANDEM_TRY(loaded.epochs, epochs_of(row.id));
    if (!row.live) return StoreReply(std::move(loaded));
    {
        Execution select(statements_->snapshot);
        int code = select.number(row.id).step();
        if (code == SQLITE_ROW) {
            loaded.snapshot = select.bytes_at(0);
        } else if (code != SQLITE_DONE) {
            return note_error(code);
        }
    }
    {
        Execution select(statements_->entries);
        select.number(row.id).number(row.base_seq).number(kSeqMax);
        int code = SQLITE_ROW;
        while ((code = select.step()) == SQLITE_ROW) {
            loaded.entries.push_back(entry_at(select));
            if (loaded.entries.back().seq != row.base_seq + loaded.entries.size()) {
                return fail(ErrorCode::storage_corrupt);
            }
        }
        if (code != SQLITE_DONE) return note_error(code);
    }
    if (row.base_seq + loaded.entries.size() != row.head) return fail(ErrorCode::storage_corrupt);
    TANDEM_TRY(loaded.oldest_seq, oldest_seq(row.id));
    return StoreReply(std::move(loaded));
}

Result<StoreReply> SqliteEngine::run_one(const port::ReadRequest& request) {
    port::EntriesRead read;
    TANDEM_TRY(Row row, row_of(request.channel));
    if (!row.live) return StoreReply(std::move(read));
    TANDEM_TRY(read.oldest_seq, oldest_seq(row.id));
    if (request.after >= kSeqMax) return StoreReply(std::move(read));
    Execution select(statements_->entries);
    select.number(row.id).number(request.after).number(std::min(request.through, kSeqMax));
    uint64_t bytes = 0;
    int code = SQLITE_DONE;
    while (request.limit == 0 || read.entries.size() < request.limit) {
        code = select.step();
        if (code != SQLITE_ROW) break;
        StoredEntry entry = entry_at(select);
        bool first = read.entries.empty();
        if (first && entry.seq != request.after + 1) return StoreReply(std::move(read));
        if (!first && entry.seq != read.entries.back().seq + 1) {
            return fail(ErrorCode::storage_corrupt);
        }
        bytes += entry.body.size();
        if (!first && request.bytes_max != 0 && bytes > request.bytes_max) break;
        read.entries.push_back(std::move(entry));
    }
    if (code != SQLITE_DONE && code != SQLITE_ROW) return note_error(code);
    return StoreReply(std::move(read));
}

Result<StoreReply> SqliteEngine::run_one(const port::FindRequest& request) {
    port::Found found;
    TANDEM_TRY(Row row, row_of(request.channel));
    if (!row.live) return StoreReply(std::move(found));
    Execution select(statements_->find_entry);
    int code = select.number(row.id).number(request.actor).number(request.counter).step();
    if (code == SQLITE_ROW) {
        found.exists = true;
        found.entry = entry_at(select);
    } else if (code != SQLITE_DONE) {
        return note_error(code);
    }
    return StoreReply(std::move(found));
}

Result<StoreReply> SqliteEngine::run_one(const port::FindOutcomeRequest& request) {
    port::OutcomeFound found;
    TANDEM_TRY(Row row, row_of(request.channel));
    if (!row.live) return StoreReply(std::move(found));
    Execution select(statements_->find_outcome);
    int code = select.number(row.id).text(request.key).step();
    if (code == SQLITE_ROW) {
        found.outcome = {request.key, select.number_at(0), select.number_at(1),
                         select.number_at(2)};
        found.exists = found.outcome.expires_ms > request.now_ms;
        if (!found.exists) found.outcome = {};
    } else if (code != SQLITE_DONE) {
        return note_error(code);
    }
    return StoreReply(std::move(found));
}

Result<StoreReply> SqliteEngine::run_one(const port::ListRequest& request) {
    port::Listed listed;
    Execution select(statements_->list);
    select.text(request.after).text(request.prefix);
    int code = SQLITE_ROW;
    while ((code = select.step()) == SQLITE_ROW) {
        std::string name = select.bytes_at(0);
        // Names are in byte order, so those with the prefix are together.
        if (!name.starts_with(request.prefix)) break;
        if (listed.channels.size() >= request.limit) {
            listed.more = true;
            break;
        }
        listed.channels.push_back({std::move(name), select.number_at(1), select.number_at(2),
                                   select.number_at(3), select.number_at(4)});
    }
    if (code != SQLITE_DONE && code != SQLITE_ROW) return note_error(code);
    return StoreReply(std::move(listed));
}

}  // namespace tandem::store
