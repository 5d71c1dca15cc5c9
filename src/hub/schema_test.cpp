#include "hub/schema.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tandem::hub {
namespace {

using base::ErrorCode;
using record::OpKind;
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

// What an op is, as `kind path value resolver`.
std::vector<std::string> told(const std::vector<record::Op>& ops) {
    std::vector<std::string> out;
    for (const record::Op& op : ops) {
        std::string value;
        base::append_json(value, op.value);
        out.push_back(std::string(record::name_of(op.kind)) + ' ' + record::to_text(op.path) + ' ' +
                      value + ' ' + std::string(record::name_of(op.resolver)) + ' ' +
                      std::to_string(op.seen_seq));
    }
    return out;
}

TEST(Schema, MembersOfObjectsCarryTheirResolvers) {
    Namespace ns;
    ns.fields.push_back(*make_rule("cards", "list", ""));
    ns.fields.push_back(*make_rule("cards/*/price", "number", "manual"));
    ns.fields.push_back(*make_rule("room/top", "number", "max"));
    ns.fields.push_back(*make_rule("room/name", "string", "lww"));
    const auto carried = [&](OpKind kind, const char* path, const char* json) {
        record::Op op;
        op.kind = kind;
        op.path = *record::parse_path(path);
        op.value = *base::parse_json(json);
        op.seen_seq = 7;
        std::vector<record::Op> ops{op};
        carry_resolvers(ns, ops);
        return told(ops);
    };
    using Ops = std::vector<std::string>;
    EXPECT_EQ(carried(OpKind::insert, "cards/@a", R"({"price":3,"text":"x"})"),
              (Ops{R"(insert cards/@a {"text":"x"} keep 7)", "set cards/@a/price 3 manual 7"}));
    EXPECT_EQ(carried(OpKind::insert, "cards/@a", R"({"price":3})"),
              (Ops{"insert cards/@a null keep 7", "set cards/@a/price 3 manual 7"}));
    EXPECT_EQ(carried(OpKind::assign, "cards/@a", R"({"price":3})"),
              (Ops{"assign cards/@a {} keep 7", "set cards/@a/price 3 manual 7"}));
    EXPECT_EQ(carried(OpKind::assign, "", R"({"a":{},"room":{"name":"N","top":5}})"),
              (Ops{R"(assign  {"a":{},"room":{"name":"N"}} keep 7)", "set room/top 5 max 7"}));
    EXPECT_EQ(carried(OpKind::assign, "room", R"({"top":5})"),
              (Ops{"delete room null keep 7", "set room/top 5 max 7"}));
    EXPECT_EQ(carried(OpKind::assign, "room", R"({"name":"N"})"),
              (Ops{R"(assign room {"name":"N"} keep 7)"}));
}

}  // namespace
}  // namespace tandem::hub
