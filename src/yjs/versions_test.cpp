#include "yjs/versions.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/value.hpp"
#include "yjs/document_testing.hpp"
#include "yjs/reading.hpp"

namespace tandem::yjs {
namespace {

using testing_parts::any_of;
using testing_parts::type_of;

constexpr uint64_t kReverter = 900;

// What a document shows: every root as JSON, the text with its formats. Keys are in order, since
// what comes back comes last.
std::string shown(const Document& document) {
    std::string out;
    const Store& store = document.store();
    for (const auto& [name, kind] :
         {std::pair{"t", TypeKind::text}, std::pair{"a", TypeKind::array},
          std::pair{"m", TypeKind::map}, std::pair{"x", TypeKind::xml_fragment}}) {
        const BranchIndex root = store.find_root(name);
        std::string json;
        if (root == 0)
            json = kind == TypeKind::map ? "{}" : kind == TypeKind::xml_fragment ? "\"\"" : "[]";
        else if (kind == TypeKind::text)
            append_delta(store, root, json);
        else
            append_json(store, root, json, kind);
        const auto value = base::parse_json(json, base::kLooseValueLimits);
        EXPECT_TRUE(value.ok()) << json;
        out += '\n' + (value ? base::to_json(*value) : json);
    }
    return out;
}

std::string shown(std::string_view state) {
    Document document;
    EXPECT_TRUE(document.apply(state).ok());
    return shown(document);
}

std::string reverted(const std::string& head, const std::string& then) {
    const auto update = revert_update(head, then, kReverter);
    EXPECT_TRUE(update.ok());
    Document document;
    EXPECT_TRUE(document.apply(head).ok());
    if (!update->empty()) {
        EXPECT_TRUE(document.apply(*update).ok());
    }
    EXPECT_FALSE(document.has_pending());
    return document.encode();
}

// Users who edit every kind of type at random and meet now and then.
class Editors {
  public:
    explicit Editors(uint64_t seed) : random_(seed) {
        for (uint64_t client = 1; client <= 3; ++client) {
            DocumentOptions options;
            options.client = client;
            documents_.push_back(std::make_unique<Document>(options));
        }
    }

    void edit(size_t count) {
        for (size_t i = 0; i < count; ++i) {
            Document& document = *documents_[below(documents_.size())];
            document.begin();
            edit(document);
            document.commit();
            if (below(5) == 0) meet();
        }
        meet();
    }
    const Document& document() const { return *documents_[0]; }

  private:
    uint64_t below(uint64_t bound) { return random_() % bound; }
    uint32_t place(uint64_t bound) { return static_cast<uint32_t>(below(bound)); }

    void meet() {
        for (auto& to : documents_)
            for (auto& from : documents_)
                EXPECT_TRUE(to->apply(from->encode(to->state_vector())).ok());
    }

    void edit(Document& document) {
        switch (below(4)) {
            case 0:
                return edit_text(document, document.root("t", TypeKind::text));
            case 1:
                return edit_list(document, document.root("a", TypeKind::array));
            case 2:
                return edit_map(document, document.root("m", TypeKind::map));
            default:
                return edit_xml(document, document.root("x", TypeKind::xml_fragment));
        }
    }
    void edit_text(Document& document, BranchIndex text) {
        const uint32_t length = document.store().branch(text).length;
        const uint32_t at = place(length + 1);
        const uint32_t len = std::min(length - at, 1 + place(5));
        switch (below(4)) {
            case 0:
                EXPECT_TRUE(document.delete_text(text, at, len).ok());
                break;
            case 1:
                if (len == 0) break;
                EXPECT_TRUE(document
                                .format_text(text, at, len,
                                             {{below(2) == 0 ? "b" : "i",
                                               any_of(below(3) == 0 ? "null" : "true")}})
                                .ok());
                break;
            case 2:
                EXPECT_TRUE(document.insert_embed(text, at, any_of(R"({"image":1})"), {}).ok());
                break;
            default:
                EXPECT_TRUE(
                    document.insert_text(text, at, std::string(1 + below(4), "abcde"[below(5)]))
                        .ok());
        }
    }
    void edit_list(Document& document, BranchIndex list) {
        const uint32_t length = document.store().branch(list).length;
        const uint32_t at = place(length + 1);
        const BranchIndex child = length == 0 ? 0 : child_at(document.store(), list, place(length));
        switch (below(4)) {
            case 0:
                EXPECT_TRUE(
                    document.delete_values(list, at, std::min(length - at, 1 + place(2))).ok());
                break;
            case 1:
                EXPECT_TRUE(
                    document
                        .insert_content(list, at,
                                        type_of(below(2) == 0 ? TypeKind::map : TypeKind::array))
                        .ok());
                break;
            case 2:
                if (child != 0) {
                    if (document.store().branch(child).kind == TypeKind::map)
                        edit_map(document, child);
                    else
                        edit_list(document, child);
                    break;
                }
                [[fallthrough]];
            default:
                EXPECT_TRUE(
                    document.insert_values(list, at, any_of(std::to_string(below(100)))).ok());
        }
    }
    void edit_map(Document& document, BranchIndex map) {
        const std::string key(1, "pqr"[below(3)]);
        const BranchIndex child = child_of(document.store(), map, key);
        if (child != 0 && below(2) == 0) return edit_text(document, child);
        switch (below(4)) {
            case 0:
                document.delete_key(map, key);
                break;
            case 1:
                document.set_content(map, key, type_of(TypeKind::text));
                break;
            default:
                document.set_value(map, key, any_of(std::to_string(below(100))));
        }
    }
    void edit_xml(Document& document, BranchIndex list) {
        const uint32_t length = document.store().branch(list).length;
        const uint32_t at = place(length + 1);
        const BranchIndex child = length == 0 ? 0 : child_at(document.store(), list, place(length));
        if (child != 0 && below(2) == 0) {
            if (document.store().branch(child).kind == TypeKind::xml_text)
                return edit_text(document, child);
            if (below(2) == 0)
                return document.set_value(child, "class", any_of(std::to_string(below(9))));
            return edit_xml(document, child);
        }
        if (below(3) == 0) {
            EXPECT_TRUE(document.delete_values(list, at, std::min<uint32_t>(length - at, 1)).ok());
            return;
        }
        EXPECT_TRUE(document
                        .insert_content(list, at,
                                        below(2) == 0 ? type_of(TypeKind::xml_text)
                                                      : type_of(TypeKind::xml_element, "p"))
                        .ok());
    }

