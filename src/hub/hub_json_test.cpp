#include <algorithm>

#include "product/hub_rig.hpp"

// What people write in JSON, and what they get.
namespace tandem::hub {
namespace {

using namespace testing;

/// The only frame of that name.
base::Value only(Rig& rig, ConnectionId id, const char* name) {
    base::Value out;
    for (const base::Value& value : rig.values(id))
        if (const base::Value* found = value.find(name)) out = *found;
    EXPECT_FALSE(out.is_null()) << name;
    return out;
}

std::string text(const base::Value& value, const char* name) {
    const base::Value* member = value.find(name);
    return member == nullptr ? "-" : base::to_json(*member);
}

void write(Rig& rig, ConnectionId id, const std::string& channel, const std::string& ops) {
    rig.send(id, R"({"push":{"channel":")" + channel + R"(","ops":)" + ops + "}}");
}

TEST(JsonPush, PlacesItemsAtTheEndsAndBetween) {
    Rig rig;
    const auto ann = rig.open(Codec::json);
    const auto insert = [](const char* id, const char* at) {
        return std::string(R"({"op":"insert","path":"l/@)") + id + R"(","at":)" + at + "}";
    };
    write(rig, ann, "t:a", "[" + insert("m", "\"last\"") + "]");
    write(rig, ann, "t:a", "[" + insert("z", "\"last\"") + "," + insert("zz", "\"last\"") + "]");
    write(rig, ann, "t:a", "[" + insert("a", "\"first\"") + "," + insert("aa", "\"first\"") + "]");
    write(rig, ann, "t:a",
          "[" + insert("n", R"({"after":"m"})") + "," + insert("l", R"({"before":"m"})") + "," +
              insert("nn", R"({"after":"n"})") + "]");
    rig.settle();
    const Channel* channel = rig.hub->find_channel("t:a");
    std::string order;
    for (const auto& item : channel->document().items(path("l")))
        order += item.id + " ";
    EXPECT_EQ(order, "aa a l m n nn z zz ");
    write(
        rig, ann, "t:a",
        R"([{"op":"move","path":"l/@zz","at":"first"},{"op":"move","path":"l/@aa","at":"last"}])");
    rig.settle();
    order.clear();
    for (const auto& item : channel->document().items(path("l")))
        order += item.id + " ";
    EXPECT_EQ(order, "zz a l m n nn z aa ");
    rig.values(ann);
    write(rig, ann, "t:a", "[" + insert("q", R"({"after":"nobody"})") + "]");
    EXPECT_EQ(text(only(rig, ann, "error"), "code"), "\"not_found\"");
}

TEST(JsonPush, ARefusedFrameLeavesTheOthersOfItsMessage) {
    Rig rig;
    const auto ann = rig.open(Codec::json);
    rig.send(ann, R"([
        {"push":{"channel":"t:a","actor":70000,"counter":1,"ref":8,
                 "ops":[{"op":"set","path":"x","value":{"constructor":1}}]}},
        {"push":{"channel":"t:b","ref":2,"ops":[{"op":"set","path":"x","value":1}]}},
        {"subscribe":{"channel":"t:b"}}])");
    const std::vector<base::Value> values = rig.values(ann);
    ASSERT_FALSE(values.empty());
    const base::Value* error = values.front().find("error");
    ASSERT_NE(error, nullptr) << base::to_json(values.front());
    EXPECT_EQ(text(*error, "code"), "\"reserved_key\"");
    EXPECT_EQ(text(*error, "channel"), "\"t:a\"");
    EXPECT_EQ(text(*error, "actor"), "70000");
    EXPECT_EQ(text(*error, "counter"), "1");
    EXPECT_EQ(text(*error, "ref"), "8");
    const auto has = [&](const char* name) {
        return std::any_of(values.begin(), values.end(),
                           [&](const base::Value& v) { return v.find(name) != nullptr; });
    };
    EXPECT_TRUE(has("ack"));
    EXPECT_TRUE(has("subscribed"));
    EXPECT_EQ(rig.shown("t:b"), R"({"x":1})");
}

TEST(JsonPush, AnAnchorMayBeOnItsWayToTheDisk) {
    Rig rig;
    const auto ann = rig.open(Codec::json);
    rig.send(ann, R"({"subscribe":{"channel":"t:a"}})");
    rig.values(ann);
    write(rig, ann, "t:a", R"([{"op":"insert","path":"l/@a","at":"last"}])");
    write(rig, ann, "t:a", R"([{"op":"insert","path":"l/@b","at":{"after":"a"}}])");
    for (const base::Value& value : rig.values(ann))
        EXPECT_EQ(value.find("error"), nullptr) << base::to_json(value);
    EXPECT_EQ(rig.shown("t:a"), R"({"l":[{"id":"a"},{"id":"b"}]})");
}

TEST(JsonPush, TheServerMakesIdsAndTellsThem) {
    Rig rig;
    const auto ann = rig.open(Codec::json);
    write(rig, ann, "t:a",
          R"([{"op":"insert","path":"l","value":{"t":1}},{"op":"insert","path":"l"}])");
    const base::Value ack = only(rig, ann, "ack");
    const base::Value* ids = ack.find("ids");
    ASSERT_NE(ids, nullptr);
    ASSERT_EQ(ids->as_array().size(), 2u);
    EXPECT_FALSE(ids->as_array()[0] == ids->as_array()[1]);
    const auto items = rig.hub->find_channel("t:a")->document().items(path("l"));
    ASSERT_EQ(items.size(), 2u);
    EXPECT_EQ(items[0].id, ids->as_array()[0].as_string());
}

TEST(JsonPush, SetMeansWhatTheSchemaMakesOfIt) {
    Rig rig;
    const auto ann = rig.open(Codec::json);
    const auto bob = rig.open();
    rig.send(bob, push("typed:a", kBob, 1,
                       R"([{"op":"inc","path":"votes","value":3},
                           {"op":"add","path":"tags","value":"old"}])"));
    rig.settle();
    write(rig, ann, "typed:a",
          R"([{"op":"set","path":"votes","value":10},
              {"op":"set","path":"tags","value":["a","b"]},
              {"op":"set","path":"extra","value":{"k":{"deep":1}}},
              {"op":"set","path":"obj","value":{"k":1}}])");
    rig.settle();
    EXPECT_EQ(rig.shown("typed:a"),
              R"({"extra":{"k":{"deep":1}},"obj":{"k":1},"tags":["a","b"],"votes":10})");
    const auto& document = rig.hub->find_channel("typed:a")->document();
    EXPECT_EQ(document.shown_kind(path("extra")), record::Kind::reg) << "json is one value";
    EXPECT_EQ(document.shown_kind(path("obj")), record::Kind::map);
    EXPECT_EQ(document.shown_kind(path("votes")), record::Kind::counter);
    write(rig, ann, "typed:a", R"([{"op":"set","path":"title","value":5}])");
    EXPECT_EQ(text(only(rig, ann, "error"), "code"), "\"wrong_type\"");
    write(rig, ann, "typed:a", R"([{"op":"set","path":"votes","value":"many"}])");
    EXPECT_EQ(text(only(rig, ann, "error"), "code"), "\"wrong_type\"");
}

TEST(JsonPush, ASetCounterCountsWhatTheHeadShows) {
    Rig rig;
    const auto ann = rig.open(Codec::json);
    write(rig, ann, "typed:a", R"([{"op":"set","path":"votes","value":10}])");
    write(rig, ann, "typed:a", R"([{"op":"set","path":"votes","value":20}])");
    write(rig, ann, "typed:a", R"([{"op":"inc","path":"votes","value":1}])");
    write(rig, ann, "typed:a", R"([{"op":"set","path":"votes","value":5}])");
    rig.settle();
    EXPECT_EQ(rig.shown("typed:a"), R"({"votes":5})");
    EXPECT_TRUE(
        rig.hub->find_channel("typed:a")->document().journal(record::Document::Rows::open).empty());
}

// Each op of a push has seen those before it, whoever numbers the push.
TEST(JsonPush, OpsOnOneCounterSeeEachOther) {
    Rig rig;
    const auto ann = rig.open(Codec::json);
    const auto votes = [&] {
        rig.settle();
        EXPECT_TRUE(rig.hub->find_channel("typed:a")
                        ->document()
                        .journal(record::Document::Rows::all)
                        .empty());
        return base::to_json(rig.hub->find_channel("typed:a")->document().shown({}));
    };
    write(rig, ann, "typed:a",
          R"([{"op":"set","path":"votes","value":5},{"op":"set","path":"votes","value":7}])");
    EXPECT_EQ(votes(), R"({"votes":7})");
    write(rig, ann, "typed:a",
          R"([{"op":"inc","path":"votes","n":2},{"op":"set","path":"votes","value":20},
              {"op":"inc","path":"votes","n":1},{"op":"counter_set","path":"votes","value":30}])");
    EXPECT_EQ(votes(), R"({"votes":30})");
    write(rig, ann, "typed:a",
          R"([{"op":"delete","path":"votes"},{"op":"inc","path":"votes","n":3},
              {"op":"set","path":"votes","value":4},{"op":"set","path":"votes","value":1}])");
    EXPECT_EQ(votes(), R"({"votes":1})");
    rig.send(ann, R"({"push":{"channel":"typed:a","actor":70000,"counter":1,"base":3,
             "ops":[{"op":"set","path":"votes","value":8},{"op":"set","path":"votes","value":9}]}})");
    EXPECT_EQ(votes(), R"({"votes":9})");
}

