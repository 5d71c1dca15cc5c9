// Export and import of channels as JSON lines: one line a channel, with the kinds of its fields
// and its open conflicts.

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <set>

#include "base/limits.hpp"
#include "server/client_commands.hpp"
#include "server/remote.hpp"

namespace tandem::server {

using base::Value;

namespace {

constexpr std::string_view kFormat = "tandem-export-1";
// Well below what a server takes in one message.
constexpr size_t kPushBytes = 32 * base::kKiB;
constexpr size_t kPushOps = 500;

// The last channel that an earlier, interrupted export has written whole; what comes after its
// line is cut off.
base::Result<std::string> continue_file(const std::string& path) {
    std::string last;
    std::streamoff whole = 0;
    {
        std::ifstream in(path, std::ios::binary);
        if (!in) return last;
        std::string line;
        while (std::getline(in, line) && !in.eof()) {
            const auto json = base::parse_json(line, base::kLooseValueLimits);
            if (!json) return base::fail(base::ErrorCode::malformed);
            if (text_of(*json, "format").empty()) last = text_of(*json, "channel");
            whole = in.tellg();
        }
    }
    if (truncate(path.c_str(), whole) != 0)
        return base::fail(base::ErrorCode::io_failed, static_cast<uint64_t>(errno));
    return last;
}

}  // namespace

int run_export(const ClientCommand& command) {
    const bool is_stdout = command.file == "-";
    std::string after;
    std::ofstream file;
    if (!is_stdout) {
        auto last = continue_file(command.file);
        if (!last)
            return complain("'" + command.file + "' is no export that can be continued",
                            "Choose another file, or remove this one.");
        after = *last;
        file.open(command.file, std::ios::binary | std::ios::app);
        if (!file)
            return complain("cannot write " + command.file, "Check the path and its permissions.");
    }
    std::ostream& out = is_stdout ? std::cout : file;
    if (is_stdout || file.tellp() == 0) out << "{\"format\":\"" << kFormat << "\"}\n";
    Progress progress;
    uint64_t count = 0;
    bool has_more = true;
    while (has_more) {
        Value page;
        const std::string target =
            "/api/v1/channels?limit=100&prefix=" + net::percent_encode(command.prefix) +
            "&after=" + net::percent_encode(after);
        if (const int code = get_json(command.url, target, page); code != 0) return code;
        const Value* channels = page.find("channels");
        if (channels == nullptr || !channels->is_array()) break;
        for (const Value& row : channels->as_array()) {
            after = text_of(row, "name");
            Value record;
            if (const int code = get_json(
                    command.url, channel_target(after, "record") + "?form=changes", record);
                code != 0)
                return code;
            Value line(base::Object{});
            line.put("channel", Value(after));
            for (const char* member : {"epoch", "seq", "hash", "changes"})
                if (const Value* value = record.find(member); value != nullptr)
                    line.put(member, *value);
            out << base::to_json(line) << '\n' << std::flush;
            if (!out)
                return complain("cannot write " + command.file,
                                "Is the disk full? The export goes on when it is started again.");
            progress.show(std::to_string(++count) + " channels, " + after);
        }
        const Value* more = page.find("more");
        has_more = more != nullptr && more->is_bool() && more->as_bool();
    }
    progress.clear();
    std::fprintf(stderr, "%llu channels exported\n", static_cast<unsigned long long>(count));
    return 0;
}

namespace {

// Collects ops and writes them in pieces, all of them made on the state before the first.
class Importer {
  public:
    Importer(const ClientCommand& command, std::string channel, uint64_t base)
        : command_(command), channel_(std::move(channel)), base_(base) {}

    int add(Value op) {
        std::string json = base::to_json(op);
        if (count_ > 0 && (count_ == kPushOps || ops_.size() + json.size() > kPushBytes))
            if (const int code = flush(); code != 0) return code;
        ops_ += (count_++ > 0 ? "," : "") + json;
        return 0;
    }
    int flush() {
        if (count_ == 0) return 0;
        Value answer;
        const std::string body = "{\"base\":" + std::to_string(base_) + ",\"ops\":[" + ops_ + "]}";
        ops_.clear();
        count_ = 0;
        return send_json(command_.url, net::HttpMethod::kPatch, channel_target(channel_, "record"),
                         body, answer);
    }

