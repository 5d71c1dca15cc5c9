#include "product/hub_rig.hpp"

// The past of texts: states that are kept by themselves and by name, what came since, going back.
namespace tandem::hub {
namespace {

using namespace testing;

constexpr const char* kDocument = "t:doc";
constexpr uint64_t kMinuteMs = 60'000;

struct TextPasts : ::testing::Test {
    explicit TextPasts(Config config = test_config()) : rig(std::move(config)) {
        rig.now.wall_ms = 1'000 * kMinuteMs;
    }

    Reply ask(Request request) {
        rig.hub->request(rig.now, ++last_id, std::move(request));
        return rig.reply();
    }
    Reply edit(std::string_view edits, const std::string& name = "main") {
        EditText request;
        request.channel = kDocument;
        request.name = name;
        request.root = "t";
        request.edits = json(edits);
        return ask(std::move(request));
    }
    Reply append(const std::string& text) { return edit("[{\"append\":\"" + text + "\"}]"); }
    std::string text(TextMoment moment = {}) {
        ReadText request;
        request.channel = kDocument;
        request.name = "main";
        request.form = ReadText::Form::text;
        request.moment = std::move(moment);
        return shown(ask(std::move(request)));
    }
    static std::string shown(const Reply& reply) {
        return reply.is_error ? std::string(base::error_name(reply.error.code)) : reply.json;
    }
    /// "name kind seq" of each.
    std::vector<std::string> versions() {
        std::vector<std::string> out;
        const base::Value list = json(ask(ListTextVersions{kDocument, "main"}).json);
        for (const base::Value& row : list.find("versions")->as_array()) {
            const base::Value* name = row.find("name");
            out.push_back((name->is_string() ? name->as_string() : "-") + ' ' +
                          row.find("kind")->as_string() + ' ' +
                          std::to_string(row.find("seq")->as_integer()));
        }
        return out;
    }
    void pass(uint64_t ms) {
        rig.now.wall_ms += ms;
        rig.now.mono_ms += ms;
    }

