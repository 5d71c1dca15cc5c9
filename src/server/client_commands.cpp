#include "server/client_commands.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <vector>

#include "base/value.hpp"
#include "net/client_connection.hpp"
#include "net/http_client.hpp"
#include "net/reactor.hpp"
#include "net/url.hpp"
#include "server/channel_api.hpp"
#include "server/remote.hpp"

namespace tandem::server {

using base::Value;

namespace {

// Snapshots of whole records come in one JSON message.
constexpr size_t kAnswerBytesMax = 64 * 1024 * 1024;

std::string record_target(const ClientCommand& command) {
    std::string target = channel_target(command.channel, "record");
    char mark = '?';
    const auto add = [&](std::string_view name, const std::string& value) {
        target += mark + std::string(name) + "=" + net::percent_encode(value);
        mark = '&';
    };
    if (!command.path.empty()) add("path", command.path);
    if (command.at) add("at", std::to_string(*command.at));
    if (!command.version.empty()) add("version", command.version);
    return target;
}

}  // namespace

int run_get(const ClientCommand& command) {
    Value answer;
    if (const int code = get_json(command.url, record_target(command), answer); code != 0)
        return code;
    if (command.is_json) {
        print_line(base::to_json(answer));
        return 0;
    }
    const Value* value = answer.find("value");
    print_line(value != nullptr ? base::to_json(*value) : "null");
    return 0;
}

namespace {

int print_stored(const ClientCommand& command, const Value& answer) {
    const Value* seq = answer.find("seq");
    const std::string number = seq != nullptr ? base::to_json(*seq) : "0";
    print_line(command.is_json ? "{\"seq\":" + number + "}" : "stored as " + number);
    return 0;
}

// A whole object. What `tandem get --json` wrote tells by its seq which state was edited, so that
// what others wrote since stays.
int set_whole(const ClientCommand& command) {
    Value state;
    if (read_json_file(command.file, state) != 0) return 2;
    net::HttpClientRequest request;
    request.method = net::HttpMethod::kPut;
    request.target = channel_target(command.channel, "record");
    const Value* value = state.find("value");
    const Value* epoch = state.find("epoch");
    const Value* seq = state.find("seq");
    const bool is_read = state.is_object() && state.as_object().size() == 4 && value != nullptr &&
                         epoch != nullptr && epoch->is_string() && seq != nullptr &&
                         seq->is_integer() && state.find("hash") != nullptr;
    if (is_read) {
        request.target += "?base=" + net::percent_encode(epoch->as_string()) + "-" +
                          std::to_string(seq->as_integer());
    }
    request.headers.set("Content-Type", "application/json");
    request.body = base::to_json(is_read ? *value : state);
    Value answer;
    if (const int code = call(command.url, request, answer); code != 0) return code;
    return print_stored(command, answer);
}

}  // namespace

int run_set(const ClientCommand& command) {
    if (!command.file.empty()) return set_whole(command);
    auto value = base::parse_json(command.value);
    if (!value) {
        complain("'" + command.value + "' is not JSON",
                 "Texts need quotes inside the shell's: tandem set URL board:1 title '\"Plan\"'.");
        return 2;
    }
    Value op(base::Object{});
    op.put("op", Value("set"));
    op.put("path", Value(command.path));
    op.put("value", std::move(*value));
    Value answer;
    if (const int code = send_json(command.url, net::HttpMethod::kPatch,
                                   channel_target(command.channel, "record"),
                                   "{\"ops\":[" + base::to_json(op) + "]}", answer);
        code != 0)
        return code;
    return print_stored(command, answer);
}

namespace {

// Follows a channel over the JSON protocol, and comes back with its cursor when it is cut off.
class Watcher final : public net::WebSocketHandler {
  public:
    struct State {
        const ClientCommand& command;
        bool has_cursor = false;
        uint64_t cursor = 0;
        uint64_t lines = 0;
        int exit_code = 0;
        bool is_lost = false;
        bool is_done = false;
    };
    explicit Watcher(State& state) : state_(state) {}

    void on_open(net::WsConnection& connection) override {
        std::string frame = "{\"subscribe\":{\"channel\":";
        base::append_json_string(frame, state_.command.channel);
        if (state_.has_cursor) frame += ",\"after\":" + std::to_string(state_.cursor);
        connection.send(frame + "}}", net::WsDataKind::kText);
    }

    void on_message(net::WsConnection&, std::string_view data, net::WsDataKind) override {
        const auto message = base::parse_json(data);
        if (!message) return;
        if (message->is_array())
            for (const Value& frame : message->as_array())
                on_frame(frame);
        else
            on_frame(*message);
    }

    void on_writable(net::WsConnection&) override {}

    void on_close(net::WsConnection&, uint16_t) override { state_.is_lost = true; }

