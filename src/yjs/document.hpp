#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "yjs/clock_directory.hpp"
#include "yjs/conflict_index.hpp"
#include "yjs/events.hpp"
#include "yjs/formats.hpp"
#include "yjs/on_demand.hpp"
#include "yjs/small_update.hpp"
#include "yjs/snapshot.hpp"
#include "yjs/store.hpp"
#include "yjs/subdocument.hpp"
#include "yjs/transaction.hpp"
#include "yjs/update_reader.hpp"
#include "yjs/update_writer.hpp"
#include "yjs/updates.hpp"

namespace tandem::yjs {

struct DocumentOptions {
    /// The id that local insertions get: at most 53 bits, and of nobody else.
    uint64_t client = 0;
    /// Whether the contents of what is deleted are given up at the end of each transaction.
    bool collects = true;
    /// Whether marks of formats that a remote change made superfluous are deleted, as editors do;
    /// see `commit_clean_up`. A server leaves that to them.
    bool cleans_formats = false;
    /// How many neighbours are looked at for the places of concurrent insertions before a list is
    /// indexed for the rest of a transaction (conflict_index.hpp); as many as the document has
    /// items if they are more.
    uint32_t scans_max = 16 * 1024;
};

/// A Yjs document: shared types made of items that merge in any order and end up the same
/// everywhere (the YATA algorithm of Nicolaescu, Jahns, Derntl and Klamma, with the rules by which
/// Yjs 13 breaks ties). Given the same operations its updates equal those of Yjs byte for byte.
///
/// Not safe for several threads. Positions and lengths are in UTF-16 units.
class Document {
  public:
    explicit Document(const DocumentOptions& options = {});

    uint64_t client_id() const { return options_.client; }
    void set_client_id(uint64_t id) {
        options_.client = id;
        has_id_collision_ = false;
    }

    /// Applies an update within a transaction of its own, or within the one that is open. What
    /// depends on something that has not come yet is kept and applied when that comes. Errors:
    /// `malformed`, `too_large` (of structs, or of clients); the document is then as it was before.
    /// `origin` is the caller's word for where it comes from, for UndoManager.
    base::Status apply(std::string_view update, Encoding encoding = Encoding::v1,
                       uint64_t origin = 0);

    /// Everything in the form in which it rests (columnar.hpp). Errors: `malformed` for a document
    /// whose items contradict each other, which no client brings about.
    base::Result<std::string> to_columnar() const;
    /// Makes the document what it was when that was written, as if its update had been applied to
    /// an empty one; nothing may have happened to this one yet. No observer is told, but
    /// `subdocument_events` are. Errors: `malformed`, `too_large`; it is then still empty.
    base::Status load_columnar(std::string_view bytes);

    /// Everything beyond `since`, and the whole delete set.
    std::string encode(const StateVector& since = {}, Encoding encoding = Encoding::v1) const;
    /// The document as it was at that moment, as an update for an empty one; ends the last
    /// transaction. Errors: `state_gone` if the document collects, `out_of_range` if it does not
    /// know all of the snapshot.
    base::Result<std::string> state_at(const Snapshot& snapshot);
    StateVector state_vector() const { return store_.state_vector(); }
    DeleteSet delete_set() const { return store_.delete_set(); }
    /// What is missing for the updates that wait, by client: the clock that is needed.
    const StateVector& missing() const { return waiting_->missing; }
    /// True once a remote change had insertions under this document's own client id: somebody else
    /// uses it, and the next local change must be made under another.
    bool has_id_collision() const { return has_id_collision_; }
    bool has_pending() const {
        const Waiting* waiting = waiting_.peek();
        return waiting != nullptr && (!waiting->structs.empty() || !waiting->deletes.empty());
    }

    /// Local changes happen between these two. `commit` collects, joins, and leaves the
    /// transaction to be looked at until the next begins.
    void begin(uint64_t origin = 0) { begin_transaction(true, origin); }
    void commit();
    /// Ends the next of the transactions that the last one brought about: the one in which
    /// superfluous formats were deleted after a remote change, and those that the deltas of
    /// observed texts found. To be called, until it is false, once that change's own update was
    /// written. False if none of them deleted anything.
    bool commit_clean_up();
    /// Appends the update that the last transaction amounts to. False, and nothing, if it changed
    /// nothing.
    bool write_last_update(Buffer& out, Encoding encoding = Encoding::v1);
    const Transaction& last_transaction() const { return transaction_; }

    /// Has the changes of a shared type itself, or of all within it, recorded in `events` from now
    /// on. As in Yjs the delta of an observed text deletes the superfluous formats that it comes
    /// across, in a transaction of its own, if the document `cleans_formats`. A type that is
    /// deleted is not observed any more; a root whose kind is unknown has no events.
    void observe(BranchIndex branch) { watch(branch, Branch::kObserved); }
    void observe_deep(BranchIndex branch) { watch(branch, Branch::kObservedDeep); }
    void unobserve(BranchIndex branch) { unwatch(branch, Branch::kObserved); }
    void unobserve_deep(BranchIndex branch) { unwatch(branch, Branch::kObservedDeep); }
    /// What the observers are to be told of the last transaction; until the next begins.
    const Events& events() const { return extras_->events; }

