// The change detector: ops lead from what was read to what is wanted, and there are no more of them
// than needed.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "record/detect.hpp"
#include "record/random_log.hpp"

namespace tandem::record {
namespace {

using testing::json;
using testing::Log;
using testing::path;
using testing::RandomLog;

class SchemaContext : public DocumentContext {
  public:
    using DocumentContext::DocumentContext;
    Kind declared(const Path& path) const override {
        const auto found = kinds.find(to_text(path));
        return found == kinds.end() ? Kind::none : found->second;
    }
    std::map<std::string, Kind> kinds;
};

struct Rig {
    Log log;
    std::map<std::string, Kind> kinds;

    std::vector<Op> detect(const base::Value& before, const base::Value& after) const {
        SchemaContext context(log.document);
        context.kinds = kinds;
        auto ops = detect_changes(before, after, context, "V");
        EXPECT_TRUE(ops.ok());
        return ops.ok() ? *ops : std::vector<Op>();
    }
    // What a program writes that read the head; its ops as text.
    std::string put(std::string_view after) {
        std::vector<Op> ops = detect(log.document.shown({}), json(after));
        std::string text;
        for (Op& op : ops) {
            text += std::string(name_of(op.kind)) + " " + to_text(op.path) + "\n";
            op.seen_seq = log.document.seq();
        }
        if (!ops.empty()) log.add(9, ops);
        return text;
    }
};

TEST(Detect, AnItemThatIsNoMapBecomesOneThatHasAMapUnderValue) {
    Rig rig;
    Op item;
    item.kind = OpKind::insert;
    item.path = path("l/@k");
    item.position = "V";
    Op scalar;
    scalar.kind = OpKind::set;
    scalar.path = path("l/@k");
    scalar.value = json("3");
    rig.log.add(9, {item, scalar});
    ASSERT_EQ(rig.log.shown(), R"({"l":[{"id":"k","value":3}]})");
    rig.put(R"({"l":[{"id":"k","value":{"x":1}}]})");
    EXPECT_EQ(rig.log.shown(), R"({"l":[{"id":"k","value":{"x":1}}]})");
    rig.put(R"({"l":[{"id":"k","value":4}]})");
    EXPECT_EQ(rig.log.shown(), R"({"l":[{"id":"k","value":4}]})");
}

TEST(Detect, LeadsFromAnyRecordToAnyOther) {
    for (uint64_t seed = 1; seed <= 150; ++seed) {
        SCOPED_TRACE(seed);
        RandomLog one(seed);
        RandomLog two(seed + 1000);
        Log from;
        Document to;
        for (uint64_t count = 5 + one.below(60); count > 0; --count)
            from.document.apply(one.next());
        for (uint64_t count = 5 + two.below(60); count > 0; --count)
            to.apply(two.next());
        const base::Value wanted = to.shown({});
        DocumentContext context(from.document);
        auto ops = detect_changes(from.document.shown({}), wanted, context, "V");
        if (!wanted.is_object()) {
            ASSERT_FALSE(ops.ok());
            continue;
        }
        ASSERT_TRUE(ops.ok());
        for (Op& op : *ops) {
            ASSERT_TRUE(check_op(op).ok()) << to_text(op.path);
            op.seen_seq = from.document.seq();
        }
        from.add(8, *ops);
        ASSERT_EQ(base::to_json(from.document.shown({})), base::to_json(wanted));
    }
}

TEST(Detect, FindsNothingWhereNothingChanged) {
    for (uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE(seed);
        RandomLog random(seed);
        Document document;
        for (int i = 0; i < 80; ++i)
            document.apply(random.next());
        const base::Value shown = document.shown({});
        if (!shown.is_object()) continue;
        DocumentContext context(document);
        auto ops = detect_changes(shown, shown, context, "V");
        ASSERT_TRUE(ops.ok());
        ASSERT_TRUE(ops->empty());
    }
}

TEST(Detect, WritesFieldsOneByOne) {
    Rig rig;
    EXPECT_EQ(rig.put(R"({"a":{"b":1,"c":{"d":2,"e":3}},"f":4})"), "assign a\nset f\n");
    EXPECT_EQ(rig.put(R"({"a":{"b":1,"c":{"d":2,"e":3}},"f":4})"), "");
    EXPECT_EQ(rig.put(R"({"a":{"b":1,"c":{"d":7,"g":[1,2]}},"f":4})"),
              "delete a/c/e\nset a/c/d\nset a/c/g\n");
    EXPECT_EQ(rig.log.shown(), R"({"a":{"b":1,"c":{"d":7,"g":[1,2]}},"f":4})");
    EXPECT_EQ(rig.put(R"({"a":{}})"), "delete f\nassign a\n");
    EXPECT_EQ(rig.put("{}"), "delete \n");
    EXPECT_EQ(rig.log.shown(), "{}");
}

TEST(Detect, MatchesItemsOfListsById) {
    Rig rig;
    EXPECT_EQ(rig.put(R"({"l":[{"id":"x","t":1},{"id":"y","t":2},{"id":"z"}]})"),
              "insert l/@x\ninsert l/@y\ninsert l/@z\n");
    EXPECT_EQ(rig.put(R"({"l":[{"id":"z"},{"id":"x","t":1},{"id":"y","t":2}]})"), "move l/@z\n");
    EXPECT_EQ(rig.put(R"({"l":[{"id":"z"},{"id":"n","t":0},{"id":"y","t":3}]})"),
              "delete l/@x\ninsert l/@n\nset l/@y/t\n");
    EXPECT_EQ(rig.log.shown(), R"({"l":[{"id":"z"},{"id":"n","t":0},{"id":"y","t":3}]})");
}

// As many moves as there are items outside a longest run that keeps its order; checked against all
// subsets.
TEST(Detect, MovesAsFewItemsAsPossible) {
    for (uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE(seed);
        RandomLog random(seed);
        const size_t n = 2 + random.below(8);
        std::vector<size_t> order(n);
        std::iota(order.begin(), order.end(), size_t{0});
        const auto list = [&] {
            std::string text;
            for (const size_t i : order)
                text += (text.empty() ? "" : ",") + (R"({"id":"i)" + std::to_string(i) + "\"}");
            return R"({"l":[)" + text + "]}";
        };
        Rig rig;
        rig.put(list());
        for (size_t i = n; i > 1; --i)
            std::swap(order[i - 1], order[random.below(i)]);
        size_t longest = 0;
        for (size_t subset = 0; subset < (size_t{1} << n); ++subset) {
            size_t length = 0;
            size_t last = 0;
            bool rises = true;
            for (size_t i = 0; i < n && rises; ++i) {
                if ((subset >> i & 1) == 0) continue;
                rises = length == 0 || order[i] > last;
                last = order[i];
                ++length;
            }
            if (rises) longest = std::max(longest, length);
        }
        const std::string ops = rig.put(list());
        EXPECT_EQ(std::count(ops.begin(), ops.end(), '\n'), static_cast<ptrdiff_t>(n - longest));
        EXPECT_EQ(rig.log.shown(), list());
    }
}

TEST(Detect, FollowsTheSchema) {
    Rig rig;
    rig.kinds = {
        {"tags", Kind::set}, {"votes", Kind::counter}, {"raw", Kind::reg}, {"cards", Kind::list}};
    EXPECT_EQ(rig.put(R"({"cards":[],"raw":{"a":1},"tags":["p","q"],"votes":3})"),
              "set raw\nadd tags\nadd tags\ncounter_set votes\n");
    EXPECT_EQ(rig.put(R"({"cards":[],"raw":{"a":2},"tags":["q","r"],"votes":5})"),
              "set raw\nremove tags\nadd tags\ninc votes\n");
    EXPECT_EQ(rig.log.shown(), R"({"raw":{"a":2},"tags":["q","r"],"votes":5})");
    SchemaContext context(rig.log.document);
    context.kinds = rig.kinds;
    const auto detect = [&](std::string_view after) {
        return detect_changes(rig.log.document.shown({}), json(after), context, "V");
    };
    EXPECT_FALSE(detect(R"({"cards":[{"t":1}]})").ok());
    EXPECT_FALSE(detect(R"({"cards":[{"id":"a"},{"id":"a"}]})").ok());
    EXPECT_FALSE(detect(R"({"tags":[{"t":1}]})").ok());
    EXPECT_FALSE(detect("[]").ok());
}

// Two programs that read the same and put the same order, and the same new item, to it.
TEST(Detect, TheSameOrderTwiceIsOne) {
    Rig rig;
    rig.put(R"({"l":[{"id":"a"},{"id":"b"},{"id":"c"},{"id":"d"}]})");
    const base::Value read = rig.log.document.shown({});
    const uint64_t base = rig.log.document.seq();
    const auto after = json(R"({"l":[{"id":"d"},{"id":"b"},{"id":"n"},{"id":"a"},{"id":"c"}]})");
    // What each of them makes of the state that it has read.
    std::vector<Op> ops[2];
    for (std::vector<Op>& each : ops) {
        each = rig.detect(read, after);
        for (Op& op : each)
            op.seen_seq = base;
    }
    rig.log.add(1, ops[0]);
    rig.log.add(2, ops[1]);
    EXPECT_EQ(rig.log.shown(), base::to_json(after));
    EXPECT_EQ(rig.log.open_rows(), 0u);
}

// Who has not moved an item does not undo that somebody else moved it meanwhile.
TEST(Detect, WhatOthersMovedMeanwhileStaysWhereTheyPutIt) {
    Rig rig;
    rig.put(R"({"l":[{"id":"a"},{"id":"b"},{"id":"c"},{"id":"d"}]})");
    const base::Value read = rig.log.document.shown({});
    const uint64_t base = rig.log.document.seq();
    rig.put(R"({"l":[{"id":"b"},{"id":"c"},{"id":"d"},{"id":"a"}]})");
    std::vector<Op> ops =
        rig.detect(read, json(R"({"l":[{"id":"a"},{"id":"b"},{"id":"n"},{"id":"c"},{"id":"d"}]})"));
    ASSERT_EQ(ops.size(), 1u);
    EXPECT_EQ(ops[0].kind, OpKind::insert);
    ops[0].seen_seq = base;
    rig.log.add(2, ops);
    EXPECT_EQ(rig.log.shown(), R"({"l":[{"id":"b"},{"id":"n"},{"id":"c"},{"id":"d"},{"id":"a"}]})");
}

// Two programs that read the same and write whole objects: what each of them changed is there.
TEST(Detect, WholeObjectWritersKeepEachOthersChanges) {
    Rig rig;
    rig.kinds = {{"votes", Kind::counter}};
    rig.put(R"({"a":1,"b":1,"l":[{"id":"x","t":1},{"id":"y","t":1}],"votes":1})");
    const base::Value read = rig.log.document.shown({});
    const uint64_t base = rig.log.document.seq();
    std::vector<Op> first = rig.detect(
        read, json(R"({"a":2,"b":1,"l":[{"id":"y","t":1},{"id":"x","t":1}],"votes":2})"));
    std::vector<Op> second = rig.detect(
        read, json(R"({"a":1,"b":2,"l":[{"id":"x","t":5},{"id":"y","t":1}],"votes":3})"));
    for (auto* ops : {&first, &second}) {
        for (Op& op : *ops)
            op.seen_seq = base;
    }
    rig.log.add(1, first);
    rig.log.add(2, second);
    EXPECT_EQ(rig.log.shown(),
              R"({"a":2,"b":2,"l":[{"id":"y","t":1},{"id":"x","t":5}],"votes":4})");
    EXPECT_EQ(rig.log.open_rows(), 0u);
}

}  // namespace
}  // namespace tandem::record
