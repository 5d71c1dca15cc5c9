#include "yjs/store.hpp"

#include <gtest/gtest.h>

#include <string>

#include "yjs/document.hpp"
#include "yjs/document_testing.hpp"
#include "yjs/reading.hpp"

namespace tandem::yjs {
namespace {

using testing_parts::any_of;
using testing_parts::type_of;

DocumentOptions client(uint64_t id) {
    DocumentOptions options;
    options.client = id;
    return options;
}

void expect_same(const Document& document) {
    Document loaded(client(99));
    ASSERT_TRUE(loaded.apply(document.encode()).ok());
    EXPECT_EQ(loaded.encode(), document.encode());
}

TEST(Store, OriginsOfOtherClientsAreGivenUpWithTheirItems) {
    Document first(client(1));
    Document second(client(2));
    size_t bytes = 0;
    for (int round = 0; round < 200; ++round) {
        for (auto [writer, reader] : {std::pair(&first, &second), std::pair(&second, &first)}) {
            const BranchIndex text = writer->root("t", TypeKind::text);
            writer->begin();
            // Behind the other's character, and the one before is gone again.
            const uint32_t length = writer->store().branch(text).length;
            ASSERT_TRUE(writer->insert_text(text, length, "ab").ok());
            if (length > 2) {
                ASSERT_TRUE(writer->delete_text(text, length - 2, 2).ok());
            }
            writer->commit();
            Buffer update;
            ASSERT_TRUE(writer->write_last_update(update));
            ASSERT_TRUE(reader->apply(update.view()).ok());
        }
        if (round == 20) bytes = first.store().memory_bytes();
    }
    EXPECT_EQ(first.encode(), second.encode());
    // Only tombstones have come since, of which each is an item with an origin.
    EXPECT_LT(first.store().memory_bytes() - bytes,
              size_t{180} * 2 * 3 * (sizeof(Item) + 2 * sizeof(Dot)));
    expect_same(first);
}

TEST(Store, TextThatIsNotAsciiGivesBackWhatSaysWhereItLies) {
    Document document(client(1));
    const BranchIndex text = document.root("t", TypeKind::text);
    const auto edit = [&](auto&& change) {
        document.begin();
        ASSERT_TRUE(change().ok());
        document.commit();
    };
    edit([&] { return document.insert_text(text, 0, "äöü"); });
    size_t bytes = 0;
    for (int round = 0; round < 1'000; ++round) {
        // Cuts it, lengthens what is left, and collects what was cut out.
        edit([&] { return document.insert_text(text, 1, "ß€ plain \U0001F600"); });
        edit([&] { return document.delete_text(text, 2, 4); });
        edit([&] { return document.delete_text(text, 1, 7); });
        ASSERT_EQ(text_of(document.store(), text), "äöü");
        if (round == 500) bytes = document.store().memory_bytes();
    }
    // Each round leaves clocks that are all deleted, and those are one item.
    EXPECT_LT(document.store().memory_bytes(), bytes + 8'192);
    expect_same(document);
}

TEST(Store, AnUpdateThatIsRefusedLeavesNothingBehind) {
    Document writer(client(1));
    const BranchIndex text = writer.root("t", TypeKind::text);
    writer.begin();
    ASSERT_TRUE(writer.insert_text(text, 0, std::string(8'000, 'a') + "ä").ok());
    writer.commit();
    std::string broken = writer.encode();
    broken.back() = 9;
    Document document(client(2));
    ASSERT_TRUE(document.apply(writer.encode()).ok());
    // Of another client, so that all of it is read before the end shows what it is.
    broken[2] = 3;
    ASSERT_FALSE(document.apply(broken).ok());
    const size_t bytes = document.store().memory_bytes();
    for (int i = 0; i < 100; ++i)
        ASSERT_FALSE(document.apply(broken).ok());
    EXPECT_EQ(document.store().memory_bytes(), bytes);
    EXPECT_EQ(document.encode(), writer.encode());
}

TEST(Store, KeysOfATypeThatIsGoneGiveTheirSlotsToOthers) {
    Document document(client(1));
    const BranchIndex root = document.root("m", TypeKind::map);
    size_t bytes = 0;
    for (int round = 0; round < 100; ++round) {
        document.begin();
        const BranchIndex inner = document.set_content(root, "k", type_of(TypeKind::map));
        for (char name = 'a'; name < 'i'; ++name)
            document.set_value(inner, std::string(1, name), any_of("1"));
        document.set_value(inner, "a", any_of(std::to_string(round)));
        document.commit();
        if (round == 10) bytes = document.store().memory_bytes();
    }
    std::string json;
    append_json(document.store(), root, json);
    EXPECT_EQ(json, R"({"k":{"a":99,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1}})");
    // The types' collected clocks alone grow, by an item or two each.
    EXPECT_LT(document.store().memory_bytes() - bytes, size_t{90} * 3 * 64);
    expect_same(document);
}

TEST(Store, AnUpdateOfTooManyClientsIsRefused) {
    Buffer update;
    update.var_uint(0);
    update.var_uint(kClientsMax + 1);
    for (uint64_t id = 0; id <= kClientsMax; ++id) {
        update.var_uint(kClientsMax - id);
        update.var_uint(1);
        update.var_uint(0);
        update.var_uint(1);
    }
    Document document(client(8));
    const auto refused = document.apply(update.view());
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, base::ErrorCode::too_large);
    EXPECT_TRUE(document.store().clients().empty());
    EXPECT_FALSE(document.has_pending());
}

}  // namespace
}  // namespace tandem::yjs
