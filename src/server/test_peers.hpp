#pragma once

// A whole server in this process, and clients of both codecs for it, for tests.

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/value.hpp"
#include "net/client_connection.hpp"
#include "net/http_client.hpp"
#include "record/op.hpp"
#include "server/shards.hpp"
#include "wire/frames.hpp"

namespace tandem::server::testing {

inline constexpr auto kPatience = std::chrono::seconds(30);

inline Options test_options(uint32_t threads) {
    Options options;
    options.threads = threads;
    options.log_level = "off";
    EXPECT_TRUE(read_text(dev_schema(), "schema", options).empty());
    return options;
}

class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "tandem-XXXXXX").string();
        EXPECT_NE(mkdtemp(name.data()), nullptr);
        path_ = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] std::string file(const char* name) const { return (path_ / name).string(); }

  private:
    std::filesystem::path path_;
};

class TestServer {
  public:
    explicit TestServer(Options options) : options_(std::move(options)) { start(); }
    ~TestServer() {
        if (thread_.joinable()) {
            EXPECT_EQ(stop(), 0);
        }
    }
    void start() {
        store::SqliteStoreOptions store_options;
        store_options.engine.new_epoch = 77;
        auto opened = store::SqliteStore::open(folder_.file("store.db"), store_options);
        ASSERT_TRUE(opened.ok());
        store_ = std::move(*opened);
        auto made = Shards::create(options_, *store_);
        ASSERT_TRUE(made.ok());
        shards_ = std::move(*made);
        ASSERT_TRUE(shards_->listen({"127.0.0.1", 0}).ok());
        address = shards_->address();
        thread_ = std::thread([this] { exit_code_ = shards_->run(); });
    }
    int stop() {
        shards_->stop();
        return wait();
    }
    // Waits for an end that was begun.
    int wait() {
        thread_.join();
        shards_.reset();
        store_.reset();
        return exit_code_;
    }
    Shards& shards() { return *shards_; }

    [[nodiscard]] std::string get(const std::string& target) const {
        net::HttpClientRequest request;
        request.target = target;
        request.timeout_ms = 60'000;
        const auto response = net::http_fetch(address, request);
        EXPECT_TRUE(response.ok());
        if (!response) return {};
        EXPECT_EQ(response->status, 200) << response->body;
        return response->body;
    }
    [[nodiscard]] base::Value get_json(const std::string& target) const {
        auto value = base::parse_json(get(target));
        EXPECT_TRUE(value.ok());
        return value ? *value : base::Value();
    }
    [[nodiscard]] uint64_t metric(const std::string& name) const {
        const std::string text = "\n" + get("/metrics");
        const size_t at = text.find("\ntandem_" + name + " ");
        EXPECT_NE(at, std::string::npos) << name;
        return std::stoull(text.substr(at + name.size() + 9));
    }

    net::SocketAddress address;

  private:
    Options options_;
    TemporaryFolder folder_;
    std::unique_ptr<store::SqliteStore> store_;
    std::unique_ptr<Shards> shards_;
    std::thread thread_;
    int exit_code_ = -1;
};

// The event loop of all clients of a test, on its thread.
class ClientLoop {
  public:
    ClientLoop() : reactor(std::move(net::Reactor::create()).value()) {}
    [[nodiscard]] bool run_until(const std::function<bool()>& condition) {
        const auto end = std::chrono::steady_clock::now() + kPatience;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > end) return false;
            reactor->run_turn(20);
        }
        return true;
    }
    std::unique_ptr<net::Reactor> reactor;
};

enum class Codec : uint8_t { binary, json };

// What a client learns about one channel. Everything that must hold whatever the timing is checked
// as it arrives.
struct Seen {
    bool is_subscribed = false;
    bool has_state = false;
    uint64_t cursor = 0;
    uint64_t live_frames = 0;
    uint64_t acked = 0;  ///< highest counter, from 1 without gaps
    uint64_t acked_seq = 0;
    uint64_t refused = 0;
    uint64_t actor = 0;
    size_t members = 0;
    std::vector<double> signals;
};

class Peer {
  public:
    Peer(ClientLoop& loop, const TestServer& server, Codec codec)
        : codec_(codec), client_(*loop.reactor), actor_(codec == Codec::json ? 0 : next_actor()) {
        net::WsClientOptions options;
        options.address = server.address;
        options.target = "/connection/websocket";
        options.subprotocols = {codec == Codec::json ? "tandem.v1.json" : "tandem.v1"};
        options.websocket.message_bytes_max = 64 * 1024 * 1024;
        options.websocket.queue_bytes_max = 64 * 1024 * 1024;
        const auto begun = client_.connect(std::move(options), std::make_unique<Handler>(*this),
                                           [this](int) { has_failed_ = true; });
        EXPECT_TRUE(begun.ok());
    }

