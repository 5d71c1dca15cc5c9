#include "server/bench_command.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <vector>

#include "net/client_connection.hpp"
#include "net/reactor.hpp"
#include "server/credentials.hpp"
#include "server/remote.hpp"

namespace tandem::server {

using base::Value;

namespace {

constexpr uint64_t kTickMs = 5;
constexpr uint64_t kDrainMs = 2'000;

uint64_t now_us() {
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                     std::chrono::steady_clock::now().time_since_epoch())
                                     .count());
}

/// What all clients of a run have seen. Times are in microseconds.
struct Tally {
    uint64_t begin_us = 0;
    uint64_t ready = 0;  ///< clients that have their channel
    uint64_t lost = 0;   ///< connections that failed or ended
    uint64_t sent = 0;
    uint64_t refused = 0;
    uint64_t awaited = 0;  ///< deliveries that the writes so far lead to
    std::vector<uint32_t> acks;
    std::vector<uint32_t> deliveries;
};

class BenchClient final : public net::WebSocketHandler {
  public:
    /// `readers`: how many clients follow the channel, this one included.
    BenchClient(Tally& tally, std::string channel, uint64_t readers)
        : tally_(tally), readers_(readers) {
        base::append_json_string(channel_, channel);
    }

    void on_open(net::WsConnection& connection) override {
        connection.send("{\"subscribe\":{\"channel\":" + channel_ + "}}", net::WsDataKind::kText);
    }
    void on_message(net::WsConnection&, std::string_view data, net::WsDataKind) override {
        const auto message = base::parse_json(data, base::kLooseValueLimits);
        if (!message) return;
        if (!message->is_array()) return on_frame(*message);
        for (const Value& frame : message->as_array())
            on_frame(frame);
    }
    void on_writable(net::WsConnection&) override {}
    void on_close(net::WsConnection&, uint16_t) override { ++tally_.lost; }

    /// One write whose value is the time of its sending.
    void write(net::WsConnection& connection, size_t field) {
        const uint64_t at = now_us();
        const std::string ref = std::to_string(++refs_);
        sent_[refs_] = at;
        ++tally_.sent;
        tally_.awaited += readers_;
        connection.send("{\"push\":{\"channel\":" + channel_ + ",\"ref\":" + ref +
                            ",\"ops\":[{\"op\":\"set\",\"path\":\"bench/" + std::to_string(field) +
                            "\",\"value\":" + std::to_string(at - tally_.begin_us) + "}]}}",
                        net::WsDataKind::kText);
    }

  private:
    void on_frame(const Value& frame) {
        if (frame.find("snapshot") != nullptr) {
            if (!std::exchange(is_ready_, true)) ++tally_.ready;
        } else if (const Value* ack = frame.find("ack"); ack != nullptr) {
            const auto found = sent_.find(number_of(*ack, "ref"));
            if (found == sent_.end()) return;
            tally_.acks.push_back(static_cast<uint32_t>(now_us() - found->second));
            sent_.erase(found);
        } else if (const Value* error = frame.find("error"); error != nullptr) {
            if (tally_.refused++ == 0) complain_of(*error);
            if (sent_.erase(number_of(*error, "ref")) > 0) tally_.awaited -= readers_;
        } else if (const Value* entries = frame.find("entries"); entries != nullptr) {
            const Value* items = entries->find("items");
            if (items == nullptr || !items->is_array()) return;
            for (const Value& item : items->as_array())
                if (const Value* ops = item.find("ops"); ops != nullptr && ops->is_array())
                    for (const Value& op : ops->as_array())
                        tally_.deliveries.push_back(static_cast<uint32_t>(
                            now_us() - tally_.begin_us - number_of(op, "value")));
        }
    }

    Tally& tally_;
    uint64_t readers_;
    std::string channel_;
    std::map<uint64_t, uint64_t> sent_;
    uint64_t refs_ = 0;
    bool is_ready_ = false;
};

struct Spread {
    double p50_ms = 0;
    double p95_ms = 0;
    double p99_ms = 0;
    double max_ms = 0;
};

Spread spread_of(std::vector<uint32_t> us) {
    if (us.empty()) return {};
    std::sort(us.begin(), us.end());
    const auto at = [&](double part) {
        const auto index = static_cast<size_t>(part * static_cast<double>(us.size() - 1));
        return us[index] / 1000.0;
    };
    return {at(0.5), at(0.95), at(0.99), at(1)};
}

std::string fixed(double number, int digits) {
    char text[32];
    std::snprintf(text, sizeof text, "%.*f", digits, number);
    return text;
}

