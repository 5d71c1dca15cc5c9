#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "record/document.hpp"
#include "record/hash.hpp"
#include "record/journal.hpp"
#include "record/node.hpp"

namespace tandem::record {

struct Document::Impl {
    Node root{nullptr, "", false};
    Journal journal;
    uint64_t seq = 0;
    uint64_t floor = 0;
    size_t bytes = 0;   ///< rough heap bytes of the tree
    size_t fields = 0;  ///< registers, counters and elements that hold something
    mutable std::unique_ptr<RecordHashes> hashes;  ///< since it was asked for the first time

    /// The node at a path whatever is shown, or null. Borrowed.
    const Node* find(const Path& path) const;
    /// The node at a path as readers see it, or null.
    const Node* find_shown(const Path& path) const;
    /// The tree of hashes, up to date.
    HashTree& hash_tree() const;
};

/// Shown JSON of one slot that is live.
base::Value shown_slot(const Node& node, Kind slot);
/// Shown JSON of a node that is not none, or of an item.
base::Value shown_node(const Node& node);

std::vector<Change> diff(const Document::Impl& document, uint64_t from);
/// Drops what the floor passed.
void forget(Document::Impl& document, uint64_t floor);
void save_document(std::string& out, const Document::Impl& document);
[[nodiscard]] base::Result<void> load_document(Document::Impl& document, std::string_view bytes);

}  // namespace tandem::record
