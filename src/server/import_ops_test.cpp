#include "server/import_ops.hpp"

#include <gtest/gtest.h>

#include "server/nearest.hpp"

// What an import writes, and what it takes for its own.
namespace tandem::server {
namespace {

base::Value json(std::string_view text) {
    auto parsed = base::parse_json(text);
    EXPECT_TRUE(parsed.ok()) << text;
    return parsed.ok() ? *std::move(parsed) : base::Value();
}

base::Array list(std::string_view text) { return json(text).as_array(); }

std::string texts(const std::vector<base::Value>& ops) {
    std::string out;
    for (const base::Value& op : ops)
        out += base::to_json(op) + "\n";
    return out;
}

TEST(ImportPlan, MakesFieldsAndConflictsFromNothing) {
    const ImportPlan plan = ImportPlan::of(list(R"([
        {"change":"value","path":"title","value":"a"},
        {"change":"counter","path":"votes","value":3,"generation":[1,1]},
        {"change":"item","path":"cards/@x","position":"a0V"},
        {"change":"item","path":"cards/@y"},
        {"change":"value","path":"cards/@y/text","value":"t"},
        {"change":"item","path":"cards/@z"},
        {"change":"conflict","path":"title","reason":"value","dot":[9,1],"value":"b"},
        {"change":"conflict","path":"cards/@x","reason":"position","dot":[9,2],"value":"a1V"}])"));
    std::vector<base::Value> ops;
    for (const ImportStep& step : plan.steps)
        ops.push_back(step.op);
    EXPECT_EQ(texts(ops), R"({"op":"set","path":"title","value":"b"}
{"op":"set","path":"title","value":"a"}
{"op":"counter_set","path":"votes","value":3}
{"op":"insert","path":"cards/@x","position":"a0V"}
{"op":"set","path":"cards/@y/text","value":"t"}
{"op":"assign","path":"cards/@z","value":{}}
)");
    EXPECT_TRUE(plan.steps[0].is_alone);
    EXPECT_FALSE(plan.steps[1].is_alone);
    EXPECT_EQ(plan.left_out, 1u);
}

TEST(ImportPlan, KnowsItsOwnOpsInALog) {
    ImportPlan plan = ImportPlan::of(list(R"([
        {"change":"value","path":"title","value":"a"},{"change":"value","path":"note","value":1}])"));
    const base::Value own = json(R"({"op":"set","path":"title","value":"a","base":7})");
    EXPECT_TRUE(plan.has(own));
    for (const char* foreign :
         {R"({"op":"set","path":"title","value":"b"})", R"({"op":"delete","path":"title"})",
          R"({"op":"set","path":"other","value":"a"})", R"({"op":"inc","path":"note","value":1})"})
        EXPECT_FALSE(plan.has(json(foreign))) << foreign;
    plan.drop_written({own});
    ASSERT_EQ(plan.steps.size(), 1u);
    EXPECT_EQ(base::to_json(plan.steps[0].op), R"({"op":"set","path":"note","value":1})");
}

TEST(Overwrite, WritesWhatDiffersAndNoMore) {
    const auto now = list(R"([
        {"change":"value","path":"same","value":1},{"change":"value","path":"gone/a","value":1},
        {"change":"element","path":"tags","value":"p"},{"change":"element","path":"tags","value":"q"},
        {"change":"item","path":"cards/@a","position":"a0V"},
        {"change":"item","path":"cards/@b","position":"a1V"},
        {"change":"value","path":"cards/@b/text","value":"t"}])");
    const auto wanted = list(R"([
        {"change":"value","path":"same","value":1},{"change":"value","path":"gone","value":2},
        {"change":"element","path":"tags","value":"q"},{"change":"element","path":"tags","value":"r"},
        {"change":"item","path":"cards/@a","position":"a2V"}])");
    EXPECT_EQ(texts(overwrite_ops(now, wanted)), R"({"op":"remove","path":"tags","value":"p"}
{"op":"delete","path":"gone/a"}
{"op":"delete","path":"cards/@b"}
{"op":"set","path":"gone","value":2}
{"op":"add","path":"tags","value":"r"}
{"op":"move","path":"cards/@a","position":"a2V"}
)");
    EXPECT_TRUE(overwrite_ops(now, now).empty());
    EXPECT_TRUE(shows_same(now, now));
    EXPECT_FALSE(shows_same(now, wanted));
}

TEST(NearestWord, IsTheOneWithTheFewestSlips) {
    const std::vector<std::string> verbs = {"get", "set", "watch", "history", "checkconfig"};
    EXPECT_EQ(nearest_word("sett", verbs), "set");
    EXPECT_EQ(nearest_word("wacth", verbs), "watch");
    EXPECT_EQ(nearest_word("histroy", verbs), "history");
    EXPECT_EQ(nearest_word("xyzzy", verbs), "");
}

}  // namespace
}  // namespace tandem::server
