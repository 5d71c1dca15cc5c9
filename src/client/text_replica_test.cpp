#include "client/text_replica.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "yjs/reading.hpp"

// A text in a client, against a server of which no more is there than a document.
namespace tandem::client {
namespace {

using yjs::SyncStep;
using Kind = TextEvent::Kind;

base::Value json(std::string_view text) { return *base::parse_json(text); }

/// What the server does for texts; several replicas share it.
struct Server {
    yjs::Document document;
    std::vector<wire::TextSend> seen;
    std::string refuse_with;  ///< the code of the next writes' answers; empty: they are stored
    bool is_temporary = false;
    bool is_deaf = false;
};

class Client {
  public:
    explicit Client(Server& server, uint64_t seed = 1) : server_(server), random_(seed) {}

    TextReplica& operator*() { return text; }
    TextReplica* operator->() { return &text; }

    base::Status edit(std::string_view edits, std::string_view root = "t") {
        return text.edit(now, root, json(edits));
    }
    void go(Link link) {
        text.handle_link(now, link);
        inbox.clear();
    }
    /// Until neither has anything to say.
    void exchange() {
        while (step()) {
        }
    }
    void wait(uint64_t ms) {
        now.mono_ms += ms;
        text.handle_timeout(now);
        exchange();
    }
    void receive(wire::TextReceived frame) { text.handle_frame(now, frame); }
    void receive(std::string message) {
        wire::TextReceived frame;
        frame.message = std::move(message);
        receive(std::move(frame));
    }
    void refuse(std::string code, uint64_t ref = 0, bool is_temporary = false) {
        wire::TextReceived frame;
        frame.code = std::move(code);
        frame.reason = "why";
        frame.ref = ref;
        frame.temporary = is_temporary;
        receive(std::move(frame));
    }
    std::vector<TextEvent> events() {
        std::vector<TextEvent> out;
        while (auto event = text.poll_event())
            out.push_back(std::move(*event));
        return out;
    }
    size_t count(Kind kind) {
        size_t count = 0;
        for (const TextEvent& event : events())
            count += event.kind == kind ? 1 : 0;
        return count;
    }
    /// What it sends, which the server does not get.
    std::vector<wire::TextSend> sent() {
        std::vector<wire::TextSend> out;
        while (auto frame = text.poll_transmit())
            out.push_back(std::move(*frame));
        return out;
    }
    std::string shown() {
        const auto root = text.root("t", yjs::TypeKind::text);
        return root ? yjs::text_of(text.document().store(), *root) : "";
    }

  private:
    bool step() {
        if (const auto frame = text.poll_transmit()) {
            server_.seen.push_back(*frame);
            if (!server_.is_deaf) serve(*frame);
            return true;
        }
        if (inbox.empty()) return false;
        receive(std::move(inbox.front()));
        inbox.pop_front();
        return true;
    }
    void serve(const wire::TextSend& frame) {
        const auto message = yjs::read_message(frame.message);
        ASSERT_TRUE(message.ok());
        if (message->kind != yjs::MessageKind::sync) return;
        wire::TextReceived answer;
        if (message->step == SyncStep::step1) {
            const auto known = yjs::decode_state_vector(message->body);
            ASSERT_TRUE(known.ok());
            answer.message = yjs::sync_message(SyncStep::step2, server_.document.encode(*known));
            inbox.push_back(answer);
            answer.message = yjs::sync_message(
                SyncStep::step1, yjs::encode_state_vector(server_.document.state_vector()));
        } else if (!server_.refuse_with.empty()) {
            answer.code = server_.refuse_with;
            answer.temporary = server_.is_temporary;
            answer.ref = frame.ref;
        } else {
            ASSERT_TRUE(server_.document.apply(message->body).ok());
            answer.ref = frame.ref;
        }
        inbox.push_back(answer);
    }

    Server& server_;
    std::mt19937_64 random_;

