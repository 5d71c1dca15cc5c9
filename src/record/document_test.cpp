#include "record/document.hpp"

#include <gtest/gtest.h>

#include "record/test_log.hpp"

namespace tandem::record {
namespace {

using testing::Log;
using testing::op;
using testing::path;

TEST(Document, EmptyShowsAnEmptyObject) {
    Log log;
    EXPECT_EQ(log.shown(), "{}");
    EXPECT_EQ(log.shown("a"), "-");
    EXPECT_EQ(log.document.shown_kind({}), Kind::none);
    EXPECT_TRUE(log.document.changes(0).empty());
}

TEST(Document, SetKeepsTheHighestStampOfWhatWasNotSeen) {
    Log log;
    log.add(1, R"({"op":"set","path":"t","value":"a"})", 100);
    log.add(2, R"({"op":"set","path":"t","value":"b"})", 50);
    EXPECT_EQ(log.shown(), R"({"t":"a"})");
    EXPECT_EQ(log.document.siblings(path("t")).size(), 2u);
    EXPECT_EQ(log.open_rows(), 1u);
    Row row = log.document.journal(Document::Rows::open)[0];
    EXPECT_EQ(row.reason, Reason::value);
    EXPECT_EQ(row.dot, (Dot{2, 1}));
    EXPECT_EQ(row.value.as_string(), "b");
    log.see(3, R"({"op":"set","path":"t","value":"c"})", 2);
    EXPECT_EQ(log.shown(), R"({"t":"c"})");
    EXPECT_EQ(log.open_rows(), 0u);
    EXPECT_EQ(log.document.journal(Document::Rows::all)[0].closed_seq, 3u);
}

TEST(Document, AWriterNeverConflictsWithItself) {
    Log log;
    for (int i = 0; i < 5; ++i)
        log.add(7, R"({"op":"set","path":"t","value":1})", 100);
    auto siblings = log.document.siblings(path("t"));
    ASSERT_EQ(siblings.size(), 1u);
    EXPECT_EQ(siblings[0].stamp, (clock::Stamp{100, 4, 7}));
    // A server actor has seen only its base.
    Log server;
    server.add(7, R"({"op":"set","path":"t","value":1})", 100, false);
    server.add(7, R"({"op":"set","path":"t","value":2})", 101, false);
    EXPECT_EQ(server.document.siblings(path("t")).size(), 2u);
}

TEST(Document, TheNinthSiblingFoldsTheLowest) {
    Log log;
    for (uint64_t actor = 1; actor <= 9; ++actor) {
        log.add(actor, {op(R"({"op":"set","path":"t","value":)" + std::to_string(actor) + "}")});
    }
    EXPECT_EQ(log.document.siblings(path("t")).size(), 8u);
    size_t folded = 0;
    for (const Row& row : log.document.journal(Document::Rows::open)) {
        if (row.reason != Reason::folded) continue;
        ++folded;
        EXPECT_EQ(row.dot.actor, 1u);
    }
    EXPECT_EQ(folded, 1u);
    log.see(10, R"({"op":"delete","path":""})", 9);
    EXPECT_EQ(log.open_rows(), 0u);
    EXPECT_EQ(log.shown(), "{}");
}

TEST(Document, DeleteKeepsWhatItDidNotSee) {
    Log log;
    log.add(1, R"({"op":"assign","path":"o","value":{"a":1,"b":{"c":2},"d":{}}})");
    log.add(2, R"({"op":"set","path":"o/b/c","value":3})");
    log.see(1, R"({"op":"delete","path":"o"})", 1);
    EXPECT_EQ(log.shown(), R"({"o":{"b":{"c":3}}})");
    log.see(3, R"({"op":"delete","path":"o"})", 3);
    EXPECT_EQ(log.shown(), "{}");
    EXPECT_EQ(log.changes(1),
              R"({"change":"clear","path":""})"
              R"({"change":"no_conflict","path":"o/b/c","reason":"value","dot":[1,1]})");
    EXPECT_EQ(log.changes(0), "");
}

TEST(Document, AssignReplacesAndKeepsEmptyMaps) {
    Log log;
    log.add(1, R"({"op":"assign","path":"o","value":{"a":1,"b":2}})");
    log.add(1, R"({"op":"assign","path":"o","value":{"b":3,"e":{}}})");
    EXPECT_EQ(log.shown(), R"({"o":{"b":3,"e":{}}})");
    EXPECT_EQ(log.changes(1), R"({"change":"clear","path":"o/a"})"
                              R"({"change":"value","path":"o/b","value":3})"
                              R"({"change":"empty","path":"o/e"})");
}

TEST(Document, CountersAdd) {
    Log log;
    log.add(1, R"({"op":"inc","path":"n","value":2})");
    log.add(2, R"({"op":"inc","path":"n","value":3})");
    EXPECT_EQ(log.shown("n"), "5");
    EXPECT_EQ(log.document.counter(path("n")).generation, (Dot{1, 1}));
    // Set to 100 by someone who saw 2: the 3 that came since stay.
    log.add(3,
            R"({"op":"counter_set","path":"n","value":100,"generation":[1,1],"seen":2,"base":1})");
    EXPECT_EQ(log.shown("n"), "103");
    EXPECT_EQ(log.document.counter(path("n")).generation, (Dot{3, 1}));
    // The generation has moved: journalled, not applied.
    log.add(4, R"({"op":"counter_set","path":"n","value":7,"generation":[1,1],"seen":2,"base":1})");
    EXPECT_EQ(log.shown("n"), "103");
    EXPECT_EQ(log.open_rows(), 1u);
    log.see(5, R"({"op":"counter_set","path":"n","value":8,"generation":[3,1],"seen":103})", 4);
    EXPECT_EQ(log.shown("n"), "8");
    EXPECT_EQ(log.open_rows(), 0u);
    log.add(1, R"({"op":"inc","path":"n","value":9007199254740991})");
    EXPECT_EQ(log.shown("n"), "9007199254740991");
    log.see(9, R"({"op":"delete","path":"n"})", 5);
    EXPECT_EQ(log.shown("n"), "9007199254740991") << "the unseen increment keeps the counter";
}

TEST(Document, SetsAddWins) {
    Log log;
    log.add(1, R"({"op":"add","path":"s","value":"x"})");
    log.add(2, R"({"op":"add","path":"s","value":"x"})");
    log.see(1, R"({"op":"remove","path":"s","value":"x"})", 1);
    EXPECT_EQ(log.shown("s"), R"(["x"])");
    log.see(3, R"({"op":"remove","path":"s","value":"x"})", 3);
    EXPECT_EQ(log.shown("s"), "-");
    log.add(1, {op(R"({"op":"add","path":"s","value":2})"),
                op(R"({"op":"add","path":"s","value":true})"),
                op(R"({"op":"add","path":"s","value":"a"})")});
    EXPECT_EQ(log.shown("s"), R"([true,2,"a"])");
}

TEST(Document, ListItemsComeBackWhole) {
    Log log;
    log.add(1, R"({"op":"insert","path":"l/@b","position":"b","value":{"t":1,"u":2}})");
    log.add(1, R"({"op":"insert","path":"l/@a","position":"a"})");
    EXPECT_EQ(log.shown("l"), R"([{"id":"a"},{"id":"b","t":1,"u":2}])");
    log.see(2, R"({"op":"delete","path":"l/@b"})", 2);
    EXPECT_EQ(log.shown("l"), R"([{"id":"a"}])");
    EXPECT_EQ(log.changes(2), R"({"change":"clear","path":"l/@b"})");
    log.add(1, R"({"op":"move","path":"l/@b","position":"0"})");
    EXPECT_EQ(log.shown("l"), R"([{"id":"a"}])") << "a move does not bring an item back";
    log.add(1, R"({"op":"set","path":"l/@b/t","value":9,"base":2})");
    EXPECT_EQ(log.shown("l"), R"([{"id":"b","t":9,"u":2},{"id":"a"}])");
    EXPECT_EQ(log.changes(4), R"({"change":"item","path":"l/@b","position":"0"})"
                              R"({"change":"value","path":"l/@b/t","value":9})"
                              R"({"change":"value","path":"l/@b/u","value":2})");
}

TEST(Document, ItemsWithoutAPositionComeLast) {
    Log log;
    log.add(1, R"({"op":"set","path":"l/@a","value":5})");
    log.add(1, R"({"op":"insert","path":"l/@z","position":"a0"})");
    EXPECT_EQ(log.shown("l"), R"([{"id":"z"},{"id":"a","value":5}])");
    auto items = log.document.items(path("l"));
    ASSERT_EQ(items.size(), 2u);
    EXPECT_FALSE(items[1].has_position);
}

TEST(Document, AnItemsEmptiedInsideIsToldWithTheItem) {
    Log log;
    log.add(1, R"({"op":"insert","path":"l/@a","position":"p","value":{"x":1}})");
    log.add(1, R"({"op":"delete","path":"l/@a/x"})");
    EXPECT_EQ(log.shown("l"), R"([{"id":"a"}])");
    EXPECT_EQ(log.changes(1), R"({"change":"clear","path":"l/@a"})"
                              R"({"change":"item","path":"l/@a","position":"p"})");
}

TEST(Document, ConcurrentKindsAreFlagged) {
    Log log;
    log.add(1, R"({"op":"set","path":"x","value":1})");
    log.add(2, R"({"op":"inc","path":"x","value":4})");
    EXPECT_EQ(log.shown("x"), "4");
    auto rows = log.document.journal(Document::Rows::open);
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0].reason, Reason::type);
    EXPECT_EQ(rows[0].dot, (Dot{0, 5}));
    EXPECT_EQ(rows[0].loser_seq, 1u);
    Op declared = op(R"({"op":"set","path":"x","value":2})");
    declared.is_declared = true;
    log.add(1, {declared});
    EXPECT_EQ(log.shown("x"), "2");
    EXPECT_EQ(log.document.shown_kind(path("x")), Kind::reg);
    rows = log.document.journal(Document::Rows::open);
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0].dot, (Dot{0, 4}));
}

