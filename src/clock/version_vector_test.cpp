#include "clock/version_vector.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <string>

namespace tandem::clock {
namespace {

using Model = std::map<uint8_t, uint8_t>;

VersionVector vector_of(const Model& model) {
    VersionVector vector;
    for (auto [actor, counter] : model)
        vector.raise(actor, counter);
    return vector;
}

bool covers_all(const VersionVector& a, const VersionVector& b) {
    for (const auto& row : b.rows()) {
        if (!a.covers(row.actor, row.counter)) return false;
    }
    return true;
}

TEST(VersionVector, ComparesTheFourWays) {
    VersionVector none;
    auto a1 = vector_of({{1, 1}});
    auto a2 = vector_of({{1, 2}});
    auto b1 = vector_of({{2, 1}});
    auto both = vector_of({{1, 2}, {2, 1}});
    EXPECT_EQ(none.compare(none), Causality::equal);
    EXPECT_EQ(none.compare(a1), Causality::before);
    EXPECT_EQ(a1.compare(a2), Causality::before);
    EXPECT_EQ(a2.compare(a1), Causality::after);
    EXPECT_EQ(a2.compare(b1), Causality::concurrent);
    EXPECT_EQ(a1.compare(both), Causality::before);
    EXPECT_EQ(both.compare(b1), Causality::after);
    EXPECT_EQ(vector_of({{1, 3}}).compare(both), Causality::concurrent);
}

TEST(VersionVector, RaiseNeverLowers) {
    VersionVector vector;
    vector.raise(7, 0);
    EXPECT_TRUE(vector.is_empty());
    vector.raise(7, 5);
    vector.raise(7, 3);
    EXPECT_EQ(vector.counter_of(7), 5u);
    EXPECT_TRUE(vector.covers(7, 5));
    EXPECT_FALSE(vector.covers(7, 6));
    EXPECT_FALSE(vector.covers(8, 1));
    vector.retire(7);
    EXPECT_EQ(vector, VersionVector{});
}

TEST(VersionVector, DecodeRefusesWhatEncodeNeverWrites) {
    auto decode = [](std::string bytes) {
        base::Reader reader(bytes);
        return VersionVector::decode(reader, 3).error().code;
    };
    using namespace std::string_literals;
    EXPECT_EQ(decode("\x04"s), base::ErrorCode::too_large);
    EXPECT_EQ(decode("\x02\x01\x01"s), base::ErrorCode::truncated);
    EXPECT_EQ(decode("\x01\x01\x00"s), base::ErrorCode::noncanonical);
    EXPECT_EQ(decode("\x02\x01\x01\x00\x01"s), base::ErrorCode::noncanonical);
    EXPECT_EQ(decode("\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01\x01\x01"s),
              base::ErrorCode::out_of_range);
}

RC_GTEST_PROP(VersionVectorProperty, CompareAgreesWithItsDefinition,
              (const Model& x, const Model& y)) {
    auto a = vector_of(x);
    auto b = vector_of(y);
    bool a_covers = covers_all(a, b);
    bool b_covers = covers_all(b, a);
    Causality expected = a_covers && b_covers ? Causality::equal
                         : a_covers           ? Causality::after
                         : b_covers           ? Causality::before
                                              : Causality::concurrent;
    RC_ASSERT(a.compare(b) == expected);
}

RC_GTEST_PROP(VersionVectorProperty, MergeIsTheLeastUpperBound, (const Model& x, const Model& y)) {
    auto a = vector_of(x);
    auto b = vector_of(y);
    auto ab = a;
    ab.merge(b);
    auto ba = b;
    ba.merge(a);
    RC_ASSERT(ab == ba);
    RC_ASSERT(covers_all(ab, a) && covers_all(ab, b));
    for (const auto& row : ab.rows()) {
        RC_ASSERT(row.counter == std::max(a.counter_of(row.actor), b.counter_of(row.actor)));
    }
}

RC_GTEST_PROP(VersionVectorProperty, RoundTrips, (const Model& x, uint64_t actor)) {
    auto vector = vector_of(x);
    vector.raise(actor, 1);
    std::string bytes;
    base::Writer writer(bytes);
    vector.encode(writer);
    base::Reader reader(bytes);
    RC_ASSERT(*VersionVector::decode(reader, 1000) == vector);
    RC_ASSERT(reader.at_end());
}

}  // namespace
}  // namespace tandem::clock
