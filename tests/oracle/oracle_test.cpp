#include "oracle/oracle.hpp"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "oracle/client_view.hpp"
#include "oracle/generate.hpp"
#include "oracle/log.hpp"

namespace tandem::oracle {
namespace {

const std::vector<Theme> kThemes = {Theme::registers, Theme::counters, Theme::sets,
                                    Theme::lists,     Theme::maps,     Theme::types,
                                    Theme::everything};

json entry_of(int64_t seq, int64_t actor, int64_t counter, int64_t ms, json ops) {
    return {{"seq", seq},       {"actor", actor}, {"counter", counter},
            {"stamp", {ms, 0}}, {"own", true},    {"ops", std::move(ops)}};
}

// What a writer who has just read the state would send: nothing is deleted, moved or taken out of
// what is not there (such an op inside a removed item would bring the item back).
json informed_op(Dice& dice, Theme theme, const Oracle& now) {
    json op;
    do {
        op = generate_op(dice, theme, now);
    } while (!is_writing(op["op"]) && now.shown(op["path"].get<std::string>()).is_discarded());
    if (op["op"] == "counter_set") {
        const json counter = now.counter(op["path"]);
        op["generation"] = counter.is_null() ? json::array({0, 0}) : counter["generation"];
        op["seen"] = counter.is_null() ? json(0) : counter["value"];
    }
    return op;
}

RC_GTEST_PROP(Laws, OwnWritesInSequenceNeverConflict, (uint64_t seed)) {
    Dice dice(seed);
    const Theme theme = dice.of(kThemes);
    Oracle oracle;
    for (int64_t seq = 1; seq <= 30; ++seq) {
        json op = informed_op(dice, theme, oracle);
        op["base"] = 0;
        oracle.apply(entry_of(seq, 11, seq, dice.below(1000), {op}));
    }
    RC_ASSERT(oracle.journal().dump() == "[]");
}

RC_GTEST_PROP(Laws, WritersWhoSawTheHeadNeverConflict, (uint64_t seed)) {
    Dice dice(seed);
    const Theme theme = dice.of(kThemes);
    Oracle oracle;
    for (int64_t seq = 1; seq <= 30; ++seq) {
        json op = informed_op(dice, theme, oracle);
        op["base"] = seq - 1;
        json entry = entry_of(seq, 11 + dice.below(4), seq, dice.below(1000), {op});
        entry["own"] = dice.one_in(2);
        oracle.apply(entry);
    }
    RC_ASSERT(oracle.journal().dump() == "[]");
}

// Without anyone else, the server's merge and a client's plain application are the same thing, for
// all that does not bring back hidden items.
RC_GTEST_PROP(Laws, AloneTheViewIsTheRecord, (uint64_t seed)) {
    Dice dice(seed);
    const Theme theme =
        dice.of(std::vector{Theme::registers, Theme::counters, Theme::sets, Theme::maps});
    Oracle oracle;
    ClientView view;
    for (int64_t seq = 1; seq <= 30; ++seq) {
        json op = informed_op(dice, theme, oracle);
        op["base"] = seq - 1;
        oracle.apply(entry_of(seq, 11, seq, 1000, {op}));
        view.apply_op(op);
        RC_ASSERT(view.shown().dump() == oracle.shown().dump());
    }
}

RC_GTEST_PROP(Laws, DisjointFieldsCommute, (uint64_t seed)) {
    Dice dice(seed);
    const auto top = [](const json& op) { return (*parse_path(std::string(op["path"])))[0].name; };
    LogShape shape;
    shape.entries = 20;
    shape.has_floor = false;
    Oracle first;
    for (const json& entry : generate_log(dice, shape))
        first.apply(entry);
    Oracle second = first;
    json one;
    json other;
    do {
        one = generate_op(dice, Theme::everything, first);
        other = generate_op(dice, Theme::everything, first);
    } while (one["path"] == "" || other["path"] == "" || top(one) == top(other));
    one["base"] = dice.below(21);
    other["base"] = dice.below(21);
    first.apply(entry_of(21, 31, 1, 5000, {one}));
    first.apply(entry_of(22, 32, 1, 6000, {other}));
    second.apply(entry_of(21, 32, 1, 6000, {other}));
    second.apply(entry_of(22, 31, 1, 5000, {one}));
    RC_ASSERT(first.shown().dump() == second.shown().dump());
}

// Every value that no later writer has seen is shown, stored as a sibling or kept in the journal.
RC_GTEST_PROP(Laws, NoUnseenValueIsLost, (uint64_t seed)) {
    Dice dice(seed);
    struct Write {
        json dot;
        int64_t seq;
        int64_t actor;
        bool is_unseen;
    };
    std::vector<Write> writes;
    std::map<int64_t, int64_t> cursors;
    Oracle oracle;
    for (int64_t seq = 1; seq <= 40; ++seq) {
        const int64_t actor = 1 + dice.below(14);
        if (dice.one_in(10)) cursors[actor] += dice.below(seq - cursors[actor]);
        const int64_t base = cursors[actor];
        for (Write& write : writes) {
            if (write.seq <= base || write.actor == actor) write.is_unseen = false;
        }
        oracle.apply(entry_of(seq, actor, seq, dice.below(500),
                              {{{"op", "set"}, {"path", "a"}, {"value", seq}, {"base", base}}}));
        writes.push_back({{actor, seq}, seq, actor, true});
        std::set<json> expected;
        std::set<json> kept;
        for (const Write& write : writes) {
            if (write.is_unseen) expected.insert(write.dot);
        }
        for (const json& sibling : oracle.siblings("a"))
            kept.insert(sibling["dot"]);
        for (const json& row : oracle.open_journal())
            kept.insert(row["dot"]);
        RC_ASSERT(json(kept).dump() == json(expected).dump());
    }
}

// Increments are never lost and never counted twice, whatever else happens but deletion.
RC_GTEST_PROP(Laws, IncrementsSumUp, (uint64_t seed)) {
    Dice dice(seed);
    Oracle oracle;
    int64_t sum = 0;
    for (int64_t seq = 1; seq <= 30; ++seq) {
        const int64_t n = dice.below(21) - 10;
        sum += n;
        oracle.apply(
            entry_of(seq, 1 + dice.below(5), seq, 0,
                     {{{"op", "inc"}, {"path", "n"}, {"value", n}, {"base", dice.below(seq)}}}));
    }
    RC_ASSERT(oracle.shown("n").dump() == std::to_string(sum));
}

// Deleting, setting or replacing a counter and counting on, unseen, give the same in either order.
RC_GTEST_PROP(Laws, RemovingACounterAndCountingCommute, (uint64_t seed)) {
    Dice dice(seed);
    Oracle first;
    const int64_t base = 1 + dice.below(3);
    for (int64_t seq = 1; seq <= base; ++seq) {
        const json op = {{"op", "inc"}, {"path", "m/n"}, {"value", 5}, {"base", seq - 1}};
        first.apply(entry_of(seq, 11 + dice.below(2), seq, seq, {op}));
    }
    const std::vector<json> removals = {{{"op", "delete"}, {"path", "m/n"}},
                                        {{"op", "delete"}, {"path", ""}},
                                        {{"op", "assign"}, {"path", "m"}, {"value", {{"a", 1}}}},
                                        {{"op", "set"}, {"path", "m/n"}, {"value", 1}}};
    const json counter = first.counter("m/n");
    const std::vector<json> counts = {{{"op", "inc"}, {"path", "m/n"}, {"value", 3}},
                                      {{"op", "counter_set"},
                                       {"path", "m/n"},
                                       {"value", 9},
                                       {"generation", counter["generation"]},
                                       {"seen", counter["value"]}}};
    json one = dice.of(removals);
    json other = dice.of(counts);
    one["base"] = other["base"] = base;
    Oracle second = first;
    first.apply(entry_of(base + 1, 31, 1, 5000, {one}));
    first.apply(entry_of(base + 2, 32, 1, 6000, {other}));
    second.apply(entry_of(base + 1, 32, 1, 6000, {other}));
    second.apply(entry_of(base + 2, 31, 1, 5000, {one}));
    RC_ASSERT(first.shown().dump() == second.shown().dump());
    RC_ASSERT(first.counter("m/n").dump() == second.counter("m/n").dump());
}

RC_GTEST_PROP(Laws, MovesAndInsertsOfOneIdLeaveOneItem, (uint64_t seed)) {
    Dice dice(seed);
    LogShape shape;
    shape.theme = Theme::lists;
    Oracle oracle;
    for (const json& entry : generate_log(dice, shape)) {
        oracle.apply(entry);
        const json list = oracle.shown("l");
        if (!list.is_array()) continue;
        std::set<std::string> ids;
        for (const json& item : list) {
            if (item.is_object() && item.contains("id")) {
                RC_ASSERT(ids.insert(item["id"].get<std::string>()).second);
            }
        }
    }
}

RC_GTEST_PROP(Laws, ChangesAreIdempotent, (uint64_t seed)) {
    Dice dice(seed);
    json changes = json::array();
    for (int i = 0; i < 12; ++i)
        changes.push_back(generate_change(dice));
    ClientView view;
    for (const json& change : changes)
        view.apply_change(change);
    const json once = view.shown();
    const json conflicts = view.conflicts();
    for (const json& change : changes)
        view.apply_change(change);
    RC_ASSERT(view.shown().dump() == once.dump());
    RC_ASSERT(view.conflicts().dump() == conflicts.dump());
}

RC_GTEST_PROP(Laws, OpenRowsHoldWhatSiblingsHold, (uint64_t seed)) {
    Dice dice(seed);
    LogShape shape;
    shape.theme = Theme::registers;
    Oracle oracle;
    for (const json& entry : generate_log(dice, shape)) {
        oracle.apply(entry);
        for (const char* path : {"a", "b", "p"}) {
            std::set<json> losers;
            std::set<json> rows;
            const json siblings = oracle.siblings(path);
            for (const json& s : siblings) {
                if (s["value"] != siblings[0]["value"]) losers.insert(s["dot"]);
            }
            for (const json& row : oracle.open_journal()) {
                if (row["path"] == path && row["reason"] == "value") rows.insert(row["dot"]);
            }
            RC_ASSERT(json(rows).dump() == json(losers).dump());
        }
    }
}

RC_GTEST_PROP(Paths, TextReadsBackTheSame, ()) {
    Path path;
    const auto count = *rc::gen::inRange(0, 6);
    for (int i = 0; i < count; ++i) {
        Segment segment;
        segment.is_item = *rc::gen::arbitrary<bool>();
        segment.name = *rc::gen::nonEmpty(
            rc::gen::container<std::string>(rc::gen::elementOf(std::string("a~/@0123 id"))));
        if (!path.empty() && path.back().is_item && segment.name == "id") segment.name = "d";
        path.push_back(segment);
    }
    const auto parsed = parse_path(path_text(path));
    RC_ASSERT(parsed.has_value());
    RC_ASSERT(*parsed == path);
}

TEST(Oracle, ReplaysAThousandEntries) {
    Dice dice(1);
    LogShape shape;
    shape.entries = 1000;
    Oracle oracle;
    for (const json& entry : generate_log(dice, shape))
        oracle.apply(entry);
    EXPECT_EQ(oracle.seq(), 1000);
}

TEST(Oracle, OpsThatMakeNoSenseDoNothing) {
    Oracle oracle;
    oracle.apply(entry_of(1, 1, 1, 0, json::parse(R"([
        {"op": "inc", "path": "n", "value": 1.5},
        {"op": "add", "path": "s", "value": [1]},
        {"op": "add", "path": "s", "value": null},
        {"op": "insert", "path": "l", "position": "a0", "value": {}},
        {"op": "insert", "path": "l/@x", "position": "a0", "value": {"id": 1}},
        {"op": "assign", "path": "m", "value": {"__proto__": 1}},
        {"op": "assign", "path": "m", "value": 7},
        {"op": "set", "path": "a//b", "value": 7}])")));
    EXPECT_EQ(oracle.shown(), json::object());
    EXPECT_EQ(oracle.state()["root"], json::object());
}

TEST(Oracle, CountersStayWithinSafeIntegers) {
    Oracle oracle;
    const json inc = {{"op", "inc"}, {"path", "n"}, {"value", kIntegerMax}};
    oracle.apply(entry_of(1, 1, 1, 0, {inc, inc}));
    EXPECT_EQ(oracle.shown("n"), kIntegerMax);
}

TEST(Oracle, ALogicalCounterThatOverflowsCarriesIntoTheMilliseconds) {
    Oracle oracle;
    json first = entry_of(1, 1, 1, 50, {{{"op", "set"}, {"path", "a"}, {"value", 1}}});
    first["stamp"] = {50, 0xffffffffLL};
    oracle.apply(first);
    oracle.apply(
        entry_of(2, 2, 1, 10, {{{"op", "set"}, {"path", "a"}, {"value", 2}, {"base", 1}}}));
    EXPECT_EQ(oracle.siblings("a")[0]["stamp"], json::array({51, 0, 2}));
}

TEST(Oracle, LiveRowsOfAHiddenItemCloseAndOpenAgain) {
    Oracle oracle;
    const auto op = [](const char* kind, const char* path, json value, int64_t base) {
        return json{{"op", kind}, {"path", path}, {"value", std::move(value)}, {"base", base}};
    };
    oracle.apply(entry_of(1, 1, 1, 10, {op("insert", "l/@x", nullptr, 0)}));
    oracle.apply(entry_of(2, 1, 2, 20, {op("set", "l/@x/t", "one", 1)}));
    oracle.apply(entry_of(3, 2, 1, 30, {op("set", "l/@x/t", "two", 1)}));
    ASSERT_EQ(oracle.open_journal().size(), 1u);
    oracle.apply(entry_of(4, 1, 3, 40, {op("delete", "l/@x", nullptr, 3)}));
    EXPECT_EQ(oracle.journal()[0]["closed_seq"], 4);
    oracle.apply(entry_of(5, 2, 2, 50, {op("set", "l/@x/u", 1, 3)}));
    EXPECT_EQ(oracle.shown(), json::parse(R"({"l": [{"id": "x", "t": "two", "u": 1}]})"));
    ASSERT_EQ(oracle.open_journal().size(), 1u);
    EXPECT_EQ(oracle.open_journal()[0]["seq"], 5);
}

TEST(Log, CountsEveryForkBetweenABaseAndNow) {
    Log log("e1");
    const auto push = [&](int64_t actor) {
        log.push({{"actor", actor}, {"ops", {{{"op", "inc"}, {"path", "n"}, {"value", 1}}}}}, 1);
    };
    for (int i = 0; i < 5; ++i)
        push(1);
    log.restore(3, "e2");
    push(2);
    push(2);
    log.restore(2, "e3");
    EXPECT_EQ(log.head(), 2);
    EXPECT_EQ(log.effective_base({{"epoch", "e1"}, {"seq", 5}}), 2);
    EXPECT_EQ(log.effective_base({{"epoch", "e1"}, {"seq", 1}}), 1);
    EXPECT_EQ(log.effective_base({{"epoch", "e2"}, {"seq", 5}}), 2);
    EXPECT_EQ(log.effective_base({{"epoch", "e3"}, {"seq", 2}}), 2);
    EXPECT_EQ(log.effective_base({{"epoch", "e9"}, {"seq", 2}}), 0);
    EXPECT_EQ(log.acked_counter(1), 2);
    EXPECT_EQ(log.acked_counter(2), 0);
}

}  // namespace
}  // namespace tandem::oracle
