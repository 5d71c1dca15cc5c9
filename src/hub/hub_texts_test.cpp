#include <functional>

#include "product/hub_rig.hpp"
#include "yjs/document.hpp"
#include "yjs/reading.hpp"
#include "yjs/sync_messages.hpp"

// Texts: providers of Yjs that type, lose messages, stall and come again.
namespace tandem::hub {
namespace {

using namespace testing;
using yjs::MessageKind;
using yjs::SyncStep;

constexpr const char* kDocument = "t:doc";

struct TextRig : Rig {
    using Rig::Rig;

    void restart_all() {
        hub = nullptr;
        restart();
    }
};

/// An editor with a document of its own, which speaks y-protocols as y-websocket does.
class Provider {
  public:
    Provider(TextRig& rig, uint64_t client, std::string name = "main")
        : rig_(rig), name_(std::move(name)), document_(options(client)) {}

    void connect() {
        id_ = rig_.open(Codec::yjs);
        send(
            yjs::sync_message(SyncStep::step1, yjs::encode_state_vector(document_.state_vector())));
    }
    void disconnect() {
        rig_.hub->close(rig_.now, id_, Hub::Farewell::lost);
        id_ = 0;
    }
    void send(std::string message) {
        rig_.hub->handle_text(rig_.now, id_, {kDocument, name_, std::move(message)});
    }
    /// Types at a place; the update goes out unless it is lost or nobody is connected.
    void type(uint32_t at, std::string_view text, bool is_lost = false) {
        edit([&] { EXPECT_TRUE(document_.insert_text(root(), at, text).ok()); }, is_lost);
    }
    void erase(uint32_t at, uint32_t count) {
        edit([&] { EXPECT_TRUE(document_.delete_text(root(), at, count).ok()); }, false);
    }
    void say(uint64_t client, uint32_t clock, std::string_view json) {
        const yjs::AwarenessState state{client, clock, json};
        send(yjs::awareness_message(yjs::encode_awareness({&state, 1})));
    }
    /// Takes all that the hub has for it.
    void take() {
        for (;;) {
            rig_.settle();
            const auto frames = rig_.take(id_);
            if (frames.empty()) return;
            for (const FramePtr& frame : frames)
                receive(frame->payload);
        }
    }
    std::string text() { return yjs::text_of(document_.store(), root()); }
    ConnectionId id() const { return id_; }
    yjs::Document& document() { return document_; }

    size_t updates = 0;    ///< received
    size_t questions = 0;  ///< step1 received
    std::vector<std::string> refusals;
    std::map<uint64_t, std::string> others;

  private:
    static yjs::DocumentOptions options(uint64_t client) {
        yjs::DocumentOptions out;
        out.client = client;
        return out;
    }
    yjs::BranchIndex root() { return document_.root("t", yjs::TypeKind::text); }
    void edit(const std::function<void()>& change, bool is_lost) {
        document_.begin();
        change();
        document_.commit();
        yjs::Buffer update;
        if (document_.write_last_update(update) && !is_lost && id_ != 0)
            send(yjs::sync_message(SyncStep::update, update.view()));
    }
    void receive(std::string_view payload) {
        const auto message = yjs::read_message(payload);
        ASSERT_TRUE(message.ok());
        if (message->kind == MessageKind::auth) {
            refusals.emplace_back(payload.substr(3));
        } else if (message->kind == MessageKind::awareness) {
            const auto states = yjs::decode_awareness(message->body);
            ASSERT_TRUE(states.ok());
            for (const auto& state : *states)
                others[state.client] = state.json;
        } else if (message->step == SyncStep::step1) {
            questions++;
            send(yjs::sync_message(SyncStep::step2,
                                   document_.encode(*yjs::decode_state_vector(message->body))));
        } else {
            updates++;
            ASSERT_TRUE(document_.apply(message->body).ok());
        }
    }

