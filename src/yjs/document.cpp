#include "yjs/document.hpp"

#include <algorithm>

#include "yjs/undo_manager.hpp"

namespace tandem::yjs {

Document::Document(const DocumentOptions& options) : options_(options) {}

void Document::begin_transaction(bool is_local, uint64_t origin) {
    TANDEM_ASSERT(!transaction_.is_open);
    if (Extras* extras = extras_.peek()) {
        // Collected late when the caller did not ask for it.
        while (!extras->later.empty())
            commit_clean_up();
        extras->subdocument_events.clear();
    }
    transaction_.reset();
    transaction_.is_open = true;
    transaction_.is_local = is_local;
    transaction_.origin = origin;
    transaction_.undo = nullptr;
    transaction_.during = nullptr;
}

ClientIndex Document::own() {
    const std::vector<Client>& clients = store_.clients();
    if (own_ >= clients.size() || clients[own_].id != options_.client)
        own_ = store_.client(options_.client);
    TANDEM_ASSERT(own_ <= Item::kClientMask);
    return own_;
}

bool Document::sees_all_transactions() const {
    if (!has_undo()) return false;
    const std::vector<UndoManager*>& managers = extras_->undo_managers;
    return std::any_of(managers.begin(), managers.end(),
                       [](const UndoManager* one) { return one->options_.takes_whole_document; });
}

BranchIndex Document::root(std::string_view name, TypeKind kind) {
    BranchIndex index = store_.root(name);
    Branch& found = store_.branch(index);
    if (found.kind == TypeKind::unknown) found.kind = kind;
    return index;
}

void Document::add_struct(Handle handle) {
    const Item& item = store_.item(handle);
    Client& client = store_.clients()[item.client];
    transaction_.touch(item.client, client.next_clock);
    if (client.next_clock == 0) client.arrival = store_.next_arrival();
    client.items.append(handle, store_.items());
    client.next_clock = item.end();
}

Handle Document::split(Handle handle, uint32_t len) {
    Handle right = store_.split(handle, len);
    transaction_.cuts.push_back({store_.item(right).client, store_.item(right).clock});
    if (ConflictIndex* conflicts = conflicts_with(store_.item(right)))
        conflicts->insert_after(handle, right);
    return right;
}

Handle Document::find_fresh(ClientIndex client, uint32_t clock) const {
    if (const Scratch* scratch = scratch_.peek()) {
        const Handle handle = scratch->directory.find(client, clock);
        if (handle != 0 && clock < store_.item(handle).end()) return handle;
    }
    return store_.find(client, clock);
}

Handle Document::clean_start(ClientIndex client, uint32_t clock) {
    Handle handle = find_fresh(client, clock);
    const Item& item = store_.item(handle);
    if (item.clock == clock || item.is_collected()) return handle;
    return split(handle, clock - item.clock);
}

Handle Document::clean_end(ClientIndex client, uint32_t clock) {
    Handle handle = find_fresh(client, clock);
    const Item& item = store_.item(handle);
    if (item.last_clock() != clock && !item.is_collected()) split(handle, clock - item.clock + 1);
    return handle;
}

void Document::delete_item(Handle first) {
    std::vector<Handle> nested;
    for (Handle handle = first;;) {
        Item& item = store_.item(handle);
        if (!item.is_deleted()) {
            const BranchIndex home = store_.parent(item);
            Branch& parent = store_.branch(home);
            if (item.is_in_list()) {
                parent.length -= item.visible();
                if (parent.positions != 0)
                    store_.positions().at(parent.positions).set_visible(handle, 0, false);
            }
            item.set(Item::kDeleted);
            transaction_.add_deleted(item);
            const Item* holder = parent.item == 0 ? nullptr : &store_.item(parent.item);
            if (holder == nullptr ||
                (transaction_.is_older(holder->client, holder->clock) && !holder->is_deleted()))
                transaction_.add_changed(home, store_.key(item));
            if (item.kind == Kind::doc) remove_subdocument(handle);
            if (item.kind == Kind::type) {
                // What lies within goes too; what had gone before may now be joined.
                const Branch& held = store_.branch(item.content);
                const size_t outer = nested.size();
                auto take = [&](Handle child) {
                    const Item& inner = store_.item(child);
                    if (!inner.is_deleted()) {
                        nested.push_back(child);
                    } else {
                        transaction_.cuts.push_back({inner.client, inner.clock});
                    }
                };
                for (Handle child = held.start; child != 0; child = store_.item(child).right)
                    take(child);
                if (held.map) {
                    for (const MapEntries::Entry& entry : held.map->entries())
                        take(entry.last);
                }
                // In the order of the list, each with all that is within it.
                std::reverse(nested.begin() + static_cast<ptrdiff_t>(outer), nested.end());
            }
        }
        if (nested.empty()) return;
        handle = nested.back();
        nested.pop_back();
    }
}

Handle Document::insert_local(BranchIndex parent, uint32_t key, Handle left, Handle right,
                              const Content& content) {
    TANDEM_ASSERT(transaction_.is_open);
    const ClientIndex client = own();
    const Handle handle = store_.items().add();
    Item& item = store_.item(handle);
    item.set_client(client);
    item.clock = store_.clients()[client].next_clock;
    store_.set_home(item, parent, key);
    item.left = left;
    item.right = right;
    if (left != 0)
        store_.set_origin(item, {store_.item(left).client, store_.item(left).last_clock()});
    if (right != 0) store_.set_right_origin(item, store_.dot_of(store_.item(right)));
    store_.set_content(item, content);
    integrate(handle, 0);
    return handle;
}

}  // namespace tandem::yjs
