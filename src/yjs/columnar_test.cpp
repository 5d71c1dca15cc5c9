#include "yjs/columnar.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "yjs/document.hpp"
#include "yjs/document_testing.hpp"
#include "yjs/reading.hpp"

namespace tandem::yjs {
namespace {

using testing_parts::any_of;
using testing_parts::type_of;

DocumentOptions options_of(uint64_t client, bool collects) {
    DocumentOptions options;
    options.client = client;
    options.collects = collects;
    return options;
}

// Some who edit shared types of all kinds at once, and now and then hear of each other.
class Editors {
  public:
    Editors(uint32_t seed, bool collects) : dice_(seed), collects_(collects) {
        const uint32_t count = 1 + roll(4);
        for (uint32_t i = 0; i < count; ++i)
            users_.emplace_back(options_of(10 + uint64_t{dice_()} % 1'000'000, collects));
    }

    uint32_t roll(uint32_t below) { return static_cast<uint32_t>(dice_()) % below; }
    std::deque<Document>& users() { return users_; }
    std::vector<std::string>& updates() { return updates_; }

    void step() {
        Document& user = users_[roll(static_cast<uint32_t>(users_.size()))];
        if (roll(4) == 0 && !updates_.empty()) {
            // One of the last, maybe before what it depends on.
            const uint32_t back = 1 + roll(std::min<uint32_t>(8, count_of_updates()));
            ASSERT_TRUE(user.apply(updates_[updates_.size() - back]).ok());
        } else if (roll(12) == 0) {
            ASSERT_TRUE(
                user.apply(users_[roll(static_cast<uint32_t>(users_.size()))].encode()).ok());
        } else {
            if (user.has_id_collision()) user.set_client_id(10 + uint64_t{dice_()});
            edit(user);
            Buffer update;
            if (user.write_last_update(update)) updates_.push_back(update.str());
        }
    }

    void edit(Document& user) { edit(user, dice_); }

    // The same change in each document that shows the same, given dice that fall the same.
    static void edit(Document& user, std::mt19937& dice) {
        auto roll = [&](uint32_t below) { return static_cast<uint32_t>(dice()) % below; };
        user.begin();
        for (uint32_t i = 0; i <= roll(3); ++i)
            change(user, roll);
        user.commit();
    }

  private:
    uint32_t count_of_updates() const { return static_cast<uint32_t>(updates_.size()); }

    template <class Roll>
    static void change(Document& user, Roll&& roll) {
        static constexpr std::string_view kTexts[] = {
            "a", "bc", "h\xC3\xA9llo", "\xF0\x9F\x98\x80!", "some more", "\xE2\x82\xAC"};
        const std::string_view text = kTexts[roll(6)];
        switch (roll(6)) {
            case 0:
            case 1:
                return change_text(user, user.root("t", TypeKind::text), text, roll);
            case 2:
                return change_list(user, user.root("a", TypeKind::array), text, roll);
            case 3:
                return change_map(user, user.root("m", TypeKind::map), text, roll);
            case 4:
                return change_list(user, user.root("x", TypeKind::xml_fragment), text, roll);
            default:
                return change_nested(user, text, roll);
        }
    }

    template <class Roll>
    static void change_text(Document& user, BranchIndex branch, std::string_view text,
                            Roll&& roll) {
        const uint32_t length = user.store().branch(branch).length;
        const uint32_t at = roll(length + 1);
        const uint32_t len = std::min(length - at, 1 + roll(4));
        const Document::Attributes bold{{"bold", roll(2) == 0 ? any_of("true") : any_of("null")}};
        switch (roll(6)) {
            case 0:
                return (void)user.delete_text(branch, at, len);
            case 1:
                return (void)user.format_text(branch, at, len, bold);
            case 2:
                return (void)user.insert_text(branch, at, text, bold);
            case 3:
                if (roll(3) != 0) return (void)user.insert_text(branch, length, "typed");
                return (void)user.insert_embed(branch, at, any_of(R"({"image":"a.png"})"), {});
            default:
                return (void)user.insert_text(branch, at, text);
        }
    }

    template <class Roll>
    static void change_list(Document& user, BranchIndex branch, std::string_view text,
                            Roll&& roll) {
        const uint32_t length = user.store().branch(branch).length;
        const uint32_t at = roll(length + 1);
        Content binary;
        binary.kind = Kind::binary;
        binary.len = 1;
        binary.body = text;
        SubdocumentOptions inner;
        inner.guid = "inner" + std::to_string(roll(3));
        inner.loads_itself = roll(2) == 0;
        switch (roll(7)) {
            case 0:
            case 1:
                return (void)user.delete_values(branch, at, std::min(length - at, 1 + roll(3)));
            case 2:
                return (void)user.insert_content(branch, at, binary);
            case 3:
                return (void)user.insert_content(branch, at,
                                                 type_of(TypeKind::xml_element, "paragraph"));
            case 4:
                return (void)user.insert_content(
                    branch, at, type_of(static_cast<TypeKind>(roll(5) == 4 ? 6 : roll(3))));
            case 5:
                return (void)user.insert_subdocument(branch, at, inner);
            default:
                return (void)user.insert_values(branch, at, any_of("1") + any_of(R"(["two",{}])"));
        }
    }