TEST(JsonPush, APushIsTakenWholeOrNotAtAll) {
    Rig rig;
    const auto ann = rig.open(Codec::json);
    write(rig, ann, "typed:a",
          R"([{"op":"set","path":"title","value":"A"},{"op":"set","path":"title","value":1}])");
    EXPECT_EQ(text(only(rig, ann, "error"), "code"), "\"wrong_type\"");
    EXPECT_EQ(rig.shown("typed:a"), "{}");
    EXPECT_EQ(rig.head("typed:a"), 0u);
}

TEST(JsonPush, TheServerNumbersThoseWithoutACounter) {
    Rig rig;
    const auto ann = rig.open(Codec::json);
    for (int i = 0; i < 3; ++i)
        write(rig, ann, "t:a", R"([{"op":"set","path":"x","value":1}])");
    rig.send(
        ann,
        R"({"push":{"channel":"t:a","counter":1,"ref":9,"ops":[{"op":"inc","path":"n","value":1}]}})");
    rig.send(
        ann,
        R"({"push":{"channel":"t:a","counter":1,"ref":10,"ops":[{"op":"inc","path":"n","value":1}]}})");
    rig.settle();
    EXPECT_EQ(rig.shown("t:a"), R"({"n":1,"x":1})") << "a counter makes a push exact";
    EXPECT_EQ(text(only(rig, ann, "ack"), "duplicate"), "true");
}