    [[nodiscard]] bool is_open() const { return is_open_; }
    [[nodiscard]] bool is_closed() const { return is_closed_ || has_failed_; }
    [[nodiscard]] uint64_t actor() const { return actor_; }
    net::WsClient& client() { return client_; }
    Seen& at(const std::string& channel) { return seen_[channel]; }
    std::map<std::string, Seen>& all() { return seen_; }
    std::vector<std::string> errors;
    size_t byes = 0;

    void send(const wire::ClientFrame& frame) {
        std::string text;
        if (codec_ == Codec::json)
            wire::encode_json(text, frame);
        else
            wire::encode_binary(text, frame);
        if (client_.websocket() != nullptr)
            client_.websocket()->send(
                text, codec_ == Codec::json ? net::WsDataKind::kText : net::WsDataKind::kBinary);
    }
    void subscribe(const std::string& channel) {
        wire::Subscribe frame;
        frame.channel = channel;
        frame.actor = actor_;
        send(frame);
    }
    // Adds one to `votes`; `filler` makes the message and the record longer.
    void push(const std::string& channel, uint64_t counter, size_t filler = 0) {
        wire::Push frame;
        frame.channel = channel;
        frame.actor = actor_;
        frame.counter = counter;
        const std::string text(filler, static_cast<char>('a' + counter % 26));
        if (codec_ == Codec::json) {
            std::string ops = R"([{"op":"inc","path":"votes","value":1})";
            if (filler > 0) ops += R"(,{"op":"set","path":"title","value":")" + text + "\"}";
            frame.ops_json = base::parse_json(ops + "]").value();
        } else {
            std::vector<record::Op> ops(1);
            ops[0].kind = record::OpKind::inc;
            ops[0].path = record::parse_path("votes").value();
            ops[0].value = base::Value(1.0);
            if (filler > 0) {
                ops.emplace_back();
                ops[1].path = record::parse_path("title").value();
                ops[1].value = base::Value(text);
            }
            record::encode_ops(frame.ops, ops, record::Form::pushed);
        }
        send(frame);
    }

  private:
    class Handler final : public net::WebSocketHandler {
      public:
        explicit Handler(Peer& peer) : peer_(peer) {}
        void on_open(net::WsConnection&) override {
            peer_.is_open_ = true;
            if (peer_.codec_ == Codec::binary) peer_.send(wire::Hello{1, "test/1", false, 0});
        }
        void on_message(net::WsConnection&, std::string_view data, net::WsDataKind) override {
            if (peer_.codec_ == Codec::json)
                peer_.read_json(data);
            else
                peer_.read_binary(data);
        }
        void on_writable(net::WsConnection&) override {}
        void on_close(net::WsConnection&, uint16_t) override { peer_.is_closed_ = true; }

      private:
        Peer& peer_;
    };

    static uint64_t next_actor() {
        static uint64_t last = uint64_t{1} << 40;
        return ++last;
    }

    void note_ack(const std::string& channel, uint64_t actor, uint64_t counter, uint64_t seq,
                  bool is_duplicate) {
        Seen& seen = seen_[channel];
        seen.actor = actor;
        if (is_duplicate) return;
        EXPECT_EQ(counter, seen.acked + 1) << channel;
        EXPECT_GT(seq, seen.acked_seq) << channel;
        seen.acked = counter;
        seen.acked_seq = seq;
    }
    void note_range(const std::string& channel, uint64_t from, uint64_t to, bool is_live) {
        Seen& seen = seen_[channel];
        EXPECT_TRUE(seen.is_subscribed && seen.has_state) << channel;
        EXPECT_LE(from, seen.cursor) << channel;
        if (is_live) {
            EXPECT_EQ(from, seen.cursor) << channel;
        }
        EXPECT_GE(to, seen.cursor) << channel;
        seen.cursor = to;
        seen.live_frames += is_live ? 1 : 0;
    }
    void note_snapshot(const std::string& channel, uint64_t to) {
        Seen& seen = seen_[channel];
        EXPECT_TRUE(seen.is_subscribed) << channel;
        seen.has_state = true;
        seen.cursor = to;
    }
    void note_error(const std::string& channel, const std::string& code) {
        errors.push_back(code);
        if (!channel.empty()) seen_[channel].refused++;
    }

    static uint64_t number(const base::Value& body, const char* name) {
        const base::Value* value = body.find(name);
        return value == nullptr || !value->is_number() ? 0
                                                       : static_cast<uint64_t>(value->as_number());
    }
    static std::string text(const base::Value& body, const char* name) {
        const base::Value* value = body.find(name);
        return value == nullptr || !value->is_string() ? std::string() : value->as_string();
    }
    void read_json(std::string_view data) {
        const auto parsed = base::parse_json(data);
        ASSERT_TRUE(parsed.ok());
        if (parsed->is_array()) {
            for (const base::Value& one : parsed->as_array())
                read_json_frame(one);
        } else {
            read_json_frame(*parsed);
        }
    }
    void read_json_frame(const base::Value& frame) {
        const base::Member& member = frame.as_object().front();
        const base::Value& body = member.value;
        const std::string channel = text(body, "channel");
        if (member.key == "subscribed") {
            seen_[channel].is_subscribed = true;
        } else if (member.key == "ack") {
            note_ack(channel, number(body, "actor"), number(body, "counter"), number(body, "seq"),
                     body.find("duplicate") != nullptr);
        } else if (member.key == "entries") {
            note_range(channel, number(body, "from"), number(body, "to"), true);
        } else if (member.key == "diff") {
            note_range(channel, number(body, "from"), number(body, "to"), false);
        } else if (member.key == "snapshot") {
            note_snapshot(channel, number(body, "seq"));
        } else if (member.key == "error") {
            note_error(channel, text(body, "code"));
        } else if (member.key == "members") {
            note_members(
                channel, body.find("full") != nullptr,
                body.find("joined") == nullptr ? 0 : body.find("joined")->as_array().size(),
                body.find("left") == nullptr ? 0 : body.find("left")->as_array().size());
        } else if (member.key == "signal") {
            seen_[channel].signals.push_back(body.find("value")->as_number());
        } else if (member.key == "bye") {
            byes++;
        }
    }
    void note_members(const std::string& channel, bool is_full, size_t joined, size_t left) {
        size_t& members = seen_[channel].members;
        if (is_full) members = 0;
        members = members + joined - left;
    }
    void read_binary(std::string_view data) {
        std::vector<wire::ServerFrame> frames;
        ASSERT_TRUE(wire::decode_binary(data, frames).ok());
        for (const wire::ServerFrame& frame : frames)
            read_frame(frame);
    }
    const std::string& channel_of(uint32_t handle) {
        EXPECT_TRUE(handles_.contains(handle));
        return handles_[handle];
    }
    void read_frame(const wire::ServerFrame& frame) {
        if (const auto* subscribed = std::get_if<wire::Subscribed>(&frame)) {
            const auto [at, is_new] = handles_.emplace(subscribed->handle, subscribed->channel);
            EXPECT_TRUE(is_new || at->second == subscribed->channel) << "a handle for two channels";
            seen_[subscribed->channel].is_subscribed = true;
        } else if (const auto* ack = std::get_if<wire::Ack>(&frame)) {
            note_ack(ack->channel, ack->actor, ack->counter, ack->seq, ack->duplicate);
        } else if (const auto* delivery = std::get_if<wire::Delivery>(&frame)) {
            const std::string& channel = channel_of(delivery->handle);
            if (delivery->more) return;
            if (delivery->kind == wire::DeliveryKind::snapshot)
                note_snapshot(channel, delivery->to);
            else
                note_range(channel, delivery->from, delivery->to,
                           delivery->kind == wire::DeliveryKind::live);
        } else if (const auto* error = std::get_if<wire::ErrorFrame>(&frame)) {
            note_error(error->channel, error->code);
        } else if (const auto* members = std::get_if<wire::Members>(&frame)) {
            note_members(channel_of(members->handle), members->full, members->joined.size(),
                         members->left.size());
        } else if (const auto* signal = std::get_if<wire::SignalReceived>(&frame)) {
            seen_[channel_of(signal->handle)].signals.push_back(signal->value.as_number());
        } else if (std::holds_alternative<wire::Bye>(frame)) {
            byes++;
        }
    }

    Codec codec_;
    net::WsClient client_;
    uint64_t actor_;
    bool is_open_ = false;
    bool is_closed_ = false;
    bool has_failed_ = false;
    std::map<std::string, Seen> seen_;
    std::map<uint32_t, std::string> handles_;
};

}  // namespace tandem::server::testing
