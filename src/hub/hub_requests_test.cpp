#include "product/hub_rig.hpp"

// Requests of the HTTP API, the end of channels, and limits.
namespace tandem::hub {
namespace {

using namespace testing;

WriteRecord write(std::string_view ops, std::string key = {}, const std::string& channel = "t:a") {
    WriteRecord out;
    out.channel = channel;
    out.ops = json(ops);
    out.idempotency_key = std::move(key);
    return out;
}

constexpr std::string_view kInc = R"([{"op":"inc","path":"n","value":1}])";

TEST(Requests, WriteAndRead) {
    Rig rig;
    rig.hub->request(rig.now, 1, write(kInc));
    EXPECT_TRUE(!rig.hub->poll_reply(*std::make_unique<Reply>())) << "not before the disk has it";
    const Reply written = rig.reply();
    EXPECT_EQ(written.id, 1u);
    EXPECT_EQ(written.seq, 1u);
    EXPECT_EQ(written.epoch, kEpoch);
    rig.hub->request(rig.now, 2, GetRecord{"t:a", "n"});
    EXPECT_EQ(json(rig.reply().json).find("value")->as_integer(), 1);
    rig.hub->request(rig.now, 3, GetRecord{"t:a", "nothing"});
    EXPECT_EQ(rig.reply().error.code, base::ErrorCode::not_found);
    rig.hub->request(rig.now, 4, GetRecord{"none:a", ""});
    EXPECT_EQ(rig.reply().error.code, base::ErrorCode::unknown_namespace);
}

TEST(Requests, AMatchIsACondition) {
    Rig rig;
    rig.hub->request(rig.now, 1, write(R"([{"op":"set","path":"x","value":1}])"));
    rig.reply();
    WriteRecord second = write(R"([{"op":"set","path":"x","value":2}])");
    second.has_match = true;
    second.match = {kEpoch, 1};
    rig.hub->request(rig.now, 2, second);
    rig.hub->request(rig.now, 3, second);
    EXPECT_EQ(rig.reply().seq, 2u);
    const Reply refused = rig.reply();
    EXPECT_EQ(refused.id, 3u);
    EXPECT_EQ(refused.error.code, base::ErrorCode::precondition_failed);
}

TEST(Requests, AnIdempotencyKeyTakesEffectOnce) {
    Rig rig;
    rig.hub->request(rig.now, 1, write(kInc, "key"));
    rig.hub->request(rig.now, 2, write(kInc, "key"));
    const Reply concurrent = rig.reply();
    EXPECT_EQ(concurrent.id, 2u);
    EXPECT_EQ(concurrent.error.code, base::ErrorCode::would_block);
    EXPECT_EQ(rig.reply().seq, 1u);
    rig.hub->request(rig.now, 3, write(kInc, "key"));
    EXPECT_EQ(rig.reply().seq, 1u);
    EXPECT_EQ(rig.shown("t:a"), R"({"n":1})");
    rig.hub->request(rig.now, 4, write(R"([{"op":"inc","path":"n","value":2}])", "key"));
    EXPECT_EQ(rig.reply().error.code, base::ErrorCode::idempotency_mismatch);
    rig.hub->request(rig.now, 5, write(kInc, "other"));
    EXPECT_EQ(rig.reply().seq, 2u);
    rig.restart();
    rig.hub->request(rig.now, 6, write(kInc, "key"));
    EXPECT_EQ(rig.reply().seq, 1u) << "also after a restart";
    rig.pass(rig.config.limits.idempotency_age_max_ms + 1);
    rig.hub->request(rig.now, 7, write(kInc, "key"));
    EXPECT_EQ(rig.reply().seq, 3u) << "until it is too old";
}

TEST(Requests, AKeyIsFreeAgainAfterARefusal) {
    Rig rig;
    rig.hub->request(rig.now, 1, write(R"([{"op":"fly","path":"n"}])", "key"));
    EXPECT_TRUE(rig.reply().is_error);
    rig.store.append_error = base::fail(base::ErrorCode::storage_full);
    rig.hub->request(rig.now, 2, write(kInc, "key"));
    EXPECT_EQ(rig.reply().error.code, base::ErrorCode::storage_full);
    rig.hub->request(rig.now, 3, write(kInc, "key"));
    EXPECT_EQ(rig.reply().seq, 1u);
    EXPECT_TRUE(rig.hub->find_channel("t:a")->keys_in_flight.empty());
}

TEST(Requests, ReadsEntriesInPagesAndConflicts) {
    Rig rig;
    const auto ann = rig.open();
    rig.send(ann, set("t:a", kAnn, 1, "x", "1"));
    rig.send(ann, set("t:a", kBob, 1, "x", "2"));
    rig.settle();
    ReadEntries read;
    read.channel = "t:a";
    read.limit = 1;
    rig.hub->request(rig.now, 1, read);
    const base::Value page = json(rig.reply().json);
    ASSERT_EQ(page.find("entries")->as_array().size(), 1u);
    EXPECT_EQ(page.find("head")->as_integer(), 2);
    rig.hub->request(rig.now, 2, ReadConflicts{"t:a", false});
    EXPECT_EQ(json(rig.reply().json).find("conflicts")->as_array().size(), 1u);
    ListChannels list;
    list.prefix = "t:";
    rig.hub->request(rig.now, 3, list);
    const Reply listed = rig.reply();
    ASSERT_EQ(listed.channels.size(), 1u);
    EXPECT_EQ(listed.channels[0].head, 2u);
    rig.hub->request(rig.now, 4, ListConnections{});
    EXPECT_EQ(json(rig.reply().json).find("connections")->as_array().size(), 1u);
}

TEST(Delete, ResetsThoseWhoFollowAndBeginsANewEpoch) {
    Rig rig;
    const auto ann = rig.open();
    const auto bob = rig.open();
    const auto tool = rig.open(Codec::json);
    Follower follower;
    rig.send(bob, subscribe("t:a", kBob));
    rig.send(tool, R"({"subscribe":{"channel":"t:a"}})");
    rig.send(ann, set("t:a", kAnn, 1, "x", "1"));
    for (const auto& frame : rig.frames(bob))
        follower.take(frame);
    rig.values(tool);
    rig.frames(ann);
    rig.hub->request(rig.now, 1, DeleteChannel{"t:a"});
    EXPECT_EQ(rig.reply().json, R"({"deleted":true})");
    for (const auto& frame : rig.frames(bob))
        follower.take(frame);
    EXPECT_EQ(follower.shown(), "{}");
    EXPECT_EQ(follower.resets, 1u);
    EXPECT_NE(follower.epoch, kEpoch);
    bool is_reset = false;
    for (const base::Value& value : rig.values(tool))
        if (const base::Value* snapshot = value.find("snapshot"))
            is_reset = base::to_json(*snapshot->find("value")) == "{}";
    EXPECT_TRUE(is_reset) << "a reader without a check too";
    rig.send(ann, set("t:a", kBob + 1, 1, "y", "1"));
    EXPECT_EQ(rig.only<wire::Ack>(ann).seq, 2u) << "above the head it had";
    for (const auto& frame : rig.frames(bob))
        follower.take(frame);
    EXPECT_EQ(follower.shown(), R"({"y":1})");
    // And after a restart, with a cursor of the old history that says nothing of its check.
    rig.restart();
    const auto late = rig.open();
    wire::Subscribe cursor = subscribe("t:a");
    cursor.has_after = true;
    cursor.after = 1;
    cursor.after_epoch = kEpoch;
    rig.send(late, cursor);
    EXPECT_TRUE(rig.only<wire::Delivery>(late).reset);
}

TEST(Delete, PushesMeanwhileWaitForWhatComesAfter) {
    Rig rig;
    const auto ann = rig.open();
    rig.send(ann, set("t:a", kAnn, 1, "x", "1"));
    rig.send(ann, set("t:b", kAnn, 1, "x", "1"));
    rig.frames(ann);
    rig.store.is_held = true;
    rig.hub->request(rig.now, 1, DeleteChannel{"t:a"});
    rig.send(ann, set("t:a", kBob, 1, "y", "1"));
    rig.send(ann, set("t:b", kAnn, 2, "x", "2"));
    rig.hub->request(rig.now, 2, DeleteChannel{"t:a"});
    rig.hub->request(rig.now, 3, write(kInc, "key"));
    rig.turn();
    rig.store.is_held = false;
    const auto frames = rig.frames(ann);
    std::vector<wire::Ack> acks;
    for (const auto& frame : frames) {
        EXPECT_FALSE(std::holds_alternative<wire::ErrorFrame>(frame));
        if (const auto* ack = std::get_if<wire::Ack>(&frame)) acks.push_back(*ack);
    }
    EXPECT_EQ(acks.size(), 2u);
    std::map<uint64_t, Reply> replies;
    Reply reply;
    while (rig.hub->poll_reply(reply))
        replies[reply.id] = reply;
    EXPECT_FALSE(replies[1].is_error);
    EXPECT_EQ(replies[2].error.code, base::ErrorCode::would_block);
    EXPECT_FALSE(replies[3].is_error);
    EXPECT_EQ(rig.shown("t:a"), R"({"n":1,"y":1})");
    EXPECT_EQ(rig.shown("t:b"), R"({"x":2})");
}

TEST(Delete, WhatASubscriberHadOnItsWayIsNotLoggedBesideWhatItIssuesAgain) {
    Rig rig;
    const auto bob = rig.open();
    rig.send(bob, subscribe("t:a", kBob));
    rig.frames(bob);
    rig.store.is_held = true;
    rig.hub->request(rig.now, 1, DeleteChannel{"t:a"});
    rig.send(bob, set("t:a", kBob, 1, "x", "1"));
    rig.turn();
    rig.store.is_held = false;
    EXPECT_EQ(rig.only<wire::ErrorFrame>(bob).code, "actor_unknown") << "sent before the answer";
    rig.send(bob, set("t:a", kBob, 2, "y", "1"));
    EXPECT_EQ(rig.only<wire::ErrorFrame>(bob).code, "actor_unknown") << "and on its way after it";
    // A second deletion does not make the first one forgotten.
    rig.send(bob, subscribe("t:a", kBob + 1));
    rig.frames(bob);
    rig.hub->request(rig.now, 2, DeleteChannel{"t:a"});
    rig.frames(bob);
    rig.send(bob, set("t:a", kBob, 1, "x", "1"));
    EXPECT_EQ(rig.only<wire::ErrorFrame>(bob).code, "actor_unknown");
    rig.send(bob, subscribe("t:a", kBob + 2));
    rig.frames(bob);
    rig.send(bob, set("t:a", kBob + 2, 1, "x", "1"));
    rig.only<wire::Ack>(bob);
    EXPECT_EQ(rig.shown("t:a"), R"({"x":1})");
}

TEST(Delete, WaitsUntilNothingIsOnItsWay) {
    Rig rig;
    const auto ann = rig.open();
    rig.send(ann, set("t:a", kAnn, 1, "x", "1"));
    rig.frames(ann);
    rig.send(ann, set("t:a", kAnn, 2, "x", "2"));
    rig.hub->request(rig.now, 1, DeleteChannel{"t:a"});
    EXPECT_EQ(rig.reply().error.code, base::ErrorCode::would_block);
    EXPECT_EQ(rig.shown("t:a"), R"({"x":2})");
}

TEST(Delete, OfNothingSaysSo) {
    Rig rig;
    rig.hub->request(rig.now, 1, DeleteChannel{"t:a"});
    EXPECT_EQ(rig.reply().json, R"({"deleted":false})");
}

TEST(Limits, ChannelsPerConnection) {
    Config config = test_config();
    config.limits.channels_per_connection_max = 2;
    Rig rig(config);
    const auto ann = rig.open();
    rig.send(ann, subscribe("t:a"));
    rig.send(ann, subscribe("t:b"));
    rig.send(ann, subscribe("t:c"));
    EXPECT_EQ(rig.error(ann), "too_many_channels");
    rig.send(ann, wire::Unsubscribe{"t:a"});
    rig.send(ann, subscribe("t:c"));
    EXPECT_EQ(rig.only<wire::Subscribed>(ann).channel, "t:c");
}

TEST(Limits, AFullRecordCanStillBeEmptied) {
    Config config = test_config();
    config.limits.record_bytes_max = 10'000;
    Rig rig(config);
    const auto ann = rig.open();
    const std::string text = '"' + std::string(3000, 'a') + '"';
    uint64_t counter = 0;
    std::string code;
    while (code.empty() && counter < 100) {
        ++counter;
        rig.send(ann, set("t:a", kAnn, counter, "x" + std::to_string(counter), text));
        code = rig.error(ann);
    }
    EXPECT_EQ(code, "too_large");
    EXPECT_LT(counter, 10u);
    rig.send(ann, push("t:a", kAnn, counter, R"([{"op":"delete","path":"x1"}])", counter - 1));
    EXPECT_EQ(rig.error(ann), "");
    rig.send(ann, push("t:a", kAnn, counter + 1, R"([{"op":"delete","path":"x2"}])", counter));
    EXPECT_EQ(rig.error(ann), "");
    rig.send(ann, set("t:a", kAnn, counter + 2, "x9", "1"));
    EXPECT_EQ(rig.error(ann), "");
}

TEST(Limits, WhatWaitsForALoad) {
    Config config = test_config();
    config.limits.commit_queue_entries_max = 3;
    Rig rig(config);
    const auto ann = rig.open();
    rig.store.is_held = true;
    for (uint64_t i = 1; i <= 5; ++i)
        rig.send(ann, set("t:a", kAnn, i, "x", "1"));
    EXPECT_EQ(rig.error(ann), "overloaded");
    rig.store.is_held = false;
    EXPECT_EQ(rig.all<wire::Ack>(ann).size(), 3u);
}

// At the limit and one past it; what was refused is taken later, in its order.
TEST(Limits, PushesOfAConnectionASecond) {
    Config config = test_config();
    config.limits.pushes_per_second = 50;
    config.limits.push_burst = 100;
    Rig rig(config);
    rig.are_counted = true;
    const auto ann = rig.open();
    for (uint64_t i = 1; i <= 100; ++i)
        rig.send(ann, set("t:a", kAnn, i, "x", "1"));
    EXPECT_EQ(rig.all<wire::Ack>(ann).size() > 0, true);
    EXPECT_EQ(rig.all<wire::ErrorFrame>(ann).size(), 0u);
    for (uint64_t i = 101; i <= 103; ++i)
        rig.send(ann, set("t:a", kAnn, i, "x", "1"));
    const auto refusals = rig.all<wire::ErrorFrame>(ann);
    ASSERT_EQ(refusals.size(), 3u);
    EXPECT_EQ(refusals[0].code, "rate_limited");
    EXPECT_TRUE(refusals[0].temporary) << "or the client would give the write up";
    EXPECT_EQ(refusals[0].counter, 101u);
    EXPECT_EQ(refusals[0].retry_after_ms, 1'000u) << "until half of the burst is there again";
    EXPECT_EQ(rig.hub->stats().rate_limited, 3u);
    const auto ben = rig.open();
    rig.send(ben, set("t:a", kBob, 1, "y", "1"));
    EXPECT_EQ(rig.error(ben), "") << "each connection has its own";
    rig.pass(1'000);
    for (uint64_t i = 101; i <= 150; ++i)
        rig.send(ann, set("t:a", kAnn, i, "x", "1"));
    EXPECT_EQ(rig.error(ann), "");
    rig.send(ann, set("t:a", kAnn, 151, "x", "1"));
    EXPECT_EQ(rig.error(ann), "rate_limited");
}

TEST(Limits, PushesOfThisMachineAreNotCounted) {
    Config config = test_config();
    config.limits.push_burst = 1;
    Rig rig(config);
    const auto ann = rig.open();
    for (uint64_t i = 1; i <= 500; ++i)
        rig.send(ann, set("t:a", kAnn, i, "x", "1"));
    EXPECT_EQ(rig.error(ann), "");
}

TEST(Limits, ChannelsInMemory) {
    Config config = test_config();
    config.limits.channels_loaded_max = 2;
    Rig rig(config);
    const auto ann = rig.open();
    for (const char* channel : {"t:a", "t:b", "t:c"})
        rig.send(ann, set(channel, kAnn, 1, "x", "1"));
    EXPECT_EQ(rig.error(ann), "overloaded");
    EXPECT_EQ(rig.hub->stats().channels, 2u);
}

}  // namespace
}  // namespace tandem::hub
