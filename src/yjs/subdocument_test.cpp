#include "yjs/subdocument.hpp"

#include <gtest/gtest.h>

#include <string>

#include "yjs/document.hpp"
#include "yjs/reading.hpp"

namespace tandem::yjs {
namespace {

SubdocumentOptions named(std::string guid) {
    SubdocumentOptions options;
    options.guid = std::move(guid);
    return options;
}

class SubdocumentTest : public testing::Test {
  protected:
    SubdocumentTest() : document_(DocumentOptions{1, true, false}) {
        map_ = document_.root("m", TypeKind::map);
    }

    void set(std::string_view key, const SubdocumentOptions& options) {
        document_.begin();
        document_.set_subdocument(map_, key, options);
        document_.commit();
    }

    // The guids that came, went and are to be loaded, one event a line.
    static std::string told(Document& document) {
        std::string out;
        for (const SubdocumentEvent& event : document.subdocument_events()) {
            for (const auto* list : {&event.added, &event.removed, &event.loaded}) {
                out += list == &event.added ? "+" : list == &event.removed ? " -" : " !";
                for (const Subdocument& one : *list)
                    out += one.guid;
            }
            out += '\n';
        }
        return out;
    }

    Document document_;
    BranchIndex map_;
};

TEST_F(SubdocumentTest, IsLoadedWhereItIsMadeAndOnlyNamedElsewhere) {
    set("k", named("a"));
    EXPECT_EQ(told(document_), "+a - !a\n");
    Document other(DocumentOptions{2, true, false});
    ASSERT_TRUE(other.apply(document_.encode()).ok());
    EXPECT_EQ(told(other), "+a - !\n");
    ASSERT_EQ(other.subdocuments().size(), 1u);
    EXPECT_FALSE(other.subdocuments()[0].is_loaded);
    const Handle item = other.subdocuments()[0].item;
    ASSERT_TRUE(other.load_subdocument(item).ok());
    EXPECT_EQ(told(other), "+ - !a\n");
    EXPECT_TRUE(other.subdocuments()[0].is_loaded);
    // Once more is nothing new.
    other.begin();
    other.commit();
    ASSERT_TRUE(other.load_subdocument(item).ok());
    EXPECT_EQ(told(other), "");
    EXPECT_EQ(other.load_subdocument(item + 1).error().code, base::ErrorCode::not_found);
}

TEST_F(SubdocumentTest, MayLoadItselfEverywhere) {
    SubdocumentOptions options = named("a");
    options.loads_itself = true;
    options.is_loaded = false;
    set("k", options);
    EXPECT_EQ(told(document_), "+a - !\n");
    Document other(DocumentOptions{2, true, false});
    ASSERT_TRUE(other.apply(document_.encode()).ok());
    EXPECT_EQ(told(other), "+a - !a\n");
}

TEST_F(SubdocumentTest, ThatIsReplacedOrDeletedIsToldAsRemovedTwice) {
    set("k", named("a"));
    set("k", named("b"));
    EXPECT_EQ(told(document_), "+b -a !b\n+ -a !\n");
    document_.begin();
    document_.delete_key(map_, "k");
    document_.commit();
    EXPECT_EQ(told(document_), "+ -b !\n+ -b !\n");
    EXPECT_TRUE(document_.subdocuments().empty());
}

TEST_F(SubdocumentTest, ThatCameAndWentWithinATransactionIsOnlyToLoad) {
    document_.begin();
    document_.set_subdocument(map_, "k", named("a"));
    document_.delete_key(map_, "k");
    document_.commit();
    EXPECT_EQ(told(document_), "+ - !a\n");
    EXPECT_TRUE(document_.subdocuments().empty());
}

TEST_F(SubdocumentTest, ThatIsDestroyedIsThereAgainUnloaded) {
    set("k", named("a"));
    ASSERT_TRUE(document_.destroy_subdocument(document_.subdocuments()[0].item).ok());
    EXPECT_EQ(told(document_), "+a -a !\n");
    ASSERT_EQ(document_.subdocuments().size(), 1u);
    EXPECT_FALSE(document_.subdocuments()[0].is_loaded);
    Buffer update;
    EXPECT_FALSE(document_.write_last_update(update));
}

TEST_F(SubdocumentTest, OptionsTravelWithIt) {
    SubdocumentOptions options = named("a");
    options.collects = false;
    options.loads_itself = true;
    options.meta = "\x7d\x05";
    set("k", options);
    const std::string update = document_.encode();
    EXPECT_NE(update.find(std::string("\x01"
                                      "a\x76\x03\x02gc\x79\x08"
                                      "autoLoad\x78\x04meta\x7d\x05")),
              std::string::npos);
    std::string json;
    append_json(document_.store(), map_, json);
    EXPECT_EQ(json, "{\"k\":{\"guid\":\"a\"}}");
}

}  // namespace
}  // namespace tandem::yjs
