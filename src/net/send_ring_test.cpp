#include "net/send_ring.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <string>

#include "net/connection.hpp"
#include "net/reactor.hpp"

namespace tandem::net {
namespace {

struct Pair {
    explicit Pair(int buffer_bytes = 4096) {
        std::array<int, 2> fds{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds.data()), 0);
        out = UniqueFd(fds[0]);
        in = UniqueFd(fds[1]);
        (void)::setsockopt(out.get(), SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof(buffer_bytes));
    }
    std::string read(size_t max = 64 * 1024) {
        std::string got(max, '\0');
        const ptrdiff_t count = ::recv(in.get(), got.data(), got.size(), 0);
        got.resize(count > 0 ? static_cast<size_t>(count) : 0);
        return got;
    }
    UniqueFd out;
    UniqueFd in;
};

TEST(SendRing, TellsOfEachSendWhatBecameOfIt) {
    auto made = SendRing::create();
    if (!made) GTEST_SKIP() << "this system forbids io_uring";
    SendRing* ring = made->get();
    Pair open;
    Pair full;
    Pair gone;
    gone.in.reset();
    const std::string much(1 << 20, 'x');
    for (int round = 0; round < 3; ++round) {
        ring->add(open.out.get(), "some");
        ring->add(full.out.get(), much);
        ring->add(gone.out.get(), "lost");
        ring->add(-1, "nowhere");
        ring->add(open.out.get(), " more");
        const auto sent = ring->submit();
        ASSERT_EQ(sent.size(), 5U);
        EXPECT_EQ(sent[0], 4);
        if (round == 0) {
            EXPECT_GT(sent[1], 0);
            EXPECT_LT(sent[1], 1 << 20);
        } else {
            EXPECT_EQ(sent[1], -EAGAIN);
        }
        EXPECT_EQ(sent[2], -EPIPE);
        EXPECT_EQ(sent[3], -EBADF);
        EXPECT_EQ(sent[4], 5);
        EXPECT_EQ(open.read(), "some more");
    }
    EXPECT_TRUE(ring->submit().size() == 5U) << "nothing was added, so nothing has changed";
}

TEST(SendRing, IsFullAtItsLimit) {
    auto made = SendRing::create();
    if (!made) GTEST_SKIP() << "this system forbids io_uring";
    SendRing* ring = made->get();
    Pair pair(1 << 20);
    for (int round = 0; round < 3; ++round) {
        for (size_t i = 0; i < SendRing::kSendsMax; ++i) {
            EXPECT_FALSE(ring->is_full());
            ring->add(pair.out.get(), "x");
        }
        EXPECT_TRUE(ring->is_full());
        const auto sent = ring->submit();
        EXPECT_EQ(sent.size(), SendRing::kSendsMax);
        EXPECT_TRUE(std::all_of(sent.begin(), sent.end(), [](int32_t n) { return n == 1; }));
        EXPECT_EQ(pair.read().size(), SendRing::kSendsMax);
    }
}

struct Peer final : ConnectionHandler {
    Peer(Reactor& reactor, Pair& pair)
        : connection(std::make_unique<Connection>(reactor, std::move(pair.out), *this)) {
        EXPECT_TRUE(connection->start().ok());
        connection->set_low_watermark(2000);
        connection->set_sends_in_batches();
    }
    size_t on_data(Connection&, std::span<char> data) override { return data.size(); }
    void on_writable_low(Connection&) override {
        ++times_low;
        if (to_close_when_low != nullptr) to_close_when_low->connection.reset();
    }
    void on_deadline(Connection&) override {}
    void on_closed(Connection&, CloseReason) override { connection.reset(); }

