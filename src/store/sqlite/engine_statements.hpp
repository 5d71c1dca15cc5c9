#pragma once

#include "store/sqlite/engine.hpp"

namespace tandem::store {

/// What is stored of one log entry besides its body counts as this many bytes.
inline constexpr uint64_t kEntryOverheadBytes = 64;

struct SqliteEngine::Row {
    bool found = false;
    bool live = false;
    uint64_t id = 0;
    uint64_t head = 0;
    uint64_t base_seq = 0;
    uint64_t begin_seq = 0;
};

struct SqliteEngine::Statements {
    Statement channel_by_name;
    Statement oldest_seq;
    Statement snapshot;
    Statement entries;
    Statement epochs;
    Statement find_entry;
    Statement find_outcome;
    Statement list;
    Statement insert_channel;
    Statement update_channel;
    Statement insert_epoch;
    Statement insert_entry;
    Statement insert_outcome;
    Statement prune_outcomes;
    Statement put_snapshot;
    Statement note_snapshot;
    Statement log_size;
    Statement trim_entries;
    Statement note_trim;
    Statement bury_channel;
    Statement delete_snapshot;
    Statement delete_outcomes;
    Statement states;
    Statement state;
    Statement keep_state;
    Statement delete_state;
    Statement delete_states_below;
    Statement insert_version;
    Statement version_names;
    Statement versions;
    Statement find_version;
    Statement delete_version;
    Statement delete_versions;
    Statement put_text_version;
    Statement text_versions;
    Statement text_version_by_name;
    Statement text_version_at;
    Statement delete_text_version;
    Statement delete_text_versions;
    Statement hooks;
    Statement put_hook;
    Statement put_hook_cursor;
    Statement add_hook_cursor;
    Statement hook_cursor;
    Statement hook_lag;
};

}  // namespace tandem::store
