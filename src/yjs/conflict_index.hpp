#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "yjs/rank_tree.hpp"
#include "yjs/store.hpp"

namespace tandem::yjs {

/// Finds where an insertion goes among concurrent ones in logarithmic time.
///
/// What was inserted after one character, with what was inserted after that, stands behind it in
/// one run: a list is the tree of its origins, each character before its children. So with the
/// depths in that tree a run ends before the next item that is no deeper, and one character's
/// children are the items of one depth in its run, which a RankTree finds; a set of the items by
/// their two origins and clients finds where YATA's search would end.
///
/// A scan of the neighbours is faster while conflicts are few, but it takes time quadratic in the
/// number of concurrent insertions at one place, and anybody can send those. So the index is made
/// for lists in which scanning took long, and forgotten at the end of the transaction, when items
/// are joined.
class ConflictIndex {
  public:
    /// `store` must outlive the index.
    explicit ConflictIndex(const Store& store) : store_(store), by_origins_(Order{&store}) {}
    ConflictIndex(const ConflictIndex&) = delete;
    ConflictIndex& operator=(const ConflictIndex&) = delete;

    /// Whether the list, or the chain of one key, that an item belongs to is indexed.
    bool has(const Item& item) const { return trees_.contains(item.home); }
    /// Indexes the list or chain of which `first` is the first item.
    void add(Handle first);
    /// To be told of each item that was linked, or split off, behind another (0: in the first
    /// place) of a list that is indexed.
    void insert_after(Handle left, Handle item);
    /// The left neighbour that an item of an indexed list is to have. It is not linked yet; `left`
    /// (0: none) ends with its origin and `item.right` begins with its right origin.
    Handle find_left(const Item& item, Handle left) const;

  private:
    /// What decides about the place of an item.
    struct Claim {
        uint32_t home;
        Dot origin;
        Dot right_origin;
        uint64_t client;
    };
    struct Order {
        using is_transparent = void;
        const Store* store;
        Claim claim_of(const Item& item) const {
            return {item.home, store->origin(item), store->right_origin(item),
                    store->clients()[item.client].id};
        }
        static bool is_before(const Claim& a, const Claim& b);
        bool operator()(Handle a, Handle b) const;
        bool operator()(Handle a, const Claim& b) const {
            return is_before(claim_of(store->item(a)), b);
        }
        bool operator()(const Claim& a, Handle b) const {
            return is_before(a, claim_of(store->item(b)));
        }
    };

    uint64_t depth_of(const Item& item, const RankTree& tree) const;

    const Store& store_;
    RankTree::Leaves leaves_;
    /// By the home of their items.
    std::map<uint32_t, RankTree> trees_;
    std::set<Handle, Order> by_origins_;
};

}  // namespace tandem::yjs