    std::unique_ptr<Connection> connection;
    Peer* to_close_when_low = nullptr;
    int times_low = 0;
};

std::unique_ptr<Reactor> make_reactor(bool in_batches) {
    ReactorOptions options;
    options.sends_in_batches = in_batches;
    return Reactor::create(options).value();
}

/// What each of 40 readers gets of random writes, some of which end or abort their connection.
std::map<size_t, std::string> run_many(bool in_batches, uint32_t seed) {
    constexpr size_t kPeers = 40;
    const auto reactor = make_reactor(in_batches);
    std::mt19937 random(seed);
    std::vector<Pair> pairs(kPeers);
    std::vector<std::unique_ptr<Peer>> peers;
    for (Pair& pair : pairs)
        peers.push_back(std::make_unique<Peer>(*reactor, pair));
    std::map<size_t, std::string> got;
    for (int step = 0; step < 60; ++step) {
        const std::string frame(1 + random() % 3000, static_cast<char>('a' + step % 26));
        const SharedBytes shared = SharedBytes::copy_of(frame);
        for (size_t i = 0; i < kPeers; ++i) {
            const uint32_t choice = random() % 8;
            if (peers[i]->connection == nullptr) continue;
            if (choice < 4) peers[i]->connection->send(shared);
            if (choice == 4 || choice == 5) peers[i]->connection->send(std::string_view("small"));
            if (choice == 5 && step > 30 && i % 7 == 0) peers[i]->connection->close_gracefully();
        }
        reactor->run_turn(0);
        for (size_t i = 0; i < kPeers; ++i)
            if (random() % 3 == 0) got[i] += pairs[i].read(1 + random() % 9000);
    }
    // To the end: sockets that were full become writable as they are read.
    for (int quiet = 0; quiet < 5;) {
        reactor->run_turn(0);
        ++quiet;
        for (size_t i = 0; i < kPeers; ++i) {
            const std::string more = pairs[i].read();
            if (!more.empty()) quiet = 0;
            got[i] += more;
        }
    }
    return got;
}

TEST(SendInBatches, DeliversWhatSingleSendsDeliver) {
    const uint32_t seed = std::random_device{}();
    for (uint32_t round = 0; round < 10; ++round) {
        SCOPED_TRACE(seed + round);
        const auto expected = run_many(false, seed + round);
        ASSERT_EQ(expected.size(), 40U);
        EXPECT_TRUE(std::any_of(expected.begin(), expected.end(),
                                [](const auto& each) { return each.second.size() > 20'000; }));
        const auto batched = run_many(true, seed + round);
        for (const auto& [peer, bytes] : expected) {
            const auto found = batched.find(peer);
            ASSERT_NE(found, batched.end());
            EXPECT_EQ(found->second.size(), bytes.size()) << "of peer " << peer;
            EXPECT_TRUE(found->second == bytes) << "of peer " << peer;
        }
    }
}

TEST(SendInBatches, OneMayDestroyTheNext) {
    const auto reactor = make_reactor(true);
    std::vector<Pair> pairs(12);
    std::vector<std::unique_ptr<Peer>> peers;
    for (Pair& pair : pairs)
        peers.push_back(std::make_unique<Peer>(*reactor, pair));
    for (size_t i = 0; i + 1 < peers.size(); i += 2)
        peers[i]->to_close_when_low = peers[i + 1].get();
    const SharedBytes frame = SharedBytes::copy_of(std::string(2500, 'x'));
    for (const auto& peer : peers)
        peer->connection->send(frame);
    reactor->run_turn(0);
    for (size_t i = 0; i < peers.size(); ++i) {
        SCOPED_TRACE(i);
        EXPECT_EQ(peers[i]->times_low, i % 2 == 0 ? 1 : 0);
        EXPECT_EQ(peers[i]->connection == nullptr, i % 2 == 1);
        EXPECT_EQ(pairs[i].read().size(), 2500U);
    }
}

TEST(SendInBatches, AFailureEndsItsOwnConnectionOnly) {
    const auto reactor = make_reactor(true);
    std::vector<Pair> pairs(9);
    std::vector<std::unique_ptr<Peer>> peers;
    for (Pair& pair : pairs)
        peers.push_back(std::make_unique<Peer>(*reactor, pair));
    pairs[4].in.reset();
    for (const auto& peer : peers)
        peer->connection->send(std::string_view("hello"));
    reactor->run_turn(0);
    reactor->run_turn(0);
    for (size_t i = 0; i < peers.size(); ++i) {
        SCOPED_TRACE(i);
        EXPECT_EQ(peers[i]->connection == nullptr, i == 4);
        EXPECT_EQ(pairs[i].in.is_open() ? pairs[i].read() : "", i == 4 ? "" : "hello");
    }
}

}  // namespace
}  // namespace tandem::net
