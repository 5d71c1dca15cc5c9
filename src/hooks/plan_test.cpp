#include "hooks/plan.hpp"

#include <gtest/gtest.h>

namespace tandem::hooks {
namespace {

port::HookFeed feed_of(uint64_t oldest, uint64_t head, std::vector<port::EpochFork> epochs,
                       std::optional<port::HookPosition> at, size_t limit = 100) {
    port::HookFeed feed;
    feed.exists = true;
    feed.head = head;
    feed.oldest_seq = oldest;
    feed.epochs = std::move(epochs);
    feed.at = at;
    const uint64_t first = (at ? at->seq : 0) + 1;
    for (uint64_t seq = first; first >= oldest && oldest != 0 && seq <= head; ++seq) {
        if (feed.entries.size() >= limit) break;
        port::StoredEntry entry;
        entry.seq = seq;
        feed.entries.push_back(entry);
    }
    return feed;
}

TEST(Plan, GoesFromTheCursorToTheHeadInPages) {
    Step step = next_step(feed_of(1, 10, {{7, 0}}, std::nullopt, 4));
    EXPECT_EQ(step.kind, Step::Kind::entries);
    EXPECT_EQ(step.from, (port::HookPosition{7, 0}));
    EXPECT_EQ(step.to, (port::HookPosition{7, 4}));
    EXPECT_EQ(step.count, 4u);
    step = next_step(feed_of(1, 10, {{7, 0}}, port::HookPosition{7, 8}, 4));
    EXPECT_EQ(step.count, 2u);
    EXPECT_EQ(step.to.seq, 10u);
    step = next_step(feed_of(1, 10, {{7, 0}}, port::HookPosition{7, 10}));
    EXPECT_EQ(step.kind, Step::Kind::idle);
    EXPECT_EQ(next_step(port::HookFeed{}).kind, Step::Kind::idle);
}

TEST(Plan, WhatWasTrimmedIsAGap) {
    const Step step = next_step(feed_of(6, 10, {{7, 0}}, port::HookPosition{7, 2}));
    EXPECT_EQ(step.kind, Step::Kind::gap);
    EXPECT_EQ(step.from.seq, 2u);
    EXPECT_EQ(step.to, (port::HookPosition{7, 5}));
    EXPECT_EQ(step.cause, Step::Cause::trimmed);
    EXPECT_EQ(next_step(feed_of(6, 10, {{7, 0}}, step.to)).kind, Step::Kind::entries);
}

// A restore puts a fork at the head of the backup: what follows it is another history.
TEST(Plan, ANewHistoryIsToldBeforeItsFirstEntryAndNoStepCrossesIt) {
    const std::vector<port::EpochFork> epochs{{7, 0}, {9, 4}};
    Step step = next_step(feed_of(1, 6, epochs, port::HookPosition{7, 2}));
    EXPECT_EQ(step.kind, Step::Kind::entries);
    EXPECT_EQ(step.to, (port::HookPosition{7, 4}));
    step = next_step(feed_of(1, 6, epochs, step.to));
    EXPECT_EQ(step.kind, Step::Kind::reset);
    EXPECT_EQ(step.from, (port::HookPosition{7, 4}));
    EXPECT_EQ(step.to, (port::HookPosition{9, 4}));
    step = next_step(feed_of(1, 6, epochs, step.to));
    EXPECT_EQ(step.kind, Step::Kind::entries);
    EXPECT_EQ(step.to, (port::HookPosition{9, 6}));
    EXPECT_EQ(next_step(feed_of(1, 6, epochs, step.to)).kind, Step::Kind::idle);
    // Also when nothing was written since.
    step = next_step(feed_of(1, 4, epochs, port::HookPosition{7, 4}));
    EXPECT_EQ(step.kind, Step::Kind::reset);
    // And for a cursor that no log of this store can have given.
    step = next_step(feed_of(1, 6, epochs, port::HookPosition{7, 20}));
    EXPECT_EQ(step.kind, Step::Kind::reset);
    EXPECT_EQ(step.to, (port::HookPosition{9, 6}));
}

TEST(Plan, ADeletedChannelLeavesAGapAndGoesOnInAnotherEpoch) {
    port::HookFeed feed = feed_of(0, 5, {{7, 0}}, port::HookPosition{7, 3});
    feed.exists = false;
    feed.begin_seq = 5;
    Step step = next_step(feed);
    EXPECT_EQ(step.kind, Step::Kind::gap);
    EXPECT_EQ(step.to, (port::HookPosition{7, 5}));
    EXPECT_EQ(step.cause, Step::Cause::deleted);

    feed = feed_of(6, 8, {{7, 0}, {8, 5}}, port::HookPosition{7, 3});
    feed.begin_seq = 5;
    step = next_step(feed);
    EXPECT_EQ(step.kind, Step::Kind::gap);
    EXPECT_EQ(step.to, (port::HookPosition{7, 5}));
    EXPECT_EQ(step.cause, Step::Cause::deleted);
    feed = feed_of(6, 8, {{7, 0}, {8, 5}}, step.to);
    EXPECT_EQ(next_step(feed).kind, Step::Kind::reset);
}

TEST(Plan, ALogThatDoesNotContinueIsNotSkippedOver) {
    port::HookFeed feed = feed_of(1, 5, {{7, 0}}, port::HookPosition{7, 3});
    feed.entries.clear();
    EXPECT_EQ(next_step(feed).kind, Step::Kind::broken);
}

}  // namespace
}  // namespace tandem::hooks
