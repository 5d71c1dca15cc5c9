#include "yjs/store.hpp"

#include <algorithm>
#include <cstring>

#include "yjs/any.hpp"
#include "yjs/utf16.hpp"

namespace tandem::yjs {

namespace {

// Among this many clients or roots a look at each is quicker than the tree.
constexpr size_t kFewClients = 8;
constexpr size_t kFewRoots = 8;
// Texts up to this length are moved to where they can grow; longer ones get a second item.
constexpr uint32_t kMovedBytesMax = 256;

Input values_from(std::string_view body, uint32_t count) {
    Input values(body);
    for (uint32_t i = 0; i < count; ++i)
        skip_any(values);
    return values;
}

// Of a type until it is a branch: its kind and the number of its name.
constexpr uint32_t kUnlinkedNameBits = 28;

uint32_t unlinked_type(TypeKind kind, uint32_t name) {
    TANDEM_ASSERT(name < uint32_t{1} << kUnlinkedNameBits);
    return static_cast<uint32_t>(kind) << kUnlinkedNameBits | name;
}

TypeKind unlinked_kind(const Item& item) {
    return static_cast<TypeKind>(item.content >> kUnlinkedNameBits);
}

uint32_t unlinked_name(const Item& item) {
    return item.content & ((uint32_t{1} << kUnlinkedNameBits) - 1);
}

bool holds_bytes(Kind kind) {
    return kind != Kind::gc && kind != Kind::deleted && kind != Kind::type && kind != Kind::skip;
}

}  // namespace

Store::Store() { branches_.emplace_back(); }

BranchIndex Store::add_branch(TypeKind kind, uint32_t name, Handle holder) {
    BranchIndex index;
    Rare* const rare = rare_.peek();
    if (rare == nullptr || rare->free_branches.empty()) {
        branches_.emplace_back();
        index = static_cast<BranchIndex>(branches_.size() - 1);
    } else {
        index = rare->free_branches.back();
        rare->free_branches.pop_back();
        branches_[index] = Branch{};
    }
    Branch& made = branches_[index];
    made.kind = kind;
    made.name = name;
    made.item = holder;
    made.is_root = holder == 0;
    return index;
}

void Store::free_branch(BranchIndex index) {
    Branch& gone = branches_[index];
    if (gone.positions != 0) positions_->remove(gone.positions);
    if (gone.map) {
        for (const MapEntries::Entry& entry : gone.map->entries())
            rare_->free_slots.push_back(entry.slot);
    }
    gone = Branch{};
    gone.is_free = true;
    rare_->free_branches.push_back(index);
}

BranchIndex Store::find_root(std::string_view name) const {
    uint32_t number = names_.find(name);
    if (number == 0) return 0;
    if (roots_.size() > kFewRoots) {
        const std::vector<BranchIndex>& by_name = rare_->root_by_name;
        return number < by_name.size() ? by_name[number] : 0;
    }
    for (BranchIndex root : roots_) {
        if (branches_[root].name == number) return root;
    }
    return 0;
}

BranchIndex Store::root(std::string_view name) {
    if (BranchIndex known = find_root(name)) return known;
    uint32_t number = names_.intern(name);
    BranchIndex made = add_branch(TypeKind::unknown, number, 0);
    roots_.push_back(made);
    if (roots_.size() > kFewRoots) {
        std::vector<BranchIndex>& by_name = rare_->root_by_name;
        by_name.resize(std::max(by_name.size(), size_t{names_.size()} + 1));
        by_name[number] = made;
        if (roots_.size() == kFewRoots + 1) {
            for (BranchIndex root : roots_)
                by_name[branches_[root].name] = root;
        }
    }
    return made;
}

ClientIndex Store::find_client(uint64_t id) const {
    if (clients_.size() > kFewClients) {
        const std::map<uint64_t, ClientIndex>& by_id = rare_->client_by_id;
        auto found = by_id.find(id);
        return found == by_id.end() ? kNoClient : found->second;
    }
    for (ClientIndex i = 0; i < clients_.size(); ++i) {
        if (clients_[i].id == id) return i;
    }
    return kNoClient;
}

ClientIndex Store::client(uint64_t id) {
    if (ClientIndex known = find_client(id); known != kNoClient) return known;
    clients_.push_back({.id = id, .next_clock = 0, .arrival = 0, .items = {}});
    auto made = static_cast<ClientIndex>(clients_.size() - 1);
    if (clients_.size() == kFewClients + 1) {
        for (ClientIndex i = 0; i < clients_.size(); ++i)
            rare_->client_by_id.emplace(clients_[i].id, i);
    } else if (clients_.size() > kFewClients) {
        rare_->client_by_id.emplace(id, made);
    }
    return made;
}

std::vector<ClientIndex> Store::clients_in_order() const {
    std::vector<ClientIndex> order;
    for (ClientIndex i = 0; i < clients_.size(); ++i) {
        if (clients_[i].next_clock > 0) order.push_back(i);
    }
    std::sort(order.begin(), order.end(),
              [&](ClientIndex a, ClientIndex b) { return clients_[a].id > clients_[b].id; });
    return order;
}

StateVector Store::state_vector() const {
    StateVector vector;
    for (const Client& client : clients_) {
        if (client.next_clock > 0) vector.emplace(client.id, client.next_clock);
    }
    return vector;
}

DeleteSet Store::delete_set() const {
    DeleteSet set;
    for (const Client& client : clients_) {
        uint32_t from = 0;
        uint32_t end = 0;
        client.items.for_each([&](Handle handle) {
            const Item& item = items_[handle];
            if (!item.is_deleted()) return;
            if (item.clock != end) {
                set.add(client.id, from, end - from);
                from = item.clock;
            }
            end = item.end();
        });
        set.add(client.id, from, end - from);
    }
    return set;
}

Handle Store::find(ClientIndex client, uint32_t clock) const {
    const ClientList& items = clients_[client].items;
    return items.at(items.find(clock, items_));
}

Place Store::follow_redone(ClientIndex client, uint32_t clock) const {
    Place place = place_of(client, clock);
    while (items_[place.item].is_redone()) {
        const auto [next, at] = redone_of(items_[place.item]);
        place = place_of(next, at + place.offset);
    }
    return place;
}

void Store::set_redone(Handle handle, ClientIndex client, uint32_t clock) {
    Item& item = items_[handle];
    item.set(Item::kRedone);
    rare_->redone[{ClientIndex{item.client}, item.clock}] = {client, clock};
}

std::pair<ClientIndex, uint32_t> Store::redone_of(const Item& item) const {
    // The entry of the whole that it was split off from, if it has none of its own.
    auto entry = std::prev(rare_->redone.upper_bound({ClientIndex{item.client}, item.clock}));
    return {entry->second.first, entry->second.second + (item.clock - entry->first.second)};
}

Content Store::content_of(const Item& item) const {
    Content content;
    content.kind = item.kind;
    content.len = item.len;
    switch (item.kind) {
        case Kind::gc:
        case Kind::deleted:
        case Kind::skip:
            return content;
        case Kind::type: {
            const Branch& held = branches_[item.content];
            content.type = held.kind;
            if (has_name(held.kind)) content.name = names_.at(held.name);
            return content;
        }
        case Kind::format:
            content.name = names_.at(format_name(item));
            content.body = format_value(item);
            return content;
        case Kind::doc: {
            Input in(bytes_of(item));
            content.name = in.var_bytes();
            content.body = in.rest();
            return content;
        }
        case Kind::json:
        case Kind::binary:
        case Kind::string:
        case Kind::embed:
        case Kind::any:
            content.body = bytes_of(item);
            return content;
    }
    TANDEM_UNREACHABLE();
}

uint32_t Store::format_name(const Item& item) const {
    uint32_t name;
    std::memcpy(&name, arena_.data() + span_of(item).at, sizeof(name));
    return name;
}

void Store::set_content(Item& item, const Content& content) {
    item.kind = content.kind;
    item.len = content.len;
    if (content.kind == Kind::type) {
        item.content =
            unlinked_type(content.type, has_name(content.type) ? names_.intern(content.name) : 0);
        return;
    }
    if (!holds_bytes(content.kind)) return;
    TANDEM_ASSERT(arena_.size() < UINT32_MAX - content.body.size() - content.name.size() - 16);
    const auto from = static_cast<uint32_t>(arena_.size());
    if (content.kind == Kind::format) {
        uint32_t name = names_.intern(content.name);
        arena_.bytes(reinterpret_cast<const char*>(&name), sizeof(name));
    } else if (content.kind == Kind::doc) {
        arena_.var_bytes(content.name);
    }
    arena_.bytes(content.body);
    lay(item, {from, static_cast<uint32_t>(arena_.size()) - from}, item.len);
}

void Store::lay(Item& item, const Span& span, uint32_t units) {
    if (item.kind == Kind::string && span.bytes == units) {
        release_span(item);
        item.is_plain = true;
        item.content = span.at;
        return;
    }
    if (item.is_plain || item.content == 0)
        item.content = spans_->add(span);
    else
        (*spans_.peek())[item.content] = span;
    item.is_plain = false;
}

void Store::drop_front(Item& item, uint32_t len) {
    Item rest = item;
    split_content(item, rest, len);
    if (holds_bytes(item.kind)) release_span(item);
    rest.clock += len;
    rest.len -= len;
    item = rest;
}

RawStruct Store::raw_of_unlinked(const Item& item) const {
    RawStruct raw;
    raw.id = id_of(item);
    if (item.kind == Kind::type) {
        raw.content.kind = item.kind;
        raw.content.len = item.len;
        raw.content.type = unlinked_kind(item);
        if (const uint32_t name = unlinked_name(item); name != 0)
            raw.content.name = names_.at(name);
    } else {
        raw.content = content_of(item);
    }
    if (item.has_origin()) {
        raw.has_origin = true;
        raw.origin = id_of(origin(item));
    }
    if (item.has_right_origin()) {
        raw.has_right_origin = true;
        raw.right_origin = id_of(right_origin(item));
    }
    if ((item.flags & Item::kParentById) != 0) {
        raw.parent = RawStruct::Parent::item;
        raw.parent_id = {clients_[item.left].id, item.right};
    } else if (item.home != 0) {
        raw.parent = RawStruct::Parent::root;
        raw.parent_name = names_.at(branches_[item.home].name);
    }
    if (const uint32_t key = unlinked_key(item); key != 0) {
        raw.has_key = true;
        raw.key = names_.at(key);
    }
    return raw;
}

void Store::set_home(Item& item, BranchIndex parent, uint32_t key) {
    if (key == 0 || parent == 0) {
        item.home = parent;
        return;
    }
    const Branch& branch = branches_[parent];
    const MapEntries::Entry* entry = branch.map ? branch.map->find(key) : nullptr;
    uint32_t slot;
    if (entry != nullptr) {
        slot = entry->slot;
    } else if (rare_.peek() == nullptr || rare_->free_slots.empty()) {
        slot = static_cast<uint32_t>(slots_.size());
        slots_.push_back({parent, key, 0});
    } else {
        slot = rare_->free_slots.back();
        rare_->free_slots.pop_back();
        slots_[slot] = {parent, key, 0};
    }
    item.home = Item::kKeyed | slot;
}

void Store::become_type(Handle handle) {
    Item& item = items_[handle];
    item.content = add_branch(unlinked_kind(item), unlinked_name(item), handle);
}

void Store::drop_content(Item& item) {
    if (holds_bytes(item.kind)) {
        garbage_bytes_ += span_of(item).bytes;
        release_span(item);
    }
    item.kind = Kind::deleted;
    item.is_plain = false;
    item.content = 0;
}

void Store::split_content(Item& left, Item& right, uint32_t len) {
    right.kind = left.kind;
    if (!holds_bytes(left.kind)) return;
    const uint32_t rest = left.len - len;
    right.is_plain = left.is_plain;
    if (left.is_plain) {
        right.content = left.content + len;
        return;
    }
    // The span is the left one's from here on.
    right.content = 0;
    const Span whole = span_of(left);
    switch (left.kind) {
        case Kind::string: {
            const Utf16Cut cut = utf16_cut(bytes_of(left), len);
            const auto offset = static_cast<uint32_t>(cut.offset);
            if (!cut.splits_pair) {
                lay(left, {whole.at, offset}, len);
                lay(right, {whole.at + offset, whole.bytes - offset}, rest);
                return;
            }
            // Each side gets a replacement character for its half of the pair, as in Yjs.
            const auto left_at = static_cast<uint32_t>(arena_.size());
            arena_.append_own(whole.at, offset);
            arena_.bytes(kReplacement);
            const auto right_at = static_cast<uint32_t>(arena_.size());
            arena_.bytes(kReplacement);
            arena_.append_own(whole.at + offset + 4, whole.bytes - offset - 4);
            lay(left, {left_at, right_at - left_at}, len);
            lay(right, {right_at, static_cast<uint32_t>(arena_.size()) - right_at}, rest);
            garbage_bytes_ += whole.bytes;
            return;
        }
        case Kind::any:
        case Kind::json: {
            const std::string_view body = bytes_of(left);
            const auto offset =
                static_cast<uint32_t>(body.size() - values_from(body, len).remaining());
            lay(left, {whole.at, offset}, len);
            lay(right, {whole.at + offset, whole.bytes - offset}, rest);
            return;
        }
        case Kind::gc:
        case Kind::deleted:
        case Kind::skip:
        case Kind::binary:
        case Kind::embed:
        case Kind::format:
        case Kind::type:
        case Kind::doc:
            TANDEM_UNREACHABLE();
    }
}

Handle Store::split(Handle left_handle, uint32_t len) {
    Handle right_handle = items_.add();
    Item& left = items_[left_handle];
    Item& right = items_[right_handle];
    TANDEM_ASSERT(len > 0 && len < left.len);
    right = left;
    right.clock = left.clock + len;
    right.len = left.len - len;
    right.has_far_origin = false;
    right.origin = left.clock + len - 1;
    split_content(left, right, len);
    left.len = len;
    right.left = left_handle;
    left.right = right_handle;
    if (right.right != 0) {
        items_[right.right].left = right_handle;
    } else if (!right.is_in_list()) {
        put_last(right, right_handle);
    }
    ClientList& list = clients_[left.client].items;
    list.insert_after(list.find(left.clock, items_), right_handle, items_);
    if (uint32_t number = left.is_in_list() ? branches_[left.home].positions : 0; number != 0) {
        PositionIndex& index = positions_->at(number);
        index.set_visible(left_handle, left.visible(), false);
        index.insert_after(left_handle, right_handle, right.visible(), false);
    }
    return right_handle;
}

bool Store::continues(const Item& left, Handle left_handle, const Item& right,
                      Handle right_handle) const {
    if (left.kind != right.kind || left.is_deleted() != right.is_deleted()) return false;
    if (left.kind == Kind::gc) return true;
    if (left.is_redone() || right.is_redone()) return false;
    bool is_joinable = left.kind == Kind::string || left.kind == Kind::deleted ||
                       left.kind == Kind::any || left.kind == Kind::json;
    return is_joinable && right.origin == left.last_clock() && !right.has_far_origin &&
           left.client == right.client && left.right == right_handle && right.left == left_handle &&
           has_same_right_origin(left, right);
}

void Store::join_all() {
    joins_all_ = true;
    for (Client& client : clients_) {
        if (client.items.empty()) continue;
        for (ClientList::Position at = client.items.last();;) {
            ClientList::Position before = at;
            if (!client.items.previous(before)) break;
            const Handle left = client.items.at(before);
            const Handle right = client.items.at(at);
            if (holds_bytes(items_[left].kind) &&
                continues(items_[left], left, items_[right], right))
                join(left, right, at);
            at = before;
        }
    }
}

bool Store::content_continues(const Item& left, const Item& right) const {
    if (joins_all_) return true;
    if (!holds_bytes(left.kind)) return true;
    const Span first = span_of(left);
    const Span second = span_of(right);
    return first.at + first.bytes == second.at ||
           (first.bytes <= kMovedBytesMax && second.bytes <= kMovedBytesMax);
}

bool Store::join(Handle left_handle, Handle right_handle, ClientList::Position right_at) {
    Item& left = items_[left_handle];
    Item& right = items_[right_handle];
    if (!content_continues(left, right)) return false;
    if (holds_bytes(left.kind)) {
        Span first = span_of(left);
        const Span second = span_of(right);
        if (first.at + first.bytes != second.at) {
            if (first.at + first.bytes == arena_.size()) {
                garbage_bytes_ += second.bytes;
            } else {
                const auto from = static_cast<uint32_t>(arena_.size());
                arena_.append_own(first.at, first.bytes);
                garbage_bytes_ += first.bytes + second.bytes;
                first.at = from;
            }
            arena_.append_own(second.at, second.bytes);
        }
        note_seam(first, left.len);
        lay(left, {first.at, first.bytes + second.bytes}, left.len + right.len);
        release_span(right);
    }
    clients_[left.client].items.erase(right_at, items_);
    if (left.kind != Kind::gc) {
        left.right = right.right;
        if (right.is_kept()) left.set(Item::kKept);
        if (left.right != 0) {
            items_[left.right].left = left_handle;
        } else if (!left.is_in_list()) {
            put_last(left, left_handle);
        }
        if (uint32_t number = left.is_in_list() ? branches_[left.home].positions : 0; number != 0) {
            PositionIndex& index = positions_->at(number);
            index.remove(right_handle);
            index.set_visible(left_handle, left.visible() == 0 ? 0 : left.len + right.len, false);
        }
    }
    left.len += right.len;
    items_.remove(right_handle);
    return true;
}

bool Store::extend_text(Handle handle, std::string_view text, uint32_t units) {
    Item& item = items_[handle];
    Span span = span_of(item);
    TANDEM_ASSERT(arena_.size() < UINT32_MAX - span.bytes - text.size());
    if (span.at + span.bytes != arena_.size()) {
        if (span.bytes > kMovedBytesMax || text.size() > kMovedBytesMax) return false;
        const auto from = static_cast<uint32_t>(arena_.size());
        arena_.append_own(span.at, span.bytes);
        garbage_bytes_ += span.bytes;
        span.at = from;
    }
    note_seam(span, item.len);
    arena_.bytes(text);
    lay(item, {span.at, span.bytes + static_cast<uint32_t>(text.size())}, item.len + units);
    item.len += units;
    return true;
}

bool Store::shift_deleted(ClientIndex client, IdRange range) {
    ClientList& list = clients_[client].items;
    const ClientList::Position here = list.find(range.clock, items_);
    const Handle handle = list.at(here);
    Item& item = items_[handle];
    if (item.kind != Kind::string || item.flags != 0 || !item.is_in_list()) return false;
    ClientList::Position there = here;
    if (range.clock > item.clock) {
        if (range.end() != item.end() || !list.next(there)) return false;
        const Handle after_handle = list.at(there);
        Item& after = items_[after_handle];
        if (after.kind != Kind::deleted || after.is_redone() || item.right != after_handle ||
            after.left != handle || after.has_far_origin || after.origin != item.last_clock() ||
            !has_same_right_origin(item, after))
            return false;
        // As the last step of the transaction it would be tried to join these two.
        ClientList::Position beyond = there;
        if (list.next(beyond) &&
            continues(after, after_handle, items_[list.at(beyond)], list.at(beyond)))
            return false;
        const uint32_t units = range.clock - item.clock;
        const Span span = span_of(item);
        uint32_t bytes = units;
        if (!item.is_plain) {
            const Utf16Cut cut = utf16_cut(bytes_of(item), units);
            if (cut.splits_pair) return false;
            bytes = static_cast<uint32_t>(cut.offset);
        }
        garbage_bytes_ += span.bytes - bytes;
        lay(item, {span.at, bytes}, units);
        item.len = units;
        after.clock = range.clock;
        after.len += range.len;
        after.origin = range.clock - 1;
        list.set_clock(there, range.clock);
    } else {
        if (range.clock != item.clock || range.end() >= item.end() || !list.previous(there))
            return false;
        const Handle before_handle = list.at(there);
        Item& before = items_[before_handle];
        if (before.kind != Kind::deleted || before.is_redone() || item.left != before_handle ||
            before.right != handle || item.has_far_origin || item.origin != before.last_clock() ||
            !has_same_right_origin(before, item))
            return false;
        // As above.
        ClientList::Position beyond = there;
        if (list.previous(beyond) &&
            continues(items_[list.at(beyond)], list.at(beyond), before, before_handle))
            return false;
        const Span span = span_of(item);
        uint32_t bytes = range.len;
        if (!item.is_plain) {
            const Utf16Cut cut = utf16_cut(bytes_of(item), range.len);
            if (cut.splits_pair) return false;
            bytes = static_cast<uint32_t>(cut.offset);
        }
        garbage_bytes_ += bytes;
        lay(item, {span.at + bytes, span.bytes - bytes}, item.len - range.len);
        item.clock += range.len;
        item.len -= range.len;
        item.origin = item.clock - 1;
        before.len += range.len;
        list.set_clock(here, item.clock);
    }
    Branch& parent = branches_[item.home];
    if (parent.positions != 0)
        positions_->at(parent.positions).set_visible(handle, item.len, false);
    return true;
}

void Store::collect(Handle handle) {
    Item& item = items_[handle];
    if (uint32_t number = item.is_in_list() ? branches_[item.home].positions : 0; number != 0)
        positions_->at(number).remove(handle);
    drop_content(item);
    item.kind = Kind::gc;
    item.flags = Item::kDeleted;
    item.left = item.right = 0;
    set_origin(item, {});
    set_right_origin(item, {});
    item.home = 0;
}

// What is kept is written in the order of the items, so that equal origins are next to one another.
void Store::compact_far_origins() {
    Few<Dot> old = std::move(far_origins_);
    far_origins_ = {};
    for (Client& client : clients_) {
        client.items.for_each([&](Handle handle) {
            Item& item = items_[handle];
            if (item.has_far_origin) item.origin = far_origin(old[item.origin]);
            if (item.has_far_right_origin) item.right_origin = far_origin(old[item.right_origin]);
        });
    }
    rare_->far_origins_kept = far_origins_.size();
}

void Store::compact() {
    constexpr size_t kFarOriginsWorthwhile = 64;
    const size_t kept = rare_.peek() == nullptr ? 0 : rare_->far_origins_kept;
    if (far_origins_.size() > 2 * kept + kFarOriginsWorthwhile) compact_far_origins();
    constexpr size_t kWorthwhile = 4096;
    if (garbage_bytes_ < kWorthwhile || garbage_bytes_ < arena_.size() / 2) return;
    Buffer fresh;
    fresh.reserve(arena_.size() - garbage_bytes_ + arena_.size() / 8);
    for (Client& client : clients_) {
        client.items.for_each([&](Handle handle) {
            Item& item = items_[handle];
            if (!holds_bytes(item.kind)) return;
            const auto at = static_cast<uint32_t>(fresh.size());
            fresh.bytes(bytes_of(item));
            lay(item, {at, static_cast<uint32_t>(fresh.size()) - at}, item.len);
        });
    }
    arena_ = std::move(fresh);
    garbage_bytes_ = 0;
    seam_at_ = UINT32_MAX;
}

size_t Store::memory_bytes() const {
    size_t bytes = items_.memory_bytes() + branches_.capacity() * sizeof(Branch) +
                   slots_.capacity() * sizeof(Slot) + far_origins_.capacity() * sizeof(Dot) +
                   clients_.capacity() * sizeof(Client) + names_.memory_bytes() + arena_.capacity();
    if (const Spans* spans = spans_.peek()) bytes += spans->memory_bytes();
    if (const PositionIndexes* positions = positions_.peek()) bytes += positions->memory_bytes();
    for (const Client& client : clients_)
        bytes += client.items.memory_bytes();
    for (const Branch& branch : branches_) {
        if (branch.map) bytes += branch.map->memory_bytes();
    }
    return bytes;
}

void Store::shrink() {
    items_.shrink();
    branches_.shrink_to_fit();
    slots_.shrink_to_fit();
    names_.shrink();
    arena_.shrink();
    if (Spans* spans = spans_.peek()) spans->shrink();
    far_origins_.shrink_to_fit();
    clients_.shrink_to_fit();
    roots_.shrink_to_fit();
    for (Client& client : clients_)
        client.items.shrink();
}

Store::Mark Store::mark() const {
    return {arena_.size(),   garbage_bytes_, far_origins_.size(),
            clients_.size(), roots_.size(),  names_.size()};
}

void Store::go_back(const Mark& mark) {
    while (clients_.size() > mark.client_count) {
        if (clients_.size() > kFewClients) rare_->client_by_id.erase(clients_.back().id);
        clients_.pop_back();
    }
    Rare* const rare = rare_.peek();
    if (rare != nullptr && clients_.size() <= kFewClients) rare->client_by_id.clear();
    while (roots_.size() > mark.root_count) {
        if (roots_.size() > kFewRoots) rare_->root_by_name[branches_[roots_.back()].name] = 0;
        free_branch(roots_.back());
        roots_.pop_back();
    }
    if (rare != nullptr && roots_.size() <= kFewRoots) rare->root_by_name.clear();
    names_.truncate(mark.name_count);
    far_origins_.resize(mark.far_origin_count);
    arena_.truncate(mark.arena_size);
    garbage_bytes_ = mark.garbage_bytes;
    seam_at_ = UINT32_MAX;
}

void Store::swap(Store& other) noexcept {
    items_.swap(other.items_);
    std::swap(branches_, other.branches_);
    slots_.swap(other.slots_);
    far_origins_.swap(other.far_origins_);
    roots_.swap(other.roots_);
    std::swap(clients_, other.clients_);
    std::swap(rare_, other.rare_);
    std::swap(names_, other.names_);
    std::swap(arena_, other.arena_);
    std::swap(spans_, other.spans_);
    std::swap(garbage_bytes_, other.garbage_bytes_);
    std::swap(seam_at_, other.seam_at_);
    std::swap(seam_, other.seam_);
    std::swap(joins_all_, other.joins_all_);
    std::swap(arrivals_, other.arrivals_);
}

}  // namespace tandem::yjs