    /// The root type of that name; a kind that is not known yet is set.
    BranchIndex root(std::string_view name, TypeKind kind = TypeKind::unknown);

    const Store& store() const { return store_; }
    Store& store() { return store_; }

    // Text. A position beyond the end is `out_of_range`.

    /// Inserts text with the format that is in force at the position.
    base::Status insert_text(BranchIndex text, uint32_t position, std::string_view utf8);
    using Attribute = yjs::Attribute;
    using Attributes = yjs::Attributes;
    /// Inserts text with exactly these formats.
    base::Status insert_text(BranchIndex text, uint32_t position, std::string_view utf8,
                             const Attributes& attributes);
    base::Status insert_embed(BranchIndex text, uint32_t position, std::string_view any,
                              const Attributes& attributes);
    base::Status delete_text(BranchIndex text, uint32_t position, uint32_t len);
    base::Status format_text(BranchIndex text, uint32_t position, uint32_t len,
                             const Attributes& attributes);

    // Lists.

    /// `values` are canonical `any` values, one after the other.
    base::Status insert_values(BranchIndex list, uint32_t position, std::string_view values);
    base::Status push_values(BranchIndex list, std::string_view values);
    /// Binary, a sub-document, or a new shared type, which is returned.
    base::Result<BranchIndex> insert_content(BranchIndex list, uint32_t position,
                                             const Content& content);
    base::Status delete_values(BranchIndex list, uint32_t position, uint32_t len);

    // Maps, and the attributes of XML elements.

    BranchIndex set_content(BranchIndex map, std::string_view key, const Content& content);
    void set_value(BranchIndex map, std::string_view key, std::string_view any);
    void delete_key(BranchIndex map, std::string_view key);

    // Sub-documents.

    base::Status insert_subdocument(BranchIndex list, uint32_t position,
                                    const SubdocumentOptions& options);
    void set_subdocument(BranchIndex map, std::string_view key, const SubdocumentOptions& options);
    /// Those that are not deleted, in the order in which they came.
    const std::vector<Subdocument>& subdocuments() const { return extras_->subdocuments; }
    /// To be told as loaded, in a transaction of its own, if it is not yet. Errors: `not_found`.
    base::Status load_subdocument(Handle item);
    /// To be told as removed, and added again as one that is not loaded. Errors: `not_found`.
    base::Status destroy_subdocument(Handle item);
    /// What happened to the sub-documents in the last transaction and those that it brought about;
    /// until the next begins. As in Yjs what was deleted is told as removed twice.
    const std::vector<SubdocumentEvent>& subdocument_events() const {
        return extras_->subdocument_events;
    }

  private:
    friend class UndoManager;

    struct Run {
        ClientIndex client;
        size_t begin;
        size_t next;
        size_t end;
    };
    struct ScanMark {
        uint32_t epoch = 0;
        uint32_t place = 0;
    };
    /// What only documents have that somebody watches closely, or that have documents within.
    struct Extras {
        /// Open between a change and `commit_clean_up`.
        std::vector<Transaction> later;
        Events events;
        std::vector<UndoManager*> undo_managers;
        std::vector<Subdocument> subdocuments;
        SubdocumentEvent subdocument_changes;
        std::vector<SubdocumentEvent> subdocument_events;
    };
    /// Structs that wait for others, as an update of the first encoding, what they wait for, and
    /// what is to be deleted when it comes.
    struct Waiting {
        std::string structs;
        StateVector missing;
        DeleteSet deletes;
        bool is_empty() const { return structs.empty() && missing.empty() && deletes.empty(); }
    };
    /// Memory that the next change uses again.
    struct Scratch {
        /// The structs that an update has, in runs by client, and what it deletes.
        std::vector<Handle> read;
        std::vector<Run> runs;
        std::vector<uint32_t> run_of_client;
        ClockDirectory directory;
        std::vector<std::pair<ClientIndex, IdRange>> read_deletes;
        /// The items that the search of one conflict passed, and for long ones where each was.
        std::vector<Handle> scanned;
        std::vector<ScanMark> scan_marks;
        uint32_t scan_epoch = 0;
        size_t marked = 0;
        /// How many were passed in this transaction, and the lists in which they were too many.
        size_t scans = 0;
        std::unique_ptr<ConflictIndex> conflicts;
        FieldWriterV1 writer;
    };
    /// A place in a text: between two neighbours, with the formats in force.
    struct TextPlace {
        Handle left = 0;
        Handle right = 0;
        std::vector<std::pair<uint32_t, std::string>> formats;
    };

    void begin_transaction(bool is_local, uint64_t origin = 0);
    /// The document's own client, made when it first writes.
    ClientIndex own();
    void watch(BranchIndex branch, uint8_t how);
    void unwatch(BranchIndex branch, uint8_t how);
    /// Lets `change` happen in a local transaction that is committed after this one.
    template <class Change>
    void change_later(Change&& change) {
        Transaction open = std::move(transaction_);
        transaction_ = Transaction();
        transaction_.is_open = true;
        transaction_.during = open.during;
        transaction_.is_redo = open.is_redo;
        change();
        if (!transaction_.deleted.empty() || !transaction_.cuts.empty() || sees_all_transactions())
            extras_->later.push_back(std::move(transaction_));
        transaction_ = std::move(open);
    }

