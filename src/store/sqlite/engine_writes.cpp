#include <algorithm>
#include <map>

#include "store/sqlite/engine.hpp"
#include "store/sqlite/engine_statements.hpp"

namespace tandem::store {

using base::ErrorCode;
using base::fail;
using base::Result;
using base::Status;
using port::StoreReply;

Status SqliteEngine::check_append(const port::AppendRequest& request) {
    struct Expected {
        uint64_t head = 0;
        bool live = false;
        std::vector<uint64_t> epochs;
    };
    std::map<std::string_view, Expected> channels;
    for (const port::ChannelAppend& append : request.channels) {
        auto [at, is_new] = channels.try_emplace(append.channel);
        Expected& expected = at->second;
        if (is_new) {
            TANDEM_TRY(Row row, row_of(append.channel));
            expected.head = row.head;
            expected.live = row.live;
            if (row.found && !append.new_epochs.empty()) {
                Execution select(statements_->epochs);
                select.number(row.id);
                int code = SQLITE_ROW;
                while ((code = select.step()) == SQLITE_ROW) {
                    expected.epochs.push_back(select.number_at(0));
                }
                if (code != SQLITE_DONE) return note_error(code);
            }
        }
        for (const port::EpochFork& fork : append.new_epochs) {
            if (fork.fork_seq != expected.head || fork.epoch == 0) return ErrorCode::internal;
            if (std::ranges::find(expected.epochs, fork.epoch) != expected.epochs.end()) {
                return ErrorCode::internal;
            }
            expected.epochs.push_back(fork.epoch);
        }
        if (!expected.live && append.new_epochs.empty()) return ErrorCode::internal;
        expected.live = true;
        for (const port::StoredEntry& entry : append.entries) {
            if (entry.seq != expected.head + 1) return fail(ErrorCode::internal, entry.seq);
            ++expected.head;
        }
    }
    return {};
}

Status SqliteEngine::insert_entry(uint64_t id, const port::StoredEntry& entry) {
    Execution insert(statements_->insert_entry);
    insert.number(id).number(entry.seq).number(entry.actor).number(entry.counter);
    insert.number(entry.stamp_ms).number(entry.stamp_logical).number(entry.stamp_actor);
    insert.number(entry.own ? 1 : 0).number(entry.floor).number(entry.wall_ms);
    insert.number(entry.digest).number(entry.check).blob(entry.body);
    int code = insert.run();
    if (code != SQLITE_OK) return note_write_error(code);
    return {};
}

Status SqliteEngine::insert_outcome(uint64_t id, const port::Outcome& outcome, uint64_t now_ms) {
    // Without a clock of its own the store takes the time from the entries beside the outcome.
    if (now_ms != 0) {
        int pruned = Execution(statements_->prune_outcomes).number(now_ms).run();
        if (pruned != SQLITE_OK) return note_write_error(pruned);
    }
    Execution insert(statements_->insert_outcome);
    insert.number(id).text(outcome.key).number(outcome.digest).number(outcome.seq);
    int code = insert.number(outcome.expires_ms).run();
    if (code != SQLITE_OK) return note_write_error(code);
    return {};
}

Status SqliteEngine::append_to_channel(const port::ChannelAppend& append) {
    TANDEM_TRY(Row row, row_of(append.channel));
    if (!row.found) {
        int code = Execution(statements_->insert_channel).text(append.channel).run();
        if (code != SQLITE_OK) return note_write_error(code);
        row.id = static_cast<uint64_t>(sqlite3_last_insert_rowid(connection_.get()));
    }
    for (const port::EpochFork& fork : append.new_epochs) {
        Execution insert(statements_->insert_epoch);
        int code = insert.number(row.id).number(fork.epoch).number(fork.fork_seq).run();
        if (code != SQLITE_OK) return note_write_error(code);
    }
    uint64_t bytes = 0;
    uint64_t floor = 0;
    uint64_t wall_ms = 0;
    for (const port::StoredEntry& entry : append.entries) {
        TANDEM_CHECK(insert_entry(row.id, entry));
        bytes += entry.body.size() + kEntryOverheadBytes;
        floor = std::max(floor, entry.floor);
        wall_ms = std::max(wall_ms, entry.wall_ms);
    }
    for (const port::Outcome& outcome : append.outcomes) {
        TANDEM_CHECK(insert_outcome(row.id, outcome, wall_ms));
    }
    for (const port::StoredTextVersion& version : append.text_versions) {
        TANDEM_CHECK(insert_text_version(row.id, version));
        TANDEM_CHECK(thin_text_versions(row.id, version.text, append.text_version_limits,
                                        version.created_ms));
    }
    Execution update(statements_->update_channel);
    update.number(row.id).number(row.head + append.entries.size()).number(floor);
    int code = update.number(bytes).number(wall_ms).run();
    if (code != SQLITE_OK) return note_write_error(code);
    return {};
}

Result<StoreReply> SqliteEngine::run_one(const port::AppendRequest& request) {
    TANDEM_CHECK(check_append(request));
    for (const port::ChannelAppend& append : request.channels) {
        Status written = append_to_channel(append);
        if (written.ok()) continue;
        // Half of the request may be in the transaction by now.
        if (broken_ == SQLITE_OK) broken_ = SQLITE_IOERR;
        return written.error();
    }
    return StoreReply(port::Appended{});
}

Status SqliteEngine::delete_log(uint64_t id, uint64_t through) {
    uint64_t bytes = 0;
    {
        Execution size(statements_->log_size);
        int code = size.number(id).number(through).step();
        if (code != SQLITE_ROW) return note_write_error(code);
        bytes = size.number_at(0) * kEntryOverheadBytes + size.number_at(1);
    }
    int code = Execution(statements_->trim_entries).number(id).number(through).run();
    if (code == SQLITE_OK) {
        code = Execution(statements_->note_trim).number(id).number(bytes).run();
    }
    if (code != SQLITE_OK) return note_write_error(code);
    return {};
}

Result<StoreReply> SqliteEngine::run_one(const port::SnapshotRequest& request) {
    TANDEM_TRY(Row row, row_of(request.channel));
    if (!row.live || request.seq > row.head) return fail(ErrorCode::internal, request.seq);
    // An older one than the stored brings nothing, and what it needs may be trimmed already.
    port::SnapshotSaved saved;
    TANDEM_TRY(saved.oldest_seq, oldest_seq(row.id));
    if (request.seq < row.base_seq) return StoreReply(saved);
    TANDEM_CHECK(keep_state(row, request));
    int code = Execution(statements_->put_snapshot)
                   .number(row.id)
                   .number(request.seq)
                   .blob(request.body)
                   .run();
    if (code == SQLITE_OK) {
        code = Execution(statements_->note_snapshot)
                   .number(row.id)
                   .number(request.seq)
                   .number(request.body.size())
                   .run();
    }
    if (code != SQLITE_OK) return note_write_error(code);
    TANDEM_TRY(const uint64_t through, trimmable(row, request));
    if (through == 0) return StoreReply(saved);
    TANDEM_CHECK(delete_log(row.id, through));
    TANDEM_TRY(saved.oldest_seq, oldest_seq(row.id));
    return StoreReply(saved);
}

Result<StoreReply> SqliteEngine::run_one(const port::DeleteRequest& request) {
    TANDEM_TRY(Row row, row_of(request.channel));
    if (!row.live) return StoreReply(port::Deleted{false});
    TANDEM_CHECK(delete_log(row.id, row.head));
    Statement* steps[] = {&statements_->delete_snapshot, &statements_->delete_outcomes,
                          &statements_->delete_versions, &statements_->delete_text_versions,
                          &statements_->bury_channel};
    if (int code =
            Execution(statements_->delete_states_below).number(row.id).number(row.head + 1).run();
        code != SQLITE_OK)
        return note_write_error(code);
    for (Statement* step : steps) {
        int code = Execution(*step).number(row.id).run();
        if (code != SQLITE_OK) return note_write_error(code);
    }
    return StoreReply(port::Deleted{true});
}

}  // namespace tandem::store
