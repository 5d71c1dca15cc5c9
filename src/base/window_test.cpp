#include "base/window.hpp"

#include <gtest/gtest.h>

namespace tandem::base {
namespace {

TEST(Window, StandsAtTheEndOfAText) {
    auto window = split_window("cards[0:40]");
    ASSERT_TRUE(window);
    EXPECT_EQ(window->path, "cards");
    EXPECT_EQ(window->from, 0u);
    EXPECT_EQ(window->to, 40u);
    window = split_window("[12:13]");
    ASSERT_TRUE(window);
    EXPECT_EQ(window->path, "");
    window = split_window("a[1:2][3:4]");
    ASSERT_TRUE(window);
    EXPECT_EQ(window->path, "a[1:2]");
    EXPECT_EQ(window->from, 3u);
}

TEST(Window, AnythingElseIsAPath) {
    for (const char* text : {"", "cards", "cards]", "cards[1]", "cards[:2]", "cards[1:]", "[1:2]x",
                             "cards[-1:2]", "cards[1:2:3]", "cards[ 1:2]", "1:2]"})
        EXPECT_FALSE(split_window(text)) << text;
}

TEST(Window, OneThatIsMisspeltIsTold) {
    for (const char* text : {"cards[-1:2]", "cards[a:b]", "cards[1:]", "cards[:]", "cards[1:2:3]"})
        EXPECT_TRUE(is_broken_window(text)) << text;
    for (const char* text : {"", "cards", "cards[1]", "cards[1:2]", "a:b", "[1:2]x", "cards]"})
        EXPECT_FALSE(is_broken_window(text)) << text;
}

TEST(Window, ANumberWithoutEndIsTheHighest) {
    auto window = split_window("a[0:99999999999999999999999999]");
    ASSERT_TRUE(window);
    EXPECT_EQ(window->to, (uint64_t{1} << 53) - 1);
}

}  // namespace
}  // namespace tandem::base
