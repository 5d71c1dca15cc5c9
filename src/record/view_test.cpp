#include "record/view.hpp"

#include <gtest/gtest.h>

#include "record/random_log.hpp"
#include "record/selection.hpp"

namespace tandem::record {
namespace {

using testing::json;
using testing::path;

Change change(const char* text) {
    auto read = change_from_json(json(text));
    EXPECT_TRUE(read.ok()) << text;
    return read.ok() ? *read : Change{};
}

View view_of(std::initializer_list<const char*> changes) {
    View view;
    for (const char* text : changes)
        view.apply(change(text));
    return view;
}

TEST(ViewWindows, OutsideTakesTheRowsAndTheWindowsBelowAlong) {
    View view = view_of({
        R"({"change":"window","path":"lists/a","value":90})",
        R"({"change":"item","path":"lists/a/@x","position":"V"})",
        R"({"change":"value","path":"lists/a/@x/t","value":1})",
        R"({"change":"conflict","path":"lists/a/@x/t","reason":"value","dot":[1,2],"value":3,"stamp":[1,0,1],"seq":4})",
        R"({"change":"window","path":"lists/b","value":7})",
        R"({"change":"value","path":"lists/c","value":5})",
        R"({"change":"conflict","path":"lists/c","reason":"value","dot":[1,3],"value":3,"stamp":[1,0,1],"seq":4})",
    });
    EXPECT_EQ(view.window(path("lists/a")), 90u);
    EXPECT_EQ(view.window(path("lists")), 0u);
    view.apply(change(R"({"change":"outside","path":"lists/a"})"));
    EXPECT_EQ(view.window(path("lists/a")), 0u);
    EXPECT_EQ(view.window(path("lists/b")), 7u);
    EXPECT_EQ(view.shown({}), json(R"({"lists":{"c":5}})"));
    ASSERT_EQ(view.conflicts().size(), 1u);
    EXPECT_EQ(view.conflicts()[0].path, path("lists/c"));
    view.apply(change(R"({"change":"outside","path":""})"));
    EXPECT_EQ(view.shown({}), json("{}"));
    EXPECT_EQ(view.window(path("lists/b")), 0u);
    EXPECT_TRUE(view.conflicts().empty());
}

/// What a view keeps of itself makes it again, also in the bytes that it is stored as.
TEST(ViewContents, MakeTheViewAgain) {
    for (uint64_t seed = 1; seed <= 200; ++seed) {
        testing::RandomLog log(seed);
        Document document;
        for (int i = 0; i < 25; ++i)
            document.apply(log.next());
        auto list = parse_selected(seed % 2 == 0 ? "a[0:2]" : "b/a[1:2]");
        auto part = parse_selected("c");
        auto selection = Selection::make({*list, *part});
        ASSERT_TRUE(selection.ok());
        View view;
        for (const Change& change : document.changes(0, seed % 3 == 0 ? Selection() : *selection))
            view.apply(change);
        std::string bytes;
        encode_changes(bytes, view.contents(), nullptr);
        auto contents = decode_changes(bytes, nullptr);
        ASSERT_TRUE(contents.ok()) << "seed " << seed;
        View again;
        for (const Change& change : *contents)
            again.apply(change);
        ASSERT_EQ(base::to_json(again.shown({})), base::to_json(view.shown({})));
        ASSERT_EQ(testing::open_conflicts(again), testing::open_conflicts(view));
        ASSERT_EQ(again.window(list->path), view.window(list->path));
        for (const auto& item : view.items(list->path)) {
            Path at = list->path;
            at.push_back({Segment::Kind::item, item.id});
            ASSERT_EQ(again.counter(at).generation, view.counter(at).generation);
        }
    }
}

TEST(ViewWindows, AnItemThatLeavesTheWindowLeavesItsList) {
    View view = view_of({
        R"({"change":"item","path":"l/@x","position":"V"})",
        R"({"change":"item","path":"l/@y","position":"W"})",
        R"({"change":"outside","path":"l/@x"})",
    });
    EXPECT_EQ(view.shown({}), json(R"({"l":[{"id":"y"}]})"));
}

TEST(ViewWindows, AClearForgetsHowLongTheListWas) {
    View view = view_of({
        R"({"change":"window","path":"l","value":3})",
        R"({"change":"window","path":"m","value":3})",
        R"({"change":"window","path":"m","value":0})",
        R"({"change":"clear","path":"l"})",
    });
    EXPECT_EQ(view.window(path("l")), 0u);
    EXPECT_EQ(view.window(path("m")), 0u);
}

TEST(ViewWindows, TheCodecsCarryThem) {
    const std::vector<Change> given = {change(R"({"change":"window","path":"l","value":90})"),
                                       change(R"({"change":"outside","path":"l/@x"})")};
    std::string bytes;
    encode_changes(bytes, given, nullptr);
    auto decoded = decode_changes(bytes, nullptr);
    ASSERT_TRUE(decoded.ok());
    ASSERT_EQ(decoded->size(), 2u);
    EXPECT_EQ((*decoded)[0].kind, ChangeKind::window);
    EXPECT_EQ((*decoded)[0].value.as_integer(), 90);
    EXPECT_EQ((*decoded)[1].kind, ChangeKind::outside);
    EXPECT_EQ((*decoded)[1].path, path("l/@x"));
    std::string text;
    append_change_json(text, given[0]);
    EXPECT_EQ(text, R"({"change":"window","path":"l","value":90})");
    EXPECT_FALSE(change_from_json(json(R"({"change":"window","path":"l","value":-1})")).ok());
    EXPECT_FALSE(change_from_json(json(R"({"change":"window","path":"l"})")).ok());
}

}  // namespace
}  // namespace tandem::record
