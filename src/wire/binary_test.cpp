#include "wire/frames.hpp"

#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "base/bytes.hpp"
#include "wire/limits.hpp"

namespace tandem::wire {
namespace {

std::string from_hex(std::string_view hex) {
    std::string out;
    for (size_t i = 0; i + 1 < hex.size(); ++i) {
        if (hex[i] == ' ') continue;
        out.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
        ++i;
    }
    return out;
}

template <class Frame>
std::string bytes_of(const Frame& frame) {
    std::string out;
    encode_binary(out, frame);
    return out;
}

/// One frame in, the same frame out, judged by its bytes; the members are judged by `expect_`s.
template <class Variant, class Part>
Part round_trip(const Part& part) {
    std::string bytes = bytes_of(Variant(part));
    std::vector<Variant> out;
    EXPECT_TRUE(decode_binary(bytes, out).ok());
    EXPECT_EQ(out.size(), 1u);
    EXPECT_TRUE(std::holds_alternative<Part>(out.at(0)));
    EXPECT_EQ(bytes_of(out.at(0)), bytes);
    return std::get<Part>(out.at(0));
}

// The five examples of docs/protocol.md, section 5.
TEST(WireBinary, HelloWorkedExample) {
    Hello f;
    f.client = "demo/1";
    f.want_actor = true;
    EXPECT_EQ(bytes_of(ClientFrame(f)),
              from_hex("0a 0e 0a 0c 08 01 12 06 64 65 6d 6f 2f 31 18 01"));
}

TEST(WireBinary, PushWorkedExample) {
    Push f;
    f.channel = "board:42";
    f.actor = 7;
    f.counter = 1;
    f.stamp_ms = 1000;
    f.ops = from_hex("0a 14 08 01 12 06 0a 74 69 74 6c 65 1a 08 22 06 41 20 70 6c 61 6e");
    EXPECT_EQ(bytes_of(ClientFrame(f)),
              from_hex("0a 2b 22 29 0a 08 62 6f 61 72 64 3a 34 32 10 07 18 01 20 e8 07 32 16"
                       "0a 14 08 01 12 06 0a 74 69 74 6c 65 1a 08 22 06 41 20 70 6c 61 6e"));
}

TEST(WireBinary, LiveDeliveryWorkedExample) {
    Delivery f;
    f.handle = 1;
    f.from = 4;
    f.to = 5;
    f.check = 0x04030201;
    f.actor_slot = 1;
    f.counter = 9;
    f.changes = from_hex("0a 06 18 01 22 02 10 0e");
    EXPECT_EQ(bytes_of(ServerFrame(f)),
              from_hex("0a 19 1a 17 08 01 18 05 2d 01 02 03 04 40 09 48 01 5a 08 0a 06 18 01 22 02"
                       "10 0e"));
}

TEST(WireBinary, TextWorkedExamples) {
    TextSend sent;
    sent.channel = "text:a";
    sent.name = "main";
    sent.message = from_hex("00 02 02 00 00");
    sent.ref = 1;
    EXPECT_EQ(bytes_of(ClientFrame(sent)),
              from_hex("0a 19 42 17 0a 06 74 65 78 74 3a 61 12 04 6d 61 69 6e 1a 05 00 02 02 00 00"
                       "28 01"));
    TextReceived stored;
    stored.channel = "text:a";
    stored.name = "main";
    stored.ref = 1;
    stored.seq = 6;
    EXPECT_EQ(bytes_of(ServerFrame(stored)),
              from_hex("0a 14 52 12 0a 06 74 65 78 74 3a 61 12 04 6d 61 69 6e 20 01 28 06"));
}

TEST(WireBinary, LiveFramesOmitTheirUsualFrom) {
    Delivery f;
    f.from = 6;
    f.to = 7;
    EXPECT_EQ(round_trip<ServerFrame>(f).from, 6u);
    f.from = 0;
    EXPECT_EQ(round_trip<ServerFrame>(f).from, 0u);
    f.from = 3;
    EXPECT_EQ(round_trip<ServerFrame>(f).from, 3u);
    f.kind = DeliveryKind::diff;
    EXPECT_EQ(round_trip<ServerFrame>(f).from, 3u);
    f.kind = DeliveryKind::snapshot;
    f.from = 0;
    EXPECT_EQ(round_trip<ServerFrame>(f).from, 0u);
}

TEST(WireBinary, UnknownFieldsAndFramesAreSkipped) {
    std::string bytes = bytes_of(ClientFrame(Ping{5}));
    // Batch{ frame{ 99: "x" }, 7: 1, frame{ ping{ time_ms 5, 15: fixed64 } } }
    std::string message = from_hex("0a 04 9a 06 01 78  38 01") + bytes +
                          from_hex("0a 0d 3a 0b 08 05 79 00 00 00 00 00 00 00 00");
    std::vector<ClientFrame> out;
    ASSERT_TRUE(decode_binary(message, out).ok());
    ASSERT_EQ(out.size(), 2u);
    EXPECT_EQ(std::get<Ping>(out[0]).time_ms, 5u);
    EXPECT_EQ(std::get<Ping>(out[1]).time_ms, 5u);
}

TEST(WireBinary, FramesBeforeAnErrorStay) {
    std::string message = bytes_of(ClientFrame(Ping{5})) + from_hex("0a 7f 01");
    std::vector<ClientFrame> out;
    auto status = decode_binary(message, out);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, base::ErrorCode::truncated);
    EXPECT_EQ(out.size(), 1u);
}

TEST(WireBinary, EachFrameOfAMessageStandsAlone) {
    Push push;
    push.channel = "b:1";
    push.actor = base::kActorMax + 1;
    push.counter = 7;
    push.ops = "x";
    push.ref = 4;
    Push cut = push;
    cut.actor = 70'000;
    std::string cut_bytes = bytes_of(ClientFrame(cut));
    // The last byte goes, which is the ref, and both lengths around it shrink.
    cut_bytes.pop_back();
    cut_bytes[1] = static_cast<char>(cut_bytes[1] - 1);
    cut_bytes[3] = static_cast<char>(cut_bytes[3] - 1);
    const std::string message = bytes_of(ClientFrame(push)) + bytes_of(ClientFrame(Ping{5})) +
                                cut_bytes + from_hex("0a 05 1a 03 0a 01 ff") +
                                bytes_of(ClientFrame(Unsubscribe{"b:2"}));
    std::vector<ReceivedFrame> out;
    ASSERT_TRUE(decode_binary(message, out).ok());
    ASSERT_EQ(out.size(), 5u);
    const auto& refused = std::get<RefusedFrame>(out[0]);
    EXPECT_EQ(refused.error.code, base::ErrorCode::out_of_range);
    EXPECT_EQ(refused.context.channel, "b:1");
    EXPECT_EQ(refused.context.actor, 0u);
    EXPECT_EQ(refused.context.counter, 7u);
    EXPECT_EQ(refused.context.ref, 4u);
    EXPECT_EQ(std::get<Ping>(std::get<ClientFrame>(out[1])).time_ms, 5u);
    EXPECT_EQ(std::get<RefusedFrame>(out[2]).context.actor, 70'000u);
    EXPECT_EQ(std::get<RefusedFrame>(out[2]).context.counter, 7u);
    EXPECT_EQ(std::get<RefusedFrame>(out[2]).context.ref, 0u);
    EXPECT_EQ(std::get<RefusedFrame>(out[3]).context.channel, "") << "not UTF-8";
    EXPECT_EQ(std::get<Unsubscribe>(std::get<ClientFrame>(out[4])).channel, "b:2");
}

struct Refusal {
    const char* hex;
    base::ErrorCode code;
};

TEST(WireBinary, RefusesWhatIsNotCanonical) {
    const Refusal refusals[] = {
        {"0a 05 3a 03 08 85 00", base::ErrorCode::noncanonical},  // 5 in two bytes
        {"0a 04 3a 02 0a 00", base::ErrorCode::malformed},        // time_ms as a text
        {"0a 04 0a 02 18 02", base::ErrorCode::out_of_range},     // a boolean of 2
        {"0b", base::ErrorCode::malformed},                       // a group
        {"00", base::ErrorCode::malformed},                       // field 0
        {"0a 05 1a 03 0a 01 ff", base::ErrorCode::malformed},     // a channel that is not UTF-8
    };
    for (const Refusal& refusal : refusals) {
        std::vector<ClientFrame> out;
        auto status = decode_binary(from_hex(refusal.hex), out);
        ASSERT_FALSE(status.ok()) << refusal.hex;
        EXPECT_EQ(status.error().code, refusal.code) << refusal.hex;
        EXPECT_TRUE(out.empty());
    }
}

TEST(WireBinary, LimitsHold) {
    Unsubscribe longest{std::string(base::kChannelNameBytesMax, 'a')};
    EXPECT_EQ(round_trip<ClientFrame>(longest).channel, longest.channel);
    std::vector<ClientFrame> out;
    auto status = decode_binary(
        bytes_of(ClientFrame(Unsubscribe{std::string(base::kChannelNameBytesMax + 1, 'a')})), out);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error(), base::fail(base::ErrorCode::too_large, base::kChannelNameBytesMax));

    std::string many;
    for (size_t i = 0; i <= kFramesPerMessageMax; ++i)
        many += from_hex("0a 02 3a 00");
    status = decode_binary(many, out);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, base::ErrorCode::too_large);
    EXPECT_EQ(out.size(), kFramesPerMessageMax);

