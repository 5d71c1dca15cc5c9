#include "client/basis.hpp"
#include "client/test_client.hpp"

namespace tandem::client::testing {
namespace {

record::Op op_of(record::OpKind kind, std::string_view at, base::Value value = {}) {
    record::Op op;
    op.kind = kind;
    op.path = path(at);
    op.value = std::move(value);
    return op;
}
record::Op set_op(std::string_view at, int64_t value) {
    return op_of(record::OpKind::set, at, base::Value::integer(value));
}
record::Op insert_op(std::string_view at, std::string position) {
    record::Op op = op_of(record::OpKind::insert, at);
    op.position = std::move(position);
    return op;
}

/// A board of cards c0, c1, … in this order.
struct PartialTest : ::testing::Test {
    PartialTest() {
        std::vector<record::Op> ops = {set_op("title", 1), set_op("price", 3)};
        for (int i = 0; i < 10; ++i) {
            const std::string card = "cards/@c" + std::to_string(i);
            ops.push_back(insert_op(card, "a" + std::to_string(i)));
            ops.push_back(set_op(card + "/n", i));
        }
        server.write(std::move(ops));
    }

    std::string ids(TestClient& client) {
        std::string out;
        for (const auto& item : client->view(kChannel).items(path("cards")))
            out += (out.empty() ? "" : " ") + item.id;
        return out;
    }
    uint64_t total(TestClient& client) { return client->total(kChannel, path("cards")); }
    /// Every `subscribe` so far, as the parts that it asked for and said to hold.
    std::string asked() {
        const wire::Subscribe* last = nullptr;
        for (const wire::ClientFrame& frame : server.received)
            if (const auto* subscribe = std::get_if<wire::Subscribe>(&frame)) last = subscribe;
        if (last == nullptr) return "nothing";
        return texts(last->select) + "| " + texts(last->held) + "@" + std::to_string(last->after);
    }
    static std::string texts(const std::vector<wire::Selection>& parts) {
        std::string out;
        for (const wire::Selection& part : parts) {
            auto at = record::decode_path(part.path);
            out += record::to_text(
                       {at.ok() ? *at : record::Path{}, part.to != 0, {part.from, part.to}}) +
                   " ";
        }
        return out;
    }
    /// The ops of the newest push, each with what its author had seen.
    static std::string last_push(TestClient& client) {
        std::string out;
        for (const record::Op& op : client->pending(kChannel).back().ops)
            out += std::string(out.empty() ? "" : ", ") + std::string(record::name_of(op.kind)) +
                   " " + record::to_text(op.path) + " " + std::to_string(op.base.seq);
        return out;
    }
    void remove(TestClient& client, std::string_view at) {
        ASSERT_TRUE(
            client->push(client.now, kChannel, client->edit(kChannel).remove_node(path(at)).take())
                .ok());
    }

