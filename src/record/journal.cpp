#include "record/journal.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "record/node.hpp"

namespace tandem::record {

namespace {

size_t cost(const Row& row) {
    size_t total = 2 * sizeof(Row) + bytes_of(row.value);
    for (const Segment& segment : row.path)
        total += sizeof(Segment) + 2 * segment.name.size();
    return total;
}

bool is_open_event(const Row& row) { return is_event(row.reason) && row.closed_seq == 0; }

}  // namespace

void Journal::store(Key key, Row row) {
    auto [at, is_new] = rows_.try_emplace(std::move(key));
    if (!is_new) {
        by_change_.erase({changed_seq(at->second), &at->first});
        bytes_ -= cost(at->second);
        if (is_open_event(at->second)) --open_events_;
    }
    at->second = std::move(row);
    by_change_.insert({changed_seq(at->second), &at->first});
    bytes_ += cost(at->second);
    if (is_open_event(at->second)) ++open_events_;
}

void Journal::close(const Rows::value_type& at, uint64_t seq, Dot decided_by) {
    Row row = at.second;
    row.closed_seq = seq;
    row.decided_by = decided_by;
    store(at.first, std::move(row));
}

Journal::Rows::iterator Journal::erase(Rows::iterator at) {
    by_change_.erase({changed_seq(at->second), &at->first});
    bytes_ -= cost(at->second);
    if (is_open_event(at->second)) --open_events_;
    return rows_.erase(at);
}

uint32_t Journal::reconcile(const Path& path, std::vector<Row> wanted, uint64_t seq,
                            Dot decided_by) {
    std::string text = to_text(path);
    auto open = static_cast<uint32_t>(wanted.size());
    for (auto at = rows_.lower_bound({text, Reason::value, Dot{}});
         at != rows_.end() && std::get<0>(at->first) == text; ++at) {
        const Row& row = at->second;
        if (is_event(row.reason) || row.closed_seq != 0) continue;
        bool applies = std::any_of(wanted.begin(), wanted.end(), [&](const Row& other) {
            return other.reason == row.reason && other.dot == row.dot;
        });
        if (!applies) close(*at, seq, decided_by);
    }
    for (Row& row : wanted) {
        Key key{text, row.reason, row.dot};
        auto at = rows_.find(key);
        bool is_same = at != rows_.end() && at->second.closed_seq == 0 &&
                       at->second.loser_seq == row.loser_seq && at->second.stamp == row.stamp &&
                       at->second.value == row.value;
        if (is_same) continue;
        row.path = path;
        row.seq = seq;
        row.closed_seq = 0;
        store(std::move(key), std::move(row));
    }
    return open;
}

void Journal::open_event(Row row) {
    Key key{to_text(row.path), row.reason, row.dot};
    store(std::move(key), std::move(row));
}

void Journal::close_events(const Path& path, Reach reach, const Seen& seen, Dot decided_by) {
    if (open_events_ == 0) return;
    auto close_seen = [&](Rows::value_type& at) {
        const Row& row = at.second;
        if (is_open_event(row) && seen(row.loser_seq, row.dot.actor)) {
            close(at, seen.seq, decided_by);
        }
    };
    std::string text = to_text(path);
    for (auto at = rows_.lower_bound({text, Reason::value, Dot{}});
         at != rows_.end() && std::get<0>(at->first) == text; ++at) {
        close_seen(*at);
    }
    if (reach == Reach::here) return;
    // Below the root is every other path; below another one, every text that goes on with a slash.
    std::string prefix = path.empty() ? std::string() : text + "/";
    for (auto at = rows_.lower_bound({prefix, Reason::value, Dot{}});
         at != rows_.end() && std::get<0>(at->first).starts_with(prefix); ++at) {
        close_seen(*at);
    }
}

void Journal::bound() {
    while (rows_.size() > base::kJournalRowsMax) {
        auto oldest =
            std::min_element(rows_.begin(), rows_.end(), [](const auto& a, const auto& b) {
                return std::pair(a.second.closed_seq == 0, a.second.seq) <
                       std::pair(b.second.closed_seq == 0, b.second.seq);
            });
        erase(oldest);
    }
}

void Journal::forget(uint64_t floor) {
    for (auto at = rows_.begin(); at != rows_.end();) {
        bool is_past = at->second.closed_seq != 0 && at->second.closed_seq <= floor;
        at = is_past ? erase(at) : std::next(at);
    }
}

template <class Take>
void Journal::for_rows_at(const Path& path, Take take) const {
    const std::string text = to_text(path);
    if (!path.empty()) {
        for (auto at = rows_.lower_bound({text, Reason::value, Dot{}});
             at != rows_.end() && std::get<0>(at->first) == text; ++at)
            take(*at);
    }
    const std::string prefix = path.empty() ? std::string() : text + "/";
    for (auto at = rows_.lower_bound({prefix, Reason::value, Dot{}});
         at != rows_.end() && std::get<0>(at->first).starts_with(prefix); ++at)
        take(*at);
}

std::vector<const Journal::Rows::value_type*> Journal::changed_since(uint64_t from) const {
    std::vector<const Rows::value_type*> changed;
    for (auto at = by_change_.rbegin(); at != by_change_.rend() && at->first > from; ++at)
        changed.push_back(&*rows_.find(*at->second));
    return changed;
}

void Journal::append(std::vector<Change>& out, uint64_t from,
                     std::vector<const Rows::value_type*> changed) {
    std::sort(changed.begin(), changed.end(),
              [](const auto* a, const auto* b) { return a->first < b->first; });
    changed.erase(std::unique(changed.begin(), changed.end()), changed.end());
    auto emit = [&](const Row& row, ChangeKind kind) {
        Change change;
        change.kind = kind;
        change.path = row.path;
        change.reason = row.reason;
        change.dot = row.dot;
        if (kind == ChangeKind::conflict) {
            change.value = row.value;
            change.stamp = row.stamp;
            change.seq = row.seq;
        }
        out.push_back(std::move(change));
    };
    for (const auto* at : changed) {
        if (at->second.closed_seq == 0) emit(at->second, ChangeKind::conflict);
    }
    if (from == 0) return;
    for (const auto* at : changed) {
        if (at->second.closed_seq != 0) emit(at->second, ChangeKind::no_conflict);
    }
}

void Journal::append_changes(std::vector<Change>& out, uint64_t from) const {
    append(out, from, changed_since(from));
}

void Journal::append_changes(std::vector<Change>& out, uint64_t from, const std::vector<Path>& anew,
                             const std::function<bool(const Row&)>& is_wanted) const {
    auto changed = changed_since(from);
    for (const Path& path : anew) {
        for_rows_at(path, [&](const Rows::value_type& at) {
            if (at.second.closed_seq == 0) changed.push_back(&at);
        });
    }
    std::erase_if(changed, [&](const auto* at) { return !is_wanted(at->second); });
    append(out, from, std::move(changed));
}

bool Journal::has_open_at(const Path& path) const {
    bool has_open = false;
    for_rows_at(path, [&](const Rows::value_type& at) { has_open |= at.second.closed_seq == 0; });
    return has_open;
}

std::vector<Row> Journal::rows(bool only_open) const {
    std::vector<const Rows::value_type*> wanted;
    for (const auto& at : rows_) {
        if (!only_open || at.second.closed_seq == 0) wanted.push_back(&at);
    }
    std::sort(wanted.begin(), wanted.end(), [](const auto* a, const auto* b) {
        std::pair place_a(a->second.closed_seq != 0, a->second.seq);
        std::pair place_b(b->second.closed_seq != 0, b->second.seq);
        return place_a != place_b ? place_a < place_b : a->first < b->first;
    });
    std::vector<Row> out;
    out.reserve(wanted.size());
    for (const auto* at : wanted)
        out.push_back(at->second);
    return out;
}

void Journal::restore(Row row) {
    Key key{to_text(row.path), row.reason, row.dot};
    store(std::move(key), std::move(row));
}

}  // namespace tandem::record
