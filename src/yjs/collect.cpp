#include <algorithm>

#include "yjs/document.hpp"
#include "yjs/undo_manager.hpp"

// The end of a transaction: contents of what was deleted are given up, and items that turned out to
// continue one another are joined.
namespace tandem::yjs {

void Document::commit() {
    TANDEM_ASSERT(transaction_.is_open);
    if (Scratch* scratch = scratch_.peek()) {
        scratch->scans = 0;
        scratch->conflicts.reset();
    }
    auto& deleted = transaction_.deleted;
    std::vector<ClientIndex> deleted_order;
    const bool cleans_up = needs_clean_up();
    if (cleans_up || has_undo()) {
        for (const Transaction::Deleted& one : deleted) {
            if (std::find(deleted_order.begin(), deleted_order.end(), one.client) ==
                deleted_order.end())
                deleted_order.push_back(one.client);
        }
    }
    if (deleted.size() > 1) {
        auto is_before = [](const Transaction::Deleted& a, const Transaction::Deleted& b) {
            return a.client != b.client ? a.client < b.client : a.range.clock < b.range.clock;
        };
        if (!std::is_sorted(deleted.begin(), deleted.end(), is_before))
            std::sort(deleted.begin(), deleted.end(), is_before);
        size_t last = 0;
        for (size_t i = 1; i < deleted.size(); ++i) {
            Transaction::Deleted& left = deleted[last];
            if (left.client == deleted[i].client && left.range.end() >= deleted[i].range.clock) {
                left.range.len =
                    std::max(left.range.end(), deleted[i].range.end()) - left.range.clock;
            } else {
                deleted[++last] = deleted[i];
            }
        }
        deleted.resize(last + 1);
    }
    if (Extras* extras = extras_.peek(); extras != nullptr && !extras->events.notices.empty())
        extras->events = Events();
    if (has_observers_) record_events();
    if (has_undo()) {
        for (UndoManager* manager : extras_->undo_managers)
            manager->after_transaction(deleted_order);
    }
    if (cleans_up) clean_up_formats(deleted_order);
    if (options_.collects && transaction_.deletes_contents) collect_deleted();
    join_touched();
    finish_transaction();
}

void Document::finish_transaction() {
    store_.compact();
    transaction_.is_open = false;
    if (!transaction_.is_local) {
        // Somebody else uses this id; the caller has to take another before it writes.
        for (const Transaction::Touched& touched : transaction_.touched)
            has_id_collision_ |= store_.clients()[touched.client].id == options_.client;
    }
    if (Extras* extras = extras_.peek(); extras != nullptr && !extras->subdocument_changes.empty())
        tell_subdocuments();
}

void Document::collect_deleted() {
    for (const Transaction::Deleted& one : transaction_.deleted) {
        const ClientList& list = store_.clients()[one.client].items;
        ClientList::Position at = list.find(one.range.clock, store_.items());
        do {
            Handle handle = list.at(at);
            Item& item = store_.item(handle);
            if (item.clock >= one.range.end()) break;
            if (!item.is_deleted() || item.is_kept() || item.kind == Kind::gc ||
                item.kind == Kind::deleted)
                continue;
            if (item.kind == Kind::type) collect_children(item.content);
            store_.drop_content(item);
        } while (list.next(at));
    }
}

void Document::collect_children(BranchIndex first) {
    std::vector<BranchIndex> branches{first};
    while (!branches.empty()) {
        const BranchIndex index = branches.back();
        branches.pop_back();
        Branch& branch = store_.branch(index);
        if (branch.positions != 0) store_.positions().remove(branch.positions);
        branch.positions = 0;
        auto take = [&](Handle handle) {
            if (store_.item(handle).kind == Kind::type)
                branches.push_back(store_.item(handle).content);
            store_.collect(handle);
        };
        for (Handle handle = branch.start; handle != 0;) {
            Handle right = store_.item(handle).right;
            take(handle);
            handle = right;
        }
        if (branch.map) {
            for (const MapEntries::Entry& entry : branch.map->entries()) {
                for (Handle handle = entry.last; handle != 0;) {
                    Handle left = store_.item(handle).left;
                    take(handle);
                    handle = left;
                }
            }
        }
        store_.free_branch(index);
    }
}

// Tries to join the items that overlap [from, to), and the one behind them, with the one before
// each; where that succeeds it goes on to the left. Which runs of collected clocks end up joined
// shows in updates, so this follows Yjs, which does not find them all.
void Document::join_range(ClientIndex client, uint32_t from, uint32_t to) {
    ClientList& list = store_.clients()[client].items;
    ClientList::Position at = list.find(to - 1, store_.items());
    list.next(at);
    bool has_joined = false;
    for (;;) {
        const Handle right = list.at(at);
        if (store_.item(right).clock < from && !has_joined) return;
        ClientList::Position before = at;
        if (!list.previous(before)) return;
        const Handle left = list.at(before);
        has_joined = store_.continues(store_.item(left), left, store_.item(right), right) &&
                     store_.join(left, right, at);
        at = before;
    }
}

void Document::join_touched() {
    // Of a client that is new every item is looked at once, whatever happened to it.
    for (const Transaction::Deleted& one : transaction_.deleted) {
        if (!transaction_.is_new(one.client))
            join_range(one.client, one.range.clock, one.range.end());
    }
    for (const Transaction::Touched& one : transaction_.touched)
        join_range(one.client, one.before, store_.clients()[one.client].next_clock);
    for (const Transaction::Cut& cut : transaction_.cuts) {
        if (!transaction_.is_new(cut.client)) join_range(cut.client, cut.clock, cut.clock + 1);
    }
}

}  // namespace tandem::yjs