    Subscribe beyond;
    beyond.channel = "a:b";
    beyond.actor = base::kActorMax + 1;
    EXPECT_EQ(decode_binary(bytes_of(ClientFrame(beyond)), out).error().code,
              base::ErrorCode::out_of_range);
}

uint64_t any_u64() { return *rc::gen::arbitrary<uint64_t>(); }
uint32_t any_u32() { return *rc::gen::arbitrary<uint32_t>(); }
uint64_t any_actor() { return any_u64() & base::kActorMax; }
bool any_bool() { return *rc::gen::arbitrary<bool>(); }
std::string any_text() {
    return *rc::gen::container<std::string>(rc::gen::inRange<char>('a', 'z'));
}
std::string any_bytes() { return *rc::gen::arbitrary<std::string>(); }

RC_GTEST_PROP(WireBinary, SubscribeRoundTrips, ()) {
    const auto any_selection = [] { return Selection{any_bytes(), any_u64(), any_u64()}; };
    Subscribe f{
        any_text(),        any_bool(),  any_u64(), any_u64(),
        any_u32(),         any_actor(), any_u64(), {any_selection(), Selection{}, any_selection()},
        {any_selection()}, any_u64()};
    Subscribe g = round_trip<ClientFrame>(f);
    RC_ASSERT(g.channel == f.channel && g.has_after == f.has_after && g.after == f.after);
    RC_ASSERT(g.after_epoch == f.after_epoch && g.check == f.check && g.actor == f.actor);
    RC_ASSERT(g.known_counter == f.known_counter && g.select == f.select);
    RC_ASSERT(g.held == f.held && g.select_version == f.select_version);
}

