#include "yjs/small_update.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "yjs/any.hpp"
#include "yjs/document.hpp"
#include "yjs/document_testing.hpp"
#include "yjs/reading.hpp"

namespace tandem::yjs {
namespace {

using testing_parts::any_of;
using testing_parts::type_of;

DocumentOptions options_of(uint64_t client) {
    DocumentOptions options;
    options.client = client;
    return options;
}

// Somebody at a keyboard: types on, goes back, deletes on either side of the cursor, jumps.
class Typist {
  public:
    Typist(uint64_t client, std::mt19937& dice) : document(options_of(client)), dice_(dice) {}

    // The update, or nothing if nothing changed.
    std::string act() {
        const BranchIndex text = text_of_turn();
        const uint32_t length = document.store().branch(text).length;
        cursor_ = std::min(cursor_, length);
        if (dice_() % 5 == 0) cursor_ = static_cast<uint32_t>(dice_() % (length + 1));
        static constexpr std::string_view kTyped[] = {
            "a", "b", "cd", "\xc3\xa9", "\xf0\x9f\x98\x80", "a longer piece "};
        const std::string_view typed = kTyped[dice_() % std::size(kTyped)];
        document.begin();
        base::Status done;
        switch (dice_() % 9) {
            case 0:
            case 1:
                if (cursor_ > 0) done = document.delete_text(text, --cursor_, 1);
                break;
            case 2:
                if (cursor_ < length) done = document.delete_text(text, cursor_, 1);
                break;
            case 3:
                if (length > 0)
                    done =
                        document.delete_text(text, cursor_ / 2, std::min(length - cursor_ / 2, 5u));
                break;
            case 4:
                if (dice_() % 4 == 0 && cursor_ < length)
                    done = document.format_text(text, cursor_, 1, {{"b", any_of("true")}});
                break;
            default:
                done = document.insert_text(text, cursor_, typed);
                cursor_ += static_cast<uint32_t>(document.store().branch(text).length) - length;
        }
        EXPECT_TRUE(done.ok());
        document.commit();
        Buffer update;
        document.write_last_update(update);
        return update.str();
    }

    Document document;
    // What it did besides.
    std::vector<std::string> extra;

  private:
    // Mostly one root; sometimes a text within a map that others may replace at the same time.
    BranchIndex text_of_turn() {
        const BranchIndex map = document.root("m", TypeKind::map);
        if (dice_() % 4 != 0) return document.root("t", TypeKind::text);
        const Handle value =
            document.store().branch(map).map_find(document.store().names().find("k"));
        if (value != 0 && dice_() % 20 != 0 && document.store().item(value).kind == Kind::type)
            return document.store().item(value).content;
        document.begin();
        const BranchIndex made = document.set_content(map, "k", type_of(TypeKind::text));
        document.commit();
        Buffer update;
        document.write_last_update(update);
        extra.push_back(update.str());
        return made;
    }

