#include "server/diff_command.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/value.hpp"
#include "record/detect.hpp"
#include "record/hash_compare.hpp"
#include "server/channel_api.hpp"

namespace tandem::server {

using base::Value;

namespace {

constexpr int kSame = 0;
constexpr int kDifferent = 1;
constexpr int kTrouble = 2;
// As many as a server answers at once.
constexpr size_t kPerRequestMax = 1024;
// A record that is written to while it is read is compared again.
constexpr int kAttempts = 4;

struct Side {
    std::string server;  ///< empty: a file
    std::string channel;
    std::string file;
    std::string past;  ///< at=SEQ or version=NAME, as it is asked; empty: the head
    bool is_file() const { return server.empty(); }
};

struct Row {
    std::string path;
    std::optional<Value> left;
    std::optional<Value> right;
    std::string newer;  ///< left, right or empty
    /// Of an item that both have at different positions.
    bool is_moved = false;
};

/// What is wrong with a side, for people; empty: nothing.
struct Reading {
    Side side;
    std::string problem;
};

// host:port, as people write it without a scheme.
bool is_authority(const std::string& text) {
    const size_t colon = text.rfind(':');
    return colon != std::string::npos && colon + 1 < text.size() &&
           text.find_first_not_of("0123456789", colon + 1) == std::string::npos;
}

// http://host:port/board:42, also with the API's path in between, and ?at=SEQ or ?version=NAME.
Reading side_of(const std::string& given) {
    Reading out;
    Side& side = out.side;
    std::error_code failure;
    if (given.find("://") == std::string::npos &&
        (!is_authority(given.substr(0, given.find('/'))) ||
         std::filesystem::exists(given, failure))) {
        side.file = given;
        return out;
    }
    const std::string text = given.find("://") == std::string::npos ? "http://" + given : given;
    const size_t scheme = text.find("://");
    out.problem = "'" + text + "' names no channel";
    const size_t slash = text.find('/', scheme + 3);
    if (slash == std::string::npos || slash + 1 == text.size()) return out;
    side.server = text.substr(0, slash);
    std::string_view rest = std::string_view(text).substr(slash + 1);
    std::string_view query;
    if (const size_t mark = rest.find('?'); mark != std::string_view::npos) {
        query = rest.substr(mark + 1);
        rest = rest.substr(0, mark);
    }
    constexpr std::string_view kApi = "api/v1/channels/";
    constexpr std::string_view kRecord = "/record";
    if (rest.starts_with(kApi)) rest.remove_prefix(kApi.size());
    if (rest.ends_with(kRecord)) rest.remove_suffix(kRecord.size());
    const auto channel = net::percent_decode(rest);
    if (!channel || channel->empty()) return out;
    side.channel = *channel;
    if (!query.empty()) {
        const auto params = net::parse_query(query);
        const bool is_known =
            params.size() == 1 && (params[0].first == "at" || params[0].first == "version");
        if (!is_known) {
            out.problem = "'?" + std::string(query) + "' names no state of a channel";
            return out;
        }
        side.past = params[0].first + "=" + net::percent_encode(params[0].second);
    }
    out.problem.clear();
    return out;
}

int fetch_hashes(const Side& side, const std::string& body, Value& out) {
    net::HttpClientRequest request;
    request.method = net::HttpMethod::kPost;
    request.target = channel_target(side.channel, "hashes");
    request.headers.set("Content-Type", "application/json");
    request.body = body;
    return call(side.server, request, out);
}

std::string texts_json(std::string_view name, const std::vector<std::string>& texts) {
    Value list(base::Array{});
    for (const std::string& text : texts)
        list.as_array().push_back(Value(text));
    return "{\"" + std::string(name) + "\":" + base::to_json(list) + "}";
}

std::optional<record::Digest> digest_in(const Value& json) {
    if (json.is_null()) return record::Digest{};
    return json.is_string() ? record::digest_from_hex(json.as_string()) : std::nullopt;
}

// What another server says may be anything.
std::optional<record::Subtree> subtree_in(const Value& json) {
    record::Subtree subtree;
    const Value* parts = json.find("parts");
    const Value* leaves = json.find("leaves");
    if (parts != nullptr && parts->is_array() && parts->as_array().size() == 16) {
        subtree.is_inner = true;
        for (size_t i = 0; i < 16; ++i) {
            const auto digest = digest_in(parts->as_array()[i]);
            if (!digest) return std::nullopt;
            subtree.parts[i] = *digest;
        }
        return subtree;
    }
    if (leaves == nullptr || !leaves->is_array()) return std::nullopt;
    for (const Value& leaf : leaves->as_array()) {
        if (!leaf.is_array() || leaf.as_array().size() != 2) return std::nullopt;
        const auto key = digest_in(leaf.as_array()[0]);
        const auto content = digest_in(leaf.as_array()[1]);
        if (!key || !content) return std::nullopt;
        subtree.leaves.push_back({*key, *content});
    }
    return subtree;
}

class Comparer {
  public:
    Comparer(const DiffCommand& command, Side left, Side right)
        : command_(command), left_(std::move(left)), right_(std::move(right)) {}

