// What users of Yjs rely on, beyond bytes: how concurrent changes of each kind of type come out, on
// every replica the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include "yjs/any.hpp"
#include "yjs/document.hpp"
#include "yjs/document_testing.hpp"
#include "yjs/reading.hpp"

namespace tandem::yjs {
namespace {

using testing_parts::any_of;
using testing_parts::type_of;

// Users 1, 2 and so on, who get what the others did when they meet.
class Users {
  public:
    explicit Users(size_t count, bool cleans_formats = false) {
        for (size_t i = 0; i < count; ++i) {
            DocumentOptions options;
            options.client = i + 1;
            options.cleans_formats = cleans_formats;
            documents_.emplace_back(options);
        }
    }

    Document& operator[](size_t i) { return documents_[i]; }

    template <class Edit>
    void change(size_t i, Edit&& edit) {
        documents_[i].begin();
        edit(documents_[i]);
        documents_[i].commit();
    }

    // Everybody gets everything, in an order of each one's own; all are the same then.
    void meet() {
        for (int round = 0; round < 3; ++round) {
            std::vector<std::string> states;
            for (Document& document : documents_)
                states.push_back(document.encode());
            for (size_t i = 0; i < documents_.size(); ++i) {
                for (size_t j = 0; j < states.size(); ++j) {
                    ASSERT_TRUE(documents_[i].apply(states[(i + j) % states.size()]).ok());
                    while (documents_[i].commit_clean_up()) {
                    }
                }
            }
        }
        for (Document& document : documents_)
            ASSERT_EQ(document.encode(), documents_[0].encode());
    }

    std::string json(const char* root, TypeKind kind) {
        std::string out;
        append_json(documents_[0].store(), documents_[0].root(root, kind), out);
        return out;
    }
    std::string delta() {
        std::string out;
        append_delta(documents_[0].store(), documents_[0].root("t", TypeKind::text), out);
        return out;
    }

    void type(size_t i, uint32_t position, std::string_view text) {
        change(i, [&](Document& document) {
            EXPECT_TRUE(
                document.insert_text(document.root("t", TypeKind::text), position, text).ok());
        });
    }
    void format(size_t i, uint32_t position, uint32_t len, std::string_view name,
                std::string_view json) {
        change(i, [&](Document& document) {
            EXPECT_TRUE(document
                            .format_text(document.root("t", TypeKind::text), position, len,
                                         {{std::string(name), any_of(json)}})
                            .ok());
        });
    }
    void set(size_t i, std::string_view key, std::string_view json) {
        change(i, [&](Document& document) {
            document.set_value(document.root("m", TypeKind::map), key, any_of(json));
        });
    }
    void insert(size_t i, uint32_t position, std::string_view json) {
        change(i, [&](Document& document) {
            EXPECT_TRUE(
                document.insert_values(document.root("a", TypeKind::array), position, any_of(json))
                    .ok());
        });
    }
    void erase(size_t i, uint32_t position, uint32_t len) {
        change(i, [&](Document& document) {
            EXPECT_TRUE(
                document.delete_values(document.root("a", TypeKind::array), position, len).ok());
        });
    }