    std::mt19937_64 random_;
    std::vector<std::unique_ptr<Document>> documents_;
};

TEST(Versions, ARevertShowsWhatWasShown) {
    for (uint64_t seed = 1; seed <= 400; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Editors editors(seed);
        editors.edit(25);
        const std::string then = editors.document().encode();
        editors.edit(25);
        const std::string head = editors.document().encode();
        const std::string back = reverted(head, then);
        ASSERT_EQ(shown(back), shown(then));
        const auto again = revert_update(back, then, kReverter + 1);
        ASSERT_TRUE(again.ok());
        EXPECT_EQ(*again, "") << "it shows that already";
        // And a revert can be reverted.
        ASSERT_EQ(shown(reverted(back, head)), shown(head));
    }
}

TEST(Versions, WhatIsThereAlreadyIsNotWritten) {
    Editors editors(7);
    editors.edit(30);
    const std::string state = editors.document().encode();
    const auto update = revert_update(state, state, kReverter);
    ASSERT_TRUE(update.ok());
    EXPECT_EQ(*update, "");
}

class VersionsOfText : public testing_parts::TextTest {
  protected:
    VersionsOfText() : TextTest(true) {}

    void type_as(uint64_t client, uint32_t position, std::string_view text) {
        document_.set_client_id(client);
        type(position, text);
    }
    std::string differs_from(const std::string& from) {
        const auto json = difference_json(from, document_.encode());
        EXPECT_TRUE(json.ok());
        return json ? *json : std::string();
    }
};

TEST_F(VersionsOfText, AnEditThatCrossesARevertStays) {
    type(0, "one three");
    const std::string then = document_.encode();
    erase(0, 4);
    const std::string head = document_.encode();
    const auto update = revert_update(head, then, kReverter);
    ASSERT_TRUE(update.ok());
    type_as(2, 5, "!");
    ASSERT_TRUE(document_.apply(*update).ok());
    EXPECT_EQ(text_of(document_.store(), text_), "one three!");
}

TEST_F(VersionsOfText, ADifferenceTellsWhoInserted) {
    type(0, "hello world");
    const std::string from = document_.encode();
    erase(0, 6);
    type_as(2, 5, "\xF0\x9F\x98\x80");
    type_as(3, 7, "!");
    EXPECT_EQ(differs_from(from),
              R"([{"root":"t","path":[],"delta":[{"delete":6},{"retain":5},)"
              "{\"insert\":\"\xF0\x9F\x98\x80\"},{\"insert\":\"!\"}],\"by\":[2,3]}]");
    change([&] { return document_.format_text(text_, 0, 2, {{"b", any_of("true")}}); });
    const auto json = differs_from(from);
    EXPECT_NE(json.find(R"({"retain":2,"attributes":{"b":true}},{"retain":3})"), std::string::npos)
        << json;
}

TEST_F(VersionsOfText, ADifferenceShowsMapsListsAndWhatIsInThem) {
    const BranchIndex map = document_.root("m", TypeKind::map);
    const BranchIndex list = document_.root("a", TypeKind::array);
    document_.begin();
    document_.set_value(map, "k", any_of("1"));
    const BranchIndex inner = *document_.insert_content(list, 0, type_of(TypeKind::text));
    document_.commit();
    const std::string from = document_.encode();
    document_.set_client_id(9);
    document_.begin();
    document_.set_value(map, "k", any_of("2"));
    EXPECT_TRUE(document_.insert_text(inner, 0, "in").ok());
    EXPECT_TRUE(document_.insert_values(list, 0, any_of("5")).ok());
    document_.commit();
    const auto json = differs_from(from);
    EXPECT_NE(json.find(R"({"root":"m","path":[],"keys":{"k":{"action":"update","oldValue":1}},)"
                        R"("keys_by":{"k":9}})"),
              std::string::npos)
        << json;
    EXPECT_NE(json.find(R"({"root":"a","path":[],"delta":[{"insert":[5]}],"by":[9]})"),
              std::string::npos)
        << json;
    EXPECT_NE(json.find(R"({"root":"a","path":[1],"delta":[{"insert":"in"}],"by":[9]})"),
              std::string::npos)
        << json;
}

TEST_F(VersionsOfText, TheSameStateHasNoDifference) {
    type(0, "x");
    EXPECT_EQ(differs_from(document_.encode()), "[]");
}

TEST(Versions, BytesThatAreNoUpdateAreRefused) {
    EXPECT_EQ(difference_json("\1", {"\0\0", 2}).error().code, base::ErrorCode::malformed);
    EXPECT_EQ(revert_update("\1", {"\0\0", 2}, 1).error().code, base::ErrorCode::malformed);
}

}  // namespace
}  // namespace tandem::yjs
