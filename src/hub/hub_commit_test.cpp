#include "product/hub_rig.hpp"

// From a push to the disk: batches, what is visible when, and what becomes of failures.
namespace tandem::hub {
namespace {

using namespace testing;

TEST(Commit, PushesOfOneTurnShareOneAppend) {
    Rig rig;
    const auto ann = rig.open();
    for (const char* channel : {"t:a", "t:b", "t:c"})
        rig.send(ann, set(channel, kAnn, 1, "x", "1"));
    rig.settle();
    rig.store.appends.clear();
    for (uint64_t i = 2; i <= 11; ++i)
        for (const char* channel : {"t:a", "t:b", "t:c"})
            rig.send(ann, set(channel, kAnn, i, "x", "1"));
    EXPECT_TRUE(rig.store.appends.empty()) << "only at the end of the turn";
    rig.turn();
    ASSERT_EQ(rig.store.appends.size(), 1u);
    ASSERT_EQ(rig.store.appends[0].channels.size(), 3u);
    EXPECT_EQ(rig.store.appends[0].channels[0].entries.size(), 10u);
    rig.settle();
    EXPECT_EQ(rig.store.appends.size(), 1u);
    EXPECT_EQ(rig.head("t:b"), 11u);
}

TEST(Commit, WhatComesDuringAnAppendSharesTheNext) {
    Rig rig;
    const auto ann = rig.open();
    rig.send(ann, set("t:a", kAnn, 1, "x", "1"));
    rig.settle();
    rig.store.appends.clear();
    rig.store.is_held = true;
    for (uint64_t i = 2; i <= 9; ++i) {
        rig.send(ann, set("t:a", kAnn, i, "x", "1"));
        rig.turn();
    }
    EXPECT_EQ(rig.store.appends.size(), 1u);
    rig.store.is_held = false;
    rig.settle();
    ASSERT_EQ(rig.store.appends.size(), 2u);
    EXPECT_EQ(rig.store.appends[1].channels[0].entries.size(), 7u);
    EXPECT_EQ(rig.head("t:a"), 9u);
}

TEST(Commit, ABatchIsBounded) {
    Config config = test_config();
    config.limits.entries_per_commit_max = 4;
    Rig rig(config);
    const auto ann = rig.open();
    for (const char* channel : {"t:a", "t:b"})
        for (uint64_t i = 1; i <= 5; ++i)
            rig.send(ann, set(channel, kAnn, i, "x", "1"));
    rig.settle();
    for (const auto& append : rig.store.appends) {
        size_t entries = 0;
        for (const auto& channel : append.channels)
            entries += channel.entries.size();
        EXPECT_LE(entries, 4u);
    }
    EXPECT_EQ(rig.head("t:a"), 5u);
    EXPECT_EQ(rig.head("t:b"), 5u);
}

TEST(Commit, NothingIsVisibleBeforeTheDiskHasIt) {
    Rig rig;
    const auto ann = rig.open();
    const auto bob = rig.open();
    const auto tool = rig.open(Codec::json);
    rig.send(bob, subscribe("t:a"));
    rig.send(tool, R"({"subscribe":{"channel":"t:a"}})");
    rig.frames(bob);
    rig.values(tool);
    rig.store.is_held = true;
    rig.send(ann, set("t:a", kAnn, 1, "x", "1"));
    rig.turn();
    rig.hub->request(rig.now, 1, GetRecord{"t:a", ""});
    EXPECT_TRUE(rig.frames(ann).empty());
    EXPECT_TRUE(rig.frames(bob).empty());
    EXPECT_TRUE(rig.values(tool).empty());
    EXPECT_EQ(rig.shown("t:a"), "{}");
    EXPECT_EQ(rig.reply().seq, 0u);
    const auto late = rig.open();
    rig.send(late, subscribe("t:a"));
    EXPECT_EQ(rig.only<wire::Subscribed>(late).head, 0u);
    rig.store.is_held = false;
    EXPECT_EQ(rig.only<wire::Ack>(ann).seq, 1u);
    EXPECT_EQ(rig.only<wire::Delivery>(bob).to, 1u);
    EXPECT_EQ(rig.values(tool).size(), 1u);
}

TEST(Commit, AFullDiskRefusesForNowAndGoesOnAfterwards) {
    Rig rig;
    const auto ann = rig.open();
    rig.send(ann, set("t:a", kAnn, 1, "x", "1"));
    rig.frames(ann);
    rig.store.is_held = true;
    rig.send(ann, set("t:a", kAnn, 2, "x", "2"));
    rig.turn();
    rig.send(ann, set("t:a", kAnn, 3, "x", "3"));
    rig.store.append_error = base::fail(base::ErrorCode::storage_full);
    rig.store.is_held = false;
    const auto errors = rig.all<wire::ErrorFrame>(ann);
    ASSERT_EQ(errors.size(), 2u) << "what was to follow is refused with it";
    EXPECT_EQ(errors[0].code, "storage_full");
    EXPECT_EQ(errors[0].counter, 2u);
    EXPECT_TRUE(errors[0].temporary);
    EXPECT_EQ(errors[1].counter, 3u);
    EXPECT_EQ(rig.shown("t:a"), R"({"x":1})");
    rig.send(ann, set("t:a", kAnn, 2, "x", "2"));
    rig.send(ann, set("t:a", kAnn, 3, "x", "3"));
    const auto acks = rig.all<wire::Ack>(ann);
    ASSERT_EQ(acks.size(), 2u);
    EXPECT_EQ(acks[0].seq, 2u);
    EXPECT_FALSE(rig.hub->has_failed());
    rig.restart();
    const auto again = rig.open();
    rig.send(again, subscribe("t:a"));
    rig.frames(again);
    EXPECT_EQ(rig.shown("t:a"), R"({"x":3})") << "the checks on disk fit together";
}

TEST(Commit, AFailedAppendLetsWaitingPushesGoOn) {
    Rig rig;
    const auto ann = rig.open();
    rig.send(ann, set("t:a", kAnn, 1, "stock", "1"));
    rig.frames(ann);
    rig.store.is_held = true;
    rig.send(ann, set("t:a", kAnn, 2, "stock", "2", 1));
    rig.turn();
    wire::Push condition = set("t:a", kBob, 1, "stock", "0", 1);
    condition.if_unchanged = {"stock"};
    rig.send(ann, condition);
    rig.store.append_error = base::fail(base::ErrorCode::storage_full);
    rig.store.is_held = false;
    EXPECT_EQ(rig.only<wire::Ack>(ann).actor, kBob);
    EXPECT_EQ(rig.shown("t:a"), R"({"stock":0})");
}

TEST(Commit, AFailedStoreRefusesEverybodyForNow) {
    Rig rig;
    const auto ann = rig.open();
    rig.send(ann, set("t:a", kAnn, 1, "x", "1"));
    rig.send(ann, set("t:b", kAnn, 1, "x", "1"));
    rig.frames(ann);
    rig.store.is_held = true;
    rig.send(ann, set("t:a", kAnn, 2, "x", "2"));
    rig.turn();
    rig.send(ann, set("t:b", kAnn, 2, "x", "2"));
    wire::Push condition = set("t:a", kBob, 1, "x", "0", 1);
    condition.if_unchanged = {"x"};
    rig.send(ann, condition);
    rig.store.memory.fail_next_append(base::fail(base::ErrorCode::io_failed));
    rig.store.is_held = false;
    const auto errors = rig.all<wire::ErrorFrame>(ann);
    ASSERT_EQ(errors.size(), 3u);
    for (const auto& error : errors) {
        EXPECT_EQ(error.code, "unavailable");
        EXPECT_TRUE(error.temporary) << "a client must not give its push up";
    }
    EXPECT_TRUE(rig.hub->has_failed());
    EXPECT_TRUE(rig.hub->is_idle());
    LogLine line;
    bool is_alarm = false;
    while (rig.hub->poll_log(line))
        is_alarm |= line.is_alarm;
    EXPECT_TRUE(is_alarm);
    rig.send(ann, set("t:a", kAnn, 2, "x", "2"));
    EXPECT_EQ(rig.error(ann), "unavailable");
    EXPECT_EQ(rig.shown("t:a"), R"({"x":1})");
}

TEST(Commit, SnapshotsAreTakenAndTheLogIsTrimmed) {
    Config config = test_config();
    config.retention.entries = 10;
    config.retention.snapshot_every_entries = 5;
    Rig rig(config);
    const auto ann = rig.open();
    for (uint64_t i = 1; i <= 60; ++i) {
        rig.send(ann, set("t:a", kAnn, i, "x" + std::to_string(i % 3), std::to_string(i)));
        rig.settle();
    }
    EXPECT_GE(rig.hub->stats().snapshots, 10u);
    const Channel* channel = rig.hub->find_channel("t:a");
    EXPECT_GE(channel->floor(), 30u);
    EXPECT_GE(channel->oldest_seq(), 20u);
    EXPECT_LE(channel->entries_since_snapshot(), 6u);
    const std::string shown = rig.shown("t:a");
    const std::string hash = channel->document().hash();
    const uint64_t head = channel->head();
    rig.restart();
    const auto bob = rig.open();
    rig.send(bob, subscribe("t:a"));
    Follower follower;
    for (const auto& frame : rig.frames(bob))
        follower.take(frame);
    EXPECT_EQ(rig.shown("t:a"), shown);
    EXPECT_EQ(rig.hub->find_channel("t:a")->document().hash(), hash);
    EXPECT_EQ(follower.shown(), shown);
    EXPECT_EQ(follower.cursor, head);
    rig.send(bob, set("t:a", kAnn, 60, "x0", "60"));
    EXPECT_TRUE(rig.only<wire::Ack>(bob).duplicate) << "counters are in the snapshot";
}

TEST(Commit, AColdChannelLeavesMemoryAndComesBackTheSame) {
    Rig rig;
    const auto ann = rig.open();
    rig.send(ann, set("t:a", kAnn, 1, "x", "1"));
    rig.frames(ann);
    const std::string hash = rig.hub->find_channel("t:a")->document().hash();
    for (int i = 0; i < 4; ++i)
        rig.pass(rig.config.retention.cold_after_ms);
    EXPECT_EQ(rig.hub->find_channel("t:a"), nullptr);
    EXPECT_EQ(rig.store.snapshots, 1u);
    EXPECT_EQ(rig.hub->stats().channels, 0u);
    EXPECT_EQ(rig.hub->next_timeout(), UINT64_MAX);
    rig.send(ann, set("t:a", kAnn, 2, "y", "2"));
    EXPECT_EQ(rig.only<wire::Ack>(ann).seq, 2u);
    EXPECT_EQ(rig.shown("t:a"), R"({"x":1,"y":2})");
    EXPECT_NE(rig.hub->find_channel("t:a")->document().hash(), hash);
}

TEST(Commit, AFollowedChannelNeverGrowsCold) {
    Rig rig;
    const auto ann = rig.open();
    rig.send(ann, subscribe("t:a"));
    rig.settle();
    for (int i = 0; i < 4; ++i)
        rig.pass(rig.config.retention.cold_after_ms);
    EXPECT_NE(rig.hub->find_channel("t:a"), nullptr);
}

TEST(Commit, ALoadThatFailsForNowIsTriedAgain) {
    Rig rig;
    const auto ann = rig.open();
    rig.store.load_error = base::fail(base::ErrorCode::overloaded);
    rig.send(ann, subscribe("t:a"));
    rig.send(ann, set("t:a", kAnn, 1, "x", "1"));
    rig.hub->request(rig.now, 1, GetRecord{"t:a", ""});
    const auto errors = rig.all<wire::ErrorFrame>(ann);
    ASSERT_EQ(errors.size(), 2u);
    EXPECT_EQ(errors[0].code, "overloaded");
    EXPECT_TRUE(rig.reply().is_error);
    EXPECT_EQ(rig.hub->stats().subscriptions, 0u);
    rig.send(ann, subscribe("t:a"));
    rig.send(ann, set("t:a", kAnn, 1, "x", "1"));
    EXPECT_EQ(rig.all<wire::Ack>(ann).size(), 1u);
    EXPECT_EQ(rig.store.loads, 2u);
}

TEST(Commit, ABrokenChannelRefusesAndTheOthersGoOn) {
    Rig rig;
    port::AppendRequest bad;
    bad.channels.push_back({"t:bad", {{kEpoch, 0}}, {}, {}});
    port::StoredEntry entry;
    entry.seq = 1;
    entry.check = 5;  // not what the chain gives
    bad.channels.back().entries.push_back(entry);
    ASSERT_TRUE(rig.store.memory.execute(bad).ok());
    const auto ann = rig.open();
    rig.send(ann, subscribe("t:bad"));
    rig.send(ann, set("t:bad", kAnn, 1, "x", "1"));
    auto errors = rig.all<wire::ErrorFrame>(ann);
    ASSERT_EQ(errors.size(), 2u);
    EXPECT_EQ(errors[0].code, "storage_corrupt");
    EXPECT_EQ(errors[1].code, "storage_corrupt");
    EXPECT_EQ(rig.hub->stats().damaged, 1u);
    rig.send(ann, set("t:bad", kAnn, 1, "x", "1"));
    EXPECT_EQ(rig.error(ann), "storage_corrupt");
    // Twice: the key of a refused request is free again.
    for (uint64_t id = 1; id <= 2; ++id) {
        WriteRecord write;
        write.channel = "t:bad";
        write.ops = json(R"([{"op":"set","path":"x","value":1}])");
        write.idempotency_key = "key";
        rig.hub->request(rig.now, id, write);
        EXPECT_EQ(rig.reply().error.code, base::ErrorCode::storage_corrupt);
    }
    rig.send(ann, set("t:good", kAnn, 1, "x", "1"));
    EXPECT_EQ(rig.only<wire::Ack>(ann).seq, 1u);
    for (uint64_t i = 0; i < 8; ++i) {
        rig.pass(rig.config.retention.cold_after_ms / 2);
        rig.send(ann, subscribe("t:bad"));
        EXPECT_EQ(rig.error(ann), "storage_corrupt");
    }
    EXPECT_EQ(rig.hub->stats().subscriptions, 0u);
    EXPECT_GE(rig.store.loads, 3u) << "it is looked at again now and then";
    rig.hub->close(rig.now, ann, Hub::Farewell::clean);
}

TEST(Commit, ShutdownSaysByeAndTakesNothingMore) {
    Rig rig;
    const auto ann = rig.open();
    const auto tool = rig.open(Codec::json);
    rig.send(ann, set("t:a", kAnn, 1, "x", "1"));
    rig.hub->flush(rig.now);
    rig.hub->begin_shutdown(rig.now, 1234);
    EXPECT_FALSE(rig.hub->is_idle());
    rig.send(ann, set("t:a", kAnn, 2, "x", "2"));
    const auto frames = rig.frames(ann);
    std::vector<std::string> seen;
    for (const auto& frame : frames) {
        if (const auto* bye = std::get_if<wire::Bye>(&frame)) {
            seen.push_back("bye");
            EXPECT_EQ(bye->reconnect_after_ms, 1234u);
            EXPECT_EQ(bye->code, "shutting_down");
        }
        if (const auto* error = std::get_if<wire::ErrorFrame>(&frame)) {
            EXPECT_EQ(error->code, "shutting_down");
            EXPECT_TRUE(error->temporary);
        }
    }
    EXPECT_EQ(seen.size(), 1u);
    EXPECT_EQ(rig.values(tool).at(0).as_object().at(0).key, "bye");
    EXPECT_TRUE(rig.hub->is_idle());
}

}  // namespace
}  // namespace tandem::hub
