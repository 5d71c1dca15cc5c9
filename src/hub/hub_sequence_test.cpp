#include "product/hub_rig.hpp"

// The order of a channel's log: what is taken, what is a duplicate, what is refused.
namespace tandem::hub {
namespace {

using namespace testing;

TEST(Sequence, NumbersPushesAndTellsTheirStoredStamps) {
    Rig rig;
    const auto ann = rig.open();
    wire::Push first = set("t:a", kAnn, 1, "title", "\"A\"");
    first.stamp_ms = 5;
    first.ref = 44;
    rig.send(ann, first);
    const auto ack = rig.only<wire::Ack>(ann);
    EXPECT_EQ(ack.seq, 1u);
    EXPECT_EQ(ack.counter, 1u);
    EXPECT_EQ(ack.actor, kAnn);
    EXPECT_EQ(ack.ref, 44u);
    EXPECT_EQ(ack.epoch, kEpoch);
    EXPECT_EQ(ack.stamp_ms, 5u);
    EXPECT_FALSE(ack.duplicate);
    wire::Push early = set("t:a", kAnn, 2, "title", "\"B\"");
    early.stamp_ms = rig.now.wall_ms + 1'000'000;
    rig.send(ann, early);
    EXPECT_EQ(rig.only<wire::Ack>(ann).stamp_ms, rig.now.wall_ms) << "a lead is cut";
    EXPECT_EQ(rig.shown("t:a"), R"({"title":"B"})");
}

TEST(Sequence, AnswersADuplicateWithItsSeqAndTakesItOnce) {
    Rig rig;
    const auto ann = rig.open();
    const auto inc = push("t:a", kAnn, 1, R"([{"op":"inc","path":"n","value":1}])");
    rig.send(ann, inc);
    rig.settle();
    rig.frames(ann);
    rig.send(ann, inc);
    const auto ack = rig.only<wire::Ack>(ann);
    EXPECT_TRUE(ack.duplicate);
    EXPECT_EQ(ack.seq, 1u);
    EXPECT_EQ(rig.shown("t:a"), R"({"n":1})");
    EXPECT_EQ(rig.hub->stats().duplicates, 1u);
}

TEST(Sequence, AnswersADuplicateOfWhatIsOnItsWayAtTheCommit) {
    Rig rig;
    const auto tab_a = rig.open();
    const auto tab_b = rig.open();
    rig.send(tab_a, set("t:a", kAnn, 1, "x", "1"));
    rig.settle();
    rig.frames(tab_a);
    rig.store.is_held = true;
    const auto inc = push("t:a", kAnn, 2, R"([{"op":"inc","path":"n","value":1}])");
    rig.send(tab_a, inc);
    rig.turn();
    rig.send(tab_b, inc);  // while it is sent
    const auto more = push("t:a", kAnn, 3, R"([{"op":"inc","path":"n","value":1}])");
    rig.send(tab_a, more);
    rig.send(tab_b, more);  // while it waits to be sent
    EXPECT_TRUE(rig.frames(tab_a).empty());
    EXPECT_TRUE(rig.frames(tab_b).empty());
    rig.store.is_held = false;
    EXPECT_EQ(rig.all<wire::Ack>(tab_a).size(), 2u);
    const auto acks = rig.all<wire::Ack>(tab_b);
    ASSERT_EQ(acks.size(), 2u);
    EXPECT_TRUE(acks[0].duplicate);
    EXPECT_EQ(acks[0].seq, 2u);
    EXPECT_EQ(acks[1].seq, 3u);
    EXPECT_EQ(rig.shown("t:a"), R"({"n":2,"x":1})");
}

TEST(Sequence, FindsAnOldDuplicateInTheLog) {
    Rig rig;
    const auto ann = rig.open();
    for (uint64_t i = 1; i <= 5; ++i)
        rig.send(ann, set("t:a", kAnn, i, "x", std::to_string(i)));
    rig.frames(ann);
    rig.send(ann, set("t:a", kAnn, 2, "x", "2"));
    const auto ack = rig.only<wire::Ack>(ann);
    EXPECT_TRUE(ack.duplicate);
    EXPECT_EQ(ack.seq, 2u);
    rig.send(ann, set("t:a", kAnn, 2, "x", "22"));
    EXPECT_EQ(rig.error(ann), "actor_forked");
    EXPECT_EQ(rig.shown("t:a"), R"({"x":5})");
}

TEST(Sequence, AnswersAnOldDuplicateAlthoughTheChannelGrewCold) {
    Rig rig;
    const auto ann = rig.open();
    for (uint64_t i = 1; i <= 3; ++i)
        rig.send(ann, set("t:a", kAnn, i, "x", std::to_string(i)));
    rig.frames(ann);
    rig.store.is_held = true;
    rig.send(ann, set("t:a", kAnn, 1, "x", "1"));
    for (int i = 0; i < 4; ++i)
        rig.pass(rig.config.retention.cold_after_ms);
    EXPECT_NE(rig.hub->find_channel("t:a"), nullptr);
    rig.store.is_held = false;
    EXPECT_EQ(rig.only<wire::Ack>(ann).seq, 1u);
}

TEST(Sequence, RefusesAGapWithTheCounterThatItHas) {
    Rig rig;
    const auto ann = rig.open();
    rig.send(ann, set("t:a", kAnn, 1, "x", "1"));
    rig.frames(ann);
    rig.send(ann, set("t:a", kAnn, 3, "x", "3"));
    const auto error = rig.only<wire::ErrorFrame>(ann);
    EXPECT_EQ(error.code, "counter_gap");
    EXPECT_EQ(error.acked_counter, 1u);
    EXPECT_TRUE(error.temporary);
    EXPECT_EQ(error.counter, 3u);
    EXPECT_EQ(rig.head("t:a"), 1u);
}

TEST(Sequence, TellsAForkOfWhatIsCommittedAndOfWhatIsNot) {
    Rig rig;
    const auto ann = rig.open();
    rig.send(ann, set("t:a", kAnn, 1, "x", "1"));
    rig.frames(ann);
    rig.send(ann, set("t:a", kAnn, 1, "x", "2"));
    EXPECT_EQ(rig.error(ann), "actor_forked");
    rig.store.is_held = true;
    rig.send(ann, set("t:a", kAnn, 2, "x", "3"));
    rig.send(ann, set("t:a", kAnn, 2, "x", "4"));
    EXPECT_EQ(rig.error(ann), "actor_forked");
    rig.store.is_held = false;
    EXPECT_EQ(rig.only<wire::Ack>(ann).seq, 2u);
    EXPECT_EQ(rig.shown("t:a"), R"({"x":3})");
}

TEST(Sequence, SkipsACounterForGood) {
    for (const Codec codec : {Codec::binary, Codec::json}) {
        Rig rig;
        const auto ann = rig.open();
        const auto other = rig.open(codec);
        rig.send(ann, set("t:a", kAnn, 1, "x", "1"));
        rig.frames(ann);
        wire::Push skip;
        skip.channel = "t:a";
        skip.actor = kAnn;
        skip.counter = 2;
        skip.skip = true;
        rig.send(other, skip);
        rig.settle();
        rig.send(ann, set("t:a", kAnn, 2, "x", "2"));
        EXPECT_EQ(rig.error(ann), "skipped");
        rig.send(ann, skip);
        EXPECT_TRUE(rig.only<wire::Ack>(ann).duplicate);
        rig.send(ann, set("t:a", kAnn, 3, "x", "3"));
        EXPECT_EQ(rig.only<wire::Ack>(ann).counter, 3u);
        rig.send(ann, set("t:a", kAnn, 2, "x", "2"));
        EXPECT_EQ(rig.error(ann), "skipped") << "also when it is old";
        EXPECT_EQ(rig.shown("t:a"), R"({"x":3})");
    }
}

TEST(Sequence, ASkipOfWhatWasTakenIsADuplicate) {
    Rig rig;
    const auto ann = rig.open();
    rig.send(ann, set("t:a", kAnn, 1, "x", "1"));
    wire::Push skip;
    skip.channel = "t:a";
    skip.actor = kAnn;
    skip.counter = 1;
    skip.skip = true;
    rig.send(ann, skip);
    const auto acks = rig.all<wire::Ack>(ann);
    ASSERT_EQ(acks.size(), 2u);
    EXPECT_TRUE(acks[1].duplicate);
    EXPECT_EQ(rig.shown("t:a"), R"({"x":1})");
}

TEST(Sequence, RefusesABaseAboveWhatWasDelivered) {
    Rig rig;
    const auto ann = rig.open();
    rig.send(ann, set("t:a", kAnn, 1, "x", "1"));
    rig.frames(ann);
    rig.send(ann, set("t:a", kAnn, 2, "x", "2", 2));
    EXPECT_EQ(rig.error(ann), "base_in_future");
    rig.store.is_held = true;
    rig.send(ann, set("t:a", kAnn, 2, "x", "2", 1));
    rig.send(ann, set("t:a", kAnn, 3, "x", "3", 2));
    EXPECT_EQ(rig.error(ann), "base_in_future") << "what is on its way was seen by nobody";
    rig.store.is_held = false;
    EXPECT_EQ(rig.shown("t:a"), R"({"x":1})");
    EXPECT_EQ(rig.only<wire::Ack>(ann).seq, 2u);
    EXPECT_EQ(rig.shown("t:a"), R"({"x":2})");
}

TEST(Sequence, CutsABaseOfAnOlderEpochAtItsFork) {
    Rig rig;
    // Epoch 1 up to 2, then epoch 2: as after a restore.
    port::AppendRequest history;
    history.channels.push_back({"t:a", {{1, 0}}, {}, {}});
    uint32_t check = 0;
    const auto add = [&](uint64_t epoch, uint64_t seq, uint64_t actor, std::string_view text) {
        port::StoredEntry entry;
        entry.seq = seq;
        entry.actor = actor;
        entry.counter = 1;
        entry.stamp_ms = seq;
        entry.stamp_actor = actor;
        auto op = record::op_from_json(json(text));
        record::encode_ops(entry.body, {*op}, record::Form::logged);
        entry.digest = seq;
        check = next_check(check, epoch, entry.digest);
        entry.check = check;
        history.channels.back().entries.push_back(entry);
    };
    add(1, 1, kAnn, R"({"op":"set","path":"a","value":1})");
    add(1, 2, kBob, R"({"op":"set","path":"b","value":1})");
    ASSERT_TRUE(rig.store.memory.execute(history).ok());
    history.channels.back() = {"t:a", {{2, 2}}, {}, {}};
    add(2, 3, kAnn + 5, R"({"op":"set","path":"b","value":2,"base":2})");
    ASSERT_TRUE(rig.store.memory.execute(history).ok());
    const auto cid = rig.open();
    const auto at = [](uint64_t actor, uint64_t epoch, uint64_t seq) {
        return push("t:a", actor, 1, R"([{"op":"set","path":"b","value":9}])", seq, epoch);
    };
    rig.send(cid, at(kAnn + 20, 1, 3));
    EXPECT_EQ(rig.only<wire::Ack>(cid).epoch, 2u);
    EXPECT_EQ(rig.hub->find_channel("t:a")->document().siblings(path("b")).size(), 2u)
        << "seq 3 of epoch 1 is not seq 3 of epoch 2";
    rig.send(cid, at(kAnn + 21, 2, 4));
    rig.frames(cid);
    EXPECT_EQ(rig.hub->find_channel("t:a")->document().siblings(path("b")).size(), 1u);
    rig.send(cid, at(kAnn + 22, 999, 5));
    rig.frames(cid);
    EXPECT_EQ(rig.hub->find_channel("t:a")->document().siblings(path("b")).size(), 2u)
        << "who saw a log that nobody knows has seen nothing";
}

TEST(Sequence, RefusesActorsThatNobodyIssued) {
    Rig rig;
    const auto ann = rig.open();
    rig.send(ann, set("t:a", 5, 1, "x", "1"));
    EXPECT_EQ(rig.error(ann), "actor_unknown");
    rig.send(ann, set("t:a", 0, 0, "x", "1"));
    EXPECT_EQ(rig.error(ann), "actor_unknown");
    rig.send(ann, set("t:a", kAnn, 0, "x", "1"));
    EXPECT_EQ(rig.error(ann), "out_of_range");
    EXPECT_EQ(rig.head("t:a"), 0u);
    wire::Hello hello;
    hello.want_actor = true;
    rig.send(ann, hello);
    EXPECT_GE(rig.only<wire::Welcome>(ann).actor, kOutboxActorMin);
}

TEST(Conditions, HoldForWhatOthersHaveNotTouched) {
    Rig rig;
    const auto ann = rig.open();
    const auto bob = rig.open();
    rig.send(ann, set("t:a", kAnn, 1, "stock", "1"));
    rig.frames(ann);
    wire::Push take = set("t:a", kBob, 1, "stock", "0", 1);
    take.if_unchanged = {"stock", "nothing/here"};
    rig.send(bob, take);
    EXPECT_EQ(rig.only<wire::Ack>(bob).seq, 2u);
    wire::Push late = set("t:a", kAnn, 2, "stock", "0", 1);
    late.if_unchanged = {"stock"};
    rig.send(ann, late);
    EXPECT_EQ(rig.error(ann), "precondition_failed");
    EXPECT_EQ(rig.head("t:a"), 2u);
}

TEST(Conditions, DoNotCountOnesOwnEarlierPushes) {
    Rig rig;
    const auto ann = rig.open();
    const auto bob = rig.open();
    rig.send(bob, push("t:a", kBob, 1, R"([{"op":"insert","path":"l/@a","position":"a0"}])"));
    rig.frames(bob);
    // Offline, on base 1: an item added, then another under a condition on the list.
    rig.send(ann, push("t:a", kAnn, 1, R"([{"op":"insert","path":"l/@b","position":"a1"}])", 1));
    rig.send(bob, set("t:a", kBob, 2, "other", "1", 1));
    rig.settle();
    wire::Push second =
        push("t:a", kAnn, 2, R"([{"op":"insert","path":"l/@c","position":"a2"}])", 1);
    second.if_unchanged = {"l"};
    rig.send(ann, second);
    EXPECT_EQ(rig.error(ann), "");
    EXPECT_EQ(rig.head("t:a"), 4u);
    rig.send(bob, set("t:a", kBob, 3, "l/@a/done", "true", 4));
    rig.settle();
    wire::Push third =
        push("t:a", kAnn, 3, R"([{"op":"insert","path":"l/@d","position":"a3"}])", 1);
    third.if_unchanged = {"l"};
    rig.send(ann, third);
    EXPECT_EQ(rig.error(ann), "precondition_failed") << "somebody else changed it in between";
}

TEST(Conditions, SeeAListThatSomebodyTurnedIntoAMap) {
    Rig rig;
    const auto ann = rig.open();
    rig.send(ann, push("t:a", kAnn, 1, R"([{"op":"insert","path":"l/@a","position":"a0"}])"));
    rig.frames(ann);
    rig.send(ann, set("t:a", kAnn, 2, "l/@a/x", "1", 1));
    rig.send(ann, set("t:a", kBob, 1, "l/key", "1", 1));
    rig.settle();
    rig.frames(ann);
    wire::Push last = set("t:a", kAnn, 3, "l/@a/x", "2", 1);
    last.if_unchanged = {"l/@a"};
    rig.send(ann, last);
    EXPECT_EQ(rig.error(ann), "precondition_failed");
}

TEST(Conditions, AreNotMetByARecordThatWasDeletedSince) {
    Rig rig;
    const auto ann = rig.open();
    rig.send(ann, set("t:a", kAnn, 1, "stock", "1"));
    rig.frames(ann);
    rig.hub->request(rig.now, 1, DeleteChannel{"t:a"});
    rig.reply();
    const std::string sold = R"([{"op":"set","path":"stock","value":0}])";
    wire::Push last = push("t:a", kBob, 1, sold, 1, kEpoch);
    last.if_unchanged = {"stock"};
    rig.send(ann, last);
    EXPECT_EQ(rig.error(ann), "precondition_failed");
    WriteRecord write;
    write.channel = "t:a";
    write.ops = json(sold);
    write.has_match = true;
    write.match = {kEpoch, 1};
    rig.hub->request(rig.now, 2, write);
    EXPECT_EQ(rig.reply().error.code, base::ErrorCode::precondition_failed);
    EXPECT_EQ(rig.shown("t:a"), "{}");
}

TEST(Conditions, WaitForWhatIsOnItsWay) {
    Rig rig;
    const auto ann = rig.open();
    const auto bob = rig.open();
    rig.send(ann, set("t:a", kAnn, 1, "stock", "1"));
    rig.frames(ann);
    rig.store.is_held = true;
    rig.send(ann, set("t:a", kAnn, 2, "stock", "0", 1));
    rig.turn();
    wire::Push late = set("t:a", kBob, 1, "stock", "0", 1);
    late.if_unchanged = {"stock"};
    rig.send(bob, late);
    // What comes after it waits too, or it would overtake.
    rig.send(bob, set("t:a", kBob, 2, "note", "1", 1));
    EXPECT_TRUE(rig.frames(bob).empty());
    rig.store.is_held = false;
    const auto errors = rig.all<wire::ErrorFrame>(bob);
    ASSERT_EQ(errors.size(), 2u);
    EXPECT_EQ(errors[0].code, "precondition_failed");
    EXPECT_EQ(errors[1].code, "counter_gap");
    EXPECT_EQ(rig.head("t:a"), 2u);
}

TEST(Sequence, MembersOfWrittenObjectsHaveTheirResolversFromTheStart) {
    Config config = test_config();
    config.namespaces["typed"].fields.push_back(*make_rule("cards/*/bid", "number", "max"));
    Rig rig(config);
    const auto ann = rig.open();
    rig.send(ann, push("typed:a", kAnn, 1,
                       R"([{"op":"insert","path":"cards/@k","position":"a1","value":{"bid":9}}])"));
    rig.settle();
    const auto bob = rig.open();
    // Later and without having seen the higher bid; the last writer would win without a resolver.
    rig.send(bob,
             push("typed:a", kBob, 1, R"([{"op":"assign","path":"cards/@k","value":{"bid":4}}])"));
    rig.settle();
    EXPECT_EQ(rig.shown("typed:a"), R"({"cards":[{"bid":9,"id":"k"}]})");
}

}  // namespace
}  // namespace tandem::hub
