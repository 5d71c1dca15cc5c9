#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "client/outbox.hpp"
#include "client/slot_table.hpp"
#include "record/selection.hpp"
#include "record/view.hpp"
#include "wire/frames.hpp"

namespace tandem::client {

/// The confirmed view of one channel and its cursor, and on top of it the view with the own pending
/// pushes. Deliveries are judged by their range; a diff or snapshot in chunks shows at its end.
class Replica {
  public:
    struct Cursor {
        uint64_t epoch = 0;
        uint64_t seq = 0;
        uint32_t check = 0;
        friend bool operator==(const Cursor&, const Cursor&) = default;
    };
    enum class Outcome : uint8_t {
        ignored = 0,  ///< known already
        partial = 1,  ///< a chunk; more follow
        applied = 2,
        gap = 3,     ///< subscribe again from the cursor
        broken = 4,  ///< does not decode; subscribe again
    };
    struct Accepted {
        Outcome outcome = Outcome::ignored;
        uint64_t actor = 0;  ///< author of a live delivery
        bool is_whole = false;
        bool was_reset = false;
        uint64_t acked_counter = 0;  ///< of diffs and snapshots: the highest that a chunk told
        uint64_t former_epoch = 0;
        std::vector<record::Change> changes;  ///< of diffs and live deliveries
    };

    bool has_cursor() const { return has_cursor_; }
    const Cursor& cursor() const { return cursor_; }
    const record::View& confirmed() const { return confirmed_; }
    /// What the confirmed view is selected by.
    const record::Selection& in_force() const { return in_force_; }
    /// confirmed ⊕ pending. Borrowed until the next change.
    const record::View& shown(const std::deque<Pending>& pending);

    /// Slots and unfinished chunks belong to one subscription. A delivery that installs puts
    /// `select` in force.
    void begin_subscription(record::Selection select);
    Accepted accept(const wire::Delivery& delivery, const TestFaults& faults);

    /// The pending pushes changed otherwise than by `append_pending`.
    void forget_combined() { combined_.reset(); }
    void append_pending(const Pending& push, size_t pending_count);
    /// Drops everything that was shown.
    void clear();
    /// Takes a view that was kept; the cursor is where it was.
    void restore(const Cursor& cursor, record::Selection in_force, record::View view);

  private:
    Accepted accept_live(const wire::Delivery& delivery, const TestFaults& faults);
    Accepted accept_range(const wire::Delivery& delivery, const TestFaults& faults);
    void forget_chunks();

    record::View confirmed_;
    std::optional<record::View> combined_;
    Cursor cursor_;
    bool has_cursor_ = false;
    record::Selection in_force_;
    record::Selection asked_;  ///< by the subscription that is being delivered
    SlotTable slots_;
    bool has_chunks_ = false;
    uint64_t chunks_from_ = 0;
    uint64_t chunks_to_ = 0;
    wire::DeliveryKind chunks_kind_ = wire::DeliveryKind::diff;
    uint64_t chunks_acked_ = 0;
    std::vector<record::Change> chunks_;
};

}  // namespace tandem::client
