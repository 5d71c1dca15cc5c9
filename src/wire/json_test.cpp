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
        R"({"subscribe":{"channel":"b:1","after":{"epoch":"18446744073709551615","seq":3,"check":9},"select":["a/b",{"path":"l[1:2]"},"c[0:40]",{"path":"d","window":[3,5]}],"held":[""],"select_version":7}})");
    EXPECT_EQ(by_cursor.after_epoch, UINT64_MAX);
    EXPECT_EQ(by_cursor.after, 3u);
    EXPECT_EQ(by_cursor.check, 9u);
    EXPECT_EQ(by_cursor.select,
              (std::vector<Selection>{{"a/b", 0, 0}, {"l[1:2]", 0, 0}, {"c", 0, 40}, {"d", 3, 5}}));
    EXPECT_EQ(by_cursor.held, (std::vector<Selection>{{"", 0, 0}}));
    EXPECT_EQ(by_cursor.select_version, 7u);
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
        {R"({"subscribe":{"channel":"a:b","select":["x[0:0]"]}})", base::ErrorCode::bad_select,
         "subscribe.select", 0},
        {R"({"subscribe":{"channel":"a:b","held":[{"path":"x","window":[5,2]}]}})",
         base::ErrorCode::bad_select, "subscribe.held", 0},
        {R"({"subscribe":{"channel":"a:b","select":[{"path":"x","window":[5]}]}})",
         base::ErrorCode::wrong_type, "subscribe.select", 0},
        {R"({"ping":null})", base::ErrorCode::wrong_type, "ping", 0},
        {R"({"ping":{},"pong":{}})", base::ErrorCode::malformed, "", 0},
        {R"([1])", base::ErrorCode::wrong_type, "", 0},
    };
    for (const Case& c : cases) {
        std::vector<ReceivedFrame> out;
        ASSERT_TRUE(decode_json(c.json, out).ok()) << c.json;
        ASSERT_EQ(out.size(), c.frame + 1) << c.json;
        const auto* refused = std::get_if<RefusedFrame>(&out[c.frame]);
        ASSERT_NE(refused, nullptr) << c.json;
        EXPECT_EQ(refused->error.code, c.code) << c.json;
        EXPECT_EQ(refused->where, c.where) << c.json;
    }
}

TEST(WireJson, MessagesOfTextsAreBase64) {
    std::vector<ClientFrame> out;
    ASSERT_TRUE(decode_json(R"({"text":{"channel":"text:a","message":"AAEA","ref":3}})", out).ok());
    const TextSend& text = std::get<TextSend>(out.at(0));
    EXPECT_EQ(text.message, std::string("\0\1\0", 3));
    EXPECT_EQ(text.ref, 3u);
    for (const char* bad : {"\"AAE\"", "\"AAF=\"", "\"A-_A\"", "7"}) {
        std::vector<ReceivedFrame> received;
        const std::string json =
            std::string(R"({"text":{"channel":"text:a","ref":3,"message":)") + bad + "}}";
        ASSERT_TRUE(decode_json(json, received).ok());
        const auto& refused = std::get<RefusedFrame>(received.at(0));
        EXPECT_EQ(refused.where, "text.message") << bad;
        EXPECT_EQ(refused.context.ref, 3u);
    }
}

TEST(WireJson, LimitsHoldForEachValueNotForTheMessage) {
    auto nested = [](size_t depth) {
        return R"({"push":{"channel":"b:1","ops":[{"op":"set","path":"a","value":)" +
               std::string(depth, '[') + "0" + std::string(depth, ']') + "}]}}";
    };
    std::vector<ClientFrame> out;
    EXPECT_TRUE(decode_json(nested(base::kValueDepthMax), out).ok());
    std::vector<ReceivedFrame> received;
    ASSERT_TRUE(decode_json(nested(base::kValueDepthMax + 1), received).ok());
    ASSERT_EQ(received.size(), 1u);
    EXPECT_EQ(std::get<RefusedFrame>(received[0]).error.code, base::ErrorCode::too_deep);
    EXPECT_EQ(std::get<RefusedFrame>(received[0]).where, "push.ops.value");

    std::string many = R"({"push":{"channel":"b:1","ops":[)";
    for (size_t i = 0; i < base::kOpsPerPushMax; ++i)
        many += std::string(i > 0 ? "," : "") + R"({"op":"inc","path":"a","value":1})";
    EXPECT_TRUE(decode_json(many + "]}}", out).ok());
    EXPECT_FALSE(decode_json(many + ",{}]}}", out).ok());
}

