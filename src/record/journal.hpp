#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "record/change.hpp"
#include "record/dots.hpp"

namespace tandem::record {

inline bool is_event(Reason reason) {
    return reason == Reason::generation || reason == Reason::folded;
}

/// The conflict rows of a record (docs/merge.md, section 5).
class Journal {
  public:
    /// Brings the live rows at a path in line: `wanted` are the ones that apply now, whose paths
    /// are ignored. Returns how many are open.
    /// Those that it closes bear `decided_by`.
    uint32_t reconcile(const Path& path, std::vector<Row> wanted, uint64_t seq, Dot decided_by);
    void open_event(Row row);
    /// Closes the event rows at the path, and below it if wanted, whose loser was seen.
    enum class Reach : uint8_t { here, below_too };
    void close_events(const Path& path, Reach reach, const Seen& seen, Dot decided_by);
    /// Drops rows above the maximum: the oldest closed ones first, then the oldest open ones.
    void bound();
    void forget(uint64_t floor);

    void append_changes(std::vector<Change>& out, uint64_t from) const;
    /// The same for a part of the record: of the rows that `is_wanted`, and of those at or below a
    /// path of `anew` every open one.
    void append_changes(std::vector<Change>& out, uint64_t from, const std::vector<Path>& anew,
                        const std::function<bool(const Row&)>& is_wanted) const;
    bool has_open_at(const Path& path) const;  ///< or below it
    std::vector<Row> rows(bool only_open) const;
    /// For loading: the row as it was.
    void restore(Row row);

    size_t size() const { return rows_.size(); }
    size_t bytes() const { return bytes_; }

  private:
    using Key = std::tuple<std::string, Reason, Dot>;
    using Rows = std::map<Key, Row>;

    template <class Take>
    void for_rows_at(const Path& path, Take take) const;
    std::vector<const Rows::value_type*> changed_since(uint64_t from) const;
    static void append(std::vector<Change>& out, uint64_t from,
                       std::vector<const Rows::value_type*> changed);
    static uint64_t changed_seq(const Row& row) { return std::max(row.seq, row.closed_seq); }
    void store(Key key, Row row);
    void close(const Rows::value_type& at, uint64_t seq, Dot decided_by);
    Rows::iterator erase(Rows::iterator at);

    Rows rows_;
    std::set<std::pair<uint64_t, const Key*>> by_change_;
    size_t open_events_ = 0;
    size_t bytes_ = 0;
};

}  // namespace tandem::record
