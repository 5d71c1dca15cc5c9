#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "yjs/any.hpp"
#include "yjs/columns.hpp"
#include "yjs/sync_messages.hpp"
#include "yjs/utf16.hpp"

namespace tandem::yjs {
namespace {

std::string any_of(const std::string& json) {
    Buffer out;
    EXPECT_TRUE(append_any_of_json(json, out).ok()) << json;
    return out.str();
}

std::string json_of(std::string_view any) {
    std::string out;
    append_json_of_any(any, out);
    return out;
}

TEST(Utf16, CountsUnitsAndFindsTheirEnds) {
    const std::string text = "aß日😀z";
    EXPECT_EQ(utf16_length(text), 6u);
    EXPECT_EQ(utf16_cut(text, 3).offset, 6u);
    EXPECT_EQ(utf16_cut(text, 5).offset, 10u);
    EXPECT_FALSE(utf16_cut(text, 5).splits_pair);
    EXPECT_EQ(utf16_cut(text, 4).offset, 6u);
    EXPECT_TRUE(utf16_cut(text, 4).splits_pair);
}

TEST(Utf16, RefusesWhatIsNotUtf8) {
    for (const char* bad : {"\x80", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80",
                            "aaaaaaaaa\xFF", "\xE6\x97"})
        EXPECT_EQ(utf16_length(bad), kNotUtf8) << bad;
}

TEST(Any, JsonComesBackAsJavaScriptWritesIt) {
    for (const char* json : {"null", "true", "false", "0", "-1", "2147483647", "2147483648", "0.5",
                             "1e+21", "\"aß😀\"", "[1,[],{}]", "{\"b\":1,\"a\":{\"c\":[null]}}"})
        EXPECT_EQ(json_of(any_of(json)), json);
}

TEST(Any, NumbersTakeTheirShortestType) {
    EXPECT_EQ(any_of("1"), std::string("\x7d\x01", 2));
    EXPECT_EQ(any_of("-0"), std::string("\x7d\x40", 2));
    EXPECT_EQ(any_of("0.5"), std::string("\x7c\x3f\x00\x00\x00", 5));
    EXPECT_EQ(any_of("0.1").size(), 9u);
    // A float64 that holds a small integer is written anew as one.
    Buffer read;
    Input in(std::string_view("\x7b\x3f\xf0\x00\x00\x00\x00\x00\x00", 9));
    ASSERT_TRUE(copy_any(in, read));
    EXPECT_EQ(read.view(), any_of("1"));
}

TEST(Any, MembersAreInTheOrderOfJavaScript) {
    EXPECT_EQ(json_of(any_of(R"({"b":1,"10":2,"a":3,"9":4})")), R"({"9":4,"10":2,"b":1,"a":3})");
    EXPECT_EQ(json_of(any_of(R"({"b":1,"a":2,"b":3})")), R"({"b":3,"a":2})");
}

TEST(Any, RefusesWhatDoesNotDecode) {
    for (std::string_view bad : {std::string_view("\x01"), std::string_view("\x77\x02\xff\xff"),
                                 std::string_view("\x75\x02\x7f"), std::string_view("\x7b\x00")}) {
        Input in(bad);
        Buffer out;
        EXPECT_FALSE(copy_any(in, out));
    }
    Buffer out;
    EXPECT_FALSE(append_any_of_json("{\"a\":}", out).ok());
    EXPECT_FALSE(append_any_of_json("[1,]", out).ok());
    EXPECT_FALSE(append_any_of_json("01", out).ok());
    EXPECT_TRUE(out.empty());
    std::string deep(kAnyDepthMax + 2, '[');
    auto refused = append_any_of_json(deep, out);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, base::ErrorCode::too_deep);
}

RC_GTEST_PROP(Columns, GiveBackWhatWasWritten, (const std::vector<uint8_t>& values)) {
    RleWriter rle;
    UintOptRleWriter numbers;
    IntDiffOptRleWriter differences;
    for (uint8_t value : values) {
        rle.write(value);
        numbers.write(value / 16);
        differences.write(value / 32);
    }
    RleReader read_rle;
    UintOptRleReader read_numbers;
    IntDiffOptRleReader read_differences;
    read_rle.open(rle.finish());
    read_numbers.open(numbers.finish());
    read_differences.open(differences.finish());
    for (uint8_t value : values) {
        RC_ASSERT(read_rle.read() == value);
        RC_ASSERT(read_numbers.read() == value / 16u);
        RC_ASSERT(read_differences.read() == value / 32u);
    }
    RC_ASSERT(read_rle.ok() && read_numbers.ok() && read_differences.ok());
}

TEST(Columns, ARunOfZerosIsANegativeZero) {
    UintOptRleWriter zeros;
    zeros.write(0);
    zeros.write(0);
    zeros.write(0);
    EXPECT_EQ(zeros.finish(), std::string_view("\x40\x01", 2));
}

TEST(Any, JsonHasNumbersAsJavaScriptWritesThem) {
    const std::pair<double, const char*> numbers[] = {
        {0.5, "0.5"},
        {-12.25, "-12.25"},
        {0.0001, "0.0001"},
        {0.00005, "0.00005"},
        {0.000001, "0.000001"},
        {0.0000015, "0.0000015"},
        {1e-7, "1e-7"},
        {-1.5e-7, "-1.5e-7"},
        {1e20, "100000000000000000000"},
        {123456789012345680000.0, "123456789012345680000"},
        {9223372036854775807.0, "9223372036854776000"},
        {9007199254740993.0, "9007199254740992"},
        {1e21, "1e+21"},
        {-1.25e300, "-1.25e+300"},
        {5e-324, "5e-324"},
        {4294967296.5, "4294967296.5"},
    };
    for (const auto& [number, text] : numbers) {
        Buffer any;
        append_any_number(number, any);
        std::string json;
        append_json_of_any(any.view(), json);
        EXPECT_EQ(json, text);
        Buffer again;
        ASSERT_TRUE(append_any_of_json(json, again).ok());
        EXPECT_EQ(again.view(), any.view()) << text;
    }
}

TEST(Awareness, AStateThatIsNoJsonIsRefusedWithItsMessage) {
    for (const std::string_view json :
         {"null", "{}", "5", R"({"user":{"name":"\ud83d"},"x":[1e-7]})"}) {
        const AwarenessState state{7, 1, json};
        EXPECT_TRUE(decode_awareness(encode_awareness({&state, 1})).ok()) << json;
    }
    for (const std::string_view json : {"", "{bad", "{}x", "undefined", "'a'", "\xff"}) {
        const AwarenessState states[] = {{7, 1, "{}"}, {8, 1, json}};
        EXPECT_EQ(decode_awareness(encode_awareness(states)).error().code,
                  base::ErrorCode::malformed)
            << json;
    }
}

}  // namespace
}  // namespace tandem::yjs
