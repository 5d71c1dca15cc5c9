#include "clock/version_vector.hpp"

#include <algorithm>
#include <limits>

namespace tandem::clock {
namespace {

using Row = VersionVector::Row;

bool is_below(const Row& row, uint64_t actor) { return row.actor < actor; }

}  // namespace

uint64_t VersionVector::counter_of(uint64_t actor) const {
    auto at = std::lower_bound(rows_.begin(), rows_.end(), actor, is_below);
    return at != rows_.end() && at->actor == actor ? at->counter : 0;
}

void VersionVector::raise(uint64_t actor, uint64_t counter) {
    if (counter == 0) return;
    auto at = std::lower_bound(rows_.begin(), rows_.end(), actor, is_below);
    if (at != rows_.end() && at->actor == actor) {
        at->counter = std::max(at->counter, counter);
    } else {
        rows_.insert(at, Row{actor, counter});
    }
}

void VersionVector::merge(const VersionVector& other) {
    std::vector<Row> merged;
    merged.reserve(rows_.size() + other.rows_.size());
    auto a = rows_.begin();
    auto b = other.rows_.begin();
    while (a != rows_.end() && b != other.rows_.end()) {
        if (a->actor < b->actor) {
            merged.push_back(*a++);
        } else if (b->actor < a->actor) {
            merged.push_back(*b++);
        } else {
            merged.push_back({a->actor, std::max(a->counter, b->counter)});
            ++a;
            ++b;
        }
    }
    merged.insert(merged.end(), a, rows_.end());
    merged.insert(merged.end(), b, other.rows_.end());
    rows_ = std::move(merged);
}

void VersionVector::retire(uint64_t actor) {
    auto at = std::lower_bound(rows_.begin(), rows_.end(), actor, is_below);
    if (at != rows_.end() && at->actor == actor) rows_.erase(at);
}

Causality VersionVector::compare(const VersionVector& other) const {
    bool has_more = false;
    bool has_less = false;
    auto a = rows_.begin();
    auto b = other.rows_.begin();
    while (a != rows_.end() || b != other.rows_.end()) {
        if (b == other.rows_.end() || (a != rows_.end() && a->actor < b->actor)) {
            has_more = true;
            ++a;
        } else if (a == rows_.end() || b->actor < a->actor) {
            has_less = true;
            ++b;
        } else {
            has_more |= a->counter > b->counter;
            has_less |= a->counter < b->counter;
            ++a;
            ++b;
        }
    }
    if (has_more && has_less) return Causality::concurrent;
    if (has_more) return Causality::after;
    return has_less ? Causality::before : Causality::equal;
}

void VersionVector::encode(base::Writer& writer) const {
    writer.varint(rows_.size());
    uint64_t previous = 0;
    for (const Row& row : rows_) {
        writer.varint(row.actor - previous);
        writer.varint(row.counter);
        previous = row.actor;
    }
}

base::Result<VersionVector> VersionVector::decode(base::Reader& reader, size_t rows_max) {
    TANDEM_TRY(uint64_t count, reader.varint());
    if (count > rows_max) return base::fail(base::ErrorCode::too_large, rows_max);
    // Every row takes two bytes or more, which bounds the reservation by the input.
    if (count > reader.remaining() / 2) return base::ErrorCode::truncated;
    VersionVector vector;
    vector.rows_.reserve(static_cast<size_t>(count));
    uint64_t actor = 0;
    for (uint64_t i = 0; i < count; ++i) {
        TANDEM_TRY(uint64_t distance, reader.varint());
        TANDEM_TRY(uint64_t counter, reader.varint());
        if (i > 0 && distance == 0) return base::ErrorCode::noncanonical;
        if (distance > std::numeric_limits<uint64_t>::max() - actor) {
            return base::ErrorCode::out_of_range;
        }
        if (counter == 0) return base::ErrorCode::noncanonical;
        actor += distance;
        vector.rows_.push_back({actor, counter});
    }
    return vector;
}

}  // namespace tandem::clock
