#include <gtest/gtest.h>

#include <cstdlib>

#include "oracle/generate.hpp"
#include "oracle/oracle.hpp"
#include "record/random_log.hpp"

// Random logs, applied by the document and by the oracle, which shares no code with it.
namespace tandem::record {
namespace {

using nlohmann::json;
using testing::RandomLog;

json oracle_entry(const Entry& entry) {
    json out = {{"seq", entry.seq},         {"actor", entry.actor},
                {"counter", entry.counter}, {"own", entry.own},
                {"floor", entry.floor},     {"stamp", {entry.stamp.ms, entry.stamp.logical}},
                {"ops", json::array()}};
    for (const Op& op : entry.ops) {
        std::string text;
        append_op_json(text, op, Form::logged);
        json each = json::parse(text);
        each["resolver"] = static_cast<int>(op.resolver);
        each["declared"] = op.is_declared;
        out["ops"].push_back(std::move(each));
    }
    return out;
}

json to_json(const Dot& dot) { return json::array({dot.actor, dot.counter}); }
json to_json(const clock::Stamp& stamp) {
    return json::array({stamp.ms, stamp.logical, stamp.actor});
}

std::string rows_of(const Document& document) {
    std::vector<std::string> rows;
    for (const Row& row : document.journal(Document::Rows::all)) {
        json each = {{"path", to_text(row.path)},
                     {"reason", std::string(name_of(row.reason))},
                     {"dot", to_json(row.dot)},
                     {"loser_seq", row.loser_seq},
                     {"value", json::parse(base::to_json(row.value))},
                     {"stamp", to_json(row.stamp)},
                     {"seq", row.seq},
                     {"closed_seq", row.closed_seq}};
        if (row.decided_by != Dot{}) each["decided_by"] = to_json(row.decided_by);
        rows.push_back(each.dump());
    }
    std::sort(rows.begin(), rows.end());
    std::string out;
    for (const std::string& row : rows)
        out += row + "\n";
    return out;
}

std::string rows_of(const oracle::Oracle& oracle) {
    std::vector<std::string> rows;
    for (const json& row : oracle.journal())
        rows.push_back(row.dump());
    std::sort(rows.begin(), rows.end());
    std::string out;
    for (const std::string& row : rows)
        out += row + "\n";
    return out;
}

std::string siblings_of(const Document& document, const std::string& path) {
    json out = json::array();
    for (const Sibling& sibling : document.siblings(testing::path(path))) {
        out.push_back({{"value", json::parse(base::to_json(sibling.value))},
                       {"dot", to_json(sibling.dot)},
                       {"seq", sibling.seq},
                       {"stamp", to_json(sibling.stamp)}});
    }
    return out.dump();
}

std::string counter_of(const Document& document, const std::string& path) {
    CounterView counter = document.counter(testing::path(path));
    if (!counter.exists) return "null";
    return json{{"value", counter.value}, {"generation", to_json(counter.generation)}}.dump();
}

// Runs one log; the seed reproduces it.
void run(uint64_t seed, int entries) {
    RandomLog log(seed);
    Document document;
    oracle::Oracle oracle;
    for (int i = 0; i < entries; ++i) {
        Entry entry = log.next();
        json given = oracle_entry(entry);
        document.apply(entry);
        oracle.apply(given);
        SCOPED_TRACE("seed " + std::to_string(seed) + " " + given.dump());
        ASSERT_EQ(json::parse(base::to_json(document.shown({}))).dump(),
                  oracle::normal(oracle.shown()).dump());
        ASSERT_EQ(rows_of(document), rows_of(oracle));
        for (const char* path : {"a", "a/a", "b", "c", "c/b", "a/b/c"}) {
            ASSERT_EQ(siblings_of(document, path), oracle.siblings(path).dump()) << path;
            ASSERT_EQ(counter_of(document, path), oracle.counter(path).dump()) << path;
            json shown = oracle.shown(path);
            bool exists = !shown.is_discarded();
            ASSERT_EQ(document.exists(testing::path(path)), exists) << path;
            if (!exists) continue;
            ASSERT_EQ(json::parse(base::to_json(document.shown(testing::path(path)))).dump(),
                      oracle::normal(shown).dump());
        }
    }
}

Entry entry_of(const json& given) {
    Entry entry;
    entry.seq = given.at("seq");
    entry.actor = given.at("actor");
    entry.counter = given.at("counter");
    entry.stamp = {given.at("stamp")[0], given.at("stamp")[1], entry.actor};
    entry.own = given.at("own");
    entry.floor = given.value("floor", uint64_t{0});
    for (const json& each : given.at("ops")) {
        Op op = testing::op(each.dump());
        op.resolver = static_cast<Resolver>(each.value("resolver", 0));
        op.is_declared = each.value("declared", false);
        entry.ops.push_back(std::move(op));
    }
    return entry;
}

// Devices that edit the text they see, average, count up: what the resolvers are for. In between,
// the document is what a snapshot has kept of it.
TEST(Differential, ResolversAgreeWithTheOracle) {
    for (uint64_t seed = 1; seed <= 60 && !HasFatalFailure(); ++seed) {
        oracle::Dice dice(seed);
        oracle::LogShape shape;
        shape.theme = oracle::Theme::resolvers;
        shape.devices = seed % 4 == 0 ? 11 : 4;
        shape.entries = 50;
        Document document;
        oracle::Oracle oracle;
        for (const json& given : oracle::generate_log(dice, shape)) {
            SCOPED_TRACE("seed " + std::to_string(seed) + " " + given.dump());
            document.apply(entry_of(given));
            oracle.apply(given);
            ASSERT_EQ(json::parse(base::to_json(document.shown({}))).dump(),
                      oracle::normal(oracle.shown()).dump());
            ASSERT_EQ(rows_of(document), rows_of(oracle));
            if (document.seq() % 10 != 0) continue;
            std::string bytes;
            document.save(bytes);
            auto loaded = Document::load(bytes);
            ASSERT_TRUE(loaded.ok());
            ASSERT_EQ(testing::everything(*loaded), testing::everything(document));
            document = std::move(*loaded);
        }
    }
}

TEST(Differential, DocumentAgreesWithTheOracle) {
    constexpr uint64_t kLogs = 100;
    const char* first = std::getenv("TANDEM_SEED");
    const char* count = std::getenv("TANDEM_LOGS");
    uint64_t from = first != nullptr ? std::strtoull(first, nullptr, 10) : 1;
    uint64_t logs = count != nullptr ? std::strtoull(count, nullptr, 10) : kLogs;
    for (uint64_t seed = from; seed < from + logs && !HasFatalFailure(); ++seed) {
        run(seed, seed % 10 == 0 ? 150 : 40);
    }
}

}  // namespace
}  // namespace tandem::record
