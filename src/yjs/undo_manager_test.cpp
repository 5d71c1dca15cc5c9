#include "yjs/undo_manager.hpp"

#include <gtest/gtest.h>

#include <string>

#include "yjs/any.hpp"
#include "yjs/document_testing.hpp"
#include "yjs/reading.hpp"
#include "yjs/relative_position.hpp"

namespace tandem::yjs {
namespace {

using What = UndoManager::Event::What;

using testing_parts::any_of;
using testing_parts::type_of;

class UndoManagerTest : public testing::Test {
  protected:
    UndoManagerTest() : document_(DocumentOptions{1, true, false}) {
        text_ = document_.root("t", TypeKind::text);
        map_ = document_.root("m", TypeKind::map);
    }

    UndoOptions options() {
        UndoOptions options;
        options.now_ms = [this] { return now_ms_; };
        return options;
    }

    template <class Edit>
    void change(Edit&& edit, uint64_t origin = 0) {
        now_ms_ += 1000;
        document_.begin(origin);
        edit();
        document_.commit();
    }
    void type(uint32_t position, std::string_view text, uint64_t origin = 0) {
        change([&] { EXPECT_TRUE(document_.insert_text(text_, position, text).ok()); }, origin);
    }
    void erase(uint32_t position, uint32_t len) {
        change([&] { EXPECT_TRUE(document_.delete_text(text_, position, len).ok()); });
    }
    void set(std::string_view key, std::string_view json) {
        change([&] { document_.set_value(map_, key, any_of(json)); });
    }
    std::string text() const { return text_of(document_.store(), text_); }
    std::string json() const {
        std::string out;
        append_json(document_.store(), map_, out);
        return out;
    }

