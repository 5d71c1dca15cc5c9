#include "yjs/few.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace tandem::yjs {
namespace {

template <class T>
class FewTest : public testing::Test {};

struct Large {
    uint32_t parts[3];
    explicit Large(uint32_t value = 0) : parts{value, ~value, value} {}
    friend bool operator==(const Large&, const Large&) = default;
};
using Sizes = testing::Types<uint16_t, uint32_t, uint64_t, Large>;
TYPED_TEST_SUITE(FewTest, Sizes);

template <class T>
std::vector<T> values_of(const Few<T>& few) {
    return {few.begin(), few.end()};
}

TYPED_TEST(FewTest, HoldsWhatAVectorHolds) {
    std::mt19937 random(1);
    Few<TypeParam> few;
    std::vector<TypeParam> vector;
    for (uint32_t step = 0; step < 20'000; ++step) {
        const TypeParam value(static_cast<uint16_t>(step));
        switch (random() % 10) {
            case 0:
                if (!vector.empty()) {
                    few.pop_back();
                    vector.pop_back();
                }
                break;
            case 1: {
                const size_t size = random() % 9;
                few.resize(size, value);
                vector.resize(size, value);
                break;
            }
            case 2:
                few.shrink_to_fit();
                break;
            case 3: {
                const Few<TypeParam> copy = few;
                few.clear();
                few = copy;
                break;
            }
            case 4: {
                Few<TypeParam> moved = std::move(few);
                few = Few<TypeParam>();
                EXPECT_TRUE(few.empty());
                few.swap(moved);
                break;
            }
            default:
                if (!vector.empty() && step % 3 == 0) {
                    few.push_back(few[0]);
                    vector.push_back(TypeParam(vector[0]));
                } else {
                    few.push_back(value);
                    vector.push_back(value);
                }
        }
        ASSERT_EQ(values_of(few), vector) << "step " << step;
        ASSERT_EQ(few.size(), vector.size());
    }
}

TEST(FewTestOfOne, OneValueTakesNoBlock) {
    Few<uint64_t> few;
    few.push_back(7);
    EXPECT_EQ(few.capacity(), 0u);
    few.push_back(8);
    EXPECT_GE(few.capacity(), 2u);
    few.pop_back();
    few.shrink_to_fit();
    EXPECT_EQ(few.capacity(), 0u);
    EXPECT_EQ(values_of(few), std::vector<uint64_t>{7});
}

}  // namespace
}  // namespace tandem::yjs
