#include "record/hash_tree.hpp"

#include <algorithm>

#include "base/sha256.hpp"

namespace tandem::record {

namespace {

constexpr char kHex[] = "0123456789abcdef";

int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

uint8_t digit_at(const Digest& key, size_t depth) {
    const uint8_t byte = key[depth / 2];
    return depth % 2 == 0 ? static_cast<uint8_t>(byte >> 4) : static_cast<uint8_t>(byte & 15);
}

void append(std::string& out, const Digest& digest) { out.append(digest.begin(), digest.end()); }

bool begins_with(const Digest& key, std::string_view prefix) {
    for (size_t i = 0; i < prefix.size(); ++i) {
        if (kHex[digit_at(key, i)] != prefix[i]) return false;
    }
    return true;
}

// The first byte tells inner subtrees from small ones, so that neither can pass for the other.
Digest digest_of_parts(const std::array<Digest, 16>& parts) {
    std::string bytes(1, '\1');
    for (const Digest& part : parts)
        append(bytes, part);
    return digest_of(bytes);
}

}  // namespace

Digest digest_of(std::string_view bytes) {
    const base::Sha256Digest whole = base::sha256(bytes);
    Digest digest;
    std::copy_n(whole.begin(), digest.size(), digest.begin());
    return digest;
}

std::string to_hex(const Digest& digest) {
    std::string text;
    for (const uint8_t byte : digest) {
        text += kHex[byte >> 4];
        text += kHex[byte & 15];
    }
    return text;
}

std::optional<Digest> digest_from_hex(std::string_view text) {
    if (text.size() != kKeyDigits || !is_key_prefix(text)) return std::nullopt;
    Digest digest;
    for (size_t i = 0; i < digest.size(); ++i)
        digest[i] = static_cast<uint8_t>(digit_of(text[2 * i]) * 16 + digit_of(text[2 * i + 1]));
    return digest;
}

bool is_key_prefix(std::string_view text) {
    return text.size() <= kKeyDigits &&
           std::all_of(text.begin(), text.end(), [](char c) { return digit_of(c) >= 0; });
}

Digest Subtree::digest() const {
    if (is_inner) return digest_of_parts(parts);
    if (leaves.empty()) return {};
    std::string bytes(1, '\0');
    for (const LeafHash& leaf : leaves) {
        append(bytes, leaf.key);
        append(bytes, leaf.content);
    }
    return digest_of(bytes);
}

Subtree Subtree::part(size_t depth, uint8_t digit) const {
    Subtree below;
    for (const LeafHash& leaf : leaves) {
        if (digit_at(leaf.key, depth) == digit) below.leaves.push_back(leaf);
    }
    return below;
}

// Inner iff `parts` is there. `count` is of all leaves at and below.
struct HashTree::Branch {
    struct Leaf {
        LeafHash hash;
        const Node* node = nullptr;
    };
    using Parts = std::array<std::unique_ptr<Branch>, 16>;

    std::unique_ptr<Parts> parts;
    std::vector<Leaf> leaves;  ///< by key
    size_t count = 0;
    bool is_stale = true;
    Digest digest{};

    auto position_of(const Digest& key) {
        return std::lower_bound(
            leaves.begin(), leaves.end(), key,
            [](const Leaf& leaf, const Digest& wanted) { return leaf.hash.key < wanted; });
    }

    Branch& part_for(const Digest& key, size_t depth) {
        std::unique_ptr<Branch>& part = (*parts)[digit_at(key, depth)];
        if (!part) part = std::make_unique<Branch>();
        return *part;
    }

    void split(size_t depth) {
        parts = std::make_unique<Parts>();
        for (Leaf& leaf : leaves) {
            Branch& part = part_for(leaf.hash.key, depth);
            part.leaves.push_back(leaf);
            ++part.count;
        }
        leaves = {};
        // All of them may have gone to one part.
        for (auto& part : *parts) {
            if (part && part->count > kLeavesPerNodeMax && depth + 1 < kKeyDigits) {
                part->split(depth + 1);
            }
        }
    }

    void append_leaves(std::vector<Leaf>& out) const {
        out.insert(out.end(), leaves.begin(), leaves.end());
        if (!parts) return;
        for (const auto& part : *parts) {
            if (part) part->append_leaves(out);
        }
    }

