#include <random>
#include <set>

#include "product/hub_rig.hpp"

// Readers of parts of a record: their groups, what they are sent, and how they change the part.
namespace tandem::hub {
namespace {

using namespace testing;

wire::Selection part(const std::string& text) {
    const auto read = record::parse_selected(text);
    TANDEM_ASSERT(read.ok());
    wire::Selection out;
    record::encode_path(out.path, read->path);
    out.from = read->window.from;
    out.to = read->window.to;
    return out;
}

std::vector<wire::Selection> parts(const std::vector<std::string>& texts) {
    std::vector<wire::Selection> out;
    for (const std::string& text : texts)
        out.push_back(part(text));
    return out;
}

record::Selection selection(const std::vector<std::string>& texts) {
    std::vector<record::SelectedPart> out;
    for (const std::string& text : texts)
        out.push_back(*record::parse_selected(text));
    return *record::Selection::make(out);
}

struct PartialRig : Rig {
    explicit PartialRig(Config settings = test_config()) : Rig(std::move(settings)) {
        writer = open();
    }
    /// Values of about 190 kB.
    void write_large() {
        const std::string text(900, 'a');
        for (int i = 0; i < 200; ++i)
            write(R"([{"op":"set","path":"big/k)" + std::to_string(i) + R"(","value":")" + text +
                  "\"}]");
    }
    void write(const std::string& ops) {
        send(writer, push("t:a", kAnn, ++counter, ops, head("t:a")));
        settle();
        frames(writer);
    }
    void insert(const std::string& id, const std::string& position, int value) {
        write(R"([{"op":"insert","path":"l/@)" + id + R"(","position":")" + position +
              R"(","value":{"v":)" + std::to_string(value) + "}}]");
    }
    void take_all(ConnectionId id, Follower& follower) {
        for (const auto& frame : frames(id))
            follower.take(frame);
    }
    std::string shown_part(const std::vector<std::string>& texts) const {
        return base::to_json(hub->find_channel("t:a")->document().shown_part(selection(texts)));
    }
    wire::Subscribe select(const std::vector<std::string>& texts) const {
        wire::Subscribe out = testing::subscribe("t:a");
        out.select = parts(texts);
        return out;
    }
    wire::Subscribe change(const Follower& follower, const std::vector<std::string>& held,
                           const std::vector<std::string>& texts) const {
        wire::Subscribe out = select(texts);
        out.has_after = true;
        out.after = follower.cursor;
        out.after_epoch = follower.epoch;
        out.check = follower.check;
        out.held = parts(held);
        out.select_version = ++version;
        return out;
    }
    ConnectionId writer = 0;
    uint64_t counter = 0;
    mutable uint64_t version = 0;
};

TEST(PartialViews, FollowAWindow) {
    PartialRig rig;
    for (int i = 0; i < 6; ++i)
        rig.insert(std::string(1, static_cast<char>('a' + i)), "k" + std::to_string(i), i);
    const auto bob = rig.open();
    Follower follower;
    rig.send(bob, rig.select({"l[0:2]", "title"}));
    rig.take_all(bob, follower);
    EXPECT_EQ(follower.shown(), R"({"l":[{"id":"a","v":0},{"id":"b","v":1}]})");
    EXPECT_EQ(follower.view.window(path("l")), 6u);
    rig.write(R"([{"op":"set","path":"title","value":"T"},{"op":"set","path":"else","value":1}])");
    rig.insert("x", "a", 9);
    rig.write(R"([{"op":"delete","path":"l/@a"}])");
    rig.take_all(bob, follower);
    EXPECT_EQ(follower.lives, 3u);
    EXPECT_EQ(follower.shown(), R"({"l":[{"id":"x","v":9},{"id":"b","v":1}],"title":"T"})");
    EXPECT_EQ(follower.view.window(path("l")), 6u);
    EXPECT_EQ(follower.shown(), rig.shown_part({"l[0:2]", "title"}));
}

