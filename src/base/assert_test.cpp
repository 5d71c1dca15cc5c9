#include "base/assert.hpp"

#include <gtest/gtest.h>

#include <cstdio>

namespace tandem::base {
namespace {

void print_hook(const char* expression, const char*, int) {
    std::fprintf(stderr, "hook saw %s\n", expression);
}

TEST(Assert, HoldsSilently) {
    int evaluated = 0;
    TANDEM_ASSERT(++evaluated == 1);
    EXPECT_EQ(evaluated, 1);
}

TEST(AssertDeathTest, FailureNamesTheExpressionInEveryBuildType) {
    EXPECT_DEATH(TANDEM_ASSERT(1 + 1 == 3), "1 \\+ 1 == 3");
}

TEST(AssertDeathTest, HookRunsBeforeTheAbort) {
    EXPECT_DEATH(
        {
            set_panic_hook(print_hook);
            TANDEM_ASSERT(false && "planted");
        },
        "hook saw false && \"planted\"");
}

TEST(Assert, SettingAHookReturnsTheFormerOne) {
    EXPECT_EQ(set_panic_hook(print_hook), nullptr);
    EXPECT_EQ(set_panic_hook(nullptr), &print_hook);
}

}  // namespace
}  // namespace tandem::base