TEST(WireJson, EachFrameOfAMessageStandsAlone) {
    struct Case {
        std::string value;
        base::ErrorCode code;
    };
    std::string many = "{";
    for (size_t i = 0; i <= base::kKeysPerOpMax; ++i)
        many += (i > 0 ? ",\"k" : "\"k") + std::to_string(i) + "\":0";
    const Case cases[] = {
        {R"({"constructor":1})", base::ErrorCode::reserved_key},
        {R"([{"a":{"__proto__":[]}}])", base::ErrorCode::reserved_key},
        {many + "}", base::ErrorCode::too_many_keys},
        {std::string(34, '[') + std::string(34, ']'), base::ErrorCode::too_deep},
        {std::string(3000, '[') + std::string(3000, ']'), base::ErrorCode::too_deep},
        {R"({"a":1e999})", base::ErrorCode::out_of_range},
        {"-" + std::string(400, '9'), base::ErrorCode::out_of_range},
        {R"(["a\ud800b"])", base::ErrorCode::malformed},
        {R"("\udc00\\ud800")", base::ErrorCode::malformed},
    };
    for (const Case& c : cases) {
        const std::string message =
            R"([{"push":{"channel":"b:1","ops":[{"op":"set","path":"x","value":)" + c.value +
            R"(}],"actor":70000,"counter":3,"ref":9}},)"
            R"({"push":{"channel":"b:2","ref":2,"ops":[{"value":["\ud83d\ude00",1e20]}]}},)"
            R"({"presence":{"channel":"b:2","state":)" +
            c.value + R"(}},{"later":)" + c.value + R"(},{"subscribe":{"channel":"b:2"}}])";
        std::vector<ReceivedFrame> out;
        ASSERT_TRUE(decode_json(message, out).ok()) << c.value;
        ASSERT_EQ(out.size(), 4u) << c.value;
        const auto& refused = std::get<RefusedFrame>(out[0]);
        EXPECT_EQ(refused.error.code, c.code) << c.value;
        EXPECT_EQ(refused.context.channel, "b:1");
        EXPECT_EQ(refused.context.actor, 70000u);
        EXPECT_EQ(refused.context.counter, 3u);
        EXPECT_EQ(refused.context.ref, 9u);
        const auto& push = std::get<Push>(std::get<ClientFrame>(out[1]));
        EXPECT_EQ(base::to_json(push.ops_json), "[{\"value\":[\"\xf0\x9f\x98\x80\",1e+20]}]");
        EXPECT_EQ(std::get<RefusedFrame>(out[2]).error.code, c.code) << c.value;
        EXPECT_EQ(std::get<RefusedFrame>(out[2]).context.channel, "b:2");
        EXPECT_EQ(std::get<Subscribe>(std::get<ClientFrame>(out[3])).channel, "b:2");
    }
}

TEST(WireJson, NoPartOfAnOpGoesUnchecked) {
    for (const char* op :
         {R"({"op":"set","base":{"constructor":1}})", R"({"prototype":1})", R"([{"__proto__":1}])",
          R"({"op":"inc","n":1e999})", "1e999", R"({"path":"\ud800"})"}) {
        std::vector<ReceivedFrame> out;
        ASSERT_TRUE(
            decode_json(R"({"push":{"channel":"b:1","ops":[)" + std::string(op) + "]}}", out).ok())
            << op;
        ASSERT_EQ(out.size(), 1u) << op;
        EXPECT_TRUE(std::holds_alternative<RefusedFrame>(out[0])) << op;
    }
    for (const char* frame :
         {R"({"signal":{"channel":"b:1","name":"\ud800"}})",
          R"({"signal":{"channel":"b:1","name":"n","value":{"constructor":1}}})",
          R"({"subscribe":{"channel":"b:\udc00"}})", R"({"ping":{"time_ms":1e999}})",
          R"({"subscribe":{"channel":"b:1","select":["\ud800"]}})",
          R"({"push":{"channel":"b:1","ops":[],"base":{"__proto__":1}}})"}) {
        std::vector<ReceivedFrame> out;
        ASSERT_TRUE(decode_json(frame, out).ok()) << frame;
        ASSERT_EQ(out.size(), 1u) << frame;
        ASSERT_TRUE(std::holds_alternative<RefusedFrame>(out[0])) << frame;
        EXPECT_TRUE(base::is_utf8(std::get<RefusedFrame>(out[0]).context.channel));
    }
}

TEST(WireJson, WhatIsNotJsonIsRefusedAsAWhole) {
    for (const char* text : {R"([{"ping":{}},{"ping":)", R"([{"ping":{}},01])", "[1e999",
                             R"([{"ping":{}},"\x"])", R"([{"ping":{"a":1,"a":2}}])", ""}) {
        std::vector<ReceivedFrame> out;
        auto status = decode_json(text, out);
        ASSERT_FALSE(status.ok()) << text;
        EXPECT_TRUE(out.empty()) << text;
    }
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
    TextReceived text;
    text.channel = "text:a";
    text.name = "main";
    text.message = std::string("\0\2\0", 3);
    EXPECT_EQ(json_of(ServerFrame(text)),
              R"({"text":{"channel":"text:a","name":"main","message":"AAIA"}})");
    text.message.clear();
    text.ref = 4;
    text.seq = 9;
    EXPECT_EQ(json_of(ServerFrame(text)),
              R"({"text":{"channel":"text:a","name":"main","ref":4,"seq":9}})");
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
                                  Members{}, SignalReceived{}, Pong{},     Bye{}, TextReceived{}};
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
    subscribe.select = {{any_text(), 0, 0}, {any_text(), 3, 9}, {"c[0:40]", 0, 0}};
    subscribe.held = {{"", 0, 0}};
    subscribe.select_version = 3;
    SignalSend signal{"c:1", any_text(), base::Value(any_text())};
    PresenceSet presence{"c:1", base::Value(any_text()), *rc::gen::arbitrary<bool>()};
    TextSend text;
    text.channel = "t:1";
    text.name = any_text();
    text.message = *rc::gen::arbitrary<std::string>();
    text.ref = any_integer();
    text.more = *rc::gen::arbitrary<bool>();
    const ClientFrame frames[] = {push,    subscribe,           signal, presence,
                                  Hello{}, Ping{any_integer()}, text};
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
    RC_ASSERT(std::get<TextSend>(out[6]).message == text.message);
}

RC_GTEST_PROP(WireJson, RandomTextNeverCrashes, ()) {
    std::string text = *rc::gen::container<std::string>(
        rc::gen::elementOf(std::string("[]{}\":,\\ud8dc0195e.-+")));
    std::vector<ClientFrame> out;
    RC_CLASSIFY(decode_json(text, out).ok());
}

}  // namespace
}  // namespace tandem::wire
