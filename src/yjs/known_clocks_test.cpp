#include "yjs/known_clocks.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "yjs/document.hpp"
#include "yjs/reading.hpp"
#include "yjs/resting_document.hpp"

namespace tandem::yjs {
namespace {

DocumentOptions options_of(uint64_t client) {
    DocumentOptions options;
    options.client = client;
    return options;
}

// What `judge` says without a document is what happens to one: updates of three who type and
// delete, in any order, some twice, some never.
TEST(KnownClocks, JudgeAsADocumentWouldTakeIt) {
    size_t missing = 0;
    size_t nothing = 0;
    size_t news = 0;
    for (uint32_t seed = 1; seed <= 300; ++seed) {
        std::mt19937 dice(seed);
        auto roll = [&] { return static_cast<uint32_t>(dice()); };
        std::deque<Document> users;
        for (uint64_t client = 1; client <= 3; ++client)
            users.emplace_back(options_of(client));
        std::vector<std::string> updates;
        for (int i = 0; i < 30; ++i) {
            Document& user = users[dice() % users.size()];
            const BranchIndex text = user.root("t", TypeKind::text);
            const uint32_t length = user.store().branch(text).length;
            user.begin();
            if (length > 2 && roll() % 3 == 0) {
                ASSERT_TRUE(user.delete_text(text, roll() % (length - 1), 1 + roll() % 2).ok());
            } else {
                ASSERT_TRUE(user.insert_text(text, roll() % (length + 1), "ab").ok());
            }
            user.commit();
            Buffer update;
            if (user.write_last_update(update)) updates.push_back(update.str());
            if (roll() % 4 == 0) {
                ASSERT_TRUE(users[roll() % users.size()].apply(user.encode()).ok());
            }
        }
        KnownClocks known;
        RestingDocument resting;
        Document judge(options_of(99));
        for (int i = 0; i < 80; ++i) {
            const std::string& update = updates[dice() % updates.size()];
            const auto reach = reach_of_update(update);
            ASSERT_TRUE(reach.ok());
            const auto verdict = known.judge(*reach);
            Document trial(options_of(98));
            ASSERT_TRUE(trial.apply(judge.encode()).ok());
            const std::string before = trial.encode();
            ASSERT_TRUE(trial.apply(update).ok());
            switch (verdict) {
                case KnownClocks::Verdict::missing:
                    ++missing;
                    ASSERT_TRUE(trial.has_pending()) << "seed " << seed;
                    break;
                case KnownClocks::Verdict::nothing:
                    ++nothing;
                    ASSERT_FALSE(trial.has_pending());
                    ASSERT_EQ(trial.encode(), before) << "seed " << seed;
                    break;
                case KnownClocks::Verdict::news:
                    ++news;
                    ASSERT_FALSE(trial.has_pending()) << "seed " << seed;
                    ASSERT_NE(trial.encode(), before) << "seed " << seed;
                    known.add(*reach);
                    resting.append(update, *reach);
                    ASSERT_TRUE(judge.apply(update).ok());
                    break;
            }
            ASSERT_EQ(known.vector(), judge.state_vector()) << "seed " << seed;
        }
        ASSERT_EQ(resting.state(), judge.encode()) << "seed " << seed;
        // And read back it knows the same, from an update as from what it saves.
        for (const std::string& saved : {resting.state(), std::string(resting.save())}) {
            // Nothing is saved of what is empty.
            if (saved.empty() && resting.is_empty()) continue;
            auto loaded = RestingDocument::load(saved);
            ASSERT_TRUE(loaded.ok());
            ASSERT_EQ(loaded->state(), judge.encode()) << "seed " << seed;
            ASSERT_EQ(loaded->bytes(), judge.encode().size()) << "seed " << seed;
            for (const std::string& update : updates)
                ASSERT_EQ(loaded->known().judge(*reach_of_update(update)),
                          known.judge(*reach_of_update(update)))
                    << "seed " << seed;
        }
    }
    EXPECT_GT(missing, 1'000u);
    EXPECT_GT(nothing, 1'000u);
    EXPECT_GT(news, 1'000u);
}

TEST(KnownClocks, RefuseWhatDoesNotDecode) {
    EXPECT_FALSE(reach_of_update("").ok());
    EXPECT_FALSE(reach_of_update("\xff\xff").ok());
    // Client 1 at clock 0 stands next to its own clock 5.
    const std::string future{"\x01\x01\x01\x00\x84\x01\x05\x01\x61\x00", 10};
    EXPECT_FALSE(reach_of_update(future).ok());
}

}  // namespace
}  // namespace tandem::yjs
