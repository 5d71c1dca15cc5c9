#include "base/strong.hpp"

#include <gtest/gtest.h>

#include <type_traits>
#include <unordered_set>

namespace tandem::base {
namespace {

using Apple = Strong<struct AppleTag>;
using Pear = Strong<struct PearTag>;
using Small = Strong<struct SmallTag, uint16_t>;

static_assert(!std::is_convertible_v<uint64_t, Apple>);
static_assert(!std::is_convertible_v<Apple, uint64_t>);
static_assert(!std::is_constructible_v<Pear, Apple>);
static_assert(!std::equality_comparable_with<Apple, Pear>);
static_assert(sizeof(Small) == sizeof(uint16_t));

TEST(Strong, ComparesAndCountsLikeItsNumber) {
    EXPECT_LT(Apple(1), Apple(2));
    EXPECT_EQ(Apple(1).next(), Apple(2));
    EXPECT_EQ(Apple().value(), 0u);
    EXPECT_EQ(Small(65535).next().value(), 0u);
}

TEST(Strong, IsAKeyOfHashedContainers) {
    std::unordered_set<Apple> set{Apple(1), Apple(2), Apple(1)};
    EXPECT_EQ(set.size(), 2u);
}

}  // namespace
}  // namespace tandem::base
