// States of the past: older snapshots that bound how much a look back has to replay, and versions
// that somebody named.

#include <algorithm>

#include "store/sqlite/engine.hpp"
#include "store/sqlite/engine_statements.hpp"
#include "store/states.hpp"

namespace tandem::store {

using base::Result;
using base::Status;
using port::StoreReply;

Result<std::vector<uint64_t>> SqliteEngine::states_of(uint64_t id) {
    std::vector<uint64_t> seqs;
    Execution select(statements_->states);
    select.number(id);
    int code = SQLITE_ROW;
    while ((code = select.step()) == SQLITE_ROW)
        seqs.push_back(select.number_at(0));
    if (code != SQLITE_DONE) return note_error(code);
    return seqs;
}

// The stored snapshot is about to be replaced.
Status SqliteEngine::keep_state(const Row& row, const port::SnapshotRequest& request) {
    if (request.states_max == 0 || request.seq == row.base_seq) return {};
    TANDEM_TRY(std::vector<uint64_t> states, states_of(row.id));
    if (!is_worth_keeping(states, row.begin_seq, row.base_seq, request.states_every)) return {};
    int code = Execution(statements_->keep_state).number(row.id).run();
    if (code != SQLITE_OK) return note_write_error(code);
    states.push_back(row.base_seq);
    if (states.size() <= request.states_max) return {};
    const uint64_t surplus = surplus_state(states, request.seq);
    code = Execution(statements_->delete_state).number(row.id).number(surplus).run();
    if (code != SQLITE_OK) return note_write_error(code);
    return {};
}

Result<uint64_t> SqliteEngine::trimmable(const Row& row, const port::SnapshotRequest& request) {
    uint64_t through = std::min(request.trim_through, request.seq);
    if (through == 0 || request.states_max == 0) return through;
    TANDEM_TRY(const std::vector<uint64_t> states, states_of(row.id));
    const auto above = std::ranges::upper_bound(states, through);
    if (above == states.begin()) return uint64_t{0};
    through = *std::prev(above);
    int code = Execution(statements_->delete_states_below).number(row.id).number(through).run();
    if (code != SQLITE_OK) return note_write_error(code);
    return through;
}

Result<StoreReply> SqliteEngine::run_one(const port::StateRequest& request) {
    port::StateFound found;
    TANDEM_TRY(Row row, row_of(request.channel));
    if (!row.live) return StoreReply(std::move(found));
    TANDEM_TRY(const std::vector<uint64_t> states, states_of(row.id));
    TANDEM_TRY(const uint64_t oldest, oldest_seq(row.id));
    const StateChoice choice = choose_state(states, request.at, row.begin_seq, row.base_seq,
                                            oldest == 0 ? row.head + 1 : oldest);
    found.oldest_seq = choice.oldest_seq;
    found.exists = choice.exists;
    found.seq = choice.seq;
    if (!choice.exists || choice.seq == row.begin_seq) return StoreReply(std::move(found));
    const bool is_newest = choice.seq == row.base_seq;
    Execution select(is_newest ? statements_->snapshot : statements_->state);
    select.number(row.id);
    if (!is_newest) select.number(choice.seq);
    int code = select.step();
    if (code == SQLITE_ROW)
        found.body = select.bytes_at(0);
    else
        return code == SQLITE_DONE ? base::fail(base::ErrorCode::storage_corrupt)
                                   : note_error(code);
    return StoreReply(std::move(found));
}

Result<StoreReply> SqliteEngine::run_one(const port::PutVersionRequest& request) {
    using Outcome = port::VersionPut::Outcome;
    TANDEM_TRY(Row row, row_of(request.channel));
    if (!row.live) return StoreReply(port::VersionPut{Outcome::no_channel});
    uint32_t count = 0;
    {
        Execution select(statements_->version_names);
        select.number(row.id);
        int code = SQLITE_ROW;
        while ((code = select.step()) == SQLITE_ROW) {
            if (select.bytes_at(0) == request.version.name)
                return StoreReply(port::VersionPut{Outcome::exists});
            ++count;
        }
        if (code != SQLITE_DONE) return note_error(code);
    }
    if (count >= request.versions_max) return StoreReply(port::VersionPut{Outcome::too_many});
    Execution insert(statements_->insert_version);
    insert.number(row.id).text(request.version.name).number(request.version.seq);
    int code = insert.number(request.version.created_ms).blob(request.version.body).run();
    if (code != SQLITE_OK) return note_write_error(code);
    return StoreReply(port::VersionPut{Outcome::stored});
}

Result<StoreReply> SqliteEngine::run_one(const port::VersionsRequest& request) {
    port::Versions out;
    TANDEM_TRY(Row row, row_of(request.channel));
    if (!row.live) return StoreReply(std::move(out));
    Execution select(statements_->versions);
    select.number(row.id);
    int code = SQLITE_ROW;
    while ((code = select.step()) == SQLITE_ROW)
        out.versions.push_back({select.bytes_at(0),
                                select.number_at(1),
                                select.number_at(2),
                                select.number_at(3),
                                {}});
    if (code != SQLITE_DONE) return note_error(code);
    return StoreReply(std::move(out));
}

Result<StoreReply> SqliteEngine::run_one(const port::FindVersionRequest& request) {
    port::VersionFound found;
    TANDEM_TRY(Row row, row_of(request.channel));
    if (!row.live) return StoreReply(std::move(found));
    Execution select(statements_->find_version);
    int code = select.number(row.id).text(request.name).step();
    if (code == SQLITE_ROW) {
        found.exists = true;
        found.version = {request.name, select.number_at(0), select.number_at(1), 0,
                         select.bytes_at(2)};
        found.version.bytes = found.version.body.size();
    } else if (code != SQLITE_DONE) {
        return note_error(code);
    }
    return StoreReply(std::move(found));
}

Result<StoreReply> SqliteEngine::run_one(const port::DeleteVersionRequest& request) {
    TANDEM_TRY(Row row, row_of(request.channel));
    if (!row.live) return StoreReply(port::VersionDeleted{false});
    int code = Execution(statements_->delete_version).number(row.id).text(request.name).run();
    if (code != SQLITE_OK) return note_write_error(code);
    return StoreReply(port::VersionDeleted{sqlite3_changes(connection_.get()) > 0});
}

}  // namespace tandem::store
