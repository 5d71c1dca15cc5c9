// Clients without a server: what is written waits, and what is read is what was written.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "sdk/executor.hpp"
#include "tandem/tandem.hpp"

namespace tandem {
namespace {

using namespace std::chrono_literals;

// Nobody listens there.
constexpr const char* kNowhere = "ws://127.0.0.1:1";

Client open(ClientOptions options) {
    options.url = kNowhere;
    auto client = Client::open(std::move(options));
    EXPECT_TRUE(client) << client.error().message();
    return std::move(*client);
}

TEST(OwnThread, ServesAllThreadsAtOnce) {
    constexpr int kThreads = 4;
    constexpr int kWrites = 40;
    Client client = open({.own_thread = true});
    Channel board = client.channel("board:1");
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i)
        threads.emplace_back([&client, i] {
            Channel mine = client.channel("board:1");
            for (int n = 0; n < kWrites; ++n) {
                (void)mine.counter("votes").add(1);
                (void)mine.transact([&](Tx& tx) {
                    tx.field("of" + std::to_string(i)).set(n);
                    tx.counter("both").add(1);
                });
                EXPECT_EQ(mine.field("of" + std::to_string(i)).value(), Value(n));
            }
        });
    for (std::thread& one : threads)
        one.join();
    EXPECT_EQ(board.counter("votes").value(), kThreads * kWrites);
    EXPECT_EQ(board.counter("both").value(), kThreads * kWrites);
    EXPECT_EQ(board.status().pending, 2u * kThreads * kWrites);
    EXPECT_FALSE(board.status().online);
}

TEST(OwnThread, CallsBackOnItAndDoesNotWaitThere) {
    Client client = open({.own_thread = true});
    Channel board = client.channel("board:1");
    std::mutex mutex;
    std::optional<std::thread::id> called_on;
    std::string waited;
    auto on_change = board.on_change([&](const Change& change) {
        if (change.path != "title") return;
        auto write = board.counter("votes").add(1);
        const auto decided = write.wait(1s);
        const std::lock_guard lock(mutex);
        called_on = std::this_thread::get_id();
        waited = decided ? "" : decided.error().code();
    });
    (void)board.field("title").set("Plan");
    // The write's own callbacks are made before it returns.
    const std::lock_guard lock(mutex);
    ASSERT_TRUE(called_on);
    EXPECT_NE(*called_on, std::this_thread::get_id());
    EXPECT_EQ(waited, "would_block");
    EXPECT_EQ(board.counter("votes").value(), 1);
}

TEST(OwnThread, WaitsEndInTime) {
    Client client = open({.own_thread = true});
    Channel board = client.channel("board:1");
    auto write = board.field("title").set("Plan");
    const auto decided = write.wait(20ms);
    ASSERT_FALSE(decided);
    EXPECT_EQ(decided.error().code(), "timed_out");
    const auto ready = board.wait_ready(20ms);
    ASSERT_FALSE(ready);
    EXPECT_EQ(ready.error().code(), "timed_out");
    const auto past = board.past(50ms).at(1);
    ASSERT_FALSE(past);
    EXPECT_FALSE(past.error().code().empty());
    EXPECT_EQ(client.fd(), -1);
    client.poll();
}

// While others write, subscriptions come and go: none is told after it has ended.
TEST(OwnThread, EndedSubscriptionsAreNotTold) {
    Client client = open({.own_thread = true});
    Channel board = client.channel("board:1");
    std::atomic<bool> is_over{false};
    std::thread writer([&] {
        while (!is_over)
            (void)board.counter("votes").add(1);
    });
    for (int i = 0; i < 50; ++i) {
        auto is_alive = std::make_unique<std::atomic<bool>>(true);
        std::atomic<int> calls{0};
        {
            auto on_change = board.on_change([&](const Change&) {
                EXPECT_TRUE(is_alive->load());
                ++calls;
            });
            while (calls == 0)
                std::this_thread::yield();
        }
        is_alive.reset();
    }
    is_over = true;
    writer.join();
}

TEST(OwnThread, ACallbackMayEndItself) {
    Client client = open({.own_thread = true});
    Channel board = client.channel("board:1");
    std::atomic<int> calls{0};
    Subscription once;
    once = board.on_change([&](const Change&) {
        ++calls;
        once = Subscription();
    });
    (void)board.field("title").set("one");
    (void)board.field("title").set("two");
    EXPECT_EQ(calls, 1);
}

TEST(OwnThread, ADispatcherGetsCallbacksInOrder) {
    std::mutex mutex;
    std::vector<std::function<void()>> queue;
    std::vector<uint64_t> pending;
    {
        Client client = open({.own_thread = true, .dispatch = [&](std::function<void()> call) {
                                  const std::lock_guard lock(mutex);
                                  queue.push_back(std::move(call));
                              }});
        Channel board = client.channel("board:1");
        auto on_status =
            board.on_status([&](const Status& status) { pending.push_back(status.pending); });
        for (int i = 0; i < 3; ++i)
            (void)board.counter("votes").add(1);
        EXPECT_TRUE(pending.empty());
        std::vector<std::function<void()>> due;
        {
            const std::lock_guard lock(mutex);
            due.swap(queue);
        }
        for (const auto& call : due)
            call();
        EXPECT_FALSE(pending.empty());
        EXPECT_TRUE(std::is_sorted(pending.begin(), pending.end()));
        EXPECT_EQ(pending.back(), 3u);
        (void)board.counter("votes").add(1);
    }
    // Those that come after the client do nothing.
    const size_t told = pending.size();
    for (const auto& call : queue)
        call();
    EXPECT_EQ(pending.size(), told);
}

TEST(OwnThread, RunWaitsForStop) {
    Client client = open({.own_thread = true});
    Channel board = client.channel("board:1");
    std::atomic<bool> is_stopping{false};
    std::thread stopper([&] {
        (void)board.counter("votes").add(1);
        is_stopping = true;
        client.stop();
    });
    client.run();
    EXPECT_TRUE(is_stopping);
    stopper.join();
    EXPECT_EQ(board.counter("votes").value(), 1);
}

TEST(OneThread, MayChangeBetweenCalls) {
    Client client = open({});
    Channel board = client.channel("board:1");
    std::thread([&] { (void)board.counter("votes").add(1); }).join();
    EXPECT_EQ(board.counter("votes").value(), 1);
}

TEST(OneThreadDeathTest, TwoAtOnceEndTheProcess) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(
        {
            Client client = open({});
            Channel board = client.channel("board:1");
            std::atomic<bool> is_running{false};
            auto on_change = board.on_change([&](const Change&) {
                is_running = true;
                // Never ends, so that the other one comes while this one is in the client.
                while (true)
                    std::this_thread::yield();
            });
            std::thread runner([&] { (void)board.counter("votes").add(1); });
            while (!is_running)
                std::this_thread::yield();
            (void)board.counter("votes").value();
            runner.join();
        },
        "one thread at a time");
}

