#include "yjs/undo_manager.hpp"

#include <algorithm>

namespace tandem::yjs {

void ClockRanges::add(ClientIndex client, IdRange range) {
    for (auto& [known, ranges] : entries_) {
        if (known != client) continue;
        ranges.push_back(range);
        return;
    }
    entries_.push_back({client, {range}});
}

void ClockRanges::merge(const ClockRanges& other) {
    for (const auto& [client, ranges] : other.entries_) {
        for (const IdRange& range : ranges)
            add(client, range);
    }
    for (auto& [client, ranges] : entries_)
        normalize(ranges);
}

bool ClockRanges::contains(ClientIndex client, uint32_t clock) const {
    for (const auto& [known, ranges] : entries_) {
        if (known != client) continue;
        auto after =
            std::upper_bound(ranges.begin(), ranges.end(), clock,
                             [](uint32_t at, const IdRange& range) { return at < range.clock; });
        return after != ranges.begin() && clock < std::prev(after)->end();
    }
    return false;
}

UndoManager::UndoManager(Document& document, std::vector<BranchIndex> scope, UndoOptions options)
    : document_(document),
      store_(document.store()),
      scope_(std::move(scope)),
      options_(std::move(options)) {
    TANDEM_ASSERT(options_.now_ms != nullptr);
    document_.extras_->undo_managers.push_back(this);
    // What is brought back is copied item by item, so these must be the items of Yjs.
    store_.join_all();
}

UndoManager::~UndoManager() { std::erase(document_.extras_->undo_managers, this); }

void UndoManager::add_to_scope(BranchIndex branch) {
    if (std::find(scope_.begin(), scope_.end(), branch) == scope_.end()) scope_.push_back(branch);
}

void UndoManager::add_tracked_origin(uint64_t origin) {
    options_.tracked_origins.push_back(origin);
}

void UndoManager::remove_tracked_origin(uint64_t origin) {
    std::erase(options_.tracked_origins, origin);
}

bool UndoManager::has_in_scope(Handle handle) const {
    if (options_.takes_whole_document) return true;
    while (handle != 0) {
        const BranchIndex parent = store_.parent(store_.item(handle));
        if (std::find(scope_.begin(), scope_.end(), parent) != scope_.end()) return true;
        handle = store_.branch(parent).item;
    }
    return false;
}

// Whether the transaction changed anything in the scope.
bool UndoManager::is_concerned() const {
    if (options_.takes_whole_document) return true;
    for (const Transaction::Changed& change : document_.transaction_.changed) {
        const Branch& changed = store_.branch(change.branch);
        if (changed.is_free || changed.kind == TypeKind::unknown ||
            (changed.item != 0 && store_.item(changed.item).is_deleted()))
            continue;
        if (std::find(scope_.begin(), scope_.end(), change.branch) != scope_.end() ||
            (changed.item != 0 && has_in_scope(changed.item)))
            return true;
    }
    return false;
}

// Keeps an item, and what it is in, from collection, or no longer.
void UndoManager::keep(Handle handle, bool is_kept) {
    while (handle != 0 && store_.item(handle).is_kept() != is_kept) {
        Item& item = store_.item(handle);
        is_kept ? item.set(Item::kKept) : item.unset(Item::kKept);
        handle = store_.branch(store_.parent(store_.item(handle))).item;
    }
}

// Calls `visit` with every item of the ranges, cut to them; collected ones are left out.
template <class Visit>
void UndoManager::for_each_item(const ClockRanges& ranges, Visit&& visit) {
    for (const auto& [client, list] : ranges.entries()) {
        const uint32_t known = store_.clients()[client].next_clock;
        for (const IdRange& range : list) {
            for (uint32_t at = range.clock; at < range.end() && at < known;) {
                const Handle handle = document_.clean_start(client, at);
                if (!store_.item(handle).is_collected()) {
                    if (store_.item(handle).end() > range.end())
                        document_.split(handle, range.end() - store_.item(handle).clock);
                    visit(handle);
                }
                at = store_.item(handle).end();
            }
        }
    }
}

void UndoManager::after_transaction(const std::vector<ClientIndex>& deleted_order) {
    const Transaction& done = document_.transaction_;
    if (options_.captures && !options_.captures(done)) return;
    const auto& tracked = options_.tracked_origins;
    const bool is_tracked = done.undo != nullptr ? done.undo == this
                                                 : std::find(tracked.begin(), tracked.end(),
                                                             done.origin) != tracked.end();
    if (!is_tracked || !is_concerned()) return;
    const bool is_own = done.during == this;
    const bool is_undo = is_own && !done.is_redo;
    if (is_undo) {
        stop_capturing();
    } else if (!is_own) {
        clear_redo();
    }
    std::vector<StackItem>& stack = is_undo ? redo_stack_ : undo_stack_;

    StackItem item;
    Few<Transaction::Touched> touched = done.touched;
    std::sort(touched.begin(), touched.end(), [&](const auto& a, const auto& b) {
        return store_.clients()[a.client].arrival < store_.clients()[b.client].arrival;
    });
    for (const Transaction::Touched& one : touched)
        item.insertions.add(one.client,
                            {one.before, store_.clients()[one.client].next_clock - one.before});
    for (ClientIndex client : deleted_order) {
        for (const Transaction::Deleted& one : done.deleted) {
            if (one.client == client) item.deletions.add(client, one.range);
        }
    }
    for_each_item(item.deletions, [&](Handle handle) {
        if (has_in_scope(handle)) keep(handle, true);
    });

    const uint64_t now = options_.now_ms();
    const bool is_continued = !is_own && last_change_ms_ > 0 &&
                              now - last_change_ms_ < options_.capture_timeout_ms && !stack.empty();
    if (is_continued) {
        stack.back().insertions.merge(item.insertions);
        stack.back().deletions.merge(item.deletions);
    } else {
        stack.push_back(std::move(item));
    }
    if (!is_own) last_change_ms_ = now;
    events_.push_back({is_continued ? Event::What::updated : Event::What::added, is_undo});
}

void UndoManager::release(std::vector<StackItem>& stack) {
    for (const StackItem& item : stack) {
        for_each_item(item.deletions, [&](Handle handle) {
            if (has_in_scope(handle)) keep(handle, false);
        });
    }
    stack.clear();
}

void UndoManager::clear_redo() {
    if (!can_redo()) return;
    document_.change_aside([&] {
        release(redo_stack_);
        events_.push_back({Event::What::cleared_redo, true});
    });
}

void UndoManager::clear_undo() {
    if (!can_undo()) return;
    document_.change_aside([&] {
        release(undo_stack_);
        events_.push_back({Event::What::cleared_undo, false});
    });
}

void UndoManager::clear() {
    if (!can_undo() && !can_redo()) return;
    document_.change_aside([&] {
        release(undo_stack_);
        release(redo_stack_);
        events_.push_back({Event::What::cleared_undo, false});
        events_.push_back({Event::What::cleared_redo, true});
    });
}

std::optional<UndoManager::StackItem> UndoManager::undo() { return pop(false); }

std::optional<UndoManager::StackItem> UndoManager::redo() { return pop(true); }

std::optional<UndoManager::StackItem> UndoManager::pop(bool is_redo) {
    std::vector<StackItem>& stack = is_redo ? redo_stack_ : undo_stack_;
    std::optional<StackItem> popped;
    document_.begin();
    document_.transaction_.undo = this;
    document_.transaction_.during = this;
    document_.transaction_.is_redo = is_redo;
    while (!stack.empty() && !popped) {
        StackItem item = std::move(stack.back());
        stack.pop_back();
        if (take_back(item)) popped = std::move(item);
    }
    document_.commit();
    if (popped) events_.push_back({Event::What::popped, is_redo});
    return popped;
}

// False if nothing changed by it.
bool UndoManager::take_back(const StackItem& item) {
    std::vector<Handle> to_delete;
    std::vector<Handle> to_redo;
    for_each_item(item.insertions, [&](Handle handle) {
        if (store_.item(handle).is_redone()) {
            const Item& first = store_.item(handle);
            const Place place = store_.follow_redone(first.client, first.clock);
            handle = place.item;
            if (store_.item(handle).is_collected()) return;
            if (place.offset > 0) {
                const Item& whole = store_.item(handle);
                handle = document_.clean_start(whole.client, whole.clock + place.offset);
            }
        }
        if (!store_.item(handle).is_deleted() && has_in_scope(handle)) to_delete.push_back(handle);
    });
    for_each_item(item.deletions, [&](Handle handle) {
        // What came and went within the item is not brought back.
        if (has_in_scope(handle) &&
            !item.insertions.contains(store_.item(handle).client, store_.item(handle).clock))
            to_redo.push_back(handle);
    });
    bool has_changed = false;
    std::vector<Handle> wanted = to_redo;
    std::sort(wanted.begin(), wanted.end());
    for (Handle handle : to_redo)
        has_changed |= redo_with_parents(handle, wanted, item.insertions) != 0;
    // Children before their parents.
    for (auto at = to_delete.rbegin(); at != to_delete.rend(); ++at) {
        if (options_.deletes && !options_.deletes(store_, store_.item(*at))) continue;
        document_.delete_item(*at);
        has_changed = true;
    }
    return has_changed;
}

// The item that a redone one was brought back as.
Handle UndoManager::redone(Handle handle) {
    const auto [client, clock] = store_.redone_of(store_.item(handle));
    return document_.clean_start(client, clock);
}

// Brings an item back, after the types that it is in as far as these are brought back too. The
// item that it came back as, or 0.
Handle UndoManager::redo_with_parents(Handle handle, const std::vector<Handle>& wanted,
                                      const ClockRanges& insertions) {
    std::vector<Handle> chain;
    for (Handle at = handle;;) {
        chain.push_back(at);
        if (store_.item(at).is_redone()) break;
        at = store_.branch(store_.parent(store_.item(at))).item;
        if (at == 0 || !store_.item(at).is_deleted() || store_.item(at).is_redone()) break;
        if (!std::binary_search(wanted.begin(), wanted.end(), at)) return 0;
    }
    Handle made = 0;
    for (auto at = chain.rbegin(); at != chain.rend(); ++at) {
        made = redo_item(*at, insertions);
        if (made == 0) return 0;
    }
    return made;
}

Handle UndoManager::redo_item(Handle handle, const ClockRanges& insertions) {
    if (store_.item(handle).is_redone()) return redone(handle);
    BranchIndex parent = store_.parent(store_.item(handle));
    Handle holder = store_.branch(parent).item;
    if (holder != 0 && store_.item(holder).is_deleted()) {
        while (store_.item(holder).is_redone())
            holder = redone(holder);
        if (store_.item(holder).kind != Kind::type) return 0;
        parent = store_.item(holder).content;
    }
    Handle left = 0;
    Handle right = 0;
    const uint32_t key = store_.key(store_.item(handle));
    if (key == 0) {
        std::tie(left, right) = list_neighbours(handle, holder);
    } else {
        const auto found = map_left(handle, holder, parent, insertions);
        if (!found) return 0;
        left = *found;
    }

    Content content = store_.content_of(store_.item(handle));
    const std::string name(content.name);
    const std::string body(content.body);
    content.name = name;
    content.body = body;
    const ClientIndex own = document_.own();
    store_.set_redone(handle, own, store_.clients()[own].next_clock);
    const Handle made = document_.insert_local(parent, key, left, right, content);
    keep(made, true);
    return made;
}

// What an item, or what it was brought back as, is within the type that `holder` holds; or 0.
Handle UndoManager::copy_in(Handle handle, Handle holder) {
    while (handle != 0) {
        const Item& item = store_.item(handle);
        if (!item.is_collected() && store_.branch(store_.parent(item)).item == holder)
            return handle;
        handle = item.is_redone() ? redone(handle) : 0;
    }
    return 0;
}

std::pair<Handle, Handle> UndoManager::list_neighbours(Handle handle, Handle holder) {
    Handle left = store_.item(handle).left;
    for (; left != 0; left = store_.item(left).left) {
        if (const Handle copy = copy_in(left, holder)) {
            left = copy;
            break;
        }
    }
    Handle right = handle;
    for (; right != 0; right = store_.item(right).right) {
        if (const Handle copy = copy_in(right, holder)) {
            right = copy;
            break;
        }
    }
    return {left, right};
}

bool UndoManager::is_deleted_by_stacks(Handle handle) const {
    const Item& item = store_.item(handle);
    auto deletes = [&](const StackItem& one) {
        return one.deletions.contains(item.client, item.clock);
    };
    return std::any_of(undo_stack_.begin(), undo_stack_.end(), deletes) ||
           std::any_of(redo_stack_.begin(), redo_stack_.end(), deletes);
}

// The value of a map that one which is brought back comes behind; none if somebody else has set
// the key since.
std::optional<Handle> UndoManager::map_left(Handle handle, Handle holder, BranchIndex parent,
                                            const ClockRanges& insertions) {
    const uint32_t key = store_.key(store_.item(handle));
    Handle left = 0;
    if (store_.item(handle).right != 0 && !options_.ignores_remote_map_changes) {
        left = handle;
        for (;;) {
            const Handle right = store_.item(left).right;
            if (right == 0) break;
            const Item& next = store_.item(right);
            if (!next.is_redone() && !insertions.contains(next.client, next.clock) &&
                !is_deleted_by_stacks(right))
                return std::nullopt;
            left = right;
            while (store_.item(left).is_redone())
                left = redone(left);
        }
    } else {
        left = store_.branch(parent).map_find(key);
    }
    if (left != 0 && store_.item(left).is_collected()) return std::nullopt;
    // A neighbour in another type would mislead other replicas.
    if (left != 0 && store_.branch(store_.parent(store_.item(left))).item != holder)
        left = store_.branch(parent).map_find(key);
    return left;
}

}  // namespace tandem::yjs
