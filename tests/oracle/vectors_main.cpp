// Writes the conformance vectors of tests/vectors, or with --check says whether the committed ones
// are those.

#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>

#include "oracle/client_view.hpp"
#include "oracle/generate.hpp"
#include "oracle/scenario.hpp"

namespace tandem::oracle {
namespace {

// One array element a line keeps the files small and their diffs readable.
std::string lines_of(const json& file) {
    std::string out = "{\n";
    bool first = true;
    for (const auto& [name, value] : file.items()) {
        out += std::string(first ? "" : ",\n") + json(name).dump() + ": ";
        first = false;
        if (!value.is_array()) {
            out += value.dump();
            continue;
        }
        out += "[";
        for (size_t i = 0; i < value.size(); ++i)
            out += (i == 0 ? "\n" : ",\n") + value[i].dump();
        out += "\n]";
    }
    return out + "\n}\n";
}

json merge_case(uint64_t seed, Theme theme, int64_t entries) {
    Dice dice(seed);
    LogShape shape;
    shape.theme = theme;
    shape.entries = entries;
    const bool is_crowd = theme == Theme::crowd || (theme == Theme::resolvers && seed % 3 == 0);
    shape.devices = is_crowd ? 11 : 4;
    const auto log = generate_log(dice, shape);
    json checks = json::array();
    Oracle oracle;
    for (const json& entry : log) {
        oracle.apply(entry);
        if (oracle.seq() % 4 == 0 || entry == log.back()) {
            json check = {{"seq", oracle.seq()}, {"shown", oracle.shown()}};
            check["journal"] = entry == log.back() ? oracle.journal() : oracle.open_journal();
            check["rows"] = entry == log.back() ? "all" : "open";
            checks.push_back(std::move(check));
        }
    }
    return {{"seed", seed}, {"entries", log}, {"checks", checks}};
}

json merge_file(Theme theme) {
    json cases = json::array();
    for (uint64_t i = 0; i < 10; ++i) {
        const auto seed = static_cast<uint64_t>(theme) * 1000 + i;
        cases.push_back(merge_case(seed, theme, 30 + 3 * static_cast<int64_t>(i)));
    }
    return {{"title", std::string("random logs about ") + name_of(theme)}, {"cases", cases}};
}

json changes_file() {
    json cases = json::array();
    for (uint64_t seed = 0; seed < 40; ++seed) {
        Dice dice(7000 + seed);
        ClientView view;
        json steps = json::array();
        for (int step = 0; step < 8; ++step) {
            json changes = json::array();
            const int64_t count = 1 + dice.below(5);
            for (int64_t i = 0; i < count; ++i)
                changes.push_back(generate_change(dice));
            for (const json& change : changes)
                view.apply_change(change);
            steps.push_back(
                {{"changes", changes}, {"shown", view.shown()}, {"conflicts", view.conflicts()}});
        }
        cases.push_back({{"seed", seed}, {"steps", steps}});
    }
    return {{"title", "changes applied to a view"}, {"cases", cases}};
}

json pending_file() {
    const Theme themes[] = {Theme::registers, Theme::counters, Theme::sets,      Theme::lists,
                            Theme::maps,      Theme::types,    Theme::everything};
    json cases = json::array();
    for (uint64_t seed = 0; seed < 120; ++seed) {
        Dice dice(8000 + seed);
        const Theme theme = themes[seed % std::size(themes)];
        ClientView view;
        json start = json::array();
        const int64_t count = dice.below(10);
        for (int64_t i = 0; i < count; ++i) {
            json change = generate_change(dice);
            const std::string kind = change["change"];
            if (kind == "conflict" || kind == "no_conflict" || kind == "clear") continue;
            view.apply_change(change);
            start.push_back(std::move(change));
        }
        json pending = json::array();
        json shown = json::array();
        const int64_t ops = 1 + dice.below(6);
        for (int64_t i = 0; i < ops; ++i) {
            pending.push_back(generate_op(dice, theme, Oracle{}));
            shown.push_back(view.shown_with(pending));
        }
        cases.push_back({{"seed", seed},
                         {"start", start},
                         {"confirmed", view.shown()},
                         {"pending", pending},
                         {"shown", shown}});
    }
    return {{"title", "pending ops on a confirmed view"}, {"cases", cases}};
}

json path_file() {
    const std::string long_name(255, 'k');
    std::string deep = "a";
    for (int i = 1; i < 32; ++i)
        deep += "/a";
    const std::vector<std::string> valid = {"",
                                            "/",
                                            "a",
                                            "/a",
                                            "a/b/c",
                                            "cards/@x",
                                            "cards/@x/title",
                                            "@x",
                                            "@x/@y",
                                            "a~1b",
                                            "a~0b",
                                            "~01",
                                            "~2home",
                                            "~2",
                                            "a@b",
                                            "@@x",
                                            "@x~1y",
                                            "@~0",
                                            "ä/€/😀",
                                            "with space",
                                            "id",
                                            "a/id",
                                            "@x/a/id",
                                            "@x/@id",
                                            "a.b",
                                            "0",
                                            "-",
                                            "toString",
                                            "@id",
                                            "\"quoted\"",
                                            "back\\slash",
                                            "\u00a0",
                                            long_name,
                                            "@" + long_name,
                                            deep};
    const std::vector<std::string> invalid = {
        "//",         "a//b",         "a/",    "//a",       "@",
        "a/@",        "a/@/b",        "~",     "a~",        "~3",
        "a~2b",       "@~2x",         "~02~",  "__proto__", "a/constructor",
        "@prototype", "@x/__proto__", "@x/id", "l/@x/id/a", std::string("a\0b", 3),
        "tab\there",  "line\nbreak",  "\x7f",  "@\x01",     long_name + "k",
        deep + "/a"};
    const std::vector<std::string> not_utf8 = {"\x80",         "a/\xff",           "\xc0\xaf",
                                               "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"};
    json file = {{"title", "paths as text"},
                 {"valid", json::array()},
                 {"invalid", invalid},
                 {"invalid_hex", json::array()}};
    for (const auto& text : valid) {
        const auto path = parse_path(text);
        if (!path) {
            std::fprintf(stderr, "'%s' should be a path\n", text.c_str());
            std::exit(2);
        }
        json segments = json::array();
        for (const auto& s : *path)
            segments.push_back({{s.is_item ? "item" : "key", s.name}});
        file["valid"].push_back(
            {{"text", text}, {"segments", segments}, {"canonical", path_text(*path)}});
    }
    for (const auto& text : invalid) {
        if (!parse_path(text)) continue;
        std::fprintf(stderr, "'%s' should be no path\n", text.c_str());
        std::exit(2);
    }
    const auto hex = [](const std::string& bytes) {
        std::string out;
        for (const char c : bytes) {
            char two[3];
            std::snprintf(two, sizeof two, "%02x", static_cast<unsigned>(c) & 0xffu);
            out += two;
        }
        return out;
    };
    for (const auto& text : not_utf8) {
        if (parse_path(text)) std::exit(2);
        file["invalid_hex"].push_back(hex(text));
    }
    return file;
}

std::string hex_of(const std::string& bytes) {
    std::string out;
    for (const char c : bytes) {
        char two[3];
        std::snprintf(two, sizeof two, "%02x", static_cast<unsigned>(c) & 0xffu);
        out += two;
    }
    return out;
}

json canonical_file() {
    json file = {{"title", "canonical values"}, {"equal", json::array()}, {"bytes", json::array()}};
    const std::vector<std::vector<std::string>> classes = {
        {"0", "-0", "0.0", "-0.0", "0e5"},
        {"1", "1.0", "1e0", "10e-1"},
        {"-1", "-1.0"},
        {"9007199254740991", "9007199254740991.0"},
        {"9007199254740992", "9007199254740992.0"},
        {"-9007199254740991"},
        {"1e300"},
        {"0.1", "1e-1"},
        {"2.5"},
        {"5e-324"},
        {"null"},
        {"true"},
        {"false"},
        {R"("")"},
        {R"("a")", R"("\u0061")"},
        {R"("A")"},
        {R"("ab")"},
        {R"("ä")", R"("\u00e4")"},
        {R"("a\u0308")"},
        {R"("😀")", R"("\ud83d\ude00")"},
        {R"("\u0000")"},
        {R"("0")"},
        {R"("/")", R"("\/")"},
        {"[]"},
        {"[null]"},
        {"[0]", "[-0.0]"},
        {"[1,2]", "[ 1 , 2.0 ]"},
        {"[2,1]"},
        {"[[1],2]"},
        {"{}"},
        {R"({"a":1,"b":2})", R"({"b":2,"a":1})", R"({ "b" : 2.0, "a" : 1e0 })"},
        {R"({"a":2,"b":1})"},
        {R"({"a":{"y":[1],"x":"ä"}})", R"({"a":{"x":"\u00e4","y":[1.0]}})"},
        {R"({"a":{}})"},
        {R"({"B":1,"a":2,"ä":3,"😀":4,"ﬀ":5})", R"({"😀":4,"ﬀ":5,"ä":3,"a":2,"B":1})"}};
    std::map<std::string, json> scalars;
    for (const auto& texts : classes) {
        const json value = normal(json::parse(texts.front()));
        const std::string bytes = canonical_bytes(value);
        for (const auto& text : texts) {
            if (canonical_bytes(normal(json::parse(text))) != bytes) {
                std::fprintf(stderr, "%s should equal %s\n", text.c_str(), texts.front().c_str());
                std::exit(2);
            }
        }
        file["equal"].push_back(texts);
        file["bytes"].push_back({{"text", texts.front()}, {"hex", hex_of(bytes)}});
        if (value.is_string() || value.is_number() || value.is_boolean()) scalars[bytes] = value;
    }
    json order = json::array();
    for (const auto& [bytes, value] : scalars)
        order.push_back(value);
    file["set_order"] = order;
    return file;
}

std::map<std::string, std::string> all_files() {
    std::map<std::string, std::string> files;
    for (const Theme theme :
         {Theme::registers, Theme::counters, Theme::sets, Theme::lists, Theme::maps, Theme::types,
          Theme::everything, Theme::crowd, Theme::resolvers}) {
        files[std::string("merge-") + name_of(theme) + ".json"] = lines_of(merge_file(theme));
    }
    files["view-changes.json"] = lines_of(changes_file());
    files["view-pending.json"] = lines_of(pending_file());
    files["path.json"] = lines_of(path_file());
    files["canonical.json"] = lines_of(canonical_file());
    return files;
}

int write_or_check(bool is_check, const std::string& folder) {
    int stale = 0;
    for (const auto& [name, text] : all_files()) {
        const std::string file = folder + "/" + name;
        if (!is_check) {
            std::ofstream(file, std::ios::binary) << text;
            continue;
        }
        std::ifstream in(file, std::ios::binary);
        const std::string committed{std::istreambuf_iterator<char>(in), {}};
        if (committed == text) continue;
        std::fprintf(stderr, "%s differs; run tandem_vectors %s\n", name.c_str(), folder.c_str());
        ++stale;
    }
    return stale == 0 ? 0 : 1;
}

}  // namespace
}  // namespace tandem::oracle

int main(int argc, char** argv) {
    const bool is_check = argc == 3 && std::string(argv[1]) == "--check";
    if (argc != 2 && !is_check) {
        std::fprintf(stderr, "usage: tandem_vectors [--check] FOLDER\n");
        return 2;
    }
    return tandem::oracle::write_or_check(is_check, argv[argc - 1]);
}
