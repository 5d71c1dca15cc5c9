#include "server/client_commands.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

#include "base/sha256.hpp"
#include "base/value.hpp"
#include "net/client_connection.hpp"
#include "net/http_client.hpp"
#include "net/reactor.hpp"
#include "net/url.hpp"
#include "server/channel_api.hpp"
#include "server/credentials.hpp"
#include "server/remote.hpp"
#include "tandem/backend.hpp"

namespace tandem::server {

using base::Value;

namespace {

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
    if (answer.find("value") == nullptr || answer.find("seq") == nullptr)
        return complain("the answer is no record", "Is this a Tandem server?");
    if (!command.file.empty()) {
        // A file tells where it comes from.
        answer.put("channel", Value(command.channel));
        if (!command.path.empty()) answer.put("path", Value(command.path));
        std::ofstream file(command.file, std::ios::binary | std::ios::trunc);
        file << base::to_json(answer) << '\n' << std::flush;
        if (!file)
            return complain("cannot write " + command.file, "Check the path and its permissions.");
        return 0;
    }
    if (command.is_json) {
        print_line(base::to_json(answer));
        return 0;
    }
    print_line(base::to_json(*answer.find("value")));
    return 0;
}

namespace {

int print_stored(const ClientCommand& command, const Result<Stored>& stored) {
    if (!stored) {
        // What the server did not say itself.
        for (const auto code : {base::ErrorCode::connection_closed, base::ErrorCode::timed_out,
                                base::ErrorCode::io_failed, base::ErrorCode::invalid_argument})
            if (stored.error().code() == base::error_name(code))
                return complain_of(command.url, base::fail(code));
        return complain(stored.error().code() + ": " + stored.error().message(),
                        stored.error().hint());
    }
    const std::string seq = std::to_string(stored->seq);
    if (command.is_json)
        print_line("{\"seq\":" + seq + (stored->was_stored_before ? ",\"duplicate\":true" : "") +
                   (stored->is_unchanged ? ",\"unchanged\":true}" : "}"));
    else if (stored->is_unchanged)
        print_line("nothing to change; the newest entry is " + seq);
    else
        print_line((stored->was_stored_before ? "was stored before, as " : "stored as ") + seq);
    return 0;
}

// Whether a file is what `get --json` wrote.
bool is_state(const Value& json) {
    if (!json.is_object()) return false;
    const Value* seq = json.find("seq");
    if (json.find("value") == nullptr || json.find("hash") == nullptr ||
        text_of(json, "epoch").empty() || seq == nullptr || !seq->is_integer())
        return false;
    const auto& members = json.as_object();
    return std::all_of(members.begin(), members.end(), [](const base::Member& member) {
        constexpr std::string_view kKnown[] = {"channel", "epoch", "hash", "path", "seq", "value"};
        return std::find(std::begin(kKnown), std::end(kKnown), member.key) != std::end(kKnown);
    });
}

// The same for the same file of the same machine as long as its text is the same: what it adds to
// a counter is added once, however often it is sent.
std::string key_of_file(const ClientCommand& command, const std::string& target,
                        const std::string& body) {
    std::error_code failure;
    const auto path = std::filesystem::canonical(command.file, failure);
    char host[256] = {};
    gethostname(host, sizeof host - 1);
    const base::Sha256Digest digest =
        base::sha256(std::string(host) + '\n' + (failure ? command.file : path.string()) + '\n' +
                     target + '\n' + body);
    std::string key = "file-";
    for (const uint8_t byte : digest) {
        constexpr std::string_view kDigits = "0123456789abcdef";
        key += kDigits[byte >> 4];
        key += kDigits[byte & 15];
    }
    return key;
}

// A bare host:port is good enough for people.
Result<Backend> backend_of(const std::string& url) {
    BackendOptions options;
    options.ca_file = ca_file_in_use();
    if (!token_in_use().empty()) options.token = token_in_use;
    options.url = url.find("://") != std::string::npos ? url : "http://" + url;
    return Backend::open(std::move(options));
}

// What was written is what the next edit of the file begins with. With the old seq, an edit that
// brings back an earlier value would say nothing new, and everything written since would cross it.
int renew_file(const ClientCommand& command, uint64_t seq) {
    const std::string hint =
        "It is stored as " + std::to_string(seq) + "; get the file again before you edit it.";
    Value state;
    if (get_json(command.url, channel_target(command.channel, "record"), state) != 0)
        return complain("'" + command.file + "' still has the state from before", hint);
    state.put("channel", Value(command.channel));
    const std::string whole = command.file + ".new";
    {
        std::ofstream file(whole, std::ios::binary | std::ios::trunc);
        file << base::to_json(state) << '\n' << std::flush;
        std::error_code failure;
        if (file) std::filesystem::rename(whole, command.file, failure);
        if (file && !failure) return 0;
    }
    std::error_code ignored;
    std::filesystem::remove(whole, ignored);
    return complain("'" + command.file + "' cannot be written and still has the state from before",
                    hint);
}

// A whole object. What `tandem get --json` wrote tells by its seq which state was edited, so that
// what others wrote since stays.
int set_whole(const ClientCommand& command) {
    Value state;
    if (read_json_file(command.file, state) != 0) return 2;
    BackendWrite write;
    const bool is_read = is_state(state);
    if (is_read) {
        if (const std::string from = text_of(state, "channel");
            !from.empty() && from != command.channel) {
            complain(
                "'" + command.file + "' was read from " + from + ", not from " + command.channel,
                "To write it there all the same, leave only what its `value` holds in it.");
            return 2;
        }
        if (const std::string part = text_of(state, "path"); !part.empty()) {
            complain("'" + command.file + "' holds only the part " + part,
                     "Write that with `tandem set URL CHANNEL " + part +
                         " VALUE`, or get the whole record.");
            return 2;
        }
        write.base = text_of(state, "epoch") + "-" + std::to_string(number_of(state, "seq"));
    }
    const std::string object = base::to_json(is_read ? *state.find("value") : state);
    if (is_read)
        write.idempotency_key = key_of_file(
            command,
            channel_target(command.channel, "record") + "?base=" + net::percent_encode(write.base),
            object);
    const auto backend = backend_of(command.url);
    if (!backend) return complain_of(command.url, base::fail(base::ErrorCode::invalid_argument));
    const Result<Stored> stored = backend->replace(command.channel, object, write);
    if (const int code = print_stored(command, stored); code != 0 || !is_read) return code;
    return renew_file(command, stored->seq);
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
    const auto backend = backend_of(command.url);
    if (!backend) return complain_of(command.url, base::fail(base::ErrorCode::invalid_argument));
    return print_stored(command, backend->apply(command.channel, "[" + base::to_json(op) + "]"));
}

namespace {

// Snapshots of whole records come in one JSON message.
constexpr size_t kAnswerBytesMax = 64 * 1024 * 1024;

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
    options.tls = url->tls;
    options.target = "/connection/websocket";
    options.subprotocols = {"tandem.v1.json"};
    options.websocket.message_bytes_max = kAnswerBytesMax;
    authorize(options.headers);
    net::WsClient client(**reactor);
    bool is_failed = false;
    const auto started = client.connect(std::move(options), std::make_unique<Signaller>(state),
                                        [&](int) { is_failed = true; });
    if (!started) return complain_of(command.url, started.error());
    while (!state.is_done && !is_failed)
        (*reactor)->run_turn(-1);
    if (is_failed) return complain_of(command.url, client.failure());
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
