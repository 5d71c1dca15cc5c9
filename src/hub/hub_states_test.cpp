#include "product/hub_rig.hpp"
#include "record/hash_compare.hpp"

// Whole states that programs write, and the hashes by which two records are compared.
namespace tandem::hub {
namespace {

using namespace testing;

ReplaceRecord whole(std::string_view body) {
    ReplaceRecord out;
    out.channel = "t:a";
    out.body = body;
    return out;
}
ReplaceRecord whole(std::string_view body, uint64_t base) {
    ReplaceRecord out = whole(body);
    out.has_base = true;
    out.base = {kEpoch, base};
    return out;
}

TEST(WholeStates, WriteOnlyWhatDiffers) {
    Rig rig;
    rig.hub->request(rig.now, 1, whole(R"({"a":1,"b":{"c":2},"l":[{"id":"x","t":1}]})"));
    EXPECT_EQ(rig.reply().seq, 1u);
    rig.hub->request(rig.now, 2, whole(R"({"a":1,"b":{"c":3},"l":[{"id":"x","t":1}]})"));
    EXPECT_EQ(rig.reply().seq, 2u);
    EXPECT_EQ(rig.shown("t:a"), R"({"a":1,"b":{"c":3},"l":[{"id":"x","t":1}]})");
    const auto changes = rig.hub->find_channel("t:a")->document().changes(1);
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_EQ(record::to_text(changes[0].path), "b/c");
}

TEST(WholeStates, InSeveralEntriesAreOneCommit) {
    Config config = test_config();
    config.limits.entries_per_commit_max = 2;
    Rig rig(config);
    std::string state = "{\"a\":1";
    for (int i = 0; i < 3500; ++i)
        state += ",\"f" + std::to_string(i) + "\":1";
    rig.hub->request(rig.now, 1, whole(state + "}"));
    EXPECT_GE(rig.reply().seq, 4u);
    ASSERT_EQ(rig.store.appends.size(), 1u);
    EXPECT_GE(rig.store.appends[0].channels[0].entries.size(), 4u);
}

TEST(WholeStates, ThatChangeMuchTakeSeveralEntriesOrNone) {
    Rig rig;
    const auto state = [](const char* value) {
        std::string out;
        for (int i = 0; i < 2500; ++i)
            out += (out.empty() ? "{" : ",") + std::string("\"f") + std::to_string(1000 + i) +
                   "\":" + value;
        return out + "}";
    };
    rig.hub->request(rig.now, 1, whole(state("1")));
    const uint64_t first = rig.reply().seq;
    EXPECT_GE(first, 3u);
    EXPECT_EQ(rig.shown("t:a"), state("1"));
    EXPECT_EQ(rig.hub->find_channel("t:a")->head(), first);
    WriteRecord other;
    other.channel = "t:a";
    other.ops = json(R"([{"op":"set","path":"f1007","value":"theirs"}])");
    rig.hub->request(rig.now, 2, other);
    const uint64_t theirs = rig.reply().seq;
    ReplaceRecord guarded = whole(state("2"), first);
    guarded.is_conditional = true;
    rig.hub->request(rig.now, 3, guarded);
    EXPECT_EQ(rig.reply().error.code, base::ErrorCode::precondition_failed);
    EXPECT_EQ(rig.hub->find_channel("t:a")->head(), theirs) << "no part of it is written";
    rig.hub->request(rig.now, 4, whole(state("2")));
    EXPECT_GT(rig.reply().seq, theirs + 2);
    EXPECT_EQ(rig.shown("t:a"), state("2"));
    EXPECT_TRUE(
        rig.hub->find_channel("t:a")->document().journal(record::Document::Rows::all).empty());
}

TEST(WholeStates, ThatChangeNothingTakeNoEntryAndNoHash) {
    Rig rig;
    rig.hub->request(rig.now, 1, whole(R"({"a":1,"b":2})"));
    rig.reply();
    const uint64_t hashes = rig.hub->stats().hashes;
    for (uint64_t i = 2; i < 10; ++i) {
        // Also when it is written in another way.
        rig.hub->request(rig.now, i, whole(i == 5 ? R"({"b":2, "a":1})" : R"({"a":1,"b":2})"));
        const Reply reply = rig.reply();
        EXPECT_FALSE(reply.is_error);
        EXPECT_EQ(reply.json, R"({"seq":1,"unchanged":true})");
    }
    EXPECT_EQ(rig.hub->stats().unchanged, 8u);
    EXPECT_EQ(rig.hub->stats().hashes, hashes);
    EXPECT_EQ(rig.hub->find_channel("t:a")->head(), 1u);
    // What was unchanged may be a change later.
    rig.hub->request(rig.now, 20, whole(R"({"a":1})"));
    EXPECT_EQ(rig.reply().seq, 2u);
    rig.hub->request(rig.now, 21, whole(R"({"a":1,"b":2})"));
    EXPECT_EQ(rig.reply().seq, 3u);
}

TEST(WholeStates, OfARecordThatWasDeletedAreRefused) {
    Rig rig;
    rig.hub->request(rig.now, 1, whole(R"({"a":1})"));
    rig.reply();
    rig.hub->request(rig.now, 2, whole(R"({"a":1,"b":1})"));
    rig.reply();
    rig.hub->request(rig.now, 3, DeleteChannel{"t:a"});
    rig.reply();
    // Nothing of the new record has changed since, but what their author has read is not there.
    for (const uint64_t base : {1, 2}) {
        rig.hub->request(rig.now, 4, whole(R"({"a":1,"b":2})", base));
        EXPECT_EQ(rig.reply().error.code, base::ErrorCode::precondition_failed) << base;
    }
    EXPECT_EQ(rig.shown("t:a"), "{}");
    // Who has read the empty record, which is at the same seq, writes.
    rig.hub->request(rig.now, 5, GetRecord{"t:a", ""});
    const Reply read = rig.reply();
    EXPECT_EQ(read.seq, 2u);
    ReplaceRecord anew = whole(R"({"c":1})", read.seq);
    anew.base.epoch = read.epoch;
    rig.hub->request(rig.now, 6, anew);
    EXPECT_EQ(rig.reply().seq, 3u);
    EXPECT_EQ(rig.shown("t:a"), R"({"c":1})");
    // Also after the record was stored as a whole, and read back.
    rig.hub->request(rig.now, 7, whole(R"({})"));
    rig.reply();
    rig.pass(rig.config.retention.cold_after_ms + 10'000);
    rig.restart();
    rig.hub->request(rig.now, 8, whole(R"({"a":1,"b":2})", 2));
    EXPECT_EQ(rig.reply().error.code, base::ErrorCode::precondition_failed);
}

TEST(WholeStates, KeepWhatOthersWroteSinceTheRead) {
    Rig rig;
    rig.hub->request(rig.now, 1, whole(R"({"a":1,"b":1,"c":1})"));
    rig.reply();
    rig.hub->request(rig.now, 2, GetRecord{"t:a", ""});
    rig.reply();
    rig.hub->request(rig.now, 3, whole(R"({"a":1,"b":2,"c":1})"));
    rig.reply();
    rig.hub->request(rig.now, 4, whole(R"({"a":2,"b":1,"c":1})", 1));
    EXPECT_EQ(rig.reply().seq, 3u);
    EXPECT_EQ(rig.shown("t:a"), R"({"a":2,"b":2,"c":1})");
    ReplaceRecord conditional = whole(R"({"a":3,"b":1,"c":5})", 1);
    conditional.is_conditional = true;
    rig.hub->request(rig.now, 5, conditional);
    EXPECT_EQ(rig.reply().error.code, base::ErrorCode::precondition_failed) << "a has changed";
    conditional.body = R"({"a":1,"b":1,"c":5})";
    rig.hub->request(rig.now, 6, conditional);
    EXPECT_EQ(rig.reply().seq, 4u) << "c has not";
    EXPECT_EQ(rig.shown("t:a"), R"({"a":2,"b":2,"c":5})");
}

TEST(WholeStates, MeanTheStateAtTheirBaseHoweverOldItIs) {
    Rig rig;
    rig.hub->request(rig.now, 1, whole(R"({"a":1,"l":[{"id":"x","t":1},{"id":"y","t":1}]})"));
    rig.reply();
    for (uint64_t i = 2; i <= 30; ++i) {
        rig.hub->request(rig.now, i, GetRecord{"t:a", ""});
        rig.reply();
        rig.hub->request(
            rig.now, i,
            whole(R"({"a":)" + std::to_string(i) + R"(,"l":[{"id":"x","t":1},{"id":"y","t":2}]})"));
        EXPECT_EQ(rig.reply().seq, i);
    }
    // Nobody reads it again, and it is from before all of the reads that came since.
    ReplaceRecord late = whole(R"({"a":1,"b":1,"l":[{"id":"y","t":1},{"id":"x","t":5}]})", 1);
    late.idempotency_key = "k";
    for (int i = 0; i < 2; ++i) {
        rig.hub->request(rig.now, 100, late);
        EXPECT_EQ(rig.reply().seq, 31u);
    }
    EXPECT_EQ(rig.shown("t:a"), R"({"a":30,"b":1,"l":[{"id":"y","t":2},{"id":"x","t":5}]})");
    EXPECT_EQ(rig.hub->find_channel("t:a")->keys_in_flight.size(), 0u);
}

TEST(WholeStates, WithABaseThatIsNoLongerKeptAreRefused) {
    Config config = test_config();
    config.retention.entries = 5;
    config.retention.snapshot_every_entries = 2;
    config.retention.states = 1;
    Rig rig(config);
    for (uint64_t i = 1; i <= 60; ++i) {
        rig.hub->request(rig.now, i, whole(R"({"a":)" + std::to_string(i) + "}"));
        rig.reply();
    }
    ReplaceRecord late = whole(R"({"a":1,"b":1})", 1);
    late.idempotency_key = "k";
    rig.hub->request(rig.now, 100, late);
    EXPECT_EQ(rig.reply().error.code, base::ErrorCode::precondition_failed);
    EXPECT_EQ(rig.hub->find_channel("t:a")->keys_in_flight.size(), 0u);
}

TEST(WholeStates, WithABaseThatNobodyKnowsAreRefused) {
    Rig rig;
    rig.hub->request(rig.now, 1, whole(R"({"a":1})"));
    rig.reply();
    rig.hub->request(rig.now, 2, whole(R"({"a":2})"));
    rig.reply();
    ReplaceRecord foreign = whole(R"({"a":1,"b":1})", 1);
    foreign.base.epoch = kEpoch + 1;
    rig.hub->request(rig.now, 3, foreign);
    EXPECT_EQ(rig.reply().error.code, base::ErrorCode::precondition_failed);
    rig.hub->request(rig.now, 4, whole(R"({"a":1,"b":1})", 9));
    EXPECT_EQ(rig.reply().error.code, base::ErrorCode::base_in_future);
    for (const std::string_view body : {"[]", "1", "{", R"({"__proto__":1})"}) {
        rig.hub->request(rig.now, 5, whole(body));
        EXPECT_TRUE(rig.reply().is_error) << body;
    }
    EXPECT_EQ(rig.hub->find_channel("t:a")->head(), 2u);
}

// Behind a write that is not on disk yet: the state to compare with is the one after it.
TEST(WholeStates, WaitForWhatIsOnItsWay) {
    Rig rig;
    rig.hub->request(rig.now, 1, whole(R"({"a":1,"b":1})"));
    rig.hub->request(rig.now, 2, whole(R"({"a":1,"b":2})"));
    rig.hub->request(rig.now, 3, whole(R"({"a":1,"b":2})"));
    EXPECT_EQ(rig.reply().seq, 1u);
    EXPECT_EQ(rig.reply().seq, 2u);
    EXPECT_EQ(rig.reply().seq, 2u);
    EXPECT_EQ(rig.shown("t:a"), R"({"a":1,"b":2})");
}

ReadHashes ask(std::string body) { return {"t:a", std::move(body)}; }

TEST(Hashes, LeadFromTheRootToTheField) {
    Rig rig;
    std::string state;
    for (int i = 0; i < 40; ++i)
        state += (i == 0 ? "{\"" : ",\"") + std::to_string(i) + "\":" + std::to_string(i);
    rig.hub->request(rig.now, 1, whole(state + "}"));
    rig.reply();
    rig.hub->request(rig.now, 2, ask(R"({"nodes":["","0"]})"));
    const base::Value root = json(rig.reply().json);
    const base::Array& nodes = root.find("nodes")->as_array();
    ASSERT_EQ(nodes.size(), 2u);
    EXPECT_EQ(nodes[0].find("parts")->as_array().size(), 16u);
    EXPECT_EQ(root.find("hash")->as_string(), rig.hub->find_channel("t:a")->document().hash());
    const std::string key = record::to_hex(
        record::digest_of(std::string("/\x01") + "7"));  // the path, as merge.md has it
    rig.hub->request(rig.now, 3, ask(R"({"fields":[")" + key + R"("]})"));
    const base::Value answer = json(rig.reply().json);
    const base::Value& field = answer.find("fields")->as_array()[0];
    EXPECT_EQ(field.find("path")->as_string(), "7");
    EXPECT_EQ(field.find("value")->as_integer(), 7);
    EXPECT_NE(field.find("stamp"), nullptr);
    // Nothing has changed, so nothing is computed.
    const uint64_t hashes = rig.hub->stats().hashes;
    rig.hub->request(rig.now, 4, ask(R"({"nodes":[""]})"));
    rig.reply();
    EXPECT_EQ(rig.hub->stats().hashes, hashes);
}

TEST(Hashes, RefuseWhatIsNoPrefix) {
    Rig rig;
    rig.hub->request(rig.now, 1, whole(R"({"a":1})"));
    rig.reply();
    for (const char* body :
         {"[", R"({"nodes":5})", R"({"nodes":[5]})", R"({"nodes":["G"]})", R"({"fields":["0"]})"}) {
        rig.hub->request(rig.now, 2, ask(body));
        EXPECT_TRUE(rig.reply().is_error) << body;
    }
    std::string many = R"({"nodes":[)";
    for (size_t i = 0; i <= kHashNodesPerRequestMax; ++i)
        many += i == 0 ? "\"\"" : ",\"\"";
    rig.hub->request(rig.now, 3, ask(many + "]}"));
    EXPECT_EQ(rig.reply().error.code, base::ErrorCode::too_large);
}

}  // namespace
}  // namespace tandem::hub
