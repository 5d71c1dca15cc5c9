#include "store/sqlite/engine.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "store/sqlite/inline_store.hpp"
#include "store/sqlite/store_testing.hpp"

namespace tandem::store {
namespace {

using base::ErrorCode;
using port::StoreRequest;
using testing::append;
using testing::TemporaryFolder;

std::unique_ptr<SqliteEngine> open_engine(const std::string& path, uint64_t epoch = 1) {
    EngineOptions options;
    options.new_epoch = epoch;
    auto opened = SqliteEngine::open(path, options);
    EXPECT_TRUE(opened.ok());
    return opened.ok() ? std::move(*opened) : nullptr;
}

ErrorCode open_error(const std::string& path, uint64_t epoch = 1) {
    EngineOptions options;
    options.new_epoch = epoch;
    auto opened = SqliteEngine::open(path, options);
    EXPECT_FALSE(opened.ok());
    return opened.ok() ? ErrorCode::invalid_argument : opened.error().code;
}

template <class Reply>
Reply ask(SqliteEngine& engine, StoreRequest request) {
    auto reply = engine.execute(request);
    EXPECT_TRUE(reply.ok()) << error_name(reply.ok() ? ErrorCode::internal : reply.error().code);
    if (!reply.ok()) return {};
    return std::get<Reply>(std::move(*reply));
}

void must_append(SqliteEngine& engine, const std::string& name, uint64_t first, uint64_t last) {
    ask<port::Appended>(engine, append(name, first, last));
}

TEST(SqliteEngine, EveryFieldOfAnEntrySurvivesAReopen) {
    TemporaryFolder folder;
    auto engine = open_engine(folder.file("tandem.db"), 0xfedcba9876543210);
    port::StoredEntry stored = testing::entry(1, std::string("\0\xff body", 7));
    stored.digest = UINT64_MAX;
    stored.actor = uint64_t{1} << 63;
    stored.floor = 1;
    stored.own = false;
    ask<port::Appended>(*engine, port::AppendRequest{{{"a:1", {{9, 0}}, {stored}, {}}}});
    engine.reset();
    engine = open_engine(folder.file("tandem.db"), 5);
    auto loaded = ask<port::Loaded>(*engine, port::LoadRequest{"a:1"});
    EXPECT_EQ(loaded.store_epoch, 0xfedcba9876543210);
    ASSERT_EQ(loaded.entries.size(), 1u);
    const port::StoredEntry& read = loaded.entries[0];
    EXPECT_EQ(read.body, stored.body);
    EXPECT_EQ(read.digest, stored.digest);
    EXPECT_EQ(read.actor, stored.actor);
    EXPECT_EQ(read.counter, stored.counter);
    EXPECT_EQ(read.stamp_ms, stored.stamp_ms);
    EXPECT_EQ(read.stamp_logical, stored.stamp_logical);
    EXPECT_EQ(read.stamp_actor, stored.stamp_actor);
    EXPECT_EQ(read.floor, 1u);
    EXPECT_EQ(read.wall_ms, stored.wall_ms);
    EXPECT_EQ(read.check, stored.check);
    EXPECT_FALSE(read.own);
    ASSERT_EQ(loaded.epochs.size(), 1u);
    EXPECT_EQ(loaded.epochs[0].epoch, 9u);
}

TEST(SqliteEngine, SeqsMustContinueTheHeadAndNothingOfARefusedRequestIsWritten) {
    TemporaryFolder folder;
    auto engine = open_engine(folder.file("tandem.db"));
    must_append(*engine, "a:1", 1, 3);
    port::AppendRequest two = append("b:1", 1, 1);
    two.channels.push_back(append("a:1", 5, 5).channels[0]);
    auto refused = engine->execute(two);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::internal);
    EXPECT_FALSE(engine->failed());
    EXPECT_FALSE(ask<port::Loaded>(*engine, port::LoadRequest{"b:1"}).exists);
    EXPECT_EQ(ask<port::Loaded>(*engine, port::LoadRequest{"a:1"}).head, 3u);
    port::AppendRequest no_epoch{{{"c:1", {}, {testing::entry(1)}, {}}}};
    EXPECT_FALSE(engine->execute(no_epoch).ok());
}

TEST(SqliteEngine, ManyAppendsOfABatchCostOneCommit) {
    TemporaryFolder folder;
    InlineStore store(open_engine(folder.file("tandem.db")));
    uint64_t before = store.engine().counters().commits;
    for (uint64_t i = 1; i <= 100; ++i)
        store.submit(i, append("a:1", i, i));
    store.submit(101, port::LoadRequest{"a:1"});
    std::vector<port::Completion> out;
    store.poll(out);
    ASSERT_EQ(out.size(), 101u);
    EXPECT_EQ(store.engine().counters().commits, before + 1);
    EXPECT_EQ(store.engine().counters().appends, 100u);
    EXPECT_EQ(std::get<port::Loaded>(*out.back().reply).head, 100u);
}

TEST(SqliteEngine, SnapshotsTrimAndReadsAreContiguousOrEmpty) {
    TemporaryFolder folder;
    auto engine = open_engine(folder.file("tandem.db"));
    must_append(*engine, "a:1", 1, 10);
    ask<port::SnapshotSaved>(*engine, port::SnapshotRequest{"a:1", 6, "state", 4});
    auto loaded = ask<port::Loaded>(*engine, port::LoadRequest{"a:1"});
    EXPECT_EQ(loaded.snapshot, "state");
    EXPECT_EQ(loaded.snapshot_seq, 6u);
    EXPECT_EQ(loaded.entries.size(), 4u);
    EXPECT_EQ(loaded.oldest_seq, 5u);
    auto read = ask<port::EntriesRead>(*engine, port::ReadRequest{"a:1", 3, 10, 0, 0});
    EXPECT_TRUE(read.entries.empty());
    EXPECT_EQ(read.oldest_seq, 5u);
    read = ask<port::EntriesRead>(*engine, port::ReadRequest{"a:1", 4, 9, 3, 0});
    ASSERT_EQ(read.entries.size(), 3u);
    EXPECT_EQ(read.entries[0].seq, 5u);
    read = ask<port::EntriesRead>(*engine, port::ReadRequest{"a:1", 4, 9, 0, 5});
    EXPECT_EQ(read.entries.size(), 1u);
    EXPECT_FALSE(engine->execute(port::SnapshotRequest{"a:1", 11, "x", 0}).ok());
}

TEST(SqliteEngine, ADeletedChannelContinuesAboveItsOldHeadInANewEpoch) {
    TemporaryFolder folder;
    auto engine = open_engine(folder.file("tandem.db"));
    must_append(*engine, "a:1", 1, 5);
    EXPECT_TRUE(ask<port::Deleted>(*engine, port::DeleteRequest{"a:1"}).existed);
    EXPECT_FALSE(ask<port::Deleted>(*engine, port::DeleteRequest{"a:1"}).existed);
    auto loaded = ask<port::Loaded>(*engine, port::LoadRequest{"a:1"});
    EXPECT_FALSE(loaded.exists);
    EXPECT_EQ(loaded.head, 5u);
    EXPECT_EQ(loaded.epochs.size(), 1u);
    EXPECT_TRUE(ask<port::Listed>(*engine, port::ListRequest{"", "", 10}).channels.empty());

    port::StoredEntry next = testing::entry(6);
    // Without a new epoch, and with one that the channel had, it is refused.
    EXPECT_FALSE(engine->execute(port::AppendRequest{{{"a:1", {}, {next}, {}}}}).ok());
    EXPECT_FALSE(engine->execute(port::AppendRequest{{{"a:1", {{1, 5}}, {next}, {}}}}).ok());
    ask<port::Appended>(*engine, port::AppendRequest{{{"a:1", {{2, 5}}, {next}, {}}}});
    loaded = ask<port::Loaded>(*engine, port::LoadRequest{"a:1"});
    EXPECT_TRUE(loaded.exists);
    EXPECT_EQ(loaded.head, 6u);
    EXPECT_EQ(loaded.snapshot_seq, 5u);
    EXPECT_EQ(loaded.begin_seq, 5u);
    EXPECT_EQ(loaded.entries.size(), 1u);
    ASSERT_EQ(loaded.epochs.size(), 2u);
    EXPECT_EQ(loaded.epochs[1].fork_seq, 5u);
}

TEST(SqliteEngine, FindsEntriesAndOutcomesAndListsByPrefixInPages) {
    TemporaryFolder folder;
    auto engine = open_engine(folder.file("tandem.db"));
    port::AppendRequest first = append("a:1", 1, 2);
    first.channels[0].outcomes.push_back({"key", 11, 2, 5'000});
    ask<port::Appended>(*engine, first);
    must_append(*engine, "a:2", 1, 1);
    must_append(*engine, "a:3", 1, 1);
    must_append(*engine, "b:1", 1, 1);
    EXPECT_EQ(ask<port::Found>(*engine, port::FindRequest{"a:1", 7, 2}).entry.seq, 2u);
    EXPECT_FALSE(ask<port::Found>(*engine, port::FindRequest{"a:1", 8, 2}).exists);
    using Outcome = port::OutcomeFound;
    EXPECT_EQ(ask<Outcome>(*engine, port::FindOutcomeRequest{"a:1", "key", 4'999}).outcome.digest,
              11u);
    EXPECT_FALSE(ask<Outcome>(*engine, port::FindOutcomeRequest{"a:1", "key", 5'000}).exists);
    auto listed = ask<port::Listed>(*engine, port::ListRequest{"", "a:", 2});
    ASSERT_EQ(listed.channels.size(), 2u);
    EXPECT_TRUE(listed.more);
    listed = ask<port::Listed>(*engine, port::ListRequest{"a:2", "a:", 2});
    ASSERT_EQ(listed.channels.size(), 1u);
    EXPECT_EQ(listed.channels[0].name, "a:3");
    EXPECT_FALSE(listed.more);
}

// A file of version 1 is what this leaves: without the tables and the column of version 2.
TEST(SqliteEngine, AStoreOfTheFirstVersionIsBroughtForward) {
    TemporaryFolder folder;
    const std::string path = folder.file("tandem.db");
    {
        auto engine = open_engine(path);
        ASSERT_TRUE(engine->execute(append("a:1", 1, 5)).ok());
        ASSERT_TRUE(engine->execute(port::SnapshotRequest{"a:1", 4, "four", 3}).ok());
        ASSERT_TRUE(engine->execute(append("a:2", 1, 2)).ok());
    }
    {
        auto connection = Connection::open(path, SQLITE_OPEN_READWRITE, "");
        ASSERT_TRUE(connection.ok());
        ASSERT_TRUE(connection
                        ->execute("DROP TABLE hooks;DROP TABLE hook_cursors;"
                                  "DROP TABLE text_versions;DROP TABLE states;DROP TABLE versions;"
                                  "ALTER TABLE channels DROP COLUMN begin_seq;"
                                  "PRAGMA user_version=1")
                        .ok());
    }
    auto engine = open_engine(path);
    auto reply = engine->execute(port::StateRequest{"a:1", 4});
    ASSERT_TRUE(reply.ok());
    EXPECT_EQ(std::get<port::StateFound>(*reply).body, "four");
    reply = engine->execute(port::StateRequest{"a:1", 3});
    ASSERT_TRUE(reply.ok());
    EXPECT_FALSE(std::get<port::StateFound>(*reply).exists);
    EXPECT_EQ(std::get<port::StateFound>(*reply).oldest_seq, 4u);
    reply = engine->execute(port::StateRequest{"a:2", 1});
    ASSERT_TRUE(reply.ok());
    EXPECT_TRUE(std::get<port::StateFound>(*reply).exists);
    EXPECT_TRUE(engine->execute(append("a:1", 6, 7)).ok());
}

TEST(SqliteEngine, AStoreOfTheSecondVersionGetsRoomForWebhooks) {
    TemporaryFolder folder;
    const std::string path = folder.file("tandem.db");
    {
        auto engine = open_engine(path);
        ASSERT_TRUE(engine->execute(append("a:1", 1, 5)).ok());
        ASSERT_TRUE(
            engine->execute(port::PutVersionRequest{"a:1", {"v", 5, 1, 0, "body"}, 9}).ok());
    }
    {
        auto connection = Connection::open(path, SQLITE_OPEN_READWRITE, "");
        ASSERT_TRUE(connection.ok());
        ASSERT_TRUE(
            connection
                ->execute("DROP TABLE hooks;DROP TABLE hook_cursors;DROP TABLE text_versions;"
                          "PRAGMA user_version=2")
                .ok());
    }
    {
        auto engine = open_engine(path);
        auto reply = engine->execute(port::HookLagRequest{"crm", 1, "", 10});
        ASSERT_TRUE(reply.ok());
        ASSERT_EQ(std::get<port::HookLag>(*reply).rows.size(), 1u);
        EXPECT_FALSE(std::get<port::HookLag>(*reply).rows[0].at.has_value());
        port::SaveHooksRequest save;
        save.hooks.push_back({"crm", "board:*", true});
        save.cursors.push_back({"crm", 1, "a:1", {1, 3}});
        ASSERT_TRUE(engine->execute(save).ok());
    }
    auto engine = open_engine(path);
    auto reply = engine->execute(port::HooksRequest{});
    ASSERT_TRUE(reply.ok());
    ASSERT_EQ(std::get<port::Hooks>(*reply).hooks.size(), 1u);
    EXPECT_TRUE(std::get<port::Hooks>(*reply).hooks[0].is_disabled);
    port::HookFeedRequest request;
    request.hook = "crm";
    request.stream = 1;
    request.channel = "a:1";
    request.limit = 10;
    reply = engine->execute(request);
    ASSERT_TRUE(reply.ok());
    const auto& feed = std::get<port::HookFeed>(*reply);
    EXPECT_EQ(feed.at, (port::HookPosition{1, 3}));
    ASSERT_EQ(feed.entries.size(), 2u);
    EXPECT_EQ(feed.entries[0].seq, 4u);
    reply = engine->execute(port::FindVersionRequest{"a:1", "v"});
    ASSERT_TRUE(reply.ok());
    EXPECT_TRUE(std::get<port::VersionFound>(*reply).exists);
}

TEST(SqliteEngine, AStoreOfTheThirdVersionGetsRoomForVersionsOfTexts) {
    TemporaryFolder folder;
    const std::string path = folder.file("tandem.db");
    {
        auto engine = open_engine(path);
        ASSERT_TRUE(engine->execute(append("a:1", 1, 5)).ok());
    }
    {
        auto connection = Connection::open(path, SQLITE_OPEN_READWRITE, "");
        ASSERT_TRUE(connection.ok());
        ASSERT_TRUE(connection->execute("DROP TABLE text_versions;PRAGMA user_version=3").ok());
    }
    auto engine = open_engine(path);
    port::PutTextVersionRequest put;
    put.channel = "a:1";
    put.version = {"main", "v", port::StoredTextVersion::Kind::named, 5, 1, 2, 0, "body"};
    ASSERT_TRUE(engine->execute(put).ok());
    const auto found =
        ask<port::TextVersionFound>(*engine, port::FindTextVersionRequest{"a:1", "main", "v", 0});
    ASSERT_TRUE(found.exists);
    EXPECT_EQ(found.version.body, "body");
    EXPECT_EQ(found.version.seq, 5u);
    EXPECT_EQ(found.version.changed_ms, 1u);
    EXPECT_EQ(found.version.created_ms, 2u);
}

// Versions of texts of which nobody named any, in the order of their seqs.
std::vector<uint64_t> kept_after(port::TextVersionLimits limits,
                                 const std::vector<uint64_t>& changed_ms) {
    TemporaryFolder folder;
    auto engine = open_engine(folder.file("tandem.db"));
    must_append(*engine, "a:1", 1, changed_ms.size());
    uint64_t seq = 0;
    for (const uint64_t at : changed_ms) {
        port::PutTextVersionRequest put;
        put.channel = "a:1";
        put.version.text = "main";
        put.version.seq = ++seq;
        put.version.changed_ms = put.version.created_ms = at;
        put.version.body = "12345678";
        put.limits = limits;
        EXPECT_TRUE(engine->execute(put).ok());
    }
    std::vector<uint64_t> seqs;
    for (const auto& version :
         ask<port::TextVersions>(*engine, port::TextVersionsRequest{"a:1", "main"}).versions)
        seqs.push_back(version.seq);
    return seqs;
}

TEST(SqliteEngine, VersionsOfTextsThinOutWithAge) {
    constexpr uint64_t kMinute = 60'000;
    constexpr uint64_t kHour = 60 * kMinute;
    constexpr uint64_t kDay = 24 * kHour;
    const port::TextVersionLimits limits;
    // One in ten minutes: the last of those.
    EXPECT_EQ(kept_after(limits, {11 * kMinute, 12 * kMinute, 21 * kMinute}),
              (std::vector<uint64_t>{2, 3}));
    // After a day one an hour, after a week one a day.
    EXPECT_EQ(kept_after(limits, {kHour, kHour + 20 * kMinute, 2 * kHour, 2 * kDay}),
              (std::vector<uint64_t>{2, 3, 4}));
    EXPECT_EQ(kept_after(limits, {kHour, 2 * kHour, 9 * kDay}), (std::vector<uint64_t>{2, 3}));
}

TEST(SqliteEngine, VersionsOfTextsAreBoundedByCountAndBytes) {
    port::TextVersionLimits limits;
    limits.every_ms = 1;
    limits.automatic_max = 2;
    EXPECT_EQ(kept_after(limits, {1, 2, 3, 4}), (std::vector<uint64_t>{3, 4}));
    limits.automatic_max = 100;
    limits.bytes_max = 25;
    EXPECT_EQ(kept_after(limits, {1, 2, 3, 4}), (std::vector<uint64_t>{2, 3, 4}));
}

TEST(SqliteEngine, OpeningTellsWhatIsWrong) {
    TemporaryFolder folder;
    EXPECT_EQ(open_error(folder.file("missing/tandem.db")), ErrorCode::io_failed);
    EXPECT_EQ(open_error(folder.file("absent.db"), 0), ErrorCode::io_failed);
    std::ofstream(folder.file("garbage.db")) << std::string(8192, 'g');
    EXPECT_EQ(open_error(folder.file("garbage.db")), ErrorCode::storage_corrupt);

    open_engine(folder.file("newer.db")).reset();
    auto connection = Connection::open(folder.file("newer.db"), SQLITE_OPEN_READWRITE, "");
    ASSERT_TRUE(connection.ok());
    ASSERT_TRUE(connection->execute("PRAGMA user_version=5").ok());
    EXPECT_EQ(open_error(folder.file("newer.db")), ErrorCode::storage_newer);
    ASSERT_TRUE(connection->execute("PRAGMA user_version=1;PRAGMA application_id=5").ok());
    EXPECT_EQ(open_error(folder.file("newer.db")), ErrorCode::storage_corrupt);
}

TEST(SqliteEngine, ADamagedTableIsReported) {
    TemporaryFolder folder;
    std::string path = folder.file("tandem.db");
    auto engine = open_engine(path);
    ask<port::Appended>(*engine, append("a:1", 1, 300, std::string(500, 'x')));
    engine.reset();
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    for (int page = 20; page < 40; ++page) {
        file.seekp(page * 4096);
        file << std::string(4096, '\xee');
    }
    file.close();
    engine = open_engine(path);
    ASSERT_NE(engine, nullptr);
    auto loaded = engine->execute(port::LoadRequest{"a:1"});
    ASSERT_FALSE(loaded.ok());
    EXPECT_EQ(loaded.error().code, ErrorCode::storage_corrupt);
}

TEST(SqliteEngine, ASecondProcessIsRefusedUntilTheFirstEnds) {
    TemporaryFolder folder;
    std::string path = folder.file("tandem.db");
    auto engine = open_engine(path);
    EXPECT_EQ(open_error(path), ErrorCode::storage_locked);
    pid_t child = ::fork();
    if (child == 0) {
        EngineOptions options;
        options.new_epoch = 2;
        auto opened = SqliteEngine::open(path, options);
        ::_exit(!opened.ok() && opened.error().code == ErrorCode::storage_locked ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    engine.reset();
    EXPECT_NE(open_engine(path), nullptr);
}

TEST(SqliteEngine, AReadOnlyEngineReadsBesideAServerAndRefusesWrites) {
    TemporaryFolder folder;
    std::string path = folder.file("tandem.db");
    auto engine = open_engine(path);
    must_append(*engine, "a:1", 1, 2);
    EngineOptions options;
    options.mode = OpenMode::read_only;
    auto reader = SqliteEngine::open(path, options);
    ASSERT_TRUE(reader.ok());
    EXPECT_EQ(ask<port::Loaded>(**reader, port::LoadRequest{"a:1"}).head, 2u);
    auto refused = (*reader)->execute(append("a:1", 3, 3));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace tandem::store
