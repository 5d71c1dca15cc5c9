#include "hub/lookback.hpp"
#include "product/hub_rig.hpp"

// Looking back: older states, who changed what, named versions, and bringing a state back.
namespace tandem::hub {
namespace {

using namespace testing;

struct Past : ::testing::Test {
    explicit Past(uint64_t entries_kept = 1'000) : rig(settings(entries_kept)) {}

    static Config settings(uint64_t entries_kept) {
        Config config = test_config();
        config.retention.entries = entries_kept;
        config.retention.snapshot_every_entries = 5;
        config.retention.states = 3;
        return config;
    }
    Reply ask(Request request) {
        rig.hub->request(rig.now, ++last_id, std::move(request));
        return rig.reply();
    }
    Reply write(std::string_view ops) {
        WriteRecord write;
        write.channel = "typed:a";
        write.ops = json(ops);
        return ask(write);
    }
    Reply write_title(int number) {
        return write(R"([{"op":"set","path":"title","value":"t)" + std::to_string(number) +
                     R"("},{"op":"inc","path":"votes","value":1}])");
    }
    GetRecord get(std::optional<uint64_t> at, std::string version = {}) {
        return {"typed:a", "", at, std::move(version)};
    }
    std::string shown(const Reply& reply) {
        return reply.is_error ? std::string(base::error_name(reply.error.code))
                              : base::to_json(*json(reply.json).find("value"));
    }
    Rig rig;
    uint64_t last_id = 0;
};

struct TrimmedPast : Past {
    TrimmedPast() : Past(10) {}
};

TEST_F(Past, EverySeqShowsWhatItShowedThen) {
    std::vector<std::string> history{"{}"};
    for (int i = 1; i <= 40; ++i) {
        write_title(i);
        history.push_back(rig.shown("typed:a"));
    }
    for (uint64_t at = 0; at <= 40; ++at) {
        const Reply reply = ask(get(at));
        EXPECT_EQ(shown(reply), history[at]) << at;
        EXPECT_EQ(reply.seq, at);
    }
    EXPECT_EQ(shown(ask(get(41))), "out_of_range");
}

// The log was trimmed between the answer that told a state and the question for what follows it.
TEST(Lookbacks, StartOverFromANewerStateWhenTheEntriesAreGone) {
    Lookback lookback(1, "t:a", GetRecord(), Lookback::Goal{30});
    port::StateFound state;
    state.exists = true;
    ASSERT_TRUE(lookback.begin(state).ok());
    ASSERT_TRUE(std::holds_alternative<port::ReadRequest>(lookback.next_request()));
    ASSERT_TRUE(lookback.feed({}).ok());
    ASSERT_FALSE(lookback.is_done());
    const port::StoreRequest again = lookback.next_request();
    ASSERT_TRUE(std::holds_alternative<port::StateRequest>(again));
    EXPECT_EQ(std::get<port::StateRequest>(again).at, 30u);
    state.seq = 20;
    ASSERT_TRUE(lookback.begin(state).ok());
    const port::StoreRequest page = lookback.next_request();
    ASSERT_TRUE(std::holds_alternative<port::ReadRequest>(page));
    EXPECT_EQ(std::get<port::ReadRequest>(page).after, 20u);
    // And again, when there is none any more.
    ASSERT_TRUE(lookback.feed({}).ok());
    state.exists = false;
    state.oldest_seq = 40;
    const base::Status gone = lookback.begin(state);
    ASSERT_FALSE(gone.ok());
    EXPECT_EQ(gone.error().code, base::ErrorCode::state_gone);
    EXPECT_EQ(gone.error().detail, 40u) << "where the past begins";
}

