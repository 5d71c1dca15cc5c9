#include <gtest/gtest.h>

#include "record/test_log.hpp"

namespace tandem::record {
namespace {

using testing::json;
using testing::op;
using testing::path;

class OneSlot : public PathTable, public PathLookup {
  public:
    explicit OneSlot(Path only) : path_(std::move(only)) {}
    uint32_t slot_of(const Path& path) override { return path == path_ ? 1 : 0; }
    const Path* path_at(uint32_t slot) const override { return slot == 1 ? &path_ : nullptr; }

  private:
    Path path_;
};

TEST(ChangesCodec, ANumberInASlotCostsSevenBytes) {
    OneSlot table(path("player/x"));
    Change change;
    change.path = path("player/x");
    change.value = base::Value(41.0);
    std::string bytes;
    encode_changes(bytes, {change}, &table);
    EXPECT_LE(bytes.size(), 8u);
    auto decoded = decode_changes(bytes, &table);
    ASSERT_TRUE(decoded.ok());
    ASSERT_EQ(decoded->size(), 1u);
    EXPECT_EQ((*decoded)[0].path, change.path);
    EXPECT_EQ((*decoded)[0].value, change.value);
    EXPECT_FALSE(decode_changes(bytes, nullptr).ok());
}

TEST(OpsCodec, RefusesWhatMakesNoSense) {
    auto error = [](Op bad) {
        std::string bytes;
        encode_ops(bytes, {std::move(bad)}, Form::pushed);
        auto decoded = decode_ops(bytes, Form::pushed);
        return decoded.ok() ? base::ErrorCode::internal : decoded.error().code;
    };
    Op set = op(R"({"op":"set","path":"a/b","value":1})");
    EXPECT_EQ(error(set), base::ErrorCode::internal);
    Op bad = set;
    bad.path.push_back({Segment::Kind::key, "__proto__"});
    EXPECT_EQ(error(bad), base::ErrorCode::bad_path);
    bad = set;
    bad.kind = OpKind::insert;
    bad.value = base::Value();
    EXPECT_EQ(error(bad), base::ErrorCode::bad_path);
    bad.path = path("l/@x");
    bad.position = std::string(257, 'a');
    EXPECT_EQ(error(bad), base::ErrorCode::too_large);
    bad.position = "a";
    EXPECT_EQ(error(bad), base::ErrorCode::internal);
    bad.value = json(R"({"id":1})");
    EXPECT_EQ(error(bad), base::ErrorCode::bad_path);
    bad = set;
    bad.kind = OpKind::inc;
    bad.value = base::Value(0.5);
    EXPECT_EQ(error(bad), base::ErrorCode::wrong_type);
    bad.kind = OpKind::add;
    bad.value = base::Value();
    EXPECT_EQ(error(bad), base::ErrorCode::wrong_type);
    bad.kind = OpKind::assign;
    bad.value = json(R"({"a":{"":1}})");
    EXPECT_EQ(error(bad), base::ErrorCode::bad_path);
    bad.kind = static_cast<OpKind>(10);
    EXPECT_EQ(error(bad), base::ErrorCode::unknown_operation);
}

TEST(OpsCodec, LimitsAndUnknownFields) {
    std::vector<Op> ops(1001, op(R"({"op":"set","path":"a","value":1})"));
    std::string bytes;
    encode_ops(bytes, ops, Form::pushed);
    EXPECT_EQ(decode_ops(bytes, Form::pushed).error().code, base::ErrorCode::too_large);
    // Field 30 of an op and field 9 of the list are of a later version.
    std::string later("\x0a\x09\x08\x01\x12\x02\x02\x61\xf2\x01\x00\x4a\x01x", 14);
    auto decoded = decode_ops(later, Form::pushed);
    ASSERT_TRUE(decoded.ok());
    ASSERT_EQ(decoded->size(), 1u);
    EXPECT_EQ(to_text((*decoded)[0].path), "a");
}

TEST(OpsCodec, TheFormDecidesWhoseBaseCounts) {
    Op given = op(R"({"op":"set","path":"a","value":1})");
    given.base = {0xFFFFFFFFFFFFFFFF, 7};
    given.seen_seq = 9;
    given.resolver = Resolver::manual;
    given.is_declared = true;
    std::string pushed;
    encode_ops(pushed, {given}, Form::pushed);
    Op back = (*decode_ops(pushed, Form::pushed))[0];
    EXPECT_EQ(back.base, given.base);
    EXPECT_EQ(back.seen_seq, 0u);
    EXPECT_FALSE(back.is_declared);
    std::string logged;
    encode_ops(logged, {given}, Form::logged);
    back = (*decode_ops(logged, Form::logged))[0];
    EXPECT_EQ(back.base, Cursor{});
    EXPECT_EQ(back.seen_seq, 9u);
    EXPECT_EQ(back.resolver, Resolver::manual);
    EXPECT_TRUE(back.is_declared);
    // What only the server may say is not taken from a push.
    back = (*decode_ops(logged, Form::pushed))[0];
    EXPECT_EQ(back.seen_seq, 0u);
    EXPECT_EQ(back.resolver, Resolver::keep);
    EXPECT_FALSE(back.is_declared);
}

TEST(OpsJson, ReadsWhatPeopleWrite) {
    EXPECT_EQ(op(R"({"op":"inc","path":"n","n":3})").value.as_integer(), 3);
    EXPECT_EQ(op(R"({"op":"insert","path":"todo","value":{"t":1}})").path.size(), 1u);
    Op counter = op(R"({"op":"counter_set","path":"n","value":1,"generation":[5,6],"seen":4,
                        "base":{"epoch":"18446744073709551615","seq":3}})");
    EXPECT_EQ(counter.generation, (Dot{5, 6}));
    EXPECT_EQ(counter.base, (Cursor{0xFFFFFFFFFFFFFFFF, 3}));
    for (const char* bad :
         {R"({"path":"a"})", R"({"op":"sett","path":"a"})", R"([])", R"({"op":"set","path":1})",
          R"({"op":"set","path":"a","base":-1})", R"({"op":"set","path":"a","base":{"epoch":"x"}})",
          R"({"op":"insert","path":"l","value":3})",
          R"({"op":"move","path":"l","position":"a"})"}) {
        EXPECT_FALSE(op_from_json(json(bad)).ok()) << bad;
    }
}

}  // namespace
}  // namespace tandem::record