  private:
    void on_frame(const Value& frame) {
        if (const Value* error = frame.find("error"); error != nullptr) {
            state_.exit_code = complain_of(*error);
            state_.is_done = true;
        } else if (const Value* snapshot = frame.find("snapshot"); snapshot != nullptr) {
            on_snapshot(*snapshot);
        } else if (const Value* diff = frame.find("diff"); diff != nullptr) {
            on_changes(*diff);
        } else if (const Value* entries = frame.find("entries"); entries != nullptr) {
            on_entries(*entries);
        }
    }

    void advance(const Value* seq) {
        if (seq == nullptr || !seq->is_integer()) return;
        state_.has_cursor = true;
        state_.cursor = static_cast<uint64_t>(seq->as_integer());
    }

    // One line a change. The sum of both forms is what a person or a script wants to see.
    void emit(const Value* seq, const Value* actor, std::string_view op, const Value* path,
              const Value* value) {
        if (state_.command.count != 0 && state_.lines >= state_.command.count) return;
        const Value nothing;
        const auto json = [&](const Value* v) {
            return base::to_json(v != nullptr ? *v : nothing);
        };
        if (state_.command.is_json) {
            std::string line = "{\"seq\":" + json(seq) + ",\"actor\":" + json(actor) + ",\"op\":";
            base::append_json_string(line, op);
            print_line(line + ",\"path\":" + json(path) + ",\"value\":" + json(value) + "}");
        } else {
            print_line(json(seq) + "  " + std::string(op) + " " +
                       (path != nullptr && path->is_string() ? path->as_string() : "") + " " +
                       json(value));
        }
        if (++state_.lines == state_.command.count) state_.is_done = true;
    }

    void on_snapshot(const Value& snapshot) {
        advance(snapshot.find("seq"));
        if (!state_.command.is_json) {
            const Value* value = snapshot.find("value");
            print_line(value != nullptr ? base::to_json(*value) : "{}");
        }
    }

    void on_changes(const Value& diff) {
        const Value* changes = diff.find("changes");
        const Value* to = diff.find("to");
        if (changes != nullptr && changes->is_array())
            for (const Value& change : changes->as_array()) {
                const Value* kind = change.find("change");
                emit(to, nullptr, kind != nullptr && kind->is_string() ? kind->as_string() : "",
                     change.find("path"), change.find("value"));
            }
        advance(to);
    }

    void on_entries(const Value& entries) {
        const Value* items = entries.find("items");
        const Value* changes = entries.find("changes");
        // A live frame is one entry, and its changes tell what the fields now show.
        const bool is_live = items != nullptr && items->is_array() && items->as_array().size() == 1;
        if (items != nullptr && items->is_array())
            for (const Value& item : items->as_array()) {
                const Value* ops = item.find("ops");
                if (ops == nullptr || !ops->is_array()) continue;
                for (const Value& op : ops->as_array()) {
                    const Value* path = op.find("path");
                    const Value* kind = op.find("op");
                    const Value* value = op.find("value");
                    if (is_live && changes != nullptr && changes->is_array())
                        for (const Value& change : changes->as_array()) {
                            const Value* changed = change.find("path");
                            const Value* what = change.find("change");
                            const bool is_value =
                                what != nullptr && what->is_string() &&
                                (what->as_string() == "value" || what->as_string() == "counter");
                            if (is_value && changed != nullptr && path != nullptr &&
                                *changed == *path)
                                value = change.find("value");
                        }
                    emit(item.find("seq"), item.find("actor"),
                         kind != nullptr && kind->is_string() ? kind->as_string() : "", path,
                         value);
                }
            }
        advance(entries.find("to"));
    }