TEST(JsonReplay, ComesInPiecesAndItsChangesAtTheEnd) {
    Rig rig;
    const auto ann = rig.open();
    for (uint64_t i = 1; i <= 650; ++i) {
        rig.send(ann, set("t:a", kAnn, i, "x" + std::to_string(i % 7), std::to_string(i)));
        if (i % 50 == 0) rig.frames(ann);
    }
    const auto tool = rig.open(Codec::json);
    rig.send(tool, R"({"subscribe":{"channel":"t:a","after":10}})");
    record::View view;
    uint64_t next = 11;
    size_t pieces = 0;
    size_t changed = 0;
    std::vector<base::Value> got = rig.values(tool);
    // And live entries after it.
    rig.send(ann, set("t:a", kAnn, 651, "x1", "651"));
    for (base::Value& value : rig.values(tool))
        got.push_back(std::move(value));
    for (const base::Value& value : got) {
        const base::Value* entries = value.find("entries");
        if (entries == nullptr) continue;
        ++pieces;
        EXPECT_EQ(entries->find("from")->as_integer(), static_cast<int64_t>(next) - 1);
        for (const base::Value& item : entries->find("items")->as_array())
            EXPECT_EQ(item.find("seq")->as_integer(), static_cast<int64_t>(next++));
        const base::Value* changes = entries->find("changes");
        if (changes == nullptr) continue;
        for (const base::Value& each : changes->as_array()) {
            const auto change = record::change_from_json(each);
            ASSERT_TRUE(change.ok());
            view.apply(*change);
            ++changed;
        }
    }
    EXPECT_EQ(next, 652u);
    EXPECT_GE(pieces, 4u);
    EXPECT_EQ(changed, 8u);
    EXPECT_EQ(base::to_json(view.shown({})), rig.shown("t:a"));
}

TEST(JsonReplay, WritesDuringItLeaveNoHole) {
    Rig rig;
    const auto ann = rig.open();
    for (uint64_t i = 1; i <= 500; ++i)
        rig.send(ann, set("t:a", kAnn, i, "k" + std::to_string(i), std::to_string(i)));
    rig.frames(ann);
    const auto tool = rig.open(Codec::json);
    rig.send(tool, R"({"subscribe":{"channel":"t:a","after":0}})");
    rig.store.polls_one = true;
    record::View view;
    uint64_t next = 1;
    for (uint64_t i = 501; i < 540; ++i) {
        rig.send(ann, set("t:a", kAnn, i, "k" + std::to_string(i % 9), std::to_string(i)));
        rig.turn();
        for (const FramePtr& message : rig.take(tool)) {
            const base::Value value = json(message->payload);
            const base::Value* body = value.find("entries");
            if (body == nullptr) body = value.find("diff");
            if (body == nullptr) continue;
            if (const base::Value* items = body->find("items")) {
                for (const base::Value& item : items->as_array())
                    EXPECT_EQ(item.find("seq")->as_integer(), static_cast<int64_t>(next++));
            }
            if (const base::Value* changes = body->find("changes"))
                for (const base::Value& each : changes->as_array())
                    view.apply(*record::change_from_json(each));
        }
    }
    rig.store.polls_one = false;
    for (const base::Value& value : rig.values(tool)) {
        const base::Value* body = value.find("entries");
        ASSERT_NE(body, nullptr) << base::to_json(value);
        for (const base::Value& item : body->find("items")->as_array())
            EXPECT_EQ(item.find("seq")->as_integer(), static_cast<int64_t>(next++));
        if (const base::Value* changes = body->find("changes"))
            for (const base::Value& each : changes->as_array())
                view.apply(*record::change_from_json(each));
    }
    EXPECT_EQ(next, 540u);
    EXPECT_EQ(base::to_json(view.shown({})), rig.shown("t:a"));
}