  private:
    const ClientCommand& command_;
    std::string channel_;
    uint64_t base_;
    std::string ops_;
    size_t count_ = 0;
};

// The op that makes an absolute change; null for what is no field.
Value op_of(const Value& change) {
    const std::string kind = text_of(change, "change");
    Value op(base::Object{});
    const auto fill = [&](const char* name) {
        op.put("op", Value(name));
        op.put("path", Value(text_of(change, "path")));
        if (const Value* value = change.find("value"); value != nullptr) op.put("value", *value);
        return op;
    };
    if (kind == "value") return fill("set");
    if (kind == "counter") return fill("counter_set");
    if (kind == "element") return fill("add");
    if (kind == "empty") {
        fill("assign");
        op.put("value", Value(base::Object{}));
        return op;
    }
    if (kind == "item") {
        fill("insert");
        if (const Value* position = change.find("position"); position != nullptr)
            op.put("position", *position);
        return op;
    }
    return {};
}

bool is_value_conflict(const Value& change) {
    return text_of(change, "change") == "conflict" && text_of(change, "reason") == "value";
}

int import_channel(const ClientCommand& command, const Value& line, uint64_t& left_out) {
    const std::string channel = text_of(line, "channel");
    const Value* changes = line.find("changes");
    if (channel.empty() || changes == nullptr || !changes->is_array())
        return complain("a line is no channel of an export", "Was the file changed?");
    Value now;
    if (const int code = get_json(command.url, channel_target(channel, "record"), now); code != 0)
        return code;
    // A channel that shows this state already was imported before.
    const std::string hash = text_of(line, "hash");
    if (!hash.empty() && hash == text_of(now, "hash")) return 0;
    Importer importer(command, channel, number_of(now, "seq"));
    // Neither has seen the other, so the values that are not shown are in the journal again.
    std::set<std::string> shown;
    for (const Value& change : changes->as_array())
        if (text_of(change, "change") == "value") shown.insert(text_of(change, "path"));
    for (const Value& change : changes->as_array()) {
        if (text_of(change, "change") != "conflict") continue;
        if (!is_value_conflict(change) || !shown.contains(text_of(change, "path"))) {
            ++left_out;
            continue;
        }
        Value op(base::Object{});
        op.put("op", Value("set"));
        op.put("path", Value(text_of(change, "path")));
        op.put("value", *change.find("value"));
        if (const int code = importer.add(std::move(op)); code != 0) return code;
        // Each in an entry of its own: one entry has seen what it wrote before.
        if (const int code = importer.flush(); code != 0) return code;
    }
    for (const Value& change : changes->as_array()) {
        Value op = op_of(change);
        if (op.is_null()) continue;
        if (const int code = importer.add(std::move(op)); code != 0) return code;
    }
    return importer.flush();
}

}  // namespace

int run_import(const ClientCommand& command) {
    std::ifstream file;
    if (command.file != "-") {
        file.open(command.file, std::ios::binary);
        if (!file)
            return complain("cannot read " + command.file, "Check the path and its permissions.");
    }
    std::istream& in = command.file == "-" ? std::cin : file;
    Progress progress;
    std::string text;
    uint64_t count = 0;
    uint64_t left_out = 0;
    bool is_first = true;
    while (std::getline(in, text)) {
        const auto line = base::parse_json(text, base::kLooseValueLimits);
        if (!line)
            return complain("line " + std::to_string(count + 2) + " is not JSON",
                            "Was the export interrupted? Start it again; it goes on.");
        if (is_first && text_of(*line, "format") != kFormat)
            return complain("this is no export of Tandem", "Make one with `tandem export`.");
        if (!std::exchange(is_first, false)) {
            if (const int code = import_channel(command, *line, left_out); code != 0) {
                progress.clear();
                std::fprintf(stderr,
                             "        Stopped at %s. Start the import again to go on; channels "
                             "that are done are left as they are.\n",
                             text_of(*line, "channel").c_str());
                return code;
            }
            progress.show(std::to_string(++count) + " channels, " + text_of(*line, "channel"));
        }
    }
    progress.clear();
    std::fprintf(stderr, "%llu channels imported\n", static_cast<unsigned long long>(count));
    if (left_out > 0)
        std::fprintf(stderr,
                     "%llu conflicts are of places, kinds or counters and were left out; the "
                     "values that were shown are all there\n",
                     static_cast<unsigned long long>(left_out));
    return 0;
}

}  // namespace tandem::server
