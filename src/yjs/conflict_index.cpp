#include "yjs/conflict_index.hpp"

#include <tuple>

namespace tandem::yjs {

bool ConflictIndex::Order::is_before(const Claim& a, const Claim& b) {
    auto all = [](const Claim& claim) {
        return std::tuple(claim.home, claim.origin.client, claim.origin.clock,
                          claim.right_origin.client, claim.right_origin.clock, claim.client);
    };
    return all(a) < all(b);
}

bool ConflictIndex::Order::operator()(Handle a, Handle b) const {
    const Claim left = claim_of(store->item(a));
    const Claim right = claim_of(store->item(b));
    if (is_before(left, right)) return true;
    return !is_before(right, left) && a < b;
}

// Of an item's first character. Each is one deeper than the one that it was inserted after, be that
// in the same item or not, so that splitting an item changes nothing.
uint64_t ConflictIndex::depth_of(const Item& item, const RankTree& tree) const {
    const Dot origin = store_.origin(item);
    if (!origin.is_some()) return 1;
    const Place place = store_.place_of(origin.client, origin.clock);
    // Only updates that contradict each other name what stands in another list.
    if (store_.item(place.item).home != item.home) return 1;
    if (place.item >= leaves_.size() || leaves_[place.item] == 0) return 1;
    return tree.rank_of(place.item).depth + place.offset + 1;
}

void ConflictIndex::add(Handle first) {
    const bool is_new = trees_.try_emplace(store_.item(first).home, leaves_).second;
    TANDEM_ASSERT(is_new);
    Handle left = 0;
    for (Handle item = first; item != 0; item = store_.item(item).right) {
        insert_after(left, item);
        left = item;
    }
}

void ConflictIndex::insert_after(Handle left, Handle handle) {
    const Item& item = store_.item(handle);
    RankTree& tree = trees_.find(item.home)->second;
    tree.insert_after(left, handle, {depth_of(item, tree), store_.clients()[item.client].id});
    by_origins_.insert(handle);
}

// YATA passes over the concurrent items from the left to the right, and goes behind each of a lower
// client that began at the same place, and what was inserted after it. It ends at the first of a
// higher client that also wants to stand before the same item, at that item, or where nothing more
// was inserted after the common origin. So the place is behind the last one of a lower client
// before that end.
Handle ConflictIndex::find_left(const Item& item, Handle left) const {
    const RankTree& tree = trees_.find(item.home)->second;
    auto earlier = [&](Handle a, Handle b) {
        if (a == 0 || b == 0) return a == 0 ? b : a;
        return tree.is_before(b, a) ? b : a;
    };
    const uint64_t depth = depth_of(item, tree);
    Handle end = 0;
    const Claim claim = by_origins_.key_comp().claim_of(item);
    if (auto rival = by_origins_.lower_bound(claim); rival != by_origins_.end()) {
        const Item& there = store_.item(*rival);
        const Claim other = by_origins_.key_comp().claim_of(there);
        if (other.home == claim.home && other.origin == claim.origin &&
            other.right_origin == claim.right_origin)
            end = *rival;
    }
    if (item.right != 0 && store_.item(item.right).home == item.home &&
        (left == 0 || tree.is_before(left, item.right)))
        end = earlier(end, item.right);
    if (left != 0) end = earlier(end, tree.next_below(left, {depth, 0}));

    const Handle lower = tree.last_below(end, {depth, claim.client});
    if (lower == 0 || tree.rank_of(lower).depth < depth) return left;
    end = earlier(end, tree.next_below(lower, {depth + 1, 0}));
    return end == 0 ? tree.last() : store_.item(end).left;
}

}  // namespace tandem::yjs
