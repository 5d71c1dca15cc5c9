// Webhooks, and how far each has read the channels.

#include <algorithm>
#include <cstdint>

#include "store/hooks.hpp"
#include "store/sqlite/engine.hpp"
#include "store/sqlite/engine_statements.hpp"

namespace tandem::store {

using base::Result;
using port::StoreReply;

Result<StoreReply> SqliteEngine::run_one(const port::HooksRequest&) {
    port::Hooks out;
    Execution select(statements_->hooks);
    int code = SQLITE_ROW;
    while ((code = select.step()) == SQLITE_ROW)
        out.hooks.push_back({select.bytes_at(0), select.bytes_at(1), select.number_at(2) != 0});
    if (code != SQLITE_DONE) return note_error(code);
    return StoreReply(std::move(out));
}

Result<StoreReply> SqliteEngine::run_one(const port::SaveHooksRequest& request) {
    for (const port::StoredHook& hook : request.hooks) {
        Execution put(statements_->put_hook);
        int code = put.text(hook.name).text(hook.scope).number(hook.is_disabled ? 1 : 0).run();
        if (code != SQLITE_OK) return note_write_error(code);
    }
    const bool is_replacing = request.existing == port::SaveHooksRequest::Existing::replaced;
    for (const port::StoredHookCursor& cursor : request.cursors) {
        Execution put(is_replacing ? statements_->put_hook_cursor : statements_->add_hook_cursor);
        put.text(cursor.hook).number(cursor.stream).text(cursor.channel);
        int code = put.number(cursor.at.epoch).number(cursor.at.seq).run();
        if (code != SQLITE_OK) return note_write_error(code);
    }
    return StoreReply(port::HooksSaved{});
}

Result<StoreReply> SqliteEngine::run_one(const port::HookLagRequest& request) {
    port::HookLag lag;
    const uint64_t channels_max = std::max<uint32_t>(request.channels_max, 1);
    Execution select(statements_->hook_lag);
    select.text(request.hook).number(request.stream).text(request.after);
    select.number(channels_max + 1);
    uint64_t count = 0;
    int code = SQLITE_ROW;
    while ((code = select.step()) == SQLITE_ROW) {
        if (count++ == channels_max) {
            lag.more = true;
            break;
        }
        port::HookLagRow row{select.bytes_at(0), {}, {select.number_at(2), select.number_at(1)}};
        if (select.number_at(3) != 0)
            row.at = port::HookPosition{select.number_at(4), select.number_at(5)};
        lag.last = row.channel;
        if (is_behind(row)) lag.rows.push_back(std::move(row));
    }
    if (code != SQLITE_DONE && code != SQLITE_ROW) return note_error(code);
    return StoreReply(std::move(lag));
}

Result<StoreReply> SqliteEngine::run_one(const port::HookFeedRequest& request) {
    port::HookFeed feed;
    feed.at = request.from;
    TANDEM_TRY(Row row, row_of(request.channel));
    if (!row.found) return StoreReply(std::move(feed));
    feed.exists = row.live;
    feed.head = row.head;
    feed.begin_seq = row.begin_seq;
    TANDEM_TRY(feed.oldest_seq, oldest_seq(row.id));
    TANDEM_TRY(feed.epochs, epochs_of(row.id));
    if (!feed.at) {
        Execution select(statements_->hook_cursor);
        int code = select.text(request.hook).number(request.stream).number(row.id).step();
        if (code == SQLITE_ROW)
            feed.at = port::HookPosition{select.number_at(0), select.number_at(1)};
        else if (code != SQLITE_DONE)
            return note_error(code);
    }
    if (request.limit == 0) return StoreReply(std::move(feed));
    TANDEM_TRY(StoreReply read,
               run_one(port::ReadRequest{request.channel, feed.at ? feed.at->seq : 0, UINT64_MAX,
                                         request.limit, request.bytes_max}));
    feed.entries = std::move(std::get<port::EntriesRead>(read).entries);
    return StoreReply(std::move(feed));
}

}  // namespace tandem::store
