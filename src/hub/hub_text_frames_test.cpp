#include "product/hub_rig.hpp"
#include "yjs/document.hpp"
#include "yjs/reading.hpp"
#include "yjs/sync_messages.hpp"

// Texts in frames of tandem.v1: on the connection of a record, acknowledged, in pieces.
namespace tandem::hub {
namespace {

using namespace testing;
using yjs::SyncStep;

constexpr const char* kTextChannel = "t:doc";
constexpr std::string_view kNothing("\0\0", 2);  // no clients, no deletes

/// A document with a text, whose edits are updates.
class Author {
  public:
    explicit Author(uint64_t client) { document_.set_client_id(client); }
    std::string type(uint32_t at, std::string_view text) {
        const yjs::StateVector before = document_.state_vector();
        document_.begin();
        EXPECT_TRUE(document_.insert_text(root(), at, text).ok());
        document_.commit();
        return document_.encode(before);
    }
    std::string shown() { return yjs::text_of(document_.store(), root()); }
    void hear(const std::vector<wire::TextReceived>& frames) {
        for (const wire::TextReceived& frame : frames) {
            if (frame.message.empty()) continue;
            const auto message = yjs::read_message(frame.message);
            ASSERT_TRUE(message.ok());
            if (message->kind != yjs::MessageKind::sync || message->step == SyncStep::step1)
                continue;
            ASSERT_TRUE(document_.apply(message->body).ok());
        }
    }

  private:
    yjs::BranchIndex root() { return document_.root("t", yjs::TypeKind::text); }
    yjs::Document document_;
};

wire::TextSend text(std::string message, uint64_t ref = 0, std::string name = "main") {
    wire::TextSend frame;
    frame.channel = kTextChannel;
    frame.name = std::move(name);
    frame.message = std::move(message);
    frame.ref = ref;
    return frame;
}
wire::TextSend question() { return text(yjs::sync_message(SyncStep::step1, std::string(1, '\0'))); }
wire::TextSend update(const std::string& bytes, uint64_t ref) {
    return text(yjs::sync_message(SyncStep::update, bytes), ref);
}
/// The answer to a ref, if it has come.
wire::TextReceived answer(const std::vector<wire::TextReceived>& frames, uint64_t ref) {
    for (const wire::TextReceived& frame : frames)
        if (frame.ref == ref) return frame;
    return {};
}

TEST(TextFrames, CarryWhatProvidersSay) {
    Rig rig;
    Author ann(1);
    Author bob(2);
    const auto a = rig.open();
    const auto b = rig.open();
    for (const auto id : {a, b})
        rig.send(id, question());
    auto told = rig.all<wire::TextReceived>(a);
    ASSERT_EQ(told.size(), 2u);
    EXPECT_EQ(told[0].channel, kTextChannel);
    EXPECT_EQ(told[0].name, "main");
    EXPECT_EQ(told[0].message, yjs::sync_message(SyncStep::step2, kNothing));
    EXPECT_EQ(yjs::read_message(told[1].message)->step, SyncStep::step1);
    rig.all<wire::TextReceived>(b);

    rig.send(a, update(ann.type(0, "hello"), 1));
    told = rig.all<wire::TextReceived>(a);
    ASSERT_EQ(told.size(), 1u) << "its author hears that it is stored, and not itself";
    EXPECT_EQ(told[0].ref, 1u);
    EXPECT_EQ(told[0].seq, 1u);
    bob.hear(rig.all<wire::TextReceived>(b));
    EXPECT_EQ(bob.shown(), "hello");
    rig.send(b, update(bob.type(5, "!"), 1));
    ann.hear(rig.all<wire::TextReceived>(a));
    EXPECT_EQ(ann.shown(), "hello!");
}

TEST(TextFrames, AnAnswerSaysThatItIsOnDisk) {
    Rig rig;
    Author ann(1);
    const auto a = rig.open();
    const auto b = rig.open(Codec::json);
    rig.send(a, question());
    rig.send(b, question());
    rig.all<wire::TextReceived>(a);
    rig.values(b);
    const std::string first = ann.type(0, "a");
    const std::string second = ann.type(1, "b");
    rig.store.is_held = true;
    rig.send(a, update(first, 1));
    rig.send(a, update(first, 2));
    EXPECT_TRUE(rig.all<wire::TextReceived>(a).empty());
    EXPECT_TRUE(rig.values(b).empty());
    rig.store.is_held = false;
    auto told = rig.all<wire::TextReceived>(a);
    EXPECT_EQ(answer(told, 1).seq, 1u);
    EXPECT_EQ(answer(told, 2).seq, 1u) << "what is under way twice is one entry";
    EXPECT_EQ(rig.values(b).size(), 1u);

    rig.send(a, update(std::string(kNothing), 3));
    told = rig.all<wire::TextReceived>(a);
    EXPECT_EQ(answer(told, 3).seq, 1u);
    EXPECT_EQ(rig.hub->find_channel(kTextChannel)->head(), 1u) << "nothing new takes no entry";

    Author eve(3);
    eve.type(0, "1");
    const std::string dangling = eve.type(1, "2");
    rig.send(a, update(dangling, 4));
    told = rig.all<wire::TextReceived>(a);
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].ref, 0u) << "what depends on something missing is asked for";
    EXPECT_EQ(yjs::read_message(told[0].message)->step, SyncStep::step1);