TEST_F(TrimmedPast, AllOfTheRetentionIsThereAndWhatIsBelowSaysWhereItBegins) {
    std::vector<std::string> history{"{}"};
    for (int i = 1; i <= 100; ++i) {
        const uint64_t seq = write_title(i).seq;
        // A floor entry may have come in between.
        while (history.size() < seq)
            history.push_back(history.back());
        history.push_back(rig.shown("typed:a"));
    }
    const Channel& channel = *rig.hub->find_channel("typed:a");
    EXPECT_GT(channel.oldest_seq(), 20u) << "the log is trimmed";
    const Reply gone = ask(get(1));
    ASSERT_EQ(gone.error.code, base::ErrorCode::state_gone);
    const uint64_t oldest = gone.error.detail;
    EXPECT_LE(oldest, channel.floor());
    EXPECT_EQ(shown(ask(get(oldest - 1))), "state_gone");
    for (uint64_t at = oldest; at < history.size(); ++at)
        EXPECT_EQ(shown(ask(get(at))), history[at]) << at;
}

TEST_F(Past, ChangesTellWhoWhatAndWhen) {
    rig.now.wall_ms = 5'000;
    write_title(1);
    write_title(2);
    write(R"([{"op":"insert","path":"cards/@a","value":{"text":"x"}}])");
    write(R"([{"op":"set","path":"cards/@a/text","value":"y"},{"op":"delete","path":"title"}])");
    const Reply reply = ask(ReadChanges{"typed:a", 1, {}, 100});
    EXPECT_EQ(
        reply.json,
        R"({"changes":[{"seq":2,"when_ms":5000,"by":1,"op":"set","path":"title","before":"t1","after":"t2"},)"
        R"({"seq":2,"when_ms":5000,"by":1,"op":"inc","path":"votes","before":1,"after":2},)"
        R"({"seq":3,"when_ms":5000,"by":1,"op":"insert","path":"cards/@a","after":{"id":"a","text":"x"}},)"
        R"({"seq":4,"when_ms":5000,"by":1,"op":"set","path":"cards/@a/text","before":"x","after":"y"},)"
        R"({"seq":4,"when_ms":5000,"by":1,"op":"delete","path":"title","before":"t2"}],)"
        R"("from":1,"to":4,"next":null})");
    const base::Value page = json(ask(ReadChanges{"typed:a", 1, {}, 1}).json);
    EXPECT_EQ(page.find("changes")->as_array().size(), 2u) << "an entry stays together";
    EXPECT_EQ(page.find("next")->as_integer(), 2);
    EXPECT_EQ(ask(ReadChanges{"typed:a", 5, {}, 1}).error.code, base::ErrorCode::out_of_range);
}

TEST_F(Past, AnInsertOfWhatIsThereTellsThatItMoved) {
    rig.now.wall_ms = 5'000;
    write(R"([{"op":"insert","path":"cards/@a","value":{"text":"x"},"position":"a1"}])");
    write(R"([{"op":"insert","path":"cards/@b","value":{"text":"y"},"position":"a2"}])");
    write(R"([{"op":"insert","path":"cards/@a","value":{"text":"x"},"position":"a3"}])");
    write(
        R"([{"op":"set","path":"cards/@b/text","value":"z"},{"op":"move","path":"cards/@b","position":"a4"}])");
    const Reply reply = ask(ReadChanges{"typed:a", 2, {}, 100});
    EXPECT_EQ(
        reply.json,
        R"({"changes":[{"seq":3,"when_ms":5000,"by":1,"op":"move","path":"cards/@a"},)"
        R"({"seq":4,"when_ms":5000,"by":1,"op":"move","path":"cards/@b"},)"
        R"({"seq":4,"when_ms":5000,"by":1,"op":"set","path":"cards/@b/text","before":"y","after":"z"}],)"
        R"("from":2,"to":4,"next":null})");
}

