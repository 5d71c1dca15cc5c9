#include "server/channel_api.hpp"

#include <cstdio>
#include <fstream>
#include <sstream>

#include "server/credentials.hpp"

namespace tandem::server {

using base::Value;

int complain(std::string_view what, std::string_view hint) {
    std::fprintf(stderr, "tandem: %.*s\n", static_cast<int>(what.size()), what.data());
    if (!hint.empty())
        std::fprintf(stderr, "        %.*s\n", static_cast<int>(hint.size()), hint.data());
    return 1;
}

int complain_of(const std::string& server, base::Error error) {
    if (error.code == base::ErrorCode::invalid_argument) {
        if (const auto url = server_of(server); url && url->is_secure)
            complain("the host '" + url->address.host + "' is not known",
                     "Is the name right, and is the network there?");
        else if (url)
            complain("the host '" + url->address.host +
                         "' is not known: names are looked up for https:// only",
                     "Use localhost or the address in numbers, as http://127.0.0.1:8080.");
        else
            complain("'" + server + "' is no server address", "Write it as http://127.0.0.1:8080.");
        return 2;
    }
    if (error.code == base::ErrorCode::config_invalid) {
        complain("'" + ca_file_in_use() + "' has no certificates of authorities",
                 "--ca (TANDEM_CA) names a PEM file.");
        return 2;
    }
    if (error.code == base::ErrorCode::tls_failed)
        return complain(server + " is not trusted: " + net::tls_failure_text(error.detail),
                        "Its certificate must name the host and lead to an authority of the system "
                        "or of --ca FILE.");
    if (error.code == base::ErrorCode::timed_out)
        return complain("no answer in time from " + server + ": what was sent may have been stored",
                        "Look with `tandem get` or `tandem history` before you send it again.");
    return complain(
        "no answer from " + server + ": " + std::string(base::error_message(error.code)),
        "Is the server running? `tandem dev` starts one.");
}

int complain_of(const Value& error) {
    const auto text = [&](std::string_view name) {
        const Value* member = error.find(name);
        return member != nullptr && member->is_string() ? member->as_string() : std::string();
    };
    std::string what = text("code") + ": " + text("message");
    if (const Value* detail = error.find("detail"); detail != nullptr)
        what += " (" + base::to_json(*detail) + ")";
    return complain(what, text("hint"));
}

base::Result<net::Url> server_of(const std::string& text) {
    const bool has_scheme = text.find("://") != std::string::npos;
    return net::open_url(has_scheme ? text : "http://" + text, ca_file_in_use());
}

int call(const std::string& server, net::HttpClientRequest request, Value& out) {
    const auto url = server_of(server);
    if (!url) return complain_of(server, url.error());
    authorize(request.headers);
    request.tls = url->tls;
    const auto response = net::http_fetch(url->address, request);
    if (!response) return complain_of(server, response.error());
    auto json = base::parse_json(response->body, base::kLooseValueLimits);
    if (!json) return complain("the answer is not JSON", "Is this a Tandem server?");
    if (const Value* error = json->find("error"); error != nullptr) return complain_of(*error);
    if (response->status != 200) return complain("HTTP " + std::to_string(response->status), "");
    out = std::move(*json);
    return 0;
}

int get_bytes(const std::string& server, const std::string& target, std::string& out) {
    const auto url = server_of(server);
    if (!url) return complain_of(server, url.error());
    net::HttpClientRequest request;
    request.target = target;
    authorize(request.headers);
    request.tls = url->tls;
    auto response = net::http_fetch(url->address, request);
    if (!response) return complain_of(server, response.error());
    if (response->status != 200) {
        const auto json = base::parse_json(response->body, base::kLooseValueLimits);
        const Value* error = json.ok() ? json->find("error") : nullptr;
        if (error != nullptr) return complain_of(*error);
        return complain("HTTP " + std::to_string(response->status), "");
    }
    out = std::move(response->body);
    return 0;
}

std::string channel_target(const std::string& channel, std::string_view what) {
    return "/api/v1/channels/" + net::percent_encode(channel) + "/" + std::string(what);
}

int read_json_file(const std::string& file, Value& out) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    if (!in || !(text << in.rdbuf()))
        return complain("cannot read '" + file + "'", "Is the name right?");
    auto json = base::parse_json(text.str(), base::kLooseValueLimits);
    if (!json)
        return complain("'" + file + "' is not JSON", "`tandem get --json` writes such a file.");
    out = std::move(*json);
    return 0;
}

}  // namespace tandem::server