    TextRig& rig_;
    std::string name_;
    yjs::Document document_;
    ConnectionId id_ = 0;
};

TEST(Texts, AreTheSameForAllWhoType) {
    TextRig rig;
    Provider ann(rig, 1);
    Provider bob(rig, 2);
    ann.connect();
    bob.connect();
    ann.type(0, "hello");
    ann.take();
    bob.take();
    bob.type(5, " world");
    ann.type(0, "> ");
    ann.take();
    bob.take();
    EXPECT_EQ(ann.text(), "> hello world");
    EXPECT_EQ(bob.text(), "> hello world");
    EXPECT_EQ(rig.head(kDocument), 3u);
    // What one has written does not come back.
    EXPECT_EQ(ann.updates, 1u + 1u) << "the answer to its question, and one of the other";
}

TEST(Texts, OfflineEditsComeWithTheNextConnection) {
    TextRig rig;
    Provider ann(rig, 1);
    Provider bob(rig, 2);
    ann.type(0, "offline");
    bob.connect();
    bob.type(0, "online");
    ann.connect();
    ann.take();
    bob.take();
    EXPECT_EQ(ann.text(), bob.text());
    EXPECT_EQ(ann.text().size(), 13u);
}

TEST(Texts, OutliveTheServerWithAndWithoutASnapshot) {
    for (const bool has_snapshot : {false, true}) {
        Config config = test_config();
        if (has_snapshot) config.retention.snapshot_every_entries = 2;
        TextRig rig(config);
        Provider ann(rig, 1);
        ann.connect();
        for (uint32_t i = 0; i < 5; ++i)
            ann.type(i, std::string(1, static_cast<char>('a' + i)));
        ann.erase(1, 1);
        ann.take();
        EXPECT_EQ(rig.store.snapshots > 0, has_snapshot);
        rig.restart_all();
        Provider bob(rig, 2);
        bob.connect();
        bob.take();
        EXPECT_EQ(bob.text(), "acde");
        EXPECT_EQ(bob.document().state_vector(), ann.document().state_vector());
        // And goes on from there.
        ann.connect();
        ann.type(4, "!");
        ann.take();
        bob.take();
        EXPECT_EQ(bob.text(), "acde!");
        EXPECT_EQ(rig.head(kDocument), 7u);
    }
}

TEST(Texts, WhatChangesNothingTakesNoSeq) {
    TextRig rig;
    Provider ann(rig, 1);
    ann.connect();
    ann.type(0, "abc");
    ann.erase(0, 1);
    ann.take();
    ASSERT_EQ(rig.head(kDocument), 2u);
    ann.send(yjs::sync_message(SyncStep::update, ann.document().encode()));
    ann.send(yjs::sync_message(SyncStep::step2, ann.document().encode()));
    ann.take();
    EXPECT_EQ(rig.head(kDocument), 2u);
    // The same update twice before the first is on disk.
    rig.store.is_held = true;
    Provider bob(rig, 2);
    bob.type(0, "x");
    bob.connect();
    for (int i = 0; i < 2; ++i)
        bob.send(yjs::sync_message(SyncStep::update, bob.document().encode()));
    rig.store.is_held = false;
    bob.take();
    EXPECT_EQ(rig.head(kDocument), 3u);
}

TEST(Texts, AMissingUpdateIsAskedFor) {
    TextRig rig;
    Provider ann(rig, 1);
    Provider bob(rig, 2);
    ann.connect();
    bob.connect();
    ann.type(0, "a");
    ann.take();
    ann.type(1, "b", true);
    ASSERT_EQ(ann.questions, 1u);
    ann.type(2, "c");
    EXPECT_EQ(rig.head(kDocument), 1u) << "not stored as it came";
    ann.take();
    EXPECT_EQ(ann.questions, 2u);
    bob.take();
    EXPECT_EQ(bob.text(), "abc");
    // A provider that itself lacks something is not asked again and again.
    Provider eve(rig, 3);
    yjs::Document other;
    other.set_client_id(9);
    other.begin();
    ASSERT_TRUE(other.insert_text(other.root("t", yjs::TypeKind::text), 0, "12").ok());
    other.commit();
    const std::string first = other.encode();
    const yjs::StateVector vector = other.state_vector();
    other.begin();
    ASSERT_TRUE(other.insert_text(other.root("t", yjs::TypeKind::text), 2, "3").ok());
    other.commit();
    ASSERT_TRUE(eve.document().apply(other.encode(vector)).ok());
    eve.connect();
    eve.take();
    EXPECT_LE(eve.questions, 2u);
    EXPECT_EQ(rig.head(kDocument), 2u);
    // When what it depends on comes, it is.
    ann.send(yjs::sync_message(SyncStep::update, first));
    eve.take();
    bob.take();
    EXPECT_TRUE(bob.text().find("123") != std::string::npos) << bob.text();
}

TEST(Texts, WhoStallsGetsTheWholeTextAndNothingInBetween) {
    Config config = test_config();
    config.limits.frame_cache_bytes_per_channel = 500;
    TextRig rig(config);
    Provider ann(rig, 1);
    Provider bob(rig, 2);
    ann.connect();
    bob.connect();
    ann.take();
    bob.take();
    const size_t before = bob.updates;
    for (uint32_t i = 0; i < 300; ++i)
        ann.type(i, "x");
    rig.settle();
    bob.take();
    EXPECT_EQ(bob.updates, before + 1);
    EXPECT_EQ(bob.text(), std::string(300, 'x'));
    ann.type(0, "y");
    bob.take();
    EXPECT_EQ(bob.updates, before + 2);
    EXPECT_EQ(bob.text(), 'y' + std::string(300, 'x'));
}

TEST(Texts, AFailedCommitIsMadeGoodByTheNextQuestion) {
    TextRig rig;
    Provider ann(rig, 1);
    ann.connect();
    ann.take();
    rig.store.append_error = base::fail(base::ErrorCode::storage_full);
    ann.type(0, "a");
    ann.take();
    EXPECT_EQ(rig.head(kDocument), 0u);
    ASSERT_EQ(ann.refusals.size(), 1u);
    EXPECT_NE(ann.refusals[0].find("storage_full"), std::string::npos);
    ann.type(1, "b");
    ann.take();
    Provider bob(rig, 2);
    bob.connect();
    bob.take();
    EXPECT_EQ(bob.text(), "ab");
}

TEST(Texts, AwarenessIsOfWhoFirstNamedIt) {
    TextRig rig;
    Provider ann(rig, 1);
    Provider bob(rig, 2);
    ann.connect();
    bob.connect();
    ann.say(1, 1, R"({"user":"ann"})");
    bob.say(2, 1, R"({"user":"bob"})");
    ann.take();
    bob.take();
    EXPECT_EQ(bob.others[1], R"({"user":"ann"})");
    EXPECT_EQ(ann.others[1], R"({"user":"ann"})") << "one hears oneself";
    // Nobody says farewell for another, nor speaks for one who is not there.
    bob.say(1, 9, "null");
    bob.say(7, 1, "{}");
    ann.take();
    EXPECT_EQ(ann.others[1], R"({"user":"ann"})");
    EXPECT_FALSE(ann.others.contains(7));
    ann.disconnect();
    bob.take();
    EXPECT_EQ(bob.others[1], "null");
    ann.connect();
    ann.say(1, 3, R"({"user":"ann","again":true})");
    bob.take();
    EXPECT_EQ(bob.others[1], R"({"user":"ann","again":true})");
}

TEST(Texts, BadMessagesChangeNothing) {
    TextRig rig;
    Provider ann(rig, 1);
    ann.connect();
    ann.type(0, "a");
    ann.take();
    for (const std::string& bad :
         {std::string(), std::string("\x09", 1), std::string("\x00\x02\x7f", 3),
          yjs::sync_message(SyncStep::update, "\xff\xff"),
          yjs::sync_message(SyncStep::step1, "\x05"), yjs::awareness_message("\x03"),
          std::string("\x00\x07\x00", 3)})
        ann.send(bad);
    ann.take();
    EXPECT_EQ(ann.refusals.size(), 7u);
    EXPECT_EQ(rig.head(kDocument), 1u);
    ann.type(1, "b");
    ann.take();
    EXPECT_EQ(rig.head(kDocument), 2u);
}

TEST(Texts, LeaveWithTheirReaders) {
    TextRig rig;
    Provider ann(rig, 1, "empty");
    ann.connect();
    ann.take();
    EXPECT_EQ(rig.hub->find_channel(kDocument)->texts.all().size(), 1u);
    EXPECT_EQ(rig.hub->stats().subscriptions, 1u);
    ann.disconnect();
    EXPECT_EQ(rig.hub->find_channel(kDocument)->texts.all().size(), 0u);
    EXPECT_EQ(rig.hub->stats().subscriptions, 0u);
}

TEST(Texts, OfADeletedChannelAreGone) {
    TextRig rig;
    Provider ann(rig, 1);
    ann.connect();
    ann.type(0, "a");
    ann.take();
    rig.hub->request(rig.now, 1, DeleteChannel{kDocument});
    rig.reply();
    std::vector<ConnectionId> closing;
    rig.hub->take_closing(closing);
    EXPECT_EQ(closing, std::vector<ConnectionId>{ann.id()});
    ann.disconnect();
    Provider bob(rig, 2);
    bob.connect();
    bob.take();
    EXPECT_EQ(bob.text(), "");
}

TEST(Texts, AndRecordsShareALog) {
    TextRig rig;
    Provider ann(rig, 1);
    ann.connect();
    ann.type(0, "a");
    ann.take();
    const auto writer = rig.open();
    rig.send(writer, set(kDocument, kAnn, 1, "x", "1"));
    rig.settle();
    ann.type(1, "b");
    ann.take();
    EXPECT_EQ(rig.head(kDocument), 3u);
    EXPECT_EQ(rig.shown(kDocument), R"({"x":1})");
    ReadEntries read;
    read.channel = kDocument;
    read.limit = 10;
    rig.hub->request(rig.now, 1, read);
    const base::Value entries = *json(rig.reply().json).find("entries");
    ASSERT_EQ(entries.as_array().size(), 3u);
    const base::Value* text = entries.as_array()[2].find("text");
    ASSERT_NE(text, nullptr);
    EXPECT_EQ(text->find("name")->as_string(), "main");
    EXPECT_EQ(entries.as_array()[1].find("text"), nullptr);
    rig.restart_all();
    Provider bob(rig, 2);
    bob.connect();
    bob.take();
    EXPECT_EQ(bob.text(), "ab");
    EXPECT_EQ(rig.shown(kDocument), R"({"x":1})");
}

}  // namespace
}  // namespace tandem::hub
