#pragma once

#include <cstdint>

#include "record/hash_tree.hpp"

namespace tandem::record {

struct Node;

/// The tree of a record's hashes, as of a seq. A leaf is what one node holds: dots, values and
/// stamps; never a seq, so that replicas which ordered the same entries differently can compare,
/// and nothing of what is removed.
struct RecordHashes {
    HashTree tree;
    uint64_t seq = 0;  ///< 0: nothing is in it
};

/// Brings the tree to `seq`, the record's. Must be called before nodes are forgotten.
void update(RecordHashes& hashes, const Node& root, uint64_t seq);

}  // namespace tandem::record
