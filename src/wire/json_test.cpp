#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "base/limits.hpp"
#include "wire/frames.hpp"

namespace tandem::wire {
namespace {

template <class Frame>
std::string json_of(const Frame& frame) {
    std::string out;
    encode_json(out, frame);
    return out;
}

template <class Part>
Part decoded(std::string_view json) {
    std::vector<ClientFrame> out;
    auto status = decode_json(json, out);
    EXPECT_TRUE(status.ok()) << json;
    EXPECT_EQ(out.size(), 1u) << json;
    EXPECT_TRUE(std::holds_alternative<Part>(out.at(0))) << json;
    return std::get<Part>(out.at(0));
}

TEST(WireJson, ReadsWhatPeopleType) {
    EXPECT_EQ(decoded<Subscribe>(R"({"subscribe":{"channel":"board:42"}})").has_after, false);
    auto by_seq = decoded<Subscribe>(R"({"subscribe":{"channel":"board:42","after":7}})");
    EXPECT_TRUE(by_seq.has_after);
    EXPECT_EQ(by_seq.after, 7u);
    EXPECT_EQ(by_seq.after_epoch, 0u);
    auto by_cursor = decoded<Subscribe>(
        R"({"subscribe":{"channel":"b:1","after":{"epoch":"18446744073709551615","seq":3,"check":9},"select":["a/b"]}})");
    EXPECT_EQ(by_cursor.after_epoch, UINT64_MAX);
    EXPECT_EQ(by_cursor.after, 3u);
    EXPECT_EQ(by_cursor.check, 9u);
    EXPECT_EQ(by_cursor.select, std::vector<std::string>{"a/b"});
    auto push = decoded<Push>(
        R"({"push":{"channel":"b:1","ops":[{"op":"set","path":"title","value":"x"}],"base":4,"new":1}})");
    EXPECT_EQ(push.ops_json.as_array().size(), 1u);
    EXPECT_EQ(push.base_json.as_integer(), 4);
    EXPECT_EQ(push.counter, 0u);
    EXPECT_TRUE(decoded<Push>(R"({"push":{"channel":"b:1","skip":true,"counter":3}})").skip);
    EXPECT_EQ(decoded<Ping>(R"({"ping":{}})").time_ms, 0u);
}

TEST(WireJson, TakesArraysAndIgnoresUnknownFrames) {
    std::vector<ClientFrame> out;
    ASSERT_TRUE(
        decode_json(R"([{"ping":{"time_ms":1}},{"later":[1]},{"ping":{"time_ms":2}}])", out).ok());
    ASSERT_EQ(out.size(), 2u);
    EXPECT_EQ(std::get<Ping>(out[1]).time_ms, 2u);
}

TEST(WireJson, AnErrorNamesTheMember) {
    struct Case {
        const char* json;
        base::ErrorCode code;
        const char* where;
        uint64_t frame;
    };
    const Case cases[] = {
        {R"({"push":{"channel":"b:1","ops":[],"counter":"1"}})", base::ErrorCode::wrong_type,
         "push.counter", 0},
        {R"({"push":{"channel":"b:1","ops":[],"counter":-1}})", base::ErrorCode::out_of_range,
         "push.counter", 0},
        {R"({"push":{"channel":"b:1"}})", base::ErrorCode::malformed, "push.ops", 0},
        {R"({"push":{"channel":"b:1","ops":{}}})", base::ErrorCode::wrong_type, "push.ops", 0},
        {R"([{"ping":{}},{"subscribe":{"channel":5}}])", base::ErrorCode::wrong_type,
         "subscribe.channel", 1},
        {R"({"subscribe":{}})", base::ErrorCode::bad_channel, "subscribe.channel", 0},
        {R"({"subscribe":{"channel":"a:b","after":{"epoch":5}}})", base::ErrorCode::wrong_type,
         "subscribe.after.epoch", 0},
        {R"({"subscribe":{"channel":"a:b","after":{"epoch":"5x"}}})", base::ErrorCode::out_of_range,
         "subscribe.after.epoch", 0},
        {R"({"subscribe":{"channel":"a:b","select":["x",1]}})", base::ErrorCode::wrong_type,
         "subscribe.select", 0},
        {R"({"ping":null})", base::ErrorCode::wrong_type, "ping", 0},
        {R"({"ping":{},"pong":{}})", base::ErrorCode::malformed, "", 0},
        {R"([1])", base::ErrorCode::wrong_type, "", 0},
    };
    for (const Case& c : cases) {
        std::vector<ClientFrame> out;
        std::string where;
        auto status = decode_json(c.json, out, where);
        ASSERT_FALSE(status.ok()) << c.json;
        EXPECT_EQ(status.error().code, c.code) << c.json;
        EXPECT_EQ(status.error().detail, c.frame) << c.json;
        EXPECT_EQ(where, c.where) << c.json;
    }
}

TEST(WireJson, LimitsHoldForEachValueNotForTheMessage) {
    auto nested = [](size_t depth) {
        return R"({"push":{"channel":"b:1","ops":[{"op":"set","path":"a","value":)" +
               std::string(depth, '[') + "0" + std::string(depth, ']') + "}]}}";
    };
    std::vector<ClientFrame> out;
    EXPECT_TRUE(decode_json(nested(base::kValueDepthMax), out).ok());
    std::string where;
    auto status = decode_json(nested(base::kValueDepthMax + 1), out, where);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, base::ErrorCode::too_deep);
    EXPECT_EQ(where, "push.ops.value");

