#include <algorithm>
#include <atomic>
#include <utility>

#include "net/client_connection.hpp"
#include "net/reactor.hpp"
#include "net/url.hpp"
#include "sdk/http_answer.hpp"
#include "sdk/values.hpp"
#include "tandem/log.hpp"

namespace tandem {

namespace {

// Whole records come in one message.
constexpr size_t kMessageBytesMax = 64 * base::kMiB;
constexpr uint64_t kFirstDelayMs = 100;
constexpr uint64_t kDelayMaxMs = 5'000;

using sdk::error_of;
using sdk::text_of;

std::optional<uint64_t> seq_of(const base::Value& json, std::string_view name) {
    const base::Value* member = json.find(name);
    if (member == nullptr || !member->is_integer() || member->as_integer() < 0) return std::nullopt;
    return static_cast<uint64_t>(member->as_integer());
}

Value value_of(const base::Value& json, std::string_view name) {
    const base::Value* member = json.find(name);
    return member != nullptr ? sdk::from_base(*member) : Value();
}

const base::Array& array_of(const base::Value& json, std::string_view name) {
    static const base::Array kNone;
    const base::Value* member = json.find(name);
    return member != nullptr && member->is_array() ? member->as_array() : kNone;
}

LogOp op_of(const base::Value& json, std::string_view kind) {
    return {text_of(json, kind), text_of(json, "path"), value_of(json, "value"), std::nullopt};
}

}  // namespace

class LogReader::Impl {
  public:
    Impl(std::unique_ptr<net::Reactor> reactor, net::Url url, LogReaderOptions options,
         LogFollower& follower)
        : reactor_(std::move(reactor)),
          url_(std::move(url)),
          channel_(std::move(options.channel)),
          token_(std::move(options.token)),
          cursor_(options.after),
          follower_(follower),
          pause_(*reactor_, [this] { is_dial_due_ = true; }) {}

    void run() {
        is_dial_due_ = true;
        while (!is_stopped_.exchange(false)) {
            if (std::exchange(is_dial_due_, false)) dial();
            // What has failed at once is told already.
            if (!is_stopped_) reactor_->run_turn(-1);
        }
        pause_.stop();
        socket_.reset();
    }
    void stop() {
        is_stopped_ = true;
        reactor_->post([] {});
    }

  private:
    class Handler final : public net::WebSocketHandler {
      public:
        explicit Handler(Impl& reader) : reader_(reader) {}
        void on_open(net::WsConnection& connection) override { reader_.subscribe(connection); }
        void on_message(net::WsConnection&, std::string_view data, net::WsDataKind) override {
            const auto message = base::parse_json(data, base::kLooseValueLimits);
            if (!message) return;
            if (!message->is_array()) return reader_.on_frame(*message);
            for (const base::Value& frame : message->as_array())
                reader_.on_frame(frame);
        }
        void on_writable(net::WsConnection&) override {}
        void on_close(net::WsConnection&, uint16_t) override { reader_.on_close(); }

      private:
        Impl& reader_;
    };

    void dial() {
        net::WsClientOptions options;
        options.address = url_.address;
        options.tls = url_.tls;
        options.target = "/connection/websocket";
        options.subprotocols = {"tandem.v1.json"};
        options.websocket.message_bytes_max = kMessageBytesMax;
        if (token_) options.headers.set("Authorization", "Bearer " + token_());
        // A new one: the former connection may still be going away.
        socket_.emplace(*reactor_);
        const auto failed = [this](base::Error error) {
            dial_later();
            follower_.on_unreachable(sdk::to_error(error));
        };
        const auto started = socket_->connect(
            std::move(options), std::make_unique<Handler>(*this), [this, failed](int status) {
                failed(status == 401 ? base::fail(base::ErrorCode::unauthenticated)
                                     : socket_->failure());
            });
        if (!started) failed(started.error());
    }

    void dial_later() {
        pause_.start(delay_ms_);
        delay_ms_ = delay_ms_ == 0 ? kFirstDelayMs : std::min(delay_ms_ * 2, kDelayMaxMs);
    }

