// Laws of the tree of hashes: its root says whether two records hold the same, however they came
// to it, and costs little to keep.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "record/hash_compare.hpp"
#include "record/random_log.hpp"

namespace tandem::record {
namespace {

using testing::json;
using testing::Log;
using testing::path;
using testing::RandomLog;

Document from_scratch(const Document& document) {
    std::string bytes;
    document.save(bytes);
    auto loaded = Document::load(bytes);
    EXPECT_TRUE(loaded.ok());
    return std::move(*loaded);
}

TEST(RecordHash, KeptUpWithChangesEqualsBuiltFromScratch) {
    for (uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE(seed);
        RandomLog log(seed);
        Document document;
        for (int i = 0; i < 120; ++i) {
            document.apply(log.next());
            // Asked for now and then, so that the tree catches up with one entry or with many.
            if (!log.one_in(4)) continue;
            ASSERT_EQ(document.hash(), from_scratch(document).hash()) << "at " << document.seq();
        }
    }
}

// Writes of a replica that saw nothing but its own: any interleaving gives the same content.
std::vector<Entry> blind_writes(RandomLog& random, uint64_t actor) {
    std::vector<Entry> entries;
    for (uint64_t counter = 1; counter <= 12; ++counter) {
        Entry entry;
        entry.actor = actor;
        entry.counter = counter;
        entry.stamp = {1000 + random.below(20), 0, actor};
        Op op;
        op.kind = random.one_in(2) ? OpKind::set : OpKind::add;
        op.path = path((op.kind == OpKind::set ? "m/f" : "s/e") + std::to_string(random.below(20)));
        op.value = base::Value(static_cast<double>(random.below(5)));
        entry.ops.push_back(std::move(op));
        entries.push_back(std::move(entry));
    }
    return entries;
}

Document merged(const std::vector<std::vector<Entry>>& replicas, RandomLog& random) {
    Document document;
    std::vector<size_t> next(replicas.size(), 0);
    size_t left = 0;
    for (const auto& entries : replicas)
        left += entries.size();
    for (; left > 0; --left) {
        size_t which = random.below(replicas.size());
        while (next[which] == replicas[which].size())
            which = (which + 1) % replicas.size();
        Entry entry = replicas[which][next[which]++];
        // Different logs: the same entries sit at other seqs.
        entry.seq = document.seq() + 1 + random.below(3);
        document.apply(entry);
    }
    return document;
}

TEST(RecordHash, IsEqualWhateverTheOrderAndTheLog) {
    for (uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE(seed);
        RandomLog random(seed);
        const std::vector<std::vector<Entry>> replicas = {
            blind_writes(random, 11), blind_writes(random, 12), blind_writes(random, 13)};
        const Document one = merged(replicas, random);
        const Document other = merged(replicas, random);
        ASSERT_EQ(one.hash(), other.hash());
        ASSERT_EQ(one.shown({}), other.shown({}));
    }
}

TEST(RecordHash, DiffersWhereWhatIsShownDiffers) {
    for (uint64_t seed = 1; seed <= 30; ++seed) {
        SCOPED_TRACE(seed);
        RandomLog log(seed);
        Document document;
        std::map<std::string, std::string> shown_by_hash;
        for (int i = 0; i < 120; ++i) {
            document.apply(log.next());
            const std::string shown = base::to_json(document.shown({}));
            const auto [known, is_new] = shown_by_hash.emplace(document.hash(), shown);
            ASSERT_TRUE(is_new || known->second == shown) << "at " << document.seq();
        }
    }
}

TEST(RecordHash, SeesOtherSiblingsAndOtherOriginsOfTheSameValue) {
    Log one;
    Log other;
    one.add(1, R"({"op":"set","path":"a","value":1})");
    other.add(2, R"({"op":"set","path":"a","value":1})");
    EXPECT_EQ(one.shown(), other.shown());
    EXPECT_NE(one.document.hash(), other.document.hash());
}

TEST(RecordHash, LeavesOutWhatIsRemoved) {
    Log log;
    log.add(1, R"({"op":"set","path":"a","value":1})");
    const std::string before = log.document.hash();
    log.add(1, R"({"op":"insert","path":"l/@x","position":"a0","value":{"t":1}})");
    EXPECT_NE(log.document.hash(), before);
    log.add(1, R"({"op":"delete","path":"l/@x","base":2})");
    EXPECT_EQ(log.document.hash(), before);
    log.move_floor(4);
    EXPECT_EQ(log.document.hash(), before);
}

void fill(Log& log, size_t fields) {
    for (size_t i = 0; i < fields; ++i) {
        const std::string name = std::to_string(i);
        log.add(1, R"({"op":"insert","path":"cards/@c)" + std::to_string(i / 10) +
                       R"(","position":"a0","value":{"f)" + name + R"(":)" + name + "}}");
    }
}

