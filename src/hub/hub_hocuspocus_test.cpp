#include <algorithm>

#include "product/hub_rig.hpp"
#include "yjs/document.hpp"
#include "yjs/hocuspocus.hpp"
#include "yjs/reading.hpp"

// Texts: what Hocuspocus has beyond y-protocols, above all when its provider is told that what it
// sent is stored.
namespace tandem::hub {
namespace {

using namespace testing;
using yjs::HocuspocusKind;
using yjs::SyncStep;

constexpr const char* kDocument = "t:doc";

/// A provider with a document of its own. It answers questions only when it is told to.
class Editor {
  public:
    Editor(Rig& rig, uint64_t client, std::string label = kDocument, ConnectionId id = 0)
        : rig_(rig),
          label_(std::move(label)),
          document_(options(client)),
          id_(id == 0 ? rig.open(Codec::hocuspocus) : id) {}

    void send(std::string message) {
        TextMessage out;
        out.channel = yjs::document_of_key(label_);
        out.name = "main";
        out.message = std::move(message);
        out.label = label_;
        rig_.hub->handle_text(rig_.now, id_, std::move(out));
    }
    void send(HocuspocusKind kind) { send(std::string(1, static_cast<char>(kind))); }
    void introduce(std::string_view version = "4.8.0") {
        yjs::Buffer out;
        out.var_uint(static_cast<uint64_t>(HocuspocusKind::auth));
        out.var_uint(0);
        out.var_bytes("token");
        if (!version.empty()) out.var_bytes(version);
        send(out.str());
    }
    void ask() {
        send(
            yjs::sync_message(SyncStep::step1, yjs::encode_state_vector(document_.state_vector())));
    }
    void answer(bool is_empty = false) {
        send(yjs::sync_message(SyncStep::step2,
                               is_empty ? yjs::Document().encode() : document_.encode()));
    }
    /// The update, which is not sent.
    std::string type(std::string_view text) {
        document_.begin();
        EXPECT_TRUE(document_.insert_text(root(), 0, text).ok());
        document_.commit();
        yjs::Buffer update;
        EXPECT_TRUE(document_.write_last_update(update));
        return yjs::sync_message(SyncStep::update, update.view());
    }
    void say(uint64_t client, uint32_t clock, std::string_view json) {
        const yjs::AwarenessState state{client, clock, json};
        send(yjs::awareness_message(yjs::encode_awareness({&state, 1})));
    }
    /// Takes what is for this document.
    void take() {
        rig_.settle();
        for (const FramePtr& frame : rig_.take(id_))
            receive(frame->payload);
    }
    void receive(std::string_view payload) {
        const auto frame = yjs::read_hocuspocus_frame(payload);
        ASSERT_TRUE(frame.ok());
        if (frame->key != label_) {
            of_others.emplace_back(payload);
            return;
        }
        const std::string_view message = frame->message;
        switch (static_cast<HocuspocusKind>(message[0])) {
            case HocuspocusKind::sync: {
                const auto read = yjs::read_message(message);
                ASSERT_TRUE(read.ok());
                if (read->step == SyncStep::step1)
                    questions++;
                else
                    ASSERT_TRUE(document_.apply(read->body).ok());
                break;
            }
            case HocuspocusKind::awareness: {
                const auto states = yjs::decode_awareness(yjs::read_message(message)->body);
                for (const auto& state : *states)
                    others[state.client] = state.json;
                break;
            }
            case HocuspocusKind::sync_status:
                (message[1] == 1 ? acks : refusals)++;
                break;
            case HocuspocusKind::auth:
                answers.emplace_back(message.substr(3));
                break;
            case HocuspocusKind::stateless:
                stateless.emplace_back(message.substr(2));
                break;
            case HocuspocusKind::close:
                closes++;
                break;
            default:
                FAIL() << "of no kind that a provider knows";
        }
    }
    std::string text() { return yjs::text_of(document_.store(), root()); }
    ConnectionId id() const { return id_; }

    size_t acks = 0, refusals = 0, questions = 0, closes = 0;
    std::vector<std::string> answers, stateless, of_others;
    std::map<uint64_t, std::string> others;

  private:
    static yjs::DocumentOptions options(uint64_t client) {
        yjs::DocumentOptions out;
        out.client = client;
        return out;
    }
    yjs::BranchIndex root() { return document_.root("t", yjs::TypeKind::text); }