    rig.store.append_error = base::fail(base::ErrorCode::storage_full);
    rig.send(a, update(second, 5));
    told = rig.all<wire::TextReceived>(a);
    EXPECT_EQ(answer(told, 5).code, "storage_full");
    EXPECT_TRUE(answer(told, 5).temporary);
    EXPECT_EQ(answer(told, 5).retry_after_ms, 1'000u);
}

TEST(TextFrames, ShareAConnectionWithTheRecord) {
    Rig rig;
    Author ann(1);
    const auto a = rig.open();
    wire::Subscribe subscribe;
    subscribe.channel = kTextChannel;
    rig.send(a, subscribe);
    rig.send(a, question());
    rig.send(a, text(question().message, 0, "notes"));
    wire::Push push = set(kTextChannel, kAnn, 1, "x", "1");
    rig.send(a, push);
    rig.send(a, update(ann.type(0, "a"), 7));
    size_t texts = 0;
    uint64_t pushed = 0;
    for (const wire::ServerFrame& frame : rig.frames(a)) {
        if (std::holds_alternative<wire::TextReceived>(frame)) texts++;
        if (const auto* ack = std::get_if<wire::Ack>(&frame)) pushed = ack->seq;
    }
    EXPECT_EQ(texts, 5u);
    EXPECT_EQ(pushed, 1u);
    EXPECT_EQ(rig.shown(kTextChannel), R"({"x":1})");
    EXPECT_EQ(rig.hub->stats().subscriptions, 3u);
    wire::TextSend leave = text("", 0, "notes");
    leave.leave = true;
    rig.send(a, leave);
    EXPECT_EQ(rig.hub->stats().subscriptions, 2u);
    rig.hub->close(rig.now, a, Hub::Farewell::clean);
    EXPECT_EQ(rig.hub->stats().subscriptions, 0u);
}

TEST(TextFrames, AFrameIsEncodedOnceForAll) {
    Rig rig;
    Author ann(1);
    const auto a = rig.open();
    const auto b = rig.open();
    const auto c = rig.open();
    for (const auto id : {a, b, c}) {
        rig.send(id, question());
        rig.all<wire::TextReceived>(id);
    }
    rig.send(a, update(ann.type(0, "a"), 1));
    rig.settle();
    const auto first = rig.take(b);
    const auto second = rig.take(c);
    ASSERT_EQ(first.size(), 1u);
    EXPECT_EQ(first, second);
}

TEST(TextFrames, ComeInPieces) {
    Config config = test_config();
    config.limits.text_message_bytes_max = 1000;
    Rig rig(config);
    Author ann(1);
    const auto a = rig.open();
    rig.send(a, question());
    rig.all<wire::TextReceived>(a);
    const auto send = [&](const std::string& message, uint64_t ref, size_t step) {
        for (size_t at = 0; at < message.size(); at += step) {
            wire::TextSend piece = text(message.substr(at, step));
            piece.more = at + step < message.size();
            if (!piece.more) piece.ref = ref;
            rig.send(a, piece);
        }
    };
    const auto sync = [&](const std::string& bytes) {
        return yjs::sync_message(SyncStep::update, bytes);
    };
    send(sync(ann.type(0, std::string(500, 'x'))), 1, 7);
    EXPECT_EQ(answer(rig.all<wire::TextReceived>(a), 1).seq, 1u);
    // One that is too large is refused once, at its end, and the next one is taken.
    Author eve(2);
    send(sync(eve.type(0, std::string(1500, 'y'))), 2, 400);
    auto told = rig.all<wire::TextReceived>(a);
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].ref, 2u);
    EXPECT_EQ(told[0].code, "too_large");
    EXPECT_FALSE(told[0].temporary);
    send(sync(ann.type(0, "z")), 3, 4);
    EXPECT_EQ(answer(rig.all<wire::TextReceived>(a), 3).seq, 2u);
    // Another text in between ends it.
    const std::string torn = sync(ann.type(0, "torn"));
    wire::TextSend piece = text(torn.substr(0, 9));
    piece.more = true;
    rig.send(a, piece);
    rig.send(a, text(question().message, 0, "notes"));
    rig.all<wire::TextReceived>(a);
    rig.send(a, text(torn.substr(9), 4));
    EXPECT_NE(answer(rig.all<wire::TextReceived>(a), 4).code, "");
    EXPECT_EQ(rig.hub->find_channel(kTextChannel)->head(), 2u);
}