TEST(RecordHash, AWriteRehashesItsWayToTheRootOnly) {
    Log log;
    fill(log, 10'000);
    (void)log.document.hash();
    const uint64_t built = log.document.hashes_computed();
    (void)log.document.hash();
    EXPECT_EQ(log.document.hashes_computed(), built) << "nothing has changed";
    constexpr uint64_t kWrites = 200;
    for (uint64_t i = 0; i < kWrites; ++i) {
        const std::string field = std::to_string(i * 37);
        const uint64_t before = log.document.hashes_computed();
        log.add(1, R"({"op":"set","path":"cards/@c)" + std::to_string(i * 37 / 10) + "/f" + field +
                       R"(","value":"x"})");
        (void)log.document.hash();
        EXPECT_LE(log.document.hashes_computed() - before, 20u);
    }
}

TEST(HashTree, RootIsEqualIffTheLeavesAre) {
    for (uint64_t seed = 1; seed <= 40; ++seed) {
        SCOPED_TRACE(seed);
        RandomLog random(seed);
        std::map<Digest, Digest> wanted;
        HashTree tree;
        // Few distinct keys in crowded subtrees, so that nodes split and join.
        const auto key = [&] {
            Digest digest = digest_of(std::to_string(random.below(300)));
            if (random.one_in(2)) digest[0] = digest[1] = 7;
            return digest;
        };
        for (int i = 0; i < 900; ++i) {
            const Digest at = key();
            if (random.one_in(3)) {
                wanted.erase(at);
                tree.erase(at);
            } else {
                wanted[at] = digest_of(std::to_string(random.below(3)));
                tree.put(at, wanted[at], nullptr);
            }
            if (random.one_in(10)) (void)tree.root();
        }
        HashTree fresh;
        for (const auto& [at, content] : wanted)
            fresh.put(at, content, nullptr);
        ASSERT_EQ(tree.size(), wanted.size());
        ASSERT_EQ(tree.root(), fresh.root());
        const auto any = wanted.begin();
        fresh.put(any->first, digest_of("other"), nullptr);
        ASSERT_NE(tree.root(), fresh.root());
        fresh.put(any->first, any->second, nullptr);
        ASSERT_EQ(tree.root(), fresh.root());
        fresh.erase(any->first);
        ASSERT_NE(tree.root(), fresh.root());
    }
}

struct Cost {
    size_t rounds = 0;
    size_t subtrees = 0;
};

template <class Look>
Cost run(HashComparison& comparison, const Look& left, const Look& right) {
    Cost cost;
    while (!comparison.is_done()) {
        std::vector<Subtree> of_left;
        std::vector<Subtree> of_right;
        for (const KeyPrefix& prefix : comparison.wanted()) {
            of_left.push_back(left(prefix));
            of_right.push_back(right(prefix));
        }
        ++cost.rounds;
        cost.subtrees += of_left.size();
        EXPECT_TRUE(comparison.handle(of_left, of_right));
    }
    return cost;
}