RC_GTEST_PROP(WireBinary, PushRoundTrips, ()) {
    Push f;
    f.channel = any_text();
    f.actor = any_actor();
    f.counter = any_u64();
    f.stamp_ms = any_u64();
    f.stamp_logical = any_u32();
    f.ops = any_bytes();
    f.skip = any_bool();
    f.if_unchanged = {any_text()};
    f.ref = any_u64();
    Push g = round_trip<ClientFrame>(f);
    RC_ASSERT(g.channel == f.channel && g.actor == f.actor && g.counter == f.counter);
    RC_ASSERT(g.stamp_ms == f.stamp_ms && g.stamp_logical == f.stamp_logical && g.ops == f.ops);
    RC_ASSERT(g.skip == f.skip && g.if_unchanged == f.if_unchanged && g.ref == f.ref);
}

RC_GTEST_PROP(WireBinary, DeliveryRoundTrips, ()) {
    Delivery f;
    f.handle = any_u32();
    f.kind = static_cast<DeliveryKind>(*rc::gen::inRange(0, 3));
    f.from = *rc::gen::inRange<uint64_t>(0, 4);
    f.to = *rc::gen::inRange<uint64_t>(1, 5);
    f.check = any_u32();
    f.acked_counter = any_u64();
    f.actor = any_actor();
    f.counter = any_u64();
    f.actor_slot = any_u32() & kSlotMax;
    f.defs = {SlotDef{any_u32() & kSlotMax, any_bytes(), any_actor()}, SlotDef{3, "", 0}};
    f.changes = any_bytes();
    f.more = any_bool();
    f.reset = any_bool();
    f.epoch = any_u64();
    f.stamp_ms = any_u64();
    f.stamp_logical = any_u32();
    f.installs = any_bool();
    Delivery g = round_trip<ServerFrame>(f);
    RC_ASSERT(g.handle == f.handle && g.from == f.from && g.to == f.to && g.kind == f.kind);
    RC_ASSERT(g.check == f.check && g.acked_counter == f.acked_counter && g.actor == f.actor);
    RC_ASSERT(g.counter == f.counter && g.actor_slot == f.actor_slot && g.changes == f.changes);
    RC_ASSERT(g.defs.size() == 2 && g.defs[0].path == f.defs[0].path);
    RC_ASSERT(g.defs[0].slot == f.defs[0].slot && g.defs[0].actor == f.defs[0].actor);
    RC_ASSERT(g.more == f.more && g.reset == f.reset && g.epoch == f.epoch);
    RC_ASSERT(g.stamp_ms == f.stamp_ms && g.stamp_logical == f.stamp_logical);
    RC_ASSERT(g.installs == f.installs);
}

