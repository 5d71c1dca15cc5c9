#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace tandem::clock {

// How the history of one replica relates to that of another.
enum class Causality : uint8_t { equal = 0, before = 1, after = 2, concurrent = 3 };

// For every actor the highest counter seen; counters start at 1, so an absent actor reads as 0.
class VersionVector {
  public:
    struct Row {
        uint64_t actor = 0;
        uint64_t counter = 0;

        friend bool operator==(const Row&, const Row&) = default;
    };

    uint64_t counter_of(uint64_t actor) const;
    bool covers(uint64_t actor, uint64_t counter) const { return counter <= counter_of(actor); }

    // Raises the actor's counter to `counter`; a lower one changes nothing.
    void raise(uint64_t actor, uint64_t counter);
    // The least vector that covers both.
    void merge(const VersionVector& other);
    // Forgets an actor, whose counters then read as 0.
    void retire(uint64_t actor);

    Causality compare(const VersionVector& other) const;

    // In ascending order of actors; no counter is 0.
    std::span<const Row> rows() const { return rows_; }
    size_t size() const { return rows_.size(); }
    bool is_empty() const { return rows_.empty(); }

    // Number of rows, then for each the distance of its actor from the previous row's (the first
    // from 0) and its counter, all varints.
    void encode(base::Writer& writer) const;
    static base::Result<VersionVector> decode(base::Reader& reader, size_t rows_max);

    friend bool operator==(const VersionVector&, const VersionVector&) = default;

  private:
    std::vector<Row> rows_;
};

}  // namespace tandem::clock
