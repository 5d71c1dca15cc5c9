#include "product/hub_rig.hpp"

// What those are told who follow all channels from outside.
namespace tandem::hub {
namespace {

using namespace testing;

std::vector<News> news_of(Rig& rig) {
    rig.settle();
    std::vector<News> out;
    rig.hub->take_news(out);
    return out;
}

TEST(News, NameChannelsOnceWithWhatChanged) {
    Config config = test_config();
    config.wants_news = true;
    Rig rig(config);
    const auto ann = rig.open();
    rig.send(ann, subscribe("t:a", kAnn));
    EXPECT_TRUE(news_of(rig).empty()) << "reading is no news";
    rig.send(ann, set("t:a", kAnn, 1, "x", "1"));
    rig.send(ann, set("t:a", kAnn, 2, "x", "2"));
    rig.send(ann, set("t:b", kAnn, 1, "x", "2"));
    auto news = news_of(rig);
    ASSERT_EQ(news.size(), 2u);
    EXPECT_EQ(news[0].channel, "t:a");
    EXPECT_TRUE(news[0].has_entries);
    EXPECT_FALSE(news[0].has_presence);
    EXPECT_EQ(news[1].channel, "t:b");
    EXPECT_TRUE(news_of(rig).empty());

    wire::PresenceSet here;
    here.channel = "t:a";
    here.state = json("{}");
    rig.send(ann, here);
    news = news_of(rig);
    ASSERT_EQ(news.size(), 1u);
    EXPECT_TRUE(news[0].has_presence);
    EXPECT_FALSE(news[0].has_entries);
    rig.hub->close(rig.now, ann, Hub::Farewell::lost);
    rig.settle();
    news_of(rig);
    rig.pass(rig.config.limits.presence_ttl_ms + 1);
    news = news_of(rig);
    ASSERT_EQ(news.size(), 1u) << "a lost member leaves later";
    EXPECT_TRUE(news[0].has_presence);

    rig.hub->request(rig.now, 1, DeleteChannel{"t:a"});
    EXPECT_FALSE(rig.reply().is_error);
    news = news_of(rig);
    ASSERT_EQ(news.size(), 1u);
    EXPECT_TRUE(news[0].has_entries);
}

TEST(News, AreNotKeptForNobody) {
    Rig rig;
    const auto ann = rig.open();
    rig.send(ann, set("t:a", kAnn, 1, "x", "1"));
    EXPECT_TRUE(news_of(rig).empty());
}

TEST(Journal, IsReadFromASeqInTheOrderOfItsChanges) {
    Rig rig;
    const auto ann = rig.open();
    for (const char* path : {"x", "y", "z"}) {
        const uint64_t counter = static_cast<uint64_t>(path[0] - 'x') + 1;
        rig.send(ann, set("t:a", kAnn, counter, path, "1"));
        rig.send(ann, set("t:a", kBob, counter, path, "2"));
    }
    rig.settle();
    const auto ask = [&](uint64_t after, uint32_t limit) {
        rig.hub->request(rig.now, 1, ReadJournal{"t:a", after, limit});
        return rig.reply();
    };
    const auto paths = [](const Reply& reply) {
        std::string out;
        const base::Value rows = json(reply.json);
        for (const base::Value& row : rows.as_array())
            out += row.find("path")->as_string();
        return out;
    };
    Reply reply = ask(0, 2);
    EXPECT_EQ(paths(reply), "xy");
    EXPECT_TRUE(reply.has_more);
    EXPECT_EQ(reply.seq, 4u);
    reply = ask(reply.seq, 2);
    EXPECT_EQ(paths(reply), "z");
    EXPECT_FALSE(reply.has_more);
    EXPECT_EQ(reply.seq, 6u);
    EXPECT_EQ(reply.epoch, kEpoch);
    // One that closes comes again.
    const base::Value row = json(ask(0, 1).json).as_array()[0];
    DecideConflict decide;
    decide.channel = "t:a";
    decide.path = "x";
    const base::Array& dot = row.find("dot")->as_array();
    decide.dot.actor = static_cast<uint64_t>(dot[0].as_integer());
    decide.dot.counter = static_cast<uint64_t>(dot[1].as_integer());
    rig.hub->request(rig.now, 2, decide);
    EXPECT_FALSE(rig.reply().is_error);
    reply = ask(6, 10);
    EXPECT_EQ(paths(reply), "x");
    EXPECT_EQ(reply.seq, 7u);
    EXPECT_EQ(json(ask(7, 10).json).as_array().size(), 0u);
}

}  // namespace
}  // namespace tandem::hub
