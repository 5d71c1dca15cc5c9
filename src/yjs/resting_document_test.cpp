#include "yjs/resting_document.hpp"

#include <gtest/gtest.h>

#include <random>

#include "yjs/columnar.hpp"
#include "yjs/document.hpp"
#include "yjs/reading.hpp"

namespace tandem::yjs {
namespace {

using Keep = RestingDocument::Keep;

DocumentOptions options_of(uint64_t client) {
    DocumentOptions options;
    options.client = client;
    return options;
}

// One who types, and tells a document at rest.
class RestingDocumentTest : public testing::Test {
  protected:
    void type(uint32_t at, std::string_view what) {
        author_.begin();
        ASSERT_TRUE(author_.insert_text(text_, at, what).ok());
        author_.commit();
        Buffer update;
        ASSERT_TRUE(author_.write_last_update(update));
        resting_.append(update.str(), *reach_of_update(update.view()));
    }

    Document author_{options_of(1)};
    BranchIndex text_ = author_.root("t", TypeKind::text);
    RestingDocument resting_;
};

TEST_F(RestingDocumentTest, GivesWhatOneLacks) {
    for (const Keep keep : {Keep::bytes, Keep::document}) {
        resting_.keep(keep);
        StateVector middle;
        for (uint32_t i = 0; i < 2'500; ++i) {
            type(author_.store().branch(text_).length, "x");
            if (i == 1'000) middle = author_.state_vector();
        }
        // Small updates do not pile up: they cost their bytes only until the state is made anew.
        EXPECT_LT(resting_.bytes(), 40'000u);
        EXPECT_EQ(resting_.diff({}), author_.encode());
        EXPECT_EQ(resting_.diff(middle), author_.encode(middle));
        EXPECT_EQ(resting_.state(), author_.encode());
    }
}

TEST_F(RestingDocumentTest, IsReadFromFilesOfUpdatesAndOfColumns) {
    type(0, "hello");
    type(2, "--");
    auto old = RestingDocument::load(author_.encode());
    ASSERT_TRUE(old.ok());
    EXPECT_TRUE(columnar::is_columnar(resting_.save()));
    auto young = RestingDocument::load(std::string(resting_.save()));
    ASSERT_TRUE(young.ok());
    for (RestingDocument* one : {&*old, &*young}) {
        EXPECT_EQ(one->known().vector(), author_.state_vector());
        EXPECT_EQ(one->state(), author_.encode());
        EXPECT_EQ(one->bytes(), author_.encode().size());
        EXPECT_EQ(one->save(), resting_.save());
        Document document;
        ASSERT_TRUE(one->load_into(document).ok());
        EXPECT_EQ(document.encode(), author_.encode());
    }
    EXPECT_FALSE(RestingDocument::load("\x01").ok());
    std::string damaged(resting_.save());
    damaged.back() = static_cast<char>(damaged.back() ^ 1);
    EXPECT_FALSE(RestingDocument::load(damaged).ok());
    EXPECT_EQ(RestingDocument().state(), std::string_view("\0\0", 2));
    EXPECT_TRUE(RestingDocument().save().empty());
}

TEST_F(RestingDocumentTest, KeepsADocumentOnlyWhileItIsToldTo) {
    type(0, "hello");
    EXPECT_EQ(resting_.state(), author_.encode());
    EXPECT_EQ(resting_.kept_bytes(), 0u);
    resting_.keep(Keep::document);
    EXPECT_EQ(resting_.kept_bytes(), 0u);
    EXPECT_EQ(resting_.state(), author_.encode());
    EXPECT_GT(resting_.kept_bytes(), 100u);
    // What comes later is in it when somebody asks again, and so is all that is saved.
    for (int i = 0; i < 3; ++i) {
        type(1, "more");
        EXPECT_EQ(resting_.diff(author_.state_vector()), author_.encode(author_.state_vector()));
        EXPECT_EQ(resting_.state(), author_.encode());
        if (i != 1) continue;
        EXPECT_TRUE(columnar::is_columnar(resting_.save()));
    }
    auto loaded = RestingDocument::load(std::string(resting_.save()));
    ASSERT_TRUE(loaded.ok());
    EXPECT_EQ(loaded->state(), author_.encode());
    EXPECT_GT(resting_.kept_bytes(), 100u);
    resting_.keep(Keep::bytes);
    EXPECT_EQ(resting_.kept_bytes(), 0u);
    EXPECT_EQ(resting_.state(), author_.encode());
}

// What fits by its clocks and no document takes in is held all the same: two structs that stand
// next to each other, of which each needs the other first.
TEST(RestingDocument, HoldsWhatWaitsInACircle) {
    const std::string circle{
        "\x02\x01\x02\x00\x84\x01\x00\x01\x61\x01\x01\x00\x84\x02\x00\x01\x62\x00", 18};
    const auto reach = reach_of_update(circle);
    ASSERT_TRUE(reach.ok());
    RestingDocument resting;
    ASSERT_EQ(resting.known().judge(*reach), KnownClocks::Verdict::news);
    resting.append(circle, *reach);
    auto loaded = RestingDocument::load(std::string(resting.save()));
    ASSERT_TRUE(loaded.ok());
    EXPECT_EQ(loaded->known().vector(), resting.known().vector());
    EXPECT_EQ(loaded->known().judge(*reach), KnownClocks::Verdict::nothing);
    EXPECT_EQ(loaded->state(), resting.state());
}

}  // namespace
}  // namespace tandem::yjs
