#include "record/decide.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "record/random_log.hpp"

namespace tandem::record {
namespace {

// Whatever the conflict, one write of somebody who has seen it closes its row, and keeping changes
// nothing that is shown.
RC_GTEST_PROP(Decide, ClosesTheRow, ()) {
    testing::RandomLog log(*rc::gen::inRange<uint64_t>(0, 1'000'000'000));
    const uint64_t count = *rc::gen::inRange<uint64_t>(5, 60);
    Document document;
    for (uint64_t i = 0; i < count; ++i)
        document.apply(log.next());
    const auto rows = document.journal(Document::Rows::open);
    if (rows.empty()) return;
    const Row row = rows[*rc::gen::inRange<size_t>(0, rows.size())];
    const auto decision = *rc::gen::element(Decision::keep, Decision::restore);
    const auto ops = decide_ops(document, row, decision);
    if (!ops) {
        RC_ASSERT(ops.error().code == base::ErrorCode::wrong_type ||
                  ops.error().code == base::ErrorCode::not_found);
        return;
    }
    Entry entry;
    entry.seq = document.seq() + 1;
    entry.actor = 1;
    entry.own = false;
    entry.counter = 1;
    entry.stamp = {1'000'000, 0, 1};
    entry.ops = *ops;
    for (Op& op : entry.ops) {
        RC_ASSERT(check_op(op).ok());
        op.seen_seq = document.seq();
    }
    const std::string shown = base::to_json(document.shown({}));
    document.apply(entry);
    if (decision == Decision::keep) RC_ASSERT(base::to_json(document.shown({})) == shown);
    // Rows of a folded position stay until the item's content is written; all others close.
    if (row.reason == Reason::folded) return;
    for (const Row& left : document.journal(Document::Rows::open)) {
        RC_LOG() << to_text(row.path) << ' ' << name_of(row.reason) << ' '
                 << base::to_json(row.value) << ' ' << static_cast<int>(decision) << ' '
                 << name_of(entry.ops[0].kind) << ' ' << shown;
        RC_ASSERT(left.path != row.path || left.reason != row.reason || left.dot != row.dot);
    }
}

}  // namespace
}  // namespace tandem::record