    void subscribe(net::WsConnection& connection) {
        delay_ms_ = 0;
        std::string frame = "{\"subscribe\":{\"channel\":";
        base::append_json_string(frame, channel_);
        if (cursor_) frame += ",\"after\":" + std::to_string(*cursor_);
        connection.send(frame + "}}", net::WsDataKind::kText);
    }

    void on_close() {
        if (is_stopped_) return;
        dial_later();
        follower_.on_lost(cursor_);
    }

    // A message may hold more than the follower wanted.
    void on_frame(const base::Value& frame) {
        if (is_stopped_) return;
        if (const base::Value* error = frame.find("error"); error != nullptr) {
            // It comes back with a fresh token, where there is one to be had.
            if (token_ && text_of(*error, "code") == "token_expired") return;
            is_stopped_ = true;
            follower_.on_refused(error_of(*error));
        } else if (const base::Value* snapshot = frame.find("snapshot"); snapshot != nullptr) {
            const uint64_t seq = seq_of(*snapshot, "seq").value_or(0);
            LogState state{seq, value_of(*snapshot, "value"), cursor_};
            if (state.value.is_null()) state.value = Value::Members();
            cursor_ = seq;
            follower_.on_state(state);
        } else if (const base::Value* diff = frame.find("diff"); diff != nullptr) {
            on_diff(*diff);
        } else if (const base::Value* entries = frame.find("entries"); entries != nullptr) {
            on_entries(*entries);
        } else if (const base::Value* signal = frame.find("signal"); signal != nullptr) {
            follower_.on_signal(
                {text_of(*signal, "from"), text_of(*signal, "name"), value_of(*signal, "value")});
        }
    }

    void on_diff(const base::Value& diff) {
        LogDifference difference;
        difference.from = seq_of(diff, "from").value_or(0);
        difference.to = seq_of(diff, "to").value_or(difference.from);
        for (const base::Value& change : array_of(diff, "changes"))
            difference.changes.push_back(op_of(change, "change"));
        cursor_ = difference.to;
        follower_.on_difference(difference);
    }

    void on_entries(const base::Value& entries) {
        const base::Array& items = array_of(entries, "items");
        const base::Array& changes = array_of(entries, "changes");
        for (const base::Value& item : items) {
            LogEntry entry{seq_of(item, "seq").value_or(0), value_of(item, "actor"), {}};
            for (const base::Value& op : array_of(item, "ops")) {
                entry.ops.push_back(op_of(op, "op"));
                // The changes of several entries are those of all of them.
                if (items.size() == 1) entry.ops.back().shown = shown_at(changes, op);
            }
            if (is_stopped_) return;
            cursor_ = entry.seq;
            follower_.on_entry(entry);
        }
        if (!is_stopped_) cursor_ = seq_of(entries, "to").value_or(cursor_.value_or(0));
    }

    static std::optional<Value> shown_at(const base::Array& changes, const base::Value& op) {
        std::optional<Value> shown;
        for (const base::Value& change : changes) {
            const std::string kind = text_of(change, "change");
            const bool is_value = kind == "value" || kind == "counter";
            if (is_value && text_of(change, "path") == text_of(op, "path"))
                shown = value_of(change, "value");
        }
        return shown;
    }

    std::unique_ptr<net::Reactor> reactor_;
    const net::Url url_;
    const std::string channel_;
    const std::function<std::string()> token_;
    std::optional<uint64_t> cursor_;
    LogFollower& follower_;
    net::Timer pause_;
    std::optional<net::WsClient> socket_;
    uint64_t delay_ms_ = 0;
    bool is_dial_due_ = false;
    std::atomic<bool> is_stopped_{false};
};

LogReader::LogReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LogReader::~LogReader() = default;
LogReader::LogReader(LogReader&&) noexcept = default;
LogReader& LogReader::operator=(LogReader&&) noexcept = default;

Result<LogReader> LogReader::open(LogReaderOptions options, LogFollower& follower) {
    auto url = net::open_url(options.url, options.ca_file);
    if (!url) return sdk::to_error(url.error());
    auto reactor = net::Reactor::create();
    if (!reactor) return sdk::to_error(reactor.error());
    return LogReader(
        std::make_unique<Impl>(std::move(*reactor), std::move(*url), std::move(options), follower));
}

void LogReader::run() { impl_->run(); }
void LogReader::stop() { impl_->stop(); }

}  // namespace tandem
