// Readers that stop reading beside others that do not.

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "followers.hpp"
#include "report.hpp"

namespace tandem::bench {
namespace {

/// Follows a channel and never reads what comes.
class Stalled {
  public:
    Stalled(const net::SocketAddress& server, const std::string& channel) {
        auto fd = net::open_connection(server);
        if (!fd) die("cannot connect");
        fd_ = std::move(*fd);
        const int small = 1;  // The kernel's least.
        ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        const std::string host = net::to_text(server);
        std::string out = "GET /connection/websocket HTTP/1.1\r\nHost: " + host +
                          "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
                          "13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                          "Sec-WebSocket-Protocol: tandem.v1\r\n\r\n";
        wire::Subscribe subscribe;
        subscribe.channel = channel;
        net::append_masked_frame(out, net::WsOpcode::kBinary, frames({hello(false), subscribe}),
                                 {1, 2, 3, 4});
        for (std::string_view rest = out; !rest.empty();) {
            const ssize_t sent = ::send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
            if (sent > 0)
                rest.remove_prefix(static_cast<size_t>(sent));
            else
                ::usleep(1000);
        }
    }

  private:
    net::UniqueFd fd_;
};

}  // namespace

/// `rounds` rounds on one server, each with `changes` changes to `healthy` readers alone and, in
/// turn before and after, as many while `stalled` others have stopped. A sample is the time from a
/// change's sending to its arrival at one reader.
Report measure_stall(const Arguments& arguments) {
    const net::SocketAddress server = address_of(arguments.text("url"));
    const std::string channel = arguments.text("channel");
    const uint64_t pid = arguments.number("pid", 0);
    const uint64_t healthy = arguments.number("healthy", 200);
    const uint64_t stalled_count = arguments.number("stalled", 200);
    const uint64_t changes = arguments.number("changes", 150);
    const uint64_t rounds = arguments.number("rounds", 9);
    const uint64_t fill_bytes = arguments.number("fill-kib", 768) * 1024;
    Loop loop;
    std::vector<std::unique_ptr<Reader>> readers;
    for (uint64_t i = 0; i < healthy; ++i)
        readers.push_back(std::make_unique<Reader>(loop, server, channel));
    Writer writer(loop, server, channel);
    const auto all_have = [&](uint64_t seq) {
        return std::all_of(readers.begin(), readers.end(),
                           [&](const auto& reader) { return reader->seq() >= seq; });
    };
    turn_until(loop, "subscribing", [&] {
        return writer.is_started() &&
               std::all_of(readers.begin(), readers.end(),
                           [](const auto& reader) { return reader->has_snapshot(); });
    });
    const auto change = [&](size_t bytes) {
        writer.push(bytes);
        turn_until(loop, "a change", [&] { return all_have(writer.pushed()); });
    };
    constexpr size_t kFillChange = 32 * 1024;
    const auto measure = [&] {
        // More than kernel and server hold for who does not read; and the same for those who do,
        // since the store has work with it for a while.
        for (uint64_t sent = 0; sent < fill_bytes; sent += kFillChange)
            change(kFillChange);
        for (uint64_t i = 0; i < 50; ++i)
            change(100);
        std::vector<double> samples;
        for (uint64_t i = 0; i < changes; ++i) {
            const uint64_t sent = now_ns();
            change(100);
            for (const auto& reader : readers)
                samples.push_back(to_ms(reader->newest_ns() - sent));
        }
        return samples;
    };
    Report report;
    base::Array rows;
    for (uint64_t round = 0; round < rounds; ++round) {
        base::Value row{base::Object{}};
        const auto put = [&](std::string_view key, const std::vector<double>& samples) {
            base::Array array;
            for (const double sample : samples)
                array.emplace_back(sample);
            row.put(key, base::Value(std::move(array)));
        };
        const auto with_stalled = [&] {
            const uint64_t rss_before = rss_kib_of(pid);
            std::vector<std::unique_ptr<Stalled>> stalled;
            for (uint64_t i = 0; i < stalled_count; ++i)
                stalled.push_back(std::make_unique<Stalled>(server, channel));
            put("with_ms", measure());
            row.put("stalled_kib", base::Value(static_cast<double>(rss_kib_of(pid)) -
                                               static_cast<double>(rss_before)));
        };
        if (round % 2 == 0) {
            put("without_ms", measure());
            with_stalled();
        } else {
            with_stalled();
            put("without_ms", measure());
        }
        rows.push_back(std::move(row));
    }
    report.put("rounds", base::Value(std::move(rows)));
    report.put("healthy", healthy);
    report.put("stalled", stalled_count);
    return report;
}

}  // namespace tandem::bench
