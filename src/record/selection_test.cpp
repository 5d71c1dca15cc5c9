#include "record/selection.hpp"

#include <gtest/gtest.h>

#include "record/test_log.hpp"

namespace tandem::record {
namespace {

using testing::path;

Selection select(std::initializer_list<const char*> texts) {
    std::vector<SelectedPart> parts;
    for (const char* text : texts) {
        auto part = parse_selected(text);
        EXPECT_TRUE(part.ok()) << text;
        parts.push_back(*part);
    }
    auto made = Selection::make(parts);
    EXPECT_TRUE(made.ok());
    return *made;
}

std::vector<std::string> normal(std::initializer_list<const char*> texts) {
    std::vector<std::string> out;
    for (const SelectedPart& part : select(texts).parts())
        out.push_back(to_text(part));
    return out;
}

using Texts = std::vector<std::string>;

TEST(Selection, NormalFormDropsWhatIsCovered) {
    EXPECT_EQ(normal({"b", "a/b/c", "a", "b"}), (Texts{"a", "b"}));
    EXPECT_EQ(normal({"l[3:5]", "l/@x", "l"}), Texts{"l"});
    EXPECT_EQ(normal({"l[3:5]", "l/@x/t"}), (Texts{"l[3:5]", "l/@x/t"}));
    EXPECT_EQ(normal({"a", ""}), Texts{});
    EXPECT_TRUE(select({"a", ""}).is_whole());
    EXPECT_TRUE(select({}).is_whole());
    EXPECT_EQ(select({"a", "b"}), select({"b", "a", "a/x"}));
    EXPECT_FALSE(select({"a"}) == select({"a[0:1]"}));
}

TEST(Selection, WindowsThatTouchAreOne) {
    EXPECT_EQ(normal({"l[5:9]", "l[0:3]", "l[3:4]"}), (Texts{"l[0:4]", "l[5:9]"}));
    EXPECT_EQ(normal({"l[0:9]", "l[2:4]"}), Texts{"l[0:9]"});
    EXPECT_EQ(normal({"[0:9]"}), Texts{"[0:9]"});
}

TEST(Selection, RefusesWhatIsTooMuch) {
    auto code = [](const std::vector<SelectedPart>& parts) {
        auto made = Selection::make(parts);
        return made.ok() ? base::ErrorCode::internal : made.error().code;
    };
    EXPECT_EQ(code({{{}, true, {0, 1000}}}), base::ErrorCode::internal);
    EXPECT_EQ(code({{{}, true, {0, 1001}}}), base::ErrorCode::bad_select);
    EXPECT_EQ(code({{{}, true, {3, 3}}}), base::ErrorCode::bad_select);
    EXPECT_EQ(code({{{}, true, {4, 3}}}), base::ErrorCode::bad_select);
    std::vector<SelectedPart> many(65, {path("a"), false, {}});
    EXPECT_EQ(code(many), base::ErrorCode::bad_select);
    EXPECT_FALSE(parse_selected("a//b[0:1]").ok());
}

TEST(Selection, RefusesAWindowThatIsMisspelt) {
    for (const char* text : {"cards[-1:3]", "a/cards[a:b]", "cards[1:]"}) {
        const auto part = parse_selected(text);
        ASSERT_TRUE(part.ok()) << text;
        EXPECT_EQ(Selection::make({*part}).error().code, base::ErrorCode::bad_select) << text;
    }
    EXPECT_EQ(normal({"cards[x]", "a[1:2]/b"}), (Texts{"a[1:2]/b", "cards[x]"}));
}

TEST(Selection, KnowsWhatItConcerns) {
    const Selection selection = select({"a/b", "l[0:5]", "m/@x/t"});
    for (const char* text : {"", "a", "a/b", "a/b/c", "l", "l/@q", "l/@q/t", "m", "m/@x", "m/@x/t"})
        EXPECT_TRUE(selection.concerns(path(text))) << text;
    for (const char* text : {"b", "a/c", "l/k", "m/@y", "m/@x/u"})
        EXPECT_FALSE(selection.concerns(path(text))) << text;
    EXPECT_TRUE(selection.covers_always(path("a/b/c")));
    EXPECT_FALSE(selection.covers_always(path("a")));
    EXPECT_FALSE(selection.covers_always(path("l/@q")));
    EXPECT_TRUE(select({}).covers_always(path("")));
}

}  // namespace
}  // namespace tandem::record
