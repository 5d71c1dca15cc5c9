#include "net/send_queue.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <random>
#include <string>
#include <vector>

#include "net/unique_fd.hpp"

namespace tandem::net {
namespace {

struct Pair {
    Pair() {
        std::array<int, 2> fds{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds.data()), 0);
        out = UniqueFd(fds[0]);
        in = UniqueFd(fds[1]);
        const int bytes = 4096;
        (void)::setsockopt(out.get(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    }
    void read(std::string& to, size_t max) {
        std::vector<char> buffer(max);
        const ptrdiff_t got = ::recv(in.get(), buffer.data(), buffer.size(), 0);
        if (got > 0) to.append(buffer.data(), static_cast<size_t>(got));
    }
    UniqueFd out;
    UniqueFd in;
};

TEST(SendQueue, KeepsTheOrderThroughPartialWrites) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::vector<char> scratch(8 * 1024);
    for (int round = 0; round < 30; ++round) {
        Pair pair;
        SendQueue queue;
        std::string expected;
        std::string received;
        for (int step = 0; step < 400; ++step) {
            const size_t size = random() % 20 == 0 ? random() % 20'000 : random() % 1500;
            std::string data;
            while (data.size() < size)
                data.push_back(static_cast<char>(random()));
            if (random() % 2 == 0) {
                queue.append(data);
            } else {
                queue.push(SharedBytes::copy_of(data));
            }
            expected += data;
            if (random() % 3 == 0) {
                ASSERT_NE(queue.flush(pair.out.get(), scratch), FlushResult::kFailed);
            }
            if (random() % 4 == 0) pair.read(received, 1 + random() % 30'000);
        }
        while (!queue.empty() || received.size() < expected.size()) {
            ASSERT_NE(queue.flush(pair.out.get(), scratch), FlushResult::kFailed);
            pair.read(received, 64 * 1024);
            ASSERT_EQ(queue.bytes() == 0, queue.empty());
        }
        ASSERT_TRUE(received == expected);
    }
}

TEST(SendQueue, SharesTheBytesAndLetsThemGo) {
    Pair pair;
    std::vector<char> scratch(8 * 1024);
    const SharedBytes frame = SharedBytes::copy_of(std::string(5000, 'x'));
    SendQueue first;
    SendQueue second;
    first.push(frame);
    second.push(frame);
    EXPECT_EQ(first.bytes(), 5000U);
    // An owned block must never be extended through a shared one.
    first.append("own");
    second.append("other");
    first.clear();
    EXPECT_TRUE(first.empty());
    std::string received;
    while (received.size() < 5005) {
        ASSERT_NE(second.flush(pair.out.get(), scratch), FlushResult::kFailed);
        pair.read(received, 10'000);
    }
    EXPECT_EQ(received, std::string(5000, 'x') + "other");
    EXPECT_EQ(frame.view(), std::string(5000, 'x'));
}

TEST(SendQueue, ReportsAClosedPeer) {
    Pair pair;
    std::vector<char> scratch(8 * 1024);
    pair.in.reset();
    SendQueue queue;
    queue.append("x");
    EXPECT_EQ(queue.flush(pair.out.get(), scratch), FlushResult::kFailed);
}

}  // namespace
}  // namespace tandem::net
