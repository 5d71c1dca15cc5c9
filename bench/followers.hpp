#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <vector>

#include "peer.hpp"
#include "subscriber.hpp"

// Readers and a writer that are as cheap as can be, so that it is the server that is measured.
namespace tandem::bench {

/// What all threads of a process have used of a processor, in nanoseconds: the first number of each
/// thread's schedstat. Far finer than the clock ticks of /proc/PID/stat.
inline uint64_t cpu_ns_of(uint64_t pid) {
    uint64_t sum = 0;
    const std::string folder = "/proc/" + std::to_string(pid) + "/task";
    std::error_code failure;
    for (const auto& task : std::filesystem::directory_iterator(folder, failure)) {
        std::ifstream in(task.path() / "schedstat");
        uint64_t used = 0;
        if (in >> used) sum += used;
    }
    if (sum == 0) die("the server's processor time cannot be read");
    return sum;
}

inline uint64_t rss_kib_of(uint64_t pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/status");
    for (std::string word; in >> word;)
        if (word == "VmRSS:") {
            uint64_t kib = 0;
            in >> kib;
            return kib;
        }
    die("the server's memory cannot be read");
}

inline std::string frames(std::initializer_list<wire::ClientFrame> all) {
    std::string out;
    for (const wire::ClientFrame& frame : all)
        wire::encode_binary(out, frame);
    return out;
}

inline wire::Hello hello(bool wants_actor) {
    wire::Hello frame;
    frame.client = "bench/1";
    frame.want_actor = wants_actor;
    return frame;
}

/// A subscriber that decodes what it gets and checks that each delivery continues the last one.
class Reader final : public Subscriber {
  public:
    Reader(Loop& loop, const net::SocketAddress& server, std::string channel,
           std::vector<wire::Selection> select = {})
        : channel_(std::move(channel)),
          select_(std::move(select)),
          link_(loop, server, "tandem.v1",
                {[this] { greet(); },
                 [this](std::string_view message, size_t bytes) { receive(message, bytes); },
                 [] { die("the server closed a subscriber's connection"); }}) {
        link_.connect();
    }

    bool has_snapshot() const { return has_snapshot_; }
    bool is_ready() const override { return has_snapshot_; }
    uint64_t seq() const override { return seq_; }
    size_t newest_bytes() const override { return newest_bytes_; }
    /// When the last delivery had come.
    uint64_t newest_ns() const { return newest_ns_; }
    /// Of all messages so far, with their headers.
    size_t bytes() const { return bytes_; }

  private:
    void greet() {
        wire::Subscribe subscribe;
        subscribe.channel = channel_;
        subscribe.select = select_;
        link_.send(frames({hello(false), subscribe}));
        link_.flush();
    }

    void receive(std::string_view message, size_t bytes) {
        bytes_ += bytes;
        decoded_.clear();
        if (!wire::decode_binary(message, decoded_).ok()) die("a message does not decode");
        for (const wire::ServerFrame& frame : decoded_) {
            if (const auto* error = std::get_if<wire::ErrorFrame>(&frame))
                die("refused: " + error->code + " " + error->message);
            const auto* delivery = std::get_if<wire::Delivery>(&frame);
            if (delivery == nullptr) continue;
            if (delivery->kind == wire::DeliveryKind::live && delivery->to != seq_ + 1)
                die("a delivery does not continue the one before it");
            seq_ = delivery->to;
            has_snapshot_ = has_snapshot_ || !delivery->more;
            newest_bytes_ = bytes;
            newest_ns_ = now_ns();
        }
    }

    std::string channel_;
    std::vector<wire::Selection> select_;
    uint64_t seq_ = 0;
    size_t bytes_ = 0;
    size_t newest_bytes_ = 0;
    uint64_t newest_ns_ = 0;
    bool has_snapshot_ = false;
    std::vector<wire::ServerFrame> decoded_;
    Link link_;
};

/// Pushes changes of one field, of 100 bytes or as many as wanted.
class Writer final : public Publisher {
  public:
    Writer(Loop& loop, const net::SocketAddress& server, std::string channel)
        : channel_(std::move(channel)),
          link_(loop, server, "tandem.v1",
                {[this] {
                     link_.send(frames({hello(true)}));
                     link_.flush();
                 },
                 [this](std::string_view message, size_t) { receive(message); },
                 [] { die("the server closed the writer's connection"); }}) {
        link_.connect();
    }

    bool is_started() const { return actor_ != 0; }
    bool is_ready() const override { return is_started(); }
    uint64_t pushed() const override { return counter_; }
    void push() override { push(kChangeBytes); }
    void push(size_t bytes) {
        record::Op op;
        op.kind = record::OpKind::set;
        op.path = path_of({"field"});
        std::string text = std::to_string(counter_ + 1);
        text.resize(bytes, 'x');
        op.value = base::Value(std::move(text));
        push({std::move(op)});
    }
    void push(const std::vector<record::Op>& ops) {
        ++counter_;
        wire::Push frame;
        frame.channel = channel_;
        frame.actor = actor_;
        frame.counter = counter_;
        frame.stamp_ms = time_ms_;
        record::encode_ops(frame.ops, ops, record::Form::pushed);
        link_.send(frames({std::move(frame)}));
        link_.flush();
    }

  private:
    void receive(std::string_view message) {
        std::vector<wire::ServerFrame> decoded;
        if (!wire::decode_binary(message, decoded).ok()) die("a message does not decode");
        for (const wire::ServerFrame& frame : decoded) {
            if (const auto* welcome = std::get_if<wire::Welcome>(&frame)) {
                actor_ = welcome->actor;
                time_ms_ = welcome->time_ms;
            } else if (const auto* error = std::get_if<wire::ErrorFrame>(&frame)) {
                die("refused: " + error->code + " " + error->message);
            }
        }
    }

    std::string channel_;
    uint64_t actor_ = 0;
    uint64_t time_ms_ = 0;
    uint64_t counter_ = 0;
    Link link_;
};

template <class Done>
void turn_until(Loop& loop, const char* what, Done is_done) {
    const uint64_t deadline = now_ns() + 60'000'000'000U;
    while (!is_done()) {
        loop.turn(10'000'000);
        if (now_ns() > deadline) die(std::string("took too long: ") + what);
    }
}

}  // namespace tandem::bench