    ModelServer server;
};

TEST_F(PartialTest, AWindowShowsItsItemsAndHowManyThereAre) {
    TestClient a(server, select({"title", "cards[2:5]"}));
    a.dial();
    a.pump();
    EXPECT_EQ(ids(a), "c2 c3 c4");
    EXPECT_EQ(total(a), 10u);
    EXPECT_FALSE(a->view(kChannel).exists(path("price")));
    EXPECT_TRUE(a->status(a.now, kChannel).synced);
    server.write({op_of(record::OpKind::remove_node, "cards/@c0")});
    a.pump();
    EXPECT_EQ(ids(a), "c3 c4 c5");
    EXPECT_EQ(total(a), 9u);
    server.write({insert_op("cards/@new", "a00")});
    a.pump();
    EXPECT_EQ(ids(a), "c2 c3 c4");
    EXPECT_EQ(total(a), 10u);
}

TEST_F(PartialTest, MoreIsLoadedLiveAndAnotherSelectionReplacesIt) {
    TestClient a(server, select({"cards[0:2]"}));
    a.dial();
    a.pump();
    a.events.clear();
    ASSERT_TRUE(a->load(a.now, kChannel, select({"cards[2:4]", "title"}).parts()).ok());
    EXPECT_FALSE(a->is_ready(kChannel)) << "what is wanted is not there yet";
    EXPECT_EQ(ids(a), "c0 c1");
    a.pump();
    EXPECT_EQ(ids(a), "c0 c1 c2 c3");
    EXPECT_EQ(asked(), "cards[0:4] title | cards[0:2] @1");
    EXPECT_EQ(a.count(EventKind::ready), 1u);
    a->select(a.now, kChannel, select({"cards[8:10]"}));
    a.pump();
    EXPECT_EQ(ids(a), "c8 c9");
    EXPECT_EQ(total(a), 10u);
    EXPECT_FALSE(a->view(kChannel).exists(path("title")));
    a->select(a.now, kChannel, {});
    a.pump();
    EXPECT_EQ(a.shown(), base::to_json(server.document.shown({})));
    EXPECT_EQ(asked(), "| cards[8:10] @1");
    a->select(a.now, kChannel, select({"price"}));
    a.pump();
    EXPECT_EQ(a.shown(), R"({"price":3})");
    EXPECT_EQ(asked(), "price |  @1") << "the whole record is said by the root's path";
    ASSERT_TRUE(a->load(a.now, kChannel, {}).ok());
    EXPECT_TRUE(a->is_ready(kChannel));
}

TEST_F(PartialTest, LoadingMoreThanMayBeSelectedChangesNothing) {
    TestClient a(server, select({"title"}));
    std::vector<record::SelectedPart> parts;
    for (int i = 0; i < 64; ++i)
        parts.push_back({path("k" + std::to_string(i)), false, {}});
    auto loaded = a->load(a.now, kChannel, parts);
    ASSERT_FALSE(loaded.ok());
    EXPECT_EQ(loaded.error().code, base::ErrorCode::bad_select);
    EXPECT_EQ(a->selection(kChannel), select({"title"}));
}

TEST_F(PartialTest, AChangeWhileTheAnswerIsOnItsWayIsAskedForAfterIt) {
    TestClient a(server, select({"title"}));
    a.dial();
    a.pump();
    for (const char* part : {"cards[0:2]", "cards[2:4]", "cards[4:6]"})
        ASSERT_TRUE(a->load(a.now, kChannel, select({part}).parts()).ok());
    a.send();
    server.write({set_op("title", 2)});
    a.pump();
    EXPECT_EQ(ids(a), "c0 c1 c2 c3 c4 c5");
    EXPECT_EQ(a->view(kChannel).shown(path("title")), base::Value::integer(2));
    EXPECT_TRUE(a->is_ready(kChannel));
    // There and back again.
    a->select(a.now, kChannel, select({"price"}));
    a->select(a.now, kChannel, select({"title"}));
    a.pump();
    EXPECT_EQ(a.shown(), R"({"title":2})");
    EXPECT_TRUE(a->status(a.now, kChannel).synced);
}

TEST_F(PartialTest, ASelectionThatIsRefusedLeavesWhatWasThere) {
    TestClient a(server, select({"cards[0:2]"}));
    a.dial();
    a.pump();
    server.refuse_select = [](const record::Selection& wanted) {
        return wanted.covers_always(path("price"));
    };
    a->select(a.now, kChannel, select({"price"}));
    a.pump();
    EXPECT_EQ(a.last(EventKind::error).code, "bad_select");
    EXPECT_EQ(a->selection(kChannel), select({"cards[0:2]"}));
    server.write({op_of(record::OpKind::remove_node, "cards/@c0")});
    a.pump();
    EXPECT_EQ(ids(a), "c1 c2");
    EXPECT_TRUE(a->status(a.now, kChannel).synced);
}

TEST_F(PartialTest, AFirstSelectionThatIsRefusedMayBeChanged) {
    server.refuse_select = [](const record::Selection& wanted) { return wanted.is_whole(); };
    TestClient a(server, record::Selection());
    a.dial();
    a.pump();
    EXPECT_EQ(a.last(EventKind::error).code, "bad_select");
    EXPECT_FALSE(a->is_ready(kChannel));
    a->select(a.now, kChannel, select({"title"}));
    a.pump();
    EXPECT_EQ(a.shown(), R"({"title":1})");
}

TEST_F(PartialTest, EditsSayWhatWasSeenAndReachNoFurther) {
    TestClient a(server, select({"title", "cards[0:2]", "meta/a"}));
    server.write({set_op("meta/a", 1), set_op("meta/b", 2)});
    a.dial();
    a.pump();
    ASSERT_TRUE(a.set("title", "x").ok());
    EXPECT_EQ(last_push(a), "set title 2");
    ASSERT_TRUE(a.set("price", "x").ok());
    EXPECT_EQ(last_push(a), "set price 0") << "not covered: nothing was seen";
    ASSERT_TRUE(a.set("cards/@c1/n", "x").ok());
    EXPECT_EQ(last_push(a), "set cards/@c1/n 2");
    ASSERT_TRUE(a.set("cards/@c7/n", "x").ok());
    EXPECT_EQ(last_push(a), "set cards/@c7/n 0");
    remove(a, "cards");
    EXPECT_EQ(last_push(a), "delete cards/@c0 2, delete cards/@c1 2");
    ASSERT_TRUE(a.set("meta", "m").ok());
    EXPECT_EQ(last_push(a), "delete meta/a 2, set meta 0");
    base::Value object{base::Object{}};
    object.put("a", base::Value::integer(5));
    object.put("b", base::Value(base::Object{{"c", base::Value::integer(6)}}));
    ASSERT_TRUE(
        a->push(a.now, kChannel, a->edit(kChannel).assign(path("meta"), std::move(object)).take())
            .ok());
    EXPECT_EQ(last_push(a), "delete meta/a 2, set meta/a 2, set meta/b/c 0");
    remove(a, "nothing/there");
    EXPECT_EQ(last_push(a), "delete nothing/there 0");
    a.pump();
    EXPECT_EQ(server.document.items(path("cards")).size(), 8u) << "only what is seen goes";
    // c7 was edited, too; it is outside of the window all the same.
    EXPECT_EQ(ids(a), "c2 c3");
    EXPECT_TRUE(a->pending(kChannel).empty());
}

TEST_F(PartialTest, WhatWasSeenOfAnItemForAPartOfItIsNotTheItem) {
    TestClient a(server, select({"cards/@c1/n"}));
    a.dial();
    a.pump();
    ASSERT_TRUE(a.set("cards/@c1/n", "x").ok());
    EXPECT_EQ(last_push(a), "set cards/@c1/n 1");
    remove(a, "cards/@c1");
    EXPECT_EQ(last_push(a), "delete cards/@c1/n 1");
    record::View view;
    for (const auto& change : server.document.changes(0))
        view.apply(change);
    const auto both = select({"cards[0:3]", "cards/@c1/n"});
    EXPECT_FALSE(is_covered(both, view, path("cards/@c1"))) << "it may be there for its part";
    EXPECT_TRUE(is_covered(both, view, path("cards/@c2/n")));
    EXPECT_TRUE(is_covered(both, view, path("cards/@c1/n/deep")));
}

TEST_F(PartialTest, AnInsertCountsAtOnceAndLeavesWhenItIsOutside) {
    TestClient a(server, select({"cards[0:2]"}));
    a.dial();
    a.pump();
    auto edit = a->edit(kChannel);
    edit.insert(path("cards"), Place::last(), base::Value());
    ASSERT_TRUE(a->push(a.now, kChannel, edit.take()).ok());
    EXPECT_EQ(total(a), 11u);
    EXPECT_EQ(a->view(kChannel).items(path("cards")).size(), 3u);
    remove(a, "cards/@c0");
    EXPECT_EQ(total(a), 10u);
    a.pump();
    EXPECT_EQ(a->view(kChannel).items(path("cards")).size(), 2u);
    EXPECT_EQ(total(a), 10u);
}

TEST_F(PartialTest, TheDeviceKeepsAPartAndComesBackForAnotherFromThere) {
    TestClient a(server, select({"cards[0:3]"}));
    a.dial();
    a.pump();
    ASSERT_TRUE(a.set("cards/@c0/n", "mine").ok());
    a.pump();
    a.wait(2'000);
    a.save();
    a.crash(select({"cards[2:6]"}));
    EXPECT_EQ(ids(a), "c0 c1 c2") << "offline: what the device has";
    EXPECT_EQ(total(a), 10u);
    EXPECT_EQ(a->view(kChannel).shown(path("cards/@c0/n")), base::Value("mine"));
    EXPECT_FALSE(a->is_ready(kChannel));
    server.write({op_of(record::OpKind::remove_node, "cards/@c3")});
    a.dial();
    a.pump();
    EXPECT_EQ(ids(a), "c2 c4 c5 c6");
    EXPECT_EQ(asked(), "cards[2:6] | cards[0:3] @2");
    EXPECT_EQ(a.count(EventKind::reset), 0u);
}

TEST_F(PartialTest, WhatWaitsInTheOutboxIsSentWithoutFollowingMore) {
    TestClient a(server, select({"title"}));
    a.dial();
    a.pump();
    a.wait(2'000);
    a.save();
    a.cut();
    ASSERT_TRUE(a.set("title", "later").ok());
    a.save();
    a.crash();
    a->unsubscribe(a.now, kChannel);
    a.dial();
    a.pump();
    EXPECT_EQ(asked(), "title | @1");
    EXPECT_EQ(server.document.shown(path("title")), base::Value("later"));
}

/// A crash at any record of the store leaves each own increment shown once.
TEST_F(PartialTest, AKeptViewAndTheOutboxNeverCountTwice) {
    for (size_t kept = 0; kept < 12; ++kept) {
        TestClient a(server, select({"votes"}));
        const std::string votes = "votes/v" + std::to_string(kept);
        a.dial();
        a.pump();
        a.wait(2'000);
        a.pump();
        for (int i = 0; i < 3; ++i) {
            ASSERT_TRUE(a.inc(votes, 1).ok());
            a.save();
        }
        a.send();
        while (a.take()) {
        }
        EXPECT_TRUE(a->pending(kChannel).empty());
        a.wait(2'000);
        a.save(kept);
        a.crash();
        EXPECT_EQ(a.counter(votes), 3) << "after " << kept << " records";
        a.dial();
        a.pump();
        EXPECT_EQ(a.counter(votes), 3) << "after " << kept << " records";
        a.wait(2'000);
        a.pump();
        EXPECT_EQ(server.document.counter(path(votes)).value, 3);
        EXPECT_TRUE(a->status(a.now, kChannel).synced);
        size_t pushes = 0;
        for (const auto& [key, record] : a.disk)
            pushes += record.kind == StoreRecord::Kind::push ? 1 : 0;
        EXPECT_EQ(pushes, 0u) << "what the view holds leaves the store";
    }
}

TEST_F(PartialTest, AKeptViewThatIsDamagedIsAnError) {
    TestClient a(server, select({"cards[0:3]"}));
    a.dial();
    a.pump();
    a.wait(2'000);
    a.save();
    const StoreRecord whole = a.disk.at({kChannel, StoreRecord::kViewKey});
    for (size_t size = 0; size < whole.bytes.size(); ++size) {
        Options options;
        options.entropy = [] { return uint64_t{1}; };
        Session session(std::move(options));
        StoreRecord cut = whole;
        cut.bytes.resize(size);
        // Cut between two changes it reads as less of the view; never as something else.
        if (session.restore(cut).ok()) {
            EXPECT_EQ(session.cursor(kChannel).seq, 1u);
        }
    }
    StoreRecord newer = whole;
    newer.bytes[0] = 9;
    Options options;
    options.entropy = [] { return uint64_t{1}; };
    Session session(std::move(options));
    EXPECT_EQ(session.restore(newer).error().code, base::ErrorCode::unsupported_version);
}

}  // namespace
}  // namespace tandem::client::testing
