#include "client/replica.hpp"

#include <algorithm>
#include <iterator>

namespace tandem::client {

using wire::DeliveryKind;

namespace {

/// More than any channel's record may hold.
constexpr size_t kChunkedChangesMax = 4'000'000;

void apply_plain(record::View& view, const Pending& push) {
    if (push.is_doubtful) return;
    for (const record::Op& op : push.ops)
        view.apply_plain(op, {0, push.id});
}

}  // namespace

const record::View& Replica::shown(const std::deque<Pending>& pending) {
    if (pending.empty()) {
        combined_.reset();
        return confirmed_;
    }
    if (!combined_) {
        combined_.emplace(confirmed_);
        for (const Pending& push : pending)
            apply_plain(*combined_, push);
    }
    return *combined_;
}

void Replica::append_pending(const Pending& push, size_t pending_count) {
    if (pending_count == 1) combined_.emplace(confirmed_);
    if (combined_) apply_plain(*combined_, push);
}

void Replica::begin_subscription(record::Selection select) {
    asked_ = std::move(select);
    forget_chunks();
}

void Replica::forget_chunks() {
    slots_.clear();
    chunks_.clear();
    has_chunks_ = false;
}

void Replica::clear() {
    confirmed_.clear();
    combined_.reset();
    cursor_ = {};
    has_cursor_ = false;
    in_force_ = {};
    forget_chunks();
}

void Replica::restore(const Cursor& cursor, record::Selection in_force, record::View view) {
    confirmed_ = std::move(view);
    combined_.reset();
    cursor_ = cursor;
    has_cursor_ = true;
    in_force_ = std::move(in_force);
}

Replica::Accepted Replica::accept(const wire::Delivery& delivery, const TestFaults& faults) {
    return delivery.kind == DeliveryKind::live ? accept_live(delivery, faults)
                                               : accept_range(delivery, faults);
}

Replica::Accepted Replica::accept_live(const wire::Delivery& delivery, const TestFaults& faults) {
    Accepted result;
    // Definitions count even when the frame's range is known already.
    if (!slots_.define(delivery.defs)) {
        result.outcome = Outcome::broken;
        return result;
    }
    if (has_cursor_ && delivery.to <= cursor_.seq) return result;
    if (!has_cursor_ || delivery.from != cursor_.seq) {
        result.outcome = Outcome::gap;
        return result;
    }
    auto changes = record::decode_changes(delivery.changes, &slots_);
    result.actor = delivery.actor_slot != 0 ? slots_.actor_at(delivery.actor_slot) : delivery.actor;
    if (!changes || (delivery.actor_slot != 0 && result.actor == 0)) {
        result.outcome = Outcome::broken;
        return result;
    }
    result.changes = *std::move(changes);
    for (const record::Change& change : result.changes)
        confirmed_.apply(change);
    if (!result.changes.empty()) combined_.reset();
    result.outcome = Outcome::applied;
    if (faults.planted == PlantedBug::offset_not_advanced && result.changes.empty()) return result;
    cursor_.seq = delivery.to;
    cursor_.check = delivery.check;
    return result;
}

Replica::Accepted Replica::accept_range(const wire::Delivery& delivery, const TestFaults& faults) {
    Accepted result;
    bool is_snapshot = delivery.kind == DeliveryKind::snapshot;
    bool continues = has_chunks_ && chunks_from_ == delivery.from && chunks_to_ == delivery.to &&
                     chunks_kind_ == delivery.kind;
    if (!continues) {
        forget_chunks();
        chunks_from_ = delivery.from;
        chunks_to_ = delivery.to;
        chunks_kind_ = delivery.kind;
        chunks_acked_ = 0;
    }
    chunks_acked_ = std::max(chunks_acked_, delivery.acked_counter);
    result.acked_counter = chunks_acked_;
    has_chunks_ = delivery.more;
    auto status = slots_.define(delivery.defs);
    auto changes = record::decode_changes(delivery.changes, &slots_);
    if (!status || !changes || chunks_.size() + changes->size() > kChunkedChangesMax) {
        forget_chunks();
        result.outcome = Outcome::broken;
        return result;
    }
    chunks_.insert(chunks_.end(), std::make_move_iterator(changes->begin()),
                   std::make_move_iterator(changes->end()));
    if (delivery.more) {
        result.outcome = Outcome::partial;
        return result;
    }
    std::vector<record::Change> all = std::move(chunks_);
    chunks_.clear();

    uint64_t seq = has_cursor_ ? cursor_.seq : 0;
    bool is_other_history =
        delivery.reset || !has_cursor_ || (delivery.epoch != 0 && delivery.epoch != cursor_.epoch);
    // A diff up to the cursor itself still brings the acknowledged counter.
    if (!is_other_history && delivery.to < seq) return result;
    if (!is_snapshot && (delivery.from > seq || delivery.to < seq)) {
        result.outcome = Outcome::gap;
        return result;
    }
    result.outcome = Outcome::applied;
    result.was_reset = delivery.reset;
    result.former_epoch = cursor_.epoch;
    if (is_snapshot) {
        record::View fresh;
        for (const record::Change& change : all)
            fresh.apply(change);
        confirmed_ = std::move(fresh);
        result.is_whole = true;
    } else {
        for (const record::Change& change : all)
            confirmed_.apply(change);
    }
    result.changes = std::move(all);
    combined_.reset();
    if (is_snapshot || delivery.installs) in_force_ = asked_;
    bool stays = faults.planted == PlantedBug::offset_not_advanced && has_cursor_ &&
                 result.changes.empty() && !is_snapshot;
    if (!stays) cursor_.seq = delivery.to;
    if (!stays) cursor_.check = delivery.check;
    if (delivery.epoch != 0) cursor_.epoch = delivery.epoch;
    has_cursor_ = true;
    return result;
}

}  // namespace tandem::client
