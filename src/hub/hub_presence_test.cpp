#include "product/hub_rig.hpp"

// Who is there, and signals: outside the log, and lossy where they may be.
namespace tandem::hub {
namespace {

using namespace testing;

wire::PresenceSet state(const std::string& channel, std::string_view text) {
    wire::PresenceSet out;
    out.channel = channel;
    out.state = json(text);
    return out;
}

/// The members as a client knows them.
struct Crowd {
    void take(const std::vector<wire::ServerFrame>& frames) {
        for (const auto& frame : frames) {
            const auto* members = std::get_if<wire::Members>(&frame);
            if (members == nullptr) continue;
            ++count;
            if (members->full) states.clear();
            for (const auto& member : members->joined)
                states[member.id] = base::to_json(member.state);
            for (const auto& id : members->left)
                states.erase(id);
            self = members->self;
        }
    }
    std::map<std::string, std::string> states;
    std::string self;
    size_t count = 0;
};

TEST(Presence, IsToldToAllAndToLateJoinersWhole) {
    Rig rig;
    const auto ann = rig.open(Codec::binary, "user-ann");
    const auto bob = rig.open();
    rig.send(ann, subscribe("t:a", kAnn));
    rig.send(bob, subscribe("t:a", kBob));
    rig.frames(ann);
    rig.frames(bob);
    rig.send(ann, state("t:a", R"({"at":1})"));
    const auto members = rig.only<wire::Members>(bob);
    ASSERT_EQ(members.joined.size(), 1u);
    EXPECT_EQ(members.joined[0].user, "user-ann");
    rig.send(bob, state("t:a", R"({"at":2})"));
    rig.frames(bob);
    const auto cid = rig.open();
    rig.send(cid, subscribe("t:a"));
    const auto all = rig.only<wire::Members>(cid);
    EXPECT_TRUE(all.full);
    EXPECT_EQ(all.joined.size(), 2u);
    EXPECT_EQ(rig.head("t:a"), 0u) << "nothing of it is in the log";
    rig.send(cid, subscribe("t:a"));
    EXPECT_TRUE(rig.only<wire::Members>(cid).full) << "and again when it subscribes again";
}

TEST(Presence, ACleanFarewellLeavesAtOnceALostOneLater) {
    Rig rig;
    const auto ann = rig.open();
    const auto bob = rig.open();
    const auto cid = rig.open();
    Crowd crowd;
    for (const auto& [id, actor] : {std::pair{ann, kAnn}, {bob, kBob}, {cid, kBob + 1}})
        rig.send(id, subscribe("t:a", actor));
    rig.settle();
    rig.send(ann, state("t:a", "1"));
    rig.send(bob, state("t:a", "2"));
    crowd.take(rig.frames(cid));
    EXPECT_EQ(crowd.states.size(), 2u);
    rig.hub->close(rig.now, ann, Hub::Farewell::clean);
    crowd.take(rig.frames(cid));
    EXPECT_EQ(crowd.states.size(), 1u);
    rig.hub->close(rig.now, bob, Hub::Farewell::lost);
    crowd.take(rig.frames(cid));
    EXPECT_EQ(crowd.states.size(), 1u);
    EXPECT_LE(rig.hub->next_timeout(), rig.now.mono_ms + rig.config.limits.presence_ttl_ms);
    rig.pass(rig.config.limits.presence_ttl_ms - 1);
    crowd.take(rig.frames(cid));
    EXPECT_EQ(crowd.states.size(), 1u);
    rig.pass(1);
    crowd.take(rig.frames(cid));
    EXPECT_TRUE(crowd.states.empty());
}

TEST(Presence, AReconnectTakesTheOldPlaceWithoutLeaving) {
    Rig rig;
    const auto ann = rig.open();
    const auto cid = rig.open();
    rig.send(ann, subscribe("t:a", kAnn));
    rig.send(cid, subscribe("t:a", kBob));
    rig.settle();
    rig.send(ann, state("t:a", "1"));
    Crowd crowd;
    crowd.take(rig.frames(cid));
    const auto again = rig.open();
    rig.send(again, subscribe("t:a", kAnn));
    rig.settle();
    rig.send(again, state("t:a", "2"));
    rig.hub->close(rig.now, ann, Hub::Farewell::lost);
    rig.pass(rig.config.limits.presence_ttl_ms * 2);
    crowd.take(rig.frames(cid));
    ASSERT_EQ(crowd.states.size(), 1u);
    EXPECT_EQ(crowd.states.begin()->second, "2");
    // The other way round: gone first, back before its time is over.
    rig.hub->close(rig.now, again, Hub::Farewell::lost);
    rig.pass(100);
    const auto third = rig.open();
    rig.send(third, subscribe("t:a", kAnn));
    rig.settle();
    rig.send(third, state("t:a", "3"));
    rig.pass(rig.config.limits.presence_ttl_ms * 2);
    crowd.take(rig.frames(cid));
    ASSERT_EQ(crowd.states.size(), 1u);
    EXPECT_EQ(crowd.states.begin()->second, "3");
}

TEST(Presence, ANewActorOnTheSameConnectionLeavesNoGhost) {
    Rig rig;
    const auto ann = rig.open();
    const auto cid = rig.open();
    Crowd crowd;
    rig.send(ann, subscribe("t:a", kAnn));
    rig.send(cid, subscribe("t:a", kBob));
    rig.settle();
    rig.send(ann, state("t:a", "1"));
    rig.send(ann, subscribe("t:a", kAnn + 7));
    rig.send(ann, state("t:a", "2"));
    crowd.take(rig.frames(cid));
    ASSERT_EQ(crowd.states.size(), 1u);
    EXPECT_EQ(crowd.states.begin()->second, "2");
}

TEST(Presence, ASlowReaderGetsTheLastStateAlone) {
    Rig rig;
    const auto ann = rig.open();
    const auto slow = rig.open();
    rig.send(ann, subscribe("t:a", kAnn));
    rig.send(slow, subscribe("t:a", kBob));
    rig.frames(slow);
    for (int i = 0; i < 1000; ++i)
        rig.send(ann, state("t:a", std::to_string(i)));
    const auto members = rig.only<wire::Members>(slow);
    ASSERT_EQ(members.joined.size(), 1u);
    EXPECT_EQ(base::to_json(members.joined[0].state), "999");
}

TEST(Presence, ManyDeparturesAreToldAsAWhole) {
    Rig rig;
    const auto slow = rig.open();
    Crowd crowd;
    rig.send(slow, subscribe("t:a", kBob));
    const auto stays = rig.open();
    rig.send(stays, subscribe("t:a", kAnn));
    rig.settle();
    rig.send(stays, state("t:a", "0"));
    std::vector<ConnectionId> visitors;
    for (uint64_t i = 0; i < 300; ++i) {
        visitors.push_back(rig.open());
        rig.send(visitors.back(), subscribe("t:a", kBob + 1 + i));
        rig.settle();
        rig.send(visitors.back(), state("t:a", "1"));
    }
    crowd.take(rig.frames(slow));
    EXPECT_EQ(crowd.states.size(), 301u);
    for (const auto visitor : visitors)
        rig.hub->close(rig.now, visitor, Hub::Farewell::clean);
    crowd.take(rig.frames(slow));
    EXPECT_EQ(crowd.states.size(), 1u);
}

TEST(Presence, IsBoundedInSizeAndNumber) {
    Config config = test_config();
    config.limits.presence_bytes_max = 50;
    config.limits.presence_members_max = 2;
    Rig rig(config);
    const auto ann = rig.open();
    rig.send(ann, state("t:a", "1"));
    EXPECT_EQ(rig.error(ann), "not_subscribed");
    rig.send(ann, subscribe("t:a", kAnn));
    rig.settle();
    rig.send(ann, state("t:a", '"' + std::string(60, 'a') + '"'));
    EXPECT_EQ(rig.error(ann), "too_large");
    for (uint64_t i = 0; i < 3; ++i) {
        const auto id = rig.open();
        rig.send(id, subscribe("t:a", kBob + i));
        rig.settle();
        rig.send(id, state("t:a", "1"));
        EXPECT_EQ(rig.error(id), i < 2 ? "" : "overloaded");
    }
}

TEST(Presence, NextTimeoutDoesNotGrowWithChannels) {
    Rig rig;
    std::vector<ConnectionId> ids;
    for (int i = 0; i < 50; ++i) {
        ids.push_back(rig.open());
        const std::string channel = "t:c" + std::to_string(i);
        rig.send(ids.back(), subscribe(channel, kAnn));
        rig.settle();
        rig.send(ids.back(), state(channel, "1"));
    }
    for (const auto id : ids) {
        rig.now.mono_ms += 10;
        rig.hub->close(rig.now, id, Hub::Farewell::lost);
    }
    for (int i = 0; i < 200; ++i) {
        const uint64_t next = rig.hub->next_timeout();
        if (next == UINT64_MAX) break;
        rig.now.mono_ms = std::max(rig.now.mono_ms, next);
        rig.hub->handle_timeout(rig.now);
        rig.settle();
    }
    EXPECT_EQ(rig.hub->stats().channels, 0u) << "every member left, every channel grew cold";
}

TEST(Signals, ReachTheOthersAndPassOverSlowReaders) {
    Rig rig;
    const auto ann = rig.open();
    const auto bob = rig.open();
    const auto slow = rig.open();
    for (const auto id : {ann, bob, slow}) {
        rig.send(id, subscribe("t:a"));
        rig.frames(id);
    }
    wire::SignalSend signal;
    signal.channel = "t:a";
    signal.name = "ping";
    signal.value = json('"' + std::string(1000, 'x') + '"');
    size_t got = 0;
    for (int i = 0; i < 200; ++i) {
        rig.send(ann, signal);
        got += rig.all<wire::SignalReceived>(bob).size();
    }
    EXPECT_EQ(got, 200u);
    EXPECT_TRUE(rig.all<wire::SignalReceived>(ann).empty()) << "not to its sender";
    const size_t late = rig.all<wire::SignalReceived>(slow).size();
    EXPECT_GT(late, 0u);
    EXPECT_LT(late, 25u);
    signal.name = "";
    rig.send(ann, signal);
    EXPECT_EQ(rig.error(ann), "out_of_range");
    signal.name = "x";
    signal.channel = "t:other";
    rig.send(ann, signal);
    EXPECT_EQ(rig.error(ann), "not_subscribed");
}

}  // namespace
}  // namespace tandem::hub