    template <class Roll>
    static void change_map(Document& user, BranchIndex branch, std::string_view text, Roll&& roll) {
        static constexpr std::string_view kKeys[] = {"k", "key", "\xC3\xBC"};
        const std::string_view key = kKeys[roll(3)];
        SubdocumentOptions inner;
        inner.guid = "inner";
        Buffer value;
        append_any_string(text, value);
        switch (roll(6)) {
            case 0:
                return user.delete_key(branch, key);
            case 1:
                return (void)user.set_content(branch, key, type_of(TypeKind::map));
            case 2:
                return (void)user.set_content(branch, key, type_of(TypeKind::text));
            case 3:
                return user.set_subdocument(branch, key, inner);
            default:
                return user.set_value(branch, key, value.view());
        }
    }

    template <class Roll>
    static void change_nested(Document& user, std::string_view text, Roll&& roll) {
        // In the order of the items, which is that of clients and clocks.
        std::vector<BranchIndex> types;
        for (ClientIndex client : user.store().clients_in_order()) {
            user.store().clients()[client].items.for_each([&](Handle handle) {
                const Item& item = user.store().item(handle);
                if (item.kind == Kind::type && !item.is_deleted()) types.push_back(item.content);
            });
        }
        if (types.empty()) return;
        const BranchIndex branch = types[roll(static_cast<uint32_t>(types.size()))];
        switch (user.store().branch(branch).kind) {
            case TypeKind::text:
            case TypeKind::xml_text:
                return change_text(user, branch, text, roll);
            case TypeKind::map:
            case TypeKind::xml_hook:
                return change_map(user, branch, text, roll);
            case TypeKind::xml_element:
                if (roll(2) == 0) return change_map(user, branch, text, roll);
                return change_list(user, branch, text, roll);
            case TypeKind::array:
            case TypeKind::xml_fragment:
            case TypeKind::unknown:
                return change_list(user, branch, text, roll);
        }
    }