    bool has_undo() const { return extras_.peek() != nullptr && !extras_->undo_managers.empty(); }
    bool sees_all_transactions() const;
    /// A change outside of any transaction, or after the one that is being committed.
    template <class Change>
    void change_aside(Change&& change) {
        if (transaction_.is_open) {
            change_later(change);
            return;
        }
        begin();
        change();
        commit();
    }

    // The form at rest (columnar_write.cpp, columnar_load.cpp).
    base::Result<std::string> waiting_update() const;

    // Sub-documents (subdocument.cpp).
    void add_subdocument(Handle handle);
    void remove_subdocument(Handle handle);
    void set_loaded(Handle handle, bool is_loaded);
    void tell_subdocuments();

    // What observers are told (events.cpp).
    void record_events();

    // Small remote changes (small_update.cpp).
    bool apply_small(std::string_view update, uint64_t origin);
    bool is_unwatched() const;
    bool insert_small(const SmallUpdate& update, uint64_t origin);
    bool delete_small(const SmallUpdate& update, uint64_t origin);
    bool lengthen_text(Handle left, const Dot& right_origin, std::string_view text, uint32_t units);
    bool shift_deleted(ClientIndex client, IdRange range);
    bool delete_at_edge(BranchIndex text, uint32_t position, uint32_t len);

    // Remote changes (integrate.cpp).
    template <class Fields>
    base::Status apply_fields(std::string_view update, uint64_t origin);
    void release_spare_memory();
    template <class Fields>
    base::Status read_structs(StructReader<Fields>& reader);
    base::Status take_struct(const RawStruct& raw);
    void integrate_read();
    void apply_deletes(ClientIndex client, IdRange range);
    void apply_pending_deletes();
    ClientIndex resolve(Handle handle);
    void drop_read(Handle handle);

    // One item (integrate.cpp, document.cpp).
    void integrate(Handle handle, uint32_t offset);
    Handle find_left_of_conflict(const Item& item, Handle left);
    Handle first_beside(const Item& item) const;
    ConflictIndex* conflicts_with(const Item& item) const;
    void open_directory();
    Handle find_fresh(ClientIndex client, uint32_t clock) const;
    Handle clean_start(ClientIndex client, uint32_t clock);
    Handle clean_end(ClientIndex client, uint32_t clock);
    Handle split(Handle handle, uint32_t len);
    void add_struct(Handle handle);
    void delete_item(Handle handle);
    Handle insert_local(BranchIndex parent, uint32_t key, Handle left, Handle right,
                        const Content& content);

    // The end of a transaction (collect.cpp).
    void finish_transaction();
    void collect_deleted();
    void collect_children(BranchIndex branch);
    void join_touched();
    void join_range(ClientIndex client, uint32_t from, uint32_t to);

    // Text (text.cpp).
    TextPlace find_place(BranchIndex text, uint32_t position);
    std::pair<Handle, Handle> find_neighbours(BranchIndex list, uint32_t position);
    Place find_unit(BranchIndex list, uint32_t position);
    uint32_t positions_of(BranchIndex list);
    base::Result<Content> check_text(BranchIndex text, uint32_t position,
                                     std::string_view utf8) const;
    bool continue_typing(Handle left, Handle right, const Content& content);
    void insert_mark(BranchIndex text, TextPlace& place, const Attribute& attribute);
    void advance(TextPlace& place);
    void skip_equal_formats(TextPlace& place, const Attributes& wanted);
    Attributes insert_formats(BranchIndex text, TextPlace& place, const Attributes& wanted);
    void insert_negated(BranchIndex text, TextPlace& place, Attributes negated);
    void insert_formatted(BranchIndex text, TextPlace& place, const Content& content,
                          Attributes wanted);
    void clean_gap(Handle start, Handle current, const TextPlace& at_start, TextPlace& at_current);
    void pass_format(TextPlace& place, const Item& format);

    // Superfluous formats (clean_formats.cpp).
    bool needs_clean_up() const;
    void clean_up_formats(const std::vector<ClientIndex>& deleted_order);
    void delete_superfluous(const Few<Transaction::Deleted>& deleted,
                            const std::vector<ClientIndex>& deleted_order,
                            std::vector<BranchIndex>& whole);
    void clean_gap_around(Handle handle);
    void clean_whole_text(BranchIndex text);

    DocumentOptions options_;
    /// What `own` found last; of no meaning when a load has exchanged the clients.
    ClientIndex own_ = kNoClient;
    bool has_id_collision_ = false;
    Store store_;
    Transaction transaction_;
    bool has_observers_ = false;
    bool is_destroying_ = false;
    OnDemand<Extras> extras_;

    OnDemand<Waiting> waiting_;
    OnDemand<Scratch> scratch_;
};

}  // namespace tandem::yjs