    int run() {
        const bool has_tree =
            !left_.is_file() && !right_.is_file() && left_.past.empty() && right_.past.empty();
        if (!has_tree) return compare_values();
        for (int attempt = 1; attempt <= kAttempts; ++attempt) {
            rows_.clear();
            others_ = 0;
            is_moving_ = false;
            if (const int code = compare_hashes(); code != 0) return code;
            if (const int code = compare_places(); code != 0) return code;
            if (!is_moving_) break;
        }
        if (is_moving_)
            complain("a record was written to while it was read",
                     "What was written meanwhile may show as a difference.");
        return finish();
    }

  private:
    // Both records on servers, by their trees of hashes.
    int compare_hashes() {
        record::HashComparison comparison(kPerRequestMax);
        std::string hashes[2];
        while (!comparison.is_done()) {
            const std::string body = texts_json("nodes", comparison.wanted());
            std::vector<record::Subtree> subtrees[2];
            for (int i = 0; i < 2; ++i) {
                Value answer;
                if (fetch_hashes(side(i), body, answer) != 0) return kTrouble;
                if (!note_hash(answer, hashes[i])) return misunderstood(side(i));
                const Value* nodes = answer.find("nodes");
                if (nodes == nullptr || !nodes->is_array()) return misunderstood(side(i));
                for (const Value& node : nodes->as_array()) {
                    auto subtree = subtree_in(node);
                    if (!subtree) return misunderstood(side(i));
                    subtrees[i].push_back(std::move(*subtree));
                }
            }
            if (hashes[0] == hashes[1]) return kSame;
            if (!comparison.handle(subtrees[0], subtrees[1])) return misunderstood(right_);
        }
        return fetch_fields(comparison.differences(), hashes);
    }

    int fetch_fields(const std::vector<record::HashComparison::Difference>& differences,
                     std::string (&hashes)[2]) {
        for (size_t from = 0; from < differences.size(); from += kPerRequestMax) {
            const size_t to = std::min(differences.size(), from + kPerRequestMax);
            std::map<std::string, Value> fields[2];
            for (int i = 0; i < 2; ++i) {
                std::vector<std::string> keys;
                for (size_t at = from; at < to; ++at) {
                    if (i == 0 ? differences[at].is_left : differences[at].is_right)
                        keys.push_back(record::to_hex(differences[at].key));
                }
                if (keys.empty()) continue;
                Value answer;
                if (fetch_hashes(side(i), texts_json("fields", keys), answer) != 0) return kTrouble;
                if (!note_hash(answer, hashes[i])) return misunderstood(side(i));
                const Value* list = answer.find("fields");
                if (list == nullptr || !list->is_array()) return misunderstood(side(i));
                for (const Value& field : list->as_array()) {
                    const Value* path = field.find("path");
                    if (path != nullptr && path->is_string())
                        fields[i].emplace(path->as_string(), field);
                }
            }
            for (const auto& [path, field] : fields[0]) {
                const auto other = fields[1].find(path);
                add(path, &field, other == fields[1].end() ? nullptr : &other->second);
            }
            for (const auto& [path, field] : fields[1]) {
                if (!fields[0].contains(path)) add(path, nullptr, &field);
            }
        }
        return 0;
    }

    // Positions are names of places: lists that were written apart have others for the same order.
    int compare_places() {
        std::map<std::string, bool> is_same_order;
        for (Row& row : rows_) {
            if (!row.is_moved) continue;
            const size_t slash = row.path.rfind('/');
            const std::string list = row.path.substr(0, slash == std::string::npos ? 0 : slash);
            auto [at, is_new] = is_same_order.try_emplace(list, false);
            if (is_new)
                if (const int code = compare_order(list, at->second); code != 0) return code;
            if (!at->second) continue;
            for (std::optional<Value>* shown : {&row.left, &row.right}) {
                const Value* value = (*shown)->find("value");
                *shown = Value(value != nullptr ? *value : Value(base::Object{}));
            }
        }
        const size_t before = rows_.size();
        std::erase_if(rows_, [](const Row& row) { return row.is_moved && row.left == row.right; });
        others_ += before - rows_.size();
        return 0;
    }

