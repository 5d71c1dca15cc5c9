#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "record/test_log.hpp"

// Runs the shared vectors, which are made by an independent reading of docs/merge.md.
namespace tandem::record {
namespace {

using base::Value;
using testing::json;

std::filesystem::path vectors() { return TANDEM_VECTORS_DIR; }

Value read(const std::filesystem::path& file) {
    std::ifstream stream(file);
    std::stringstream text;
    text << stream.rdbuf();
    return json(text.str());
}

const Value& at(const Value& object, std::string_view key) {
    const Value* found = object.find(key);
    TANDEM_ASSERT(found != nullptr);
    return *found;
}

uint64_t number(const Value& object, std::string_view key) {
    const Value* found = object.find(key);
    return found == nullptr ? 0 : static_cast<uint64_t>(found->as_integer());
}

Entry entry_of(const Value& given) {
    Entry entry;
    entry.seq = number(given, "seq");
    entry.actor = number(given, "actor");
    entry.counter = number(given, "counter");
    entry.floor = number(given, "floor");
    if (const Value* own = given.find("own")) entry.own = own->as_bool();
    if (const Value* stamp = given.find("stamp")) {
        entry.stamp = {static_cast<uint64_t>(stamp->as_array()[0].as_integer()),
                       static_cast<uint32_t>(stamp->as_array()[1].as_integer()), entry.actor};
    }
    const Value* ops = given.find("ops");
    if (ops == nullptr) return entry;
    for (const Value& each : ops->as_array()) {
        // What does not even decode is refused before the log; applying it does nothing.
        auto op = op_from_json(each);
        if (!op.ok()) continue;
        op->seen_seq = op->base.seq;
        op->resolver = static_cast<Resolver>(number(each, "resolver"));
        if (const Value* declared = each.find("declared")) op->is_declared = declared->as_bool();
        entry.ops.push_back(*op);
    }
    return entry;
}

std::string dot_text(const Dot& dot) {
    return "[" + std::to_string(dot.actor) + "," + std::to_string(dot.counter) + "]";
}

std::string stamp_text(const clock::Stamp& stamp) {
    return "[" + std::to_string(stamp.ms) + "," + std::to_string(stamp.logical) + "," +
           std::to_string(stamp.actor) + "]";
}

// A row as the vectors have it, with members in the order of their keys.
std::string row_text(const Row& row) {
    std::string decided_by;
    if (row.decided_by != Dot{}) decided_by = ",\"decided_by\":" + dot_text(row.decided_by);
    std::string out = "{\"closed_seq\":" + std::to_string(row.closed_seq) + decided_by +
                      ",\"dot\":" + dot_text(row.dot) +
                      ",\"loser_seq\":" + std::to_string(row.loser_seq) + ",\"path\":";
    base::append_json_string(out, to_text(row.path));
    out += ",\"reason\":";
    base::append_json_string(out, name_of(row.reason));
    out += ",\"seq\":" + std::to_string(row.seq) + ",\"stamp\":" + stamp_text(row.stamp) +
           ",\"value\":" + base::to_json(row.value) + "}";
    return out;
}

std::string rows_text(std::vector<std::string> rows) {
    std::sort(rows.begin(), rows.end());
    std::string out;
    for (const std::string& row : rows)
        out += row + "\n";
    return out;
}

std::string journal_text(const Document& document, Document::Rows which) {
    std::vector<std::string> rows;
    for (const Row& row : document.journal(which))
        rows.push_back(row_text(row));
    return rows_text(std::move(rows));
}

std::string array_text(const Value& array) {
    std::vector<std::string> rows;
    for (const Value& row : array.as_array())
        rows.push_back(base::to_json(row));
    return rows_text(std::move(rows));
}

void run_case(const Value& given) {
    SCOPED_TRACE("seed " + std::to_string(number(given, "seed")));
    Document document;
    const base::Array& checks = at(given, "checks").as_array();
    size_t next = 0;
    for (const Value& each : at(given, "entries").as_array()) {
        document.apply(entry_of(each));
        while (next < checks.size() && number(checks[next], "seq") == document.seq()) {
            const Value& check = checks[next++];
            SCOPED_TRACE("seq " + std::to_string(document.seq()));
            EXPECT_EQ(base::to_json(document.shown({})), base::to_json(at(check, "shown")));
            bool only_open = at(check, "rows").as_string() == "open";
            EXPECT_EQ(
                journal_text(document, only_open ? Document::Rows::open : Document::Rows::all),
                array_text(at(check, "journal")));
        }
    }
    EXPECT_EQ(next, checks.size());
}

TEST(Vectors, Merge) {
    size_t files = 0;
    for (const auto& file : std::filesystem::directory_iterator(vectors())) {
        if (!file.path().filename().string().starts_with("merge-")) continue;
        ++files;
        SCOPED_TRACE(file.path().filename().string());
        Value given = read(file.path());
        for (const Value& each : at(given, "cases").as_array())
            run_case(each);
    }
    EXPECT_GT(files, 0u);
}

TEST(Vectors, ViewChanges) {
    Value given = read(vectors() / "view-changes.json");
    for (const Value& each : at(given, "cases").as_array()) {
        SCOPED_TRACE("seed " + std::to_string(number(each, "seed")));
        View view;
        for (const Value& step : at(each, "steps").as_array()) {
            for (const Value& change : at(step, "changes").as_array()) {
                auto parsed = change_from_json(change);
                ASSERT_TRUE(parsed.ok()) << base::to_json(change);
                view.apply(*parsed);
            }
            EXPECT_EQ(base::to_json(view.shown({})), base::to_json(at(step, "shown")));
            std::vector<std::string> conflicts;
            for (const Row& row : view.conflicts()) {
                Change change;
                change.kind = ChangeKind::conflict;
                change.path = row.path;
                change.reason = row.reason;
                change.dot = row.dot;
                change.value = row.value;
                change.stamp = row.stamp;
                change.seq = row.seq;
                std::string text;
                append_change_json(text, change);
                conflicts.push_back(base::to_json(json(text)));
            }
            EXPECT_EQ(rows_text(conflicts), array_text(at(step, "conflicts")));
        }
    }
}

TEST(Vectors, ViewPending) {
    Value given = read(vectors() / "view-pending.json");
    for (const Value& each : at(given, "cases").as_array()) {
        SCOPED_TRACE("seed " + std::to_string(number(each, "seed")));
        View view;
        for (const Value& change : at(each, "start").as_array()) {
            auto parsed = change_from_json(change);
            ASSERT_TRUE(parsed.ok());
            view.apply(*parsed);
        }
        EXPECT_EQ(base::to_json(view.shown({})), base::to_json(at(each, "confirmed")));
        const base::Array& pending = at(each, "pending").as_array();
        const base::Array& shown = at(each, "shown").as_array();
        ASSERT_EQ(pending.size(), shown.size());
        for (size_t i = 0; i < pending.size(); ++i) {
            SCOPED_TRACE(base::to_json(pending[i]));
            auto op = op_from_json(pending[i]);
            if (op.ok()) view.apply_plain(*op, Dot{1, i + 1});
            EXPECT_EQ(base::to_json(view.shown({})), base::to_json(shown[i]));
        }
    }
}

TEST(Vectors, Paths) {
    Value given = read(vectors() / "path.json");
    for (const Value& each : at(given, "valid").as_array()) {
        auto parsed = parse_path(at(each, "text").as_string());
        ASSERT_TRUE(parsed.ok()) << base::to_json(each);
        EXPECT_EQ(to_text(*parsed), at(each, "canonical").as_string());
        base::Array segments;
        for (const Segment& segment : *parsed) {
            segments.push_back(Value(base::Object{
                {segment.is_item() ? "item" : "key", Value(std::string_view(segment.name))}}));
        }
        EXPECT_EQ(Value(segments), at(each, "segments")) << base::to_json(each);
        std::string bytes;
        encode_path(bytes, *parsed);
        auto decoded = decode_path(bytes);
        ASSERT_TRUE(decoded.ok());
        EXPECT_EQ(*decoded, *parsed);
    }
    for (const Value& text : at(given, "invalid").as_array()) {
        EXPECT_FALSE(parse_path(text.as_string()).ok()) << text.as_string();
    }
    for (const Value& hex : at(given, "invalid_hex").as_array()) {
        std::string bytes;
        const std::string& digits = hex.as_string();
        for (size_t i = 0; i + 1 < digits.size(); i += 2) {
            bytes.push_back(static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16)));
        }
        EXPECT_FALSE(parse_path(bytes).ok()) << digits;
    }
}

TEST(Vectors, CanonicalValues) {
    Value given = read(vectors() / "canonical.json");
    for (const Value& each : at(given, "bytes").as_array()) {
        const std::string& text = at(each, "text").as_string();
        std::string hex;
        for (char c : base::canonical_bytes(json(text))) {
            hex += "0123456789abcdef"[static_cast<uint8_t>(c) >> 4];
            hex += "0123456789abcdef"[static_cast<uint8_t>(c) & 15];
        }
        EXPECT_EQ(hex, at(each, "hex").as_string()) << text;
    }
    for (const Value& group : at(given, "equal").as_array()) {
        std::string first = base::canonical_bytes(json(group.as_array()[0].as_string()));
        for (const Value& text : group.as_array()) {
            EXPECT_EQ(base::canonical_bytes(json(text.as_string())), first) << text.as_string();
        }
    }
    std::string previous;
    for (const Value& element : at(given, "set_order").as_array()) {
        std::string bytes = base::canonical_bytes(element);
        EXPECT_LT(previous, bytes) << base::to_json(element);
        previous = bytes;
    }
}

}  // namespace
}  // namespace tandem::record
