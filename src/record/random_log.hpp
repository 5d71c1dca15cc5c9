#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "record/test_log.hpp"

namespace tandem::record::testing {

/// Random entries over few paths, actors and values, so that they collide often. The same seed
/// gives the same log on every machine.
class RandomLog {
  public:
    explicit RandomLog(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {}

    uint64_t below(uint64_t limit) {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return (state_ >> 11) % limit;
    }
    bool one_in(uint64_t n) { return below(n) == 0; }

    Entry next() {
        Entry entry;
        entry.seq = ++seq_;
        if (one_in(40) && seq_ > 12) {
            entry.floor = seq_ - 1 - below(10);
            floor_ = std::max(floor_, entry.floor);
            return entry;
        }
        uint64_t index = below(4);
        entry.actor = index == 3 ? 900 : 11 + index;
        entry.own = index != 3;
        entry.counter = ++counters_[index];
        // Clocks that disagree: some run behind, many readings are equal.
        entry.stamp = {1000 + seq_ / 2 - (index == 1 ? 30 : 0), 0, entry.actor};
        for (uint64_t count = 1 + below(3); count > 0; --count)
            entry.ops.push_back(op(entry));
        return entry;
    }

    uint64_t floor() const { return floor_; }

  private:
    static constexpr const char* kKeys[] = {"a", "b", "c"};
    static constexpr const char* kIds[] = {"x", "y", "z"};

    base::Value scalar() {
        switch (below(5)) {
            case 0:
                return base::Value(static_cast<double>(below(3)));
            case 1:
                return base::Value(one_in(2));
            case 2:
                return base::Value(2.5);
            default: {
                std::string text(1, static_cast<char>('p' + below(3)));
                for (uint64_t more = below(3); more > 0; --more)
                    text += std::string(" ") + static_cast<char>('p' + below(3));
                return base::Value(text);
            }
        }
    }
    base::Value any() {
        if (one_in(6)) return base::Value();
        if (one_in(8)) return base::Value(base::Array{scalar()});
        if (one_in(8)) return base::Value(base::Object{{"q", scalar()}});
        return scalar();
    }
    base::Value object(int depth) {
        base::Object members;
        for (uint64_t count = below(3); count > 0; --count) {
            bool is_nested = depth > 0 && one_in(3);
            members.push_back({kKeys[below(3)], is_nested ? object(depth - 1) : any()});
        }
        return base::Value(std::move(members));
    }
    Path random_path(size_t least) {
        Path path;
        size_t length = least + below(3);
        for (size_t i = 0; i < length; ++i) {
            if (one_in(3)) {
                path.push_back({Segment::Kind::item, kIds[below(3)]});
            } else {
                path.push_back({Segment::Kind::key, kKeys[below(3)]});
            }
        }
        return path;
    }
    Op op(const Entry& entry) {
        Op op;
        op.kind = static_cast<OpKind>(1 + below(9));
        bool is_root_likely = one_in(20);
        op.path = random_path(is_root_likely ? 0 : 1);
        // Mostly recent views, sometimes none and sometimes the newest.
        uint64_t head = entry.seq - 1;
        if (one_in(3)) {
            op.seen_seq = head;
        } else if (!one_in(6)) {
            op.seen_seq = head - below(std::min<uint64_t>(head, 8) + 1);
        }
        switch (op.kind) {
            case OpKind::set:
                op.value = any();
                break;
            case OpKind::assign:
                op.value = object(2);
                break;
            case OpKind::inc:
                op.value = base::Value(static_cast<double>(below(9)) - 4);
                break;
            case OpKind::counter_set:
                op.value = base::Value(static_cast<double>(below(100)));
                op.seen = static_cast<int64_t>(below(20));
                if (!one_in(3)) op.generation = {11 + below(3), 1 + below(10)};
                if (one_in(4))
                    op.generation = {0,
                                     entry.counter - below(std::min<uint64_t>(entry.counter, 3))};
                break;
            case OpKind::add:
            case OpKind::remove:
                op.value = scalar();
                break;
            case OpKind::insert:
                if (!one_in(3)) op.value = object(1);
                [[fallthrough]];
            case OpKind::move:
                op.position = std::string("a") + static_cast<char>('0' + below(6));
                if (!one_in(8)) op.path.push_back({Segment::Kind::item, kIds[below(3)]});
                break;
            case OpKind::remove_node:
                break;
        }
        if (one_in(8)) op.is_declared = true;
        if (one_in(8)) op.resolver = static_cast<Resolver>(1 + below(8));
        if (op.kind == OpKind::set) op.is_decision = one_in(8);
        return op;
    }

    uint64_t state_;
    uint64_t seq_ = 0;
    uint64_t floor_ = 0;
    uint64_t counters_[4] = {};
};

/// Everything that can be read of a document, as text.
inline std::string row_text(const Row& row) {
    Change change;
    change.kind = ChangeKind::conflict;
    change.path = row.path;
    change.reason = row.reason;
    change.dot = row.dot;
    change.value = row.value;
    change.stamp = row.stamp;
    change.seq = row.seq;
    std::string out;
    append_change_json(out, change);
    return out;
}

inline std::string everything(const Document& document) {
    std::string out = base::to_json(document.shown({})) + document.hash();
    for (const Row& row : document.journal(Document::Rows::all)) {
        out += "\n" + row_text(row) + std::to_string(row.loser_seq) + "/" +
               std::to_string(row.closed_seq) + " " + std::to_string(row.decided_by.actor) + "." +
               std::to_string(row.decided_by.counter);
    }
    out += "\n" + std::to_string(document.fields()) + " " + std::to_string(document.bytes());
    return out;
}

inline std::string open_conflicts(const Document& document) {
    std::vector<std::string> rows;
    for (const Row& row : document.journal(Document::Rows::open))
        rows.push_back(row_text(row));
    std::sort(rows.begin(), rows.end());
    std::string out;
    for (const std::string& row : rows)
        out += row + "\n";
    return out;
}

inline std::string open_conflicts(const View& view) {
    std::vector<std::string> rows;
    for (const Row& row : view.conflicts())
        rows.push_back(row_text(row));
    std::sort(rows.begin(), rows.end());
    std::string out;
    for (const std::string& row : rows)
        out += row + "\n";
    return out;
}

}  // namespace tandem::record::testing
