#include "store/sqlite/sqlite_store.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "store/sqlite/backup.hpp"
#include "store/sqlite/store_testing.hpp"

namespace tandem::store {
namespace {

using base::ErrorCode;
using testing::append;
using testing::TemporaryFolder;

/// A port with its owner's side of the waking.
class Client {
  public:
    explicit Client(SqliteStore& store)
        : port_(store.open_port([this] {
              std::lock_guard lock(mutex_);
              notified_ = true;
              wakes_.notify_one();
          })) {}

    port::Store& port() { return *port_; }

    /// Waits until `count` completions have come.
    std::vector<port::Completion> collect(size_t count) {
        std::vector<port::Completion> out;
        while (true) {
            port_->poll(out);
            if (out.size() >= count) return out;
            std::unique_lock lock(mutex_);
            wakes_.wait(lock, [this] { return notified_; });
            notified_ = false;
        }
    }

  private:
    std::mutex mutex_;
    std::condition_variable wakes_;
    bool notified_ = false;
    std::unique_ptr<port::Store> port_;
};

std::unique_ptr<SqliteStore> open_store(const std::string& path, BatchLimits limits = {}) {
    SqliteStoreOptions options;
    options.engine.new_epoch = 1;
    options.limits = limits;
    options.idle_checkpoint_ms = 5;
    auto opened = SqliteStore::open(path, options);
    EXPECT_TRUE(opened.ok());
    return opened.ok() ? std::move(*opened) : nullptr;
}

uint64_t head_of(const std::string& path, const std::string& channel) {
    EngineOptions options;
    auto engine = SqliteEngine::open(path, options);
    EXPECT_TRUE(engine.ok());
    if (!engine.ok()) return 0;
    auto reply = (*engine)->execute(port::LoadRequest{channel});
    EXPECT_TRUE(reply.ok());
    return reply.ok() ? std::get<port::Loaded>(*reply).head : 0;
}

TEST(SqliteStore, FourThreadsAppendAndEachGetsItsCompletionsInOrder) {
    TemporaryFolder folder;
    std::string path = folder.file("tandem.db");
    constexpr uint64_t kAppends = 400;
    auto store = open_store(path);
    std::vector<std::thread> threads;
    std::atomic<int> wrong = 0;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&, i] {
            Client client(*store);
            std::string channel = "t:" + std::to_string(i);
            for (uint64_t seq = 1; seq <= kAppends; ++seq) {
                client.port().submit(seq, append(channel, seq, seq, std::string(3'000, 'x')));
            }
            client.port().submit(kAppends + 1, port::LoadRequest{channel});
            auto out = client.collect(kAppends + 1);
            for (size_t at = 0; at < out.size(); ++at) {
                if (out[at].ticket != at + 1 || !out[at].reply.ok()) ++wrong;
            }
            if (std::get<port::Loaded>(*out.back().reply).head != kAppends) ++wrong;
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(wrong, 0);
    StoreStats stats = store->stats();
    EXPECT_EQ(stats.appends, 4 * kAppends);
    EXPECT_LT(stats.commits, stats.appends);
    uint64_t timed = 0;
    for (uint64_t count : stats.commit_times.counts)
        timed += count;
    EXPECT_EQ(timed, stats.commits);
    uint64_t syncs = 0;
    for (uint64_t count : stats.sync_times.counts)
        syncs += count;
    EXPECT_GE(syncs, stats.commits);
    EXPECT_GT(stats.sync_times.total_ns, 0U);
    store.reset();
    for (int i = 0; i < 4; ++i)
        EXPECT_EQ(head_of(path, "t:" + std::to_string(i)), kAppends);
}

TEST(SqliteStore, TheLogIsCopiedInTheBackgroundAndDoesNotGrowForEver) {
    TemporaryFolder folder;
    std::string path = folder.file("tandem.db");
    auto store = open_store(path);
    {
        Client client(*store);
        for (uint64_t seq = 1; seq <= 1'500; ++seq) {
            client.port().submit(seq, append("a:1", seq, seq, std::string(20'000, 'x')));
            // Few at a time, so that commits go on while the log is copied.
            if (seq % 4 == 0) client.collect(4);
        }
    }
    EXPECT_GT(store->stats().checkpoints, 0u);
    EXPECT_LT(std::filesystem::file_size(path + "-wal"), 5 * kLogBytesMax);
}

TEST(SqliteStore, AFullQueueAnswersOverloadedInItsTurn) {
    TemporaryFolder folder;
    BatchLimits limits;
    limits.queue_entries_max = 8;
    auto store = open_store(folder.file("tandem.db"), limits);
    Client client(*store);
    for (uint64_t i = 1; i <= 2'000; ++i)
        client.port().submit(i, port::LoadRequest{"a:1"});
    auto out = client.collect(2'000);
    size_t refused = 0;
    for (size_t at = 0; at < out.size(); ++at) {
        ASSERT_EQ(out[at].ticket, at + 1);
        if (out[at].reply.ok()) continue;
        EXPECT_EQ(out[at].reply.error().code, ErrorCode::overloaded);
        ++refused;
    }
    EXPECT_GT(refused, 0u);
    EXPECT_LT(refused, 2'000u);
}

TEST(Backup, OfAStoreUnderLoadIsOneMomentAndARestoreForksEveryChannel) {
    TemporaryFolder folder;
    std::string path = folder.file(kStoreFileName);
    std::string copy = folder.file("copy.db");
    auto store = open_store(path);
    uint64_t written = 200;
    uint64_t backed_up_pages = 0;
    {
        Client client(*store);
        std::string body(4'000, 'x');
        client.port().submit(1, append("a:1", 1, 200, body));
        client.port().submit(2, append("gone:1", 1, 2));
        client.port().submit(3, port::DeleteRequest{"gone:1"});
        client.collect(3);
        // Every step of the copy is followed by a commit to the store.
        auto status = backup(path, copy, [&](uint64_t done, uint64_t) {
            backed_up_pages = done;
            ++written;
            client.port().submit(written, append("a:1", written, written, body));
            EXPECT_TRUE(client.collect(1)[0].reply.ok());
        });
        ASSERT_TRUE(status.ok());
        EXPECT_EQ(restore(copy, folder.path(), 99).error().code, ErrorCode::storage_locked);
    }
    EXPECT_GT(backed_up_pages, 200u);
    EXPECT_GT(written, 200u);
    store.reset();
    EXPECT_EQ(head_of(path, "a:1"), written);
    EXPECT_FALSE(std::filesystem::exists(copy + "-wal"));

    ASSERT_TRUE(restore(copy, folder.path(), 99).ok());
    EXPECT_EQ(head_of(path, "a:1"), 200u);
    EXPECT_EQ(head_of(path + ".replaced", "a:1"), written);
    // Once more: what was set aside first stays.
    ASSERT_TRUE(restore(copy, folder.path(), 99).ok());
    EXPECT_EQ(head_of(path + ".replaced", "a:1"), written);
    EXPECT_EQ(head_of(path + ".replaced.2", "a:1"), 200u);
    auto engine = SqliteEngine::open(path, {});
    ASSERT_TRUE(engine.ok());
    EXPECT_EQ((*engine)->store_epoch(), 99u);
    for (const char* channel : {"a:1", "gone:1"}) {
        auto loaded = std::get<port::Loaded>(*(*engine)->execute(port::LoadRequest{channel}));
        ASSERT_EQ(loaded.epochs.size(), 2u);
        EXPECT_EQ(loaded.epochs[1].epoch, 99u);
        EXPECT_EQ(loaded.epochs[1].fork_seq, loaded.head);
    }
}

TEST(Backup, HasTheCursorsOfWebhooksAndARestorePutsThemBehind) {
    TemporaryFolder folder;
    const std::string path = folder.file(kStoreFileName);
    const std::string copy = folder.file("copy.db");
    auto store = open_store(path);
    {
        Client client(*store);
        client.port().submit(1, append("a:1", 1, 5));
        port::SaveHooksRequest save;
        save.hooks.push_back({"crm", "a:*", false});
        save.cursors.push_back({"crm", 1, "a:1", {1, 5}});
        client.port().submit(2, save);
        client.port().submit(3, port::HookLagRequest{"crm", 1, "", 10});
        const auto lag = client.collect(3);
        EXPECT_TRUE(std::get<port::HookLag>(*lag[2].reply).rows.empty());
        ASSERT_TRUE(backup(path, copy).ok());
        client.port().submit(4, append("a:1", 6, 8));
        client.collect(1);
    }
    store.reset();
    ASSERT_TRUE(restore(copy, folder.path(), 99).ok());
    auto engine = SqliteEngine::open(path, {});
    ASSERT_TRUE(engine.ok());
    const auto reply = (*engine)->execute(port::HookLagRequest{"crm", 1, "", 10});
    ASSERT_TRUE(reply.ok());
    const auto& rows = std::get<port::HookLag>(*reply).rows;
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0].at, (port::HookPosition{1, 5}));
    EXPECT_EQ(rows[0].head, (port::HookPosition{99, 5}));
}

TEST(Backup, OfWhatIsNoStoreIsRefusedAndLeavesTheOldStore) {
    TemporaryFolder folder;
    std::string path = folder.file(kStoreFileName);
    auto store = open_store(path);
    {
        Client client(*store);
        client.port().submit(1, append("a:1", 1, 2));
        client.collect(1);
    }
    store.reset();
    std::ofstream(folder.file("garbage")) << std::string(8'192, 'g');
    EXPECT_EQ(restore(folder.file("garbage"), folder.path(), 9).error().code,
              ErrorCode::storage_corrupt);
    EXPECT_EQ(restore(folder.file("absent"), folder.path(), 9).error().code, ErrorCode::io_failed);
    EXPECT_EQ(head_of(path, "a:1"), 2u);
}

}  // namespace
}  // namespace tandem::store