TEST(PartialViews, ToldInJsonLeaveOutWhatLiesOutsideOfAWindow) {
    PartialRig rig;
    for (int i = 0; i < 4; ++i)
        rig.insert(std::string(1, static_cast<char>('a' + i)), "k" + std::to_string(i), i);
    const auto bob = rig.open(Codec::json);
    rig.send(bob, R"({"subscribe":{"channel":"t:a","select":["l[0:2]"]}})");
    rig.values(bob);
    rig.write(R"([{"op":"set","path":"l/@d/v","value":"outside"}])");
    rig.write(R"([{"op":"set","path":"l/@a/v","value":"inside"}])");
    const auto told = rig.values(bob);
    ASSERT_EQ(told.size(), 2u);
    EXPECT_EQ(base::to_json(told[0]).find("outside"), std::string::npos) << base::to_json(told[0]);
    EXPECT_NE(base::to_json(told[1]).find("inside"), std::string::npos);
}

TEST(PartialViews, EachSelectionIsEncodedOnce) {
    PartialRig rig;
    rig.write(R"([{"op":"set","path":"a","value":1}])");
    const std::vector<std::vector<std::string>> wanted = {{"a", "b"}, {"b", "a", "a/x"}, {"a"}, {}};
    std::vector<ConnectionId> readers;
    for (const auto& texts : wanted) {
        readers.push_back(rig.open());
        rig.send(readers.back(), rig.select(texts));
        rig.settle();
        rig.take(readers.back());
    }
    EXPECT_EQ(rig.hub->find_channel("t:a")->groups.size(), 3u);
    rig.send(rig.writer, set("t:a", kAnn, ++rig.counter, "a", "2"));
    rig.settle();
    std::vector<FramePtr> got;
    for (const ConnectionId reader : readers) {
        const auto frames = rig.take(reader);
        ASSERT_EQ(frames.size(), 1u);
        got.push_back(frames[0]);
    }
    EXPECT_EQ(got[0], got[1]) << "one selection in two orders";
    EXPECT_NE(got[0], got[2]);
    for (const ConnectionId reader : readers)
        rig.hub->close(rig.now, reader, Hub::Farewell::clean);
    EXPECT_EQ(rig.hub->find_channel("t:a")->groups.size(), 1u) << "that of the whole record";
}

TEST(PartialViews, TheSelectionChangesOnTheWay) {
    PartialRig rig;
    for (int i = 0; i < 9; ++i)
        rig.insert(std::string(1, static_cast<char>('a' + i)), "k" + std::to_string(i), i);
    const auto bob = rig.open();
    Follower follower;
    std::vector<std::string> held = {"l[0:3]"};
    rig.send(bob, rig.select(held));
    rig.take_all(bob, follower);
    const std::vector<std::vector<std::string>> steps = {
        {"l[1:4]"}, {"l[1:4]", "l/@h"}, {"l[1:4]", "l/@h", "k"}, {}, {"l"}, {"l[0:1]"}, {"k"}};
    for (const auto& step : steps) {
        // At the head, and with news.
        if (step.size() == 2) rig.write(R"([{"op":"set","path":"l/@h/v","value":70}])");
        rig.send(bob,
                 rig.change(follower, held.empty() ? std::vector<std::string>{""} : held, step));
        const auto frames = rig.frames(bob);
        bool installs = false;
        for (const auto& frame : frames) {
            if (const auto* answer = std::get_if<wire::Subscribed>(&frame)) {
                EXPECT_EQ(answer->select_version, rig.version);
            }
            if (const auto* delivery = std::get_if<wire::Delivery>(&frame)) {
                installs |= delivery->installs;
                EXPECT_EQ(delivery->kind, wire::DeliveryKind::diff);
            }
            follower.take(frame);
        }
        EXPECT_TRUE(installs);
        EXPECT_EQ(follower.shown(), rig.shown_part(step));
        held = step;
    }
    rig.write(R"([{"op":"set","path":"k","value":1}])");
    rig.take_all(bob, follower);
    EXPECT_EQ(follower.shown(), R"({"k":1})");
}

