#include "hooks/dispatcher.hpp"

#include <gtest/gtest.h>

#include <random>

namespace tandem::hooks {
namespace {

class SeededEntropy final : public port::Entropy {
  public:
    explicit SeededEntropy(uint64_t seed = 1) : random_(seed) {}
    uint64_t next() override { return random_(); }

  private:
    std::mt19937_64 random_;
};

HookPolicy policy_of(std::string name, std::vector<std::string> channels = {"*"}) {
    HookPolicy policy;
    policy.name = std::move(name);
    policy.channels = std::move(channels);
    policy.gather_ms = 0;
    policy.retry_min_ms = 1'000;
    policy.retry_max_ms = 60'000;
    return policy;
}

Outcome failed(Outcome::Fault fault = Outcome::Fault::answered, uint64_t retry_after_ms = 0) {
    Outcome outcome;
    outcome.kind = Outcome::Kind::failed;
    outcome.fault = fault;
    outcome.retry_after_ms = retry_after_ms;
    return outcome;
}

Outcome delivered(uint64_t seq, bool has_more = false) {
    Outcome outcome;
    outcome.kind = Outcome::Kind::delivered;
    outcome.at = port::HookPosition{7, seq};
    outcome.has_more = has_more;
    return outcome;
}

TEST(Hook, PatternsHaveStarsAndScopesAreRead) {
    EXPECT_TRUE(matches("board:*", "board:42"));
    EXPECT_TRUE(matches("*:a*z", "board:abcz"));
    EXPECT_TRUE(matches("*", ""));
    EXPECT_FALSE(matches("board:*", "task:1"));
    EXPECT_FALSE(matches("board:4", "board:42"));
    HookPolicy policy = policy_of("crm", {"a:*", "b:1"});
    policy.streams = {Stream::changes, Stream::presence};
    const std::string scope = policy.scope();
    EXPECT_TRUE(scope_covers(scope, Stream::changes, "b:1"));
    EXPECT_TRUE(scope_covers(scope, Stream::presence, "a:9"));
    EXPECT_FALSE(scope_covers(scope, Stream::conflicts, "a:9"));
    EXPECT_FALSE(scope_covers(scope, Stream::changes, "b:2"));
    EXPECT_FALSE(scope_covers("", Stream::changes, "b:2"));
}

TEST(Dispatcher, AStreamHasOneDeliveryAtATimeAndGoesOnFromItsCursor) {
    SeededEntropy entropy;
    Dispatcher dispatcher({policy_of("crm", {"a:*"})}, entropy);
    dispatcher.note(0, Stream::changes, "b:1");
    EXPECT_FALSE(dispatcher.next_task(0).has_value());
    dispatcher.note(0, Stream::changes, "a:1");
    dispatcher.note(0, Stream::presence, "a:1");
    const auto first = dispatcher.next_task(0);
    ASSERT_TRUE(first.has_value());
    EXPECT_FALSE(first->from.has_value());
    dispatcher.note(1, Stream::changes, "a:1");
    EXPECT_FALSE(dispatcher.next_task(1).has_value());
    dispatcher.finish(2, first->id, delivered(5));
    const auto second = dispatcher.next_task(2);
    ASSERT_TRUE(second.has_value());
    EXPECT_EQ(second->from, (port::HookPosition{7, 5}));
    dispatcher.finish(3, second->id, delivered(9, true));
    const auto third = dispatcher.next_task(3);
    ASSERT_TRUE(third.has_value());
    EXPECT_EQ(third->from, (port::HookPosition{7, 9}));
    dispatcher.finish(4, third->id, {});
    EXPECT_EQ(dispatcher.next_due_ms(), UINT64_MAX);
    EXPECT_EQ(dispatcher.state(0).delivered, 2u);
}

TEST(Dispatcher, NewsWaitForMore) {
    SeededEntropy entropy;
    HookPolicy policy = policy_of("crm");
    policy.gather_ms = 200;
    Dispatcher dispatcher({policy}, entropy);
    dispatcher.note(1'000, Stream::changes, "a:1");
    dispatcher.note(1'150, Stream::changes, "a:1");
    EXPECT_EQ(dispatcher.next_due_ms(), 1'200u);
    EXPECT_FALSE(dispatcher.next_task(1'199).has_value());
    EXPECT_TRUE(dispatcher.next_task(1'200).has_value());
}

TEST(Dispatcher, FailuresWaitTwiceAsLongEachTimeUpToAMaximumAndForEver) {
    SeededEntropy entropy;
    Dispatcher dispatcher({policy_of("crm")}, entropy);
    dispatcher.note(0, Stream::changes, "a:1");
    uint64_t now_ms = 0;
    uint64_t expected_ms = 1'000;
    for (int attempt = 1; attempt <= 100; ++attempt) {
        const auto task = dispatcher.next_task(now_ms);
        ASSERT_TRUE(task.has_value()) << attempt;
        dispatcher.finish(now_ms, task->id, failed());
        const uint64_t due_ms = dispatcher.next_due_ms();
        EXPECT_GE(due_ms - now_ms, expected_ms / 2) << attempt;
        EXPECT_LE(due_ms - now_ms, expected_ms) << attempt;
        EXPECT_FALSE(dispatcher.next_task(due_ms - 1).has_value());
        now_ms = due_ms;
        expected_ms = std::min<uint64_t>(2 * expected_ms, 60'000);
    }
    const auto task = dispatcher.next_task(now_ms);
    dispatcher.finish(now_ms, task->id, delivered(1));
    EXPECT_EQ(dispatcher.next_due_ms(), UINT64_MAX);
    EXPECT_EQ(dispatcher.state(0).failed, 100u);
}

TEST(Dispatcher, AFailingChannelHoldsBackNoOther) {
    SeededEntropy entropy;
    HookPolicy policy = policy_of("crm");
    policy.connections_max = 1;
    Dispatcher dispatcher({policy}, entropy);
    dispatcher.note(0, Stream::changes, "a:1");
    dispatcher.note(0, Stream::changes, "a:2");
    auto task = dispatcher.next_task(0);
    ASSERT_TRUE(task.has_value());
    EXPECT_EQ(task->what.channel, "a:1");
    EXPECT_FALSE(dispatcher.next_task(0).has_value());
    dispatcher.finish(0, task->id, failed());
    task = dispatcher.next_task(0);
    ASSERT_TRUE(task.has_value());
    EXPECT_EQ(task->what.channel, "a:2");
    dispatcher.finish(0, task->id, delivered(1));
    EXPECT_EQ(dispatcher.behind(0), 1u);
    EXPECT_EQ(dispatcher.streams(0, 9).front().attempts, 1u);
}

TEST(Dispatcher, AReceiverThatIsAwayIsAskedOnceAtATimeAndOthersGoOn) {
    SeededEntropy entropy;
    Dispatcher dispatcher({policy_of("dead"), policy_of("well")}, entropy);
    for (int i = 0; i < 20; ++i)
        dispatcher.note(0, Stream::changes, "a:" + std::to_string(i));
    std::vector<Task> dead;
    std::vector<Task> well;
    while (const auto task = dispatcher.next_task(0))
        (task->what.hook == 0 ? dead : well).push_back(*task);
    EXPECT_EQ(dead.size(), 4u);
    EXPECT_EQ(well.size(), 4u);
    for (const Task& task : dead)
        dispatcher.finish(0, task.id, failed(Outcome::Fault::unreachable));
    size_t count = well.size();
    for (size_t i = 0; i < well.size(); ++i) {
        dispatcher.finish(0, well[i].id, delivered(1));
        while (const auto task = dispatcher.next_task(0)) {
            ASSERT_EQ(task->what.hook, 1u);
            well.push_back(*task);
            ++count;
        }
    }
    EXPECT_EQ(count, 20u);
    const uint64_t due_ms = dispatcher.next_due_ms();
    EXPECT_GE(due_ms, 500u);
    const auto probe = dispatcher.next_task(due_ms);
    ASSERT_TRUE(probe.has_value());
    EXPECT_FALSE(dispatcher.next_task(due_ms + 100'000).has_value());
    // Once it answers, all that waited for it goes on at once.
    dispatcher.finish(due_ms, probe->id, delivered(1));
    size_t under_way = 0;
    while (dispatcher.next_task(due_ms))
        ++under_way;
    EXPECT_EQ(under_way, 4u);
}

TEST(Dispatcher, RetryAfterHoldsTheWholeWebhook) {
    SeededEntropy entropy;
    Dispatcher dispatcher({policy_of("crm")}, entropy);
    dispatcher.note(0, Stream::changes, "a:1");
    const auto task = dispatcher.next_task(0);
    dispatcher.finish(0, task->id, failed(Outcome::Fault::answered, 30'000));
    dispatcher.note(10, Stream::changes, "a:2");
    EXPECT_FALSE(dispatcher.next_task(29'999).has_value());
    EXPECT_EQ(dispatcher.next_due_ms(), 30'000u);
    EXPECT_TRUE(dispatcher.next_task(30'000).has_value());
    EXPECT_TRUE(dispatcher.next_task(30'000).has_value());
}

TEST(Dispatcher, GoneDisablesUntilItIsEnabledWhichScans) {
    SeededEntropy entropy;
    Dispatcher dispatcher({policy_of("crm")}, entropy);
    EXPECT_EQ(dispatcher.next_scan(), 0u);
    dispatcher.finish_scan(0);
    for (const char* channel : {"a:1", "a:2"})
        dispatcher.note(0, Stream::changes, channel);
    const auto task = dispatcher.next_task(0);
    Outcome gone;
    gone.kind = Outcome::Kind::gone;
    gone.status = 410;
    dispatcher.finish(0, task->id, gone);
    EXPECT_TRUE(dispatcher.state(0).is_disabled);
    dispatcher.note(1, Stream::changes, "a:3");
    EXPECT_EQ(dispatcher.next_due_ms(), UINT64_MAX);
    EXPECT_EQ(dispatcher.behind(0), 0u);
    EXPECT_FALSE(dispatcher.next_scan().has_value());
    dispatcher.enable(0);
    EXPECT_EQ(dispatcher.next_scan(), 0u);
}

TEST(Dispatcher, CursorsAreSavedAndOnlyThenForgotten) {
    SeededEntropy entropy;
    Dispatcher dispatcher({policy_of("crm")}, entropy);
    dispatcher.note(0, Stream::changes, "a:1");
    auto task = dispatcher.next_task(0);
    dispatcher.finish(0, task->id, delivered(5));
    ASSERT_TRUE(dispatcher.has_cursors());
    auto cursors = dispatcher.take_cursors(10);
    ASSERT_EQ(cursors.size(), 1u);
    EXPECT_EQ(cursors[0].hook, "crm");
    EXPECT_EQ(cursors[0].at, (port::HookPosition{7, 5}));
    // It moves on while the store writes.
    dispatcher.note(1, Stream::changes, "a:1");
    task = dispatcher.next_task(1);
    EXPECT_EQ(task->from, (port::HookPosition{7, 5}));
    dispatcher.finish(1, task->id, delivered(8));
    EXPECT_TRUE(dispatcher.take_cursors(10).empty());
    dispatcher.cursors_saved(Dispatcher::Saved::yes);
    cursors = dispatcher.take_cursors(10);
    ASSERT_EQ(cursors.size(), 1u);
    EXPECT_EQ(cursors[0].at.seq, 8u);
    dispatcher.cursors_saved(Dispatcher::Saved::no);
    cursors = dispatcher.take_cursors(10);
    ASSERT_EQ(cursors.size(), 1u);
    dispatcher.cursors_saved(Dispatcher::Saved::yes);
    EXPECT_FALSE(dispatcher.has_cursors());
    // From here on the store's cursor is the one.
    dispatcher.note(2, Stream::changes, "a:1");
    EXPECT_FALSE(dispatcher.next_task(2)->from.has_value());
}

TEST(Dispatcher, TooManyStreamsAreLeftToALaterScan) {
    SeededEntropy entropy;
    DispatcherLimits limits;
    limits.streams_per_hook_max = 10;
    Dispatcher dispatcher({policy_of("crm")}, entropy, limits);
    EXPECT_EQ(dispatcher.next_scan(), 0u);
    dispatcher.finish_scan(0);
    for (int i = 0; i < 30; ++i)
        dispatcher.note(0, Stream::changes, "a:" + std::to_string(i));
    EXPECT_EQ(dispatcher.behind(0), 10u);
    EXPECT_FALSE(dispatcher.next_scan().has_value());
    for (int i = 0; i < 5; ++i)
        dispatcher.finish(0, dispatcher.next_task(0)->id, {});
    EXPECT_EQ(dispatcher.next_scan(), 0u);
    EXPECT_TRUE(dispatcher.note_behind(0, {0, Stream::changes, "a:11"}));
}

TEST(Dispatcher, PresenceIsGivenUp) {
    SeededEntropy entropy;
    HookPolicy policy = policy_of("crm");
    policy.streams = {Stream::presence};
    Dispatcher dispatcher({policy}, entropy);
    dispatcher.note(0, Stream::presence, "a:1");
    uint64_t now_ms = 0;
    for (int i = 0; i < 5; ++i) {
        now_ms = dispatcher.next_due_ms();
        ASSERT_NE(now_ms, UINT64_MAX);
        dispatcher.finish(now_ms, dispatcher.next_task(now_ms)->id, failed());
    }
    EXPECT_EQ(dispatcher.next_due_ms(), UINT64_MAX);
    EXPECT_EQ(dispatcher.state(0).dropped, 1u);
    EXPECT_FALSE(dispatcher.has_cursors());
}

// A model of logs and a store with a cursor table: whatever fails, whenever the process dies,
// each stream is told all of its log, in order, and never from behind what it skipped.
TEST(Dispatcher, EveryEntryIsToldInOrderThroughFailuresAndCrashes) {
    for (uint64_t seed = 1; seed <= 200; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937_64 random(seed);
        const auto below = [&](uint64_t bound) { return random() % bound; };
        SeededEntropy entropy(seed);
        DispatcherLimits limits;
        limits.streams_per_hook_max = 3;
        std::map<std::string, uint64_t> heads;
        std::map<std::string, uint64_t> stored;
        std::map<std::string, uint64_t> told;
        uint64_t now_ms = 0;
        const auto start = [&] {
            return std::make_unique<Dispatcher>(std::vector{policy_of("crm")}, entropy, limits);
        };
        auto dispatcher = start();
        std::vector<std::pair<Task, uint64_t>> running;
        std::vector<port::StoredHookCursor> saving;
        const auto turn = [&](bool is_calm) {
            if (!is_calm && below(60) == 0) {
                dispatcher = start();
                running.clear();
                saving.clear();
            }
            if (!is_calm && below(2) == 0) {
                const std::string channel = "a:" + std::to_string(below(8));
                heads[channel] += 1 + below(3);
                dispatcher->note(now_ms, Stream::changes, channel);
            }
            if (dispatcher->next_scan()) {
                for (const auto& [channel, head] : heads)
                    if (stored[channel] < head &&
                        !dispatcher->note_behind(now_ms, {0, Stream::changes, channel}))
                        break;
                dispatcher->finish_scan(0);
            }
            while (const auto task = dispatcher->next_task(now_ms)) {
                const std::string& channel = task->what.channel;
                const uint64_t from = task->from ? task->from->seq : stored[channel];
                EXPECT_LE(from, told[channel]);
                running.emplace_back(*task, from);
            }
            if (!running.empty() && (is_calm || below(2) == 0)) {
                const auto [task, from] = running.front();
                running.erase(running.begin());
                const std::string& channel = task.what.channel;
                if (from == heads[channel]) {
                    dispatcher->finish(now_ms, task.id, {});
                } else if (!is_calm && below(3) == 0) {
                    dispatcher->finish(now_ms, task.id,
                                       failed(below(2) == 0 ? Outcome::Fault::unreachable
                                                            : Outcome::Fault::answered,
                                              below(4) == 0 ? 5'000 : 0));
                } else {
                    const uint64_t to = std::min(from + 1 + below(3), heads[channel]);
                    told[channel] = std::max(told[channel], to);
                    dispatcher->finish(now_ms, task.id, delivered(to, to < heads[channel]));
                }
            }
            if (!saving.empty() && below(2) == 0) {
                const bool is_saved = is_calm || below(4) != 0;
                if (is_saved)
                    for (const auto& cursor : saving)
                        stored[cursor.channel] = cursor.at.seq;
                saving.clear();
                dispatcher->cursors_saved(is_saved ? Dispatcher::Saved::yes
                                                   : Dispatcher::Saved::no);
            } else if (saving.empty() && dispatcher->has_cursors()) {
                saving = dispatcher->take_cursors(2);
            }
            now_ms += below(is_calm ? 20'000 : 1'000);
        };
        for (int i = 0; i < 400; ++i)
            turn(false);
        for (int i = 0; i < 2'000; ++i)
            turn(true);
        EXPECT_EQ(told, heads);
        EXPECT_EQ(dispatcher->behind(0), 0u);
        EXPECT_FALSE(dispatcher->has_cursors());
    }
}

}  // namespace
}  // namespace tandem::hooks