    enum class Outcome : uint8_t { same, replaced, added };

    Outcome put(const Leaf& leaf, size_t depth) {
        Outcome outcome = Outcome::same;
        if (parts) {
            outcome = part_for(leaf.hash.key, depth).put(leaf, depth + 1);
        } else {
            auto at = position_of(leaf.hash.key);
            if (at != leaves.end() && at->hash.key == leaf.hash.key) {
                at->node = leaf.node;
                if (at->hash.content != leaf.hash.content) outcome = Outcome::replaced;
                at->hash.content = leaf.hash.content;
            } else {
                leaves.insert(at, leaf);
                outcome = Outcome::added;
            }
        }
        if (outcome == Outcome::added) ++count;
        if (outcome != Outcome::same) is_stale = true;
        if (!parts && count > kLeavesPerNodeMax && depth < kKeyDigits) split(depth);
        return outcome;
    }

    bool erase(const Digest& key, size_t depth) {
        if (parts) {
            std::unique_ptr<Branch>& part = (*parts)[digit_at(key, depth)];
            if (!part || !part->erase(key, depth + 1)) return false;
            if (part->count == 0) part.reset();
        } else {
            const auto at = position_of(key);
            if (at == leaves.end() || at->hash.key != key) return false;
            leaves.erase(at);
        }
        --count;
        is_stale = true;
        if (parts && count <= kLeavesPerNodeMax) {
            // Parts are in the order of their digits, so the leaves come sorted.
            std::vector<Leaf> all;
            append_leaves(all);
            leaves = std::move(all);
            parts.reset();
        }
        return true;
    }

    Subtree small() const {
        Subtree subtree;
        for (const Leaf& leaf : leaves)
            subtree.leaves.push_back(leaf.hash);
        return subtree;
    }
};

HashTree::HashTree() : root_(std::make_unique<Branch>()) {}
HashTree::~HashTree() = default;
HashTree::HashTree(HashTree&&) noexcept = default;
HashTree& HashTree::operator=(HashTree&&) noexcept = default;

void HashTree::put(const Digest& key, const Digest& content, const Node* node) {
    root_->put({{key, content}, node}, 0);
}

void HashTree::erase(const Digest& key) { root_->erase(key, 0); }

const Node* HashTree::find(const Digest& key) const {
    Branch* branch = root_.get();
    for (size_t depth = 0; branch != nullptr && branch->parts; ++depth)
        branch = (*branch->parts)[digit_at(key, depth)].get();
    if (branch == nullptr) return nullptr;
    const auto at = branch->position_of(key);
    return at != branch->leaves.end() && at->hash.key == key ? at->node : nullptr;
}

size_t HashTree::size() const { return root_->count; }

Digest HashTree::refresh(Branch& branch) {
    if (!branch.is_stale) return branch.digest;
    if (branch.parts) {
        std::array<Digest, 16> parts{};
        for (size_t i = 0; i < parts.size(); ++i) {
            if ((*branch.parts)[i]) parts[i] = refresh(*(*branch.parts)[i]);
        }
        branch.digest = digest_of_parts(parts);
    } else {
        branch.digest = branch.small().digest();
    }
    ++hashes_;
    branch.is_stale = false;
    return branch.digest;
}

Digest HashTree::root() { return refresh(*root_); }

Subtree HashTree::look(std::string_view prefix) {
    Branch* branch = root_.get();
    size_t depth = 0;
    for (; branch != nullptr && branch->parts && depth < prefix.size(); ++depth)
        branch = (*branch->parts)[static_cast<size_t>(digit_of(prefix[depth]))].get();
    if (branch == nullptr) return {};
    Subtree subtree;
    if (branch->parts) {
        subtree.is_inner = true;
        for (size_t i = 0; i < subtree.parts.size(); ++i) {
            if ((*branch->parts)[i]) subtree.parts[i] = refresh(*(*branch->parts)[i]);
        }
        return subtree;
    }
    subtree = branch->small();
    std::erase_if(subtree.leaves,
                  [&](const LeafHash& leaf) { return !begins_with(leaf.key, prefix); });
    return subtree;
}

}  // namespace tandem::record
