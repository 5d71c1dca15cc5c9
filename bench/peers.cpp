#include <array>
#include <functional>
#include <vector>

#include "base/value.hpp"
#include "followers.hpp"
#include "report.hpp"
#include "subscriber.hpp"

namespace tandem::bench {
namespace {

constexpr std::string_view kEvent = "42[\"change\",\"";

/// A client of another server: greets as that wants it, and takes the changes out of what it gets.
class PeerLink {
  public:
    PeerLink(Loop& loop, const net::SocketAddress& server, std::string protocol)
        : protocol_(std::move(protocol)),
          link_(loop, server, "",
                {[this] { greet(); },
                 [this](std::string_view message, size_t bytes) { receive(message, bytes); },
                 [] { die("the server closed a connection"); }},
                target_of(protocol_)) {
        link_.connect();
    }

    bool is_ready() const { return is_ready_; }
    uint64_t seq() const { return seq_; }
    size_t newest_bytes() const { return newest_bytes_; }
    void publish(const std::string& change) {
        if (protocol_ == "socketio")
            say(std::string(kEvent) + change + "\"]");
        else if (protocol_ == "centrifugo")
            say("{\"id\":" + std::to_string(++commands_) +
                ",\"publish\":{\"channel\":\"bench\",\"data\":\"" + change + "\"}}");
        else
            say(change);
    }

  private:
    static std::string target_of(const std::string& protocol) {
        if (protocol == "raw") return "/";
        if (protocol == "socketio") return "/socket.io/?EIO=4&transport=websocket";
        if (protocol == "centrifugo") return "/connection/websocket";
        die("no protocol: " + protocol);
    }

    void say(std::string_view text) {
        link_.send(text);
        link_.flush();
    }

    void greet() {
        if (protocol_ == "raw")
            is_ready_ = true;
        else if (protocol_ == "centrifugo")
            say("{\"id\":" + std::to_string(++commands_) + ",\"connect\":{}}");
    }

    void receive(std::string_view message, size_t bytes) {
        if (protocol_ == "raw")
            take(message, bytes);
        else if (protocol_ == "socketio")
            receive_socketio(message, bytes);
        else
            for (size_t from = 0; from < message.size();) {
                const size_t end = std::min(message.find('\n', from), message.size());
                receive_centrifugo(message.substr(from, end - from), bytes);
                from = end + 1;
            }
    }

    void receive_socketio(std::string_view message, size_t bytes) {
        if (message.starts_with("0{"))
            say("40");
        else if (message == "2")
            say("3");
        else if (message.starts_with("40{"))
            is_ready_ = true;
        else if (message.starts_with(kEvent) && message.ends_with("\"]"))
            take(message.substr(kEvent.size(), message.size() - kEvent.size() - 2), bytes);
        else
            die("not a message of Socket.IO: " + std::string(message.substr(0, 80)));
    }

    void receive_centrifugo(std::string_view line, size_t bytes) {
        if (line == "{}") return say("{}");
        const auto json = base::parse_json(line, base::kLooseValueLimits);
        if (!json || json->find("error") != nullptr)
            die("Centrifugo answers: " + std::string(line.substr(0, 200)));
        if (json->find("connect") != nullptr)
            return say("{\"id\":" + std::to_string(++commands_) +
                       ",\"subscribe\":{\"channel\":\"bench\"}}");
        if (json->find("subscribe") != nullptr) is_ready_ = true;
        const base::Value* push = json->find("push");
        const base::Value* pub = push == nullptr ? nullptr : push->find("pub");
        const base::Value* data = pub == nullptr ? nullptr : pub->find("data");
        if (data != nullptr && data->is_string()) take(data->as_string(), bytes);
    }

    void take(std::string_view change, size_t bytes) {
        if (change != change_text(seq_ + 1)) die("a change is not the one after the one before it");
        ++seq_;
        newest_bytes_ = bytes;
    }

    std::string protocol_;
    bool is_ready_ = false;
    uint64_t seq_ = 0;
    uint64_t commands_ = 0;
    size_t newest_bytes_ = 0;
    Link link_;
};

class PeerSubscriber final : public Subscriber {
  public:
    PeerSubscriber(Loop& loop, const net::SocketAddress& server, const std::string& protocol)
        : link_(loop, server, protocol) {}
    bool is_ready() const override { return link_.is_ready(); }
    uint64_t seq() const override { return link_.seq(); }
    size_t newest_bytes() const override { return link_.newest_bytes(); }

  private:
    PeerLink link_;
};

class PeerPublisher final : public Publisher {
  public:
    PeerPublisher(Loop& loop, const net::SocketAddress& server, const std::string& protocol)
        : link_(loop, server, protocol) {}
    bool is_ready() const override { return link_.is_ready(); }
    uint64_t pushed() const override { return pushed_; }
    void push() override { link_.publish(change_text(++pushed_)); }

  private:
    PeerLink link_;
    uint64_t pushed_ = 0;
};

/// Sends a message again as soon as it is back.
class Echo {
  public:
    Echo(Loop& loop, const net::SocketAddress& server, uint64_t& echoed)
        : echoed_(echoed),
          link_(loop, server, "",
                {[this] { send(); },
                 [this](std::string_view message, size_t) {
                     if (message != text_) die("the echo is another message");
                     ++echoed_;
                     send();
                 },
                 [] { die("the server closed a connection"); }},
                "/echo") {
        link_.connect();
    }

  private:
    void send() {
        link_.send(text_);
        link_.flush();
    }

    std::string text_ = change_text(1);
    uint64_t& echoed_;
    Link link_;
};

}  // namespace

std::unique_ptr<Subscriber> make_peer_subscriber(Loop& loop, const net::SocketAddress& server,
                                                 const std::string& protocol) {
    return std::make_unique<PeerSubscriber>(loop, server, protocol);
}

std::unique_ptr<Publisher> make_peer_publisher(Loop& loop, const net::SocketAddress& server,
                                               const std::string& protocol) {
    return std::make_unique<PeerPublisher>(loop, server, protocol);
}

/// `connections` WebSockets on /echo, each with one message of 100 bytes under way.
Report measure_echo(const Arguments& arguments) {
    const net::SocketAddress server = address_of(arguments.text("url"));
    const uint64_t pid = arguments.number("pid", 0);
    const uint64_t connections = arguments.number("connections", 100);
    const uint64_t messages = arguments.number("messages", 100'000);
    Loop loop;
    uint64_t echoed = 0;
    std::vector<std::unique_ptr<Echo>> all;
    for (uint64_t i = 0; i < connections; ++i)
        all.push_back(std::make_unique<Echo>(loop, server, echoed));
    const auto run_to = [&](uint64_t count) {
        const uint64_t deadline = now_ns() + 60'000'000'000U;
        while (echoed < count) {
            loop.turn(10'000'000);
            if (now_ns() > deadline) die("took too long: echoes");
        }
    };
    run_to(messages / 10);
    const uint64_t before = echoed;
    const uint64_t cpu_before = cpu_ns_of(pid);
    const uint64_t start = now_ns();
    run_to(before + messages);
    Report report;
    report.put("server_cpu_s", static_cast<double>(cpu_ns_of(pid) - cpu_before) / 1e9);
    report.put("seconds", to_ms(now_ns() - start) / 1000);
    report.put("messages", echoed - before);
    return report;
}

}  // namespace tandem::bench
