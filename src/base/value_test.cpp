#include "base/value.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cmath>

namespace tandem::base {
namespace {

Value random_value(int depth) {
    int kind = *rc::gen::inRange(0, depth > 0 ? 7 : 5);
    switch (kind) {
        case 0:
            return Value();
        case 1:
            return Value(*rc::gen::arbitrary<bool>());
        case 2:
            return Value::integer(*rc::gen::inRange<int64_t>(-kIntegerMax, kIntegerMax));
        case 3: {
            double number = *rc::gen::arbitrary<double>();
            return Value(std::isfinite(number) ? number : 0.5);
        }
        case 4: {
            std::string text = *rc::gen::arbitrary<std::string>();
            return Value(is_utf8(text) ? text : std::string("\xC3\xA9\n\"\\\x01"));
        }
        case 5: {
            Array elements;
            for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
                elements.push_back(random_value(depth - 1));
            }
            return Value(std::move(elements));
        }
        default: {
            Object members;
            for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
                members.push_back(
                    {"k" + std::to_string(*rc::gen::inRange(0, 9)), random_value(depth - 1)});
            }
            return Value(std::move(members));
        }
    }
}

RC_GTEST_PROP(ValueProperty, BytesAndTextReadBackTheSame, ()) {
    Value value = random_value(4);
    std::string bytes = canonical_bytes(value);
    auto decoded = decode_value(bytes);
    RC_ASSERT(decoded.ok());
    RC_ASSERT(*decoded == value);
    RC_ASSERT(canonical_bytes(*decoded) == bytes);
    auto parsed = parse_json(to_json(value));
    RC_ASSERT(parsed.ok());
    RC_ASSERT(*parsed == value);
}

RC_GTEST_PROP(ValueProperty, WhatDecodesIsCanonical, (std::string bytes)) {
    auto decoded = decode_value(bytes);
    if (decoded.ok()) RC_ASSERT(canonical_bytes(*decoded) == bytes);
    auto parsed = parse_json(bytes);
    if (parsed.ok()) RC_ASSERT(*parse_json(to_json(*parsed)) == *parsed);
}

RC_GTEST_PROP(ValueProperty, AChangedByteIsRefusedOrCanonical, ()) {
    std::string bytes = canonical_bytes(random_value(3));
    RC_PRE(!bytes.empty());
    bytes[*rc::gen::inRange<size_t>(0, bytes.size())] = *rc::gen::arbitrary<char>();
    auto decoded = decode_value(bytes);
    if (decoded.ok()) RC_ASSERT(canonical_bytes(*decoded) == bytes);
}

ErrorCode json_error(std::string_view text) {
    auto parsed = parse_json(text);
    return parsed.ok() ? ErrorCode::internal : parsed.error().code;
}

TEST(ValueJson, RefusesWhatIsNotStrict) {
    for (std::string_view text :
         {"", " ", "{", "[1,]", "{\"a\":1,\"a\":2}", "01", "+1", "nul", "1 2", "'a'", "\"\xFF\"",
          "\"\\ud800\"", "\"\\udc00\"", "\"a", "[1}", "\"\n\"", ".5", "1.", "--1"}) {
        EXPECT_NE(json_error(text), ErrorCode::internal) << text;
    }
    EXPECT_EQ(json_error("{\"__proto__\":1}"), ErrorCode::reserved_key);
    EXPECT_EQ(json_error("[{\"constructor\":1}]"), ErrorCode::reserved_key);
    EXPECT_EQ(json_error("1e400"), ErrorCode::out_of_range);
}

TEST(ValueJson, LimitsDepthAndKeys) {
    std::string deep = std::string(32, '[') + "1" + std::string(32, ']');
    EXPECT_TRUE(parse_json(deep).ok());
    EXPECT_EQ(json_error("[" + deep + "]"), ErrorCode::too_deep);
    EXPECT_TRUE(parse_json("[" + deep + "]", kLooseValueLimits).ok());
    std::string wide = "{";
    for (int i = 0; i < 1000; ++i)
        wide += "\"k" + std::to_string(i) + "\":1,";
    std::string thousand = wide;
    thousand.back() = '}';
    EXPECT_TRUE(parse_json(thousand).ok());
    EXPECT_EQ(json_error(wide + "\"last\":1}"), ErrorCode::too_many_keys);
}

TEST(ValueJson, StringsAreWrittenAsJavaScriptWritesThem) {
    const Value value(std::string("\"\\\b\f\n\r\t\x01\x1f\x7f/"));
    EXPECT_EQ(to_json(value), R"("\"\\\b\f\n\r\t\u0001\u001f)"
                              "\x7f"
                              R"(/")");
    EXPECT_EQ(*parse_json(to_json(value)), value);
}

TEST(ValueJson, NumbersKeepTheirDouble) {
    EXPECT_EQ(
        to_json(*parse_json("[-0,-0.0,1e20,9007199254740991,1.5,1e-7,100000000000000000000]")),
        "[0,0,1e+20,9007199254740991,1.5,1e-07,1e+20]");
    EXPECT_EQ(parse_json("-123456789012345678901234567890")->as_number(), -1.2345678901234568e29);
    auto mixed = parse_json("[\"12345678901234567890123\",12345678901234567890123]");
    ASSERT_TRUE(mixed.ok());
    EXPECT_EQ(mixed->as_array()[0].as_string(), "12345678901234567890123");
}

TEST(Value, CanonicalBytes) {
    auto hex = [](const Value& value) {
        std::string out;
        for (char c : canonical_bytes(value)) {
            out += "0123456789abcdef"[static_cast<uint8_t>(c) >> 4];
            out += "0123456789abcdef"[static_cast<uint8_t>(c) & 15];
        }
        return out;
    };
    EXPECT_EQ(hex(Value()), "");
    EXPECT_EQ(hex(Value(true)), "0801");
    EXPECT_EQ(hex(Value(-1.0)), "1001");
    EXPECT_EQ(hex(Value(-0.0)), "1000");
    EXPECT_EQ(hex(Value(0.5)), "19000000000000e03f");
    EXPECT_EQ(hex(Value("hi")), "22026869");
    EXPECT_EQ(hex(*parse_json("[]")), "2a00");
    EXPECT_EQ(hex(*parse_json("[null,1]")), "2a060a000a021002");
    EXPECT_EQ(hex(*parse_json("{\"a\":null}")), "32070a050a01611200");
}

TEST(Value, ObjectsAreSortedAndUnique) {
    Value value(Object{{"b", Value(1.0)}, {"a", Value(2.0)}, {"b", Value(3.0)}});
    EXPECT_EQ(to_json(value), "{\"a\":2,\"b\":3}");
    value.put("aa", Value(true));
    value.put("a", Value());
    EXPECT_EQ(to_json(value), "{\"a\":null,\"aa\":true,\"b\":3}");
    EXPECT_EQ(value.find("c"), nullptr);
}

TEST(Value, Keys) {
    EXPECT_TRUE(is_key("a b/~@"));
    EXPECT_TRUE(is_key(std::string(255, 'x')));
    for (std::string_view key : {"", "a\n", "prototype", "\x7F", "\xC0\x80"})
        EXPECT_FALSE(is_key(key));
    EXPECT_FALSE(is_key(std::string(256, 'x')));
}

}  // namespace
}  // namespace tandem::base
