// `tandem text watch`: a text and what becomes of it, followed with the C++ SDK.

#include <cstdio>
#include <utility>

#include "base/value.hpp"
#include "net/http_client.hpp"
#include "server/channel_api.hpp"
#include "server/credentials.hpp"
#include "server/remote.hpp"
#include "server/remote_text_command.hpp"
#include "tandem/text.hpp"

namespace tandem::server {

namespace {

constexpr std::chrono::seconds kReadyTime{10};

int complain_of_error(const Error& error) {
    return complain(error.code() + ": " + error.message(), error.hint());
}

void print_line_of(const TextChange& change, bool is_json) {
    tandem::Value line(tandem::Value::Members{{"root", change.root},
                                              {"path", change.path},
                                              {"delta", change.delta},
                                              {"keys", change.keys}});
    if (is_json) return print_line(line.to_json());
    const auto shown = base::parse_json(line.to_json(), base::kLooseValueLimits);
    if (shown) print_text_change(*shown);
    std::fflush(stdout);
}

}  // namespace

int run_text_watch(const RemoteTextCommand& command) {
    const auto url = server_of(command.url);
    if (!url) return complain_of(command.url, url.error());
    // A server that is not there is told at once; the client would go on asking for it.
    net::HttpClientRequest probe;
    probe.target = "/health";
    if (const auto answer = net::http_fetch(url->address, probe); !answer)
        return complain_of(command.url, answer.error());
    const bool has_scheme = command.url.find("://") != std::string::npos;
    ClientOptions options;
    options.ca_file = ca_file_in_use();
    options.url = has_scheme ? command.url : "http://" + command.url;
    options.name = "tandem-text-watch";
    if (!token_in_use().empty()) options.token = token_in_use;
    auto client = Client::open(std::move(options));
    if (!client) return complain_of_error(client.error());
    Channel channel = client->channel(command.channel);
    if (auto ready = channel.wait_ready(kReadyTime); !ready)
        return complain_of_error(ready.error());
    Text text = Text::open(channel, command.name.empty() ? "main" : command.name);
    int code = 0;
    uint64_t lines = 0;
    if (auto ready = text.wait_ready(kReadyTime); !ready) return complain_of_error(ready.error());
    const auto refused = text.on_refused([&](const Error& error) {
        code = complain_of_error(error);
        client->stop();
    });
    if (command.is_json)
        print_line("{\"state\":" + text.json().to_json() + '}');
    else
        print_line(text.json().to_json());
    // It comes back by itself when the connection is lost, with what was missed as one change.
    const auto changes = text.on_change([&](const TextChange& change) {
        if (command.root && change.root != *command.root) return;
        if (command.count != 0 && lines >= command.count) return;
        print_line_of(change, command.is_json);
        if (++lines == command.count) client->stop();
    });
    client->run();
    return code;
}

}  // namespace tandem::server
