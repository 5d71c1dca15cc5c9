#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "followers.hpp"
#include "report.hpp"
#include "subscriber.hpp"

namespace tandem::bench {
namespace {

/// What the server's shim has counted in a file; 0 without one.
uint64_t count_in(const std::string& name) {
    if (name == "none") return 0;
    std::ifstream in(name, std::ios::binary);
    uint64_t count = 0;
    if (!in.read(reinterpret_cast<char*>(&count), sizeof count)) die("the count is missing");
    return count;
}

/// A server that does nothing but send: at each byte of its first connection, the same frame to
/// all others. It is a process of its own, as the server that it is compared with.
class BareServer {
  public:
    BareServer(uint64_t readers, size_t frame_bytes) {
        auto listener = net::open_listener({"127.0.0.1", 0}, net::PortSharing::kExclusive);
        if (!listener) die("cannot listen");
        address_ = net::local_address(listener->get());
        pid_ = ::fork();
        if (pid_ < 0) die("cannot fork");
        if (pid_ == 0) serve(listener->get(), readers, frame_bytes);
    }
    ~BareServer() {
        // Its control connection has ended by now, and so does it.
        ::waitpid(pid_, nullptr, 0);
    }
    BareServer(const BareServer&) = delete;
    BareServer& operator=(const BareServer&) = delete;

    const net::SocketAddress& address() const { return address_; }
    uint64_t pid() const { return static_cast<uint64_t>(pid_); }

  private:
    [[noreturn]] static void serve(int listener, uint64_t readers, size_t frame_bytes) {
        const auto accept_one = [listener] {
            int fd = -1;
            while (fd < 0)
                fd = ::accept(listener, nullptr, nullptr);
            const int on = 1;
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            return fd;
        };
        const int control = accept_one();
        std::vector<int> fds;
        for (uint64_t i = 0; i < readers; ++i)
            fds.push_back(accept_one());
        const std::string frame(frame_bytes, 'x');
        for (char byte = 0; ::recv(control, &byte, 1, 0) == 1;)
            for (const int fd : fds)
                if (::send(fd, frame.data(), frame.size(), MSG_NOSIGNAL) !=
                    static_cast<ssize_t>(frame.size()))
                    std::_Exit(1);
        std::_Exit(0);
    }

    net::SocketAddress address_;
    pid_t pid_ = 0;
};

/// Counts what arrives.
class Sink final : private Pollable {
  public:
    Sink(Loop& loop, const net::SocketAddress& server) {
        auto fd = net::open_connection(server);
        if (!fd) die("cannot connect");
        fd_ = std::move(*fd);
        loop.add(fd_.get(), EPOLLIN, *this);
    }
    uint64_t received() const { return received_; }

  private:
    void on_io(uint32_t) override {
        std::array<char, 4096> buffer;
        const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
        if (n == 0) die("the bare server ended");
        if (n > 0) received_ += static_cast<uint64_t>(n);
    }