    std::mt19937 dice_;
    bool collects_;
    std::deque<Document> users_;
    std::vector<std::string> updates_;
};

enum class Roots : uint8_t { as_they_came, by_name };

std::string shown(const Document& document, Roots order) {
    std::string out;
    Few<BranchIndex> roots = document.store().roots();
    if (order == Roots::by_name)
        std::sort(roots.begin(), roots.end(), [&](BranchIndex a, BranchIndex b) {
            const auto name = [&](BranchIndex root) {
                return document.store().names().at(document.store().branch(root).name);
            };
            return name(a) < name(b);
        });
    for (BranchIndex root : roots) {
        append_json(document.store(), root, out);
        out += '\n';
    }
    for (const Subdocument& one : document.subdocuments())
        out += one.guid + (one.is_loaded ? "+" : "-");
    return out;
}

void expect_same(const Document& one, const Document& other, Roots order, uint32_t seed) {
    ASSERT_EQ(one.encode(), other.encode()) << "seed " << seed;
    ASSERT_EQ(one.encode({}, Encoding::v2), other.encode({}, Encoding::v2)) << "seed " << seed;
    ASSERT_EQ(one.state_vector(), other.state_vector()) << "seed " << seed;
    ASSERT_EQ(one.missing(), other.missing()) << "seed " << seed;
    ASSERT_EQ(one.has_pending(), other.has_pending()) << "seed " << seed;
    ASSERT_EQ(one.has_id_collision(), other.has_id_collision()) << "seed " << seed;
    ASSERT_EQ(shown(one, order), shown(other, order)) << "seed " << seed;
}

// A document that is loaded from its columns is the one that is loaded from its update, whatever
// happened to it before and whatever happens to it later.
void hold_against_updates(uint32_t seed, bool collects) {
    Editors editors(seed, collects);
    const uint32_t steps = 5 + editors.roll(60);
    for (uint32_t i = 0; i < steps; ++i)
        ASSERT_NO_FATAL_FAILURE(editors.step());
    for (Document& user : editors.users()) {
        const auto columns = user.to_columnar();
        ASSERT_TRUE(columns.ok()) << "seed " << seed;
        // Sometimes as one of those who have written in it.
        const uint64_t client = editors.roll(5) == 0 ? user.client_id() : 7;
        // What waits names roots, too, and is read with the rest or behind it.
        const Roots order = user.has_pending() ? Roots::by_name : Roots::as_they_came;
        Document loaded(options_of(client, true));
        Document applied(options_of(client, true));
        ASSERT_TRUE(loaded.load_columnar(*columns).ok()) << "seed " << seed;
        ASSERT_TRUE(applied.apply(user.encode()).ok());
        ASSERT_NO_FATAL_FAILURE(expect_same(loaded, applied, order, seed));
        ASSERT_EQ(*loaded.to_columnar(), *applied.to_columnar()) << "seed " << seed;
        for (int i = 0; i < 12; ++i) {
            if (editors.roll(2) == 0 && !editors.updates().empty()) {
                const auto count = static_cast<uint32_t>(editors.updates().size());
                const std::string& update = editors.updates()[editors.roll(count)];
                ASSERT_TRUE(loaded.apply(update).ok());
                ASSERT_TRUE(applied.apply(update).ok());
            } else {
                if (loaded.has_id_collision()) {
                    loaded.set_client_id(8);
                    applied.set_client_id(8);
                }
                const uint32_t fall = editors.roll(1'000'000);
                std::mt19937 dice(fall);
                std::mt19937 same_dice(fall);
                Editors::edit(loaded, dice);
                Editors::edit(applied, same_dice);
            }
            Buffer one;
            Buffer other;
            ASSERT_EQ(loaded.write_last_update(one), applied.write_last_update(other));
            ASSERT_EQ(one.view(), other.view()) << "seed " << seed;
            ASSERT_NO_FATAL_FAILURE(expect_same(loaded, applied, order, seed));
        }
    }
}

TEST(Columnar, LoadsWhatAnUpdateDoes) {
    for (uint32_t seed = 1; seed <= 150; ++seed)
        ASSERT_NO_FATAL_FAILURE(hold_against_updates(seed, true));
}

TEST(Columnar, HasContentsOfWhatIsDeletedAndNotCollected) {
    for (uint32_t seed = 1; seed <= 150; ++seed)
        ASSERT_NO_FATAL_FAILURE(hold_against_updates(seed, false));
    Editors editors(5, false);
    for (int i = 0; i < 60; ++i)
        ASSERT_NO_FATAL_FAILURE(editors.step());
    const Document& user = editors.users()[0];
    Document kept(options_of(7, false));
    ASSERT_TRUE(kept.load_columnar(*user.to_columnar()).ok());
    EXPECT_EQ(kept.encode(), user.encode());
}

TEST(Columnar, IsSmall) {
    Document document(options_of(2'345'678'901, true));
    Document empty(options_of(1, true));
    EXPECT_EQ((*empty.to_columnar()).size(), 13u);
    const BranchIndex text = document.root("text", TypeKind::text);
    auto type = [&](uint32_t at, std::string_view what) {
        document.begin();
        ASSERT_TRUE(document.insert_text(text, at, what).ok());
        document.commit();
    };
    type(0, "hello");
    EXPECT_LE((*document.to_columnar()).size(), document.encode({}, Encoding::v2).size() + 8);
    std::mt19937 dice(1);
    for (uint32_t i = 0; i < 60; ++i) {
        std::string word;
        for (int j = 0; j < 17; ++j)
            word += static_cast<char>('a' + dice() % 26);
        type(static_cast<uint32_t>(dice()) % (document.store().branch(text).length + 1), word);
    }
    EXPECT_LE((*document.to_columnar()).size(), document.encode({}, Encoding::v2).size() + 8);
}

TEST(Columnar, DamageIsFound) {
    Editors editors(3, true);
    for (int i = 0; i < 40; ++i)
        ASSERT_NO_FATAL_FAILURE(editors.step());
    const std::string whole = *editors.users()[0].to_columnar();
    for (size_t at = 0; at < whole.size(); ++at) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
        Document document(options_of(7, true));
        ASSERT_FALSE(document.load_columnar(damaged).ok()) << "byte " << at;
        ASSERT_FALSE(document.load_columnar(whole.substr(0, at)).ok()) << "byte " << at;
        // It is empty, and fit for use.
        ASSERT_TRUE(document.load_columnar(whole).ok());
    }
}

// Bytes whose checksum says nothing give an error, or a document that one can go on with.
TEST(Columnar, WhatIsForgedIsRefusedOrFits) {
    size_t refused = 0;
    size_t loaded = 0;
    for (uint32_t seed = 1; seed <= 60; ++seed) {
        Editors editors(seed, seed % 2 == 0);
        for (int i = 0; i < 30; ++i)
            ASSERT_NO_FATAL_FAILURE(editors.step());
        const auto parts = columnar::unpack(*editors.users()[0].to_columnar());
        ASSERT_TRUE(parts.ok());
        for (int i = 0; i < 60; ++i) {
            std::string columns = (*parts).columns;
            for (uint32_t j = 0; j <= editors.roll(3); ++j)
                columns[editors.roll(static_cast<uint32_t>(columns.size()))] =
                    static_cast<char>(editors.roll(256));
            Document document(options_of(7, true));
            if (!document.load_columnar(columnar::pack(columns, (*parts).contents.view())).ok()) {
                ++refused;
                EXPECT_EQ(document.encode(), std::string_view("\0\0", 2));
                continue;
            }
            ++loaded;
            for (int j = 0; j < 5; ++j)
                editors.edit(document);
            for (const std::string& update : editors.updates())
                ASSERT_TRUE(document.apply(update).ok());
            Document replica(options_of(9, true));
            ASSERT_TRUE(replica.apply(document.encode()).ok());
            (void)document.to_columnar();
            (void)shown(document, Roots::as_they_came);
        }
    }
    EXPECT_GT(refused, 500u);
    EXPECT_GT(loaded, 100u);
}

}  // namespace
}  // namespace tandem::yjs
