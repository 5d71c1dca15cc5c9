#include "yjs/conflict_index.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>

#include "yjs/document.hpp"
#include "yjs/document_testing.hpp"
#include "yjs/reading.hpp"

namespace tandem::yjs {
namespace {

using testing_parts::any_of;

constexpr uint32_t kNever = UINT32_MAX;
constexpr uint32_t kAlways = 0;

DocumentOptions options_of(uint64_t client, uint32_t scans_max) {
    DocumentOptions options;
    options.client = client;
    options.scans_max = scans_max;
    return options;
}

std::string json_of(Document& document) {
    std::string out;
    append_json(document.store(), document.root("text", TypeKind::text), out);
    append_json(document.store(), document.root("list", TypeKind::array), out);
    return out;
}

/// A user who edits one list, one text and one map of it, and hears of the others late.
struct User {
    User(uint64_t client, uint32_t scans_max) : document(options_of(client, scans_max)) {}

    std::string edit(std::mt19937& random) {
        document.begin();
        const BranchIndex text = document.root("text", TypeKind::text);
        const BranchIndex list = document.root("list", TypeKind::array);
        const BranchIndex map = document.root("map", TypeKind::map);
        auto within = [&](BranchIndex branch) {
            const uint32_t length = document.store().branch(branch).length;
            // Mostly near the beginning, where the others are too.
            return std::min(length, static_cast<uint32_t>(random() % (random() % 4 == 0 ? 60 : 4)));
        };
        for (size_t i = random() % 4 + 1; i > 0; --i) {
            switch (random() % 8) {
                case 0:
                case 1:
                case 2: {
                    const std::string word(random() % 5 + 1,
                                           static_cast<char>('a' + random() % 26));
                    EXPECT_TRUE(document.insert_text(text, within(text), word).ok());
                    break;
                }
                case 3:
                case 4:
                    EXPECT_TRUE(document.insert_values(list, within(list), any_of("7")).ok());
                    break;
                case 5:
                    document.set_value(map, random() % 2 == 0 ? "a" : "b", any_of("1"));
                    break;
                case 6:
                    if (const uint32_t at = within(text); at > 0) {
                        EXPECT_TRUE(document.delete_text(text, at - 1, 1).ok());
                    }
                    break;
                default:
                    if (const uint32_t at = within(list); at > 0) {
                        EXPECT_TRUE(document.delete_values(list, at - 1, 1).ok());
                    }
                    break;
            }
        }
        document.commit();
        Buffer update;
        return document.write_last_update(update) ? update.str() : std::string();
    }

    Document document;
    size_t heard = 0;
};

TEST(ConflictIndex, FindsThePlacesThatAScanFinds) {
    for (uint32_t seed = 1; seed <= 300; ++seed) {
        std::mt19937 random(seed);
        std::deque<User> users;
        const size_t count = random() % 7 + 2;
        for (size_t i = 0; i < count; ++i)
            users.emplace_back(random() % 1000 * 10 + i + 1, i % 2 == 0 ? kAlways : kNever);
        std::vector<std::string> updates;
        Document indexed(options_of(1'000'001, kAlways));
        Document scanned(options_of(1'000'002, kNever));
        for (size_t step = 0; step < 60; ++step) {
            User& user = users[random() % count];
            if (random() % 5 == 0) {
                // In one transaction, so that an index lives through all of it.
                user.document.begin();
                for (; user.heard < updates.size(); ++user.heard)
                    ASSERT_TRUE(user.document.apply(updates[user.heard]).ok());
                user.document.commit();
            }
            if (std::string update = user.edit(random); !update.empty()) updates.push_back(update);
        }
        std::vector<std::string> shuffled = updates;
        std::shuffle(shuffled.begin(), shuffled.end(), random);
        for (Document* document : {&indexed, &scanned}) {
            document->begin();
            for (const std::string& update : shuffled)
                ASSERT_TRUE(document->apply(update).ok());
            document->commit();
        }
        ASSERT_EQ(indexed.encode(), scanned.encode()) << "seed " << seed;
        for (User& user : users) {
            for (; user.heard < updates.size(); ++user.heard)
                ASSERT_TRUE(user.document.apply(updates[user.heard]).ok());
            ASSERT_EQ(user.document.encode(), users[0].document.encode()) << "seed " << seed;
            ASSERT_EQ(json_of(user.document), json_of(users[0].document)) << "seed " << seed;
        }
    }
}

// A scan would pass 900 million neighbours here, which whoever undoes the index notices.
TEST(ConflictIndex, ManyClientsAtOnePlaceLowestFirst) {
    constexpr uint32_t kClients = 30'000;
    Document document(options_of(kClients + 1, DocumentOptions().scans_max));
    std::string expected;
    document.begin();
    for (uint32_t client = 1; client <= kClients; ++client) {
        const std::string_view letter = client % 2 == 0 ? "x" : "y";
        expected += letter;
        Document one(options_of(client, kNever));
        one.begin();
        ASSERT_TRUE(one.insert_text(one.root("t", TypeKind::text), 0, letter).ok());
        one.commit();
        ASSERT_TRUE(document.apply(one.encode()).ok());
    }
    document.commit();
    std::string text;
    append_json(document.store(), document.root("t", TypeKind::text), text);
    EXPECT_EQ(text, '"' + expected + '"');
}

}  // namespace
}  // namespace tandem::yjs
