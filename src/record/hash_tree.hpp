#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::record {

struct Node;

/// 128 bits of SHA-256: where a field is (the hash of its path) or what it holds.
using Digest = std::array<uint8_t, 16>;

Digest digest_of(std::string_view bytes);
std::string to_hex(const Digest& digest);
/// 32 lower-case hex digits.
std::optional<Digest> digest_from_hex(std::string_view text);

/// The first digits of a key, as text of 0-9a-f: names a subtree. Empty: the whole tree.
using KeyPrefix = std::string;
inline constexpr size_t kKeyDigits = 32;
bool is_key_prefix(std::string_view text);

/// One field as another replica is told of it.
struct LeafHash {
    Digest key{};
    Digest content{};
    friend auto operator<=>(const LeafHash&, const LeafHash&) = default;
};

/// A subtree, one level of it: either the digests of its sixteen parts, or, when it is small, all
/// of its leaves by key. Which of the two is a function of the set of keys alone.
struct Subtree {
    bool is_inner = false;
    std::array<Digest, 16> parts{};  ///< of an inner one; zero: nothing there
    std::vector<LeafHash> leaves;    ///< of a small one

    /// What stands for this subtree in the one above it; zero when nothing is there.
    Digest digest() const;
    /// The part below the given digit, of a small one.
    Subtree part(size_t depth, uint8_t digit) const;
};

/// Leaves below this many are kept as one node, which spares memory and levels.
inline constexpr size_t kLeavesPerNodeMax = 16;

/// A 16-way trie over hashed paths whose root is equal iff the leaves are. Its shape depends on the
/// set of keys only, never on the order in which they came, so that any two replicas can compare
/// subtree by subtree. Digests are computed when they are asked for, and only where something has
/// changed. Memory: about 64 bytes a leaf.
class HashTree {
  public:
    HashTree();
    ~HashTree();
    HashTree(HashTree&&) noexcept;
    HashTree& operator=(HashTree&&) noexcept;

    /// Adds or replaces a leaf. `node` is borrowed and given back by `find`.
    void put(const Digest& key, const Digest& content, const Node* node);
    void erase(const Digest& key);
    /// The node of a leaf, or null. Borrowed.
    const Node* find(const Digest& key) const;

    /// Needs at most one hash for each subtree that changed since the last call.
    Digest root();
    Subtree look(std::string_view prefix);
    size_t size() const;
    /// Hashes computed since the beginning, for metrics and tests.
    uint64_t hashes() const { return hashes_; }
    void count_hashes(uint64_t count) { hashes_ += count; }

  private:
    struct Branch;
    Digest refresh(Branch& branch);

    std::unique_ptr<Branch> root_;
    uint64_t hashes_ = 0;
};

}  // namespace tandem::record
