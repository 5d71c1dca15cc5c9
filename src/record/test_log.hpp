#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "record/document.hpp"
#include "record/view.hpp"

namespace tandem::record::testing {

inline base::Value json(std::string_view text) {
    auto parsed = base::parse_json(text, base::kLooseValueLimits);
    TANDEM_ASSERT(parsed.ok());
    return *parsed;
}

inline Path path(std::string_view text) {
    auto parsed = parse_path(text);
    TANDEM_ASSERT(parsed.ok());
    return *parsed;
}

/// An op from its JSON form, with `base` as what it has seen.
inline Op op(std::string_view text) {
    auto parsed = op_from_json(json(text));
    TANDEM_ASSERT(parsed.ok());
    parsed->seen_seq = parsed->base.seq;
    return *parsed;
}

/// A document fed entry by entry; stamps grow with seq unless told otherwise.
class Log {
  public:
    uint64_t add(uint64_t actor, std::vector<Op> ops, uint64_t ms = 0, bool own = true) {
        Entry entry;
        entry.seq = document.seq() + 1;
        entry.actor = actor;
        entry.counter = ++counters_[actor % 16];
        entry.own = own;
        entry.stamp = {ms != 0 ? ms : 1000 + entry.seq, 0, actor};
        entry.ops = std::move(ops);
        document.apply(entry);
        return entry.seq;
    }
    uint64_t add(uint64_t actor, std::string_view text, uint64_t ms = 0, bool own = true) {
        return add(actor, std::vector<Op>{op(text)}, ms, own);
    }
    /// By a backend that has seen everything up to `base`.
    uint64_t see(uint64_t actor, std::string_view text, uint64_t base) {
        Op each = op(text);
        each.seen_seq = base;
        return add(actor, std::vector<Op>{each});
    }
    void move_floor(uint64_t floor) {
        Entry entry;
        entry.seq = document.seq() + 1;
        entry.floor = floor;
        document.apply(entry);
    }
    std::string shown(std::string_view text = "") const {
        return document.exists(path(text)) ? base::to_json(document.shown(path(text))) : "-";
    }
    std::string changes(uint64_t from) const {
        std::string out;
        for (const Change& change : document.changes(from))
            append_change_json(out, change);
        return out;
    }
    size_t open_rows() const { return document.journal(Document::Rows::open).size(); }

    Document document;

  private:
    uint64_t counters_[16] = {};
};

}  // namespace tandem::record::testing