    net::UniqueFd fd_;
    uint64_t received_ = 0;
};

// All of them told from here on. So many connect at a time, since the listen queue is not what is
// measured.
std::vector<std::unique_ptr<Subscriber>> open_readers(Loop& loop, const Arguments& arguments,
                                                      uint64_t count) {
    constexpr uint64_t kAtATime = 200;
    const net::SocketAddress server = address_of(arguments.text("url"));
    const std::string protocol = arguments.text("protocol");
    std::vector<std::unique_ptr<Subscriber>> readers;
    for (uint64_t i = 1; i <= count; ++i) {
        if (protocol == "tandem")
            readers.push_back(std::make_unique<Reader>(loop, server, arguments.text("channel")));
        else
            readers.push_back(make_peer_subscriber(loop, server, protocol));
        if (i % kAtATime != 0 && i != count) continue;
        turn_until(loop, "subscribing", [&] {
            return std::all_of(readers.end() - static_cast<ptrdiff_t>((i - 1) % kAtATime + 1),
                               readers.end(), [](const auto& one) { return one->is_ready(); });
        });
    }
    return readers;
}

}  // namespace

/// `window` changes are on their way at a time; the next goes out when every subscriber has the
/// oldest of them. `pid` is the server's; `allocations-file` holds what its shim counts, or is
/// "none"; `protocol` is "tandem" or one of make_peer_subscriber.
Report measure_fanout(const Arguments& arguments) {
    const net::SocketAddress server = address_of(arguments.text("url"));
    const uint64_t pid = arguments.number("pid", 0);
    const uint64_t subscribers = arguments.number("subscribers", 1000);
    const uint64_t changes = arguments.number("changes", 300);
    const uint64_t warm_up = arguments.number("warm-up", 30);
    const uint64_t window = arguments.number("window", 1);
    const std::string protocol = arguments.text("protocol");
    Loop loop;
    std::vector<std::unique_ptr<Subscriber>> readers = open_readers(loop, arguments, subscribers);
    std::unique_ptr<Publisher> publisher;
    if (protocol == "tandem")
        publisher = std::make_unique<Writer>(loop, server, arguments.text("channel"));
    else
        publisher = make_peer_publisher(loop, server, protocol);
    Publisher& writer = *publisher;
    const auto all_have = [&](uint64_t seq) {
        return std::all_of(readers.begin(), readers.end(),
                           [&](const auto& reader) { return reader->seq() >= seq; });
    };
    turn_until(loop, "connecting", [&] { return writer.is_ready(); });
    const auto send = [&](uint64_t count) {
        const uint64_t end = writer.pushed() + count;
        uint64_t had = writer.pushed();
        while (had < end) {
            while (writer.pushed() < end && writer.pushed() - had < window)
                writer.push();
            turn_until(loop, "a change", [&] { return all_have(had + 1); });
            ++had;
        }
    };
    send(warm_up);
    const std::string counted = arguments.text("allocations-file");
    const uint64_t allocations_before = count_in(counted);
    const uint64_t cpu_before = cpu_ns_of(pid);
    const uint64_t start = now_ns();
    send(changes);
    const uint64_t cpu = cpu_ns_of(pid) - cpu_before;
    const uint64_t allocations = count_in(counted) - allocations_before;
    const double seconds = to_ms(now_ns() - start) / 1000;
    Report report;
    report.put("deliveries", changes * subscribers);
    report.put("server_cpu_s", static_cast<double>(cpu) / 1e9);
    report.put("seconds", seconds);
    report.put("allocations", allocations);
    report.put("frame_bytes", static_cast<uint64_t>(readers.front()->newest_bytes()));
    return report;
}

/// The same with a server that only sends: `bytes` to each of `subscribers`, one round at a time.
Report measure_bare_fanout(const Arguments& arguments) {
    const uint64_t subscribers = arguments.number("subscribers", 1000);
    const uint64_t changes = arguments.number("changes", 300);
    const uint64_t warm_up = arguments.number("warm-up", 30);
    const uint64_t bytes = arguments.number("bytes", 130);
    BareServer server(subscribers, bytes);
    auto control = net::open_connection(server.address());
    if (!control) die("cannot connect");
    Loop loop;
    std::vector<std::unique_ptr<Sink>> sinks;
    for (uint64_t i = 0; i < subscribers; ++i)
        sinks.push_back(std::make_unique<Sink>(loop, server.address()));
    uint64_t rounds = 0;
    const auto send = [&](uint64_t count) {
        for (uint64_t i = 0; i < count; ++i) {
            ++rounds;
            while (::send(control->get(), "x", 1, MSG_NOSIGNAL) != 1)
                loop.turn(1'000'000);
            turn_until(loop, "a round", [&] {
                return std::all_of(sinks.begin(), sinks.end(), [&](const auto& sink) {
                    return sink->received() >= rounds * bytes;
                });
            });
        }
    };
    send(warm_up);
    const uint64_t cpu_before = cpu_ns_of(server.pid());
    send(changes);
    const uint64_t cpu = cpu_ns_of(server.pid()) - cpu_before;
    control->reset();
    Report report;
    report.put("deliveries", changes * subscribers);
    report.put("server_cpu_s", static_cast<double>(cpu) / 1e9);
    return report;
}

/// `subscribers` that come as fast as they are taken in, and then do nothing.
Report measure_storm(const Arguments& arguments) {
    const uint64_t pid = arguments.number("pid", 0);
    const uint64_t subscribers = arguments.number("subscribers", 5000);
    Loop loop;
    // Buffers that every server has once are there before.
    const auto first = open_readers(loop, arguments, 100);
    const uint64_t rss_before = rss_kib_of(pid);
    const uint64_t cpu_before = cpu_ns_of(pid);
    const uint64_t start = now_ns();
    const auto readers = open_readers(loop, arguments, subscribers);
    const double seconds = to_ms(now_ns() - start) / 1000;
    Report report;
    report.put("connections", subscribers);
    report.put("seconds", seconds);
    report.put("server_cpu_s", static_cast<double>(cpu_ns_of(pid) - cpu_before) / 1e9);
    report.put("rss_before_kib", rss_before);
    report.put("rss_after_kib", rss_kib_of(pid));
    return report;
}

/// Connections that do nothing, each following one of `channels` channels (0: none).
Report measure_idle(const Arguments& arguments) {
    const net::SocketAddress server = address_of(arguments.text("url"));
    const uint64_t pid = arguments.number("pid", 0);
    const uint64_t connections = arguments.number("connections", 10'000);
    const uint64_t channels = arguments.number("channels", 100);
    Loop loop;
    std::vector<std::unique_ptr<Reader>> readers;
    const auto open = [&](uint64_t count) {
        for (uint64_t i = 0; i < count; ++i) {
            readers.push_back(std::make_unique<Reader>(
                loop, server,
                arguments.text("channel") + "-" + std::to_string(readers.size() % channels)));
            // The listen queue is not what is measured.
            if (readers.size() % 200 == 0)
                turn_until(loop, "connecting", [&] { return readers.back()->is_ready(); });
        }
        turn_until(loop, "subscribing", [&] {
            return std::all_of(readers.begin(), readers.end(),
                               [](const auto& reader) { return reader->is_ready(); });
        });
    };
    // Buffers that every server has once, and the channels, are there before the first measurement.
    open(channels);
    const uint64_t before = rss_kib_of(pid);
    open(connections);
    const uint64_t after = rss_kib_of(pid);
    Report report;
    report.put("connections", connections);
    report.put("rss_before_kib", before);
    report.put("rss_after_kib", after);
    return report;
}

/// What a newcomer receives of a list of `items` cards with four fields each: all of it, and the
/// first `screen` of them.
Report measure_cold(const Arguments& arguments) {
    const net::SocketAddress server = address_of(arguments.text("url"));
    const uint64_t items = arguments.number("items", 2500);
    const uint64_t screen = arguments.number("screen", 40);
    constexpr uint64_t kItemsPerPush = 100;
    Loop loop;
    Writer writer(loop, server, arguments.text("channel"));
    turn_until(loop, "connecting", [&] { return writer.is_ready(); });
    std::string position;
    for (uint64_t i = 0; i < items;) {
        std::vector<record::Op> ops;
        for (uint64_t end = std::min(items, i + kItemsPerPush); i < end; ++i) {
            record::Op& op = ops.emplace_back();
            op.kind = record::OpKind::insert;
            op.path = path_of({"cards"});
            op.path.push_back({record::Segment::Kind::item, "c" + std::to_string(i)});
            position = record::position_between(position, {}, "b");
            op.position = position;
            op.value = base::Value(base::Object{});
            op.value.put("text", base::Value("Card number " + std::to_string(i)));
            op.value.put("color", base::Value(std::string(i % 2 == 0 ? "amber" : "blue")));
            op.value.put("done", base::Value(i % 3 == 0));
            op.value.put("size", base::Value::integer(static_cast<int64_t>(i % 100)));
        }
        writer.push(ops);
    }
    wire::Selection cards;
    record::encode_path(cards.path, path_of({"cards"}));
    cards.to = screen;
    const auto bytes_of = [&](std::vector<wire::Selection> select) {
        Reader reader(loop, server, arguments.text("channel"), std::move(select));
        turn_until(loop, "a first load",
                   [&] { return reader.is_ready() && reader.seq() == writer.pushed(); });
        return static_cast<uint64_t>(reader.bytes());
    };
    // Everything is there before the first is measured.
    (void)bytes_of({});
    Report report;
    report.put("fields", items * 4);
    report.put("whole_bytes", bytes_of({}));
    report.put("screen_bytes", bytes_of({cards}));
    return report;
}

}  // namespace tandem::bench
