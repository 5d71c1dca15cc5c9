#include <algorithm>

#include "yjs/document.hpp"
#include "yjs/formats.hpp"

// After a remote change editors delete the marks that it made superfluous, in a transaction of its
// own that only deletes. It looks at contents that the first transaction's collection gives up, so
// it runs before that, and is itself collected after the first one's update was written.
namespace tandem::yjs {

bool Document::needs_clean_up() const {
    if (!options_.cleans_formats || transaction_.is_local) return false;
    for (const Transaction::Changed& change : transaction_.changed) {
        const Branch& branch = store_.branch(change.branch);
        const bool is_text = branch.kind == TypeKind::text || branch.kind == TypeKind::xml_text;
        if (is_text && branch.has_formatting && !branch.is_free &&
            (branch.item == 0 || !store_.item(branch.item).is_deleted()))
            return true;
    }
    return false;
}

void Document::clean_up_formats(const std::vector<ClientIndex>& deleted_order) {
    std::vector<BranchIndex> whole;
    auto needs_whole = [&](BranchIndex branch) {
        return std::find(whole.begin(), whole.end(), branch) != whole.end();
    };
    for (const Transaction::Touched& touched : transaction_.touched) {
        const ClientList& list = store_.clients()[touched.client].items;
        ClientList::Position at = list.find(touched.before, store_.items());
        do {
            const Item& item = store_.item(list.at(at));
            if (!item.is_deleted() && item.kind == Kind::format &&
                !needs_whole(store_.parent(item)))
                whole.push_back(store_.parent(item));
        } while (list.next(at));
    }

    const Few<Transaction::Deleted> deleted = transaction_.deleted;
    change_later([&] { delete_superfluous(deleted, deleted_order, whole); });
}

void Document::delete_superfluous(const Few<Transaction::Deleted>& deleted,
                                  const std::vector<ClientIndex>& deleted_order,
                                  std::vector<BranchIndex>& whole) {
    auto needs_whole = [&](BranchIndex branch) {
        return std::find(whole.begin(), whole.end(), branch) != whole.end();
    };
    for (ClientIndex client : deleted_order) {
        for (const Transaction::Deleted& one : deleted) {
            if (one.client != client) continue;
            const ClientList& list = store_.clients()[client].items;
            ClientList::Position at = list.find(one.range.clock, store_.items());
            do {
                const Handle handle = list.at(at);
                const Item& item = store_.item(handle);
                if (item.clock >= one.range.end()) break;
                if (item.is_collected() || !store_.branch(store_.parent(item)).has_formatting ||
                    needs_whole(store_.parent(item)))
                    continue;
                if (item.kind == Kind::format) {
                    whole.push_back(store_.parent(item));
                } else {
                    clean_gap_around(handle);
                }
            } while (list.next(at));
        }
    }
    for (BranchIndex text : whole)
        clean_whole_text(text);
}

// Of the marks of one gap between contents only the last of each name does anything.
void Document::clean_gap_around(Handle handle) {
    Handle at = handle;
    for (;;) {
        const Handle right = store_.item(at).right;
        if (right == 0) break;
        const Item& next = store_.item(right);
        if (!next.is_deleted() && next.is_countable()) break;
        at = right;
    }
    std::vector<uint32_t> seen;
    for (; at != 0; at = store_.item(at).left) {
        const Item& item = store_.item(at);
        if (!item.is_deleted() && item.is_countable()) break;
        if (item.is_deleted() || item.kind != Kind::format) continue;
        const uint32_t name = store_.format_name(item);
        if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
            delete_item(at);
        } else {
            seen.push_back(name);
        }
    }
}

void Document::clean_whole_text(BranchIndex text) {
    Handle start = store_.branch(text).start;
    TextPlace at_start;
    TextPlace current;
    for (Handle end = start; end != 0; end = store_.item(end).right) {
        const Item& item = store_.item(end);
        if (item.is_deleted()) continue;
        if (item.kind == Kind::format) {
            pass_format(current, item);
        } else {
            clean_gap(start, end, at_start, current);
            at_start.formats = current.formats;
            start = end;
        }
    }
}

bool Document::commit_clean_up() {
    TANDEM_ASSERT(!transaction_.is_open);
    if (extras_.peek() == nullptr) return false;
    std::vector<Transaction>& later = extras_->later;
    while (!later.empty()) {
        transaction_ = std::move(later.front());
        later.erase(later.begin());
        commit();
        if (!transaction_.deleted.empty()) return true;
    }
    return false;
}

}  // namespace tandem::yjs
