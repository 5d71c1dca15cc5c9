#pragma once

#include <cstdint>
#include <utility>

#include "yjs/branch.hpp"
#include "yjs/few.hpp"
#include "yjs/item.hpp"
#include "yjs/structs.hpp"

namespace tandem::yjs {

class UndoManager;

/// What happened to a document since `begin`: which clients have new clocks, which clocks were
/// deleted, where items were cut, and which shared types changed.
class Transaction {
  public:
    struct Touched {
        ClientIndex client;
        /// The client's next clock before the transaction.
        uint32_t before;
    };
    struct Deleted {
        ClientIndex client;
        IdRange range;
    };
    struct Cut {
        ClientIndex client;
        uint32_t clock;
    };
    struct Changed {
        BranchIndex branch;
        /// A key of the map, or 0 for the list.
        uint32_t key;
        friend bool operator==(const Changed&, const Changed&) = default;
    };

    bool is_open = false;
    bool is_local = true;
    bool is_redo = false;
    /// Whether something was deleted whose content was there.
    bool deletes_contents = false;
    /// What the caller says of where it comes from; 0 for nothing.
    uint64_t origin = 0;
    /// The manager that undoes or redoes in it.
    const UndoManager* undo = nullptr;
    /// The manager that undoes or redoes now: in it, or in the one that brought this one about.
    const UndoManager* during = nullptr;
    Few<Touched> touched;
    Few<Deleted> deleted;
    Few<Cut> cuts;
    Few<Changed> changed;

    void reset() {
        for (const Touched& one : touched)
            before_[one.client] = kUntouched;
        touched.clear();
        deleted.clear();
        cuts.clear();
        changed.clear();
        deletes_contents = false;
    }
    /// To be called before a client's next clock moves.
    void touch(ClientIndex client, uint32_t next_clock) {
        if (client >= before_.size()) before_.resize(size_t{client} + 1, kUntouched);
        if (before_[client] != kUntouched) return;
        before_[client] = next_clock;
        touched.push_back({client, next_clock});
    }
    /// Whether a clock, which the document has, was there before.
    bool is_older(ClientIndex client, uint32_t clock) const {
        return client >= before_.size() || clock < before_[client];
    }
    /// Whether all that the document has of a client came with this transaction.
    bool is_new(ClientIndex client) const {
        return client < before_.size() && before_[client] == 0;
    }
    void add_deleted(const Item& item) { add_deleted(item.client, {item.clock, item.len}); }
    void add_deleted(ClientIndex client, IdRange range) {
        deletes_contents = true;
        add_gone(client, range);
    }
    /// What was deleted already when it came.
    void add_gone(ClientIndex client, IdRange range) {
        if (!deleted.empty() && deleted.back().client == client &&
            deleted.back().range.end() == range.clock) {
            deleted.back().range.len += range.len;
            return;
        }
        deleted.push_back({client, range});
    }
    void add_changed(BranchIndex branch, uint32_t key) {
        Changed change{branch, key};
        if (changed.empty() || changed.back() != change) changed.push_back(change);
    }

  private:
    static constexpr uint32_t kUntouched = UINT32_MAX;

    Few<uint32_t> before_;
};

}  // namespace tandem::yjs