TEST_F(TrimmedPast, AVersionOutlivesTheLog) {
    write_title(1);
    const std::string then = rig.shown("typed:a");
    EXPECT_EQ(ask(SaveVersion{"typed:a", "first", {}}).json, R"({"seq":1})");
    EXPECT_EQ(ask(SaveVersion{"typed:a", "first", {}}).error.code, base::ErrorCode::version_exists);
    for (int i = 2; i <= 100; ++i)
        write_title(i);
    EXPECT_EQ(shown(ask(get(1))), "state_gone");
    EXPECT_EQ(shown(ask(get({}, "first"))), then);
    const base::Value list = json(ask(ListVersions{"typed:a"}).json);
    ASSERT_EQ(list.find("versions")->as_array().size(), 1u);
    EXPECT_EQ(list.find("versions")->as_array()[0].find("name")->as_string(), "first");
    rig.restart();
    EXPECT_EQ(shown(ask(get({}, "first"))), then);
    EXPECT_EQ(ask(DeleteVersion{"typed:a", "first"}).json, R"({"deleted":true})");
    EXPECT_EQ(shown(ask(get({}, "first"))), "not_found");
    EXPECT_EQ(ask(DeleteVersion{"typed:a", "first"}).error.code, base::ErrorCode::not_found);
}

TEST_F(Past, AVersionCanBeOfAnOlderSeqAndThereIsALimit) {
    rig.config.retention.versions = 2;
    EXPECT_EQ(ask(SaveVersion{"typed:a", "none", {}}).error.code, base::ErrorCode::not_found);
    write_title(1);
    write_title(2);
    EXPECT_EQ(ask(SaveVersion{"typed:a", "old", 1}).json, R"({"seq":1})");
    EXPECT_EQ(ask(SaveVersion{"typed:a", "new", {}}).json, R"({"seq":2})");
    EXPECT_EQ(ask(SaveVersion{"typed:a", "more", {}}).error.code,
              base::ErrorCode::too_many_versions);
    EXPECT_EQ(shown(ask(get({}, "old"))), R"({"title":"t1","votes":1})");
}

TEST_F(Past, RestoringIsAWriteThatCrossesWhatItsAuthorHadNotSeen) {
    write_title(1);
    write(
        R"([{"op":"insert","path":"cards/@a","value":{"text":"x"}},{"op":"add","path":"tags","value":"u"}])");
    const std::string then = rig.shown("typed:a");
    write_title(2);
    write(R"([{"op":"delete","path":"cards/@a"},{"op":"remove","path":"tags","value":"u"}])");
    const uint64_t head = rig.hub->find_channel("typed:a")->head();
    EXPECT_EQ(ask(RestoreRecord{"typed:a", "", 2, {}}).seq, head + 1);
    EXPECT_EQ(rig.shown("typed:a"), then);
    EXPECT_EQ(ask(RestoreRecord{"typed:a", "", 2, {}}).json,
              "{\"seq\":" + std::to_string(head + 1) + ",\"unchanged\":true}");

    // Ann, offline, wrote on what was there before: her value and the restored one cross.
    const auto ann = rig.open();
    rig.send(ann, set("typed:a", kAnn, 1, "title", "\"hers\"", head));
    rig.settle();
    EXPECT_NE(ask(ReadConflicts{"typed:a"}).json.find("\"path\":\"title\""), std::string::npos);
    RestoreRecord guarded{"typed:a", "title", 4, {}, true, {kEpoch, head + 1}};
    EXPECT_EQ(ask(guarded).error.code, base::ErrorCode::precondition_failed);
    EXPECT_EQ(ask(RestoreRecord{"typed:a", "", {}, {}}).error.code,
              base::ErrorCode::invalid_argument);
}

