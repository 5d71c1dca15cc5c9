#include "yjs/relative_position.hpp"

#include <gtest/gtest.h>

#include <string>

#include "yjs/document.hpp"
#include "yjs/document_testing.hpp"

namespace tandem::yjs {
namespace {

class RelativePositionTest : public testing_parts::TextTest {
  protected:
    RelativePositionTest() : TextTest(true) {}

    RelativePosition at(uint32_t index, int64_t assoc = 0) {
        return relative_position(document_.store(), text_, index, assoc);
    }
    uint32_t index_of(const RelativePosition& position) {
        auto found = absolute_position(document_, position);
        EXPECT_TRUE(found.has_value());
        if (!found) return UINT32_MAX;
        EXPECT_EQ(found->list, text_);
        return found->index;
    }
};

TEST_F(RelativePositionTest, GoesWithWhatIsBehindIt) {
    type(0, "abc");
    const RelativePosition place = at(1);
    type(1, "xx");
    EXPECT_EQ(index_of(place), 3u);
    type(0, "y");
    EXPECT_EQ(index_of(place), 4u);
}

TEST_F(RelativePositionTest, GoesWithWhatIsBeforeItIfItIsToldSo) {
    type(0, "abc");
    const RelativePosition place = at(1, -1);
    type(1, "xx");
    EXPECT_EQ(index_of(place), 1u);
}

TEST_F(RelativePositionTest, StaysAtTheEndOfAType) {
    type(0, "abc");
    const RelativePosition end = at(3);
    EXPECT_FALSE(end.item.has_value());
    type(3, "def");
    EXPECT_EQ(index_of(end), 6u);
    EXPECT_EQ(index_of(at(0, -1)), 0u);
    EXPECT_EQ(index_of(at(100, -1)), 6u);
}

TEST_F(RelativePositionTest, OfADeletedCharacterIsWhereThatWas) {
    type(0, "abcd");
    const RelativePosition place = at(2);
    change([&] { return document_.delete_text(text_, 1, 3); });
    EXPECT_EQ(index_of(place), 1u);
}

TEST_F(RelativePositionTest, IsFoundByTheTreeOfPositionsAsWell) {
    for (int i = 0; i < 200; ++i)
        type(0, "ab");
    type(399, "x");
    ASSERT_NE(document_.store().branch(text_).positions, 0u);
    for (uint32_t index : {0u, 1u, 2u, 200u, 398u, 401u}) {
        EXPECT_EQ(index_of(at(index)), index);
        EXPECT_EQ(index_of(at(index, -1)), index);
    }
}

TEST_F(RelativePositionTest, IsUnknownUntilItsInsertionHasCome) {
    type(0, "abc");
    Document other(DocumentOptions{2, true, false});
    EXPECT_FALSE(absolute_position(other, at(1)).has_value());
    ASSERT_TRUE(other.apply(document_.encode()).ok());
    EXPECT_EQ(absolute_position(other, at(1))->index, 1u);
}

TEST_F(RelativePositionTest, BytesAndJsonAreThoseOfYjs) {
    type(0, "abc");
    EXPECT_EQ(encode_relative_position(at(1)), std::string("\x00\x01\x01\x00", 4));
    EXPECT_EQ(encode_relative_position(at(3)), std::string("\x01\x01t\x00", 4));
    EXPECT_EQ(encode_relative_position(at(1, -1)), std::string("\x00\x01\x00\x41", 4));
    EXPECT_EQ(relative_position_json(at(1)),
              "{\"tname\":\"t\",\"item\":{\"client\":1,\"clock\":1},\"assoc\":0}");
    EXPECT_EQ(*relative_position_of_json(relative_position_json(at(2, -1))), at(2, -1));
}

TEST_F(RelativePositionTest, MalformedOnesAreRefused) {
    EXPECT_FALSE(decode_relative_position("").ok());
    EXPECT_FALSE(decode_relative_position(std::string_view("\x03\x00", 2)).ok());
    EXPECT_FALSE(decode_relative_position(std::string_view("\x01\x05t", 3)).ok());
    EXPECT_FALSE(relative_position_of_json("{}").ok());
    EXPECT_FALSE(relative_position_of_json("[1]").ok());
    EXPECT_FALSE(relative_position_of_json("{\"item\":{\"client\":-1,\"clock\":0}}").ok());
    // Of older versions, without the side.
    EXPECT_EQ(decode_relative_position(std::string_view("\x01\x01t", 3))->assoc, 0);
}

}  // namespace
}  // namespace tandem::yjs
