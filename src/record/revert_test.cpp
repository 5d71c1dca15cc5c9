#include "record/revert.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "record/random_log.hpp"

namespace tandem::record {
namespace {

using testing::RandomLog;

// Items that never had a position come after the others in an order that nobody chose.
base::Value without_order(const base::Value& value) {
    if (value.is_object()) {
        base::Value out(base::Object{});
        for (const base::Member& member : value.as_object())
            out.put(member.key, without_order(member.value));
        return out;
    }
    if (!value.is_array()) return value;
    base::Array out;
    for (const base::Value& element : value.as_array())
        out.push_back(without_order(element));
    std::sort(out.begin(), out.end(), [](const base::Value& a, const base::Value& b) {
        return base::to_json(a) < base::to_json(b);
    });
    return base::Value(std::move(out));
}

Entry entry_of(std::vector<Op> ops, uint64_t seq) {
    Entry entry;
    entry.seq = seq;
    entry.actor = 1;
    entry.own = false;
    entry.counter = seq;
    entry.stamp = {1'000'000 + seq, 0, 1};
    entry.ops = std::move(ops);
    for (Op& op : entry.ops)
        op.seen_seq = seq - 1;
    return entry;
}

// A watermark never goes back by a write, but by a restore, which begins anew. What others write
// without having seen it counts as ever.
TEST(Revert, BringsAWatermarkBack) {
    for (const Resolver resolver : {Resolver::max, Resolver::min}) {
        const auto write = [&](int64_t number) {
            Op op;
            op.kind = OpKind::set;
            op.path = {{Segment::Kind::key, "mark"}};
            op.value = base::Value::integer(number);
            op.resolver = resolver;
            return op;
        };
        const int64_t step = resolver == Resolver::max ? 1 : -1;
        Document now;
        Document then;
        then.apply(entry_of({write(10 * step)}, 1));
        now.apply(entry_of({write(10 * step)}, 1));
        now.apply(entry_of({write(20 * step)}, 2));
        now.apply(entry_of(revert_ops(now, then, {}), 3));
        EXPECT_EQ(now.shown(write(0).path), base::Value::integer(10 * step));
        Entry crossing = entry_of({write(15 * step)}, 4);
        crossing.ops.front().seen_seq = 2;
        now.apply(crossing);
        EXPECT_EQ(now.shown(write(0).path), base::Value::integer(15 * step));
    }
}

// Whatever happened since, the ops bring back what was shown, and are none when nothing differs.
RC_GTEST_PROP(Revert, BringsBackWhatWasShown, ()) {
    RandomLog log(*rc::gen::inRange<uint64_t>(0, 1'000'000'000));
    Document now;
    Document then;
    const uint64_t at = *rc::gen::inRange<uint64_t>(0, 40);
    const uint64_t head = at + *rc::gen::inRange<uint64_t>(0, 40);
    for (uint64_t seq = 1; seq <= head; ++seq) {
        const Entry entry = log.next();
        now.apply(entry);
        if (seq <= at) then.apply(entry);
    }
    const std::vector<Op> ops = revert_ops(now, then, {});
    for (const Op& op : ops)
        RC_ASSERT(check_op(op).ok());
    if (!ops.empty()) now.apply(entry_of(ops, head + 1));
    RC_ASSERT(base::to_json(without_order(now.shown({}))) ==
              base::to_json(without_order(then.shown({}))));
    RC_ASSERT(revert_ops(then, then, {}).empty());
}

// Found by the property below: a root that shows an empty map, and may hide something else.
TEST(Revert, AViewOfAnEmptyMapIsLeftAsItIs) {
    RandomLog log(253194250);
    Document document;
    for (uint64_t seq = 1; seq <= 5; ++seq) {
        Entry entry = log.next();
        for (Op& op : entry.ops)
            if (op.resolver == Resolver::max || op.resolver == Resolver::min)
                op.resolver = Resolver::lww;
        document.apply(entry);
    }
    View view;
    for (const Change& change : document.changes(0))
        view.apply(change);
    ASSERT_EQ(base::to_json(view.shown({})), "{}");
    EXPECT_TRUE(revert_ops(view, view, {}).empty());
}

// A client computes the same from what it sees, but for watermarks, of which a view does not know.
RC_GTEST_PROP(Revert, OfViewsBringsBackWhatWasShown, ()) {
    RandomLog log(*rc::gen::inRange<uint64_t>(0, 1'000'000'000));
    Document now;
    Document then;
    const uint64_t at = *rc::gen::inRange<uint64_t>(0, 40);
    const uint64_t head = at + *rc::gen::inRange<uint64_t>(0, 40);
    for (uint64_t seq = 1; seq <= head; ++seq) {
        Entry entry = log.next();
        for (Op& op : entry.ops)
            if (op.resolver == Resolver::max || op.resolver == Resolver::min)
                op.resolver = Resolver::lww;
        now.apply(entry);
        if (seq <= at) then.apply(entry);
    }
    const auto view_of = [](const Document& document) {
        View view;
        for (const Change& change : document.changes(0))
            view.apply(change);
        return view;
    };
    const View wanted = view_of(then);
    View shown = view_of(now);
    const std::vector<Op> ops = revert_ops(shown, wanted, {});
    for (const Op& op : ops) {
        RC_ASSERT(check_op(op).ok());
        shown.apply_plain(op, {0, 1});
    }
    if (!ops.empty()) now.apply(entry_of(ops, head + 1));
    // At once on the client's own view, and when the server has it.
    RC_ASSERT(base::to_json(without_order(shown.shown({}))) ==
              base::to_json(without_order(then.shown({}))));
    RC_ASSERT(base::to_json(without_order(now.shown({}))) ==
              base::to_json(without_order(then.shown({}))));
    RC_ASSERT(revert_ops(wanted, wanted, {}).empty());
}

TEST(Revert, OfAPathLeavesTheRest) {
    Document now;
    Document then;
    const auto write = [](Document& document, const char* path, const char* value, uint64_t seq) {
        Op op;
        op.kind = OpKind::set;
        op.path = *parse_path(path);
        op.value = base::Value(value);
        document.apply(entry_of({op}, seq));
    };
    for (Document* document : {&now, &then}) {
        write(*document, "a", "old", 1);
        write(*document, "b", "old", 2);
    }
    write(now, "a", "new", 3);
    write(now, "b", "new", 4);
    const auto ops = revert_ops(now, then, *parse_path("b"));
    ASSERT_EQ(ops.size(), 1u);
    now.apply(entry_of(ops, 5));
    EXPECT_EQ(base::to_json(now.shown({})), R"({"a":"new","b":"old"})");
}

}  // namespace
}  // namespace tandem::record
