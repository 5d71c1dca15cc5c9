#include <random>

#include "product/hub_rig.hpp"

// How cursors move: live frames, differences, snapshots, resets, slots and slow readers.
namespace tandem::hub {
namespace {

using namespace testing;

TEST(Resume, WithoutACursorGivesASnapshot) {
    Rig rig;
    const auto ann = rig.open();
    rig.send(ann, set("t:a", kAnn, 1, "x", "1"));
    rig.frames(ann);
    const auto bob = rig.open();
    rig.send(bob, subscribe("t:a", kAnn));
    const auto frames = rig.frames(bob);
    ASSERT_EQ(frames.size(), 3u);
    const auto& answer = std::get<wire::Subscribed>(frames[0]);
    EXPECT_EQ(answer.head, 1u);
    EXPECT_EQ(answer.epoch, kEpoch);
    EXPECT_EQ(answer.acked_counter, 1u);
    // What is the recipient's own goes before the chunks that all share.
    const auto& own = std::get<wire::Delivery>(frames[1]);
    EXPECT_TRUE(own.more);
    EXPECT_TRUE(own.changes.empty());
    EXPECT_EQ(own.acked_counter, 1u);
    const auto& snapshot = std::get<wire::Delivery>(frames[2]);
    EXPECT_EQ(snapshot.kind, wire::DeliveryKind::snapshot);
    EXPECT_FALSE(snapshot.reset);
    EXPECT_EQ(snapshot.to, 1u);
    EXPECT_EQ(snapshot.acked_counter, 0u);
    EXPECT_FALSE(snapshot.more);
    EXPECT_NE(snapshot.check, 0u);
}

/// A log of six entries, and a follower that went away after the third.
struct ResumeRig : Rig {
    explicit ResumeRig(Config settings = test_config()) : Rig(std::move(settings)) {
        writer = open();
        const auto reader = open();
        send(reader, testing::subscribe("t:a"));
        take_all(reader);
        write(3);
        take_all(reader);
        hub->close(now, reader, Hub::Farewell::lost);
        write(3);
    }
    void write(uint64_t count) {
        for (uint64_t i = 0; i < count; ++i) {
            ++counter;
            send(writer, set("t:a", kAnn, counter, "x" + std::to_string(counter % 2),
                             std::to_string(counter)));
            settle();
        }
        frames(writer);
    }
    void take_all(ConnectionId id) {
        for (const auto& frame : frames(id))
            follower.take(frame);
    }
    wire::Subscribe cursor() const {
        wire::Subscribe out = testing::subscribe("t:a");
        out.has_after = true;
        out.after = follower.cursor;
        out.after_epoch = follower.epoch;
        out.check = follower.check;
        return out;
    }
    ConnectionId writer = 0;
    uint64_t counter = 0;
    Follower follower;
};

TEST(Resume, ACursorGetsTheDifference) {
    ResumeRig rig;
    ASSERT_EQ(rig.follower.cursor, 3u);
    const auto back = rig.open();
    rig.send(back, rig.cursor());
    rig.take_all(back);
    EXPECT_EQ(rig.follower.diffs, 1u);
    EXPECT_EQ(rig.follower.resets, 0u);
    EXPECT_EQ(rig.follower.cursor, 6u);
    EXPECT_EQ(rig.follower.shown(), rig.shown("t:a"));
}

TEST(Resume, AWrongCheckIsAnotherHistory) {
    ResumeRig rig;
    const auto back = rig.open();
    auto cursor = rig.cursor();
    cursor.check ^= 1;
    rig.send(back, cursor);
    rig.take_all(back);
    EXPECT_EQ(rig.follower.resets, 1u);
    EXPECT_EQ(rig.follower.shown(), rig.shown("t:a"));
}

TEST(Resume, AnUnknownEpochIsAnotherHistory) {
    ResumeRig rig;
    const auto back = rig.open();
    auto cursor = rig.cursor();
    cursor.after_epoch = 12345;
    rig.send(back, cursor);
    rig.take_all(back);
    EXPECT_EQ(rig.follower.resets, 1u);
}

TEST(Resume, ACursorAboveTheHeadIsResetAndRaisesAnAlarm) {
    ResumeRig rig;
    const auto back = rig.open();
    auto cursor = rig.cursor();
    cursor.after = 7;
    rig.send(back, cursor);
    rig.take_all(back);
    EXPECT_EQ(rig.follower.resets, 1u);
    EXPECT_EQ(rig.hub->stats().alarms, 1u);
    LogLine line;
    bool is_alarm = false;
    while (rig.hub->poll_log(line))
        is_alarm |= line.is_alarm;
    EXPECT_TRUE(is_alarm);
}

TEST(Resume, ACursorBelowTheFloorIsReset) {
    Config config = test_config();
    config.retention.entries = 5;
    ResumeRig rig(config);
    rig.write(20);
    ASSERT_GT(rig.hub->find_channel("t:a")->floor(), 3u);
    const auto back = rig.open();
    rig.send(back, rig.cursor());
    rig.take_all(back);
    EXPECT_EQ(rig.follower.resets, 1u);
    EXPECT_EQ(rig.follower.shown(), rig.shown("t:a"));
}

TEST(Resume, AStalledReaderBelowTheFloorIsReset) {
    Config config = test_config();
    config.retention.entries = 5;
    config.limits.frame_cache_bytes_per_channel = 200;
    Rig rig(config);
    const auto ann = rig.open();
    const auto bob = rig.open();
    rig.send(bob, subscribe("t:a"));
    Follower follower;
    for (const auto& frame : rig.frames(bob))
        follower.take(frame);
    rig.send(ann, set("t:a", kAnn, 1, "x", "1"));
    for (const auto& frame : rig.frames(bob))
        follower.take(frame);
    for (uint64_t i = 2; i <= 40; ++i) {
        rig.send(ann, set("t:a", kAnn, i, "x", std::to_string(i)));
        rig.settle();
    }
    for (const auto& frame : rig.frames(bob))
        follower.take(frame);
    EXPECT_EQ(follower.resets, 1u);
    EXPECT_EQ(follower.shown(), rig.shown("t:a"));
}

// What readers before have got may end at the cursor, behind which an entry has no frame: it came
// while nobody followed in this codec. A difference must then be made, or none would ever end.
TEST(Resume, WhatOthersHaveGotIsNotGivenAgainAndAgain) {
    ResumeRig rig;
    const auto first = rig.open();
    rig.send(first, rig.cursor());
    rig.take_all(first);
    rig.hub->close(rig.now, first, Hub::Farewell::lost);
    const auto second = rig.open();
    rig.send(second, rig.cursor());
    rig.take_all(second);
    ASSERT_EQ(rig.follower.cursor, 6u);
    rig.hub->close(rig.now, second, Hub::Farewell::lost);
    // A reader of JSON keeps the channel followed, in the other codec.
    const auto people = rig.open(Codec::json);
    rig.send(people, R"({"subscribe":{"channel":"t:a"}})");
    rig.write(1);
    const auto third = rig.open();
    rig.send(third, rig.cursor());
    rig.settle();
    for (int turns = 0; turns < 3; ++turns)
        rig.follower.take(rig.take(third));
    EXPECT_EQ(rig.follower.cursor, 7u);
    EXPECT_EQ(rig.follower.shown(), rig.shown("t:a"));
}

TEST(Resume, SubscribingAgainMovesTheCursor) {
    ResumeRig rig;
    const auto back = rig.open();
    rig.send(back, rig.cursor());
    rig.take_all(back);
    rig.write(2);
    rig.frames(back);  // lost on its way
    rig.send(back, rig.cursor());
    rig.take_all(back);
    rig.write(1);
    rig.take_all(back);
    EXPECT_EQ(rig.follower.cursor, 9u);
    EXPECT_EQ(rig.follower.shown(), rig.shown("t:a"));
    EXPECT_EQ(rig.hub->stats().subscriptions, 1u);
}

TEST(Live, FramesAreEncodedOnceAndShared) {
    Rig rig;
    const auto ann = rig.open();
    std::vector<ConnectionId> readers;
    for (int i = 0; i < 5; ++i) {
        readers.push_back(rig.open());
        rig.send(readers.back(), subscribe("t:a"));
        rig.frames(readers.back());
    }
    rig.send(ann, set("t:a", kAnn, 1, "x", "1"));
    rig.settle();
    const Frame* shared = nullptr;
    for (const auto reader : readers) {
        const auto frames = rig.take(reader);
        ASSERT_EQ(frames.size(), 1u);
        if (shared == nullptr) shared = frames[0].get();
        EXPECT_EQ(frames[0].get(), shared);
    }
}

TEST(Live, ALargeStateComesInChunksThatFitMessages) {
    Rig rig;
    const auto ann = rig.open();
    const std::string text = '"' + std::string(4000, 'a') + '"';
    for (uint64_t i = 1; i <= 60; ++i)
        rig.send(ann, set("t:a", kAnn, i, "k" + std::to_string(i), text));
    rig.frames(ann);
    const auto bob = rig.open();
    rig.send(bob, subscribe("t:a"));
    rig.settle();
    Follower follower;
    size_t messages = 0;
    for (;;) {
        const auto part = rig.take(bob, 1);
        if (part.empty()) break;
        for (const FramePtr& frame : part)
            EXPECT_LE(frame->payload.size(), rig.config.limits.message_bytes_max);
        messages += part.size();
        follower.take(part);
    }
    EXPECT_GT(messages, 3u);
    EXPECT_EQ(follower.snapshots, 1u);
    EXPECT_EQ(follower.shown(), rig.shown("t:a"));
}

TEST(Live, ALargeItemThatComesBackComesInChunks) {
    Rig rig;
    const auto ann = rig.open();
    const auto bob = rig.open();
    Follower follower;
    rig.send(bob, subscribe("t:a"));
    rig.send(ann, push("t:a", kAnn, 1, R"([{"op":"insert","path":"l/@x","position":"a0"}])"));
    const std::string text = '"' + std::string(4000, 'a') + '"';
    for (uint64_t i = 2; i <= 50; ++i)
        rig.send(ann, set("t:a", kAnn, i, "l/@x/k" + std::to_string(i), text));
    for (const auto& frame : rig.frames(bob))
        follower.take(frame);
    rig.send(ann, push("t:a", kAnn, 51, R"([{"op":"delete","path":"l/@x"}])", 50));
    for (const auto& frame : rig.frames(bob))
        follower.take(frame);
    EXPECT_EQ(follower.shown(), "{}");
    rig.send(ann, set("t:a", kBob, 1, "l/@x/done", "true", 50));
    rig.settle();
    const auto messages = rig.take(bob);
    EXPECT_GT(messages.size(), 3u);
    for (const FramePtr& message : messages)
        EXPECT_LE(message->payload.size(), rig.config.limits.message_bytes_max);
    follower.take(messages);
    EXPECT_EQ(follower.cursor, 52u);
    EXPECT_EQ(follower.shown(), rig.shown("t:a"));
    EXPECT_GT(follower.shown().size(), 190'000u);
}

TEST(Slots, AFrameOfMorePathsThanSlotsIsReadable) {
    Rig rig;
    const auto ann = rig.open();
    const auto bob = rig.open();
    const auto slow = rig.open();
    Follower at_head;
    Follower behind;
    rig.send(bob, subscribe("t:a"));
    rig.send(slow, subscribe("t:a"));
    for (const auto& frame : rig.frames(bob))
        at_head.take(frame);
    for (const auto& frame : rig.frames(slow))
        behind.take(frame);
    for (uint64_t i = 1; i <= 4; ++i) {
        std::string ops = "[";
        for (int k = 0; k < 300; ++k) {
            if (k > 0) ops += ',';
            ops += "{\"op\":\"set\",\"path\":\"p" + std::to_string((k * 7 + int(i) * 100) % 900) +
                   "\",\"value\":" + std::to_string(k) + "}";
        }
        rig.send(ann, push("t:a", kAnn + i, 1, ops + "]", i - 1));
        for (const auto& frame : rig.frames(bob))
            at_head.take(frame);
    }
    for (const auto& frame : rig.frames(slow))
        behind.take(frame);
    EXPECT_EQ(at_head.shown(), rig.shown("t:a"));
    EXPECT_EQ(behind.shown(), rig.shown("t:a"));
    EXPECT_EQ(at_head.lives, 4u);
    EXPECT_EQ(behind.cursor, 4u);
}

// Readers of every speed, some of which stop for long, against random writes over more paths than
// there are slots: each frame must decode, no range may be missing, and all end with one state.
class RandomTraffic : public ::testing::TestWithParam<uint32_t> {};

TEST_P(RandomTraffic, EveryReaderDecodesEveryFrame) {
    SCOPED_TRACE("seed " + std::to_string(GetParam()));
    std::mt19937 dice(GetParam());
    const auto below = [&](uint32_t n) { return static_cast<uint32_t>(dice() % n); };
    Config config = test_config();
    if (GetParam() % 2 == 1) config.limits.frame_cache_bytes_per_channel = 4'000;
    if (GetParam() % 3 == 1) config.retention.entries = 40;
    Rig rig(config);
    const auto writer = rig.open();
    struct Reader {
        ConnectionId id = 0;
        Follower follower;
        uint32_t slowness = 1;
    };
    std::vector<Reader> readers(8);
    const auto join = [&](Reader& reader) {
        reader.id = rig.open();
        wire::Subscribe frame = subscribe("t:a");
        if (reader.follower.cursor != 0) {
            frame.has_after = true;
            frame.after = reader.follower.cursor;
            frame.after_epoch = reader.follower.epoch;
            frame.check = reader.follower.check;
        }
        rig.send(reader.id, frame);
    };
    for (size_t i = 0; i < readers.size(); ++i) {
        readers[i].slowness = 1u << i;
        join(readers[i]);
    }
    std::map<uint64_t, uint64_t> counters;
    for (int step = 0; step < 600; ++step) {
        const uint64_t actor = kAnn + below(40);
        const uint64_t head = rig.head("t:a");
        const uint64_t base = head - below(static_cast<uint32_t>(std::min<uint64_t>(head, 5) + 1));
        std::string ops = "[";
        for (uint32_t n = 1 + below(6), k = 0; k < n; ++k) {
            if (k > 0) ops += ',';
            const std::string key = "k" + std::to_string(below(400));
            switch (below(5)) {
                case 0:
                    ops += R"({"op":"delete","path":")" + key + "\"}";
                    break;
                case 1:
                    ops += R"({"op":"inc","path":")" + key + R"(/n","value":1})";
                    break;
                case 2:
                    ops += R"({"op":"insert","path":"list/@)" + key + R"(","position":"a)" +
                           std::to_string(below(9)) + R"(","value":{"t":1}})";
                    break;
                case 3:
                    ops += R"({"op":"delete","path":"list/@)" + key + "\"}";
                    break;
                default:
                    ops += R"({"op":"set","path":")" + key + R"(","value":)" +
                           std::to_string(below(100)) + "}";
            }
        }
        rig.send(writer, push("t:a", actor, ++counters[actor], ops + "]", base));
        if (below(4) != 0) rig.settle();
        rig.take(writer);
        for (Reader& reader : readers) {
            if (below(reader.slowness) != 0) continue;
            reader.follower.take(rig.take(reader.id, 1 + below(2'000)));
            if (HasFatalFailure()) return;
            if (below(60) != 0) continue;
            rig.hub->close(rig.now, reader.id, Hub::Farewell::lost);
            reader.follower.take(std::vector<FramePtr>());
            // A catch-up that was cut in the middle begins again from the cursor.
            Follower fresh;
            if (below(2) == 0) reader.follower = fresh;
            reader.follower.forget_chunks();
            join(reader);
        }
    }
    rig.settle();
    for (Reader& reader : readers) {
        for (int i = 0; i < 100; ++i)
            reader.follower.take(rig.take(reader.id));
        EXPECT_EQ(reader.follower.cursor, rig.head("t:a"));
        EXPECT_EQ(reader.follower.shown(), rig.shown("t:a"));
        EXPECT_EQ(reader.follower.check, rig.hub->find_channel("t:a")->check());
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomTraffic, ::testing::Range(1u, 13u));

TEST(SlowReaders, CostNothingButTheirCursor) {
    Rig rig;
    const auto ann = rig.open();
    std::vector<ConnectionId> stalled;
    for (int i = 0; i < 1000; ++i) {
        stalled.push_back(rig.open());
        rig.send(stalled.back(), subscribe("t:a"));
        rig.settle();
        rig.take(stalled.back());
    }
    const std::string text = '"' + std::string(1000, 'a') + '"';
    for (uint64_t i = 1; i <= 1000; ++i) {
        rig.send(ann, set("t:a", kAnn, i, "x" + std::to_string(i % 10), text));
        if (i % 20 == 0) rig.settle();
    }
    rig.settle();
    const Channel* channel = rig.hub->find_channel("t:a");
    ASSERT_EQ(channel->subscribers.size(), 1000u);
    EXPECT_LE(channel->whole().live_bytes, rig.config.limits.frame_cache_bytes_per_channel);
    EXPECT_LE(channel->whole().live.size(), 256u);
    size_t queued = 0;
    for (const Subscription* reader : channel->subscribers) {
        queued += (reader->catch_up != nullptr) + reader->connection->control.size();
        EXPECT_EQ(reader->cursor, 0u);
    }
    EXPECT_EQ(queued, 0u);
    // Each live frame in the window exists once, however many will get it.
    for (const LiveEntry& live : channel->whole().live)
        EXPECT_LE(live.compact.use_count(), 2);
    Follower follower;
    wire::Subscribed answer;
    answer.handle = channel->handle();
    follower.take(answer);
    follower.take(rig.take(stalled[500]));
    EXPECT_EQ(follower.shown(), rig.shown("t:a"));
    EXPECT_EQ(follower.lives, 0u) << "ten values, not a thousand frames";
}

TEST(SlowReaders, ShareTheBudgetBetweenChannels) {
    Rig rig;
    const auto ann = rig.open();
    const auto bob = rig.open();
    for (const char* channel : {"t:a", "t:b", "t:c"})
        rig.send(bob, subscribe(channel));
    rig.frames(bob);
    const std::string text = '"' + std::string(500, 'a') + '"';
    for (uint64_t i = 1; i <= 20; ++i)
        for (const char* channel : {"t:a", "t:b", "t:c"})
            rig.send(ann, set(channel, kAnn, i, "x", text));
    rig.settle();
    std::map<uint32_t, int> seen;
    for (int i = 0; i < 6; ++i)
        for (const FramePtr& message : rig.take(bob, 1)) {
            std::vector<wire::ServerFrame> frames;
            ASSERT_TRUE(wire::decode_binary(message->payload, frames).ok());
            for (const auto& frame : frames)
                seen[std::get<wire::Delivery>(frame).handle]++;
        }
    EXPECT_EQ(seen.size(), 3u) << "none starves";
}

TEST(SlowReaders, WhoFetchesNoAnswersIsClosed) {
    Rig rig;
    const auto ann = rig.open();
    for (int i = 0; i < 100'000; ++i)
        rig.send(ann, wire::Ping{static_cast<uint64_t>(i)});
    std::vector<ConnectionId> closing;
    rig.hub->take_closing(closing);
    EXPECT_EQ(closing, std::vector<ConnectionId>{ann});
    EXPECT_LT(rig.hub->connection_rows()[0].pending_bytes, 2u * base::kMiB);
}

}  // namespace
}  // namespace tandem::hub
