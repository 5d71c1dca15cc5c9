#include "base/token_bucket.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tandem::base {
namespace {

TEST(TokenBucket, GivesTheBurstAndNotOneMore) {
    const Rate rate{50, 100};
    TokenBucket bucket;
    for (int i = 0; i < 100; ++i)
        EXPECT_TRUE(bucket.take(rate, 1'000)) << i;
    EXPECT_FALSE(bucket.take(rate, 1'000));
    EXPECT_EQ(bucket.wait_ms(rate, 1), 20u);
    EXPECT_EQ(bucket.wait_ms(rate, 50), 1'000u);
    EXPECT_FALSE(bucket.take(rate, 1'019));
    EXPECT_TRUE(bucket.take(rate, 1'020));
    EXPECT_FALSE(bucket.take(rate, 1'020));
}

TEST(TokenBucket, AClockThatGoesBackGivesNothing) {
    const Rate rate{1, 1};
    TokenBucket bucket;
    EXPECT_TRUE(bucket.take(rate, 10'000));
    EXPECT_FALSE(bucket.take(rate, 5'000));
    EXPECT_FALSE(bucket.take(rate, 10'999));
    EXPECT_TRUE(bucket.take(rate, 11'000));
}

TEST(TokenBucket, WhatIsChargedBeyondTheBurstIsWaitedFor) {
    const Rate rate{1'000, 4'000};
    TokenBucket bucket;
    bucket.charge(rate, 1'000, 16'000);
    EXPECT_EQ(bucket.wait_ms(rate, 0), 12'000u);
    EXPECT_FALSE(bucket.take(rate, 12'999));
    EXPECT_TRUE(bucket.take(rate, 13'001));
}

TEST(TokenBucket, NoRateIsNoLimit) {
    const Rate none;
    TokenBucket bucket;
    bucket.charge(none, 1, 1'000'000);
    EXPECT_TRUE(bucket.take(none, 1, 1'000'000));
    EXPECT_EQ(bucket.wait_ms(none, 1), 0u);
}

// Whatever the moments: no more than the burst and what has flowed in since the start.
RC_GTEST_PROP(TokenBucket, NeverGivesMoreThanItsRate, ()) {
    const Rate rate{*rc::gen::inRange<uint64_t>(1, 100), *rc::gen::inRange<uint64_t>(1, 50)};
    const auto steps =
        *rc::gen::container<std::vector<uint64_t>>(rc::gen::inRange<uint64_t>(0, 90));
    TokenBucket bucket;
    uint64_t now_ms = 1'000;
    uint64_t taken = 0;
    for (const uint64_t step : steps) {
        now_ms += step;
        taken += bucket.take(rate, now_ms) ? 1 : 0;
        RC_ASSERT(taken * 1'000 <= rate.burst * 1'000 + (now_ms - 1'000) * rate.per_second);
    }
}

}  // namespace
}  // namespace tandem::base
