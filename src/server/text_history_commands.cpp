// Verbs that look at the past of a text of a running server.

#include "base/value.hpp"
#include "net/http_client.hpp"
#include "server/channel_api.hpp"
#include "server/remote.hpp"
#include "server/remote_text_command.hpp"
#include "yjs/utf16.hpp"

namespace tandem::server {

using base::Value;

namespace {

const base::Array& rows_of(const Value& answer, std::string_view name) {
    static const base::Array none;
    const Value* rows = answer.find(name);
    return rows != nullptr && rows->is_array() ? rows->as_array() : none;
}

int delete_version(const RemoteTextCommand& command, std::string target) {
    if (command.remove_at)
        add_param(target, "at", std::to_string(*command.remove_at));
    else
        add_param(target, "version", command.remove);
    net::HttpClientRequest request;
    request.method = net::HttpMethod::kDelete;
    request.target = target;
    Value answer;
    if (const int code = call(command.url, request, answer); code != 0) return code;
    const std::string which = command.remove_at ? "that of " + std::to_string(*command.remove_at)
                                                : "'" + command.remove + "'";
    print_line(command.is_json ? base::to_json(answer) : which + " is deleted");
    return 0;
}

// One step of a delta for people; `at` is where it is in the text, and moves on.
std::string step_text(const Value& step, uint64_t& at, const Value* by) {
    const std::string place = "  @" + std::to_string(at) + ' ';
    const Value* attributes = step.find("attributes");
    const std::string formats = attributes == nullptr ? "" : ' ' + base::to_json(*attributes);
    if (const Value* insert = step.find("insert"); insert != nullptr) {
        // A value, such as a picture, takes one place.
        if (insert->is_string())
            at += yjs::utf16_length(insert->as_string());
        else
            at += insert->is_array() ? insert->as_array().size() : 1;
        return place + "+ " + base::to_json(*insert) + formats +
               (by != nullptr ? "   by " + base::to_json(*by) : "");
    }
    if (step.find("delete") != nullptr)
        return place + "- " + std::to_string(number_of(step, "delete"));
    const uint64_t count = number_of(step, "retain");
    at += count;
    return formats.empty() ? "" : place + "~ " + std::to_string(count) + formats;
}

}  // namespace

void print_text_change(const Value& change) {
    std::string head = text_of(change, "root");
    for (const Value& step : rows_of(change, "path"))
        head += '/' + (step.is_string() ? step.as_string() : base::to_json(step));
    print_line(head + ':');
    uint64_t at = 0;
    size_t insertions = 0;
    const base::Array& by = rows_of(change, "by");
    for (const Value& step : rows_of(change, "delta")) {
        const bool is_insert = step.find("insert") != nullptr;
        const Value* who = is_insert && insertions < by.size() ? &by[insertions] : nullptr;
        insertions += is_insert ? 1 : 0;
        if (const std::string line = step_text(step, at, who); !line.empty()) print_line(line);
    }
    const Value* keys = change.find("keys");
    const Value* keys_by = change.find("keys_by");
    if (keys == nullptr || !keys->is_object()) return;
    for (const base::Member& key : keys->as_object()) {
        const Value* who = keys_by == nullptr ? nullptr : keys_by->find(key.key);
        print_line("  " + key.key + ' ' + text_of(key.value, "action") +
                   (who != nullptr ? "   by " + base::to_json(*who) : ""));
    }
}

int run_text_versions(const RemoteTextCommand& command) {
    const std::string target = text_target(command, "text-versions");
    if (!command.save.empty())
        return send_version(command.url, target, command.save, command.at, "text", command.is_json);
    if (!command.remove.empty() || command.remove_at) return delete_version(command, target);
    Value answer;
    if (const int code = get_json(command.url, target, answer); code != 0) return code;
    Table table({"NAME", "KIND", "SEQ", "CHANGED", "MADE", "BYTES"});
    for (const Value& row : rows_of(answer, "versions")) {
        if (command.is_json)
            print_line(base::to_json(row));
        else
            table.add(
                {text_of(row, "name"), text_of(row, "kind"), std::to_string(number_of(row, "seq")),
                 time_text(number_of(row, "changed_ms")), time_text(number_of(row, "created_ms")),
                 std::to_string(number_of(row, "bytes"))});
    }
    if (!command.is_json) table.print();
    return 0;
}

int run_text_history(const RemoteTextCommand& command) {
    std::string target = text_target(command, "text-changes");
    if (command.from) add_param(target, "from", std::to_string(*command.from));
    if (!command.from_version.empty()) add_param(target, "from_version", command.from_version);
    if (command.to) add_param(target, "to", std::to_string(*command.to));
    if (!command.to_version.empty()) add_param(target, "to_version", command.to_version);
    Value answer;
    if (const int code = get_json(command.url, target, answer); code != 0) return code;
    if (command.is_json) {
        print_line(base::to_json(answer));
        return 0;
    }
    if (rows_of(answer, "changes").empty()) print_line("nothing has changed");
    for (const Value& change : rows_of(answer, "changes"))
        print_text_change(change);
    return 0;
}

int run_text_revert(const RemoteTextCommand& command) {
    return send_restore(command.url, text_target(command, "text-restore"),
                        {command.at, command.version, {}}, command.is_json);
}

}  // namespace tandem::server
