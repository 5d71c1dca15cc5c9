#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "yjs/branch.hpp"
#include "yjs/buffer.hpp"
#include "yjs/client_list.hpp"
#include "yjs/delete_set.hpp"
#include "yjs/few.hpp"
#include "yjs/item.hpp"
#include "yjs/names.hpp"
#include "yjs/on_demand.hpp"
#include "yjs/position_index.hpp"
#include "yjs/spans.hpp"
#include "yjs/state_vector.hpp"
#include "yjs/structs.hpp"

namespace tandem::yjs {

/// One client's items in a document.
struct Client {
    uint64_t id = 0;
    /// The clock that its next insertion will have; 0 while it is only mentioned by others.
    uint32_t next_clock = 0;
    /// Which of the clients it was that had a first item.
    uint32_t arrival = 0;
    ClientList items;
};

/// One clock within an item.
struct Place {
    Handle item = 0;
    uint32_t offset = 0;
};

/// The items, shared types and contents of a document, and the steps that change them without
/// regard to transactions: splitting and joining items. Everything here trusts its arguments; what
/// comes from a peer is checked by the Integrator.
class Store {
  public:
    Store();

    Item& item(Handle handle) { return items_[handle]; }
    const Item& item(Handle handle) const { return items_[handle]; }
    ItemPool& items() { return items_; }
    const ItemPool& items() const { return items_; }
    /// One more than the highest handle.
    uint32_t items_limit() const { return items_.limit(); }

    Branch& branch(BranchIndex index) { return branches_[index]; }
    const Branch& branch(BranchIndex index) const { return branches_[index]; }
    /// Whether there is such a shared type, whatever the caller was given once.
    bool has_branch(BranchIndex index) const {
        return index > 0 && index < branches_.size() && !branches_[index].is_free;
    }
    /// One more than the highest shared type.
    BranchIndex branches_limit() const { return static_cast<BranchIndex>(branches_.size()); }
    BranchIndex add_branch(TypeKind kind, uint32_t name, Handle item);
    void free_branch(BranchIndex index);
    /// The root of that name, made if it is not there.
    BranchIndex root(std::string_view name);
    /// 0 if it is not there.
    BranchIndex find_root(std::string_view name) const;
    const Few<BranchIndex>& roots() const { return roots_; }

    std::vector<Client>& clients() { return clients_; }
    const std::vector<Client>& clients() const { return clients_; }
    ClientIndex client(uint64_t id);
    /// kNoClient if it is not mentioned anywhere.
    ClientIndex find_client(uint64_t id) const;
    /// All clients with items, highest id first.
    std::vector<ClientIndex> clients_in_order() const;
    StateVector state_vector() const;
    DeleteSet delete_set() const;

    Names& names() { return names_; }
    const Names& names() const { return names_; }
    PositionIndexes& positions() { return positions_.get(); }

    /// The item that has this clock, which must be known.
    Handle find(ClientIndex client, uint32_t clock) const;
    Place place_of(ClientIndex client, uint32_t clock) const {
        const Handle handle = find(client, clock);
        return {handle, clock - items_[handle].clock};
    }
    /// Where a clock is now, if undo has brought back what was deleted.
    Place follow_redone(ClientIndex client, uint32_t clock) const;
    /// Remembers that `item`, which is not redone yet, was brought back as the one of these clocks.
    void set_redone(Handle item, ClientIndex client, uint32_t clock);
    bool has_redone() const { return rare_.peek() != nullptr && !rare_.peek()->redone.empty(); }
    /// What a redone item was brought back as.
    std::pair<ClientIndex, uint32_t> redone_of(const Item& item) const;
    Id id_of(const Item& item) const { return {clients_[item.client].id, item.clock}; }
    static Dot dot_of(const Item& item) { return {item.client, item.clock}; }
    Id id_of(const Dot& dot) const { return {clients_[dot.client].id, dot.clock}; }

