#include "server/remote_text_command.hpp"

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "base/value.hpp"
#include "net/http_client.hpp"
#include "server/channel_api.hpp"
#include "server/credentials.hpp"
#include "server/remote.hpp"

namespace tandem::server {

using base::Value;

namespace {

std::string all_of(std::FILE* file) {
    std::string out;
    char block[65536];
    for (size_t count; (count = std::fread(block, 1, sizeof block, file)) > 0;)
        out.append(block, count);
    return out;
}

Value one(const char* kind, Value what) {
    Value edit(base::Object{});
    edit.put(kind, std::move(what));
    return edit;
}

// The list of edits that the flags mean; nothing with what is wrong said.
std::optional<Value> edits_of(const RemoteTextCommand& command) {
    base::Array edits;
    if (!command.edits.empty()) {
        auto given = base::parse_json(command.edits);
        if (!given || !given->is_array()) {
            complain("--edits is no JSON array", "Such as '[{\"append\":\"text\"}]'.");
            return std::nullopt;
        }
        edits = given->as_array();
    }
    if (!command.erase.empty()) {
        Value range(base::Object{});
        range.put("index", Value::integer(static_cast<int64_t>(command.erase[0])));
        range.put("length", Value::integer(static_cast<int64_t>(command.erase[1])));
        edits.push_back(one("delete", std::move(range)));
    }
    if (!command.insert.empty()) {
        const std::string& index = command.insert[0];
        int64_t at = 0;
        const auto read = std::from_chars(index.data(), index.data() + index.size(), at);
        if (read.ec != std::errc() || read.ptr != index.data() + index.size() || at < 0) {
            complain("'" + index + "' is no position", "--insert takes INDEX and TEXT.");
            return std::nullopt;
        }
        Value insert(base::Object{});
        insert.put("index", Value::integer(at));
        insert.put("text", Value(command.insert[1]));
        edits.push_back(one("insert", std::move(insert)));
    }
    if (!command.append.empty())
        edits.push_back(
            one("append", Value(command.append == "-" ? all_of(stdin) : command.append)));
    return Value(std::move(edits));
}

int print_stored(const RemoteTextCommand& command, const Value& answer) {
    const bool is_unchanged = answer.find("unchanged") != nullptr;
    const std::string seq = std::to_string(number_of(answer, "seq"));
    if (command.is_json)
        print_line(base::to_json(answer));
    else
        print_line(is_unchanged ? "nothing to change; the newest entry is " + seq
                                : "stored as " + seq);
    return 0;
}

}  // namespace

void add_param(std::string& target, std::string_view name, std::string_view value) {
    target += target.find('?') == std::string::npos ? '?' : '&';
    target += std::string(name) + '=' + net::percent_encode(value);
}

std::string text_target(const RemoteTextCommand& command, std::string_view resource) {
    std::string target = channel_target(command.channel, resource);
    if (!command.name.empty()) add_param(target, "name", command.name);
    return target;
}

int run_text_list(const RemoteTextCommand& command) {
    Value answer;
    if (const int code = get_json(command.url, channel_target(command.channel, "texts"), answer);
        code != 0)
        return code;
    if (command.is_json) {
        print_line(base::to_json(answer));
        return 0;
    }
    Table table({"NAME", "BYTES", "EDITORS", "SEQ"});
    const Value* texts = answer.find("texts");
    if (texts == nullptr || !texts->is_array())
        return complain("the answer is no list of texts", "Is this a Tandem server?");
    for (const Value& text : texts->as_array())
        table.add({text_of(text, "name"), std::to_string(number_of(text, "bytes")),
                   std::to_string(number_of(text, "editors")),
                   std::to_string(number_of(text, "seq"))});
    table.print();
    return 0;
}

int run_text_get(const RemoteTextCommand& command) {
    const auto url = server_of(command.url);
    if (!url) return complain_of(command.url, url.error());
    net::HttpClientRequest request;
    request.target = text_target(command, "text");
    add_param(request.target, "as", command.as);
    if (command.root) add_param(request.target, "root", *command.root);
    if (command.at) add_param(request.target, "at", std::to_string(*command.at));
    if (!command.version.empty()) add_param(request.target, "version", command.version);
    authorize(request.headers);
    request.tls = url->tls;
    const auto response = net::http_fetch(url->address, request);
    if (!response) return complain_of(command.url, response.error());
    if (response->status != 200) {
        const auto json = base::parse_json(response->body, base::kLooseValueLimits);
        const Value* error = json ? json->find("error") : nullptr;
        return error != nullptr ? complain_of(*error)
                                : complain("HTTP " + std::to_string(response->status), "");
    }
    if (!command.file.empty()) {
        std::ofstream file(command.file, std::ios::binary | std::ios::trunc);
        file << response->body << std::flush;
        return file ? 0
                    : complain("cannot write " + command.file,
                               "Check the path and its permissions.");
    }
    if (command.as != "update") {
        print_line(response->body);
        return 0;
    }
    std::fwrite(response->body.data(), 1, response->body.size(), stdout);
    if (std::fflush(stdout) != 0) return complain("the output cannot be written", "");
    return 0;
}

int run_text_edit(const RemoteTextCommand& command) {
    net::HttpClientRequest request;
    request.method = net::HttpMethod::kPost;
    request.target = text_target(command, "text");
    if (!command.file.empty()) {
        std::ifstream file(command.file, std::ios::binary);
        if (!file || std::filesystem::is_directory(command.file))
            return complain("cannot read '" + command.file + "'", "Is the name right?");
        request.body.assign(std::istreambuf_iterator<char>(file), {});
        request.headers.set("Content-Type", "application/octet-stream");
    } else {
        auto edits = edits_of(command);
        if (!edits) return 2;
        if (edits->as_array().empty() && !command.leaves) {
            complain("there is nothing to edit",
                     "Give --append, --insert, --delete, --edits or --update.");
            return 2;
        }
        Value body(base::Object{});
        body.put("edits", std::move(*edits));
        if (command.root) body.put("root", Value(*command.root));
        if (!command.author.empty()) {
            Value author = one("name", Value(command.author));
            if (command.leaves) author.put("leaves", Value(true));
            body.put("author", std::move(author));
        }
        request.body = base::to_json(body);
        request.headers.set("Content-Type", "application/json");
    }
    Value answer;
    if (const int code = call(command.url, request, answer); code != 0) return code;
    return print_stored(command, answer);
}

}  // namespace tandem::server
