#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "yjs/document.hpp"

namespace tandem::yjs {

/// Clocks of clients, in the order in which the clients came: the order in which Yjs undoes.
class ClockRanges {
  public:
    using Entry = std::pair<ClientIndex, std::vector<IdRange>>;

    void add(ClientIndex client, IdRange range);
    /// Adds those of another set and joins what touches.
    void merge(const ClockRanges& other);
    bool contains(ClientIndex client, uint32_t clock) const;
    const std::vector<Entry>& entries() const { return entries_; }

  private:
    std::vector<Entry> entries_;
};

struct UndoOptions {
    /// Changes that follow each other within this time are undone together.
    uint64_t capture_timeout_ms = 500;
    /// Milliseconds since any moment; must not be 0.
    std::function<uint64_t()> now_ms;
    /// The origins of transactions that can be undone, besides the manager's own. 0 is that of
    /// transactions without an origin: also of remote changes and of clean-ups, unless their
    /// transactions were given one.
    std::vector<uint64_t> tracked_origins = {0};
    /// Whether a value of a map is brought back although somebody else has set the key since.
    bool ignores_remote_map_changes = false;
    /// Whether everything in the document can be undone, whatever the scope. As in Yjs a
    /// transaction that changed nothing is then something to be undone as well.
    bool takes_whole_document = false;
    /// Whether a transaction that would be taken is; all are, if there is no function.
    std::function<bool(const Transaction&)> captures;
    /// Whether an item that an undo would delete is deleted; all are, if there is no function.
    std::function<bool(const Store&, const Item&)> deletes;
};

/// Undoes and redoes the changes of some shared types that came with certain origins, without what
/// others did meanwhile, by the rules of Yjs. What was deleted is kept from collection while it can
/// be brought back; it comes back as a copy, which relative positions follow.
///
/// The document must outlive the manager.
class UndoManager {
  public:
    /// What one undo takes back.
    struct StackItem {
        ClockRanges insertions;
        ClockRanges deletions;
        /// The caller's own, such as where the cursor was.
        std::map<std::string, std::string> meta;
    };
    struct Event {
        enum class What : uint8_t { added, updated, popped, cleared_undo, cleared_redo };
        What what;
        /// Whether it is about something to be redone: of the redo stack, or popped from it.
        bool is_redo;
        friend bool operator==(const Event&, const Event&) = default;
    };

    UndoManager(Document& document, std::vector<BranchIndex> scope, UndoOptions options);
    ~UndoManager();
    UndoManager(const UndoManager&) = delete;
    UndoManager& operator=(const UndoManager&) = delete;

    /// Undoes or redoes in a transaction of its own, passing over items that turn out to change
    /// nothing. The item that was taken from the stack, or none.
    std::optional<StackItem> undo();
    std::optional<StackItem> redo();
    bool can_undo() const { return !undo_stack_.empty(); }
    bool can_redo() const { return !redo_stack_.empty(); }

    /// The next change begins an item of its own.
    void stop_capturing() { last_change_ms_ = 0; }
    /// Forgets what could be undone, or redone, and lets it be collected.
    void clear();
    void clear_undo();
    void clear_redo();

    void add_to_scope(BranchIndex branch);
    void add_tracked_origin(uint64_t origin);
    void remove_tracked_origin(uint64_t origin);

    std::vector<StackItem>& undo_stack() { return undo_stack_; }
    std::vector<StackItem>& redo_stack() { return redo_stack_; }
    /// What happened to the stacks since this was last called.
    std::vector<Event> take_events() { return std::exchange(events_, {}); }

  private:
    friend class Document;

    /// Called by the document before a transaction is collected.
    void after_transaction(const std::vector<ClientIndex>& deleted_order);
    std::optional<StackItem> pop(bool is_redo);
    bool take_back(const StackItem& item);
    void release(std::vector<StackItem>& stack);
    bool has_in_scope(Handle handle) const;
    bool is_concerned() const;
    void keep(Handle handle, bool is_kept);
    template <class Visit>
    void for_each_item(const ClockRanges& ranges, Visit&& visit);

    Handle redo_with_parents(Handle handle, const std::vector<Handle>& wanted,
                             const ClockRanges& insertions);
    Handle redo_item(Handle handle, const ClockRanges& insertions);
    Handle redone(Handle handle);
    Handle copy_in(Handle handle, Handle holder);
    std::pair<Handle, Handle> list_neighbours(Handle handle, Handle holder);
    std::optional<Handle> map_left(Handle handle, Handle holder, BranchIndex parent,
                                   const ClockRanges& insertions);
    bool is_deleted_by_stacks(Handle handle) const;

    Document& document_;
    Store& store_;
    std::vector<BranchIndex> scope_;
    UndoOptions options_;
    std::vector<StackItem> undo_stack_;
    std::vector<StackItem> redo_stack_;
    std::vector<Event> events_;
    uint64_t last_change_ms_ = 0;
};

}  // namespace tandem::yjs
