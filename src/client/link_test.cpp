#include <set>

#include "client/test_client.hpp"

namespace tandem::client::testing {
namespace {

/// Connecting, staying connected, and what is only worth something online.
struct LinkTest : ::testing::Test {
    ModelServer server;
    TestClient a{server};

    void frame(const wire::ServerFrame& f) {
        std::string message;
        wire::encode_binary(message, f);
        a->handle_bytes(a.now, message);
        a.collect();
    }
    template <class Frame>
    size_t received() {
        size_t n = 0;
        for (const auto& f : server.received)
            n += std::holds_alternative<Frame>(f) ? 1 : 0;
        return n;
    }
};

TEST_F(LinkTest, TheFirstDialIsAtOnceAndLaterOnesWait) {
    EXPECT_EQ(a.count(EventKind::want_connect), 1u);
    EXPECT_EQ(a->link(), Link::connecting);
    uint64_t longest = 0;
    for (size_t attempt = 1; attempt <= 30; ++attempt) {
        a->handle_close(a.now);
        ASSERT_EQ(a->link(), Link::offline);
        uint64_t wait = *a->next_timeout() - a.now.mono_ms;
        EXPECT_EQ(a->status(a.now, kChannel).retry_in_ms, wait);
        EXPECT_GE(wait, 100u);
        EXPECT_LE(wait, 20'000u);
        longest = std::max(longest, wait);
        a.wait(wait);
        ASSERT_EQ(a.count(EventKind::want_connect), attempt + 1);
    }
    EXPECT_GT(longest, 5'000u);
}

TEST_F(LinkTest, AStableConnectionIsDialledAgainAtOnce) {
    a.dial();
    a.pump();
    a.wait(1000);
    a.cut();
    EXPECT_EQ(*a->next_timeout(), a.now.mono_ms);
    a.wait(0);
    EXPECT_EQ(a.count(EventKind::want_connect), 2u);
    EXPECT_EQ(a.count(EventKind::disconnected), 1u);
}

TEST_F(LinkTest, ByeIsHonoured) {
    a.dial();
    a.pump();
    a.wait(1000);
    frame(wire::Bye{"shutting_down", "", 7000});
    EXPECT_EQ(a.count(EventKind::want_close), 1u);
    EXPECT_GE(a->status(a.now, kChannel).retry_in_ms, 7000u);
}

TEST_F(LinkTest, WhoWasToldToComeLaterDoesNotComeWithAllTheOthers) {
    std::set<uint64_t> waits;
    for (int i = 0; i < 20; ++i) {
        a.dial();
        a.pump();
        a.wait(1000);
        frame(wire::Bye{"overloaded", "", 4000});
        const uint64_t wait = a->status(a.now, kChannel).retry_in_ms;
        EXPECT_GE(wait, 4000u);
        EXPECT_LE(wait, 6000u);
        waits.insert(wait);
        a.wait(wait);
    }
    EXPECT_GT(waits.size(), 10u);
}

TEST_F(LinkTest, ARefusalSaysWhenToComeAgain) {
    a->handle_close(a.now, 5000);
    const uint64_t wait = a->status(a.now, kChannel).retry_in_ms;
    EXPECT_GE(wait, 5000u);
    EXPECT_LE(wait, 7500u);
    a.wait(wait);
    // The next failure says nothing.
    a->handle_close(a.now);
    EXPECT_LE(a->status(a.now, kChannel).retry_in_ms, 400u);
}

TEST_F(LinkTest, SilenceIsPingedAndThenGivenUp) {
    a.dial();
    a.pump();
    a.wait(1000);  // the model's heartbeat
    a.pump();
    EXPECT_EQ(received<wire::Ping>(), 1u);
    EXPECT_EQ(a->link(), Link::online);
    a.wait(1000);
    a.send();
    a.wait(10'000);
    EXPECT_EQ(a.count(EventKind::want_close), 1u);
    EXPECT_EQ(a->link(), Link::offline);
}

TEST_F(LinkTest, AServerThatDoesNotWelcomeIsLeft) {
    a->handle_open(a.now);
    a.wait(10'000);
    EXPECT_EQ(a.count(EventKind::want_close), 1u);
}

TEST_F(LinkTest, MalformedMessagesEndTheConnection) {
    a.dial();
    a.pump();
    a->handle_bytes(a.now, "\x0a\xff");
    EXPECT_EQ(a.count(EventKind::want_close), 1u);
    EXPECT_EQ(a.last(EventKind::error).code, "truncated");
}

TEST_F(LinkTest, StampsFollowTheServersClock) {
    server.now_ms = 77'000'000;
    a.dial();
    a.pump();
    EXPECT_EQ(a->server_time_ms(a.now), 77'000'000u);
    a.now.wall_ms = 5;  // the own clock is set back
    ASSERT_TRUE(a.set("title", "x").ok());
    EXPECT_GE(a->pending(kChannel).front().stamp_ms, 77'000'000u);
    server.now_ms += 500;
    frame(wire::Pong{a.now.mono_ms, server.now_ms});
    EXPECT_EQ(a->server_time_ms(a.now), 77'000'500u);
}

TEST_F(LinkTest, PresenceIsSentAgainAndSignalsAreNot) {
    a->set_presence(a.now, kChannel, base::Value("ada"));
    a->send_signal(a.now, kChannel, "cursor", base::Value(1.0));
    a.dial();
    a.pump();
    EXPECT_EQ(received<wire::PresenceSet>(), 1u);
    EXPECT_EQ(received<wire::SignalSend>(), 0u);
    a->send_signal(a.now, kChannel, "cursor", base::Value(1.0));
    a->send_signal(a.now, kChannel, "cursor", base::Value(2.0));
    a.pump();
    EXPECT_EQ(received<wire::SignalSend>(), 1u);
    EXPECT_EQ(std::get<wire::SignalSend>(server.received.back()).value, base::Value(2.0));
    a.cut();
    a.dial();
    a.pump();
    EXPECT_EQ(received<wire::PresenceSet>(), 2u);
    a->leave_presence(a.now, kChannel);
    a.pump();
    EXPECT_TRUE(std::get<wire::PresenceSet>(server.received.back()).leave);
}

TEST_F(LinkTest, MembersAndSignalsAreTold) {
    a.dial();
    a.pump();
    wire::Members members;
    members.handle = 7;
    members.full = true;
    members.joined = {{"m1", "ada", base::Value(1.0)}, {"m2", "bob", {}}};
    members.self = "m1";
    frame(members);
    EXPECT_EQ(a->members(kChannel).size(), 2u);
    EXPECT_EQ(a->self(kChannel), "m1");
    wire::Members change;
    change.handle = 7;
    change.left = {"m2"};
    frame(change);
    EXPECT_EQ(a->members(kChannel).size(), 1u);
    EXPECT_EQ(a.count(EventKind::members_changed), 2u);
    frame(wire::SignalReceived{7, {}, "m1", "cursor", base::Value("x")});
    EXPECT_EQ(a.last(EventKind::signal).name, "cursor");
    EXPECT_EQ(a.last(EventKind::signal).value, base::Value("x"));
}

TEST_F(LinkTest, TextsThatNobodyAskedForArePassedOver) {
    a.dial();
    a.pump();
    wire::TextReceived text;
    text.channel = kChannel;
    text.name = "main";
    text.message = "?";
    frame(text);
    text.code = "forbidden";
    text.ref = 1;
    frame(text);
    text.closed = true;
    frame(text);
    EXPECT_EQ(a.count(EventKind::error), 0u);
    frame(wire::SignalReceived{7, {}, "m1", "cursor", base::Value("x")});
    EXPECT_EQ(a.count(EventKind::signal), 1u) << "the link goes on";
}

TEST_F(LinkTest, ARefusedSubscriptionIsToldAndNotRepeated) {
    a->handle_open(a.now);
    frame(wire::Welcome{1, "c", 9, 1, 1000, 0, ""});
    while (a->poll_transmit(a.now)) {
    }
    wire::ErrorFrame error;
    error.code = "forbidden";
    error.channel = kChannel;
    frame(error);
    EXPECT_EQ(a.last(EventKind::error).channel, kChannel);
    a.wait(500);
    EXPECT_FALSE(a->poll_transmit(a.now).has_value());
    error.code = "overloaded";
}

TEST_F(LinkTest, StoppedStaysOffline) {
    a.dial();
    a.pump();
    a->stop(a.now);
    EXPECT_EQ(a.count(EventKind::want_close), 1u);
    EXPECT_FALSE(a->next_timeout().has_value());
}

}  // namespace
}  // namespace tandem::client::testing