RC_GTEST_PROP(WireBinary, TheSmallFramesRoundTrip, ()) {
    {
        Welcome f{any_u32(), any_text(), any_actor(), any_u64(), any_u64(), any_u64(), any_text()};
        Welcome g = round_trip<ServerFrame>(f);
        RC_ASSERT(g.version == f.version && g.connection == f.connection && g.actor == f.actor);
        RC_ASSERT(g.message_bytes_max == f.message_bytes_max && g.server == f.server);
    }
    Subscribed subscribed{any_text(), any_u32(), any_u64(), any_u64(), any_u64(), any_u64()};
    Subscribed subscribed_back = round_trip<ServerFrame>(subscribed);
    RC_ASSERT(subscribed_back.handle == subscribed.handle);
    RC_ASSERT(subscribed_back.select_version == subscribed.select_version);
    Ack ack{any_text(), any_actor(), any_u64(), any_u64(), any_bool(),
            any_u64(),  any_u32(),   any_u64(), any_u64(), {}};
    Ack ack_back = round_trip<ServerFrame>(ack);
    RC_ASSERT(ack_back.seq == ack.seq && ack_back.epoch == ack.epoch && ack_back.ref == ack.ref);
    RC_ASSERT(ack_back.stamp_ms == ack.stamp_ms && ack_back.duplicate == ack.duplicate);
    ErrorFrame error;
    error.code = any_text();
    error.hint = any_text();
    error.counter = any_u64();
    error.temporary = any_bool();
    error.number = any_u32();
    error.acked_counter = any_u64();
    ErrorFrame error_back = round_trip<ServerFrame>(error);
    RC_ASSERT(error_back.code == error.code && error_back.hint == error.hint);
    RC_ASSERT(error_back.counter == error.counter && error_back.temporary == error.temporary);
    RC_ASSERT(error_back.number == error.number);
    RC_ASSERT(error_back.acked_counter == error.acked_counter);
    Members members;
    members.handle = any_u32();
    members.full = any_bool();
    members.joined = {Member{any_text(), any_text(), base::Value(any_text())}, Member{}};
    members.left = {any_text()};
    members.self = any_text();
    Members members_back = round_trip<ServerFrame>(members);
    RC_ASSERT(members_back.joined.size() == 2u && members_back.left == members.left);
    RC_ASSERT(members_back.joined[0].state == members.joined[0].state);
    RC_ASSERT(members_back.self == members.self && members_back.full == members.full);
}

RC_GTEST_PROP(WireBinary, TextsRoundTrip, ()) {
    const TextSend sent{any_text(), any_text(), any_bytes(), any_bool(), any_u64(), any_bool()};
    const TextSend sent_back = round_trip<ClientFrame>(sent);
    RC_ASSERT(sent_back.channel == sent.channel && sent_back.name == sent.name);
    RC_ASSERT(sent_back.message == sent.message && sent_back.more == sent.more);
    RC_ASSERT(sent_back.ref == sent.ref && sent_back.leave == sent.leave);
    const TextReceived told{any_text(), any_text(), any_bytes(), any_u64(), any_u64(),
                            any_text(), any_text(), any_bool(),  any_u64(), any_bool()};
    const TextReceived told_back = round_trip<ServerFrame>(told);
    RC_ASSERT(told_back.channel == told.channel && told_back.name == told.name);
    RC_ASSERT(told_back.message == told.message && told_back.ref == told.ref);
    RC_ASSERT(told_back.seq == told.seq && told_back.code == told.code);
    RC_ASSERT(told_back.reason == told.reason && told_back.temporary == told.temporary);
    RC_ASSERT(told_back.retry_after_ms == told.retry_after_ms && told_back.closed == told.closed);
}

RC_GTEST_PROP(WireBinary, RandomBytesNeverCrash, ()) {
    std::string bytes = any_bytes();
    std::vector<ClientFrame> clients;
    std::vector<ServerFrame> servers;
    bool is_client = decode_binary(bytes, clients).ok();
    bool is_server = decode_binary(bytes, servers).ok();
    RC_CLASSIFY(is_client || is_server);
}

/// Random bytes seldom get past the first tag; a damaged message gets everywhere.
RC_GTEST_PROP(WireBinary, DamagedMessagesNeverCrash, ()) {
    Delivery f;
    f.to = 5;
    f.defs = {SlotDef{1, any_bytes(), 0}};
    f.changes = any_bytes();
    Members members;
    members.joined = {Member{any_text(), any_text(), base::Value(any_text())}};
    std::string bytes = bytes_of(ServerFrame(f)) + bytes_of(ServerFrame(members));
    bytes[*rc::gen::inRange<size_t>(0, bytes.size())] = static_cast<char>(any_u32());
    bytes.resize(*rc::gen::inRange<size_t>(0, bytes.size() + 1));
    std::vector<ServerFrame> out;
    if (decode_binary(bytes, out)) {
        // What was accepted is stable: its canonical bytes decode to the same bytes.
        std::string once;
        for (const auto& frame : out)
            encode_binary(once, frame);
        std::vector<ServerFrame> again;
        RC_ASSERT(decode_binary(once, again).ok());
        std::string twice;
        for (const auto& frame : again)
            encode_binary(twice, frame);
        RC_ASSERT(once == twice);
    }
}

}  // namespace
}  // namespace tandem::wire