// Without a server, too: what is wrong with a write is said at once.
TEST(Writes, AreJudgedBeforeTheyAreKept) {
    Client client = open({});
    Channel board = client.channel("board:1");
    auto infinite = board.field("title").set(1.0 / 0.0);
    EXPECT_FALSE(infinite.wait(0ms));
    auto beyond = board.counter("votes").add(int64_t{1} << 60);
    EXPECT_FALSE(beyond.wait(0ms));
    auto nowhere = board.field("a//b").set(1);
    EXPECT_FALSE(nowhere.wait(0ms));
    EXPECT_EQ(board.status().pending, 0u);
}

TEST(Writes, TellWhetherTheyWereMade) {
    Client client = open({});
    Channel board = client.channel("board:1");
    Write never;
    const auto nothing = never.wait(0ms);
    ASSERT_FALSE(nothing);
    EXPECT_EQ(nothing.error().code(), "invalid_argument");
    const ItemId item = board.list("cards").insert({{"text", "x"}}, Place::last(), &never);
    EXPECT_FALSE(item.id.empty());
    EXPECT_EQ(never.wait(0ms).error().code(), "timed_out");
    EXPECT_TRUE(board.list("a//b").insert({}, Place::last(), &never).id.empty());
    EXPECT_EQ(never.wait(0ms).error().code(), "bad_path");
}

TEST(Values, AreEqualWhateverTheOrderOfMembers) {
    EXPECT_EQ(Value({{"a", 1}, {"b", true}}), Value({{"b", true}, {"a", 1}}));
    EXPECT_FALSE(Value({{"a", 1}}) == Value({{"a", 2}}));
    EXPECT_FALSE(Value(1) == Value("1"));
    EXPECT_EQ(Value(), Value());
}

}  // namespace
}  // namespace tandem
