#include "yjs/events.hpp"

#include <gtest/gtest.h>

#include <string>

#include "yjs/any.hpp"
#include "yjs/document.hpp"
#include "yjs/document_testing.hpp"
#include "yjs/reading.hpp"

namespace tandem::yjs {
namespace {

using testing_parts::any_of;
using testing_parts::type_of;

class EventsTest : public testing::Test {
  protected:
    EventsTest() : document_(options()) {}

    static DocumentOptions options() {
        DocumentOptions options;
        options.client = 1;
        options.cleans_formats = true;
        return options;
    }

    template <class Edit>
    void change(Edit&& edit) {
        document_.begin();
        edit();
        document_.commit();
    }

    // All notices as JSON, one a line: deep ones with the number of their events before.
    std::string told() const {
        std::string out;
        for (const Notice& notice : document_.events().notices) {
            if (notice.is_deep) out += "deep ";
            for (const Notice::Seen& seen : notice.seen)
                append_event_json(document_.events().events[seen.event], seen.path, out);
            out += '\n';
        }
        return out;
    }

    Document document_;
};

TEST_F(EventsTest, NothingIsRecordedWithoutAnObserver) {
    BranchIndex list = document_.root("a", TypeKind::array);
    change([&] { EXPECT_TRUE(document_.insert_values(list, 0, any_of("1")).ok()); });
    EXPECT_TRUE(document_.events().notices.empty());
    document_.observe(list);
    change([&] { EXPECT_TRUE(document_.insert_values(list, 0, any_of("2")).ok()); });
    EXPECT_EQ(document_.events().notices.size(), 1u);
    document_.unobserve(list);
    change([&] { EXPECT_TRUE(document_.insert_values(list, 0, any_of("3")).ok()); });
    EXPECT_TRUE(document_.events().notices.empty());
}

TEST_F(EventsTest, AListTellsWhatCameWhatWentAndWhatIsBetween) {
    BranchIndex list = document_.root("a", TypeKind::array);
    change([&] {
        EXPECT_TRUE(document_.insert_values(list, 0, any_of("1") + any_of("2") + any_of("3")).ok());
    });
    document_.observe(list);
    change([&] {
        EXPECT_TRUE(document_.delete_values(list, 1, 1).ok());
        EXPECT_TRUE(document_.insert_values(list, 2, any_of("\"x\"") + any_of("[4]")).ok());
    });
    EXPECT_EQ(told(),
              "{\"path\":[],\"keys\":{},\"delta\":[{\"retain\":1},{\"delete\":1},{\"retain\":1},"
              "{\"insert\":[\"x\",[4]]}],\"added\":[[1,3,2]],\"deleted\":[[1,1,1]]}\n");
}

TEST_F(EventsTest, WhatCameAndWentWithinOneTransactionIsNotTold) {
    BranchIndex list = document_.root("a", TypeKind::array);
    document_.observe(list);
    change([&] {
        EXPECT_TRUE(document_.insert_values(list, 0, any_of("1")).ok());
        EXPECT_TRUE(document_.delete_values(list, 0, 1).ok());
    });
    EXPECT_EQ(told(), "{\"path\":[],\"keys\":{},\"delta\":[],\"added\":[],\"deleted\":[]}\n");
}

TEST_F(EventsTest, AMapTellsTheOldValuesEvenOfWhatIsCollected) {
    BranchIndex map = document_.root("m", TypeKind::map);
    change([&] {
        document_.set_value(map, "kept", any_of("1"));
        document_.set_value(map, "gone", any_of("{\"deep\":[2]}"));
        document_.set_content(map, "type", type_of(TypeKind::text));
    });
    document_.observe(map);
    change([&] {
        document_.set_value(map, "kept", any_of("2"));
        document_.delete_key(map, "gone");
        document_.set_value(map, "new", any_of("3"));
        document_.set_value(map, "brief", any_of("4"));
        document_.delete_key(map, "brief");
        document_.delete_key(map, "type");
    });
    EXPECT_EQ(told(),
              "{\"path\":[],\"keys\":{\"kept\":{\"action\":\"update\",\"oldValue\":1},"
              "\"gone\":{\"action\":\"delete\",\"oldValue\":{\"deep\":[2]}},"
              "\"new\":{\"action\":\"add\"},"
              "\"type\":{\"action\":\"delete\",\"oldValue\":{\"type\":\"text\"}}},"
              "\"delta\":[],\"added\":[],\"deleted\":[]}\n");
}

TEST_F(EventsTest, ATextTellsFormatsAndEmbeds) {
    BranchIndex text = document_.root("t", TypeKind::text);
    change([&] { EXPECT_TRUE(document_.insert_text(text, 0, "abc\xF0\x9F\x98\x80").ok()); });
    document_.observe(text);
    const Attributes bold = {{"bold", any_of("true")}};
    change([&] {
        EXPECT_TRUE(document_.format_text(text, 1, 2, bold).ok());
        EXPECT_TRUE(document_.insert_embed(text, 5, any_of("{\"image\":\"u\"}"), bold).ok());
        EXPECT_TRUE(document_.delete_text(text, 0, 1).ok());
    });
    EXPECT_EQ(told(),
              "{\"path\":[],\"keys\":{},\"delta\":[{\"delete\":1},"
              "{\"retain\":2,\"attributes\":{\"bold\":true}},{\"retain\":2},"
              "{\"insert\":{\"image\":\"u\"},\"attributes\":{\"bold\":true}}],"
              "\"added\":[],\"deleted\":[]}\n");
    change([&] {
        EXPECT_TRUE(document_.format_text(text, 0, 2, {{"bold", any_of("null")}}).ok());
    });
    // The next two characters were not bold before either: Yjs names them as well, and then sets
    // for the embed what it has already.
    EXPECT_EQ(told(),
              "{\"path\":[],\"keys\":{},\"delta\":[{\"retain\":4,\"attributes\":{\"bold\":null}},"
              "{\"retain\":1,\"attributes\":{\"bold\":true}}],\"added\":[],\"deleted\":[]}\n");
}

TEST_F(EventsTest, DeepObserversSeeWhatIsNearFirstWithItsPath) {
    BranchIndex map = document_.root("m", TypeKind::map);
    BranchIndex list = 0;
    BranchIndex text = 0;
    change([&] {
        list = document_.set_content(map, "list", type_of(TypeKind::array));
        EXPECT_TRUE(document_.insert_values(list, 0, any_of("1")).ok());
        text = *document_.insert_content(list, 1, type_of(TypeKind::text));
    });
    document_.observe_deep(map);
    document_.observe(text);
    change([&] {
        EXPECT_TRUE(document_.insert_text(text, 0, "x").ok());
        document_.set_value(map, "k", any_of("1"));
    });
    const std::string typed =
        "\"keys\":{},\"delta\":[{\"insert\":\"x\"}],\"added\":[],\"deleted\":[]}";
    EXPECT_EQ(told(), "{\"path\":[]," + typed +
                          "\ndeep {\"path\":[],\"keys\":{\"k\":{\"action\":\"add\"}},\"delta\":[],"
                          "\"added\":[],\"deleted\":[]}{\"path\":[\"list\",1]," +
                          typed + "\n");
}

TEST_F(EventsTest, ADeletedTypeTellsNothingMore) {
    BranchIndex map = document_.root("m", TypeKind::map);
    BranchIndex text = 0;
    change([&] { text = document_.set_content(map, "t", type_of(TypeKind::text)); });
    document_.observe(text);
    change([&] {
        EXPECT_TRUE(document_.insert_text(text, 0, "x").ok());
        document_.delete_key(map, "t");
    });
    EXPECT_EQ(told(), "");
}

TEST_F(EventsTest, TheDeltaOfATextDeletesTheSuperfluousFormatsThatItMeets) {
    BranchIndex text = document_.root("t", TypeKind::text);
    const Attributes bold = {{"bold", any_of("true")}};
    change([&] { EXPECT_TRUE(document_.insert_text(text, 0, "ab").ok()); });
    DocumentOptions other_options = options();
    other_options.client = 2;
    Document other(other_options);
    ASSERT_TRUE(other.apply(document_.encode()).ok());
    // Both make the same text bold.
    change([&] { EXPECT_TRUE(document_.format_text(text, 0, 2, bold).ok()); });
    other.begin();
    ASSERT_TRUE(other.format_text(other.root("t", TypeKind::text), 0, 2, bold).ok());
    other.commit();
    document_.observe(text);
    ASSERT_TRUE(document_.apply(other.encode()).ok());
    EXPECT_EQ(told(), "{\"path\":[],\"keys\":{},\"delta\":[],\"added\":[],\"deleted\":[]}\n");
    ASSERT_TRUE(document_.commit_clean_up());
    EXPECT_FALSE(document_.last_transaction().deleted.empty());
    while (document_.commit_clean_up()) {
    }
    std::string delta;
    append_delta(document_.store(), text, delta);
    EXPECT_EQ(delta, "[{\"insert\":\"ab\",\"attributes\":{\"bold\":true}}]");
}

}  // namespace
}  // namespace tandem::yjs