TEST(PartialViews, RefusesABadSelectionAndGoesOn) {
    PartialRig rig;
    const auto bob = rig.open();
    Follower follower;
    rig.send(bob, rig.select({"a"}));
    rig.take_all(bob, follower);
    wire::Subscribe bad = rig.select({"l[0:1]"});
    bad.select[0].from = 5;
    rig.send(bob, bad);
    EXPECT_EQ(rig.error(bob), "bad_select");
    bad.select.assign(65, part("a"));
    rig.send(bob, bad);
    EXPECT_EQ(rig.error(bob), "bad_select");
    bad.select = {wire::Selection{"\x7f", 0, 0}};
    rig.send(bob, bad);
    EXPECT_EQ(rig.error(bob), "bad_select");
    rig.write(R"([{"op":"set","path":"a","value":1}])");
    rig.take_all(bob, follower);
    EXPECT_EQ(follower.shown(), R"({"a":1})");
}

TEST(PartialViews, JsonReadersSeeTheirPart) {
    PartialRig rig;
    rig.insert("a", "k", 1);
    rig.insert("b", "l", 2);
    rig.write(R"([{"op":"set","path":"t","value":1}])");
    const auto bob = rig.open(Codec::json);
    rig.send(bob, R"({"subscribe":{"channel":"t:a","select":["l[0:1]","u"],"select_version":4}})");
    auto frames = rig.values(bob);
    ASSERT_EQ(frames.size(), 2u);
    EXPECT_EQ(frames[0].find("subscribed")->find("select_version")->as_integer(), 4);
    const base::Value* snapshot = frames[1].find("snapshot");
    ASSERT_NE(snapshot, nullptr);
    EXPECT_EQ(base::to_json(*snapshot->find("value")), R"({"l":[{"id":"a","v":1}]})");
    EXPECT_EQ(base::to_json(*snapshot->find("changes")),
              R"([{"change":"window","path":"l","value":2}])");
    rig.write(R"([{"op":"set","path":"t","value":2},{"op":"set","path":"u","value":3}])");
    frames = rig.values(bob);
    ASSERT_EQ(frames.size(), 1u);
    const base::Value& item = frames[0].find("entries")->find("items")->as_array()[0];
    ASSERT_EQ(item.find("ops")->as_array().size(), 1u);
    EXPECT_EQ(item.find("ops")->as_array()[0].find("path")->as_string(), "u");
    rig.send(bob, R"({"subscribe":{"channel":"t:a","select":["bad[3:1]"]}})");
    EXPECT_EQ(rig.values(bob)[0].find("error")->find("code")->as_string(), "bad_select");
}

// Random writes, selections and readers that are cut off, against what the server shows.
class PartialTraffic : public ::testing::TestWithParam<uint32_t> {};

TEST_P(PartialTraffic, EveryReaderShowsItsPart) {
    std::mt19937 random(GetParam());
    const auto below = [&](uint32_t limit) { return static_cast<uint32_t>(random() % limit); };
    PartialRig rig;
    const std::vector<std::vector<std::string>> choices = {
        {"l[0:3]"},      {"l[2:6]"}, {"l[0:2]", "l[4:6]"}, {"a"},
        {"a", "l[1:3]"}, {"l/@c"},   {"l[0:2]", "l/@d/v"}, {""}};
    struct Reader {
        ConnectionId id = 0;
        Follower follower;
        std::vector<std::string> held;
    };
    std::vector<Reader> readers(6);
    for (Reader& reader : readers) {
        reader.id = rig.open();
        reader.held = choices[below(static_cast<uint32_t>(choices.size()))];
        rig.send(reader.id, rig.select(reader.held));
        rig.take_all(reader.id, reader.follower);
    }
    for (int i = 0; i < 300; ++i) {
        const std::string id(1, static_cast<char>('a' + below(8)));
        const std::string position = "k" + std::to_string(below(9));
        switch (below(5)) {
            case 0:
            case 1:
                rig.insert(id, position, i);
                break;
            case 2:
                rig.write(R"([{"op":"move","path":"l/@)" + id + R"(","position":")" + position +
                          "\"}]");
                break;
            case 3:
                rig.write(R"([{"op":"delete","path":"l/@)" + id + "\"}]");
                break;
            default:
                rig.write(R"([{"op":"set","path":"a","value":)" + std::to_string(i) + "}]");
        }
        for (Reader& reader : readers) {
            if (below(4) == 0) rig.take_all(reader.id, reader.follower);
            if (below(12) != 0) continue;
            rig.take_all(reader.id, reader.follower);
            const auto next = choices[below(static_cast<uint32_t>(choices.size()))];
            rig.send(reader.id, rig.change(reader.follower, reader.held, next));
            reader.held = next;
            rig.take_all(reader.id, reader.follower);
            ASSERT_EQ(reader.follower.shown(), rig.shown_part(next));
        }
    }
    for (Reader& reader : readers) {
        rig.take_all(reader.id, reader.follower);
        EXPECT_EQ(reader.follower.shown(), rig.shown_part(reader.held));
        EXPECT_EQ(reader.follower.cursor, rig.head("t:a"));
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, PartialTraffic, ::testing::Range(1u, 9u));