TEST(Document, SenselessOpsDoNothing) {
    Log log;
    Op bad = op(R"({"op":"set","path":"l","value":1})");
    bad.kind = OpKind::insert;
    log.add(1, {bad});
    bad.kind = OpKind::add;
    bad.value = base::Value();
    log.add(1, {bad});
    log.add(1, R"({"op":"delete","path":"a/b/c"})");
    log.add(1, R"({"op":"move","path":"a/@b","position":"x"})");
    log.add(1, R"({"op":"remove","path":"a","value":1})");
    EXPECT_EQ(log.shown(), "{}");
    EXPECT_EQ(log.document.seq(), 5u);
    EXPECT_EQ(log.document.changed_seq({}), 0u);
}

TEST(Document, TheFloorForgetsWhatItMust) {
    Log log;
    log.add(1, R"({"op":"assign","path":"o","value":{"a":1,"b":2}})");
    log.add(1, R"({"op":"insert","path":"l/@a","position":"p","value":{"x":1}})");
    log.add(1, R"({"op":"add","path":"s","value":1})");
    log.add(1, R"({"op":"delete","path":"o/a"})");
    log.see(1, R"({"op":"delete","path":"l/@a"})", 3);
    log.add(1, R"({"op":"remove","path":"s","value":1})");
    size_t before = log.document.bytes();
    log.move_floor(4);
    EXPECT_EQ(log.document.floor(), 4u);
    EXPECT_EQ(log.changes(4), R"({"change":"clear","path":"l"})"
                              R"({"change":"clear","path":"s"})");
    log.move_floor(6);
    EXPECT_LT(log.document.bytes(), before);
    EXPECT_EQ(log.changes(5), "");
    EXPECT_EQ(log.document.fields(), 1u);
    // The item is unknown now, so an edit makes a new one instead of bringing it back.
    log.see(2, R"({"op":"set","path":"l/@a/y","value":1})", 8);
    EXPECT_EQ(log.shown("l"), R"([{"id":"a","y":1}])");
}

