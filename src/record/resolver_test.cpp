#include "record/resolver.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "record/random_log.hpp"
#include "record/text3.hpp"

namespace tandem::record {
namespace {

using base::Value;
using testing::json;

constexpr Resolver kAll[] = {Resolver::lww,    Resolver::max,       Resolver::min,
                             Resolver::mean,   Resolver::set_union, Resolver::text3,
                             Resolver::manual, Resolver::agent};

Sibling sibling(uint64_t actor, Value value, uint64_t ms = 1000) {
    return {std::move(value), {actor, 1}, actor, {ms, 0, actor}};
}

std::vector<Sibling> siblings(const std::vector<std::string>& texts) {
    std::vector<Sibling> out;
    for (const std::string& text : texts)
        out.push_back(sibling(11 + out.size(), json(text)));
    return out;
}

Value shown(const std::vector<Sibling>& siblings, Resolver resolver, std::string_view base = {}) {
    auto computed = blend(siblings, resolver, base);
    return computed ? computed->value : pick(siblings, resolver).value;
}

std::string shown_text(const std::vector<std::string>& texts, Resolver resolver,
                       std::string_view base = {}) {
    return base::to_json(shown(siblings(texts), resolver, base));
}

std::string merged(std::string_view base, const std::vector<std::string>& texts) {
    std::vector<Sibling> out;
    for (const std::string& text : texts)
        out.push_back(sibling(11 + out.size(), Value(text)));
    return shown(out, Resolver::text3, base).as_string();
}

// Values of one type or of many, dots that differ, stamps that collide.
std::vector<Sibling> any_siblings(testing::RandomLog& dice) {
    std::vector<Sibling> out;
    const uint64_t type = dice.below(4);
    for (uint64_t count = 1 + dice.below(8); count > 0; --count) {
        std::string text;
        for (uint64_t words = dice.below(6); words > 0; --words)
            text += std::string(1, static_cast<char>('a' + dice.below(4))) + " ";
        Value value(text);
        if (type == 1 || (type == 3 && dice.one_in(2)))
            value = Value(static_cast<double>(dice.below(7)) * 0.1);
        if (type == 2) value = Value(base::Array{Value(text), Value(0.5)});
        out.push_back(sibling(11 + out.size(), std::move(value), 1000 + dice.below(3)));
    }
    return out;
}

RC_GTEST_PROP(Resolvers, DoNotLookAtTheOrderOfSiblings, (uint64_t seed)) {
    testing::RandomLog dice(seed);
    std::vector<Sibling> one = any_siblings(dice);
    std::vector<Sibling> other = one;
    for (size_t i = other.size(); i > 1; --i)
        std::swap(other[i - 1], other[dice.below(i)]);
    for (Resolver resolver : kAll) {
        RC_ASSERT(base::to_json(shown(one, resolver, "a b c a ")) ==
                  base::to_json(shown(other, resolver, "a b c a ")));
        auto first = blend(one, resolver, "a b c a ");
        auto second = blend(other, resolver, "a b c a ");
        RC_ASSERT(first.has_value() == second.has_value());
        if (first) RC_ASSERT(first->lost == second->lost);
    }
}

RC_GTEST_PROP(Resolvers, ShowWhatAllSiblingsSay, (uint64_t seed)) {
    testing::RandomLog dice(seed);
    std::vector<Sibling> all = any_siblings(dice);
    for (Sibling& each : all)
        each.value = all[0].value;
    for (Resolver resolver : kAll)
        RC_ASSERT(shown(all, resolver, "a b c ") == all[0].value);
}

// What is said twice counts once, where it is a matter of what is said and not of how often.
RC_GTEST_PROP(Resolvers, AreIdempotent, (uint64_t seed)) {
    testing::RandomLog dice(seed);
    std::vector<Sibling> once = any_siblings(dice);
    std::vector<Sibling> twice = once;
    twice.push_back(sibling(99, once[0].value, 1));
    for (Resolver resolver : {Resolver::lww, Resolver::max, Resolver::min}) {
        RC_ASSERT(shown(once, resolver) == shown(twice, resolver));
    }
    if (once.size() > 1) {
        RC_ASSERT(shown(once, Resolver::set_union) == shown(twice, Resolver::set_union) ||
                  !blend(once, Resolver::set_union, {}));
    }
}

RC_GTEST_PROP(Resolvers, AMergedTextHasWhatOneSideAloneDid, (uint64_t seed)) {
    testing::RandomLog dice(seed);
    std::vector<Sibling> all = any_siblings(dice);
    if (!all[0].value.is_string()) return;
    std::string base = "a b c a ";
    RC_ASSERT(merged(base, {all[0].value.as_string(), base}) == all[0].value.as_string());
}

TEST(Resolvers, TellWhatTheyAreFor) {
    EXPECT_EQ(shown_text({"3", "10", "7"}, Resolver::lww), "7");
    EXPECT_EQ(shown_text({"3", "10", "7"}, Resolver::max), "10");
    EXPECT_EQ(shown_text({"3", "10", "7"}, Resolver::min), "3");
    EXPECT_EQ(shown_text({"3", "10", "8"}, Resolver::mean), "7");
    EXPECT_EQ(shown_text({"[3]", "[10,3]", "[7]"}, Resolver::set_union), "[3,10,7]");
    EXPECT_EQ(shown_text({"\"a c\"", "\"b d\""}, Resolver::text3, "a d"), "\"b c\"");
    EXPECT_EQ(shown_text({"3", "10", "7"}, Resolver::manual), "7");
    EXPECT_EQ(shown_text({"3", "10", "7"}, Resolver::agent), "7");
}

TEST(Resolvers, FallBackToTheLastWriteWhereTypesDoNotFit) {
    EXPECT_EQ(shown_text({"3", "\"x\""}, Resolver::mean), "\"x\"");
    EXPECT_EQ(shown_text({"[3]", "4"}, Resolver::set_union), "4");
    EXPECT_EQ(shown_text({"\"a\"", "4"}, Resolver::text3, "a"), "4");
    EXPECT_EQ(shown_text({"\"a\"", "\"b\""}, Resolver::text3), "\"b\"");
}

TEST(Resolvers, StayWithinTheDoubles) {
    EXPECT_EQ(shown_text({"1.5e308", "1.5e308", "0"}, Resolver::mean), "1e+308");
    EXPECT_EQ(shown_text({"-0.1", "0.1"}, Resolver::mean), "0");
}

TEST(Resolvers, AUnionThatIsTooLargeIsNotMade) {
    const std::string big = "[\"" + std::string(10'000, 'x') + "\"]";
    const std::string other = "[\"" + std::string(10'000, 'y') + "\"]";
    EXPECT_EQ(shown_text({big, other}, Resolver::set_union), other);
}

TEST(Text3, MergesWords) {
    const std::string base = "the red car stops here";
    EXPECT_EQ(merged(base, {"the blue car stops here today", "the red van stops here"}),
              "the blue van stops here today");
    EXPECT_EQ(merged(base, {"", base}), "");
    EXPECT_EQ(merged(base, {"the car stops here", "red car stops here"}), "car stops here");
    EXPECT_EQ(merged("a b", {"a x b", "a y b"}), "a x y b");
    EXPECT_EQ(merged("a b", {"a x b", "a x b y"}), "a x b y");
    EXPECT_EQ(merged("a-b", {"a-c", "d-b"}), "d-c");
    EXPECT_EQ(merged("die Tür ist zu", {"die Tür ist offen", "das Tor ist zu"}),
              "das Tor ist offen");
    EXPECT_EQ(merged("車庫の前", {"車庫の後", "倉庫の前"}), "倉庫の後");
}

TEST(Text3, TakesTheHighestWhereEditsOverlap) {
    std::vector<Text3Version> versions = {{"a x c", 1}, {"a y c d", 0}, {"a x c", 2}};
    Text3Merge merge = merge_texts("a b c", versions);
    EXPECT_EQ(merge.text, "a x c d");
    EXPECT_EQ(merge.lost, (std::vector<bool>{false, true, false}));
}

TEST(Text3, DoesNotCompareWhatIsTooLong) {
    std::string base;
    std::string text;
    for (int i = 0; i < 300; ++i) {
        base += ".";
        text += i % 2 == 0 ? "," : ";";
    }
    EXPECT_EQ(merged(base, {text, base}), text);
    EXPECT_EQ(merged("a" + base, {"a" + text, "b" + base}), "b" + text);
}

TEST(Text3, ForgetsVersionsThatNobodyNeeds) {
    testing::Log log;
    Op first = testing::op(R"({"op":"set","path":"s","value":"zero one two"})");
    first.resolver = Resolver::text3;
    log.add(11, {first});
    for (int i = 0; i < 100; ++i) {
        Op next = first;
        next.value = Value("zero one two" + std::string(static_cast<size_t>(i % 7 + 1), '!'));
        next.seen_seq = log.document.seq();
        log.add(12, {next});
    }
    size_t bytes = log.document.bytes();
    EXPECT_LT(bytes, 4096u);
    // Written on the first of a hundred versions, which is the one that is always kept.
    Op late = first;
    late.value = Value("nil one two");
    late.seen_seq = 1;
    log.add(13, {late});
    EXPECT_EQ(log.shown("s"), "\"nil one two!!\"");
}

}  // namespace
}  // namespace tandem::record