void print(const BenchCommand& command, const Tally& tally, double seconds) {
    const Spread acks = spread_of(tally.acks);
    const Spread deliveries = spread_of(tally.deliveries);
    const double ack_rate = static_cast<double>(tally.acks.size()) / seconds;
    const double delivery_rate = static_cast<double>(tally.deliveries.size()) / seconds;
    if (command.is_json) {
        const auto latencies = [](const Spread& s) {
            return "{\"p50\":" + fixed(s.p50_ms, 3) + ",\"p95\":" + fixed(s.p95_ms, 3) +
                   ",\"p99\":" + fixed(s.p99_ms, 3) + ",\"max\":" + fixed(s.max_ms, 3) + "}";
        };
        print_line("{\"connections\":" + std::to_string(command.connections) +
                   ",\"channels\":" + std::to_string(command.channels) +
                   ",\"seconds\":" + fixed(seconds, 3) + ",\"sent\":" + std::to_string(tally.sent) +
                   ",\"acked\":" + std::to_string(tally.acks.size()) +
                   ",\"refused\":" + std::to_string(tally.refused) +
                   ",\"delivered\":" + std::to_string(tally.deliveries.size()) +
                   ",\"lost_connections\":" + std::to_string(tally.lost) + ",\"acks_per_second\":" +
                   fixed(ack_rate, 1) + ",\"deliveries_per_second\":" + fixed(delivery_rate, 1) +
                   ",\"ack_ms\":" + latencies(acks) + ",\"delivery_ms\":" + latencies(deliveries) +
                   "}");
        return;
    }
    Table table({"", "COUNT", "PER SECOND", "P50 MS", "P95 MS", "P99 MS", "MAX MS"});
    const auto add = [&](const char* name, size_t count, double rate, const Spread& s) {
        table.add({name, std::to_string(count), fixed(rate, 1), fixed(s.p50_ms, 2),
                   fixed(s.p95_ms, 2), fixed(s.p99_ms, 2), fixed(s.max_ms, 2)});
    };
    add("write to acknowledgement", tally.acks.size(), ack_rate, acks);
    add("write to every reader", tally.deliveries.size(), delivery_rate, deliveries);
    table.print();
    if (tally.refused + tally.lost > 0)
        print_line(std::to_string(tally.refused) + " writes refused, " +
                   std::to_string(tally.lost) + " connections lost");
}

}  // namespace

int run_bench(const BenchCommand& command) {
    if (command.url.empty()) {
        complain("which server?", "tandem bench http://127.0.0.1:8080, see tandem bench --help.");
        return 2;
    }
    if (command.connections == 0 || command.channels == 0 || command.seconds == 0 ||
        command.rate == 0) {
        complain("nothing to do", "All numbers must be above 0.");
        return 2;
    }
    const auto url = server_of(command.url);
    if (!url) return complain_of(command.url, url.error());
    auto reactor = net::Reactor::create();
    if (!reactor) return complain_of(command.url, reactor.error());
    Tally tally;
    struct Peer {
        std::unique_ptr<net::WsClient> socket;
        BenchClient* client = nullptr;
    };
    std::vector<Peer> peers;
    for (uint32_t i = 0; i < command.connections; ++i) {
        net::WsClientOptions options;
        options.address = url->address;
        options.target = "/connection/websocket";
        options.subprotocols = {"tandem.v1.json"};
        options.websocket.message_bytes_max = 64 * 1024 * 1024;
        authorize(options.headers);
        const uint32_t channel = i % command.channels;
        const uint64_t readers = (command.connections - channel - 1) / command.channels + 1;
        auto client =
            std::make_unique<BenchClient>(tally, command.prefix + std::to_string(channel), readers);
        Peer peer{std::make_unique<net::WsClient>(**reactor), client.get()};
        if (const auto started = peer.socket->connect(std::move(options), std::move(client),
                                                      [&](int) { ++tally.lost; });
            !started.ok())
            return complain_of(command.url, started.error());
        peers.push_back(std::move(peer));
    }
    while (tally.ready + tally.lost + tally.refused < peers.size())
        (*reactor)->run_turn(-1);
    if (tally.ready == 0) {
        return tally.refused > 0
                   ? 1
                   : complain_of(command.url, base::fail(base::ErrorCode::connection_closed));
    }
    Progress progress;
    tally.begin_us = now_us();
    const uint64_t end_us = tally.begin_us + uint64_t{command.seconds} * 1'000'000;
    size_t next = 0;
    bool is_over = false;
    net::Timer ticks(**reactor, [&] {
        const uint64_t now = now_us();
        if (now >= end_us) {
            is_over = true;
            return;
        }
        const uint64_t due = (now - tally.begin_us) * command.rate / 1'000'000;
        size_t tries = 0;
        while (tally.sent < due && tries < peers.size()) {
            Peer& peer = peers[next];
            net::WsConnection* socket = peer.socket->websocket();
            if (socket != nullptr && socket->is_open()) {
                peer.client->write(*socket, next);
                tries = 0;
            } else {
                ++tries;
            }
            next = (next + 1) % peers.size();
        }
        progress.show(std::to_string((end_us - now) / 1'000'000 + 1) + " s left, " +
                      std::to_string(tally.acks.size()) + " acknowledged");
        ticks.start(kTickMs);
    });
    ticks.start(0);
    while (!is_over)
        (*reactor)->run_turn(-1);
    const double seconds = static_cast<double>(now_us() - tally.begin_us) / 1e6;
    is_over = false;
    net::Timer drain(**reactor, [&] { is_over = true; });
    drain.start(kDrainMs);
    // An acknowledgement may come before the change has reached the last reader.
    const auto is_all_there = [&] {
        return tally.acks.size() + tally.refused >= tally.sent &&
               tally.deliveries.size() >= tally.awaited;
    };
    while (!is_over && !is_all_there() && tally.lost < peers.size())
        (*reactor)->run_turn(-1);
    progress.clear();
    print(command, tally, seconds);
    return tally.refused + tally.lost > 0 ? 1 : 0;
}

}  // namespace tandem::server
