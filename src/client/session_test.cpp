#include "client/session.hpp"

#include "client/test_client.hpp"

namespace tandem::client::testing {
namespace {

struct SessionTest : ::testing::Test {
    ModelServer server;
    TestClient a{server};
    TestClient b{server};

    void pump_both() {
        for (int i = 0; i < 4; ++i) {
            a.pump();
            b.pump();
        }
    }
    void connect_both() {
        a.dial();
        b.dial();
        pump_both();
    }
    std::optional<wire::ErrorFrame> once_code;
    void refuse_once(std::string code, bool temporary, uint64_t retry_after_ms = 0) {
        wire::ErrorFrame error;
        error.code = std::move(code);
        error.temporary = temporary;
        error.retry_after_ms = retry_after_ms;
        once_code = error;
        server.refuse = [this](const wire::Push&) { return std::exchange(once_code, {}); };
    }
};

TEST_F(SessionTest, WritesOfflineAreShownAtOnceAndSentLater) {
    ASSERT_TRUE(a.set("title", "Plan").ok());
    ASSERT_TRUE(a.inc("votes", 2).ok());
    EXPECT_EQ(a.shown(), R"({"title":"Plan","votes":2})");
    EXPECT_EQ(a->status(a.now, kChannel).pending, 2u);
    connect_both();
    EXPECT_EQ(b.shown(), R"({"title":"Plan","votes":2})");
    EXPECT_TRUE(a->status(a.now, kChannel).synced);
    EXPECT_EQ(a.count(EventKind::acked), 2u);
    EXPECT_EQ(a.last(EventKind::acked).seq, 2u);
    EXPECT_EQ(a.last(EventKind::acked).push, 2u);
    EXPECT_GE(b.count(EventKind::ready), 1u);
}

TEST_F(SessionTest, AnAckAloneDoesNotEndPending) {
    connect_both();
    ASSERT_TRUE(a.inc("votes", 1).ok());
    a.save();
    a.send();
    ASSERT_TRUE(a.take());  // the ack, which comes first here
    EXPECT_EQ(a.count(EventKind::acked), 1u);
    EXPECT_EQ(a->pending(kChannel).size(), 1u);
    EXPECT_EQ(a.counter("votes"), 1);
    ASSERT_TRUE(a.take());  // the delivery
    EXPECT_EQ(a->pending(kChannel).size(), 0u);
    EXPECT_EQ(a.counter("votes"), 1);
    EXPECT_EQ(a.count(EventKind::acked), 1u);
}

TEST_F(SessionTest, NothingLeavesBeforeItIsStored) {
    connect_both();
    ASSERT_TRUE(a.inc("votes", 1).ok());
    a.send();
    EXPECT_EQ(server.log.size(), 0u);
    a.save();
    a.send();
    EXPECT_EQ(server.log.size(), 1u);
}

TEST_F(SessionTest, ALostConnectionSendsTheSameBytesAgain) {
    connect_both();
    ASSERT_TRUE(a.inc("votes", 1).ok());
    a.save();
    a.send();
    a.cut();
    server.write({});
    ASSERT_TRUE(a.inc("votes", 1).ok());
    a.dial();
    a.pump();
    EXPECT_EQ(a.counter("votes"), 2);
    EXPECT_EQ(server.document.counter(path("votes")).value, 2);
    EXPECT_TRUE(a->status(a.now, kChannel).synced);
}

TEST_F(SessionTest, ABaseIsFixedWhenTheOpIsMade) {
    connect_both();
    a.cut();
    ASSERT_TRUE(a.set("title", "mine").ok());
    record::Op op;
    op.path = path("title");
    op.value = base::Value("theirs");
    server.write({op});
    a.dial();
    a.pump();
    ASSERT_EQ(server.log.size(), 2u);
    EXPECT_EQ(server.log[1].entry.ops[0].base.seq, 0u);
    // Two siblings: the write of the backend was not seen and is not lost.
    EXPECT_EQ(server.document.siblings(path("title")).size(), 2u);
}

TEST_F(SessionTest, WhoWritesLaterThanItReadHasSeenNoMore) {
    a.dial();
    a.pump();
    ASSERT_TRUE(b.set("title", "before").ok());
    b.dial();
    b.pump();
    a.pump();
    const Seen seen = a->seen(kChannel);
    EXPECT_EQ(seen.cursor.seq, a->cursor(kChannel).seq);
    ASSERT_TRUE(b.set("title", "meanwhile").ok());
    b.pump();
    a.pump();
    ASSERT_EQ(a.shown(), R"({"title":"meanwhile"})");
    PushOptions options;
    options.seen = &seen;
    auto ops = a->edit(kChannel).set(path("title"), base::Value("late")).take();
    ASSERT_TRUE(a->push(a.now, kChannel, std::move(ops), std::move(options)).ok());
    EXPECT_EQ(a->pending(kChannel).back().ops[0].base, seen.cursor);
    a.pump();
    // Both stand against each other.
    EXPECT_EQ(a->view(kChannel).conflicts().size(), 1u);
}

TEST_F(SessionTest, AGapIsMendedFromTheCursor) {
    connect_both();
    wire::Delivery skipped;
    skipped.handle = 7;
    skipped.from = 4;
    skipped.to = 5;
    record::Op op;
    op.path = path("x");
    op.value = base::Value(true);
    server.write({op});
    std::string message;
    wire::encode_binary(message, wire::ServerFrame(skipped));
    a->handle_bytes(a.now, message);
    EXPECT_EQ(a.count(EventKind::gap), 1u);
    a.pump();
    EXPECT_EQ(a.shown(), R"({"x":true})");
    EXPECT_EQ(a.count(EventKind::gap), 1u);
}

TEST_F(SessionTest, DuplicatesChangeNothing) {
    connect_both();
    ASSERT_TRUE(b.inc("votes", 1).ok());
    b.pump();
    std::string live = server.queue(0).front();
    a.pump();
    a->handle_bytes(a.now, live);
    a.pump();
    EXPECT_EQ(a.counter("votes"), 1);
    EXPECT_EQ(a.count(EventKind::gap), 0u);
}

TEST_F(SessionTest, ChunksShowAtTheLastOne) {
    for (const char* key : {"a", "b", "c"}) {
        record::Op op;
        op.path = path(key);
        op.value = base::Value(true);
        server.write({op});
    }
    a.dial();
    a.save();
    a.send();
    ASSERT_TRUE(a.take());  // welcome
    a.save();
    a.send();
    ASSERT_TRUE(a.take());  // subscribed
    ASSERT_TRUE(a.take());
    ASSERT_TRUE(a.take());
    EXPECT_EQ(a.shown(), "{}");
    EXPECT_FALSE(a->is_ready(kChannel));
    ASSERT_TRUE(a.take());
    EXPECT_EQ(a.shown(), R"({"a":true,"b":true,"c":true})");
    EXPECT_TRUE(a.last(EventKind::view_changed).is_whole);
}

TEST_F(SessionTest, AFinalRefusalIsSkippedAndTheNextKeepsItsCounter) {
    connect_both();
    refuse_once("forbidden", false);
    auto refused = a.set("title", "no");
    ASSERT_TRUE(a.inc("votes", 1).ok());
    pump_both();
    EXPECT_EQ(a.last(EventKind::refused).push, *refused);
    EXPECT_EQ(a.last(EventKind::refused).code, "forbidden");
    EXPECT_EQ(a.last(EventKind::refused).ops.size(), 1u);
    EXPECT_EQ(a.shown(), R"({"votes":1})");
    EXPECT_EQ(b.shown(), R"({"votes":1})");
    ASSERT_EQ(server.log.size(), 2u);
    EXPECT_TRUE(server.log[0].skip);
    EXPECT_EQ(server.log[1].entry.counter, 2u);
    EXPECT_TRUE(a->status(a.now, kChannel).synced);
    EXPECT_FALSE(a.count(EventKind::acked) == 2u) << "a skip is not told as a write";
}

TEST_F(SessionTest, ATemporaryRefusalIsTriedAgainAfterItsTime) {
    connect_both();
    refuse_once("overloaded", true, 500);
    ASSERT_TRUE(a.inc("votes", 1).ok());
    ASSERT_TRUE(a.inc("votes", 1).ok());
    a.pump();
    EXPECT_EQ(server.log.size(), 0u);
    a.wait(400);
    a.pump();
    EXPECT_EQ(server.log.size(), 0u);
    ASSERT_TRUE(a->next_timeout().has_value());
    a.wait(400);
    a.pump();
    EXPECT_EQ(server.log.size(), 2u);
    EXPECT_EQ(a.counter("votes"), 2);
    EXPECT_EQ(a.count(EventKind::refused), 0u);
}

TEST_F(SessionTest, AResetOfAnotherEpochIssuesTheRestUnderANewActor) {
    connect_both();
    ASSERT_TRUE(a.inc("votes", 1).ok());
    a.pump();
    ASSERT_TRUE(a.inc("votes", 10).ok());
    a.pump();
    uint64_t former = a->actor(kChannel);
    a.cut();
    ASSERT_TRUE(a.inc("votes", 100).ok());
    ASSERT_TRUE(a.set("title", "x").ok());
    server.restore(1, true);
    a.dial();
    a.pump();
    EXPECT_EQ(a.count(EventKind::reset), 1u);
    EXPECT_NE(a->actor(kChannel), former);
    EXPECT_EQ(a.counter("votes"), 101);
    EXPECT_EQ(server.document.counter(path("votes")).value, 101);
    ASSERT_EQ(server.log.size(), 3u);
    EXPECT_EQ(server.log[1].entry.counter, 1u);
    EXPECT_TRUE(a->status(a.now, kChannel).synced);
}

TEST_F(SessionTest, LostAcknowledgedWritesUnderTheSameEpochAlsoNeedANewActor) {
    connect_both();
    ASSERT_TRUE(a.inc("votes", 1).ok());
    ASSERT_TRUE(a.inc("votes", 10).ok());
    a.pump();
    uint64_t former = a->actor(kChannel);
    a.cut();
    ASSERT_TRUE(a.inc("votes", 100).ok());
    server.restore(1, false);
    a.dial();
    a.pump();
    a.pump();
    EXPECT_NE(a->actor(kChannel), former);
    EXPECT_EQ(server.document.counter(path("votes")).value, 101);
    EXPECT_EQ(a.counter("votes"), 101);
    EXPECT_TRUE(a->status(a.now, kChannel).synced);
}

TEST_F(SessionTest, AListedEpochKeepsTheActor) {
    connect_both();
    ASSERT_TRUE(a.inc("votes", 1).ok());
    a.pump();
    uint64_t actor = a->actor(kChannel);
    a.cut();
    ASSERT_TRUE(a.inc("votes", 10).ok());
    server.restore(1, true);
    a.dial();
    a.pump();
    EXPECT_EQ(a.count(EventKind::reset), 0u);
    EXPECT_EQ(a->actor(kChannel), actor);
    EXPECT_EQ(a->cursor(kChannel).epoch, server.epoch);
    EXPECT_EQ(server.document.counter(path("votes")).value, 11);
}

TEST_F(SessionTest, PlantedBugNoReissueLosesAWrite) {
    TestClient broken(server, Persistence::confirmed, PlantedBug::no_reissue_on_reset);
    broken.dial();
    broken.pump();
    ASSERT_TRUE(broken.inc("votes", 1).ok());
    ASSERT_TRUE(broken.inc("votes", 10).ok());
    broken.pump();
    broken.cut();
    ASSERT_TRUE(broken.inc("votes", 100).ok());
    server.restore(1, true);
    broken.dial();
    broken.pump();
    EXPECT_NE(server.document.counter(path("votes")).value, 101);
}

/// A number that is used again after a refusal is only safe until a crash forgets that it was.
TEST_F(SessionTest, ACrashAfterARefusalCountsOnceUnlessTheCounterIsReused) {
    for (PlantedBug planted : {PlantedBug::none, PlantedBug::reuse_counter_after_refusal}) {
        ModelServer other;
        TestClient client(other, Persistence::confirmed, planted);
        client.dial();
        client.pump();
        other.refuse = [](const wire::Push& push) -> std::optional<wire::ErrorFrame> {
            auto ops = record::decode_ops(push.ops, record::Form::pushed);
            if (!ops.ok() || ops->at(0).kind == record::OpKind::inc) return std::nullopt;
            wire::ErrorFrame error;
            error.code = "forbidden";
            return error;
        };
        ASSERT_TRUE(client.set("title", "no").ok());
        ASSERT_TRUE(client.inc("votes", 1).ok());
        client.save();
        client.send();
        while (client.take()) {
        }
        client.send();
        client.crash();
        client.dial();
        client.pump();
        client.pump();
        bool counts_once = other.document.counter(path("votes")).value == 1;
        EXPECT_EQ(counts_once, planted == PlantedBug::none);
    }
}

TEST_F(SessionTest, PlantedBugBaseAtResendHidesAConflict) {
    TestClient broken(server, Persistence::confirmed, PlantedBug::base_at_resend);
    broken.dial();
    broken.pump();
    server.refuse = [](const wire::Push&) {
        wire::ErrorFrame error;
        error.code = "overloaded";
        error.temporary = true;
        return std::optional(error);
    };
    ASSERT_TRUE(broken.set("title", "mine").ok());
    broken.pump();
    server.refuse = {};
    record::Op op;
    op.path = path("title");
    op.value = base::Value("theirs");
    server.write({op});
    broken.pump();
    broken.wait(10'000);
    broken.pump();
    EXPECT_EQ(server.document.siblings(path("title")).size(), 1u);
}

TEST_F(SessionTest, OwnGenerationsFollowANewActor) {
    connect_both();
    ASSERT_TRUE(a.inc("votes", 1).ok());
    a.pump();
    a.cut();
    ASSERT_TRUE(a.counter_set("votes", 50).ok());
    ASSERT_TRUE(a.inc("votes", 1).ok());
    ASSERT_TRUE(a.counter_set("votes", 60).ok());  // on a generation that is pending itself
    EXPECT_EQ(a.counter("votes"), 60);
    server.restore(0, true);
    a.dial();
    a.pump();
    EXPECT_EQ(server.log.back().entry.ops[0].generation.actor, a->actor(kChannel));
    EXPECT_EQ(server.log.back().entry.ops[0].generation.counter, 1u);
    EXPECT_EQ(a.counter("votes"), server.document.counter(path("votes")).value);
}

TEST_F(SessionTest, ACopiedOutboxTakesANewActor) {
    connect_both();
    ASSERT_TRUE(a.inc("votes", 1).ok());
    a.save();
    auto copy = a.disk;
    a.pump();
    ASSERT_TRUE(a.inc("votes", 10).ok());
    a.pump();
    uint64_t former = a->actor(kChannel);
    // The copy knows counter 1 only, and writes another counter 2.
    a.disk = copy;
    a.crash();
    ASSERT_TRUE(a.inc("votes", 100).ok());
    a.dial();
    a.pump();
    EXPECT_NE(a->actor(kChannel), former);
    EXPECT_EQ(server.document.counter(path("votes")).value, 111);
    EXPECT_EQ(a.counter("votes"), 111);
    EXPECT_TRUE(a->status(a.now, kChannel).synced);
}

/// The disk stops after every possible number of records around a change of the actor.
TEST_F(SessionTest, ACrashDuringAReissueKeepsEachEditOnce) {
    for (size_t written = 0; written < 12; ++written) {
        ModelServer other;
        TestClient client(other);
        client.dial();
        client.pump();
        ASSERT_TRUE(client.inc("votes", 1).ok());
        client.pump();
        client.cut();
        ASSERT_TRUE(client.inc("votes", 10).ok());
        ASSERT_TRUE(client.inc("votes", 100).ok());
        client.save();
        other.restore(0, true);
        client.dial();
        size_t left = written;
        for (int round = 0; round < 20; ++round) {
            client.save(left > 0 ? 1 : 0);
            left -= left > 0 ? 1 : 0;
            client.send();
            client.take();
        }
        client.crash();
        client.dial();
        client.pump();
        EXPECT_EQ(other.document.counter(path("votes")).value, 110) << written;
        EXPECT_EQ(client.counter("votes"), 110) << written;
    }
}

TEST_F(SessionTest, AnUnsubscribedChannelDrainsFirst) {
    ASSERT_TRUE(a.inc("votes", 1).ok());
    a->unsubscribe(a.now, kChannel);
    a.dial();
    a.pump();
    EXPECT_EQ(server.document.counter(path("votes")).value, 1);
    bool has_unsubscribed = false;
    for (const auto& frame : server.received)
        has_unsubscribed = has_unsubscribed || std::holds_alternative<wire::Unsubscribe>(frame);
    EXPECT_TRUE(has_unsubscribed);
    a->subscribe(a.now, kChannel);
    a.pump();
    EXPECT_EQ(a.counter("votes"), 1);
    ASSERT_TRUE(a.inc("votes", 1).ok());
    a.pump();
    EXPECT_EQ(server.document.counter(path("votes")).value, 2);
}

TEST_F(SessionTest, TheAuthorLearnsThatAWriteIsNotShown) {
    connect_both();
    a.cut();
    b.now.wall_ms += 10'000;
    b.now.mono_ms += 10'000;
    auto push = a.set("title", "mine");
    server.now_ms += 20'000;
    ASSERT_TRUE(b.set("title", "theirs").ok());
    b.pump();
    a.dial();
    a.pump();
    ASSERT_EQ(a.shown(), R"({"title":"theirs"})");
    EXPECT_EQ(a.last(EventKind::overridden).push, *push);
    EXPECT_EQ(a.last(EventKind::overridden).value, base::Value("mine"));
}

TEST_F(SessionTest, PushesBeyondAMessageAreRefusedBeforeTheyAreQueued) {
    auto result = a.set("title", std::string(70'000, 'x'));
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, base::ErrorCode::too_large);
    EXPECT_EQ(a->pending(kChannel).size(), 0u);
    for (int i = 0; i < 10; ++i)
        ASSERT_TRUE(a.set("k" + std::to_string(i), std::string(20'000, 'x')).ok());
    a.dial();
    a.pump();
    EXPECT_EQ(server.log.size(), 10u);
}

}  // namespace
}  // namespace tandem::client::testing