    // Whether the items that both lists have stand in one order.
    int compare_order(const std::string& list, bool& is_same) {
        std::vector<std::string> ids[2];
        for (int i = 0; i < 2; ++i) {
            net::HttpClientRequest request;
            request.target =
                channel_target(side(i).channel, "record") + "?path=" + net::percent_encode(list);
            Value answer;
            if (call(side(i).server, request, answer) != 0) return kTrouble;
            const Value* items = answer.find("value");
            if (items == nullptr || !items->is_array()) continue;
            for (const Value& item : items->as_array())
                if (const Value* id = item.find("id"); id != nullptr && id->is_string())
                    ids[i].push_back(id->as_string());
        }
        for (int i = 0; i < 2; ++i) {
            const std::set<std::string> other(ids[1 - i].begin(), ids[1 - i].end());
            std::erase_if(ids[i], [&](const std::string& id) { return !other.contains(id); });
        }
        is_same = ids[0] == ids[1];
        return 0;
    }

    const Side& side(int index) const { return index == 0 ? left_ : right_; }

    bool note_hash(const Value& answer, std::string& hash) {
        const Value* now = answer.find("hash");
        if (now == nullptr || !now->is_string()) return false;
        if (!hash.empty() && hash != now->as_string()) is_moving_ = true;
        hash = now->as_string();
        return true;
    }

    static int misunderstood(const Side& side) {
        complain(side.server + " answered something else",
                 "Is it a Tandem server of this version?");
        return kTrouble;
    }

    // What a field shows, apart from what is below it: a value, or an item's position.
    static std::optional<Value> shown(const Value* field) {
        if (field == nullptr) return std::nullopt;
        const Value* value = field->find("value");
        const Value* position = field->find("position");
        if (position == nullptr) return value != nullptr ? *value : Value(base::Object{});
        Value item(base::Object{});
        item.put("position", *position);
        if (value != nullptr) item.put("value", *value);
        return item;
    }

    static bool is_placed(const Value& field) { return field.find("position") != nullptr; }

    // [milliseconds, logical counter]; empty where it has none.
    static std::vector<double> stamp(const Value& field) {
        std::vector<double> out;
        const Value* stamp = field.find("stamp");
        if (stamp == nullptr || !stamp->is_array()) return out;
        for (const Value& number : stamp->as_array())
            out.push_back(number.is_number() ? number.as_number() : 0);
        return out;
    }

    void add(const std::string& path, const Value* left, const Value* right) {
        // The root is there always, or shows nothing of its own.
        if (path.empty()) return;
        Row row{path, shown(left), shown(right), {}, false};
        row.is_moved = left != nullptr && right != nullptr && is_placed(*left) &&
                       is_placed(*right) && *left->find("position") != *right->find("position");
        if (row.left == row.right) {
            ++others_;
            return;
        }
        if (left != nullptr && right != nullptr) {
            const auto l = stamp(*left);
            const auto r = stamp(*right);
            if (!l.empty() && !r.empty() && l != r) row.newer = l < r ? "right" : "left";
        }
        rows_.push_back(std::move(row));
    }

    void add_row(const std::string& path, std::optional<Value> left, std::optional<Value> right) {
        rows_.push_back({path, std::move(left), std::move(right), {}, false});
    }

    // With a file or an older state on a side there are values only.
    int compare_values() {
        Value values[2];
        std::string hashes[2];
        for (int i = 0; i < 2; ++i) {
            if (side(i).is_file() && load(side(i), values[i], hashes[i]) != 0) return kTrouble;
        }
        for (int i = 0; i < 2; ++i) {
            if (side(i).is_file()) continue;
            if (!hashes[1 - i].empty() && side(i).past.empty()) {
                Value answer;
                if (fetch_hashes(side(i), "{}", answer) != 0) return kTrouble;
                if (!note_hash(answer, hashes[i])) return misunderstood(side(i));
                if (hashes[0] == hashes[1]) return finish();
            }
            net::HttpClientRequest request;
            request.target = channel_target(side(i).channel, "record");
            if (!side(i).past.empty()) request.target += '?' + side(i).past;
            Value answer;
            if (call(side(i).server, request, answer) != 0) return kTrouble;
            const Value* value = answer.find("value");
            const Value* hash = answer.find("hash");
            if (value == nullptr || hash == nullptr || !hash->is_string())
                return misunderstood(side(i));
            values[i] = *value;
            hashes[i] = hash->as_string();
        }
        std::map<std::string, Value> fields[2];
        for (int i = 0; i < 2; ++i)
            flatten({}, values[i], fields[i]);
        for (const auto& [path, value] : fields[0]) {
            const auto other = fields[1].find(path);
            if (other == fields[1].end()) {
                add_row(path, value, std::nullopt);
            } else if (value != other->second) {
                add_row(path, value, other->second);
            }
        }
        for (const auto& [path, value] : fields[1]) {
            if (!fields[0].contains(path)) add_row(path, std::nullopt, value);
        }
        return finish();
    }