TEST_F(Past, ALargeStateIsRestoredInSeveralEntries) {
    for (int page = 0; page < 4; ++page) {
        std::string ops = "[";
        for (int i = 0; i < 500; ++i)
            ops += std::string(i > 0 ? "," : "") + R"({"op":"set","path":"extra)" +
                   std::to_string(page * 500 + i) + R"(","value":"some text"})";
        write(ops + "]");
    }
    const std::string then = rig.shown("typed:a");
    write(R"([{"op":"delete","path":""}])");
    EXPECT_EQ(rig.shown("typed:a"), "{}");
    EXPECT_GT(ask(RestoreRecord{"typed:a", "", 4, {}}).seq, 6u);
    EXPECT_EQ(rig.shown("typed:a"), then);
}

TEST_F(Past, ALargeStateThatCrossesANewerOneIsNotRestoredInPart) {
    for (int page = 0; page < 4; ++page) {
        std::string ops = "[";
        for (int i = 0; i < 500; ++i)
            ops += std::string(i > 0 ? "," : "") + R"({"op":"set","path":"extra)" +
                   std::to_string(page * 500 + i) + R"(","value":"some text"})";
        write(ops + "]");
    }
    write(R"([{"op":"delete","path":""}])");
    write_title(1);
    // Its author has seen the record empty.
    RestoreRecord guarded{"typed:a", "", 4, {}, true, {kEpoch, 5}};
    EXPECT_EQ(ask(guarded).error.code, base::ErrorCode::precondition_failed);
    rig.settle();
    EXPECT_EQ(rig.shown("typed:a"), R"({"title":"t1","votes":1})");
    // One who has seen the newest state may.
    const uint64_t head = rig.hub->find_channel("typed:a")->head();
    guarded.match = {kEpoch, head};
    EXPECT_GT(ask(guarded).seq, head + 1);
}

TEST_F(Past, RestoringNothingTouchesOnlyWhatWasThere) {
    write_title(1);
    EXPECT_FALSE(ask(RestoreRecord{"typed:a", "", 0, {}}).is_error);
    EXPECT_EQ(rig.shown("typed:a"), "{}");
    const auto guarded = [&](std::string_view ops) {
        WriteRecord write{"typed:a", json(ops), {}, true, {kEpoch, 1}, {}};
        return ask(std::move(write));
    };
    EXPECT_FALSE(guarded(R"([{"op":"set","path":"extra","value":1}])").is_error);
    EXPECT_EQ(guarded(R"([{"op":"set","path":"title","value":"x"}])").error.code,
              base::ErrorCode::precondition_failed);
    // What is restored is there already, but its author has not seen how it came to be.
    write(R"([{"op":"delete","path":"extra"}])");
    EXPECT_EQ(ask(RestoreRecord{"typed:a", "", 0, {}, true, {kEpoch, 1}}).error.code,
              base::ErrorCode::precondition_failed);
    EXPECT_NE(ask(RestoreRecord{"typed:a", "", 0, {}}).json.find("unchanged"), std::string::npos);
}

TEST_F(Past, AWholeSetIsToldAsSet) {
    write(R"([{"op":"set","path":"tags","value":["x"]}])");
    write(R"([{"op":"set","path":"tags","value":["y"]}])");
    write(R"([{"op":"delete","path":"tags"}])");
    const base::Value page = json(ask(ReadChanges{"typed:a", 0, {}, 100}).json);
    std::string ops;
    for (const base::Value& row : page.find("changes")->as_array())
        ops += row.find("op")->as_string() + " ";
    EXPECT_EQ(ops, "set set delete ");
}

TEST_F(Past, ADeletedChannelHasNoPast) {
    write_title(1);
    write_title(2);
    ask(SaveVersion{"typed:a", "v", {}});
    EXPECT_FALSE(ask(DeleteChannel{"typed:a"}).is_error);
    EXPECT_EQ(shown(ask(get(1))), "state_gone");
    EXPECT_EQ(shown(ask(get({}, "v"))), "not_found");
    write_title(3);
    EXPECT_EQ(shown(ask(get(2))), "{}");
    EXPECT_EQ(shown(ask(get(3))), R"({"title":"t3","votes":1})");
}

}  // namespace
}  // namespace tandem::hub
