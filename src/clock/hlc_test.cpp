#include "clock/hlc.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <utility>
#include <vector>

namespace tandem::clock {
namespace {

constexpr uint32_t kLogicalMax = std::numeric_limits<uint32_t>::max();

TEST(Stamp, OrdersByTimeThenLogicalThenActor) {
    EXPECT_LT((Stamp{1, 9, 9}), (Stamp{2, 0, 0}));
    EXPECT_LT((Stamp{1, 1, 9}), (Stamp{1, 2, 0}));
    EXPECT_LT((Stamp{1, 1, 1}), (Stamp{1, 1, 2}));
}

TEST(Stamp, ClampCutsOnlyALead) {
    EXPECT_EQ(clamp({100, 7, 3}, 100), (Stamp{100, 7, 3}));
    EXPECT_EQ(clamp({99, 7, 3}, 100), (Stamp{99, 7, 3}));
    EXPECT_EQ(clamp({101, 7, 3}, 100), (Stamp{100, 0, 3}));
    EXPECT_EQ(clamp({std::numeric_limits<uint64_t>::max(), kLogicalMax, 3}, 100),
              (Stamp{100, 0, 3}));
}

TEST(Stamp, JustAboveIsAboveWhateverTheActor) {
    EXPECT_EQ(just_above({5, 1, 900}, 1), (Stamp{5, 2, 1}));
    EXPECT_GT(just_above({5, 1, 900}, 1), (Stamp{5, 1, 900}));
    EXPECT_EQ(just_above({5, kLogicalMax, 900}, 1), (Stamp{6, 0, 1}));
}

TEST(Hlc, FollowsTheWallClockAndCountsWithinAMillisecond) {
    Hlc hlc(4);
    EXPECT_EQ(hlc.tick(10), (Stamp{10, 0, 4}));
    EXPECT_EQ(hlc.tick(10), (Stamp{10, 1, 4}));
    EXPECT_EQ(hlc.tick(12), (Stamp{12, 0, 4}));
}

TEST(Hlc, StaysAboveAReceivedStamp) {
    Hlc hlc(1);
    hlc.receive({50, 3, 9});
    EXPECT_EQ(hlc.tick(20), (Stamp{50, 4, 1}));
    hlc.receive({50, 2, 9});
    EXPECT_EQ(hlc.tick(20), (Stamp{50, 5, 1}));
}

TEST(Hlc, AFullLogicalCounterMovesTheMillisecond) {
    Hlc hlc(1, {50, kLogicalMax, 1});
    EXPECT_EQ(hlc.tick(50), (Stamp{51, 0, 1}));
}

// Wall clocks jump both ways and stamps arrive in any order; what the clock gives still ascends.
RC_GTEST_PROP(HlcProperty, TicksAscendStrictlyAndExceedAllReceived,
              (const std::vector<std::pair<bool, uint8_t>>& steps)) {
    Hlc hlc(2);
    Stamp highest{};
    for (auto [is_tick, time] : steps) {
        if (is_tick) {
            Stamp given = hlc.tick(time);
            RC_ASSERT(given.ms > highest.ms ||
                      (given.ms == highest.ms && given.logical > highest.logical) ||
                      highest == Stamp{});
            RC_ASSERT(given.ms >= time);
            highest = given;
        } else {
            Stamp remote{time, static_cast<uint32_t>(time % 3), 9};
            hlc.receive(remote);
            highest = std::max(highest, Stamp{remote.ms, remote.logical, highest.actor});
        }
    }
}

}  // namespace
}  // namespace tandem::clock