    /// What an item was inserted after and before; none at the ends of its list.
    Dot origin(const Item& item) const {
        if (item.has_far_origin) return far_origins_[item.origin];
        return item.has_origin() ? Dot{item.client, item.origin} : Dot{};
    }
    Dot right_origin(const Item& item) const {
        if (item.has_far_right_origin) return far_origins_[item.right_origin];
        return item.has_right_origin() ? Dot{item.client, item.right_origin} : Dot{};
    }
    /// To be called when the item has its client.
    void set_origin(Item& item, const Dot& dot) {
        item.has_far_origin = dot.is_some() && dot.client != item.client;
        item.origin =
            item.has_far_origin ? far_origin(dot) : (dot.is_some() ? dot.clock : Item::kNoOrigin);
    }
    void set_right_origin(Item& item, const Dot& dot) {
        item.has_far_right_origin = dot.is_some() && dot.client != item.client;
        item.right_origin = item.has_far_right_origin
                                ? far_origin(dot)
                                : (dot.is_some() ? dot.clock : Item::kNoOrigin);
    }
    /// Whether two items of one client have the same right origin.
    bool has_same_right_origin(const Item& a, const Item& b) const {
        if (a.has_far_right_origin && b.has_far_right_origin)
            return far_origins_[a.right_origin] == far_origins_[b.right_origin];
        return a.has_far_right_origin == b.has_far_right_origin && a.right_origin == b.right_origin;
    }

    /// The shared type that a linked item stands in; 0 for a collected struct.
    BranchIndex parent(const Item& item) const {
        return item.is_in_list() ? item.home : slots_[item.home & ~Item::kKeyed].branch;
    }
    /// The name of its key in the parent's map; 0 for an item of the list.
    uint32_t key(const Item& item) const {
        return item.is_in_list() ? 0 : slots_[item.home & ~Item::kKeyed].key;
    }
    /// Where a linked item stands; `key` is 0 for the list. A key that the map does not have yet
    /// must be given to it with `put_last` before another item gets it as its home.
    void set_home(Item& item, BranchIndex parent, uint32_t key);
    /// Makes a keyed item the last of its key's chain.
    void put_last(const Item& item, Handle handle) {
        const Slot slot = slots_[item.home & ~Item::kKeyed];
        std::unique_ptr<MapEntries>& map = branches_[slot.branch].map;
        if (!map) map = std::make_unique<MapEntries>();
        map->put(slot.key, handle, item.home & ~Item::kKeyed);
    }
    /// The first item of the chain that a keyed item belongs to; 0: there is none yet.
    Handle first_of_key(const Item& item) const { return slots_[item.home & ~Item::kKeyed].first; }
    void put_first(const Item& item, Handle handle) {
        slots_[item.home & ~Item::kKeyed].first = handle;
    }
    /// An item that is not linked and whose update names its parent has no origins, and keeps what
    /// is needed to find its home in the fields of its neighbours: of a root the key in `left`, of
    /// an item its dot in `left` and `right`, and the key as its home.
    static void set_unlinked_home(Item& item, BranchIndex root, uint32_t key) {
        item.home = root;
        item.left = key;
    }
    static void set_unlinked_home(Item& item, const Dot& parent, uint32_t key) {
        item.set(Item::kParentById);
        item.left = parent.client;
        item.right = parent.clock;
        item.home = key;
    }
    static uint32_t unlinked_key(const Item& item) {
        return (item.flags & Item::kParentById) != 0 ? item.home : item.left;
    }

    /// What an item holds. The views are of the arena and end with the next change of any content.
    Content content_of(const Item& item) const;
    /// A number of an item's first clocks, and how many bytes they take.
    struct Part {
        uint32_t units = 0;
        uint32_t bytes = 0;
    };
    /// A beginning of text or values that is known to take no more than `offset` clocks, so that
    /// who wants what came last need not walk through all of it.
    Part known_part(const Item& item, uint32_t offset) const {
        const bool is_sequence =
            item.kind == Kind::string || item.kind == Kind::any || item.kind == Kind::json;
        if (!is_sequence || seam_.units > offset) return {};
        const Span span = span_of(item);
        return seam_at_ == span.at && seam_.bytes <= span.bytes ? seam_ : Part();
    }
    /// Where the content of an item lies that is no type.
    Span span_of(const Item& item) const {
        if (item.is_plain) return {item.content, item.len};
        return item.content == 0 ? Span() : (*spans_.peek())[item.content];
    }
    std::string_view bytes_of(const Item& item) const {
        const Span span = span_of(item);
        return arena_.view(span.at, span.bytes);
    }
    /// A format's name; its value is the body of its content.
    uint32_t format_name(const Item& item) const;
    std::string_view format_value(const Item& item) const { return bytes_of(item).substr(4); }
    /// Gives an item its content, copied into the arena. Content that lies in the arena already
    /// must not be passed. A type becomes a branch only with `become_type`.
    void set_content(Item& item, const Content& content);
    /// Takes the first `len` clocks off an item that is not linked yet.
    void drop_front(Item& item, uint32_t len);
    /// An item that is not linked yet, as it stood in its update.
    RawStruct raw_of_unlinked(const Item& item) const;
    /// Makes the shared type that an item of that kind holds.
    void become_type(Handle handle);
    void drop_content(Item& item);
    /// Forgets a struct that has not been linked.
    void forget_unlinked(Handle handle) {
        drop_content(items_[handle]);
        items_.remove(handle);
    }

