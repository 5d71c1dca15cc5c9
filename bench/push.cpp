#include <sys/epoll.h>

#include "peer.hpp"
#include "report.hpp"

namespace tandem::bench {
namespace {

/// Pushes one-field changes with a fixed number of them unanswered. It speaks the protocol without
/// the client core: keeping a view would measure the driver.
class Pusher {
  public:
    Pusher(Loop& loop, net::SocketAddress server, std::string channel, uint64_t window)
        : channel_(std::move(channel)),
          window_(window),
          link_(
              loop, std::move(server), "tandem.v1",
              {[this] { greet(); }, [this](std::string_view message, size_t) { receive(message); },
               [] { die("the server closed a connection under load"); }}) {
        link_.connect();
    }

    void stop() { is_stopped_ = true; }
    uint64_t acked() const { return acked_; }
    bool is_idle() const { return acked_ == counter_; }
    bool is_started() const { return actor_ != 0; }

  private:
    void greet() {
        wire::Hello hello;
        hello.client = "bench/1";
        hello.want_actor = true;
        std::string out;
        wire::encode_binary(out, wire::ClientFrame(hello));
        link_.send(out);
        link_.flush();
    }

    void receive(std::string_view message) {
        frames_.clear();
        if (!wire::decode_binary(message, frames_).ok()) die("a message does not decode");
        for (const wire::ServerFrame& frame : frames_) {
            if (const auto* welcome = std::get_if<wire::Welcome>(&frame)) {
                actor_ = welcome->actor;
                time_ms_ = welcome->time_ms;
            } else if (const auto* ack = std::get_if<wire::Ack>(&frame)) {
                // The channel has one writer, so its log counts as this outbox does.
                if (ack->counter != acked_ + 1 || ack->seq != ack->counter || ack->duplicate)
                    die("an ack is out of order");
                ++acked_;
            } else if (const auto* error = std::get_if<wire::ErrorFrame>(&frame)) {
                die("refused: " + error->code + " " + error->message);
            }
        }
        refill();
    }

    void refill() {
        if (is_stopped_ || actor_ == 0) return;
        std::string out;
        while (counter_ - acked_ < window_) {
            ++counter_;
            record::Op op;
            op.kind = record::OpKind::set;
            op.path = path_of({"f" + std::to_string(counter_ % 32)});
            op.value = base::Value::integer(static_cast<int64_t>(counter_));
            std::string body;
            record::encode_ops(body, {op}, record::Form::pushed);
            wire::Push push;
            push.channel = channel_;
            push.actor = actor_;
            push.counter = counter_;
            push.stamp_ms = time_ms_;
            push.ops = std::move(body);
            wire::encode_binary(out, wire::ClientFrame(std::move(push)));
            if (out.size() > 16'000) {
                link_.send(out);
                out.clear();
            }
        }
        if (!out.empty()) link_.send(out);
        link_.flush();
    }

    std::string channel_;
    uint64_t window_;
    uint64_t actor_ = 0;
    uint64_t time_ms_ = 0;
    uint64_t counter_ = 0;
    uint64_t acked_ = 0;
    bool is_stopped_ = false;
    std::vector<wire::ServerFrame> frames_;
    Link link_;
};

}  // namespace

/// `syncs-file`, when given, holds a count that the server's fdatasync shim keeps.
Report measure_push(const Arguments& arguments) {
    const net::SocketAddress server = address_of(arguments.text("url"));
    const uint64_t connections = arguments.number("connections", 32);
    const uint64_t window = arguments.number("window", 64);
    const uint64_t duration_ns = arguments.number("seconds", 4) * 1'000'000'000U;
    Loop loop;
    std::vector<std::unique_ptr<Pusher>> pushers;
    for (uint64_t i = 0; i < connections; ++i)
        pushers.push_back(std::make_unique<Pusher>(
            loop, server, arguments.text("channel") + "-" + std::to_string(i), window));
    const auto total = [&] {
        uint64_t sum = 0;
        for (const auto& pusher : pushers)
            sum += pusher->acked();
        return sum;
    };
    const auto run_for = [&](uint64_t ns) {
        const uint64_t end = now_ns() + ns;
        while (now_ns() < end)
            loop.turn(1'000'000);
    };
    run_for(1'000'000'000U);
    const auto syncs = [&]() -> uint64_t {
        const std::string name = arguments.text("syncs-file");
        if (name == "none") return 0;
        std::FILE* file = std::fopen(name.c_str(), "rb");
        uint64_t count = 0;
        if (file == nullptr || std::fread(&count, sizeof count, 1, file) != 1)
            die("the count of fdatasync calls is missing");
        std::fclose(file);
        return count;
    };
    const uint64_t acked_before = total();
    const uint64_t syncs_before = syncs();
    const uint64_t start = now_ns();
    run_for(duration_ns);
    const uint64_t acked = total() - acked_before;
    const uint64_t synced = syncs() - syncs_before;
    const double seconds = to_ms(now_ns() - start) / 1000;
    for (const auto& pusher : pushers)
        pusher->stop();
    const uint64_t deadline = now_ns() + 10'000'000'000U;
    for (const auto& pusher : pushers)
        while (!pusher->is_idle()) {
            loop.turn(1'000'000);
            if (now_ns() > deadline) die("pushes stayed unanswered");
        }
    Report report;
    report.put("acked", acked);
    report.put("seconds", seconds);
    report.put("fdatasyncs", synced);
    return report;
}

}  // namespace tandem::bench