// Stalled in the middle of a catch-up too large for one message, readers hold a place in it.
TEST(SlowReaders, ShareTheCatchUpThatTheyAreInTheMiddleOf) {
    PartialRig rig;
    rig.write_large();
    std::vector<ConnectionId> readers;
    std::vector<Follower> followers(1000);
    for (size_t i = 0; i < followers.size(); ++i) {
        readers.push_back(rig.open());
        rig.send(readers[i], rig.select(i % 2 == 0 ? std::vector<std::string>{}
                                                   : std::vector<std::string>{"big"}));
        followers[i].take(rig.take(readers[i], 2'000));
        if (i % 10 == 0)
            rig.write(R"([{"op":"set","path":"n","value":)" + std::to_string(i) + "}]");
    }
    std::set<const Frame*> held;
    size_t bytes = 0;
    for (const Subscription* reader : rig.hub->find_channel("t:a")->subscribers) {
        EXPECT_TRUE(reader->connection->control.empty());
        ASSERT_NE(reader->catch_up, nullptr);
        for (const FramePtr& chunk : reader->catch_up->chunks)
            if (held.insert(chunk.get()).second) bytes += chunk->payload.size();
    }
    // Two selections of about 190 kB; a new encoding of each when the frames no longer lead on.
    EXPECT_LE(bytes / 1000, 1'500u) << "bytes that a stalled reader holds";
    rig.write(R"([{"op":"set","path":"big/k0","value":1}])");
    for (size_t i = 0; i < followers.size(); ++i) {
        rig.take_all(readers[i], followers[i]);
        ASSERT_EQ(followers[i].cursor, rig.head("t:a"));
        ASSERT_EQ(followers[i].shown(), i % 2 == 0 ? rig.shown("t:a") : rig.shown_part({"big"}));
    }
}

// Readers of as many selections as there are of them, who share nothing, and readers of JSON, each
// of whom has a message of its own.
class StalledInCatchUps : public ::testing::TestWithParam<Codec> {};

TEST_P(StalledInCatchUps, HoldNoMoreThanTheLimit) {
    Config settings = test_config();
    settings.limits.catch_up_bytes_max = 1'000'000;
    PartialRig rig(settings);
    rig.write_large();
    std::vector<ConnectionId> readers;
    std::vector<ConnectionId> closed;
    const auto subscribe_one = [&](size_t i) {
        readers.push_back(rig.open(GetParam()));
        if (GetParam() == Codec::binary)
            rig.send(readers.back(), rig.select({"big", "n", "x" + std::to_string(i)}));
        else
            rig.send(readers.back(), R"({"subscribe":{"channel":"t:a"}})");
    };
    for (size_t i = 0; i < 30; ++i) {
        subscribe_one(i);
        rig.take(readers[i], 2'000);
        std::vector<ConnectionId> more;
        rig.hub->take_closing(more);
        closed.insert(closed.end(), more.begin(), more.end());
        size_t bytes = 0;
        for (const Subscription* reader : rig.hub->find_channel("t:a")->subscribers)
            if (reader->catch_up != nullptr) bytes += reader->catch_up->bytes;
        ASSERT_LE(bytes, 1'000'000u);
        ASSERT_GE(bytes, std::min<size_t>(i + 1, 3) * 180'000) << "more were closed than had to be";
    }
    ASSERT_GE(closed.size(), 24u);
    EXPECT_EQ(rig.hub->stats().shed_readers, closed.size());
    EXPECT_EQ(closed, std::vector(readers.begin(), readers.begin() + closed.size()))
        << "who has stalled longest goes first";
    for (const ConnectionId id : closed) {
        EXPECT_TRUE(rig.take(id).empty()) << "nothing that leads on from what was taken away";
        rig.hub->close(rig.now, id, Hub::Farewell::lost);
    }
    // Those that were left get the rest, and one that comes again gets all.
    if (GetParam() == Codec::json) return;
    Follower again;
    subscribe_one(0);
    rig.take_all(readers.back(), again);
    EXPECT_EQ(again.shown(), rig.shown_part({"big", "n"}));
    rig.write(R"([{"op":"set","path":"n","value":1}])");
    rig.take_all(readers.back(), again);
    EXPECT_EQ(again.shown(), rig.shown_part({"big", "n"}));
    EXPECT_EQ(again.lives, 1u);
}

// Each of its channels fits, all together do not: one after the other, it gets them all.
TEST_P(StalledInCatchUps, AreNotWhoFollowsManyLargeChannels) {
    Config settings = test_config();
    settings.limits.catch_up_bytes_max = 400'000;
    PartialRig rig(settings);
    constexpr size_t kChannels = 6;
    std::string state = "{\"a\":1";
    for (int i = 0; i < 150; ++i)
        state += ",\"k" + std::to_string(i) + "\":\"" + std::string(1'000, 'x') + '"';
    for (size_t i = 0; i < kChannels; ++i) {
        ReplaceRecord write;
        write.channel = "t:" + std::to_string(i);
        write.body = state + '}';
        rig.hub->request(rig.now, 1 + i, write);
        ASSERT_FALSE(rig.reply().is_error);
    }
    const ConnectionId reader = rig.open(GetParam());
    const ConnectionId writer = rig.open();
    for (size_t i = 0; i < kChannels; ++i) {
        const std::string name = "t:" + std::to_string(i);
        if (GetParam() == Codec::binary)
            rig.send(reader, subscribe(name));
        else
            rig.send(reader, R"({"subscribe":{"channel":")" + name + R"(","after":0}})");
    }
    std::vector<ConnectionId> closed;
    for (int turns = 0; turns < 1'000; ++turns) {
        rig.take(reader, 20'000);
        // What others write meanwhile reaches it as well.
        if (turns == 3) rig.send(writer, set("t:5", kAnn, 1, "late", "1"));
        rig.settle();
        rig.hub->take_closing(closed);
        ASSERT_TRUE(closed.empty()) << "after " << turns << " turns";
    }
    for (size_t i = 0; i < kChannels; ++i) {
        const auto& subscribers = rig.hub->find_channel("t:" + std::to_string(i))->subscribers;
        ASSERT_EQ(subscribers.size(), 1u);
        EXPECT_EQ(subscribers[0]->cursor, rig.head("t:" + std::to_string(i))) << i;
        EXPECT_EQ(subscribers[0]->catch_up, nullptr);
        EXPECT_FALSE(subscribers[0]->is_replaying);
    }
}

// Who waited for a catch-up that is not wanted any more has its own.
TEST(SlowReaders, GoOnWithTheNextChannelWhenTheyLeaveOne) {
    Rig rig;
    for (const char* name : {"t:a", "t:b"}) {
        WriteRecord write;
        write.channel = name;
        write.ops = json(R"([{"op":"set","path":"x","value":1}])");
        rig.hub->request(rig.now, 1, write);
        rig.reply();
    }
    const ConnectionId reader = rig.open(Codec::json);
    rig.store.is_held = true;
    rig.send(reader, R"([{"subscribe":{"channel":"t:a","after":0}},
                         {"subscribe":{"channel":"t:b","after":0}}])");
    EXPECT_EQ(rig.take(reader).size(), 2u) << "the log is being read";
    std::vector<ConnectionId> ready;
    rig.hub->take_ready(ready);
    rig.send(reader, R"({"unsubscribe":{"channel":"t:a"}})");
    rig.hub->take_ready(ready);
    EXPECT_EQ(ready, std::vector{reader});
    rig.take(reader);
    rig.store.is_held = false;
    const auto values = rig.values(reader);
    ASSERT_FALSE(values.empty());
    EXPECT_NE(values.front().find("entries"), nullptr);
}

INSTANTIATE_TEST_SUITE_P(Codecs, StalledInCatchUps, ::testing::Values(Codec::binary, Codec::json));

}  // namespace
}  // namespace tandem::hub