TEST(HashComparison, FindsDifferingFieldsInLogarithmicallyManyExchanges) {
    for (uint64_t seed = 1; seed <= 24; ++seed) {
        SCOPED_TRACE(seed);
        RandomLog random(seed);
        const size_t n = size_t{1} << (4 + random.below(11));
        const size_t k = random.below(std::min<size_t>(n, 40));
        HashTree left;
        HashTree right;
        const auto put = [&](HashTree& tree, size_t i, std::string_view content) {
            tree.put(digest_of(std::to_string(i)), digest_of(content), nullptr);
        };
        for (size_t i = 0; i < n; ++i) {
            put(left, i, "same");
            put(right, n - 1 - i, "same");
        }
        std::vector<Digest> expected;
        for (size_t i = 0; i < k; ++i) {
            // Other content, missing on the left, missing on the right.
            const size_t field = i * (n / k);
            const Digest key = digest_of(std::to_string(field));
            if (i % 3 == 0) put(left, field, "other");
            if (i % 3 == 1) left.erase(key);
            if (i % 3 == 2) right.erase(key);
            expected.push_back(key);
        }
        std::sort(expected.begin(), expected.end());
        HashComparison comparison(1000);
        using Look = std::function<Subtree(const KeyPrefix&)>;
        const Look of_left = [&](const KeyPrefix& prefix) { return left.look(prefix); };
        const Look of_right = [&](const KeyPrefix& prefix) { return right.look(prefix); };
        const Cost cost = run(comparison, of_left, of_right);
        std::vector<Digest> found;
        for (const auto& difference : comparison.differences()) {
            found.push_back(difference.key);
            EXPECT_EQ(difference.is_left, left.look(to_hex(difference.key)).leaves.size() == 1);
            EXPECT_EQ(difference.is_right, right.look(to_hex(difference.key)).leaves.size() == 1);
        }
        ASSERT_EQ(found, expected);
        const size_t levels = static_cast<size_t>(std::ceil(std::log2(n) / 4)) + 1;
        EXPECT_LE(cost.rounds, levels + 1);
        EXPECT_LE(cost.subtrees, 1 + k * levels);
    }
}

TEST(HashComparison, TellsFieldsOfTwoRecordsWithoutCommonHistory) {
    Log left;
    Log right;
    fill(left, 2'000);
    right.add(1, R"({"op":"set","path":"elsewhere","value":1})");
    fill(right, 2'000);
    HashComparison comparison(1000);
    using Look = std::function<Subtree(const KeyPrefix&)>;
    const Look of_left = [&](const KeyPrefix& prefix) {
        return left.document.hashes_below(prefix);
    };
    const Look of_right = [&](const KeyPrefix& prefix) {
        return right.document.hashes_below(prefix);
    };
    run(comparison, of_left, of_right);
    // Every dot differs, because the right record's counters are one ahead.
    EXPECT_EQ(comparison.differences().size(), 2'000u + 200u + 1u);
    std::vector<std::string> only_right;
    for (const auto& difference : comparison.differences()) {
        const auto field = right.document.field_of(difference.key);
        ASSERT_TRUE(field.has_value());
        if (!difference.is_left) only_right.push_back(to_text(field->path));
    }
    EXPECT_EQ(only_right, std::vector<std::string>{"elsewhere"});
    EXPECT_FALSE(left.document.field_of(digest_of("no such path")).has_value());
}

TEST(HashComparison, RefusesAnswersThatAreNotAllThere) {
    HashComparison comparison(1000);
    EXPECT_FALSE(comparison.handle({}, {}));
    EXPECT_FALSE(comparison.is_done());
}

TEST(Digest, SurvivesItsText) {
    const Digest digest = digest_of("x");
    EXPECT_EQ(digest_from_hex(to_hex(digest)), digest);
    EXPECT_FALSE(digest_from_hex("").has_value());
    EXPECT_FALSE(digest_from_hex(std::string(32, 'g')).has_value());
    EXPECT_TRUE(is_key_prefix("0a"));
    EXPECT_FALSE(is_key_prefix("0A"));
    EXPECT_FALSE(is_key_prefix(std::string(33, '0')));
}

}  // namespace
}  // namespace tandem::record
