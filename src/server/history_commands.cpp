// Verbs that look at channels, their past and their conflicts.

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <optional>
#include <vector>

#include "server/channel_api.hpp"
#include "server/client_commands.hpp"
#include "server/remote.hpp"

namespace tandem::server {

using base::Value;

namespace {

constexpr size_t kValueColumns = 40;

const base::Array& rows_of(const Value& answer, std::string_view name) {
    static const base::Array none;
    const Value* rows = answer.find(name);
    return rows != nullptr && rows->is_array() ? rows->as_array() : none;
}

std::string dot_of(const Value& row) {
    const Value* dot = row.find("dot");
    if (dot == nullptr || !dot->is_array() || dot->as_array().size() != 2) return {};
    return base::to_json(dot->as_array()[0]) + ":" + base::to_json(dot->as_array()[1]);
}

}  // namespace

namespace {

/// Rows of what changed, in their order.
struct Changes {
    std::vector<Value> rows;
    uint64_t next = 0;  ///< where the rest begins; 0: there is none
};

// The rows above `from` and up to `to`, until there are so many. Those of one entry stay together.
int read_changes(const ClientCommand& command, uint64_t from, std::optional<uint64_t> to,
                 uint64_t rows_max, Changes& out) {
    out = {{}, from};
    do {
        const uint64_t page_max = std::min<uint64_t>(rows_max - out.rows.size(), 1000);
        std::string target = channel_target(command.channel, "changes") +
                             "?from=" + std::to_string(out.next) +
                             "&limit=" + std::to_string(page_max);
        if (to) target += "&to=" + std::to_string(*to);
        Value page;
        if (const int code = get_json(command.url, target, page); code != 0) return code;
        for (const Value& row : rows_of(page, "changes"))
            out.rows.push_back(row);
        out.next = number_of(page, "next");
    } while (out.next != 0 && out.rows.size() < rows_max);
    return 0;
}

// The newest rows, so many as the limit says: spans of the log are read from its end, each twice as
// long as the one before, since an entry may have no row or hundreds.
int read_newest(const ClientCommand& command, Changes& out) {
    Value log;
    if (const int code =
            get_json(command.url, channel_target(command.channel, "entries") + "?limit=1", log);
        code != 0)
        return code;
    const uint64_t ground = std::max<uint64_t>(number_of(log, "oldest"), 1) - 1;
    uint64_t to = std::min(number_of(log, "head"), command.to.value_or(UINT64_MAX));
    for (uint64_t span = command.limit; to > ground && out.rows.size() < command.limit; span *= 2) {
        const uint64_t from = std::max(ground, to - std::min(to, span));
        Changes part;
        if (const int code = read_changes(command, from, to, UINT64_MAX, part); code != 0)
            return code;
        out.rows.insert(out.rows.begin(), std::make_move_iterator(part.rows.begin()),
                        std::make_move_iterator(part.rows.end()));
        to = from;
    }
    if (out.rows.size() > command.limit)
        out.rows.erase(out.rows.begin(),
                       out.rows.end() - static_cast<std::ptrdiff_t>(command.limit));
    return 0;
}

}  // namespace

int run_history(const ClientCommand& command) {
    Changes changes;
    const int code = command.from
                         ? read_changes(command, *command.from, command.to, command.limit, changes)
                         : read_newest(command, changes);
    if (code != 0) return code;
    Table table({"SEQ", "WHEN", "BY", "OP", "PATH", "BEFORE", "AFTER"});
    for (const Value& row : changes.rows) {
        if (command.is_json) {
            print_line(base::to_json(row));
            continue;
        }
        const uint64_t by = number_of(row, "by");
        table.add({std::to_string(number_of(row, "seq")), time_text(number_of(row, "when_ms")),
                   by == 1 ? "http" : std::to_string(by), text_of(row, "op"), text_of(row, "path"),
                   brief_of(row, "before", kValueColumns), brief_of(row, "after", kValueColumns)});
    }
    if (!command.is_json) table.print();
    if (changes.next != 0)
        std::fprintf(stderr, "tandem: there is more: --from %llu goes on\n",
                     static_cast<unsigned long long>(changes.next));
    return 0;
}

int run_channels(const ClientCommand& command) {
    Table table({"CHANNEL", "HEAD", "BYTES", "CHANGED", "HERE", "FOLLOWED BY"});
    std::string after;
    while (true) {
        Value page;
        const std::string target =
            "/api/v1/channels?limit=1000&prefix=" + net::percent_encode(command.prefix) +
            "&after=" + net::percent_encode(after);
        if (const int code = get_json(command.url, target, page); code != 0) return code;
        for (const Value& row : rows_of(page, "channels")) {
            after = text_of(row, "name");
            if (command.is_json)
                print_line(base::to_json(row));
            else
                table.add({after, std::to_string(number_of(row, "head")),
                           std::to_string(number_of(row, "bytes")),
                           time_text(number_of(row, "changed_ms")),
                           std::to_string(number_of(row, "members")),
                           std::to_string(number_of(row, "subscribers"))});
        }
        const Value* more = page.find("more");
        if (more == nullptr || !more->is_bool() || !more->as_bool()) break;
    }
    if (!command.is_json) table.print();
    return 0;
}

namespace {

int decide(const ClientCommand& command, const base::Array& rows) {
    const bool is_restore = !command.restore.empty();
    const std::string& path = is_restore ? command.restore : command.keep;
    std::vector<const Value*> chosen;
    for (const Value& row : rows)
        if (text_of(row, "path") == path && (command.dot.empty() || dot_of(row) == command.dot))
            chosen.push_back(&row);
    if (chosen.empty())
        return complain("no conflict of this channel is at '" + path + "'",
                        "`tandem conflicts` lists them; --all shows those that were closed.");
    if (is_restore && chosen.size() > 1) {
        complain("several values are at '" + path + "'", "Say which one with --dot ACTOR:COUNTER.");
        return 2;
    }
    for (const Value* row : chosen) {
        Value body(base::Object{});
        body.put("path", *row->find("path"));
        body.put("dot", *row->find("dot"));
        body.put("reason", *row->find("reason"));
        body.put("decision", Value(is_restore ? "restore" : "keep"));
        Value answer;
        if (const int code = send_json(command.url, net::HttpMethod::kPost,
                                       channel_target(command.channel, "conflicts"),
                                       base::to_json(body), answer);
            code != 0)
            return code;
        const std::string seq = std::to_string(number_of(answer, "seq"));
        print_line(command.is_json ? "{\"seq\":" + seq + "}" : "decided as " + seq);
    }
    return 0;
}

}  // namespace

int run_conflicts(const ClientCommand& command) {
    Value answer;
    const bool is_decision = !command.keep.empty() || !command.restore.empty();
    std::string target = channel_target(command.channel, "conflicts");
    // A closed one can be restored as well.
    if (command.is_all || (!command.restore.empty() && !command.dot.empty())) target += "?all=1";
    if (const int code = get_json(command.url, target, answer); code != 0) return code;
    const base::Array& rows = rows_of(answer, "conflicts");
    if (is_decision) return decide(command, rows);
    if (command.is_json) {
        for (const Value& row : rows)
            print_line(base::to_json(row));
        return 0;
    }
    if (rows.empty()) {
        print_line("No conflicts.");
        return 0;
    }
    Table table({"PATH", "SHOWN", "ALSO WRITTEN", "REASON", "DOT", "SEQ", "STATE"});
    for (const Value& row : rows) {
        // A position is a key that only sorts; what it means is a place.
        const bool is_place = text_of(row, "reason") == "position";
        const Value* now = row.find("shown");
        const bool is_there = now != nullptr && !now->is_null();
        table.add({text_of(row, "path"),
                   is_there ? brief_of(row, "shown", kValueColumns) : "(nothing)",
                   is_place ? "(another place)" : brief_of(row, "value", kValueColumns),
                   text_of(row, "reason"), dot_of(row), std::to_string(number_of(row, "seq")),
                   number_of(row, "closed_seq") == 0
                       ? "open"
                       : "closed at " + std::to_string(number_of(row, "closed_seq"))});
    }
    table.print();
    return 0;
}

int send_version(const std::string& url, const std::string& target, const std::string& name,
                 std::optional<uint64_t> at, std::string_view what, bool is_json) {
    Value body(base::Object{});
    body.put("name", Value(name));
    if (at) body.put("at", Value(static_cast<double>(*at)));
    Value answer;
    if (const int code =
            send_json(url, net::HttpMethod::kPost, target, base::to_json(body), answer);
        code != 0)
        return code;
    print_line(is_json ? base::to_json(answer)
                       : "'" + name + "' is the " + std::string(what) + " at " +
                             std::to_string(number_of(answer, "seq")));
    return 0;
}

int run_versions(const ClientCommand& command) {
    const std::string target = channel_target(command.channel, "versions");
    Value answer;
    if (!command.save.empty())
        return send_version(command.url, target, command.save, command.at, "state",
                            command.is_json);
    if (!command.remove.empty()) {
        net::HttpClientRequest request;
        request.method = net::HttpMethod::kDelete;
        request.target = target + "?name=" + net::percent_encode(command.remove);
        if (const int code = call(command.url, request, answer); code != 0) return code;
        print_line(command.is_json ? base::to_json(answer) : "'" + command.remove + "' is deleted");
        return 0;
    }
    if (const int code = get_json(command.url, target, answer); code != 0) return code;
    Table table({"NAME", "SEQ", "MADE", "BYTES"});
    for (const Value& row : rows_of(answer, "versions")) {
        if (command.is_json)
            print_line(base::to_json(row));
        else
            table.add({text_of(row, "name"), std::to_string(number_of(row, "seq")),
                       time_text(number_of(row, "created_ms")),
                       std::to_string(number_of(row, "bytes"))});
    }
    if (!command.is_json) table.print();
    return 0;
}

int send_restore(const std::string& url, const std::string& target, const Restored& state,
                 bool is_json) {
    if (state.at.has_value() == !state.version.empty()) {
        complain("which state?", "Give either --at SEQ or --version NAME.");
        return 2;
    }
    Value body(base::Object{});
    if (state.at) body.put("at", Value(static_cast<double>(*state.at)));
    if (!state.version.empty()) body.put("version", Value(state.version));
    if (!state.path.empty()) body.put("path", Value(state.path));
    Value answer;
    if (const int code =
            send_json(url, net::HttpMethod::kPost, target, base::to_json(body), answer);
        code != 0)
        return code;
    if (is_json)
        print_line(base::to_json(answer));
    else if (answer.find("unchanged") != nullptr)
        print_line("it shows that already");
    else
        print_line("written as " + std::to_string(number_of(answer, "seq")));
    return 0;
}

int run_revert(const ClientCommand& command) {
    return send_restore(command.url, channel_target(command.channel, "restore"),
                        {command.at, command.version, command.path}, command.is_json);
}

}  // namespace tandem::server