    std::mt19937& dice_;
    uint32_t cursor_ = 0;
};

std::string last_update(Document& document) {
    Buffer update;
    document.write_last_update(update);
    return update.str();
}

// The second encoding always takes the general path.
void apply_both(Document& small, Document& general, const std::string& update) {
    const auto as_v2 = convert_update(update, Encoding::v1, Encoding::v2);
    ASSERT_TRUE(as_v2.ok());
    ASSERT_TRUE(small.apply(update).ok());
    ASSERT_TRUE(general.apply(*as_v2, Encoding::v2).ok());
    ASSERT_EQ(small.encode(), general.encode());
    ASSERT_EQ(small.has_pending(), general.has_pending());
    ASSERT_EQ(small.missing(), general.missing());
    ASSERT_EQ(last_update(small), last_update(general));
    ASSERT_EQ(small.has_id_collision(), general.has_id_collision());
}

TEST(SmallUpdate, ComesToWhatTheGeneralPathComesTo) {
    size_t small_count = 0;
    for (uint32_t seed = 1; seed <= 150; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 dice(seed);
        std::deque<Typist> typists;
        for (uint64_t client = 1; client <= 1 + seed % 3; ++client)
            typists.emplace_back(client, dice);
        Document small(options_of(50));
        Document general(options_of(50));
        std::vector<std::string> late;
        for (int step = 0; step < 120; ++step) {
            Typist& typist = typists[dice() % typists.size()];
            const std::string made = typist.act();
            std::vector<std::string> updates = std::exchange(typist.extra, {});
            if (!made.empty()) updates.push_back(made);
            for (std::string& update : updates) {
                SmallUpdate read;
                small_count += read_small_update(update, read) ? 1 : 0;
                if (dice() % 12 == 0) {
                    late.push_back(std::move(update));
                } else {
                    ASSERT_NO_FATAL_FAILURE(apply_both(small, general, update));
                    if (dice() % 10 == 0) {
                        ASSERT_NO_FATAL_FAILURE(apply_both(small, general, update));
                    }
                }
            }
            if (dice() % 6 == 0) {
                for (const std::string& update : late)
                    ASSERT_NO_FATAL_FAILURE(apply_both(small, general, update));
                late.clear();
            }
            if (dice() % 8 == 0) {
                ASSERT_TRUE(typists[dice() % typists.size()].document.apply(small.encode()).ok());
            }
            if (dice() % 9 == 0) {
                // Its own changes go by positions, which both must have kept.
                const BranchIndex text = small.root("t", TypeKind::text);
                ASSERT_EQ(text, general.root("t", TypeKind::text));
                const auto position =
                    static_cast<uint32_t>(dice() % (small.store().branch(text).length + 1));
                for (Document* document : {&small, &general}) {
                    document->begin();
                    ASSERT_TRUE(document->insert_text(text, position, "x").ok());
                    document->commit();
                }
                ASSERT_EQ(small.encode(), general.encode());
                ASSERT_EQ(text_of(small.store(), text), text_of(general.store(), text));
            }
        }
        for (const std::string& update : late)
            ASSERT_NO_FATAL_FAILURE(apply_both(small, general, update));
    }
    EXPECT_GT(small_count, 5'000u);
}

TEST(SmallUpdate, WhatIsLongerOrMalformedIsLeftToTheGeneralReader) {
    SmallUpdate read;
    const std::string typed{"\x01\x01\x02\x03\x84\x02\x02\x01\x61\x00", 10};
    ASSERT_TRUE(read_small_update(typed, read));
    EXPECT_EQ(read.step, SmallUpdate::Step::insert);
    EXPECT_EQ(read.client, 2u);
    EXPECT_EQ(read.range, (IdRange{3, 1}));
    EXPECT_EQ(read.origin, (Id{2, 2}));
    EXPECT_FALSE(read.has_right_origin);
    EXPECT_EQ(read.text, "a");
    const std::string deleted{"\x00\x01\x02\x01\x03\x04", 6};
    ASSERT_TRUE(read_small_update(deleted, read));
    EXPECT_EQ(read.step, SmallUpdate::Step::erase);
    EXPECT_EQ(read.client, 2u);
    EXPECT_EQ(read.range, (IdRange{3, 4}));
    for (const std::string& whole : {typed, deleted}) {
        for (size_t size = 0; size < whole.size(); ++size)
            EXPECT_FALSE(read_small_update(std::string_view(whole).substr(0, size), read));
        EXPECT_FALSE(read_small_update(whole + '\0', read));
    }
    // Not UTF-8, no text, no origin, another kind, two structs, nothing deleted.
    EXPECT_FALSE(read_small_update({"\x01\x01\x02\x03\x84\x02\x02\x01\xff\x00", 10}, read));
    EXPECT_FALSE(read_small_update({"\x01\x01\x02\x03\x84\x02\x02\x00\x00", 9}, read));
    EXPECT_FALSE(read_small_update({"\x01\x01\x02\x00\x04\x01\x01\x74\x01\x61\x00", 11}, read));
    EXPECT_FALSE(read_small_update({"\x01\x01\x02\x03\x83\x02\x02\x01\x61\x00", 10}, read));
    EXPECT_FALSE(read_small_update({"\x01\x02\x02\x03\x84\x02\x02\x01\x61\x00", 10}, read));
    EXPECT_FALSE(read_small_update({"\x00\x01\x02\x01\x03\x00", 6}, read));
}

}  // namespace
}  // namespace tandem::yjs