  private:
    std::deque<Document> documents_;
};

TEST(Maps, TheHighestClientWinsAKeyThatAllSetAtOnce) {
    Users users(3);
    users.set(2, "k", "\"c2\"");
    users.set(0, "k", "\"c0\"");
    users.set(1, "k", "\"c1\"");
    users.set(1, "k", "\"c1 again\"");
    users.meet();
    EXPECT_EQ(users.json("m", TypeKind::map), "{\"k\":\"c2\"}");
}

TEST(Maps, AKeyThatIsDeletedAndSetAtOnceHasTheHigherClientsWord) {
    Users users(2);
    users.set(0, "k", "1");
    users.meet();
    users.change(0, [](Document& document) { document.delete_key(document.root("m"), "k"); });
    users.set(1, "k", "2");
    users.meet();
    EXPECT_EQ(users.json("m", TypeKind::map), "{\"k\":2}");
}

TEST(Maps, AKeyThatEverybodyDeletesIsGone) {
    Users users(3);
    users.set(0, "k", "1");
    users.meet();
    for (size_t i = 0; i < 3; ++i)
        users.change(i, [](Document& document) { document.delete_key(document.root("m"), "k"); });
    users.meet();
    EXPECT_EQ(users.json("m", TypeKind::map), "{}");
}

TEST(Maps, WhatIsWrittenIntoATypeThatAnotherReplacedIsLost) {
    Users users(2);
    users.change(0, [](Document& document) {
        document.set_content(document.root("m", TypeKind::map), "k", type_of(TypeKind::map));
    });
    users.meet();
    users.change(0, [](Document& document) {
        document.set_value(child_of(document.store(), document.root("m"), "k"), "deep",
                           any_of("1"));
    });
    users.set(1, "k", "2");
    users.meet();
    EXPECT_EQ(users.json("m", TypeKind::map), "{\"k\":2}");
}

TEST(Maps, KeepKeysInTheOrderInWhichTheyFirstCame) {
    Users users(1);
    users.set(0, "b", "1");
    users.set(0, "a", "2");
    users.change(0, [](Document& document) { document.delete_key(document.root("m"), "b"); });
    users.set(0, "c", "3");
    users.set(0, "b", "4");
    EXPECT_EQ(users.json("m", TypeKind::map), "{\"b\":4,\"a\":2,\"c\":3}");
}

TEST(Arrays, RunsThatAreInsertedAtOnePlaceAreNotMixed) {
    Users users(2);
    for (int i = 0; i < 3; ++i) {
        users.insert(0, static_cast<uint32_t>(i), "\"x\"");
        users.insert(1, static_cast<uint32_t>(i), "\"y\"");
    }
    users.meet();
    EXPECT_EQ(users.json("a", TypeKind::array), "[\"x\",\"x\",\"x\",\"y\",\"y\",\"y\"]");
}

TEST(Arrays, WhatOneInsertsWhereAnotherDeletesStays) {
    Users users(2);
    users.insert(0, 0, "1");
    users.insert(0, 1, "2");
    users.insert(0, 2, "3");
    users.meet();
    users.erase(0, 0, 3);
    users.insert(1, 2, "\"new\"");
    users.meet();
    EXPECT_EQ(users.json("a", TypeKind::array), "[\"new\"]");
}

TEST(Arrays, DeletingTheSameTwiceDeletesItOnce) {
    Users users(2);
    for (uint32_t i = 0; i < 5; ++i)
        users.insert(0, i, std::to_string(i));
    users.meet();
    users.erase(0, 1, 3);
    users.erase(1, 2, 3);
    users.meet();
    EXPECT_EQ(users.json("a", TypeKind::array), "[0]");
}

TEST(Arrays, AnOfflineBranchComesBackWhole) {
    Users users(3);
    users.insert(0, 0, "\"base\"");
    users.meet();
    for (uint32_t i = 0; i < 20; ++i) {
        users.insert(1, i, std::to_string(i));
        users.insert(2, 1 + i, std::to_string(100 + i));
    }
    users.erase(1, 5, 10);
    users.meet();
    const std::string shown = users.json("a", TypeKind::array);
    EXPECT_NE(shown.find("0,1,2,3,4,15,16,17,18,19,\"base\",100,101"), std::string::npos) << shown;
}

TEST(Arrays, NestedTypesAreReachedOnEveryReplica) {
    Users users(2);
    users.change(0, [](Document& document) {
        const BranchIndex list = document.root("a", TypeKind::array);
        const BranchIndex map = *document.insert_content(list, 0, type_of(TypeKind::map));
        const BranchIndex text = document.set_content(map, "t", type_of(TypeKind::text));
        EXPECT_TRUE(document.insert_text(text, 0, "deep").ok());
    });
    users.meet();
    users.change(1, [](Document& document) {
        const BranchIndex map = child_at(document.store(), document.root("a"), 0);
        EXPECT_TRUE(document.insert_text(child_of(document.store(), map, "t"), 4, "er").ok());
    });
    users.meet();
    EXPECT_EQ(users.json("a", TypeKind::array), "[{\"t\":\"deeper\"}]");
}

TEST(Texts, TypingWithinAFormatTakesItAndBehindItToo) {
    Users users(1);
    users.type(0, 0, "abcd");
    users.format(0, 1, 2, "bold", "true");
    users.type(0, 2, "x");
    users.type(0, 4, "y");
    EXPECT_EQ(users.delta(),
              "[{\"insert\":\"a\"},{\"insert\":\"bxcy\",\"attributes\":{\"bold\":true}},"
              "{\"insert\":\"d\"}]");
}

TEST(Texts, FormatsThatOverlapAreBothThere) {
    Users users(2);
    users.type(0, 0, "abcdef");
    users.meet();
    users.format(0, 0, 4, "bold", "true");
    users.format(1, 2, 4, "em", "true");
    users.meet();
    EXPECT_EQ(users.delta(),
              "[{\"insert\":\"ab\",\"attributes\":{\"bold\":true}},"
              "{\"insert\":\"cd\",\"attributes\":{\"bold\":true,\"em\":true}},"
              "{\"insert\":\"ef\",\"attributes\":{\"em\":true}}]");
}

TEST(Texts, AFormatThatIsTakenOffLeavesNoMark) {
    Users users(1);
    users.type(0, 0, "abc");
    users.format(0, 0, 3, "bold", "true");
    users.format(0, 0, 3, "bold", "null");
    EXPECT_EQ(users.delta(), "[{\"insert\":\"abc\"}]");
    const BranchIndex text = users[0].root("t");
    const Store& store = users[0].store();
    int live_marks = 0;
    for (Handle at = store.branch(text).start; at != 0; at = store.item(at).right)
        live_marks += store.item(at).kind == Kind::format && !store.item(at).is_deleted() ? 1 : 0;
    EXPECT_EQ(live_marks, 0);
}

TEST(Texts, DeletingWhatIsFormattedLeavesNoMarkEither) {
    Users users(1);
    users.type(0, 0, "abc");
    users.format(0, 1, 1, "bold", "true");
    users.change(0, [](Document& document) {
        EXPECT_TRUE(document.delete_text(document.root("t"), 0, 3).ok());
    });
    const Store& store = users[0].store();
    for (Handle at = store.branch(users[0].root("t")).start; at != 0; at = store.item(at).right)
        EXPECT_TRUE(store.item(at).is_deleted());
}

TEST(Texts, TheSameFormatFromTwoIsCleanedUp) {
    Users users(2, true);
    users.type(0, 0, "abc");
    users.meet();
    users.format(0, 0, 3, "bold", "true");
    users.format(1, 0, 3, "bold", "true");
    const std::string states[] = {users[0].encode(), users[1].encode()};
    for (size_t i = 0; i < 2; ++i) {
        ASSERT_TRUE(users[i].apply(states[1 - i]).ok());
        EXPECT_TRUE(users[i].commit_clean_up()) << i;
    }
    users.meet();
    EXPECT_EQ(users.delta(), "[{\"insert\":\"abc\",\"attributes\":{\"bold\":true}}]");
}

TEST(Texts, WhatTwoTypeAtOnePlaceIsNotMixed) {
    Users users(2);
    for (uint32_t i = 0; i < 4; ++i) {
        users.type(0, i, "a");
        users.type(1, i, "b");
    }
    users.meet();
    EXPECT_EQ(users.json("t", TypeKind::text), "\"aaaabbbb\"");
}

TEST(Xml, AttributesAreThoseOfAMapAndChildrenThoseOfAList) {
    Users users(2);
    users.change(0, [](Document& document) {
        EXPECT_TRUE(document
                        .insert_content(document.root("x", TypeKind::xml_fragment), 0,
                                        type_of(TypeKind::xml_element, "P"))
                        .ok());
    });
    users.meet();
    for (size_t i = 0; i < 2; ++i) {
        users.change(i, [&](Document& document) {
            const BranchIndex element = child_at(document.store(), document.root("x"), 0);
            document.set_value(element, i == 0 ? "b" : "a", any_of(i == 0 ? "\"1\"" : "\"2\""));
            const BranchIndex text =
                *document.insert_content(element, 0, type_of(TypeKind::xml_text));
            EXPECT_TRUE(document.insert_text(text, 0, i == 0 ? "first" : "second").ok());
        });
    }
    users.meet();
    EXPECT_EQ(users.json("x", TypeKind::xml_fragment),
              "\"<p a=\\\"2\\\" b=\\\"1\\\">firstsecond</p>\"");
}

TEST(Updates, OfOneTransactionHaveAllOfItAndNothingElse) {
    Users users(2);
    users.change(0, [](Document& document) {
        document.set_value(document.root("m", TypeKind::map), "k", any_of("1"));
        EXPECT_TRUE(document.insert_text(document.root("t", TypeKind::text), 0, "x").ok());
    });
    Buffer update;
    ASSERT_TRUE(users[0].write_last_update(update));
    ASSERT_TRUE(users[1].apply(update.view()).ok());
    EXPECT_EQ(users[1].encode(), users[0].encode());
    users.change(0, [](Document&) {});
    update.clear();
    EXPECT_FALSE(users[0].write_last_update(update));
    EXPECT_TRUE(update.empty());
}

TEST(Updates, ThatCameAlreadyTellNothing) {
    Users users(2);
    users.type(0, 0, "abc");
    users.meet();
    users[1].observe(users[1].root("t", TypeKind::text));
    ASSERT_TRUE(users[1].apply(users[0].encode()).ok());
    EXPECT_TRUE(users[1].events().notices.empty());
    Buffer update;
    EXPECT_FALSE(users[1].write_last_update(update));
}

TEST(Updates, WithADeleteOfWhatHasNotComeWait) {
    Users users(2);
    users.insert(0, 0, "1");
    const std::string insert = users[0].encode();
    users.erase(0, 0, 1);
    Buffer erase;
    ASSERT_TRUE(users[0].write_last_update(erase));
    ASSERT_TRUE(users[1].apply(erase.view()).ok());
    EXPECT_TRUE(users[1].has_pending());
    ASSERT_TRUE(users[1].apply(insert).ok());
    EXPECT_FALSE(users[1].has_pending());
    EXPECT_EQ(users[1].encode(), users[0].encode());
}

TEST(Clients, WithIdsOf53BitsKeepTheirOrder) {
    DocumentOptions low;
    low.client = 5;
    DocumentOptions high;
    high.client = (uint64_t{1} << 53) - 1;
    Document first(low);
    Document second(high);
    for (Document* document : {&first, &second}) {
        document->begin();
        EXPECT_TRUE(document
                        ->insert_text(document->root("t", TypeKind::text), 0,
                                      document == &first ? "low " : "high")
                        .ok());
        document->commit();
    }
    ASSERT_TRUE(first.apply(second.encode()).ok());
    ASSERT_TRUE(second.apply(first.encode({}, Encoding::v2), Encoding::v2).ok());
    EXPECT_EQ(first.encode(), second.encode());
    EXPECT_EQ(text_of(first.store(), first.root("t")), "low high");
}

// Updates that no editor writes: text as the value of a map, and in a list.
TEST(Strings, OutsideOfTextsAreValuesOfOneUnitEach) {
    Document map;
    const BranchIndex m = map.root("m", TypeKind::map);
    map.observe(m);
    ASSERT_TRUE(map.apply(std::string_view("\1\1\1\0\x24\1\1m\1k\3abc\0", 15)).ok());
    std::string shown;
    append_json(map.store(), m, shown);
    EXPECT_EQ(shown, R"({"k":"c"})");
    map.begin();
    map.delete_key(m, "k");
    map.commit();
    std::string told;
    append_keys_json(map.events().events.at(0).keys, told);
    EXPECT_NE(told.find(R"("oldValue":"c")"), std::string::npos) << told;
    Document list;
    const BranchIndex l = list.root("l", TypeKind::array);
    list.observe(l);
    ASSERT_TRUE(list.apply(std::string_view("\1\1\1\0\4\1\1l\6ab\xF0\x9F\x91\x8B\0", 16)).ok());
    shown.clear();
    append_json(list.store(), l, shown);
    // Half of a pair is no character in UTF-8.
    EXPECT_EQ(shown, "[\"a\",\"b\",\"\xEF\xBF\xBD\",\"\xEF\xBF\xBD\"]");
    told.clear();
    append_delta_json(list.events().events.at(0).delta, false, told);
    EXPECT_EQ(told, "[{\"insert\":" + shown + "}]");
}

}  // namespace
}  // namespace tandem::yjs
