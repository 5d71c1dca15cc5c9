#include "sim/truth.hpp"

#include <iterator>
#include <utility>

#include "hub/json_out.hpp"
#include "hub/stored_entry.hpp"
#include "sim/shadow.hpp"

namespace tandem::sim {

namespace {

using nlohmann::json;

/// States of the oracle are kept this far apart.
constexpr uint64_t kKeptEvery = 24;

}  // namespace

json Truth::entry_of(const port::StoredEntry& stored) {
    std::string text;
    hub::append_entry_json(text, stored);
    json entry = json::parse(text);
    // What the schema has added is at rest only.
    const auto ops = record::decode_ops(stored.body, record::Form::logged);
    for (size_t i = 0; ops && i < ops->size(); ++i) {
        entry["ops"][i]["resolver"] = static_cast<int>((*ops)[i].resolver);
        entry["ops"][i]["declared"] = (*ops)[i].is_declared;
    }
    return entry;
}

oracle::Oracle Truth::at(const std::string& channel, uint64_t seq) {
    const ShadowChannel& log = logs_.at(channel);
    auto& kept = kept_[channel];
    if (kept.empty()) {
        oracle::Oracle& first = kept[log.start];
        if (log.start > 0)
            first.apply({{"seq", log.start},
                         {"actor", 0},
                         {"counter", 0},
                         {"own", false},
                         {"stamp", {0, 0}},
                         {"floor", log.start},
                         {"ops", json::array()}});
    }
    const auto nearest = std::prev(kept.upper_bound(std::max(seq, log.start)));
    oracle::Oracle state = nearest->second;
    for (uint64_t next = nearest->first + 1; next <= seq; ++next) {
        state.apply(entry_of(*log.find(next)));
        if (next % kKeptEvery == 0) kept.emplace(next, state);
    }
    return state;
}

record::Document Truth::document_at(const std::string& channel, uint64_t seq) {
    const ShadowChannel& log = logs_.at(channel);
    record::Document document;
    if (log.start > 0) {
        record::Entry ground;
        ground.seq = ground.floor = log.start;
        document.apply(ground);
    }
    for (uint64_t next = log.start + 1; next <= seq; ++next)
        if (const auto entry = hub::entry_of(*log.find(next))) document.apply(*entry);
    return document;
}

void Truth::forget(const std::string& channel, uint64_t above) {
    auto& kept = kept_[channel];
    kept.erase(kept.upper_bound(above), kept.end());
}

Rows rows_of(const std::vector<record::Row>& rows) {
    Rows out;
    for (const record::Row& row : rows) {
        const std::string key =
            record::to_text(row.path) + "|" + std::string(record::name_of(row.reason)) + "|" +
            std::to_string(row.dot.actor) + "." + std::to_string(row.dot.counter);
        out[key] = as_json(row.value);
    }
    return out;
}

Rows rows_of(const json& rows) {
    Rows out;
    for (const json& row : rows) {
        const std::string key = row.at("path").get<std::string>() + "|" +
                                row.at("reason").get<std::string>() + "|" +
                                std::to_string(row.at("dot")[0].get<uint64_t>()) + "." +
                                std::to_string(row.at("dot")[1].get<uint64_t>());
        out[key] = oracle::normal(row.at("value"));
    }
    return out;
}

std::string difference(const Rows& a, const Rows& b) {
    for (const auto& [key, value] : a) {
        const auto found = b.find(key);
        if (found == b.end()) return "only in the first: " + key;
        if (found->second != value) return "differs: " + key;
    }
    for (const auto& [key, value] : b)
        if (!a.contains(key)) return "only in the second: " + key;
    return {};
}

std::string difference(const json& a, const json& b) {
    const json patch = json::diff(a, b);
    return patch.empty() ? std::string() : patch.front().dump();
}

json shown_at(const oracle::Oracle& state, const std::string& path) {
    const json shown = path.empty() ? state.shown() : state.shown(path);
    return shown.is_discarded() ? json() : oracle::normal(shown);
}

json as_json(const base::Value& value) { return oracle::normal(json::parse(base::to_json(value))); }

base::Value to_value(const json& value) {
    auto parsed = base::parse_json(value.dump());
    return parsed ? std::move(*parsed) : base::Value();
}

}  // namespace tandem::sim
