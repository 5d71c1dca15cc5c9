#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "record/random_log.hpp"

namespace tandem::record {
namespace {

std::string tail_of(uint64_t number) {
    constexpr std::string_view kDigits =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    std::string out;
    for (; number > 0; number /= 62)
        out += kDigits[number % 62];
    return out + "k";
}

TEST(Position, AppendingStaysShort) {
    std::string last;
    for (uint64_t i = 0; i < 10'000; ++i) {
        std::string next = position_between(last, "", "zzzzzzzzzzz1");
        ASSERT_LT(last, next);
        ASSERT_LE(next.size(), 16u);
        last = next;
    }
    std::string first = position_between("", "", "k");
    for (uint64_t i = 0; i < 10'000; ++i) {
        std::string next = position_between("", first, "k");
        ASSERT_LT(next, first);
        ASSERT_LE(next.size(), 5u);
        first = next;
    }
}

TEST(Position, AlternatingGrowsByABitAStep) {
    std::string low = position_between("", "", "a1");
    std::string high = position_between(low, "", "b1");
    for (int i = 0; i < 400; ++i) {
        std::string middle = position_between(low, high, "c1");
        ASSERT_LT(low, middle);
        ASSERT_LT(middle, high);
        (i % 2 == 0 ? low : high) = middle;
        // One digit holds almost six bits; two more for the tail that is left in between.
        ASSERT_LE(middle.size(), 12u + static_cast<size_t>(i) * 2 / 3);
    }
}

RC_GTEST_PROP(Position, RandomInsertsStayInOrder, ()) {
    testing::RandomLog random(*rc::gen::inRange<uint64_t>(0, 1'000'000'000));
    std::vector<std::string> keys;
    for (uint64_t i = 0; i < 300; ++i) {
        size_t at = random.below(keys.size() + 1);
        std::string low = at == 0 ? "" : keys[at - 1];
        std::string high = at == keys.size() ? "" : keys[at];
        std::string key = position_between(low, high, tail_of(i));
        RC_ASSERT(low < key);
        RC_ASSERT(high.empty() || key < high);
        keys.insert(keys.begin() + static_cast<std::ptrdiff_t>(at), key);
    }
}

RC_GTEST_PROP(Position, ArbitraryKeysHaveRoomBetween, ()) {
    testing::RandomLog random(*rc::gen::inRange<uint64_t>(0, 1'000'000'000));
    constexpr std::string_view kDigits = "01AZaz09Vyb";
    auto arbitrary = [&] {
        std::string out;
        for (uint64_t length = 1 + random.below(6); length > 0; --length) {
            out += kDigits[random.below(kDigits.size())];
        }
        // Below a key of zeros alone, and between a key and itself with zeros, there is nothing.
        while (out.ends_with('0'))
            out.back() = '1';
        return out;
    };
    for (int i = 0; i < 50; ++i) {
        std::string low = arbitrary();
        std::string high = arbitrary();
        if (low == high) continue;
        if (high < low) std::swap(low, high);
        std::string between = position_between(low, high, "k");
        RC_ASSERT(low < between);
        RC_ASSERT(between < high);
        RC_ASSERT(position_between("", low, "k") < low);
        RC_ASSERT(low < position_between(low, "", "k"));
        // Bounds in the wrong order: after the low one.
        RC_ASSERT(position_between(high, low, "k") > high);
    }
}

TEST(Position, OddBoundsStillGiveAKey) {
    EXPECT_GT(position_between("~~", "", "k"), "~~");
    EXPECT_GT(position_between("a1", "a10", "k"), "a1");
    EXPECT_GT(position_between("a1", "a1", "k"), "a1");
    EXPECT_FALSE(position_between("", "0", "k").empty());
    std::string top = "z" + std::string(26, 'z');
    EXPECT_GT(position_between(top, "", "k"), top);
    std::string bottom = "A" + std::string(26, '0') + "1";
    EXPECT_LT(position_between("", bottom, "k"), bottom);
}

}  // namespace
}  // namespace tandem::record