TEST(Document, ChangedSeq) {
    Log log;
    log.add(1, R"({"op":"set","path":"a/b","value":1})");
    log.add(1, R"({"op":"set","path":"a/c","value":1})");
    EXPECT_EQ(log.document.changed_seq(path("a/b")), 1u);
    EXPECT_EQ(log.document.changed_seq(path("a")), 2u);
    EXPECT_EQ(log.document.changed_seq(path("z")), 0u);
    log.add(1, R"({"op":"delete","path":"a/b"})");
    EXPECT_EQ(log.document.changed_seq(path("a/b")), 3u);
    log.see(1, R"({"op":"delete","path":"a/c"})", 3);
    EXPECT_EQ(log.document.changed_seq(path("a/c")), 4u);
    EXPECT_EQ(log.document.changed_seq(path("z")), 0u) << "nothing was there, and nothing is";
    EXPECT_EQ(log.document.changed_seq(path("a/z")), 0u);
    log.move_floor(5);
    EXPECT_EQ(log.document.changed_seq(path("a/c")), 4u) << "forgotten, but it had been there";
}

TEST(Document, WideRecordsTellOnlyWhatChanged) {
    Log log;
    for (int i = 0; i < 5000; ++i) {
        log.add(1, {op(R"({"op":"set","path":"m/k)" + std::to_string(i) + R"(","value":1})")});
    }
    uint64_t head = log.document.seq();
    log.add(2, R"({"op":"set","path":"m/k77","value":2,"base":5000})");
    EXPECT_EQ(log.changes(head), R"({"change":"value","path":"m/k77","value":2})");
    EXPECT_EQ(log.document.fields(), 5000u);
}

