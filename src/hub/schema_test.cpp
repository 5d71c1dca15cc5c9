#include "hub/schema.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tandem::hub {
namespace {

using base::ErrorCode;
using record::Resolver;

ErrorCode error_of(const char* type, const char* resolver) {
    auto rule = make_rule("a", type, resolver);
    EXPECT_FALSE(rule.ok()) << type << " " << resolver;
    return rule.ok() ? ErrorCode{} : rule.error().code;
}

Resolver resolver_of(const char* type, const char* resolver) {
    auto rule = make_rule("a", type, resolver);
    EXPECT_TRUE(rule.ok()) << type << " " << resolver;
    return rule.ok() ? rule->resolver : Resolver::keep;
}

base::Result<void> check_set(const char* type, const base::Value& value) {
    Namespace ns;
    ns.fields.push_back(*make_rule("a", type, ""));
    record::Op op;
    op.path = *record::parse_path("a");
    op.value = value;
    return check_op(ns, op);
}

TEST(Schema, HasEveryResolver) {
    EXPECT_EQ(resolver_of("string", ""), Resolver::lww);
    EXPECT_EQ(resolver_of("string", "lww"), Resolver::lww);
    EXPECT_EQ(resolver_of("number", "max"), Resolver::max);
    EXPECT_EQ(resolver_of("string", "min"), Resolver::min);
    EXPECT_EQ(resolver_of("number", "mean"), Resolver::mean);
    EXPECT_EQ(resolver_of("json", "union"), Resolver::set_union);
    EXPECT_EQ(resolver_of("string", "text3"), Resolver::text3);
    EXPECT_EQ(resolver_of("boolean", "manual"), Resolver::manual);
    EXPECT_EQ(resolver_of("json", "agent"), Resolver::agent);
}

TEST(Schema, RefusesResolversThatDoNotFit) {
    for (const char* type : {"string", "boolean", "json"})
        EXPECT_EQ(error_of(type, "mean"), ErrorCode::invalid_argument);
    for (const char* type : {"string", "number", "boolean"})
        EXPECT_EQ(error_of(type, "union"), ErrorCode::invalid_argument);
    for (const char* type : {"number", "boolean", "json"})
        EXPECT_EQ(error_of(type, "text3"), ErrorCode::invalid_argument);
    for (const char* type : {"counter", "set", "list", "map"})
        for (const char* resolver : {"max", "min", "mean", "union", "text3", "manual", "agent"})
            EXPECT_EQ(error_of(type, resolver), ErrorCode::invalid_argument);
    EXPECT_EQ(error_of("string", "keep"), ErrorCode::unknown_operation);
    EXPECT_EQ(error_of("string", "average"), ErrorCode::unknown_operation);
}

TEST(Schema, NullIsNoScalar) {
    for (const char* type : {"string", "number", "boolean"}) {
        const auto checked = check_set(type, base::Value());
        ASSERT_FALSE(checked.ok()) << type;
        EXPECT_EQ(checked.error().code, ErrorCode::wrong_type);
    }
    EXPECT_TRUE(check_set("json", base::Value()).ok());
    EXPECT_TRUE(check_set("string", base::Value("x")).ok());
    EXPECT_TRUE(check_set("number", base::Value(1.5)).ok());
    EXPECT_TRUE(check_set("boolean", base::Value(false)).ok());
}

TEST(Schema, ADecisionIsForFieldsThatWaitForOne) {
    Namespace ns;
    ns.fields.push_back(*make_rule("price", "number", "manual"));
    ns.fields.push_back(*make_rule("plan", "number", "agent"));
    ns.fields.push_back(*make_rule("title", "number", "max"));
    const auto check = [&](const char* path) {
        record::Op op;
        op.path = *record::parse_path(path);
        op.value = base::Value(1.0);
        op.is_decision = true;
        return check_op(ns, op).ok();
    };
    EXPECT_TRUE(check("price"));
    EXPECT_TRUE(check("plan"));
    EXPECT_FALSE(check("title"));
    EXPECT_FALSE(check("other"));
}

}  // namespace
}  // namespace tandem::hub
