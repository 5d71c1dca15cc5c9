#include "oracle/generate.hpp"

#include <algorithm>

namespace tandem::oracle {

uint64_t Dice::next() {
    state_ += 0x9e3779b97f4a7c15u;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

const char* name_of(Theme theme) {
    switch (theme) {
        case Theme::registers:
            return "registers";
        case Theme::counters:
            return "counters";
        case Theme::sets:
            return "sets";
        case Theme::lists:
            return "lists";
        case Theme::maps:
            return "maps";
        case Theme::types:
            return "types";
        case Theme::everything:
            return "everything";
        case Theme::crowd:
            return "crowd";
        case Theme::resolvers:
            return "resolvers";
    }
    return "";
}

namespace {

using Texts = std::vector<std::string>;

json scalar(Dice& dice) {
    const std::vector<json> values = {"red", "green", "", "ä", 0, 1, -7, 2.5, true, false};
    return dice.of(values);
}

json any_value(Dice& dice) {
    if (dice.one_in(8)) return nullptr;
    if (dice.one_in(8)) return json::array({scalar(dice), scalar(dice)});
    if (dice.one_in(10)) return {{"opaque", scalar(dice)}};
    return scalar(dice);
}

json object(Dice& dice, int depth) {
    json out = json::object();
    for (const char* key : {"a", "b", "n"}) {
        if (dice.one_in(2)) continue;
        const bool nested = depth < 2 && dice.one_in(4);
        out[key] = nested ? object(dice, depth + 1) : any_value(dice);
    }
    return out;
}

std::string position(Dice& dice) {
    const Texts keys = {"a0x1", "a1x2", "a1x3", "a0Vx4", "Zzx5", "a2x1"};
    return dice.of(keys);
}

Texts ops_of(Theme theme) {
    switch (theme) {
        case Theme::registers:
            return {"set", "set", "set", "set", "delete"};
        case Theme::counters:
            return {"inc", "inc", "counter_set", "counter_set", "delete"};
        case Theme::sets:
            return {"add", "add", "remove", "delete"};
        case Theme::lists:
            return {"insert", "insert", "move", "move", "delete", "set", "delete", "assign"};
        case Theme::maps:
            return {"set", "set", "assign", "assign", "delete"};
        case Theme::types:
        case Theme::everything:
            return {"set", "delete", "assign", "inc", "counter_set",
                    "add", "remove", "insert", "move"};
        case Theme::crowd:
            return {"set", "set", "set", "set", "move", "inc", "add", "delete"};
        case Theme::resolvers:
            return {"set", "set", "set", "set", "set", "set", "set", "set", "set", "delete"};
    }
    return {};
}

Texts paths_of(Theme theme, const std::string& op) {
    if (op == "insert" || op == "move") {
        if (theme == Theme::crowd) return {"l/@x"};
        if (theme == Theme::types) return {"a/@x", "a/@y", "m/a/@x"};
        return {"l/@x", "l/@x", "l/@y", "l/@z", "l/@x/k/@u", "l/@x/k/@v"};
    }
    switch (theme) {
        case Theme::registers:
            return {"a", "b", "p"};
        case Theme::counters:
            return {"n", "n", "m/n", "l/@x/n"};
        case Theme::sets:
            return {"s", "s", "m/s", "l/@x/s"};
        case Theme::lists:
            return {"l/@x/a", "l/@x/b", "l/@y/a", "l/@x/k/@u/a", "l/@y", "l/@x", "l", "l/@x/k"};
        case Theme::maps:
            return {"m", "m/a", "m/b", "m/a/b", "m/n", "m/n/a", ""};
        case Theme::types:
            return {"a", "a/a", "a/@x", "a/@x/a", "m/a", "m", "m/a/b", "p"};
        case Theme::everything:
            return {"a",      "p", "m", "m/a",    "m/a/b",       "l",      "l/@x", "l/@x/a",
                    "l/@y/b", "n", "s", "l/@x/k", "l/@x/k/@u/a", "l/@y/n", ""};
        case Theme::crowd:
            return {"a", "l/@x", "l/@x"};
        case Theme::resolvers:
            return {"max", "min", "mean", "union", "text3", "text3", "text3", "agent"};
    }
    return {};
}

// What somebody makes of a text that he sees: a word more, less, or another one.
std::string edited(Dice& dice, const std::string& seen) {
    const Texts words = {"red", "blue", "car", "stops,", "here.", "ä", "車庫", "now"};
    Texts parts(1);
    for (const char c : seen) {
        if (c == ' ') {
            parts.emplace_back();
        } else {
            parts.back() += c;
        }
    }
    for (int64_t edits = 1 + dice.below(2); edits > 0; --edits) {
        const auto at = dice.below(static_cast<int64_t>(parts.size()) + 1);
        const bool at_end = at == static_cast<int64_t>(parts.size());
        if (at_end || dice.one_in(3)) {
            parts.insert(parts.begin() + at, dice.of(words));
        } else if (parts.size() > 1 && dice.one_in(2)) {
            parts.erase(parts.begin() + at);
        } else {
            parts[static_cast<size_t>(at)] = dice.of(words);
        }
    }
    std::string out;
    for (const std::string& part : parts)
        out += (out.empty() ? "" : " ") + part;
    return out;
}

json value_for(Dice& dice, const std::string& path, const Oracle& seen) {
    if (dice.one_in(15)) return any_value(dice);
    if (path == "text3") {
        const json before = seen.shown(path);
        const bool is_fresh = !before.is_string() || dice.one_in(12);
        return is_fresh ? "the red car stops here" : edited(dice, before);
    }
    if (path == "union") {
        json out = json::array();
        for (int64_t count = dice.below(4); count > 0; --count)
            out.push_back(any_value(dice));
        return out;
    }
    const std::vector<json> numbers = {0, 1, 3, 10, -7, 0.1, 2.5, 1e308};
    return dice.of(numbers);
}

int resolver_of(const std::string& path) {
    const Texts names = {"", "", "max", "min", "mean", "union", "text3", "", "agent"};
    const auto found = std::find(names.begin() + 1, names.end(), path);
    return found == names.end() ? 0 : static_cast<int>(found - names.begin());
}

// The schema of every generated log: what it says of a path it says with every op.
void add_schema(json& op, bool has_schema) {
    if (!has_schema) return;
    const std::string path = op["path"];
    const std::string kind = op["op"];
    const auto declare = [&](const char* at, const Texts& kinds, int resolver) {
        if (path != at || std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) return;
        op["declared"] = true;
        if (resolver != 0) op["resolver"] = resolver;
    };
    declare("p", {"set"}, 7);
    declare("n", {"inc", "counter_set"}, 0);
    declare("s", {"add"}, 0);
    declare("a", {"set"}, 1);
}

}  // namespace

json generate_op(Dice& dice, Theme theme, const Oracle& seen) {
    const std::string kind = dice.of(ops_of(theme));
    std::string path = dice.of(paths_of(theme, kind));
    // A root that turns into a register hides the whole log; that is worth few cases.
    while (path.empty() && kind != "assign" && kind != "delete") {
        path = dice.of(paths_of(theme, kind));
    }
    if (path.empty() && !dice.one_in(4)) path = "m";
    json op = {{"op", kind}, {"path", path}};
    if (kind == "set" && theme == Theme::resolvers) {
        op["value"] = value_for(dice, path, seen);
        // Now and then the strategy has just been changed.
        op["resolver"] = dice.one_in(12) ? 1 + dice.below(8) : resolver_of(path);
        if (dice.one_in(10)) op["decides"] = true;
    } else if (kind == "set") {
        op["value"] = any_value(dice);
    } else if (kind == "assign") {
        op["value"] = dice.one_in(6) ? json::object() : object(dice, 0);
    } else if (kind == "inc") {
        op["value"] = dice.one_in(30) ? kIntegerMax : dice.below(9) - 3;
    } else if (kind == "counter_set") {
        op["value"] = dice.below(100);
        const json counter = seen.counter(path);
        const bool saw = !counter.is_null() && !dice.one_in(8);
        op["generation"] = saw ? counter["generation"] : json::array({0, 0});
        op["seen"] = saw ? counter["value"] : json(0);
    } else if (kind == "add" || kind == "remove") {
        op["value"] = scalar(dice);
    } else if (kind == "insert") {
        op["position"] = position(dice);
        if (!dice.one_in(4)) op["value"] = object(dice, 0);
    } else if (kind == "move") {
        op["position"] = position(dice);
    }
    return op;
}

std::vector<json> generate_log(Dice& dice, const LogShape& shape) {
    struct Device {
        int64_t cursor = 0;
        int64_t counter = 0;
        int64_t skew = 0;
    };
    const int64_t kServerActor = 900;
    std::vector<Device> devices(static_cast<size_t>(shape.devices) + 1);
    for (Device& device : devices)
        device.skew = dice.below(2001) - 1000;
    const bool has_schema = dice.one_in(2);
    std::vector<json> log;
    std::vector<Oracle> states(1);  // by seq
    for (int64_t seq = 1; seq <= shape.entries; ++seq) {
        json entry;
        if (shape.has_floor && seq > 10 && dice.one_in(25)) {
            entry = {{"seq", seq},
                     {"actor", 0},
                     {"counter", 0},
                     {"stamp", {0, 0}},
                     {"own", false},
                     {"ops", json::array()},
                     {"floor", 1 + dice.below(seq - 1)}};
        } else {
            const int64_t at = dice.below(shape.devices + 1);
            Device& device = devices[static_cast<size_t>(at)];
            const bool is_server = at == shape.devices;
            const int64_t head = seq - 1;
            if (is_server) {
                device.cursor = dice.one_in(2) ? head : dice.below(head + 1);
            } else if (dice.one_in(shape.theme == Theme::crowd ? 12 : 3)) {
                device.cursor += dice.below(head - device.cursor + 1);
            }
            const Oracle& seen = states[static_cast<size_t>(device.cursor)];
            json ops = json::array();
            do {
                json op = generate_op(dice, shape.theme, seen);
                // An entry may hold ops from before and after the author's view moved.
                op["base"] =
                    device.cursor > 0 && dice.one_in(8) ? device.cursor - 1 : device.cursor;
                add_schema(op, has_schema);
                ops.push_back(std::move(op));
            } while (dice.one_in(4));
            entry = {{"seq", seq},
                     {"actor", is_server ? kServerActor : 11 + at},
                     {"counter", ++device.counter},
                     {"stamp", {1000000 + seq * 100 + device.skew, dice.below(3)}},
                     {"own", !is_server},
                     {"ops", ops}};
        }
        Oracle next = states.back();
        next.apply(entry);
        states.push_back(std::move(next));
        log.push_back(std::move(entry));
    }
    return log;
}

json generate_change(Dice& dice) {
    const Texts leaves = {"a", "m/a", "m/b/c", "l/@x/a", "l/@y", "l/@x/k/@u/a", "n", "s", "m", "l"};
    const std::string path = dice.of(leaves);
    switch (dice.below(12)) {
        case 0:
        case 1:
        case 2:
            return {{"change", "value"}, {"path", path}, {"value", any_value(dice)}};
        case 3:
            return {{"change", "counter"},
                    {"path", dice.one_in(2) ? "n" : path},
                    {"value", dice.below(50)},
                    {"generation", {11 + dice.below(3), 1 + dice.below(5)}}};
        case 4:
            return {{"change", "clear"}, {"path", dice.one_in(12) ? "" : path}};
        case 5:
            return {{"change", "empty"}, {"path", dice.one_in(2) ? "m" : path}};
        case 6:
            return {{"change", "element"},
                    {"path", dice.one_in(6) ? path : "s"},
                    {"value", scalar(dice)}};
        case 7:
            return {{"change", "no_element"},
                    {"path", dice.one_in(6) ? path : "s"},
                    {"value", scalar(dice)}};
        case 8:
        case 9: {
            const Texts items = {"l/@x", "l/@y", "l/@z", "l/@x/k/@u", "l/@x/k/@v"};
            json change = {{"change", "item"}, {"path", dice.of(items)}};
            if (!dice.one_in(5)) change["position"] = position(dice);
            return change;
        }
        case 10:
            return {{"change", "conflict"},     {"path", path},
                    {"reason", "value"},        {"dot", {11 + dice.below(2), 1 + dice.below(2)}},
                    {"value", scalar(dice)},    {"stamp", {1000 + dice.below(9), 0, 11}},
                    {"seq", 1 + dice.below(50)}};
        default:
            return {{"change", "no_conflict"},
                    {"path", path},
                    {"reason", "value"},
                    {"dot", {11 + dice.below(2), 1 + dice.below(2)}}};
    }
}

}  // namespace tandem::oracle
