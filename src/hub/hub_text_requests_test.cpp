#include "product/hub_rig.hpp"
#include "yjs/sync_messages.hpp"

// Texts by requests: edits that wait for one another, and authors who are shown for a while.
namespace tandem::hub {
namespace {

using namespace testing;
using yjs::SyncStep;

constexpr const char* kDocument = "t:doc";

struct RequestRig : Rig {
    using Rig::Rig;

    void edit(std::string_view edits, std::string author = {}, bool is_leaving = false) {
        EditText request;
        request.channel = kDocument;
        request.name = "main";
        request.root = "t";
        request.edits = json(edits);
        request.author = std::move(author);
        request.is_leaving = is_leaving;
        hub->request(now, ++last_request, std::move(request));
    }
    std::string text() {
        ReadText request;
        request.channel = kDocument;
        request.name = "main";
        request.form = ReadText::Form::text;
        hub->request(now, ++last_request, std::move(request));
        Reply answer = reply();
        return answer.is_error ? std::string(base::error_name(answer.error.code)) : answer.json;
    }
    /// All that the newest awareness messages for a provider say.
    std::string heard(ConnectionId id) {
        settle();
        std::string out;
        for (const FramePtr& frame : take(id)) {
            const auto message = yjs::read_message(frame->payload);
            if (message->kind != yjs::MessageKind::awareness) continue;
            const auto states = yjs::decode_awareness(message->body);
            for (const yjs::AwarenessState& state : *states)
                out += std::string(state.json) + '\n';
        }
        return out;
    }
    uint64_t last_request = 0;
};

TEST(TextRequests, EditsThatComeTogetherFollowEachOther) {
    RequestRig rig;
    // The first three come before the channel is loaded, the others while those are on their way.
    for (const char* letter : {"a", "b", "c"})
        rig.edit("[{\"append\":\"" + std::string(letter) + "\"}]");
    rig.turn();
    rig.turn();
    rig.store.is_held = true;
    for (const char* letter : {"d", "e"})
        rig.edit("[{\"append\":\"" + std::string(letter) + "\"}]", "Agent");
    rig.turn();
    rig.store.is_held = false;
    for (uint64_t seq = 1; seq <= 5; ++seq)
        EXPECT_EQ(rig.reply().seq, seq);
    EXPECT_EQ(rig.text(), "abcde");
}

TEST(TextRequests, AnEditThatTheStoreLosesIsRefusedAndTheNextGoesOn) {
    RequestRig rig;
    rig.edit(R"([{"append":"a"}])");
    EXPECT_FALSE(rig.reply().is_error);
    rig.store.append_error = base::fail(base::ErrorCode::storage_full);
    rig.edit(R"([{"append":"lost"}])");
    EXPECT_EQ(rig.reply().error.code, base::ErrorCode::storage_full);
    rig.edit(R"([{"append":"b"}])");
    EXPECT_EQ(rig.reply().seq, 2u);
    EXPECT_EQ(rig.text(), "ab");
}

TEST(TextRequests, AnAuthorIsShownUntilItIsSilent) {
    RequestRig rig;
    const ConnectionId editor = rig.open(Codec::yjs);
    rig.hub->handle_text(
        rig.now, editor,
        {kDocument, "main", yjs::sync_message(SyncStep::step1, std::string(1, 0))});
    rig.settle();
    rig.edit(R"([{"append":"a"}])", "Agent");
    EXPECT_FALSE(rig.reply().is_error);
    const std::string shown = rig.heard(editor);
    EXPECT_NE(shown.find(R"("user":{"name":"Agent"})"), std::string::npos);
    EXPECT_NE(shown.find(R"("cursor":{"anchor":)"), std::string::npos);
    rig.pass(20'000);
    rig.edit(R"([{"append":"b"}])", "Agent");
    EXPECT_FALSE(rig.reply().is_error);
    (void)rig.heard(editor);
    rig.pass(20'000);
    EXPECT_EQ(rig.heard(editor), "");
    rig.pass(5'001);
    EXPECT_EQ(rig.heard(editor), "null\n");
    // It can come back, and go by itself.
    rig.edit("[]", "Agent");
    EXPECT_FALSE(rig.reply().is_error);
    EXPECT_NE(rig.heard(editor), "");
    rig.edit("[]", "Agent", true);
    EXPECT_FALSE(rig.reply().is_error);
    EXPECT_EQ(rig.heard(editor), "null\n");
    // Nobody is shown who gives no name.
    rig.edit(R"([{"append":"c"}])");
    EXPECT_FALSE(rig.reply().is_error);
    EXPECT_EQ(rig.heard(editor), "");
}

TEST(TextRequests, WhatIsReadColdLeavesNothingInMemory) {
    RequestRig rig;
    rig.edit(R"([{"append":"a"}])");
    EXPECT_FALSE(rig.reply().is_error);
    for (int i = 0; i < 4 && rig.hub->find_channel(kDocument) != nullptr; ++i)
        rig.pass(100'000);
    ASSERT_EQ(rig.hub->find_channel(kDocument), nullptr);
    EXPECT_EQ(rig.text(), "a");
    for (int i = 0; i < 4 && rig.hub->find_channel(kDocument) != nullptr; ++i)
        rig.pass(100'000);
    EXPECT_EQ(rig.hub->find_channel(kDocument), nullptr);
    EXPECT_EQ(rig.text(), "a");
}

TEST(TextRequests, LimitsHold) {
    Config config = test_config();
    config.limits.text_bytes_max = 1'000;
    config.limits.texts_per_channel_max = 0;
    RequestRig full(config);
    full.edit(R"([{"append":"a"}])");
    EXPECT_EQ(full.reply().error.code, base::ErrorCode::too_many_texts);
    config.limits.texts_per_channel_max = 1;
    RequestRig rig(config);
    rig.edit("[{\"append\":\"" + std::string(2'000, 'x') + "\"}]");
    EXPECT_EQ(rig.reply().error.code, base::ErrorCode::too_large);
    EXPECT_EQ(rig.text(), "not_found");
}

// A document could not be built of more clients than it can number.
TEST(TextRequests, OnlySoManyClientsEditOneText) {
    Config config = test_config();
    config.limits.clients_per_text_max = 3;
    RequestRig rig(config);
    const auto update_of = [](uint64_t client) {
        yjs::DocumentOptions options;
        options.client = client;
        yjs::Document document(options);
        document.begin();
        EXPECT_TRUE(document.insert_text(document.root("t", yjs::TypeKind::text), 0, "x").ok());
        document.commit();
        return document.encode();
    };
    const auto send = [&](uint64_t client) {
        EditText request;
        request.channel = kDocument;
        request.name = "main";
        request.update = update_of(client);
        rig.hub->request(rig.now, ++rig.last_request, std::move(request));
        const Reply reply = rig.reply();
        return reply.is_error ? std::string(base::error_name(reply.error.code)) : "taken";
    };
    for (uint64_t client : {11, 12, 13})
        EXPECT_EQ(send(client), "taken");
    EXPECT_EQ(send(14), "too_many_authors");
    EXPECT_EQ(send(12), "taken");
    EXPECT_EQ(rig.text(), "xxx");
}

// A link of 100 KB over a text of which every other character is bold: 140 KB that would be 100 MB.
TEST(TextRequests, FormatsThatEveryStretchRepeatsAreNotWrittenOutWithoutEnd) {
    RequestRig rig;
    yjs::Document document(yjs::DocumentOptions{7, true, false});
    const yjs::BranchIndex text = document.root("t", yjs::TypeKind::text);
    const auto any = [](std::string_view json) {
        yjs::Buffer out;
        EXPECT_TRUE(yjs::append_any_of_json(json, out).ok());
        return out.str();
    };
    document.begin();
    ASSERT_TRUE(document.insert_text(text, 0, std::string(2'000, 'a')).ok());
    ASSERT_TRUE(
        document.format_text(text, 0, 2'000, {{"link", any('"' + std::string(100'000, 'l') + '"')}})
            .ok());
    for (uint32_t at = 0; at < 2'000; at += 2)
        ASSERT_TRUE(document.format_text(text, at, 1, {{"bold", any("true")}}).ok());
    document.commit();
    EditText written;
    written.channel = kDocument;
    written.name = "main";
    written.update = document.encode();
    rig.hub->request(rig.now, ++rig.last_request, std::move(written));
    ASSERT_FALSE(rig.reply().is_error);
    const auto read = [&](ReadText::Form form) {
        ReadText request;
        request.channel = kDocument;
        request.name = "main";
        request.form = form;
        rig.hub->request(rig.now, ++rig.last_request, std::move(request));
        return rig.reply();
    };
    EXPECT_EQ(read(ReadText::Form::delta).error.code, base::ErrorCode::too_large);
    EXPECT_EQ(read(ReadText::Form::text).json, std::string(2'000, 'a'));
    EXPECT_FALSE(read(ReadText::Form::update).is_error);
    ReadTextChanges changes;
    changes.channel = kDocument;
    changes.text = "main";
    changes.from = {0, {}};
    changes.to = {1, {}};
    rig.hub->request(rig.now, ++rig.last_request, std::move(changes));
    EXPECT_EQ(rig.reply().error.code, base::ErrorCode::too_large);
}

}  // namespace
}  // namespace tandem::hub
