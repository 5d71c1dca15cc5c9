#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "client/types.hpp"
#include "wire/frames.hpp"

namespace tandem::client {

/// A push that the confirmed view does not hold yet.
struct Pending {
    PushId id = 0;
    uint64_t stamp_ms = 0;
    uint32_t stamp_logical = 0;
    std::vector<std::string> if_unchanged;
    std::vector<record::Op> ops;  ///< own generations name the push by its id
    bool is_skip = false;         ///< refused for good; only its counter is still owed
    // Not stored:
    uint64_t ticket = 0;    ///< of its record
    bool was_sent = false;  ///< by this process
    /// The server tells that it has this counter, but this process has not sent it: maybe an
    /// earlier run has, maybe a copy of this outbox used the number. It is not shown, and sent to
    /// be judged.
    bool is_doubtful = false;
    bool is_acked = false;
    uint64_t seq = 0;  ///< at most this, when not 0
};

/// The pushes of one channel that wait, in order, and their numbering. Ids never change; the
/// counter on the wire is `id − offset`. A new actor starts at counter 1 by one change of the
/// offset, which is stored as a single record, so that a crash finds either the old or the new
/// numbering.
class Outbox {
  public:
    uint64_t actor() const { return actor_; }
    void set_actor(uint64_t actor) { actor_ = actor; }
    PushId next_id() const { return next_id_; }
    uint64_t acked_counter() const { return acked_counter_; }
    uint64_t epoch() const { return epoch_; }
    void set_epoch(uint64_t epoch) { epoch_ = epoch; }

    const std::deque<Pending>& pending() const { return pending_; }
    std::deque<Pending>& pending() { return pending_; }
    bool is_empty() const { return pending_.empty(); }
    Pending* find(PushId id);
    PushId add(Pending push);

    /// True when a former actor pushed it.
    bool is_former(PushId id) const { return static_cast<int64_t>(id) <= offset_; }
    /// 0 for a former actor's.
    uint64_t counter_of(PushId id) const {
        return is_former(id) ? 0 : static_cast<uint64_t>(static_cast<int64_t>(id) - offset_);
    }
    /// 0 when the counter precedes every id.
    PushId id_of(uint64_t counter) const;
    /// The counter that the next push will have.
    uint64_t next_counter() const { return counter_of(next_id_); }

    /// The server holds everything up to the counter.
    void note_acked(uint64_t counter);
    /// A numbering that the server knows to be further on; only while nothing is pending.
    void continue_after(uint64_t counter);
    /// Gives the pushes from `first` on to an actor that is not known yet, from counter 1.
    void reissue(PushId first);
    /// Moves all later counters down by one, as if `id` had not been numbered.
    void give_back_number(PushId id);

    /// The frame as it is sent, without channel and ref; the same bytes every time.
    wire::Push to_frame(const Pending& push) const;

    std::string state_bytes() const;
    static std::string push_bytes(const Pending& push);
    [[nodiscard]] base::Result<void> restore_state(std::string_view bytes);
    [[nodiscard]] base::Result<void> restore_push(PushId id, std::string_view bytes);
    /// Call once after all records: sorts, and drops what the numbering covers and what is settled.
    /// `settled` then has those whose records are to go.
    void finish_restore(std::vector<PushId>& settled);
    /// While restoring: pushes that are not shown, if the actor is still that one.
    void doubt(uint64_t actor, std::vector<PushId> ids) {
        doubting_actor_ = actor;
        doubtful_ = std::move(ids);
    }

  private:
    struct Lineage {
        uint64_t actor = 0;
        int64_t offset = 0;
        PushId last = 0;
    };
    record::Dot dot_on_wire(record::Dot generation) const;

    uint64_t actor_ = 0;
    int64_t offset_ = 0;
    PushId next_id_ = 1;
    uint64_t acked_counter_ = 0;
    uint64_t epoch_ = 0;
    std::vector<Lineage> former_;
    uint64_t doubting_actor_ = 0;  ///< this and the next until all is restored
    std::vector<PushId> doubtful_;
    std::deque<Pending> pending_;
};

}  // namespace tandem::client
