// `tandem watch`: every change of a channel as it comes.

#include <algorithm>
#include <cstdio>
#include <memory>
#include <utility>

#include "base/value.hpp"
#include "net/client_connection.hpp"
#include "net/reactor.hpp"
#include "net/url.hpp"
#include "server/channel_api.hpp"
#include "server/client_commands.hpp"
#include "server/remote.hpp"

namespace tandem::server {

using base::Value;

namespace {

// Snapshots of whole records come in one JSON message.
constexpr size_t kAnswerBytesMax = 64 * 1024 * 1024;

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
        bool has_news = false;  ///< something of the channel has come since the start
    };
    explicit Watcher(State& state) : state_(state) {}

    void on_open(net::WsConnection& connection) override {
        std::string frame = "{\"subscribe\":{\"channel\":";
        base::append_json_string(frame, state_.command.channel);
        if (state_.has_cursor) frame += ",\"after\":" + std::to_string(state_.cursor);
        connection.send(frame + "}}", net::WsDataKind::kText);
    }

    void on_message(net::WsConnection&, std::string_view data, net::WsDataKind) override {
        const auto message = base::parse_json(data, base::kLooseValueLimits);
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
        } else if (const Value* signal = frame.find("signal"); signal != nullptr) {
            on_signal(*signal);
        }
    }

    static void note(const std::string& text) {
        std::fprintf(stderr, "tandem: %s\n", text.c_str());
    }

    bool is_full() const {
        return state_.command.count != 0 && state_.lines >= state_.command.count;
    }
    void count_line() {
        if (++state_.lines == state_.command.count) state_.is_done = true;
    }

    void advance(const Value* seq) {
        if (seq == nullptr || !seq->is_integer()) return;
        state_.has_cursor = true;
        state_.cursor = static_cast<uint64_t>(seq->as_integer());
    }

    // One line a change. The sum of both forms is what a person or a script wants to see.
    void emit(const Value* seq, const Value* actor, std::string_view op, const Value* path,
              const Value* value) {
        if (is_full()) return;
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
        count_line();
    }

    void on_signal(const Value& signal) {
        if (is_full()) return;
        if (state_.command.is_json) {
            Value line(base::Object{});
            line.put("seq", Value());
            line.put("actor", Value());
            line.put("op", Value("signal"));
            line.put("path", Value(""));
            for (const char* member : {"name", "from", "value"})
                if (const Value* value = signal.find(member); value != nullptr)
                    line.put(member, *value);
            print_line(base::to_json(line));
        } else {
            const Value* value = signal.find("value");
            print_line("signal " + text_of(signal, "name") + " " +
                       (value != nullptr ? base::to_json(*value) : "null"));
        }
        count_line();
    }

    // The whole state: at the start what is there; later, or after `--after`, what came between the
    // cursor and it cannot be had any more.
    void on_snapshot(const Value& snapshot) {
        const uint64_t seq = number_of(snapshot, "seq");
        const Value* value = snapshot.find("value");
        const Value nothing(base::Object{});
        if (value == nullptr) value = &nothing;
        const bool is_start = !state_.has_cursor;
        const uint64_t cursor = state_.cursor;
        const bool is_first = !std::exchange(state_.has_news, true);
        if (!is_start && is_first && seq < cursor) {
            state_.exit_code =
                complain("the channel has no seq " + std::to_string(cursor) + "; its newest is " +
                             std::to_string(seq),
                         "Give --after a seq up to that, or leave it out to see what comes.");
            state_.is_done = true;
            return;
        }
        advance(snapshot.find("seq"));
        if (is_start) {
            if (!state_.command.is_json) print_line(base::to_json(*value));
            return;
        }
        if (seq > cursor)
            note("what was written after " + std::to_string(cursor) + ", up to " +
                 std::to_string(seq) + ", is no longer kept; going on with the state of then");
        else
            note("the history was replaced (restored or deleted); going on with its state at " +
                 std::to_string(seq));
        const Value root{""};
        emit(snapshot.find("seq"), nullptr, "reset", &root, value);
    }

    void on_changes(const Value& diff) {
        const Value* changes = diff.find("changes");
        const Value* to = diff.find("to");
        state_.has_news = true;
        const uint64_t from = number_of(diff, "from");
        if (number_of(diff, "to") > from + 1)
            note("what was written after " + std::to_string(from) + ", up to " +
                 std::to_string(number_of(diff, "to")) +
                 ", comes as the difference that it made, not write by write");
        if (changes != nullptr && changes->is_array())
            for (const Value& change : changes->as_array()) {
                const Value* kind = change.find("change");
                emit(to, nullptr, kind != nullptr && kind->is_string() ? kind->as_string() : "",
                     change.find("path"), change.find("value"));
            }
        advance(to);
    }

    void on_entries(const Value& entries) {
        state_.has_news = true;
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

}  // namespace tandem::server
