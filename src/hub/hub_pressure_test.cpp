#include <algorithm>

#include "product/hub_rig.hpp"

// What is given up, refused and cut when memory is short.
namespace tandem::hub {
namespace {

using namespace testing;

TEST(Pressure, CachesAreGivenUpAndReadersGoOn) {
    Rig rig;
    const auto ann = rig.open();
    const auto bob = rig.open();
    rig.send(bob, subscribe("t:a"));
    Follower follower;
    wire::Subscribed answer;
    rig.settle();
    answer.handle = rig.hub->find_channel("t:a")->handle();
    follower.take(answer);
    follower.take(rig.take(bob));
    for (uint64_t i = 1; i <= 100; ++i) {
        rig.send(ann, set("t:a", kAnn, i, "x" + std::to_string(i % 10), std::to_string(i)));
        rig.settle();
    }
    const Group& whole = rig.hub->find_channel("t:a")->whole();
    ASSERT_GT(whole.live.size(), 50u);
    rig.hub->relieve(rig.now, Pressure::high);
    EXPECT_LE(whole.live.size(), 8u);
    // Who was behind what is left gets a difference.
    follower.take(rig.take(bob));
    EXPECT_EQ(follower.shown(), rig.shown("t:a"));
    // And writes go on.
    rig.send(ann, set("t:a", kAnn, 101, "x0", "0"));
    rig.settle();
    follower.take(rig.take(bob));
    EXPECT_EQ(follower.shown(), rig.shown("t:a"));
}

TEST(Pressure, ChannelsThatNobodyUsesLeaveAtOnceAndComeBackWhole) {
    Rig rig;
    const auto ann = rig.open();
    for (int i = 0; i < 10; ++i)
        rig.send(ann, set("t:" + std::to_string(i), kAnn, 1, "x", std::to_string(i)));
    rig.settle();
    const auto bob = rig.open();
    rig.send(bob, subscribe("t:3"));
    rig.settle();
    // What is not in a snapshot yet is written into one first, a few at a time.
    for (size_t i = 1; i <= 4; ++i) {
        rig.hub->relieve(rig.now, Pressure::high);
        rig.settle();
        EXPECT_LE(rig.store.snapshots, 4 * i);
    }
    EXPECT_EQ(rig.hub->stats().channels, 1u);
    EXPECT_NE(rig.hub->find_channel("t:3"), nullptr);
    rig.hub->relieve(rig.now, Pressure::none);
    rig.send(bob, subscribe("t:7"));
    rig.settle();
    EXPECT_EQ(rig.shown("t:7"), R"({"x":7})");
}

TEST(Pressure, CriticalRefusesLoadsAndWritesForAWhile) {
    Rig rig;
    const auto ann = rig.open();
    rig.send(ann, set("t:a", kAnn, 1, "x", "1"));
    rig.frames(ann);
    rig.hub->relieve(rig.now, Pressure::critical);
    const auto refusal_of = [&](const wire::ClientFrame& frame) {
        rig.send(ann, frame);
        const auto frames = rig.frames(ann);
        EXPECT_EQ(frames.size(), 1u);
        return std::get<wire::ErrorFrame>(frames.at(0));
    };
    for (const auto& refused :
         {refusal_of(set("t:a", kAnn, 2, "x", "2")), refusal_of(subscribe("t:elsewhere"))}) {
        EXPECT_EQ(refused.code, "overloaded");
        EXPECT_TRUE(refused.temporary);
        EXPECT_GT(refused.retry_after_ms, 0u);
    }
    rig.hub->relieve(rig.now, Pressure::none);
    rig.send(ann, set("t:a", kAnn, 2, "x", "2"));
    const auto frames = rig.frames(ann);
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(std::get<wire::Ack>(frames[0]).seq, 2u) << "under the same counter";
}

TEST(Pressure, WritesUnderWayAreAcknowledgedAll) {
    Rig rig;
    const auto ann = rig.open();
    rig.send(ann, set("t:a", kAnn, 1, "x", "1"));
    rig.frames(ann);
    for (uint64_t i = 2; i <= 20; ++i)
        rig.send(ann, set("t:a", kAnn, i, "x", std::to_string(i)));
    rig.hub->relieve(rig.now, Pressure::critical);
    size_t acks = 0;
    for (const auto& frame : rig.frames(ann))
        acks += std::holds_alternative<wire::Ack>(frame) ? 1 : 0;
    EXPECT_EQ(acks, 19u);
}

TEST(Pressure, HoldersAreFoundAndCut) {
    Rig rig;
    const auto ann = rig.open();
    const auto bob = rig.open();
    for (int i = 0; i < 10'000; ++i)
        rig.send(ann, wire::Ping{static_cast<uint64_t>(i)});
    rig.send(bob, wire::Ping{1});
    std::vector<std::pair<size_t, ConnectionId>> holders;
    rig.hub->find_holders(10'000, holders);
    ASSERT_EQ(holders.size(), 1u);
    EXPECT_EQ(holders[0].second, ann);
    EXPECT_EQ(holders[0].first, rig.hub->held_bytes(ann));
    rig.hub->count_held();
    EXPECT_EQ(rig.hub->stats().held.answers, holders[0].first + rig.hub->held_bytes(bob));
    rig.hub->shed(rig.now, ann);
    std::vector<ConnectionId> closing;
    rig.hub->take_closing(closing);
    EXPECT_EQ(closing, std::vector<ConnectionId>{ann});
    EXPECT_EQ(rig.hub->held_bytes(ann), 0u);
    EXPECT_EQ(rig.hub->stats().shed_connections, 1u);
}

}  // namespace
}  // namespace tandem::hub