    static int load(const Side& side, Value& value, std::string& hash) {
        Value file;
        if (read_json_file(side.file, file) != 0) return kTrouble;
        const Value* inner = file.find("value");
        const Value* of = file.find("hash");
        if (inner == nullptr || of == nullptr || !of->is_string()) {
            value = std::move(file);
            return 0;
        }
        hash = of->as_string();
        value = *inner;
        return 0;
    }

    // Items go by their ids; what comes before an item is part of it, so that a moved one shows.
    static void flatten(const record::Path& path, const Value& value,
                        std::map<std::string, Value>& out) {
        record::Path below = path;
        if (value.is_object() && (path.empty() || !value.as_object().empty())) {
            for (const base::Member& member : value.as_object()) {
                below.push_back({record::Segment::Kind::key, member.key});
                flatten(below, member.value, out);
                below.pop_back();
            }
            return;
        }
        if (!record::is_item_array(value)) {
            out.emplace(record::to_text(path), value);
            return;
        }
        Value before;
        for (const Value& element : value.as_array()) {
            const Value& id = *element.find("id");
            below.push_back({record::Segment::Kind::item, id.as_string()});
            Value item(base::Object{});
            item.put("after", before);
            out.emplace(record::to_text(below), item);
            for (const base::Member& member : element.as_object()) {
                if (member.key == "id") continue;
                below.push_back({record::Segment::Kind::key, member.key});
                flatten(below, member.value, out);
                below.pop_back();
            }
            below.pop_back();
            before = id;
        }
    }

    int finish() {
        std::sort(rows_.begin(), rows_.end(),
                  [](const Row& a, const Row& b) { return a.path < b.path; });
        if (command_.is_json) {
            print_json();
        } else {
            print_table();
        }
        return rows_.empty() ? kSame : kDifferent;
    }

    void print_json() const {
        std::string line = rows_.empty() ? "{\"equal\":true" : "{\"equal\":false";
        line += ",\"differences\":[";
        const char* separator = "";
        for (const Row& row : rows_) {
            line += separator;
            line += "{\"path\":";
            base::append_json_string(line, row.path);
            if (row.left) line += ",\"left\":" + base::to_json(*row.left);
            if (row.right) line += ",\"right\":" + base::to_json(*row.right);
            if (!row.newer.empty()) line += ",\"newer\":\"" + row.newer + '"';
            line += '}';
            separator = ",";
        }
        std::printf("%s]}\n", line.c_str());
    }

    static std::string cell(const std::optional<Value>& value) {
        constexpr size_t kWidthMax = 36;
        if (!value) return "-";
        std::string text = base::to_json(*value);
        if (text.size() <= kWidthMax) return text;
        size_t end = kWidthMax - 3;
        // Not within a character.
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
            --end;
        return text.substr(0, end) + "...";
    }

    void print_table() const {
        if (rows_.empty()) {
            std::printf("The records show the same.\n");
            if (others_ > 0)
                std::printf("%zu fields were written by others, or at other times.\n", others_);
            return;
        }
        std::vector<std::array<std::string, 4>> lines = {{"FIELD", "LEFT", "RIGHT", "NEWER"}};
        for (const Row& row : rows_)
            lines.push_back({row.path, cell(row.left), cell(row.right),
                             row.newer.empty() ? std::string("-") : row.newer});
        size_t widths[3] = {};
        for (const auto& line : lines)
            for (size_t i = 0; i < 3; ++i)
                widths[i] = std::max(widths[i], line[i].size());
        for (const auto& line : lines)
            std::printf("%-*s  %-*s  %-*s  %s\n", static_cast<int>(widths[0]), line[0].c_str(),
                        static_cast<int>(widths[1]), line[1].c_str(), static_cast<int>(widths[2]),
                        line[2].c_str(), line[3].c_str());
    }

    const DiffCommand& command_;
    Side left_;
    Side right_;
    std::vector<Row> rows_;
    size_t others_ = 0;  ///< fields that differ in their origin only
    bool is_moving_ = false;
};

}  // namespace

int run_diff(const DiffCommand& command) {
    const Reading left = side_of(command.left);
    const Reading right = side_of(command.right);
    for (const Reading* reading : {&left, &right}) {
        if (reading->problem.empty()) continue;
        complain(reading->problem,
                 "Write it as http://127.0.0.1:8080/board:42, with ?at=SEQ or ?version=NAME for an "
                 "older state, or name a file.");
        return kTrouble;
    }
    return Comparer(command, left.side, right.side).run();
}

}  // namespace tandem::server
