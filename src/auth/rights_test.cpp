#include "auth/rights.hpp"

#include <gtest/gtest.h>

#include "auth/grant.hpp"

namespace tandem::auth {
namespace {

base::Result<Rights> rights(std::string_view json) { return Rights::read(*base::parse_json(json)); }

TEST(Rights, WhatNothingGrantsIsDenied) {
    EXPECT_EQ(Rights().on("board:1"), 0);
    EXPECT_EQ(rights("{}")->on("board:1"), 0);
    EXPECT_EQ(rights(R"({"board:*":[]})")->on("board:1"), 0);
}

TEST(Rights, PatternsAreNamesOrBeginnings) {
    const auto r =
        *rights(R"({"board:*":["read"],"board:1":["write"],"text:a*":["read","signal"]})");
    EXPECT_EQ(r.on("board:1"), 3) << "the sum of both";
    EXPECT_EQ(r.on("board:11"), 1);
    EXPECT_EQ(r.on("board"), 0);
    EXPECT_EQ(r.on("boards:1"), 0);
    EXPECT_EQ(r.on("text:ab"), 9);
    EXPECT_EQ(r.on("text:b"), 0);
    EXPECT_EQ(r.on_all(), 0);
}

TEST(Rights, AStarAloneIsEverything) {
    const auto r = *rights(R"({"*":["admin"],"a*":["signal"]})");
    EXPECT_EQ(r.on_all(), static_cast<Capabilities>(Capability::admin));
    EXPECT_TRUE(has(r.on("any:thing"), Capability::admin));
    EXPECT_FALSE(has(r.on("any:thing"), Capability::read));
}

TEST(Rights, UnknownCapabilitiesGrantNothing) {
    EXPECT_EQ(rights(R"({"a:1":["fly","READ","read "]})")->on("a:1"), 0);
}

TEST(Rights, OtherFormsAreRefused) {
    for (const char* json : {"[]", "null", "\"*\"", R"({"a:*:b":["read"]})", R"({"**":["read"]})",
                             R"({"a:1":"read"})", R"({"a:1":[1]})", R"({"a:1":{"read":true}})"})
        EXPECT_FALSE(rights(json).ok()) << json;
    base::Value many(base::Object{});
    for (size_t i = 0; i < kPatternsMax; ++i)
        many.put("a:" + std::to_string(i), base::Value(base::Array{}));
    EXPECT_TRUE(Rights::read(many).ok());
    many.put("b:1", base::Value(base::Array{}));
    EXPECT_FALSE(Rights::read(many).ok());
}

TEST(Grant, ClaimsAreTextsOrListsOfThem) {
    Grant grant;
    EXPECT_FALSE(grant.claims_that("role", "editor"));
    grant.claims = *base::parse_json(R"({"role":"editor","team":["a","b"],"n":1})");
    EXPECT_TRUE(grant.claims_that("role", "editor"));
    EXPECT_FALSE(grant.claims_that("role", "edit"));
    EXPECT_TRUE(grant.claims_that("team", "b"));
    EXPECT_FALSE(grant.claims_that("team", "c"));
    EXPECT_FALSE(grant.claims_that("n", "1"));
}

}  // namespace
}  // namespace tandem::auth