    /// Cuts an item after its first `len` clocks; returns the right part.
    Handle split(Handle left, uint32_t len);
    /// Whether `right`, the next of its client, continues `left`.
    bool continues(const Item& left, Handle left_handle, const Item& right,
                   Handle right_handle) const;
    /// Joins two items of which the second continues the first, and forgets the second, which is at
    /// `right_at` of its client's list. False where moving the contents together is not worth it.
    bool join(Handle left, Handle right, ClientList::Position right_at);
    /// Joins what was left apart because moving its contents was not worth it, from now on always.
    void join_all();
    uint32_t next_arrival() { return ++arrivals_; }
    /// Adds text at the end of an item. False where moving its content is not worth it.
    bool extend_text(Handle handle, std::string_view text, uint32_t units);
    /// Takes clocks off the end or the front of a text and adds them to the neighbour that is
    /// deleted already, which is what cutting them off, deleting them and joining the two comes to.
    /// The caller sees to the length of the list. False, and nothing, where it would not come to
    /// that.
    bool shift_deleted(ClientIndex client, IdRange range);

    /// Turns an item into a bare run of clocks.
    void collect(Handle handle);

    /// Rewrites the arena without what no item uses, if that is worth it.
    void compact();

    size_t memory_bytes() const;
    void shrink();

    /// What to go back to when an update turns out to be malformed.
    struct Mark {
        size_t arena_size;
        size_t garbage_bytes;
        size_t far_origin_count;
        size_t client_count;
        size_t root_count;
        uint32_t name_count;
    };
    Mark mark() const;
    void go_back(const Mark& mark);

    /// Exchanges everything with another store; positions must not have been asked for in either.
    void swap(Store& other) noexcept;

  private:
    friend class ColumnarLoader;

    bool content_continues(const Item& left, const Item& right) const;
    /// Says where the content of an item of `units` clocks lies now.
    void lay(Item& item, const Span& span, uint32_t units);
    void release_span(const Item& item) {
        if (!item.is_plain && item.content != 0) spans_->remove(item.content);
    }
    void split_content(Item& left, Item& right, uint32_t len);
    uint32_t far_origin(const Dot& dot) {
        if (far_origins_.empty() || far_origins_.back() != dot) far_origins_.push_back(dot);
        return static_cast<uint32_t>(far_origins_.size() - 1);
    }
    void compact_far_origins();

    /// What only large documents have, and those of whose shared types some were deleted.
    struct Rare {
        std::vector<BranchIndex> free_branches;
        std::vector<uint32_t> free_slots;
        /// By id and by the number of a name, once there are more than a few. A tree, because peers
        /// choose the ids and could choose those that collide in a hash.
        std::map<uint64_t, ClientIndex> client_by_id;
        std::vector<BranchIndex> root_by_name;
        /// By client and first clock of what was brought back by undo: the client and clock of its
        /// copy.
        std::map<std::pair<ClientIndex, uint32_t>, std::pair<ClientIndex, uint32_t>> redone;
        /// How many far origins there were when those in use were last told from the others.
        size_t far_origins_kept = 0;
    };

    ItemPool items_;
    std::vector<Branch> branches_;
    Few<Slot> slots_;
    /// Origins of other clients than the item's own. Never changed, so that items share them; those
    /// that no item has any more go when the others have been twice as many.
    Few<Dot> far_origins_;
    Few<BranchIndex> roots_;
    std::vector<Client> clients_;
    Names names_;
    Buffer arena_;
    OnDemand<Spans> spans_;
    size_t garbage_bytes_ = 0;
    /// Where in the arena something was lengthened last, and what it was before: that stays true
    /// while the arena only grows.
    uint32_t seam_at_ = UINT32_MAX;
    Part seam_;
    void note_seam(const Span& span, uint32_t units) {
        seam_at_ = span.at;
        seam_ = {units, span.bytes};
    }
    OnDemand<PositionIndexes> positions_;
    OnDemand<Rare> rare_;
    uint32_t arrivals_ = 0;
    bool joins_all_ = false;
};

}  // namespace tandem::yjs
