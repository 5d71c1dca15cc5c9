// Versions of texts: those that somebody named, and those that are kept by themselves.

#include "store/sqlite/engine.hpp"
#include "store/sqlite/engine_statements.hpp"
#include "store/text_versions.hpp"

namespace tandem::store {

using base::Result;
using base::Status;
using port::StoredTextVersion;
using port::StoreReply;

namespace {

StoredTextVersion version_in(const Execution& row, const std::string& text) {
    StoredTextVersion out;
    out.text = text;
    out.name = row.bytes_at(0);
    out.kind = static_cast<StoredTextVersion::Kind>(row.number_at(1));
    out.seq = row.number_at(2);
    out.changed_ms = row.number_at(3);
    out.created_ms = row.number_at(4);
    out.bytes = row.number_at(5);
    return out;
}

}  // namespace

Result<std::vector<StoredTextVersion>> SqliteEngine::text_versions_of(uint64_t id,
                                                                      const std::string& text) {
    std::vector<StoredTextVersion> out;
    Execution select(statements_->text_versions);
    select.number(id).text(text);
    int code = SQLITE_ROW;
    while ((code = select.step()) == SQLITE_ROW)
        out.push_back(version_in(select, text));
    if (code != SQLITE_DONE) return note_error(code);
    return out;
}

Status SqliteEngine::insert_text_version(uint64_t id, const StoredTextVersion& version) {
    Execution insert(statements_->put_text_version);
    insert.number(id).text(version.text).number(version.seq).text(version.name);
    insert.number(static_cast<uint64_t>(version.kind)).number(version.changed_ms);
    const int code = insert.number(version.created_ms).blob(version.body).run();
    if (code != SQLITE_OK) return note_write_error(code);
    return {};
}

Status SqliteEngine::delete_text_version(uint64_t id, const StoredTextVersion& version) {
    Execution erase(statements_->delete_text_version);
    const int code =
        erase.number(id).text(version.text).number(version.seq).text(version.name).run();
    if (code != SQLITE_OK) return note_write_error(code);
    return {};
}

Status SqliteEngine::thin_text_versions(uint64_t id, const std::string& text,
                                        const port::TextVersionLimits& limits, uint64_t now_ms) {
    TANDEM_TRY(const auto all, text_versions_of(id, text));
    for (const StoredTextVersion& surplus : surplus_text_versions(all, limits, now_ms))
        TANDEM_CHECK(delete_text_version(id, surplus));
    return {};
}

Result<port::TextVersionFound> SqliteEngine::find_text_version(uint64_t id, const std::string& text,
                                                               const std::string& name,
                                                               uint64_t at) {
    port::TextVersionFound found;
    Execution select(name.empty() ? statements_->text_version_at
                                  : statements_->text_version_by_name);
    select.number(id).text(text);
    const int code = name.empty() ? select.number(at).step() : select.text(name).step();
    if (code == SQLITE_ROW) {
        found.exists = true;
        found.version = version_in(select, text);
        found.version.body = select.bytes_at(6);
    } else if (code != SQLITE_DONE) {
        return note_error(code);
    }
    return found;
}

Result<StoreReply> SqliteEngine::run_one(const port::PutTextVersionRequest& request) {
    using Outcome = port::VersionPut::Outcome;
    TANDEM_TRY(Row row, row_of(request.channel));
    if (!row.live) return StoreReply(port::VersionPut{Outcome::no_channel});
    const StoredTextVersion& version = request.version;
    TANDEM_TRY(const auto all, text_versions_of(row.id, version.text));
    if (version.kind == StoredTextVersion::Kind::named) {
        bool is_too_large = false;
        const Outcome outcome = room_for_text_version(all, version, request.limits, is_too_large);
        if (outcome != Outcome::stored) return StoreReply(port::VersionPut{outcome});
        if (is_too_large) return base::fail(base::ErrorCode::too_large, request.limits.bytes_max);
    }
    TANDEM_CHECK(insert_text_version(row.id, version));
    TANDEM_CHECK(thin_text_versions(row.id, version.text, request.limits, version.created_ms));
    return StoreReply(port::VersionPut{Outcome::stored});
}

Result<StoreReply> SqliteEngine::run_one(const port::TextVersionsRequest& request) {
    port::TextVersions out;
    TANDEM_TRY(Row row, row_of(request.channel));
    if (row.live) {
        TANDEM_TRY(out.versions, text_versions_of(row.id, request.text));
    }
    return StoreReply(std::move(out));
}

Result<StoreReply> SqliteEngine::run_one(const port::FindTextVersionRequest& request) {
    TANDEM_TRY(Row row, row_of(request.channel));
    if (!row.live) return StoreReply(port::TextVersionFound());
    TANDEM_TRY(auto found, find_text_version(row.id, request.text, request.name, request.at));
    return StoreReply(std::move(found));
}

Result<StoreReply> SqliteEngine::run_one(const port::DeleteTextVersionRequest& request) {
    TANDEM_TRY(Row row, row_of(request.channel));
    if (!row.live) return StoreReply(port::VersionDeleted{false});
    StoredTextVersion version;
    version.text = request.text;
    version.name = request.name;
    version.seq = request.at;
    if (!request.name.empty()) {
        TANDEM_TRY(const auto all, text_versions_of(row.id, request.text));
        for (const StoredTextVersion& known : all)
            if (known.name == request.name) version.seq = known.seq;
    }
    TANDEM_CHECK(delete_text_version(row.id, version));
    return StoreReply(port::VersionDeleted{sqlite3_changes(connection_.get()) > 0});
}

}  // namespace tandem::store
