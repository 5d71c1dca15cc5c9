#include "yjs/document.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "yjs/any.hpp"
#include "yjs/reading.hpp"

namespace tandem::yjs {
namespace {

using base::ErrorCode;

DocumentOptions client(uint64_t id) {
    DocumentOptions options;
    options.client = id;
    return options;
}

std::string bytes(std::initializer_list<int> values) {
    std::string out;
    for (int value : values)
        out += static_cast<char>(value);
    return out;
}

// Makes a change and returns the update that it comes to.
template <class Edit>
std::string change(Document& document, Edit&& edit) {
    document.begin();
    edit();
    document.commit();
    Buffer out;
    document.write_last_update(out);
    return out.str();
}

std::string type(Document& document, uint32_t position, std::string_view text) {
    BranchIndex root = document.root("t", TypeKind::text);
    return change(document, [&] { EXPECT_TRUE(document.insert_text(root, position, text).ok()); });
}

std::string shown(Document& document) {
    return text_of(document.store(), document.root("t", TypeKind::text));
}

TEST(Document, WritesTheBytesThatYjsWrites) {
    Document document(client(1));
    EXPECT_EQ(type(document, 0, "ab"), bytes({1, 1, 1, 0, 4, 1, 1, 't', 2, 'a', 'b', 0}));
    // Typing on: an origin, no parent.
    EXPECT_EQ(type(document, 2, "c"), bytes({1, 1, 1, 2, 0x84, 1, 1, 1, 'c', 0}));
    EXPECT_EQ(document.encode(), bytes({1, 1, 1, 0, 4, 1, 1, 't', 3, 'a', 'b', 'c', 0}));
    BranchIndex root = document.root("t", TypeKind::text);
    EXPECT_EQ(change(document, [&] { EXPECT_TRUE(document.delete_text(root, 1, 1).ok()); }),
              bytes({0, 1, 1, 1, 1, 1}));
    EXPECT_EQ(document.encode(), bytes({1, 3, 1,    0, 4, 1, 1,   't', 1, 'a', 0x81, 1,
                                        0, 1, 0x84, 1, 1, 1, 'c', 1,   1, 1,   1,    1}));
}

TEST(Document, UpdatesInAnyOrderGiveOneText) {
    Document writer(client(7));
    std::vector<std::string> updates;
    const std::string word = "tandem";
    for (uint32_t i = 0; i < word.size(); ++i)
        updates.push_back(type(writer, i, word.substr(i, 1)));
    Document reader(client(8));
    for (auto update = updates.rbegin(); update != updates.rend(); ++update) {
        EXPECT_TRUE(reader.apply(*update).ok());
        EXPECT_TRUE(reader.apply(*update).ok());
    }
    EXPECT_FALSE(reader.has_pending());
    EXPECT_EQ(shown(reader), word);
    EXPECT_EQ(reader.encode(), writer.encode());
}

TEST(Document, UpdatesOfWhatIsLengthenedHoldTheNewPartAlone) {
    Document author(client(1));
    Document reader(client(2));
    const BranchIndex list = author.root("a", TypeKind::array);
    for (int i = 0; i < 300; ++i) {
        Buffer value;
        append_any_number(i * 1000, value);
        const std::string pushed =
            change(author, [&] { EXPECT_TRUE(author.push_values(list, value.view()).ok()); });
        EXPECT_LT(pushed.size(), 40U);
        ASSERT_TRUE(reader.apply(pushed).ok());
        // Something else is lengthened in between, and cut, and goes.
        const std::string typed = type(author, static_cast<uint32_t>(i), "日");
        EXPECT_LT(typed.size(), 40U);
        ASSERT_TRUE(reader.apply(typed).ok());
        if (i % 50 == 49) {
            const std::string cut =
                change(author, [&] { EXPECT_TRUE(author.delete_values(list, 20, 3).ok()); });
            ASSERT_TRUE(reader.apply(cut).ok());
        }
    }
    EXPECT_EQ(reader.encode(), author.encode());
    std::string json;
    append_json(reader.store(), reader.root("a", TypeKind::array), json);
    EXPECT_EQ(json.substr(json.size() - 15), ",298000,299000]");
}

// Found by a stranger: a mark of a format as the value of a key, which Yjs shows as nothing.
TEST(Document, AFormatUnderAKeyIsNoValue) {
    Document document(client(1));
    const std::string strange = bytes({1, 1, 7, 0, 0x26, 1, 1, 'm', 1, 'k', 1, 'b', 1, '1', 0});
    ASSERT_TRUE(document.apply(strange).ok());
    std::string json;
    append_json(document.store(), document.root("m", TypeKind::map), json);
    EXPECT_EQ(json, "{}");
}

TEST(Document, OneOfManyWhoSetAKeyAtOnceWins) {
    Document all(client(999));
    std::vector<std::string> updates;
    for (uint64_t id : {5, 900, 3, 77, 500, 4}) {
        Document one(client(id));
        Buffer value;
        append_any_number(static_cast<double>(id), value);
        updates.push_back(
            change(one, [&] { one.set_value(one.root("m", TypeKind::map), "k", value.view()); }));
    }
    for (const std::string& update : updates)
        ASSERT_TRUE(all.apply(update).ok());
    Document other(client(998));
    for (auto update = updates.rbegin(); update != updates.rend(); ++update)
        ASSERT_TRUE(other.apply(*update).ok());
    for (Document* document : {&all, &other}) {
        std::string json;
        append_json(document->store(), document->root("m", TypeKind::map), json);
        EXPECT_EQ(json, "{\"k\":900}");
    }
    EXPECT_EQ(all.encode(), other.encode());
}

TEST(Document, WhatWaitsIsPartOfTheState) {
    Document writer(client(7));
    type(writer, 0, "a");
    const std::string second = type(writer, 1, "b");
    Document relay(client(8));
    ASSERT_TRUE(relay.apply(second).ok());
    EXPECT_TRUE(relay.has_pending());
    EXPECT_EQ(relay.missing().at(7), 0u);
    EXPECT_EQ(shown(relay), "");
    Document reader(client(9));
    ASSERT_TRUE(reader.apply(writer.encode()).ok());
    Document other(client(10));
    ASSERT_TRUE(other.apply(relay.encode()).ok());
    ASSERT_TRUE(other.apply(writer.encode()).ok());
    EXPECT_EQ(shown(other), "ab");
}

TEST(Document, AMalformedUpdateChangesNothing) {
    Document writer(client(7));
    type(writer, 0, "text");
    const std::string good = writer.encode();
    Document reader(client(8));
    type(reader, 0, "own ");
    const std::string before = reader.encode();
    const uint32_t clients = static_cast<uint32_t>(reader.store().clients().size());
    for (size_t length = 0; length + 1 < good.size(); ++length) {
        EXPECT_FALSE(reader.apply(good.substr(0, length)).ok()) << length;
        EXPECT_EQ(reader.encode(), before);
    }
    EXPECT_EQ(reader.store().clients().size(), clients);
    ASSERT_TRUE(reader.apply(good).ok());
    // Both stand at the beginning; the lower client comes first.
    EXPECT_EQ(shown(reader), "textown ");
}

TEST(Document, RefusesStructsThatNobodyCouldHaveMade) {
    Document document(client(8));
    // An origin at its own clock, a struct of no length, an unknown kind, a type of no kind.
    const std::string own_origin = bytes({1, 1, 7, 0, 0x84, 7, 0, 1, 'a', 0});
    const std::string empty_text = bytes({1, 1, 7, 0, 4, 1, 1, 't', 0, 0});
    const std::string unknown = bytes({1, 1, 7, 0, 11, 1, 1, 't', 0});
    const std::string no_type = bytes({1, 1, 7, 0, 7, 1, 1, 't', 9, 0});
    const std::string not_utf8 = bytes({1, 1, 7, 0, 4, 1, 1, 't', 1, 0xff, 0});
    for (const std::string& bad : {own_origin, empty_text, unknown, no_type, not_utf8}) {
        auto refused = document.apply(bad);
        ASSERT_FALSE(refused.ok());
        EXPECT_EQ(refused.error().code, ErrorCode::malformed);
    }
    EXPECT_EQ(document.encode(), bytes({0, 0}));
}

TEST(Document, AFewBytesCannotUnfoldIntoAnyNumberOfStructs) {
    // Version 2: the kinds (GC) and lengths are endless runs, the number of structs is 2^40.
    Buffer update;
    update.var_uint(0);
    update.var_bytes("");                                                 // keys
    update.var_bytes(bytes({1}));                                         // client 1
    update.var_bytes("");                                                 // left clocks
    update.var_bytes("");                                                 // right clocks
    update.var_bytes(bytes({0}));                                         // infos
    update.var_bytes(bytes({0}));                                         // no strings
    update.var_bytes("");                                                 // parents
    update.var_bytes("");                                                 // types
    update.var_bytes(bytes({0x41, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f}));  // lengths: 1, very often
    update.var_uint(1);
    update.var_uint(uint64_t{1} << 40);
    update.var_uint(0);
    Document document(client(8));
    auto refused = document.apply(update.view(), Encoding::v2);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::too_large);
    EXPECT_EQ(refused.error().detail, uint64_t{1} << 18);
}

TEST(Document, PositionsBeyondTheEndAreRefused) {
    Document document(client(8));
    BranchIndex root = document.root("t", TypeKind::text);
    document.begin();
    EXPECT_EQ(document.insert_text(root, 1, "a").error().code, ErrorCode::out_of_range);
    EXPECT_TRUE(document.insert_text(root, 0, "ab").ok());
    EXPECT_EQ(document.delete_text(root, 1, 2).error().code, ErrorCode::out_of_range);
    EXPECT_EQ(document.insert_text(root, 0, "\xff").error().code, ErrorCode::invalid_argument);
    document.commit();
    EXPECT_EQ(shown(document), "ab");
}

TEST(Document, AnotherUserOfItsIdIsNoticed) {
    Document first(client(8));
    Document second(client(8));
    type(first, 0, "a");
    ASSERT_TRUE(second.apply(first.encode()).ok());
    EXPECT_TRUE(second.has_id_collision());
}

TEST(Document, DeletedContentIsGivenUp) {
    Document document(client(8));
    BranchIndex root = document.root("t", TypeKind::text);
    for (int round = 0; round < 50; ++round) {
        type(document, 0, std::string(1000, 'x'));
        change(document, [&] { EXPECT_TRUE(document.delete_text(root, 0, 1000).ok()); });
    }
    EXPECT_LT(document.store().memory_bytes(), 20000u);
    EXPECT_LT(document.encode().size(), 100u);
}

TEST(Document, ADeeplyNestedTypeIsDeletedAndShownWithoutRecursion) {
    Document document(client(8));
    BranchIndex at = document.root("m", TypeKind::map);
    Content inner;
    inner.kind = Kind::type;
    inner.type = TypeKind::map;
    inner.len = 1;
    change(document, [&] {
        for (int depth = 0; depth < 100'000; ++depth)
            at = document.set_content(at, "k", inner);
    });
    std::string json;
    append_json(document.store(), document.root("m", TypeKind::map), json);
    EXPECT_NE(json.find("null"), std::string::npos);
    change(document, [&] { document.delete_key(document.root("m", TypeKind::map), "k"); });
    EXPECT_LT(document.encode().size(), 100u);
}

TEST(Updates, OfNothingIsNothing) {
    const std::string none = bytes({0, 0});
    EXPECT_TRUE(*is_empty_update(none));
    EXPECT_TRUE(state_vector_of_update(none)->empty());
    EXPECT_FALSE(merge_updates(std::vector<std::string_view>{none, "\xff"}).ok());
}

std::string any_text(std::string_view json) {
    Buffer out;
    EXPECT_TRUE(append_any_of_json(json, out).ok());
    return out.str();
}

TEST(Documents, ASubdocumentWhoseOptionsAreNoneIsRefusedAsByYjs) {
    const auto update_with = [](std::string_view options) {
        return std::string(
                   "\x01\x01\x4d\x00\x09\x01\x01"
                   "a\x01"
                   "g",
                   10) +
               std::string(options) + std::string(1, '\0');
    };
    for (const std::string_view none : {kAnyNull, kAnyUndefined}) {
        Document document;
        EXPECT_EQ(document.apply(update_with(none)).error().code, base::ErrorCode::malformed);
        EXPECT_TRUE(document.state_vector().empty());
    }
    Document document;
    EXPECT_TRUE(document.apply(update_with(any_text("{}"))).ok());
    EXPECT_EQ(document.state_vector().size(), 1u);
}

TEST(Documents, FormatsThatEachStretchRepeatsAreCountedBeforeTheyAreWritten) {
    Document document(DocumentOptions{1, true, false});
    const BranchIndex text = document.root("t", TypeKind::text);
    document.begin();
    ASSERT_TRUE(document.insert_text(text, 0, std::string(200, 'a')).ok());
    ASSERT_TRUE(
        document
            .format_text(text, 0, 200,
                         Attributes{{"link", any_text('"' + std::string(5'000, 'l') + '"')}})
            .ok());
    document.commit();
    const uint64_t one = repeated_format_bytes(document.store());
    EXPECT_GT(one, 5'000u);
    EXPECT_LT(one, 5'100u);
    document.begin();
    for (uint32_t at = 0; at < 200; at += 2)
        ASSERT_TRUE(document.format_text(text, at, 1, Attributes{{"bold", any_text("true")}}).ok());
    document.commit();
    std::string delta;
    append_delta(document.store(), text, delta);
    const uint64_t all = repeated_format_bytes(document.store());
    EXPECT_GT(all, delta.size() * 9 / 10);
    EXPECT_LT(all, delta.size() * 11 / 10);
}

}  // namespace
}  // namespace tandem::yjs
