#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "yjs/buffer.hpp"
#include "yjs/structs.hpp"

namespace tandem::yjs {

/// Which clocks of which clients are deleted. Clients are kept in the order of the encodings:
/// highest first.
class DeleteSet {
  public:
    using Ranges = std::vector<IdRange>;
    using Clients = std::map<uint64_t, Ranges, std::greater<>>;

    void add(uint64_t client, uint32_t clock, uint32_t len) {
        if (len > 0) clients_[client].push_back({clock, len});
    }
    /// Sorts the ranges and joins those that touch or overlap.
    void normalize();
    /// Does that only for clients whose ranges overlap or are out of order, which the second
    /// encoding could not hold.
    void normalize_unordered();
    bool empty() const { return clients_.empty(); }
    const Clients& clients() const { return clients_; }
    /// Whether a normalized set has this clock.
    bool contains(uint64_t client, uint32_t clock) const;

    friend bool operator==(const DeleteSet&, const DeleteSet&) = default;

  private:
    Clients clients_;
};

/// Sorts ranges and joins those that touch or overlap.
void normalize(std::vector<IdRange>& ranges);

template <class Fields>
void write_delete_set(Fields& out, const DeleteSet& set) {
    out.rest.var_uint(set.clients().size());
    for (const auto& [client, ranges] : set.clients()) {
        out.begin_deletes();
        out.rest.var_uint(client);
        out.rest.var_uint(ranges.size());
        for (const IdRange& range : ranges)
            out.delete_range(range.clock, range.len);
    }
}

}  // namespace tandem::yjs
