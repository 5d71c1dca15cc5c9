#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "link.hpp"
#include "report.hpp"

namespace tandem::bench {

/// One page of a file overwritten and forced to disk, as often as asked: what any durable write
/// costs here. (Appending would also pay for the file's growth, which a write-ahead log avoids.)
Report measure_fdatasync(const Arguments& arguments) {
    const std::string name = arguments.text("dir") + "/fdatasync.probe";
    const uint64_t count = arguments.number("count", 500);
    net::UniqueFd fd(::open(name.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600));
    if (!fd.is_open()) die("cannot create " + name);
    const std::string page(4096, 'x');
    for (uint64_t i = 0; i < count; ++i)
        if (::write(fd.get(), page.data(), page.size()) != static_cast<ssize_t>(page.size()))
            die("cannot write " + name);
    if (::fdatasync(fd.get()) != 0 || ::lseek(fd.get(), 0, SEEK_SET) != 0) die("fdatasync failed");
    std::vector<double> samples;
    for (uint64_t i = 0; i < count; ++i) {
        if (::write(fd.get(), page.data(), page.size()) != static_cast<ssize_t>(page.size()))
            die("cannot write " + name);
        const uint64_t start = now_ns();
        if (::fdatasync(fd.get()) != 0) die("fdatasync failed");
        samples.push_back(to_ms(now_ns() - start));
    }
    ::unlink(name.c_str());
    Report report;
    report.put("samples_ms", samples);
    return report;
}

/// How many small sends over a loopback TCP stream one CPU second pays for, with nothing around
/// them. It tells machines apart.
Report measure_bare_send(const Arguments& arguments) {
    const uint64_t count = arguments.number("count", 200'000);
    auto listener = net::open_listener({"127.0.0.1", 0}, net::PortSharing::kExclusive);
    if (!listener) die("cannot listen");
    auto client = net::open_connection(net::local_address(listener->get()));
    if (!client) die("cannot connect");
    net::UniqueFd server;
    while (!server.is_open())
        server = net::UniqueFd(::accept(listener->get(), nullptr, nullptr));
    std::thread drain([fd = server.get()] {
        std::array<char, 65'536> buffer;
        while (::recv(fd, buffer.data(), buffer.size(), 0) > 0)
            continue;
    });
    ::fcntl(client->get(), F_SETFL, 0);
    const std::array<char, 32> frame{};
    const auto cpu_ns = [] {
        timespec time{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
    };
    const double start = cpu_ns();
    for (uint64_t i = 0; i < count; ++i)
        if (::send(client->get(), frame.data(), frame.size(), MSG_NOSIGNAL) < 0) die("send failed");
    const double used_s = (cpu_ns() - start) / 1e9;
    client->reset();
    drain.join();
    Report report;
    report.put("per_cpu_s", static_cast<double>(count) / used_s);
    return report;
}

}  // namespace tandem::bench
