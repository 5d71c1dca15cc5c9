#include "hub/hot_texts.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "hub/text.hpp"
#include "yjs/document.hpp"

namespace tandem::hub {
namespace {

std::unique_ptr<Text> text_with(std::string_view what) {
    yjs::Document author;
    author.begin();
    EXPECT_TRUE(author.insert_text(author.root("t", yjs::TypeKind::text), 0, what).ok());
    author.commit();
    auto document = yjs::RestingDocument::load(author.encode());
    EXPECT_TRUE(document.ok());
    auto text = std::make_unique<Text>("main");
    text->load(*std::move(document), 1);
    return text;
}

void ask(HotTexts& hot, Text& text) {
    hot.with(text, [&] { (void)text.document().state(); });
}

TEST(HotTexts, AreKeptUntilTheyAreForgotten) {
    HotTexts hot;
    const auto text = text_with("hello");
    EXPECT_EQ(text->document().kept_bytes(), 0u);
    ask(hot, *text);
    EXPECT_GT(text->document().kept_bytes(), 0u);
    EXPECT_EQ(hot.bytes(), text->document().kept_bytes());
    ask(hot, *text);
    EXPECT_EQ(hot.bytes(), text->document().kept_bytes());
    hot.forget(*text);
    EXPECT_EQ(text->document().kept_bytes(), 0u);
    EXPECT_EQ(hot.bytes(), 0u);
    hot.forget(*text);
    EXPECT_EQ(hot.bytes(), 0u);
}

TEST(HotTexts, ThoseWantedLeastRecentlyGoFirst) {
    const auto one = text_with(std::string(10'000, 'a'));
    const auto two = text_with(std::string(10'000, 'b'));
    const auto three = text_with(std::string(10'000, 'c'));
    HotTexts hot(60'000);
    for (Text* text : {one.get(), two.get(), one.get(), three.get()})
        ask(hot, *text);
    EXPECT_GT(one->document().kept_bytes(), 0u);
    EXPECT_EQ(two->document().kept_bytes(), 0u);
    EXPECT_GT(three->document().kept_bytes(), 0u);
    EXPECT_LE(hot.bytes(), 60'000u);
    // One that is larger than all that may be kept is served, and not kept.
    const auto large = text_with(std::string(100'000, 'd'));
    ask(hot, *large);
    EXPECT_EQ(hot.bytes(), 0u);
    for (Text* text : {one.get(), two.get(), three.get(), large.get()})
        EXPECT_EQ(text->document().kept_bytes(), 0u);
}

TEST(HotTexts, LoseThoseThatEnd) {
    HotTexts hot;
    auto text = text_with("hello");
    ask(hot, *text);
    text.reset();
    EXPECT_EQ(hot.bytes(), 0u);
    const auto next = text_with("again");
    ask(hot, *next);
    EXPECT_EQ(hot.bytes(), next->document().kept_bytes());
}

}  // namespace
}  // namespace tandem::hub
