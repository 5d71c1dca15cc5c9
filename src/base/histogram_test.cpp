#include "base/histogram.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace tandem::base {
namespace {

TEST(Histogram, BucketsFollowEachOtherWithoutGaps) {
    for (size_t i = 0; i + 1 < Histogram::kBuckets; ++i) {
        const uint64_t bound = Histogram::bound_ns(i);
        EXPECT_EQ(Histogram::bucket_of(bound), i);
        EXPECT_EQ(Histogram::bucket_of(bound + 1), i + 1);
    }
    EXPECT_EQ(Histogram::bucket_of(0), 0U);
    EXPECT_EQ(Histogram::bucket_of(UINT64_MAX), Histogram::kBuckets - 1);
    EXPECT_EQ(Histogram::bound_ns(Histogram::kBuckets - 1), UINT64_MAX);
}

TEST(Histogram, ABucketIsNoWiderThanAnEighthOfWhereItBegins) {
    for (size_t i = 8; i + 1 < Histogram::kBuckets; ++i) {
        const uint64_t begin = Histogram::bound_ns(i - 1);
        EXPECT_LE((Histogram::bound_ns(i) - begin) * 8, begin) << i;
    }
}

TEST(Histogram, WhatThreadsRecordTogetherIsAllThere) {
    const auto shared = std::make_unique<Histogram>();
    const auto own = std::make_unique<Histogram>();
    constexpr size_t kEach = 20'000;
    std::vector<std::thread> threads;
    for (uint32_t seed = 1; seed <= 3; ++seed)
        threads.emplace_back([&, seed] {
            std::mt19937 random(seed);
            for (size_t i = 0; i < kEach; ++i)
                shared->record_shared(random() % 5'000'000);
        });
    uint64_t total_ns = 0;
    std::mt19937 random(9);
    Histogram::Sum between;
    for (size_t i = 0; i < kEach; ++i) {
        const uint64_t ns = random() % 5'000'000;
        own->record(ns, 2);
        total_ns += 2 * ns;
        if (i == kEach / 2) own->add_to(between);
    }
    for (std::thread& thread : threads)
        thread.join();
    Histogram::Sum sum;
    own->add_to(sum);
    EXPECT_EQ(sum.total_ns, total_ns);
    shared->add_to(sum);
    uint64_t count = 0;
    for (size_t i = 0; i < Histogram::kBuckets; ++i) {
        EXPECT_LE(between.counts[i], sum.counts[i]);
        count += sum.counts[i];
    }
    EXPECT_EQ(count, 5 * kEach);
}

}  // namespace
}  // namespace tandem::base