    uint64_t now_ms_ = 1000;
    Document document_;
    BranchIndex text_;
    BranchIndex map_;
};

TEST_F(UndoManagerTest, TakesBackAndBringsBack) {
    UndoManager manager(document_, {text_}, options());
    EXPECT_FALSE(manager.undo().has_value());
    type(0, "ab");
    erase(0, 1);
    EXPECT_TRUE(manager.undo().has_value());
    EXPECT_EQ(text(), "ab");
    EXPECT_TRUE(manager.undo().has_value());
    EXPECT_EQ(text(), "");
    EXPECT_FALSE(manager.can_undo());
    EXPECT_TRUE(manager.redo().has_value());
    EXPECT_EQ(text(), "ab");
    EXPECT_TRUE(manager.redo().has_value());
    EXPECT_EQ(text(), "b");
    EXPECT_FALSE(manager.can_redo());
}

TEST_F(UndoManagerTest, LeavesWhatOthersDidMeanwhile) {
    UndoOptions only_own = options();
    only_own.tracked_origins = {1};
    UndoManager manager(document_, {text_}, only_own);
    type(0, "mine", 1);
    Document other(DocumentOptions{2, true, false});
    ASSERT_TRUE(other.apply(document_.encode()).ok());
    other.begin();
    ASSERT_TRUE(other.insert_text(other.root("t"), 2, "HERS").ok());
    other.commit();
    ASSERT_TRUE(document_.apply(other.encode()).ok());
    EXPECT_EQ(text(), "miHERSne");
    ASSERT_TRUE(manager.undo().has_value());
    EXPECT_EQ(text(), "HERS");
    ASSERT_TRUE(manager.redo().has_value());
    EXPECT_EQ(text(), "miHERSne");
    // And so it is for everybody; only here is what was deleted kept.
    ASSERT_TRUE(other.apply(document_.encode()).ok());
    EXPECT_EQ(text_of(other.store(), other.root("t")), "miHERSne");
    EXPECT_EQ(other.state_vector(), document_.state_vector());
}

TEST_F(UndoManagerTest, ChangesThatFollowQuicklyAreOne) {
    UndoManager manager(document_, {text_}, options());
    type(0, "a");
    now_ms_ -= 900;
    type(1, "b");
    EXPECT_EQ(manager.undo_stack().size(), 1u);
    type(2, "c");
    EXPECT_EQ(manager.undo_stack().size(), 2u);
    manager.stop_capturing();
    now_ms_ -= 1000;
    type(3, "d");
    EXPECT_EQ(manager.undo_stack().size(), 3u);
    EXPECT_EQ(manager.take_events(), (std::vector<UndoManager::Event>{{What::added, false},
                                                                      {What::updated, false},
                                                                      {What::added, false},
                                                                      {What::added, false}}));
}

TEST_F(UndoManagerTest, OnlyTrackedOriginsAndTheScopeCount) {
    UndoManager manager(document_, {text_}, options());
    type(0, "x", 7);
    set("k", "1");
    EXPECT_FALSE(manager.can_undo());
    manager.add_tracked_origin(7);
    type(0, "y", 7);
    EXPECT_TRUE(manager.can_undo());
    manager.remove_tracked_origin(7);
    manager.clear();
    type(0, "z", 7);
    EXPECT_FALSE(manager.can_undo());
    manager.add_to_scope(map_);
    set("k", "2");
    ASSERT_TRUE(manager.undo().has_value());
    EXPECT_EQ(json(), "{\"k\":1}");
}

TEST_F(UndoManagerTest, AValueOfAMapIsNotBroughtBackOverSomebodyElses) {
    UndoManager manager(document_, {map_}, options());
    set("k", "1");
    set("k", "2");
    change([&] { document_.set_value(map_, "k", any_of("3")); }, 9);
    EXPECT_FALSE(manager.undo().has_value());
    EXPECT_EQ(json(), "{\"k\":3}");
}

TEST_F(UndoManagerTest, ATypeComesBackWithWhatWasInIt) {
    UndoManager manager(document_, {map_}, options());
    BranchIndex inner = 0;
    change([&] {
        inner = document_.set_content(map_, "list", type_of(TypeKind::array));
        EXPECT_TRUE(document_.insert_values(inner, 0, any_of("1") + any_of("[2]")).ok());
    });
    change([&] { document_.delete_key(map_, "list"); });
    EXPECT_EQ(json(), "{}");
    ASSERT_TRUE(manager.undo().has_value());
    EXPECT_EQ(json(), "{\"list\":[1,[2]]}");
    // It is a copy, at which the next undo finds what is to be deleted.
    ASSERT_TRUE(manager.undo().has_value());
    EXPECT_EQ(json(), "{}");
    ASSERT_TRUE(manager.redo().has_value());
    EXPECT_EQ(json(), "{\"list\":[1,[2]]}");
}

TEST_F(UndoManagerTest, FormatsAreTakenBack) {
    UndoManager manager(document_, {text_}, options());
    type(0, "abc");
    change([&] {
        EXPECT_TRUE(document_.format_text(text_, 0, 2, {{"bold", any_of("true")}}).ok());
    });
    std::string delta;
    ASSERT_TRUE(manager.undo().has_value());
    append_delta(document_.store(), text_, delta);
    EXPECT_EQ(delta, "[{\"insert\":\"abc\"}]");
    ASSERT_TRUE(manager.redo().has_value());
    delta.clear();
    append_delta(document_.store(), text_, delta);
    EXPECT_EQ(delta, "[{\"insert\":\"ab\",\"attributes\":{\"bold\":true}},{\"insert\":\"c\"}]");
}

TEST_F(UndoManagerTest, AChangeForgetsWhatCouldBeRedone) {
    UndoManager manager(document_, {text_}, options());
    type(0, "a");
    ASSERT_TRUE(manager.undo().has_value());
    EXPECT_TRUE(manager.can_redo());
    type(0, "b");
    EXPECT_FALSE(manager.can_redo());
}

TEST_F(UndoManagerTest, WhatWasDeletedIsKeptUntilItIsForgotten) {
    UndoManager manager(document_, {text_}, options());
    type(0, std::string(5000, 'x'));
    erase(0, 5000);
    EXPECT_GT(document_.encode().size(), 5000u);
    manager.clear();
    EXPECT_EQ(manager.take_events().back(), (UndoManager::Event{What::cleared_redo, true}));
    EXPECT_FALSE(manager.can_undo());
    EXPECT_FALSE(manager.undo().has_value());
}

TEST_F(UndoManagerTest, AnItemCarriesWhatTheCallerPutsIntoIt) {
    UndoManager manager(document_, {text_}, options());
    type(0, "a");
    manager.undo_stack().back().meta["cursor"] = "0";
    auto popped = manager.undo();
    ASSERT_TRUE(popped.has_value());
    EXPECT_EQ(popped->meta["cursor"], "0");
}

TEST_F(UndoManagerTest, RelativePositionsFollowWhatWasBroughtBack) {
    UndoManager manager(document_, {text_}, options());
    type(0, "abcd");
    const RelativePosition place = relative_position(document_.store(), text_, 2);
    erase(1, 2);
    EXPECT_EQ(absolute_position(document_, place)->index, 1u);
    ASSERT_TRUE(manager.undo().has_value());
    EXPECT_EQ(absolute_position(document_, place)->index, 2u);
    EXPECT_EQ(absolute_position(document_, place, Redone::ignored)->index, 3u);
}

TEST_F(UndoManagerTest, LongTextsThatWereApartInMemoryComeBackAsOne) {
    // Two halves that are not worth joining are still one item for Yjs.
    type(0, std::string(400, 'a'));
    change([&] { document_.set_value(map_, "k", any_of("1")); });
    UndoManager manager(document_, {text_}, options());
    type(400, std::string(400, 'b'));
    erase(0, 800);
    ASSERT_TRUE(manager.undo().has_value());
    EXPECT_EQ(text(), std::string(400, 'a') + std::string(400, 'b'));
    Document other(DocumentOptions{2, true, false});
    ASSERT_TRUE(other.apply(document_.encode()).ok());
    EXPECT_EQ(text_of(other.store(), other.root("t")), text());
}

TEST_F(UndoManagerTest, TheWholeDocumentCanBeItsScope) {
    UndoOptions whole = options();
    whole.takes_whole_document = true;
    UndoManager manager(document_, {}, whole);
    set("k", "1");
    ASSERT_TRUE(manager.undo().has_value());
    EXPECT_EQ(json(), "{}");
}

}  // namespace
}  // namespace tandem::yjs
