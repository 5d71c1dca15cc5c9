#include "client/history.hpp"

#include "client/test_client.hpp"

namespace tandem::client::testing {
namespace {

struct HistoryTest : ::testing::Test {
    ModelServer server;
    TestClient a{server};
    TestClient b{server};

    Edit edit() { return a->edit(kChannel); }
    void push(Edit& made) { ASSERT_TRUE(a->push(a.now, kChannel, made.take()).ok()); }
    void push(Edit&& made) { push(made); }
    PushId undo() { return a->undo(a.now, kChannel); }
    PushId redo() { return a->redo(a.now, kChannel); }
    void sync() {
        a.dial();
        b.dial();
        for (int i = 0; i < 3; ++i) {
            a.pump();
            b.pump();
        }
    }
    /// Undoing gives `before` back, and redoing what was there after.
    void expect_there_and_back(const std::string& before) {
        std::string after = a.shown();
        ASSERT_NE(undo(), 0u);
        EXPECT_EQ(a.shown(), before);
        ASSERT_NE(redo(), 0u);
        EXPECT_EQ(a.shown(), after);
        ASSERT_NE(undo(), 0u);
        EXPECT_EQ(a.shown(), before);
        sync();
        EXPECT_EQ(base::to_json(server.document.shown({})), before);
    }
};

TEST_F(HistoryTest, SetOfANewAndOfAnExistingField) {
    push(edit().set(path("title"), base::Value("a")));
    push(edit().set(path("title"), base::Value("b")));
    expect_there_and_back(R"({"title":"a"})");
    EXPECT_NE(undo(), 0u);
    EXPECT_EQ(a.shown(), "{}");
    EXPECT_EQ(undo(), 0u);
    EXPECT_FALSE(a->can_undo(kChannel));
    EXPECT_TRUE(a->can_redo(kChannel));
}

TEST_F(HistoryTest, LabelsGoThereAndBackWithTheirSteps) {
    const auto push_as = [this](const char* value, const char* label) {
        PushOptions options;
        options.label = label;
        ASSERT_TRUE(a->push(a.now, kChannel, edit().set(path("title"), base::Value(value)).take(),
                            std::move(options))
                        .ok());
    };
    const auto labels = [this] { return a->undo_label(kChannel) + "|" + a->redo_label(kChannel); };
    EXPECT_EQ(labels(), "|");
    push_as("a", "Name");
    push_as("b", "Rename");
    EXPECT_EQ(labels(), "Rename|");
    EXPECT_NE(undo(), 0u);
    EXPECT_EQ(labels(), "Name|Rename");
    EXPECT_NE(undo(), 0u);
    EXPECT_EQ(labels(), "|Name");
    EXPECT_NE(redo(), 0u);
    EXPECT_EQ(labels(), "Name|Rename");
    push_as("c", "");
    EXPECT_EQ(labels(), "|");
}

TEST_F(HistoryTest, CountersGoBackByWhatWasAdded) {
    push(edit().inc(path("votes"), 5));
    push(edit().counter_set(path("votes"), 50));
    expect_there_and_back(R"({"votes":5})");
}

TEST_F(HistoryTest, UndoOfACounterKeepsWhatOthersAdded) {
    push(edit().inc(path("votes"), 5));
    sync();
    ASSERT_TRUE(b.inc("votes", 100).ok());
    sync();
    ASSERT_NE(undo(), 0u);
    EXPECT_EQ(a.counter("votes"), 100);
}

TEST_F(HistoryTest, ElementsThatWereThereStay) {
    push(edit().add(path("tags"), base::Value("x")));
    push(edit().add(path("tags"), base::Value("x")).add(path("tags"), base::Value("y")));
    expect_there_and_back(R"({"tags":["x"]})");
    push(edit().remove(path("tags"), base::Value("x")));
    expect_there_and_back(R"({"tags":["x"]})");
}

TEST_F(HistoryTest, ADeletedItemComesBackWithItsIdPlaceAndContent) {
    auto first = edit();
    first.insert(path("cards"), Place::last(),
                 base::Value(base::Object{{"text", base::Value("1")}}));
    std::string id = first.insert(path("cards"), Place::last(),
                                  base::Value(base::Object{{"text", base::Value("2")}}));
    first.insert(path("cards"), Place::last(), base::Value());
    push(first);
    push(edit().inc(path("cards/@" + id + "/likes"), 3));
    std::string before = a.shown();
    push(edit().remove_node(path("cards/@" + id)));
    expect_there_and_back(before);
    EXPECT_EQ(a->view(kChannel).shown_kind(path("cards/@" + id + "/likes")), record::Kind::counter);
}

TEST_F(HistoryTest, MovesGoBack) {
    auto first = edit();
    std::string one = first.insert(path("cards"), Place::last(), base::Value());
    std::string two = first.insert(path("cards"), Place::last(), base::Value());
    push(first);
    std::string before = a.shown();
    push(edit().move(path("cards/@" + two), Place::before(one)));
    EXPECT_NE(a.shown(), before);
    expect_there_and_back(before);
}

TEST_F(HistoryTest, ADeletedSubtreeComesBackWithItsKinds) {
    push(edit()
             .set(path("a/b"), base::Value(1.0))
             .inc(path("a/n"), 2)
             .add(path("a/tags"), base::Value("x"))
             .assign(path("a/m"), *base::parse_json(R"({"x":{"y":1}})")));
    std::string before = a.shown();
    push(edit().remove_node(path("a")));
    EXPECT_EQ(a.shown(), "{}");
    expect_there_and_back(before);
    EXPECT_EQ(a->view(kChannel).shown_kind(path("a/n")), record::Kind::counter);
    EXPECT_EQ(a->view(kChannel).shown_kind(path("a/m/x")), record::Kind::map);
}

TEST_F(HistoryTest, AssignGoesBackToWhatWasThere) {
    push(edit().assign(path("o"), *base::parse_json(R"({"a":1,"b":2})")));
    push(edit().assign(path("o"), *base::parse_json(R"({"c":3})")));
    expect_there_and_back(R"({"o":{"a":1,"b":2}})");
}

TEST_F(HistoryTest, ATransactionIsOneStep) {
    push(edit().set(path("title"), base::Value("a")));
    push(edit()
             .set(path("title"), base::Value("b"))
             .set(path("title"), base::Value("c"))
             .inc(path("votes"), 2));
    std::string after = a.shown();
    ASSERT_NE(undo(), 0u);
    EXPECT_EQ(a->view(kChannel).shown(path("title")), base::Value("a"));
    EXPECT_EQ(a.counter("votes"), 0);
    ASSERT_NE(redo(), 0u);
    EXPECT_EQ(a.shown(), after);
}

TEST_F(HistoryTest, ALaterWriteOfSomebodyElseIsLeftAlone) {
    push(edit().set(path("title"), base::Value("mine")));
    sync();
    ASSERT_TRUE(b.set("title", "theirs").ok());
    sync();
    EXPECT_EQ(undo(), 0u);
    EXPECT_EQ(a.shown(), R"({"title":"theirs"})");
}

TEST_F(HistoryTest, ANewWriteEndsRedoAndARefusedOneLeavesNoStep) {
    push(edit().set(path("title"), base::Value("a")));
    ASSERT_NE(undo(), 0u);
    push(edit().set(path("other"), base::Value("b")));
    EXPECT_FALSE(a->can_redo(kChannel));
    sync();
    server.refuse = [](const wire::Push&) {
        wire::ErrorFrame error;
        error.code = "forbidden";
        return std::optional(error);
    };
    push(edit().set(path("third"), base::Value("c")));
    sync();
    server.refuse = {};
    ASSERT_NE(undo(), 0u);
    EXPECT_EQ(a.shown(), "{}");
}

}  // namespace
}  // namespace tandem::client::testing
