#include "base/result.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace tandem::base {
namespace {

Result<int> half(int number) {
    if (number % 2 != 0) return fail(ErrorCode::out_of_range, static_cast<uint64_t>(number));
    return number / 2;
}

Result<int> quarter(int number) {
    TANDEM_TRY(int once, half(number));
    TANDEM_TRY(int twice, half(once));
    return twice;
}

Status is_even(int number) {
    TANDEM_CHECK(half(number));
    return {};
}

TEST(Result, HoldsAValueOrAnError) {
    EXPECT_EQ(half(4).value(), 2);
    EXPECT_EQ(half(3).error(), (Error{ErrorCode::out_of_range, 3}));
}

TEST(Result, TryPassesTheFirstErrorOn) {
    EXPECT_EQ(*quarter(8), 2);
    EXPECT_EQ(quarter(6).error().detail, 3u);
    EXPECT_TRUE(is_even(2).ok());
    EXPECT_EQ(is_even(5).error().detail, 5u);
}

TEST(Result, MovesValuesThatCannotBeCopied) {
    Result<std::unique_ptr<int>> made = std::make_unique<int>(7);
    std::unique_ptr<int> taken = *std::move(made);
    EXPECT_EQ(*taken, 7);
}

TEST(Result, ConvertsAValueButNotAnErrorIntoText) {
    Result<std::string> text = "abc";
    EXPECT_EQ(text->size(), 3u);
    Result<std::string> error = ErrorCode::timed_out;
    EXPECT_EQ(error.error().code, ErrorCode::timed_out);
    EXPECT_EQ(std::move(error).value_or("else"), "else");
}

TEST(ResultDeathTest, ReadingTheWrongSidePanics) {
    EXPECT_DEATH((void)half(3).value(), "other side");
    EXPECT_DEATH((void)half(4).error(), "other side");
    EXPECT_DEATH((void)Status{}.error(), "is_error_");
}

}  // namespace
}  // namespace tandem::base