TEST(Document, DeclaredFieldsThatAreGoneCostNothingPastTheFloor) {
    Log log;
    log.add(1, R"({"op":"set","path":"m/kept","value":1})");
    const auto declared = [](const char* kind, int i) {
        Op each = op(std::string(R"({"op":")") + kind + R"(","path":"m/k)" + std::to_string(i) +
                     R"(","value":1})");
        each.is_declared = true;
        each.resolver = Resolver::manual;
        return each;
    };
    size_t bytes = log.document.bytes();
    for (int i = 0; i < 500; ++i) {
        log.add(1, {declared("set", i)});
        log.add(1, R"({"op":"delete","path":"m/k)" + std::to_string(i) + R"("})");
    }
    EXPECT_GT(log.document.bytes(), bytes);
    log.move_floor(log.document.seq());
    EXPECT_EQ(log.document.bytes(), bytes);
    EXPECT_EQ(log.shown(), R"({"m":{"kept":1}})");
}

TEST(Document, ASnapshotKnowsWhatMadeACounter) {
    for (const char* kind : {"inc", "counter_set"}) {
        Log log;
        log.add(1, std::string(R"({"op":")") + kind + R"(","path":"n","value":5})");
        std::string bytes;
        log.document.save(bytes);
        auto loaded = Document::load(bytes);
        ASSERT_TRUE(loaded.ok());
        log.document = std::move(*loaded);
        log.add(2, R"({"op":"counter_set","path":"n","value":5})");
        bool is_added = std::string_view(kind) == "inc";
        EXPECT_EQ(log.shown("n"), is_added ? "10" : "5");
        EXPECT_EQ(log.open_rows(), is_added ? 0u : 1u);
    }
}

TEST(Document, HashIsOfContentAlone) {
    Log one;
    one.add(1, R"({"op":"set","path":"a","value":1})", 10);
    one.add(2, R"({"op":"set","path":"b","value":2})", 20);
    Log other;
    other.add(2, R"({"op":"set","path":"b","value":2})", 20);
    other.add(1, R"({"op":"set","path":"a","value":1})", 10);
    EXPECT_EQ(one.document.hash(), other.document.hash());
    EXPECT_EQ(one.document.hash().size(), 32u);
    std::string before = one.document.hash();
    one.add(1, R"({"op":"set","path":"a","value":1})", 30);
    EXPECT_NE(one.document.hash(), before);
}

TEST(Counter, ThatWasRemovedIsToldAnewWithItsGeneration) {
    testing::Log log;
    log.add(11, R"({"op":"inc","path":"n","value":5})");
    log.see(12, R"({"op":"delete","path":"n"})", 1);
    EXPECT_EQ(log.shown(), "{}");
    EXPECT_EQ(log.document.fields(), 0u);
    log.see(13, R"({"op":"inc","path":"n","value":2})", 1);
    EXPECT_EQ(log.shown(), R"({"n":7})");
    EXPECT_EQ(log.document.fields(), 1u);
    // A live frame leaves out generations that are known, unless something was cleared.
    std::vector<Change> changes = log.document.changes(2);
    ASSERT_EQ(changes.size(), 2u);
    EXPECT_EQ(changes[0].kind, ChangeKind::clear);
    EXPECT_EQ(changes[1].dot, (Dot{11, 1}));
}

// In version 2 a row ended at its `closed_seq`, and a node had none of the later slots.
TEST(Snapshot, OfVersion2IsRead) {
    const std::string hex =
        "020800080000000000100005056361726473070000000000080201780105f1a20402010422026130f1a204"
        "0205ed0700f1a204000505050000000000100001047465787405000005000001010522036f6e65f1a20402"
        "05ed0700f1a204017900010422026131f1a2040306ee0700f1a20407060607000000000010000104746578"
        "74060000060000010105220374776ff1a2040306ee0700f1a204046d657461020000000000100002016102"
        "0000000000100001016202000002000001010919000000000000f83ff0a2040202ea0700f0a20401630200"
        "00020000010100f0a2040202ea0700f0a204047461677304000000000004010522037265640104f1a20401"
        "04057469746c6508000008000001020822064120706c616ef0a2040101e90700f0a204092207416e6f7468"
        "6572f2a2040108f00700f2a20405766f7465730300000300000206f0a20403010103f0a2040301060a7469"
        "746c6501f0a20401010822064120706c616ee90700f0a2040800";
    std::string bytes;
    for (size_t i = 0; i < hex.size(); i += 2)
        bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    const auto document = Document::load(bytes);
    ASSERT_TRUE(document.ok());
    EXPECT_EQ(document->seq(), 8u);
    EXPECT_EQ(
        base::to_json(document->shown({})),
        R"({"cards":[{"id":"x","text":"one"}],"meta":{"a":{"b":1.5},"c":null},"tags":["red"],"title":"Another","votes":3})");
    EXPECT_EQ(document->hash(), "bedd41eeb08b4e4862b25d647502b99a");
    EXPECT_EQ(document->journal(Document::Rows::open).size(), 1u);
    EXPECT_TRUE(document->is_kept(path("cards/@y"))) << "a removed item keeps its body";
    // What is saved is of the newest version, and the same.
    std::string saved;
    document->save(saved);
    EXPECT_EQ(saved.front(), 3);
    EXPECT_EQ(Document::load(saved)->hash(), document->hash());
    bytes[0] = 1;
    EXPECT_EQ(Document::load(bytes).error().code, base::ErrorCode::unsupported_version);
}

}  // namespace
}  // namespace tandem::record