    Rig rig;
    uint64_t last_id = 0;
};

struct TrimmedTextPasts : TextPasts {
    static Config settings() {
        Config config = test_config();
        config.retention.entries = 10;
        config.retention.snapshot_every_entries = 5;
        config.retention.states = 3;
        return config;
    }
    TrimmedTextPasts() : TextPasts(settings()) {}
};

using Names = std::vector<std::string>;

TEST_F(TextPasts, ATextIsShownAsItWasAtEverySeq) {
    std::string so_far;
    std::vector<std::string> history{"not_found"};
    for (char letter = 'a'; letter < 'k'; ++letter) {
        append(std::string(1, letter));
        history.push_back(so_far += letter);
    }
    edit(R"([{"append":"other"}])", "another");
    history.push_back(so_far);
    for (uint64_t at = 0; at < history.size(); ++at)
        EXPECT_EQ(text({at, {}}), history[at]) << at;
    EXPECT_EQ(text({history.size(), {}}), "out_of_range");
    rig.restart();
    EXPECT_EQ(text({4, {}}), "abcd");
}

TEST_F(TextPasts, ASessionIsKeptAsItsLastStateAndNowAndThen) {
    append("a");
    append("b");
    EXPECT_EQ(versions(), Names{}) << "the session goes on";
    pass(60 * kMinuteMs);
    append("c");
    EXPECT_EQ(versions(), Names{"- automatic 2"}) << "what it was before";
    EXPECT_EQ(text({2, {}}), "ab");
    for (int i = 0; i < 12; ++i) {
        pass(kMinuteMs);
        append("d");
    }
    EXPECT_EQ(versions().size(), 2u) << "one in ten minutes";
    rig.restart();
    pass(kMinuteMs);
    append("e");
    EXPECT_EQ(versions().size(), 2u) << "the time of the last one is known after a restart";
    EXPECT_EQ(ask(DeleteTextVersion{kDocument, "main", {}, 2}).json, R"({"deleted":true})");
    EXPECT_EQ(versions().size(), 1u);
}

TEST_F(TrimmedTextPasts, VersionsOutliveTheLogAndARestart) {
    append("first");
    EXPECT_EQ(ask(SaveTextVersion{kDocument, "main", "one", {}}).json, R"({"seq":1})");
    EXPECT_EQ(shown(ask(SaveTextVersion{kDocument, "main", "one", {}})), "version_exists");
    pass(11 * kMinuteMs);
    append(" second");
    for (int i = 0; i < 100; ++i)
        append(".");
    EXPECT_EQ(text({2, {}}), "state_gone");
    EXPECT_EQ(text({{}, "one"}), "first");
    EXPECT_EQ(text({1, {}}), "first") << "kept by itself";
    EXPECT_EQ(versions(), (Names{"- automatic 1", "one named 1"}));
    rig.restart();
    EXPECT_EQ(text({{}, "one"}), "first");
    EXPECT_EQ(ask(SaveTextVersion{kDocument, "main", "again", 1}).json, R"({"seq":1})");
    EXPECT_EQ(text({{}, "again"}), "first");
    EXPECT_EQ(ask(DeleteTextVersion{kDocument, "main", "one", {}}).json, R"({"deleted":true})");
    EXPECT_EQ(text({{}, "one"}), "not_found");
    EXPECT_EQ(shown(ask(DeleteTextVersion{kDocument, "main", "one", {}})), "not_found");
    EXPECT_EQ(shown(ask(SaveTextVersion{kDocument, "none", "one", {}})), "not_found");
    EXPECT_FALSE(ask(DeleteChannel{kDocument}).is_error);
    EXPECT_EQ(text({{}, "again"}), "not_found");
}

TEST_F(TextPasts, ARestoreIsAnEditAndWhatItReplacesIsKept) {
    append("one two");
    ask(SaveTextVersion{kDocument, "main", "good", {}});
    edit(R"([{"delete":{"index":0,"length":4}},{"append":" three"}])");
    const Reply restored = ask(RestoreText{kDocument, "main", {{}, "good"}});
    EXPECT_EQ(restored.json, R"({"seq":3})");
    EXPECT_EQ(text(), "one two");
    EXPECT_EQ(versions(), (Names{"good named 1", "- before_restore 2"}));
    EXPECT_EQ(text({2, {}}), "two three");
    // Again it changes nothing, and back is a restore as well.
    EXPECT_EQ(ask(RestoreText{kDocument, "main", {{}, "good"}}).json,
              R"({"seq":3,"unchanged":true})");
    EXPECT_EQ(ask(RestoreText{kDocument, "main", {2, {}}}).json, R"({"seq":4})");
    EXPECT_EQ(text(), "two three");
    rig.restart();
    EXPECT_EQ(text(), "two three");
    EXPECT_EQ(shown(ask(RestoreText{kDocument, "main", {{}, "none"}})), "not_found");
    EXPECT_EQ(shown(ask(RestoreText{kDocument, "main", {}})), "invalid_argument");
    // What a terminal would take for a command is no name.
    for (const char* name : {"", "\x1b[31mred", "two\nlines"}) {
        SaveTextVersion save;
        save.channel = kDocument;
        save.text = "main";
        save.name = name;
        EXPECT_EQ(shown(ask(std::move(save))), "invalid_argument");
    }
    EXPECT_EQ(shown(ask(RestoreText{kDocument, "none", {{}, "good"}})), "not_found");
}

TEST_F(TextPasts, ARestoreMayBeOnTheConditionThatNothingHasChanged) {
    append("one");
    ask(SaveTextVersion{kDocument, "main", "good", {}});
    append(" two");
    const uint64_t epoch = rig.hub->find_channel(kDocument)->epoch();
    const auto restore = [&](record::Cursor seen) {
        return RestoreText{kDocument, "main", {{}, "good"}, {}, seen};
    };
    EXPECT_EQ(shown(ask(restore({epoch, 1}))), "precondition_failed");
    EXPECT_EQ(shown(ask(restore({epoch, 3}))), "precondition_failed") << "of no state yet";
    EXPECT_EQ(shown(ask(restore({epoch + 1, 2}))), "precondition_failed");
    EXPECT_EQ(text(), "one two");
    // What is on its way to the disk counts.
    rig.store.is_held = true;
    EditText late;
    late.channel = kDocument;
    late.name = "main";
    late.root = "t";
    late.edits = json(R"([{"append":"!"}])");
    late.if_unchanged = record::Cursor{epoch, 2};
    rig.hub->request(rig.now, ++last_id, late);
    rig.turn();
    rig.hub->request(rig.now, ++last_id, restore({epoch, 2}));
    rig.turn();
    rig.store.is_held = false;
    EXPECT_EQ(rig.reply().json, R"({"seq":3})");
    EXPECT_EQ(shown(rig.reply()), "precondition_failed");
    EXPECT_EQ(text(), "one two!");
    late.if_unchanged = record::Cursor{epoch, 2};
    EXPECT_EQ(shown(ask(std::move(late))), "precondition_failed");
    // Other texts of the channel and its record are no part of it.
    edit(R"([{"append":"x"}])", "other");
    EXPECT_EQ(ask(restore({epoch, 3})).json, R"({"seq":5})");
    EXPECT_EQ(text(), "one");
}

TEST_F(TextPasts, ARestoreThatTheStoreLosesLeavesNothing) {
    append("one");
    append(" two");
    rig.store.append_error = base::fail(base::ErrorCode::storage_full);
    EXPECT_EQ(shown(ask(RestoreText{kDocument, "main", {1, {}}})), "storage_full");
    EXPECT_EQ(text(), "one two");
    EXPECT_EQ(versions(), Names{});
}

TEST_F(TextPasts, ChangesTellWhatCameAndFromWhom) {
    append("one");
    ask(SaveTextVersion{kDocument, "main", "v", {}});
    append(" two");
    const base::Value answer = json(ask(ReadTextChanges{kDocument, "main", {{}, "v"}, {}}).json);
    EXPECT_EQ(answer.find("from")->as_integer(), 1);
    EXPECT_EQ(answer.find("to")->as_integer(), 2);
    const base::Value& change = answer.find("changes")->as_array()[0];
    EXPECT_EQ(base::to_json(*change.find("delta")), R"([{"retain":3},{"insert":" two"}])");
    EXPECT_EQ(change.find("by")->as_array().size(), 1u);
    // From nothing, and between two seqs.
    const Reply all = ask(ReadTextChanges{kDocument, "main", {0, {}}, {1, {}}});
    EXPECT_NE(all.json.find(R"("delta":[{"insert":"one"}])"), std::string::npos) << all.json;
    EXPECT_EQ(shown(ask(ReadTextChanges{kDocument, "main", {2, {}}, {1, {}}})), "out_of_range");
    EXPECT_EQ(shown(ask(ReadTextChanges{kDocument, "main", {9, {}}, {}})), "out_of_range");
    EXPECT_EQ(shown(ask(ReadTextChanges{kDocument, "main", {{}, "x"}, {}})), "not_found");
}

}  // namespace
}  // namespace tandem::hub