TEST(TextFrames, WaitForTheChannelOrLeaveBefore) {
    Rig rig;
    Author ann(1);
    rig.store.is_held = true;
    const auto a = rig.open();
    const auto b = rig.open();
    for (const auto id : {a, b})
        rig.send(id, question());
    rig.send(a, update(ann.type(0, "a"), 1));
    wire::TextSend leave = text("");
    leave.leave = true;
    rig.send(b, leave);
    rig.store.is_held = false;
    EXPECT_EQ(answer(rig.all<wire::TextReceived>(a), 1).seq, 1u);
    EXPECT_TRUE(rig.all<wire::TextReceived>(b).empty());
    rig.send(a, text("", 2, ""));
    EXPECT_EQ(answer(rig.all<wire::TextReceived>(a), 2).code, "malformed");
    wire::TextSend nowhere = question();
    nowhere.channel = "nowhere:1";
    nowhere.ref = 3;
    rig.send(a, nowhere);
    const auto told = rig.only<wire::TextReceived>(a);
    EXPECT_EQ(told.ref, 3u);
    EXPECT_EQ(told.channel, "nowhere:1");
    EXPECT_EQ(told.code, "unknown_namespace");
}

TEST(TextFrames, WhoComesBackIsTakenForPresent) {
    Rig rig;
    const auto say = [&](ConnectionId id, uint32_t clock) {
        const yjs::AwarenessState state{5, clock, R"({"user":"ann"})"};
        rig.send(id, text(yjs::awareness_message(yjs::encode_awareness({&state, 1}))));
    };
    // The last that a connection was told of the client.
    const auto heard = [&](ConnectionId id) {
        std::string json;
        uint32_t clock = 0;
        for (const wire::TextReceived& frame : rig.all<wire::TextReceived>(id)) {
            const auto message = yjs::read_message(frame.message);
            if (message->kind != yjs::MessageKind::awareness) continue;
            const auto states = yjs::decode_awareness(message->body);
            for (const auto& state : *states) {
                json = state.json;
                clock = state.clock;
            }
        }
        return std::pair(json, clock);
    };
    const auto bob = rig.open();
    rig.send(bob, question());
    const auto first = rig.open();
    say(first, 3);
    EXPECT_EQ(heard(bob), std::pair(std::string(R"({"user":"ann"})"), 3u));
    rig.hub->close(rig.now, first, Hub::Farewell::lost);
    EXPECT_EQ(heard(bob), std::pair(std::string("null"), 4u));
    // She says what she said before, hears that she was said to have gone, and says it anew.
    const auto second = rig.open();
    say(second, 3);
    EXPECT_EQ(heard(second), std::pair(std::string("null"), 4u));
    say(second, 5);
    EXPECT_EQ(heard(bob), std::pair(std::string(R"({"user":"ann"})"), 5u));
}

TEST(TextFrames, OfADeletedChannelAreToldSo) {
    Rig rig;
    Author ann(1);
    const auto a = rig.open();
    rig.send(a, question());
    rig.send(a, update(ann.type(0, "a"), 1));
    rig.all<wire::TextReceived>(a);
    rig.hub->request(rig.now, 1, DeleteChannel{kTextChannel});
    rig.reply();
    const auto told = rig.only<wire::TextReceived>(a);
    EXPECT_TRUE(told.closed);
    std::vector<ConnectionId> closing;
    rig.hub->take_closing(closing);
    EXPECT_TRUE(closing.empty()) << "the connection has other things to do";
    EXPECT_EQ(rig.hub->stats().subscriptions, 0u);
    rig.send(a, question());
    EXPECT_EQ(rig.all<wire::TextReceived>(a).size(), 2u);
}

}  // namespace
}  // namespace tandem::hub