    State& state_;
};

}  // namespace

int run_watch(const ClientCommand& command) {
    const auto url = server_of(command.url);
    if (!url) return complain_of(command.url, url.error());
    auto reactor = net::Reactor::create();
    if (!reactor) return complain_of(command.url, reactor.error());
    Watcher::State state{command};
    state.has_cursor = command.has_after;
    state.cursor = command.after;
    bool was_connected = false;
    uint64_t delay_ms = 0;
    while (true) {
        net::WsClientOptions options;
        options.address = url->address;
        options.target = "/connection/websocket";
        options.subprotocols = {"tandem.v1.json"};
        options.websocket.message_bytes_max = kAnswerBytesMax;
        net::WsClient client(**reactor);
        bool is_failed = false;
        state.is_lost = false;
        const auto started = client.connect(std::move(options), std::make_unique<Watcher>(state),
                                            [&](int) { is_failed = true; });
        if (!started && !was_connected) return complain_of(command.url, started.error());
        is_failed |= !started;
        while (!is_failed && !state.is_lost && !state.is_done)
            (*reactor)->run_turn(-1);
        if (state.is_done) return state.exit_code;
        if (!is_failed) {
            was_connected = true;
            delay_ms = 0;
            std::fprintf(stderr,
                         "tandem: the connection is lost; coming back for what follows %llu\n",
                         static_cast<unsigned long long>(state.cursor));
        } else if (!was_connected) {
            return complain_of(command.url, base::fail(base::ErrorCode::connection_closed));
        }
        bool is_over = false;
        net::Timer pause(**reactor, [&] { is_over = true; });
        pause.start(delay_ms);
        while (!is_over)
            (*reactor)->run_turn(-1);
        delay_ms = delay_ms == 0 ? 100 : std::min<uint64_t>(delay_ms * 2, 5'000);
    }
}

namespace {

// Sends one signal to those who follow a channel, and is done when the server has taken it.
class Signaller final : public net::WebSocketHandler {
  public:
    struct State {
        std::string subscribe;
        std::string signal;
        int exit_code = 0;
        bool is_done = false;
    };
    explicit Signaller(State& state) : state_(state) {}

    void on_open(net::WsConnection& connection) override {
        connection.send(state_.subscribe, net::WsDataKind::kText);
    }
    void on_message(net::WsConnection& connection, std::string_view data,
                    net::WsDataKind) override {
        const auto message = base::parse_json(data, base::kLooseValueLimits);
        if (!message) return;
        const base::Array one{*message};
        for (const Value& frame : message->is_array() ? message->as_array() : one) {
            if (const Value* error = frame.find("error"); error != nullptr) {
                state_.exit_code = complain_of(*error);
                state_.is_done = true;
            } else if (frame.find("snapshot") != nullptr) {
                // Frames are handled in order: the answer to the ping follows the signal.
                connection.send(state_.signal, net::WsDataKind::kText);
                connection.send("{\"ping\":{\"time_ms\":1}}", net::WsDataKind::kText);
            } else if (frame.find("pong") != nullptr) {
                state_.is_done = true;
            }
        }
    }
    void on_writable(net::WsConnection&) override {}
    void on_close(net::WsConnection&, uint16_t) override {
        if (!state_.is_done) state_.exit_code = complain("the connection was closed", "Try again.");
        state_.is_done = true;
    }

  private:
    State& state_;
};

int send_signal(const ClientCommand& command, const Value& value) {
    const auto url = server_of(command.url);
    if (!url) return complain_of(command.url, url.error());
    auto reactor = net::Reactor::create();
    if (!reactor) return complain_of(command.url, reactor.error());
    Signaller::State state;
    std::string channel;
    base::append_json_string(channel, command.channel);
    std::string name;
    base::append_json_string(name, command.name);
    state.subscribe = "{\"subscribe\":{\"channel\":" + channel + "}}";
    state.signal = "{\"signal\":{\"channel\":" + channel + ",\"name\":" + name +
                   ",\"value\":" + base::to_json(value) + "}}";
    net::WsClientOptions options;
    options.address = url->address;
    options.target = "/connection/websocket";
    options.subprotocols = {"tandem.v1.json"};
    options.websocket.message_bytes_max = kAnswerBytesMax;
    net::WsClient client(**reactor);
    bool is_failed = false;
    const auto started = client.connect(std::move(options), std::make_unique<Signaller>(state),
                                        [&](int) { is_failed = true; });
    if (!started) return complain_of(command.url, started.error());
    while (!state.is_done && !is_failed)
        (*reactor)->run_turn(-1);
    if (is_failed) return complain_of(command.url, base::fail(base::ErrorCode::connection_closed));
    if (state.exit_code == 0) print_line(command.is_json ? "{\"sent\":true}" : "sent");
    return state.exit_code;
}

}  // namespace

int run_publish(const ClientCommand& command) {
    if (command.ops.empty() == command.name.empty()) {
        complain("what is to be published?", "Give the name of a signal, or ops with --ops JSON.");
        return 2;
    }
    const std::string& text = command.ops.empty() ? command.value : command.ops;
    auto value = base::parse_json(text.empty() ? "null" : text);
    if (!value) {
        complain("'" + text + "' is not JSON",
                 "Texts need quotes inside the shell's: '\"hello\"'.");
        return 2;
    }
    if (command.ops.empty()) return send_signal(command, *value);
    const std::string ops =
        value->is_array() ? base::to_json(*value) : "[" + base::to_json(*value) + "]";
    Value answer;
    if (const int code =
            send_json(command.url, net::HttpMethod::kPatch,
                      channel_target(command.channel, "record"), "{\"ops\":" + ops + "}", answer);
        code != 0)
        return code;
    print_line(command.is_json ? base::to_json(answer)
                               : "stored as " + std::to_string(number_of(answer, "seq")));
    return 0;
}

}  // namespace tandem::server