    Rig& rig_;
    std::string label_;
    yjs::Document document_;
    ConnectionId id_;
};

TEST(Hocuspocus, TellsWhatIsStoredOnceItIsOnDisk) {
    Rig rig;
    Editor ann(rig, 1);
    ann.introduce();
    ann.ask();
    ann.take();
    EXPECT_EQ(ann.answers, std::vector<std::string>{"read-write"});
    EXPECT_EQ(ann.questions, 1u);
    ann.answer(true);
    ann.take();
    EXPECT_EQ(ann.acks, 1u) << "an answer that brings nothing is stored at once";
    rig.store.is_held = true;
    const std::string update = ann.type("a");
    ann.send(update);
    ann.take();
    EXPECT_EQ(ann.acks, 1u);
    // Said again, it is known, but no more on disk than before.
    ann.send(update);
    ann.take();
    EXPECT_EQ(ann.acks, 1u);
    rig.store.is_held = false;
    ann.take();
    EXPECT_EQ(ann.acks, 3u);
    EXPECT_EQ(rig.head(kDocument), 1u);
}

TEST(Hocuspocus, WhatWasLostIsStoredWithTheNextAnswer) {
    Rig rig;
    Editor ann(rig, 1);
    ann.ask();
    ann.answer();
    ann.take();
    ASSERT_EQ(ann.acks, 1u);
    (void)ann.type("lost");
    for (const char* text : {"b", "c"})
        ann.send(ann.type(text));
    ann.take();
    EXPECT_EQ(ann.acks, 1u) << "neither fits";
    EXPECT_EQ(ann.questions, 2u);
    ann.answer();
    ann.take();
    EXPECT_EQ(ann.acks, 3u) << "both, and the answer itself is not counted";
    // A new question counts from the start.
    (void)ann.type("lost");
    ann.send(ann.type("d"));
    ann.ask();
    ann.answer();
    ann.take();
    EXPECT_EQ(ann.acks, 4u);
}

TEST(Hocuspocus, WhatIsRefusedIsTold) {
    Config config = test_config();
    config.limits.text_bytes_max = 100;
    Rig rig(config);
    Editor ann(rig, 1);
    ann.ask();
    ann.answer(true);
    ann.send(ann.type(std::string(200, 'x')));
    ann.take();
    EXPECT_EQ(ann.acks, 1u);
    EXPECT_EQ(ann.refusals, 1u);
    ASSERT_EQ(ann.stateless.size(), 1u);
    EXPECT_NE(ann.stateless[0].find("\"code\":\"too_large\""), std::string::npos);
    ann.send(std::string("\x00\x02\x01\x7f", 4));
    ann.send(std::string("\x1f", 1));
    ann.take();
    EXPECT_EQ(ann.stateless.size(), 3u);
    EXPECT_EQ(ann.answers.size(), 0u) << "no document that is open is denied";
}

TEST(Hocuspocus, AnUpdateThatTheStoreLosesIsNotAcknowledged) {
    Rig rig;
    Editor ann(rig, 1);
    ann.ask();
    ann.answer(true);
    ann.take();
    rig.store.append_error = base::fail(base::ErrorCode::storage_full);
    ann.send(ann.type("a"));
    ann.take();
    EXPECT_EQ(ann.acks, 1u);
    EXPECT_EQ(ann.refusals, 1u);
    // What is typed next depends on it, so that it is asked for.
    ann.send(ann.type("b"));
    ann.take();
    EXPECT_EQ(ann.questions, 2u);
    ann.answer();
    ann.take();
    EXPECT_EQ(ann.acks, 3u);
}

TEST(Hocuspocus, SessionsOfOneConnectionAreEditorsOfTheirOwn) {
    Rig rig;
    Editor ann(rig, 1, std::string(kDocument) + '\0' + "s1");
    Editor bob(rig, 2, std::string(kDocument) + '\0' + "s2", ann.id());
    for (Editor* one : {&ann, &bob}) {
        one->ask();
        one->say(one == &ann ? 1 : 2, 1, "{}");
    }
    ann.send(ann.type("hello"));
    const auto share = [&] {
        ann.take();
        for (const std::string& frame : std::exchange(ann.of_others, {}))
            bob.receive(frame);
    };
    share();
    EXPECT_EQ(bob.text(), "hello");
    EXPECT_EQ(bob.others.size(), 2u);
    ann.send(HocuspocusKind::close);
    share();
    EXPECT_EQ(bob.others[1], "null");
    EXPECT_EQ(bob.others[2], "{}");
    EXPECT_EQ(rig.hub->stats().subscriptions, 1u);
    // What a closed document still says opens nothing.
    ann.say(1, 7, "{}");
    ann.send(yjs::stateless_message("late"));
    share();
    EXPECT_EQ(rig.hub->stats().subscriptions, 1u);
    EXPECT_EQ(bob.others[1], "null");
}

TEST(Hocuspocus, EditorsMayOnlyReadWhereTheSchemaSaysSo) {
    Config config = test_config();
    config.namespaces["t"].text_access = TextAccess::read;
    Rig rig(config);
    Editor ann(rig, 1);
    ann.introduce();
    ann.ask();
    ann.answer(true);
    ann.take();
    EXPECT_EQ(ann.answers, std::vector<std::string>{"readonly"});
    EXPECT_EQ(ann.acks, 1u);
    ann.send(ann.type("no"));
    ann.answer();
    ann.take();
    EXPECT_EQ(ann.acks, 1u);
    EXPECT_EQ(ann.refusals, 2u);
    EXPECT_EQ(rig.head(kDocument), 0u);
    // y-websocket's provider is told in the one way that it knows.
    const ConnectionId yjs = rig.open(Codec::yjs);
    Editor other(rig, 2);
    rig.hub->handle_text(rig.now, yjs, {kDocument, "main", other.type("no")});
    rig.settle();
    const auto frames = rig.take(yjs);
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(frames[0]->payload[0], 2);
    EXPECT_NE(frames[0]->payload.find("(forbidden)"), std::string::npos);
}

TEST(Hocuspocus, StatelessMessagesGoToTheOthersOfTheDocument) {
    Rig rig;
    Editor ann(rig, 1), bob(rig, 2), cat(rig, 3, "t:other");
    for (Editor* one : {&ann, &bob, &cat})
        one->ask();
    ann.send(yjs::stateless_message("hi"));
    std::string broadcast = yjs::stateless_message("all");
    broadcast[0] = static_cast<char>(HocuspocusKind::broadcast_stateless);
    ann.send(broadcast);
    for (Editor* one : {&ann, &bob, &cat})
        one->take();
    EXPECT_EQ(ann.stateless, (std::vector<std::string>{"all"}));
    EXPECT_EQ(bob.stateless, (std::vector<std::string>{"hi", "all"}));
    EXPECT_TRUE(cat.stateless.empty());
    // Nobody waits for them: one who takes nothing loses some, not its connection.
    for (int i = 0; i < 100; ++i)
        ann.send(yjs::stateless_message(std::string(1000, 'x')));
    bob.take();
    EXPECT_LT(bob.stateless.size(), 30u);
    EXPECT_FALSE(rig.hub->has_closing());
}

TEST(Hocuspocus, NobodyClaimsWhatItHasOnlyHeard) {
    Rig rig;
    Editor ann(rig, 1), bob(rig, 2);
    ann.ask();
    bob.ask();
    ann.say(1, 1, "{\"user\":\"ann\"}");
    // Version 2 repeats what it hears, even before it has said anything itself.
    bob.say(1, 1, "{\"user\":\"ann\"}");
    bob.say(1, 2, "null");
    bob.say(2, 1, "{}");
    ann.take();
    EXPECT_EQ(ann.others[1], "{\"user\":\"ann\"}") << "and its own state comes back to it";
    EXPECT_EQ(ann.others[2], "{}");
    bob.others.clear();
    bob.send(HocuspocusKind::query_awareness);
    bob.take();
    EXPECT_EQ(bob.others.size(), 2u);
}

TEST(Hocuspocus, WhoAnswersWithSyncReplyIsNotAsked) {
    Rig rig;
    Editor ann(rig, 1);
    std::string question =
        yjs::sync_message(SyncStep::step1, yjs::encode_state_vector(yjs::StateVector()));
    question[0] = static_cast<char>(HocuspocusKind::sync_reply);
    ann.send(question);
    ann.take();
    EXPECT_EQ(ann.questions, 0u);
}

TEST(Hocuspocus, ADocumentThatCannotBeIsDeniedAndNoOther) {
    Rig rig;
    Editor ann(rig, 1);
    Editor bad(rig, 2, "unknown:doc", ann.id());
    ann.ask();
    bad.introduce();
    bad.take();
    ASSERT_EQ(bad.answers.size(), 1u);
    EXPECT_NE(bad.answers[0].find("(unknown_namespace)"), std::string::npos);
    EXPECT_EQ(bad.of_others.size(), 2u) << "the answer and the question to the other";
}

TEST(Hocuspocus, WhoKnowsTheMessageIsToldThatItsChannelWasDeleted) {
    for (const bool knows : {true, false}) {
        Rig rig;
        Editor ann(rig, 1);
        ann.introduce(knows ? "4.8.0" : "");
        ann.ask();
        ann.send(ann.type("gone soon"));
        ann.take();
        rig.hub->request(rig.now, 1, DeleteChannel{kDocument});
        EXPECT_FALSE(rig.reply().is_error);
        EXPECT_EQ(rig.hub->has_closing(), !knows);
        if (knows) ann.take();
        EXPECT_EQ(ann.closes, knows ? 1u : 0u);
        EXPECT_EQ(rig.hub->stats().subscriptions, 0u);
    }
}

}  // namespace
}  // namespace tandem::hub
