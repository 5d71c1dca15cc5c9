#include "base/bytes.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>
#include <string>

using namespace std::string_literals;

namespace tandem::base {
namespace {

std::string varint_bytes(uint64_t value) {
    std::string out;
    Writer(out).varint(value);
    return out;
}

Result<uint64_t> read_varint(std::string_view bytes) { return Reader(bytes).varint(); }

TEST(Bytes, VarintKnownVectors) {
    EXPECT_EQ(varint_bytes(0), "\x00"s);
    EXPECT_EQ(varint_bytes(127), "\x7f"s);
    EXPECT_EQ(varint_bytes(128), "\x80\x01"s);
    EXPECT_EQ(varint_bytes(300), "\xac\x02"s);
    EXPECT_EQ(varint_bytes(std::numeric_limits<uint64_t>::max()), std::string(9, '\xff') + "\x01");
}

TEST(Bytes, VarintRefusesLongerEncodings) {
    EXPECT_EQ(read_varint("\x80\x00"s).error().code, ErrorCode::noncanonical);
    EXPECT_EQ(read_varint("\xff\x80\x00"s).error().code, ErrorCode::noncanonical);
    EXPECT_EQ(read_varint(std::string(9, '\x80') + "\x00"s).error().code, ErrorCode::noncanonical);
}

TEST(Bytes, VarintRefusesMoreThan64Bits) {
    EXPECT_EQ(read_varint(std::string(9, '\xff') + "\x02").error().code, ErrorCode::out_of_range);
    EXPECT_EQ(read_varint(std::string(10, '\xff') + "\x01").error().code, ErrorCode::out_of_range);
    EXPECT_EQ(read_varint(std::string(40, '\x80')).error().code, ErrorCode::out_of_range);
}

TEST(Bytes, EveryPrefixOfAVarintIsTruncated) {
    std::string whole = varint_bytes(std::numeric_limits<uint64_t>::max());
    for (size_t length = 0; length < whole.size(); ++length) {
        Reader reader(std::string_view(whole).substr(0, length));
        EXPECT_EQ(reader.varint().error(), fail(ErrorCode::truncated, 1)) << length;
        EXPECT_EQ(reader.offset(), 0u) << "a failed read consumes nothing";
    }
}

TEST(Bytes, VarintLimits) {
    EXPECT_EQ(*Reader(varint_bytes(5)).varint_max(5), 5u);
    EXPECT_EQ(Reader(varint_bytes(6)).varint_max(5).error(), fail(ErrorCode::out_of_range, 5));
    EXPECT_FALSE(Reader(varint_bytes(uint64_t{1} << 32)).varint32().ok());
    EXPECT_EQ(*Reader(varint_bytes(0xffffffff)).varint32(), 0xffffffffu);
}

TEST(Bytes, FixedNumbersAreLittleEndian) {
    std::string out;
    Writer writer(out);
    writer.fixed32(0x01020304);
    writer.f64(1.0);
    EXPECT_EQ(out, "\x04\x03\x02\x01\x00\x00\x00\x00\x00\x00\xf0\x3f"s);
    EXPECT_EQ(Reader(std::string_view("abc")).fixed64().error(), fail(ErrorCode::truncated, 5));
}

TEST(Bytes, DoublesKeepTheirSignOfZeroAndNan) {
    std::string out;
    Writer writer(out);
    writer.f64(-0.0);
    writer.f64(std::nan(""));
    Reader reader(out);
    EXPECT_TRUE(std::signbit(*reader.f64()));
    EXPECT_TRUE(std::isnan(*reader.f64()));
}

TEST(Bytes, SizedChecksTheLimitBeforeTheLength) {
    std::string out;
    Writer(out).sized("hello");
    EXPECT_EQ(*Reader(out).sized(5), "hello");
    EXPECT_EQ(Reader(out).sized(4).error(), fail(ErrorCode::too_large, 4));
    Reader cut(std::string_view(out).substr(0, 3));
    EXPECT_EQ(cut.sized(5).error(), fail(ErrorCode::truncated, 3));
    EXPECT_EQ(cut.offset(), 0u);
    // A length near the top of the range must not wrap around.
    std::string huge = varint_bytes(std::numeric_limits<uint64_t>::max()) + "x";
    EXPECT_EQ(Reader(huge).sized(std::numeric_limits<size_t>::max()).error().code,
              ErrorCode::truncated);
}

TEST(Bytes, EndIsExpected) {
    Reader reader(std::string_view("ab"));
    EXPECT_EQ(reader.expect_end().error(), fail(ErrorCode::malformed, 2));
    EXPECT_TRUE(reader.skip(2).ok());
    EXPECT_TRUE(reader.expect_end().ok());
    EXPECT_FALSE(reader.u8().ok());
}

TEST(Bytes, ZigzagKnownVectors) {
    EXPECT_EQ(zigzag_encode(0), 0u);
    EXPECT_EQ(zigzag_encode(-1), 1u);
    EXPECT_EQ(zigzag_encode(1), 2u);
    EXPECT_EQ(zigzag_encode(std::numeric_limits<int64_t>::min()),
              std::numeric_limits<uint64_t>::max());
    EXPECT_EQ(zigzag_decode(std::numeric_limits<uint64_t>::max()),
              std::numeric_limits<int64_t>::min());
}

// Uniform 64-bit numbers are nearly all ten bytes long; a shift gives every length its share.
RC_GTEST_PROP(BytesProperty, NumbersRoundTripInTheSizeForetold, (uint64_t bits, int64_t number)) {
    uint64_t value = bits >> *rc::gen::inRange(0, 64);
    std::string out;
    Writer writer(out);
    writer.varint(value);
    RC_ASSERT(out.size() == varint_size(value));
    writer.zigzag(number);
    writer.fixed64(bits);
    Reader reader(out);
    RC_ASSERT(*reader.varint() == value);
    RC_ASSERT(*reader.zigzag() == number);
    RC_ASSERT(*reader.fixed64() == bits);
    RC_ASSERT(reader.at_end());
}

// Canonical: whatever decodes encodes to the very bytes that were read.
RC_GTEST_PROP(BytesProperty, WhatDecodesEncodesToTheSameBytes, (const std::string& bytes)) {
    Reader reader(bytes);
    auto value = reader.varint();
    if (value) RC_ASSERT(varint_bytes(*value) == bytes.substr(0, reader.offset()));
}

}  // namespace
}  // namespace tandem::base