  public:
    Now now{1'000, 1'000'000};
    std::deque<wire::TextReceived> inbox;
    TextReplica text{"t:a", "main", [this] { return random_(); }};
};

std::string message_of(std::string_view update) {
    return yjs::sync_message(SyncStep::update, update);
}

TEST(TextReplica, EditsShowAtOnceAndAreSentWhenThereIsAConnection) {
    Server server;
    Client ann(server);
    ASSERT_TRUE(ann.edit(R"([{"append":"hello"}])").ok());
    EXPECT_EQ(ann.shown(), "hello");
    EXPECT_TRUE(ann.sent().empty());
    EXPECT_FALSE(ann->is_saved());
    ann.go(Link::online);
    ann.exchange();
    EXPECT_TRUE(ann->is_synced() && ann->is_saved());
    EXPECT_EQ(server.seen.front().channel, "t:a");
    EXPECT_EQ(server.seen.front().name, "main");
    Client bob(server, 2);
    bob.go(Link::online);
    bob.exchange();
    EXPECT_EQ(bob.shown(), "hello");
}

TEST(TextReplica, ItIsSavedWhenAllThatIsUnderWayIsOnDisk) {
    Server server;
    Client ann(server);
    ann.go(Link::online);
    ann.exchange();
    EXPECT_EQ(ann.count(Kind::saved), 1u) << "nothing is lacking";
    ASSERT_TRUE(ann.edit(R"([{"append":"a"}])").ok());
    ASSERT_TRUE(ann.edit(R"([{"append":"b"}])").ok());
    EXPECT_FALSE(ann->is_saved());
    const auto sent = ann.sent();
    ASSERT_EQ(sent.size(), 2u);
    wire::TextReceived stored;
    stored.ref = sent[0].ref;
    ann.receive(stored);
    EXPECT_FALSE(ann->is_saved());
    ann.receive(stored);
    EXPECT_FALSE(ann->is_saved()) << "told twice";
    stored.ref = sent[1].ref;
    ann.receive(stored);
    EXPECT_TRUE(ann->is_saved());
    EXPECT_EQ(ann.count(Kind::saved), 1u);
}

TEST(TextReplica, WhatCannotBeFollowedIsToldUntilTheNextConnection) {
    Server server;
    server.is_deaf = true;
    Client ann(server);
    ann.go(Link::online);
    EXPECT_EQ(ann->refusal(), nullptr);
    ann.refuse("forbidden");
    ASSERT_NE(ann->refusal(), nullptr);
    EXPECT_EQ(ann->refusal()->code, "forbidden");
    EXPECT_EQ(ann->refusal()->reason, "why");
    EXPECT_EQ(ann.count(Kind::refused), 1u);
    ann.go(Link::offline);
    server.is_deaf = false;
    ann.go(Link::online);
    EXPECT_EQ(ann->refusal(), nullptr);
    ann.exchange();
    EXPECT_TRUE(ann->is_synced());
}

TEST(TextReplica, WhatIsRefusedForTheMomentIsAskedAgain) {
    Server server;
    server.is_deaf = true;
    Client ann(server);
    ann.go(Link::online);
    ann.exchange();
    ann.refuse("overloaded", 0, true);
    EXPECT_EQ(ann->refusal(), nullptr);
    server.is_deaf = false;
    ASSERT_TRUE(ann->next_timeout().has_value());
    ann.wait(*ann->next_timeout() - ann.now.mono_ms - 1);
    EXPECT_FALSE(ann->is_synced());
    ann.wait(1);
    EXPECT_TRUE(ann->is_synced());
}

TEST(TextReplica, ARefusedUpdateIsNotMadeUpForByALaterOne) {
    Server server;
    Client ann(server);
    ASSERT_TRUE(ann.edit(R"([{"append":"abc"}])").ok());
    ann.go(Link::online);
    ann.exchange();
    server.refuse_with = "too_large";
    ASSERT_TRUE(ann.edit(R"([{"append":"d"}])").ok());
    ann.exchange();
    ASSERT_NE(ann->refusal(), nullptr);
    EXPECT_EQ(ann->refusal()->code, "too_large");
    EXPECT_EQ(ann.shown(), "abcd") << "it stays in the copy";
    server.refuse_with.clear();
    // It depends on nothing that was refused.
    ASSERT_TRUE(ann.edit(R"([{"delete":{"index":0,"length":1}}])").ok());
    ann.exchange();
    EXPECT_FALSE(ann->is_saved());
    EXPECT_NE(ann->refusal(), nullptr);
    ann.go(Link::offline);
    ann.go(Link::online);
    ann.exchange();
    EXPECT_TRUE(ann->is_saved());
    EXPECT_EQ(ann->refusal(), nullptr);
}

TEST(TextReplica, ARefusedStateOfItsAuthorIsNoRefusalOfTheText) {
    Server server;
    Client ann(server);
    ann.go(Link::online);
    ann.exchange();
    ann->set_state(ann.now, json(R"({"user":{"name":"Ann"}})"));
    ann.exchange();
    ann.refuse("too_large");
    EXPECT_EQ(ann->refusal(), nullptr);
    EXPECT_EQ(ann.count(Kind::refused), 1u);
}

TEST(TextReplica, ADeletedChannelEndsIt) {
    Server server;
    Client ann(server);
    ann.go(Link::online);
    ann.exchange();
    wire::TextReceived closed;
    closed.closed = true;
    ann.receive(closed);
    EXPECT_TRUE(ann->is_closed());
    EXPECT_EQ(ann.count(Kind::closed), 1u);
    ASSERT_TRUE(ann.edit(R"([{"append":"a"}])").ok());
    ann->set_state(ann.now, json("{}"));
    ann.go(Link::offline);
    ann.go(Link::online);
    EXPECT_TRUE(ann.sent().empty());
    EXPECT_EQ(ann->next_timeout(), std::nullopt);
}

TEST(TextReplica, AnEditThatFailsLeavesNothing) {
    Server server;
    Client ann(server);
    ann.go(Link::online);
    ann.exchange();
    ASSERT_TRUE(ann.edit(R"([{"append":"abc"}])").ok());
    ann.exchange();
    (void)ann.events();
    const std::string before = ann->document().encode();
    for (const char* edits : {R"([{"append":"d"},{"delete":{"index":9,"length":1}}])",
                              R"([{"none":1}])", R"([{"set":{"key":"a","value":1}}])",
                              R"([{"delta":[{"retain":1},{"insert":"x"},{"retain":99}]}])",
                              R"([{"append":{"path":["a"],"text":"x"}}])", R"({"append":"d"})"})
        EXPECT_FALSE(ann.edit(edits).ok()) << edits;
    EXPECT_EQ(ann->document().encode(), before);
    EXPECT_TRUE(ann.sent().empty());
    EXPECT_TRUE(ann.events().empty());
    EXPECT_TRUE(ann->is_saved());
}

TEST(TextReplica, EachChangeIsToldWithItsRootAndWhoseItIs) {
    Server server;
    Client ann(server);
    Client bob(server, 2);
    bob.go(Link::online);
    ASSERT_TRUE(ann.edit(R"([{"append":"hello"}])").ok());
    ASSERT_TRUE(ann.edit(R"([{"append":"!"}])").ok());
    auto told = ann.events();
    ASSERT_EQ(told.size(), 2u);
    EXPECT_TRUE(told[1].is_own);
    EXPECT_EQ(told[1].root, "t");
    EXPECT_NE(told[1].change.find(R"("delta":[{"retain":5},{"insert":"!"}])"), std::string::npos);
    ann.go(Link::online);
    ann.exchange();
    bob.exchange();
    // Of a root that bob has not seen before, what is there is told as new.
    told = bob.events();
    std::erase_if(told, [](const TextEvent& event) { return event.kind != Kind::changed; });
    ASSERT_EQ(told.size(), 1u);
    EXPECT_FALSE(told[0].is_own);
    EXPECT_NE(told[0].change.find(R"("delta":[{"insert":"hello!"}])"), std::string::npos);
}

TEST(TextReplica, ItsStateIsSaidOnceItIsSyncedAndAgainWithItsCursor) {
    Server server;
    Client ann(server);
    ann->set_state(ann.now, json(R"({"user":{"name":"Ann"}})"));
    ann.go(Link::online);
    std::deque<std::string> kept;  // what the states are views of
    const auto states = [&] {
        std::vector<yjs::AwarenessState> out;
        for (const wire::TextSend& frame : std::exchange(server.seen, {})) {
            const auto message = yjs::read_message(frame.message);
            if (!message || message->kind != yjs::MessageKind::awareness) continue;
            kept.push_back(frame.message);
            const auto read = yjs::decode_awareness(yjs::read_message(kept.back())->body);
            out.insert(out.end(), read->begin(), read->end());
        }
        return out;
    };
    const auto first = ann.sent();
    ASSERT_EQ(first.size(), 1u) << "a question and nothing else";
    ann.go(Link::offline);
    ann.go(Link::online);
    ann.exchange();
    auto said = states();
    ASSERT_EQ(said.size(), 1u);
    EXPECT_EQ(said[0].json, R"({"user":{"name":"Ann"}})");
    ASSERT_TRUE(ann.edit(R"([{"append":"a"}])").ok());
    ann.exchange();
    said = states();
    ASSERT_EQ(said.size(), 1u);
    EXPECT_NE(said[0].json.find(R"("cursor":{"anchor":)"), std::string_view::npos);
    const uint32_t clock = said[0].clock;
    ASSERT_TRUE(ann->next_timeout().has_value());
    ann.wait(*ann->next_timeout() - ann.now.mono_ms);
    said = states();
    ASSERT_EQ(said.size(), 1u);
    EXPECT_EQ(said[0].clock, clock + 1);
    ann->set_state(ann.now, base::Value());
    ann.exchange();
    said = states();
    ASSERT_EQ(said.size(), 1u);
    EXPECT_EQ(said[0].json, "null");
    EXPECT_EQ(ann->next_timeout(), std::nullopt);
}

TEST(TextReplica, OthersAreAsTheirNewestStateSays) {
    Server server;
    Client ann(server);
    ann.go(Link::online);
    ann.exchange();
    const auto say = [&](uint64_t client, uint32_t clock, std::string_view state) {
        const yjs::AwarenessState one{client, clock, state};
        ann.receive(yjs::awareness_message(yjs::encode_awareness({&one, 1})));
    };
    say(7, 5, R"({"a":1})");
    say(7, 4, R"({"a":0})");
    EXPECT_EQ(ann->others().at(7), R"({"a":1})");
    say(8, 1, "{}");
    EXPECT_EQ(ann->others().size(), 2u);
    say(7, 6, "null");
    EXPECT_FALSE(ann->others().contains(7));
    say(7, 5, "{}");
    EXPECT_FALSE(ann->others().contains(7)) << "older than its farewell";
    // Its own, of an earlier connection, is none of the others; what it says next is newer.
    say(ann->document().client_id(), 41, "{}");
    EXPECT_EQ(ann->others().size(), 1u);
    ann->set_state(ann.now, json("{}"));
    const auto sent = ann.sent();
    ASSERT_EQ(sent.size(), 1u);
    const auto said = yjs::decode_awareness(yjs::read_message(sent[0].message)->body);
    ASSERT_TRUE(said.ok());
    EXPECT_EQ(said->at(0).clock, 42u);
    ann.go(Link::offline);
    EXPECT_TRUE(ann->others().empty());
}

TEST(TextReplica, MessagesThatDoNotDecodeArePassedOver) {
    Server server;
    Client ann(server);
    ASSERT_TRUE(ann.edit(R"([{"append":"a"}])").ok());
    ann.go(Link::online);
    ann.exchange();
    for (const std::string& message :
         {std::string("\xff"), std::string("\x00", 1), message_of("\x01\x02"),
          yjs::sync_message(SyncStep::step1, "\xff"), yjs::awareness_message("\x09")})
        ann.receive(message);
    EXPECT_EQ(ann.shown(), "a");
    EXPECT_TRUE(ann->is_synced() && ann->is_saved());
}

TEST(TextReplica, OneWhoseClientIsAnothersTakesANewOne) {
    Server server;
    Client ann(server);
    Client bob(server);  // of the same seed
    ASSERT_EQ(ann->document().client_id(), bob->document().client_id());
    ASSERT_TRUE(ann.edit(R"([{"append":"a"}])").ok());
    ann.go(Link::online);
    ann.exchange();
    bob.go(Link::online);
    bob.exchange();
    EXPECT_NE(ann->document().client_id(), bob->document().client_id());
    ASSERT_TRUE(bob.edit(R"([{"append":"b"}])").ok());
    bob.exchange();
    EXPECT_EQ(bob.shown(), "ab");
}

// Connections come and go, answers are lost, and what is written offline is sent later.
TEST(TextReplica, TwoAreTheSameAfterAnyLossOfMessages) {
    for (uint64_t seed = 1; seed <= 40; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random(seed);
        Server server;
        Client ann(server, seed * 2), bob(server, seed * 2 + 1);
        for (int i = 0; i < 60; ++i) {
            Client& one = random() % 2 == 0 ? ann : bob;
            switch (random() % 5) {
                case 0:
                    one.go(Link::offline);
                    break;
                case 1:
                    one.go(Link::online);
                    break;
                case 2:
                    server.is_deaf = random() % 4 == 0;
                    one.exchange();
                    break;
                case 3:
                    ASSERT_TRUE(one.edit("[{\"insert\":{\"index\":0,\"text\":\"" +
                                         std::to_string(random() % 100) + "\"}}]")
                                    .ok());
                    break;
                default:
                    if (one.shown().empty()) break;
                    ASSERT_TRUE(one.edit(R"([{"delete":{"index":0,"length":1}}])").ok());
            }
        }
        server.is_deaf = false;
        for (int round = 0; round < 2; ++round)
            for (Client* one : {&ann, &bob}) {
                one->go(Link::offline);
                one->go(Link::online);
                one->exchange();
                EXPECT_TRUE((*one)->is_synced() && (*one)->is_saved());
            }
        EXPECT_EQ(ann.shown(), bob.shown());
        EXPECT_EQ(ann->document().state_vector(), bob->document().state_vector());
    }
}

}  // namespace
}  // namespace tandem::client