    std::string many = R"({"push":{"channel":"b:1","ops":[)";
    for (size_t i = 0; i < base::kOpsPerPushMax; ++i)
        many += std::string(i > 0 ? "," : "") + R"({"op":"inc","path":"a","value":1})";
    EXPECT_TRUE(decode_json(many + "]}}", out).ok());
    EXPECT_FALSE(decode_json(many + ",{}]}}", out).ok());
}

TEST(WireJson, WritesTheDocumentedShapes) {
    Delivery f;
    f.channel = "board:42";
    f.from = 4;
    f.to = 5;
    f.items = R"([{"seq":5}])";
    f.changes = R"([{"change":"clear","path":"a"}])";
    EXPECT_EQ(json_of(ServerFrame(f)),
              R"({"entries":{"channel":"board:42","from":4,"to":5,"items":[{"seq":5}],)"
              R"("changes":[{"change":"clear","path":"a"}]}})");
    f.kind = DeliveryKind::diff;
    f.acked_counter = 3;
    f.epoch = UINT64_MAX;
    f.check = 8;
    EXPECT_EQ(json_of(ServerFrame(f)),
              R"({"diff":{"channel":"board:42","from":4,"to":5,"epoch":"18446744073709551615",)"
              R"("changes":[{"change":"clear","path":"a"}],"acked_counter":3,"check":8}})");
    f.kind = DeliveryKind::snapshot;
    f.value = R"({"b":1})";
    f.changes.clear();
    EXPECT_EQ(json_of(ServerFrame(f)),
              R"({"snapshot":{"channel":"board:42","epoch":"18446744073709551615","seq":5,)"
              R"("reset":false,"value":{"b":1},"changes":[],"acked_counter":3,"check":8}})");
    Ack ack;
    ack.channel = "board:42";
    ack.counter = 2;
    ack.seq = 9;
    ack.ids = {"x1"};
    EXPECT_EQ(json_of(ServerFrame(ack)),
              R"({"ack":{"channel":"board:42","counter":2,"seq":9,"ids":["x1"]}})");
    ErrorFrame error;
    error.code = "forbidden";
    error.message = "No.";
    EXPECT_EQ(json_of(ServerFrame(error)),
              R"({"error":{"code":"forbidden","message":"No.","hint":""}})");
    Members members;
    members.channel = "b:1";
    members.full = true;
    members.joined = {Member{"m1", "ada", base::Value(true)}, Member{"m2", "", {}}};
    members.left = {"m3"};
    members.self = "m1";
    EXPECT_EQ(json_of(ServerFrame(members)),
              R"({"members":{"channel":"b:1","full":true,"joined":[{"id":"m1","user":"ada",)"
              R"("state":true},{"id":"m2","state":null}],"left":["m3"],"self":"m1"}})");
}

TEST(WireJson, EveryServerFrameIsOneObjectWithOneMember) {
    const ServerFrame frames[] = {Welcome{}, Subscribed{},     Delivery{}, Ack{}, ErrorFrame{},
                                  Members{}, SignalReceived{}, Pong{},     Bye{}};
    for (const auto& frame : frames) {
        auto value = base::parse_json(json_of(frame));
        ASSERT_TRUE(value.ok()) << json_of(frame);
        ASSERT_TRUE(value->is_object());
        EXPECT_EQ(value->as_object().size(), 1u);
    }
}

std::string any_text() {
    return *rc::gen::container<std::string>(rc::gen::inRange<char>(' ', '~'));
}
uint64_t any_integer() { return *rc::gen::arbitrary<uint64_t>() & base::kIntegerMax; }

RC_GTEST_PROP(WireJson, ClientFramesRoundTrip, ()) {
    Push push;
    push.channel = "a:" + any_text();
    push.actor = any_integer();
    push.counter = any_integer();
    push.stamp_ms = any_integer();
    push.ops_json = base::Value(base::Array{base::Value(any_text())});
    push.base_json = base::Value::integer(static_cast<int64_t>(any_integer()));
    push.if_unchanged = {any_text()};
    push.ref = any_integer();
    Subscribe subscribe;
    subscribe.channel = "b:" + any_text();
    subscribe.has_after = *rc::gen::arbitrary<bool>();
    if (subscribe.has_after) subscribe.after = any_integer();
    subscribe.select = {any_text(), any_text()};
    SignalSend signal{"c:1", any_text(), base::Value(any_text())};
    PresenceSet presence{"c:1", base::Value(any_text()), *rc::gen::arbitrary<bool>()};
    const ClientFrame frames[] = {push, subscribe, signal, presence, Hello{}, Ping{any_integer()}};
    std::string message = "[";
    for (const auto& frame : frames) {
        if (message.size() > 1) message += ',';
        encode_json(message, frame);
    }
    message += ']';
    std::vector<ClientFrame> out;
    RC_ASSERT(decode_json(message, out).ok());
    RC_ASSERT(out.size() == std::size(frames));
    for (size_t i = 0; i < out.size(); ++i)
        RC_ASSERT(json_of(out[i]) == json_of(frames[i]));
    RC_ASSERT(std::get<Push>(out[0]).counter == push.counter);
    RC_ASSERT(std::get<Subscribe>(out[1]).after == subscribe.after);
}

RC_GTEST_PROP(WireJson, RandomTextNeverCrashes, ()) {
    std::string text = any_text();
    std::vector<ClientFrame> out;
    RC_CLASSIFY(decode_json(text, out).ok());
}

}  // namespace
}  // namespace tandem::wire
