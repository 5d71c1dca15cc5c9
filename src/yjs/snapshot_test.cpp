#include "yjs/snapshot.hpp"

#include <gtest/gtest.h>

#include <string>

#include "yjs/any.hpp"
#include "yjs/document.hpp"
#include "yjs/document_testing.hpp"
#include "yjs/reading.hpp"

namespace tandem::yjs {
namespace {

class SnapshotTest : public testing_parts::TextTest {
  protected:
    // What is deleted must stay, or no earlier state could be shown.
    SnapshotTest() : TextTest(false) {}

    std::string delta(const Snapshot* now, const Snapshot* before) {
        std::string out;
        append_delta_between(document_.store(), text_, now, before, out);
        return out;
    }
    std::string text_at(const Snapshot& snapshot) {
        auto state = document_.state_at(snapshot);
        EXPECT_TRUE(state.ok());
        Document past(DocumentOptions{2, true, false});
        EXPECT_TRUE(past.apply(*state).ok());
        return text_of(past.store(), past.root("t", TypeKind::text));
    }
};

TEST_F(SnapshotTest, ADocumentIsBroughtBackAsItWas) {
    type(0, "hello");
    const Snapshot first = snapshot_of(document_.store());
    erase(1, 3);
    type(1, "all");
    const Snapshot second = snapshot_of(document_.store());
    erase(0, 5);
    EXPECT_EQ(text_at(first), "hello");
    EXPECT_EQ(text_at(second), "hallo");
    EXPECT_EQ(text_at(Snapshot{}), "");
}

TEST_F(SnapshotTest, BringingBackChangesNothing) {
    type(0, "hello");
    const Snapshot first = snapshot_of(document_.store());
    type(5, " world");
    const std::string before = document_.encode();
    EXPECT_EQ(text_at(first), "hello");
    EXPECT_EQ(document_.encode(), before);
    Buffer update;
    EXPECT_FALSE(document_.write_last_update(update));
}

TEST_F(SnapshotTest, WhatWasCollectedOrIsNotKnownCannotBeBroughtBack) {
    Document collecting(DocumentOptions{3, true, false});
    EXPECT_EQ(collecting.state_at(Snapshot{}).error().code, base::ErrorCode::state_gone);
    Snapshot future;
    future.states[9] = 1;
    EXPECT_EQ(document_.state_at(future).error().code, base::ErrorCode::out_of_range);
}

TEST_F(SnapshotTest, TheDeltaBetweenTwoMomentsMarksWhatCameAndWent) {
    type(0, "abcd");
    const Snapshot before = snapshot_of(document_.store());
    erase(1, 2);
    type(2, "x");
    const Snapshot now = snapshot_of(document_.store());
    type(0, "later ");
    EXPECT_EQ(delta(&before, nullptr), "[{\"insert\":\"abcd\"}]");
    EXPECT_EQ(delta(&now, nullptr), "[{\"insert\":\"adx\"}]");
    EXPECT_EQ(delta(&now, &before),
              "[{\"insert\":\"a\"},"
              "{\"insert\":\"bc\",\"attributes\":{\"ychange\":{\"type\":\"removed\"}}},"
              "{\"insert\":\"d\"},"
              "{\"insert\":\"x\",\"attributes\":{\"ychange\":{\"type\":\"added\"}}}]");
    EXPECT_EQ(delta(nullptr, nullptr), "[{\"insert\":\"later adx\"}]");
}

TEST_F(SnapshotTest, BothEncodingsAreReadBack) {
    type(0, "abcdef");
    erase(1, 1);
    erase(2, 2);
    const Snapshot snapshot = snapshot_of(document_.store());
    for (Encoding encoding : {Encoding::v1, Encoding::v2}) {
        const std::string bytes = encode_snapshot(snapshot, encoding);
        auto read = decode_snapshot(bytes, encoding);
        ASSERT_TRUE(read.ok());
        EXPECT_EQ(*read, snapshot);
        EXPECT_EQ(encode_snapshot(*read, encoding), bytes);
        for (size_t length = 0; length < bytes.size(); ++length)
            EXPECT_FALSE(decode_snapshot(bytes.substr(0, length), encoding).ok()) << length;
    }
    EXPECT_EQ(encode_snapshot(snapshot), std::string("\1\1\2\1\1\3\2\1\1\6", 10));
}

TEST_F(SnapshotTest, KnowsWhetherItHadAnUpdate) {
    type(0, "abc");
    const std::string update = document_.encode();
    const Snapshot snapshot = snapshot_of(document_.store());
    EXPECT_TRUE(*snapshot_contains(snapshot, update));
    erase(0, 1);
    EXPECT_FALSE(*snapshot_contains(snapshot, document_.encode()));
    EXPECT_TRUE(*snapshot_contains(snapshot_of(document_.store()), update));
    EXPECT_FALSE(snapshot_contains(snapshot, "\xff").ok());
}

}  // namespace
}  // namespace tandem::yjs