TEST(JsonReplay, AClosedOrRenewedSubscriptionIgnoresWhatWasRead) {
    Rig rig;
    const auto ann = rig.open();
    for (uint64_t i = 1; i <= 20; ++i)
        rig.send(ann, set("t:a", kAnn, i, "x", std::to_string(i)));
    rig.frames(ann);
    const auto gone = rig.open(Codec::json);
    const auto tool = rig.open(Codec::json);
    rig.send(gone, R"({"subscribe":{"channel":"t:a","after":1}})");
    rig.send(tool, R"({"subscribe":{"channel":"t:a","after":1}})");
    rig.store.is_held = true;
    rig.take(gone);
    rig.take(tool);
    ASSERT_GE(rig.store.waiting(), 2u);
    rig.hub->close(rig.now, gone, Hub::Farewell::lost);
    rig.send(tool, R"({"subscribe":{"channel":"t:a","after":15}})");
    rig.take(tool);
    rig.store.is_held = false;
    uint64_t next = 16;
    for (const base::Value& value : rig.values(tool)) {
        const base::Value* entries = value.find("entries");
        if (entries == nullptr) continue;
        for (const base::Value& item : entries->find("items")->as_array())
            EXPECT_EQ(item.find("seq")->as_integer(), static_cast<int64_t>(next++));
    }
    EXPECT_EQ(next, 21u);
}

TEST(BadInput, IsAnsweredAndHarmsNothingElse) {
    Rig rig;
    const auto ann = rig.open();
    const auto tool = rig.open(Codec::json);
    const auto bob = rig.open();
    rig.send(bob, subscribe("t:a"));
    rig.frames(bob);
    std::string bytes;
    wire::encode_binary(bytes, wire::ClientFrame(set("t:a", kAnn, 1, "x", "1")));
    rig.send(ann, bytes + "\xff\xff\xff");
    EXPECT_NE(rig.error(ann), "");
    EXPECT_EQ(rig.shown("t:a"), R"({"x":1})") << "the frames before it count";
    for (
        const char* bad :
        {"", "nonsense", "[", "{}", R"({"push":5})", R"({"push":{"channel":"t:a"}})",
         R"({"push":{"channel":"none:a","ops":[]}})", R"({"push":{"channel":"bad","ops":[]}})",
         R"({"push":{"channel":"t:a","ops":[{"op":"fly","path":"x"}]}})",
         R"({"push":{"channel":"t:a","ops":[{"op":"set","path":"__proto__","value":1}]}})",
         R"({"push":{"channel":"t:a","ops":[{"op":"insert","path":"l/@a","at":"there"}]}})",
         R"({"push":{"channel":"t:a","ops":[{"op":"set","path":"x","value":1}],"base":{"epoch":5}}})",
         R"({"subscribe":{"channel":"none:a"}})", R"({"presence":{"channel":"t:a","state":1}})"}) {
        rig.send(tool, bad);
        const auto values = rig.values(tool);
        ASSERT_EQ(values.size(), 1u) << bad;
        EXPECT_NE(values[0].find("error"), nullptr) << bad;
    }
    wire::Push broken = set("t:a", kAnn, 2, "x", "2");
    broken.ops.pop_back();
    rig.send(ann, broken);
    EXPECT_NE(rig.error(ann), "");
    rig.send(ann, set("t:a", kAnn, 2, "x", "2"));
    EXPECT_EQ(rig.only<wire::Ack>(ann).seq, 2u);
    EXPECT_EQ(rig.all<wire::Delivery>(bob).size(), 2u);
    rig.hub->handle_bytes(rig.now, 999, "to nobody");
}

}  // namespace
}  // namespace tandem::hub
