#include <algorithm>

#include "yjs/document.hpp"
#include "yjs/group_writer.hpp"

// Remote changes: an update is read whole, so that a malformed one changes nothing; then its
// structs are linked in an order that has what each one depends on before it, and what lacks
// something is set aside as an update of its own.
namespace tandem::yjs {

namespace {
constexpr uint32_t kNoRun = UINT32_MAX;
// Up to here a client's run is searched one by one, whatever number of clients the document has.
constexpr size_t kFewRuns = 8;
// Up to here a scan of a conflict is searched one by one.
constexpr size_t kFewScanned = 32;
}  // namespace

base::Status Document::apply(std::string_view update, Encoding encoding, uint64_t origin) {
    if (encoding == Encoding::v2) return apply_fields<FieldReaderV2>(update, origin);
    if (apply_small(update, origin)) return {};
    return apply_fields<FieldReaderV1>(update, origin);
}

template <class Fields>
base::Status Document::apply_fields(std::string_view update, uint64_t origin) {
    StructReader<Fields> reader;
    TANDEM_CHECK(reader.open(update));
    const Store::Mark mark = store_.mark();
    scratch_->read.clear();
    scratch_->runs.clear();
    scratch_->read_deletes.clear();
    if (auto read = read_structs(reader); !read.ok()) {
        for (Handle handle : scratch_->read)
            store_.forget_unlinked(handle);
        store_.go_back(mark);
        return read;
    }

    const bool was_open = transaction_.is_open;
    if (!was_open) begin_transaction(false, origin);
    transaction_.is_local = false;
    StateVector waited_for;
    if (const Waiting* waiting = waiting_.peek()) waited_for = waiting->missing;
    integrate_read();
    for (const auto& [client, range] : scratch_->read_deletes)
        apply_deletes(client, range);
    apply_pending_deletes();
    bool can_retry = false;
    for (const auto& [client, clock] : waited_for) {
        ClientIndex index = store_.find_client(client);
        if (index != kNoClient && clock < store_.clients()[index].next_clock) can_retry = true;
    }
    base::Status retried;
    if (can_retry && !waiting_->structs.empty()) {
        std::string again = std::move(waiting_->structs);
        waiting_->structs.clear();
        waiting_->missing.clear();
        retried = apply_fields<FieldReaderV1>(again, origin);
    }
    if (!was_open) commit();
    if (const Waiting* waiting = waiting_.peek(); waiting != nullptr && waiting->is_empty())
        waiting_.reset();
    // Most of the document has just come: it is more likely read now than written much.
    if (scratch_->read.size() >= store_.items().limit() / 2) release_spare_memory();
    return retried;
}

void Document::release_spare_memory() {
    scratch_.reset();
    store_.shrink();
}

template <class Fields>
base::Status Document::read_structs(StructReader<Fields>& reader) {
    // A whole document is mostly items; what they take is known before.
    store_.items().reserve(reader.struct_count());
    for (const RawStruct* raw = reader.current(); raw != nullptr; raw = reader.next()) {
        TANDEM_CHECK(take_struct(*raw));
        reader.release();
    }
    TANDEM_CHECK(reader.status());
    TANDEM_CHECK(reader.deletes([&](uint64_t client, uint32_t clock, uint32_t len) {
        scratch_->read_deletes.push_back({store_.client(client), {clock, len}});
    }));
    if (store_.clients().size() > kClientsMax)
        return base::fail(base::ErrorCode::too_large, kClientsMax);
    return {};
}

base::Status Document::take_struct(const RawStruct& raw) {
    if (raw.content.kind == Kind::skip) return {};
    std::vector<Handle>& read = scratch_->read;
    std::vector<Run>& runs = scratch_->runs;
    const bool is_same_client =
        !runs.empty() && store_.clients()[runs.back().client].id == raw.id.client;
    const ClientIndex client = is_same_client ? runs.back().client : store_.client(raw.id.client);
    // Yjs cuts items at the origins also of what it has already, which shows where undo has brought
    // something back: such items are not joined again.
    if (raw.end() <= store_.clients()[client].next_clock && !store_.has_redone()) return {};
    // Nobody can have inserted something next to, or in, what he inserted later.
    auto is_later = [&](const Id& id) {
        return id.client == raw.id.client && id.clock >= raw.id.clock;
    };
    if ((raw.has_origin && is_later(raw.origin)) ||
        (raw.has_right_origin && is_later(raw.right_origin)) ||
        (raw.parent == RawStruct::Parent::item && is_later(raw.parent_id)))
        return base::fail(base::ErrorCode::malformed);

    const Handle handle = store_.items().add();
    read.push_back(handle);
    Item& item = store_.item(handle);
    item.set_client(client);
    item.clock = raw.id.clock;
    auto dot_of = [&](const Id& id) {
        return Dot{id.client == raw.id.client ? client : store_.client(id.client), id.clock};
    };
    if (raw.has_origin) {
        if (raw.origin.client == raw.id.client) {
            item.origin = raw.origin.clock;
        } else {
            store_.set_origin(item, dot_of(raw.origin));
        }
    }
    if (raw.has_right_origin) {
        if (raw.right_origin.client == raw.id.client) {
            item.right_origin = raw.right_origin.clock;
        } else {
            store_.set_right_origin(item, dot_of(raw.right_origin));
        }
    }
    const uint32_t key = raw.has_key ? store_.names().intern(raw.key) : 0;
    if (raw.parent == RawStruct::Parent::root) {
        Store::set_unlinked_home(item, store_.root(raw.parent_name), key);
    } else if (raw.parent == RawStruct::Parent::item) {
        const Dot holder{store_.client(raw.parent_id.client), raw.parent_id.clock};
        Store::set_unlinked_home(item, holder, key);
    }
    store_.set_content(item, raw.content);
    if (item.kind == Kind::gc) item.set(Item::kDeleted);
    if (runs.empty() || runs.back().client != client)
        runs.push_back({client, read.size() - 1, read.size() - 1, read.size()});
    runs.back().end = read.size();
    return {};
}

void Document::drop_read(Handle handle) { store_.forget_unlinked(handle); }

// For the client that comes with most, if all that the document has of it comes now.
void Document::open_directory() {
    const Run* largest = nullptr;
    for (const Run& run : scratch_->runs) {
        if (largest == nullptr || run.end - run.next > largest->end - largest->next) largest = &run;
    }
    if (largest == nullptr || store_.clients()[largest->client].next_clock != 0) return;
    scratch_->directory.open(largest->client, scratch_->read.data() + largest->next,
                             largest->end - largest->next, store_.items());
}

void Document::integrate_read() {
    std::vector<Handle>& read = scratch_->read;
    std::vector<Run>& runs = scratch_->runs;
    std::vector<uint32_t>& run_of_client = scratch_->run_of_client;
    if (runs.empty()) return;
    // Highest client first: ties are then mostly decided without a scan.
    if (runs.size() > 1)  // It takes memory, and most updates are of one client.
        std::stable_sort(runs.begin(), runs.end(), [&](const Run& a, const Run& b) {
            return store_.clients()[a.client].id > store_.clients()[b.client].id;
        });
    const bool is_few = runs.size() <= kFewRuns;
    if (!is_few) run_of_client.assign(store_.clients().size(), kNoRun);
    auto run_of = [&](ClientIndex client) -> uint32_t {
        if (!is_few) return client < run_of_client.size() ? run_of_client[client] : kNoRun;
        for (uint32_t i = 0; i < runs.size(); ++i) {
            if (runs[i].client == client) return i;
        }
        return kNoRun;
    };
    for (uint32_t i = 0; i < runs.size(); ++i) {
        if (!is_few && run_of_client[runs[i].client] == kNoRun) run_of_client[runs[i].client] = i;
        const uint32_t known = run_of(runs[i].client);
        if (known == i) continue;
        // An update that names a client twice; Yjs writes none.
        Run& first = runs[known];
        std::vector<Handle> joined(read.begin() + static_cast<ptrdiff_t>(first.next),
                                   read.begin() + static_cast<ptrdiff_t>(first.end));
        joined.insert(joined.end(), read.begin() + static_cast<ptrdiff_t>(runs[i].next),
                      read.begin() + static_cast<ptrdiff_t>(runs[i].end));
        std::stable_sort(joined.begin(), joined.end(), [&](Handle a, Handle b) {
            return store_.item(a).clock < store_.item(b).clock;
        });
        first.begin = first.next = read.size();
        read.insert(read.end(), joined.begin(), joined.end());
        first.end = read.size();
        runs[i].next = runs[i].end;
    }

    open_directory();
    std::vector<Handle> aside;
    std::vector<Handle> stack;
    size_t current = 0;
    auto need = [&](ClientIndex client, uint32_t clock) {
        uint64_t id = store_.clients()[client].id;
        auto [known, is_new] = waiting_->missing.emplace(id, clock);
        if (!is_new) known->second = std::min(known->second, clock);
    };
    // Everything on the stack depends on what is missing, and so does what its clients did later.
    auto give_up_stack = [&] {
        for (Handle handle : stack) {
            const Item& item = store_.item(handle);
            Run& run = runs[run_of(item.client)];
            const bool is_ahead =
                run.next < run.end && item.clock >= store_.item(read[run.next]).clock;
            while (!is_ahead && run.next > run.begin && read[--run.next] != handle) {
            }
        }
        for (Handle handle : stack) {
            Run& run = runs[run_of(store_.item(handle).client)];
            aside.insert(aside.end(), read.begin() + static_cast<ptrdiff_t>(run.next),
                         read.begin() + static_cast<ptrdiff_t>(run.end));
            run.next = run.end;
        }
        stack.clear();
    };
    auto next_head = [&]() -> Handle {
        if (!stack.empty()) {
            Handle head = stack.back();
            stack.pop_back();
            return head;
        }
        while (current < runs.size() && runs[current].next == runs[current].end)
            ++current;
        return current == runs.size() ? 0 : read[runs[current].next++];
    };

    for (Handle head = next_head(); head != 0;) {
        const Item& item = store_.item(head);
        const ClientIndex client = item.client;
        const uint32_t known = store_.clients()[client].next_clock;
        if (known < item.clock) {
            stack.push_back(head);
            need(client, item.clock - 1);
            give_up_stack();
        } else if (item.end() <= known) {
            if (store_.has_redone()) (void)resolve(head);
            drop_read(head);
        } else if (ClientIndex lacking = resolve(head); lacking != kNoClient) {
            stack.push_back(head);
            const uint32_t run = run_of(lacking);
            if (run != kNoRun && runs[run].next != runs[run].end) {
                head = read[runs[run].next++];
                continue;
            }
            need(lacking, store_.clients()[lacking].next_clock);
            give_up_stack();
        } else {
            integrate(head, known - store_.item(head).clock);
        }
        head = next_head();
    }
    scratch_->directory.close();
    if (aside.empty()) return;

    GroupWriter<FieldWriterV1> set_aside;
    std::stable_sort(aside.begin(), aside.end(), [&](Handle a, Handle b) {
        const Item& first = store_.item(a);
        const Item& second = store_.item(b);
        if (first.client != second.client)
            return store_.clients()[first.client].id > store_.clients()[second.client].id;
        return first.clock < second.clock;
    });
    for (Handle handle : aside) {
        set_aside.write(store_.raw_of_unlinked(store_.item(handle)), 0);
        drop_read(handle);
    }
    std::string rest = set_aside.finish(DeleteSet{});
    if (waiting_->structs.empty()) {
        waiting_->structs = std::move(rest);
        return;
    }
    const std::string_view both[] = {waiting_->structs, rest};
    auto merged = merge_updates(both);
    TANDEM_ASSERT(merged.ok());
    waiting_->structs = *std::move(merged);
}

// Finds the neighbours and the parent of an item. The client that lacks something, or kNoClient.
ClientIndex Document::resolve(Handle handle) {
    const Item before = store_.item(handle);
    if (before.kind == Kind::gc) return kNoClient;
    auto is_unknown = [&](ClientIndex client, uint32_t clock) {
        return client != before.client && clock >= store_.clients()[client].next_clock;
    };
    const bool by_id = (before.flags & Item::kParentById) != 0;
    const Dot origin = store_.origin(before);
    const Dot right_origin = store_.right_origin(before);
    if (origin.is_some() && is_unknown(origin.client, origin.clock)) return origin.client;
    if (right_origin.is_some() && is_unknown(right_origin.client, right_origin.clock))
        return right_origin.client;
    if (by_id && is_unknown(before.left, before.right)) return before.left;

    Handle left = 0;
    Handle right = 0;
    if (origin.is_some()) left = clean_end(origin.client, origin.clock);
    if (right_origin.is_some()) {
        // Without a conflict it is the left neighbour's.
        right = left == 0 ? 0 : store_.item(left).right;
        if (right == 0 || store_.dot_of(store_.item(right)) != right_origin)
            right = clean_start(right_origin.client, right_origin.clock);
    }
    BranchIndex parent = by_id ? 0 : before.home;
    uint32_t key = Store::unlinked_key(before);
    if ((left != 0 && store_.item(left).is_collected()) ||
        (right != 0 && store_.item(right).is_collected())) {
        parent = 0;
    } else if (by_id) {
        const Item& holder = store_.item(store_.find(before.left, before.right));
        parent = holder.kind == Kind::type ? holder.content : 0;
    } else if (parent == 0) {
        const Item& neighbour = store_.item(left != 0 ? left : right);
        parent = store_.parent(neighbour);
        key = store_.key(neighbour);
    }
    Item& item = store_.item(handle);
    if (by_id) item.unset(Item::kParentById);
    item.left = left;
    item.right = right;
    store_.set_home(item, parent, key);
    return kNoClient;
}

void Document::integrate(Handle handle, uint32_t offset) {
    if (offset > 0) {
        store_.drop_front(store_.item(handle), offset);
        const ClientIndex client = store_.item(handle).client;
        const uint32_t last = store_.item(handle).clock - 1;
        if (store_.item(handle).kind != Kind::gc) {
            Handle left = clean_end(client, last);
            Item& item = store_.item(handle);
            item.left = left;
            store_.set_origin(item, {client, last});
            // What is known of it says where it stands, whatever this update says.
            item.home = store_.item(left).home;
        }
    }
    Item& item = store_.item(handle);
    if (item.home == 0) {
        // What stood next to it, or around it, is gone.
        if (item.kind != Kind::gc) {
            store_.drop_content(item);
            store_.collect(handle);
        }
        add_struct(handle);
        return;
    }
    const BranchIndex home = store_.parent(item);
    const uint32_t key = store_.key(item);
    Branch& parent = store_.branch(home);
    Handle left = item.left;
    const bool is_beside = left != 0 ? store_.item(left).right == item.right
                                     : item.right != 0 && store_.item(item.right).left == 0;
    if (!is_beside) left = find_left_of_conflict(item, left);

    Handle right = 0;
    if (left != 0) {
        right = store_.item(left).right;
        store_.item(left).right = handle;
    } else if (key != 0) {
        right = store_.first_of_key(item);
        store_.put_first(item, handle);
    } else {
        right = parent.start;
        parent.start = handle;
    }
    item.left = left;
    item.right = right;
    if (ConflictIndex* conflicts = conflicts_with(item)) conflicts->insert_after(left, handle);
    if (right != 0) {
        store_.item(right).left = handle;
    } else if (key != 0) {
        store_.put_last(item, handle);
        if (left != 0) delete_item(left);
    }
    if (key == 0) parent.length += item.visible();
    add_struct(handle);
    switch (item.kind) {
        case Kind::deleted:
            item.set(Item::kDeleted);
            transaction_.add_gone(item.client, {item.clock, item.len});
            break;
        case Kind::type:
            store_.become_type(handle);
            break;
        case Kind::format:
            parent.has_formatting = true;
            break;
        case Kind::gc:
        case Kind::skip:
        case Kind::json:
        case Kind::binary:
        case Kind::string:
        case Kind::embed:
        case Kind::any:
            break;
        case Kind::doc:
            add_subdocument(handle);
            break;
    }
    // Making the type may have moved the shared types.
    const Branch& here = store_.branch(home);
    if (here.positions != 0 && key == 0) {
        store_.positions()
            .at(here.positions)
            .insert_after(left, handle, item.visible(),
                          item.kind == Kind::format && !item.is_deleted());
    }
    const Item* holder = here.item == 0 ? nullptr : &store_.item(here.item);
    if (holder == nullptr ||
        (transaction_.is_older(holder->client, holder->clock) && !holder->is_deleted()))
        transaction_.add_changed(home, key);
    if ((holder != nullptr && holder->is_deleted()) || (key != 0 && right != 0))
        delete_item(handle);
}

// What stands first where an item belongs, in its list or in the chain of its key.
Handle Document::first_beside(const Item& item) const {
    return item.is_in_list() ? store_.branch(item.home).start : store_.first_of_key(item);
}

ConflictIndex* Document::conflicts_with(const Item& item) const {
    const Scratch* scratch = scratch_.peek();
    if (scratch == nullptr || !scratch->conflicts || !scratch->conflicts->has(item)) return nullptr;
    return scratch->conflicts.get();
}

// YATA: among the items between the origins, the new one goes behind those that began at the same
// place and come from a lower client, together with what was inserted after them.
Handle Document::find_left_of_conflict(const Item& item, Handle left) {
    if (const ConflictIndex* conflicts = conflicts_with(item))
        return conflicts->find_left(item, left);
    const size_t scans_max =
        options_.scans_max == 0 ? 0 : std::max(options_.scans_max, store_.items_limit());
    const Handle behind = left;
    Handle other = left != 0 ? store_.item(left).right : first_beside(item);
    const Dot origin = store_.origin(item);
    const Dot right_origin = store_.right_origin(item);
    const uint64_t own_id = store_.clients()[item.client].id;
    Scratch& scratch = scratch_.get();
    scratch.scanned.clear();
    // Where an item was scanned, or past the end.
    auto place_of = [&](Handle handle) -> size_t {
        if (scratch.scanned.size() <= kFewScanned) {
            for (size_t i = scratch.scanned.size(); i > 0; --i) {
                if (scratch.scanned[i - 1] == handle) return i - 1;
            }
            return SIZE_MAX;
        }
        if (scratch.scan_marks.size() < store_.items().limit())
            scratch.scan_marks.resize(store_.items().limit());
        for (; scratch.marked < scratch.scanned.size(); ++scratch.marked)
            scratch.scan_marks[scratch.scanned[scratch.marked]] = {
                scratch.scan_epoch, static_cast<uint32_t>(scratch.marked)};
        const ScanMark& mark = scratch.scan_marks[handle];
        return mark.epoch == scratch.scan_epoch ? mark.place : SIZE_MAX;
    };
    ++scratch.scan_epoch;
    scratch.marked = 0;
    size_t conflicts_from = 0;
    while (other != 0 && other != item.right) {
        if (++scratch.scans > scans_max) {
            scratch.scans = 0;
            if (!scratch.conflicts) scratch.conflicts = std::make_unique<ConflictIndex>(store_);
            scratch.conflicts->add(first_beside(item));
            return scratch.conflicts->find_left(item, behind);
        }
        scratch.scanned.push_back(other);
        const Item& there = store_.item(other);
        const Dot origin_there = store_.origin(there);
        if (origin_there == origin) {
            if (store_.clients()[there.client].id < own_id) {
                left = other;
                conflicts_from = scratch.scanned.size();
            } else if (store_.right_origin(there) == right_origin) {
                break;
            }
        } else if (origin_there.is_some()) {
            size_t place = place_of(store_.find(origin_there.client, origin_there.clock));
            if (place == SIZE_MAX) break;
            if (place < conflicts_from) {
                left = other;
                conflicts_from = scratch.scanned.size();
            }
        } else {
            break;
        }
        other = there.right;
    }
    return left;
}

void Document::apply_deletes(ClientIndex client, IdRange range) {
    const uint32_t known = store_.clients()[client].next_clock;
    if (range.end() > known) {
        uint32_t from = std::max(known, range.clock);
        waiting_->deletes.add(store_.clients()[client].id, from, range.end() - from);
    }
    const uint32_t end = std::min(known, range.end());
    if (range.clock >= end) return;
    const ClientList& items = store_.clients()[client].items;
    ClientList::Position place = items.find(range.clock, store_.items());
    for (uint32_t at = range.clock; at < end;) {
        Handle handle = items.at(place);
        if (!store_.item(handle).is_deleted()) {
            if (store_.item(handle).clock < at)
                handle = split(handle, at - store_.item(handle).clock);
            if (store_.item(handle).end() > end) split(handle, end - at);
            at = store_.item(handle).end();
            delete_item(handle);
            if (at < end) place = items.find(at, store_.items());
        } else {
            at = store_.item(handle).end();
            if (!items.next(place)) return;
        }
    }
}

void Document::apply_pending_deletes() {
    if (waiting_.peek() == nullptr || waiting_->deletes.empty()) return;
    DeleteSet waiting = std::move(waiting_->deletes);
    waiting_->deletes = DeleteSet{};
    for (const auto& [client, ranges] : waiting.clients()) {
        ClientIndex index = store_.client(client);
        for (const IdRange& range : ranges)
            apply_deletes(index, range);
    }
    waiting_->deletes.normalize();
}

}  // namespace tandem::yjs
