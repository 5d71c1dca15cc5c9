#include "server/shards.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "server/test_peers.hpp"

namespace tandem::server {
namespace {

using testing::ClientLoop;
using testing::Codec;
using testing::Peer;
using testing::Seen;
using testing::test_options;
using testing::TestServer;

constexpr uint32_t kThreads = 3;

std::vector<std::string> channels(size_t count) {
    std::vector<std::string> names;
    for (size_t i = 0; i < count; ++i)
        names.push_back("board:" + std::to_string(i));
    return names;
}

std::vector<std::unique_ptr<Peer>> connect(ClientLoop& loop, const TestServer& server,
                                           size_t count) {
    std::vector<std::unique_ptr<Peer>> peers;
    for (size_t i = 0; i < count; ++i)
        peers.push_back(
            std::make_unique<Peer>(loop, server, i % 2 == 0 ? Codec::json : Codec::binary));
    EXPECT_TRUE(loop.run_until([&] {
        return std::all_of(peers.begin(), peers.end(), [](auto& p) { return p->is_open(); });
    }));
    return peers;
}

double votes(const TestServer& server, const std::string& channel) {
    const base::Value record = server.get_json("/api/v1/channels/" + channel + "/record");
    return record.find("value")->find("votes")->as_number();
}

// Every client follows and writes every channel, wherever either lives: sequences have no gaps,
// acknowledgements come in order, and all see the same end. (The peers check each frame.)
TEST(Shards, CarryEveryChannelToEveryConnection) {
    for (const uint32_t threads : {1U, kThreads}) {
        SCOPED_TRACE(threads);
        TestServer server(test_options(threads));
        ClientLoop loop;
        const auto names = channels(16);
        auto peers = connect(loop, server, 12);
        constexpr uint64_t kPushes = 10;
        for (auto& peer : peers)
            for (const std::string& name : names)
                peer->subscribe(name);
        for (uint64_t counter = 1; counter <= kPushes; ++counter)
            for (auto& peer : peers)
                for (const std::string& name : names)
                    peer->push(name, counter);
        const uint64_t total = kPushes * peers.size();
        EXPECT_TRUE(loop.run_until([&] {
            for (auto& peer : peers)
                for (const std::string& name : names)
                    if (peer->at(name).acked < kPushes || peer->at(name).cursor < total)
                        return false;
            return true;
        }));
        for (auto& peer : peers) {
            EXPECT_TRUE(peer->errors.empty()) << peer->errors.front();
            for (const std::string& name : names)
                EXPECT_EQ(peer->at(name).cursor, total);
        }
        for (const std::string& name : names)
            EXPECT_EQ(votes(server, name), static_cast<double>(total));

        EXPECT_EQ(server.metric("connections"), peers.size());
        EXPECT_EQ(server.metric("subscriptions"), peers.size() * names.size());
        EXPECT_EQ(server.metric("entries_total"), total * names.size());
        EXPECT_EQ(server.metric("channels"), names.size());

        // Each connection is listed once, with the channels of all shards.
        const base::Value listed = server.get_json("/api/v1/connections");
        std::set<std::string> ids;
        for (const base::Value& row : listed.find("connections")->as_array()) {
            EXPECT_TRUE(ids.insert(row.find("id")->as_string()).second);
            EXPECT_EQ(row.find("channels")->as_array().size(), names.size());
            EXPECT_GT(row.find("bytes_in")->as_number(), 0);
            EXPECT_GT(row.find("bytes_out")->as_number(), 0);
        }
        EXPECT_EQ(ids.size(), peers.size());

        // So is each channel, with what its owner knows.
        const base::Value all = server.get_json("/api/v1/channels?limit=10");
        EXPECT_EQ(all.find("channels")->as_array().size(), 10U);
        EXPECT_TRUE(all.find("more")->as_bool());
        std::string before;
        for (const base::Value& row : all.find("channels")->as_array()) {
            EXPECT_LT(before, row.find("name")->as_string());
            before = row.find("name")->as_string();
            EXPECT_EQ(row.find("head")->as_number(), static_cast<double>(total));
            EXPECT_EQ(row.find("subscribers")->as_number(), static_cast<double>(peers.size()));
        }
    }
}

// JSON pushes without an actor are one actor's, on whichever shards they land.
TEST(Shards, GiveAConnectionOneActor) {
    TestServer server(test_options(kThreads));
    ClientLoop loop;
    auto peers = connect(loop, server, 3);
    const auto names = channels(12);
    std::set<uint64_t> actors;
    for (auto& peer : {peers[0].get(), peers[2].get()}) {
        for (const std::string& name : names)
            peer->push(name, 1);
        EXPECT_TRUE(loop.run_until([&] {
            return std::all_of(names.begin(), names.end(),
                               [&](const auto& name) { return peer->at(name).acked == 1; });
        }));
        std::set<uint64_t> own;
        for (const std::string& name : names)
            own.insert(peer->at(name).actor);
        EXPECT_EQ(own.size(), 1U);
        EXPECT_NE(*own.begin(), 0U);
        actors.merge(own);
    }
    EXPECT_EQ(actors.size(), 2U);
}

TEST(Shards, PassPresenceAndSignals) {
    TestServer server(test_options(kThreads));
    ClientLoop loop;
    auto peers = connect(loop, server, 6);
    const auto names = channels(8);
    const auto all = [&](const std::function<bool(Seen&)>& holds, size_t first = 0) {
        return loop.run_until([&] {
            for (size_t i = first; i < peers.size(); ++i)
                for (const std::string& name : names)
                    if (!holds(peers[i]->at(name))) return false;
            return true;
        });
    };
    for (auto& peer : peers)
        for (const std::string& name : names)
            peer->subscribe(name);
    EXPECT_TRUE(all([](Seen& seen) { return seen.has_state; }));
    for (auto& peer : peers)
        for (const std::string& name : names)
            peer->send(wire::PresenceSet{name, base::Value("here"), false});
    EXPECT_TRUE(all([&](Seen& seen) { return seen.members == peers.size(); }));
    for (int i = 1; i <= 5; ++i)
        for (const std::string& name : names)
            peers[0]->send(wire::SignalSend{name, "n", base::Value(static_cast<double>(i))});
    EXPECT_TRUE(all([](Seen& seen) { return seen.signals.size() == 5; }, 1));
    for (size_t i = 1; i < peers.size(); ++i)
        for (const std::string& name : names)
            EXPECT_EQ(peers[i]->at(name).signals, (std::vector<double>{1, 2, 3, 4, 5}));
    // A clean close ends presence at once on every shard.
    peers[0]->client().websocket()->close(net::kWsCloseNormal, "");
    EXPECT_TRUE(all([&](Seen& seen) { return seen.members == peers.size() - 1; }, 1));
}

TEST(Shards, LimitTheChannelsOfAConnectionTogether) {
    Options options = test_options(kThreads);
    options.hub.limits.channels_per_connection_max = 5;
    TestServer server(options);
    ClientLoop loop;
    auto peers = connect(loop, server, 1);
    Peer& peer = *peers[0];
    for (const std::string& name : channels(7))
        peer.subscribe(name);
    EXPECT_TRUE(loop.run_until([&] { return peer.errors.size() == 2; }));
    EXPECT_EQ(peer.errors, (std::vector<std::string>(2, "too_many_channels")));
    peer.send(wire::Unsubscribe{"board:0"});
    peer.subscribe("board:6");
    EXPECT_TRUE(loop.run_until([&] { return peer.at("board:6").has_state; }));
    EXPECT_EQ(server.metric("subscriptions"), 5U);
}

// With room for next to nothing between shards, connections wait for it, and nothing is lost.
TEST(Shards, StopReadingWhenAnotherShardIsBehind) {
    Options options = test_options(kThreads);
    options.hub.limits.shard_queue_events_max = 2;
    TestServer server(options);
    ClientLoop loop;
    auto peers = connect(loop, server, 6);
    const auto names = channels(6);
    constexpr uint64_t kPushes = 100;
    for (uint64_t counter = 1; counter <= kPushes; ++counter)
        for (auto& peer : peers)
            for (const std::string& name : names)
                peer->push(name, counter);
    EXPECT_TRUE(loop.run_until([&] {
        for (auto& peer : peers)
            for (const std::string& name : names)
                if (peer->at(name).acked < kPushes) return false;
        return true;
    }));
    for (auto& peer : peers)
        EXPECT_TRUE(peer->errors.empty());
}

// A reader that does not read gets no more than the windows and the kernel's buffers hold, and
// catches up when it reads again.
TEST(Shards, QueueLittleForASlowReader) {
    TestServer server(test_options(kThreads));
    ClientLoop loop;
    const auto names = channels(6);
    auto peers = connect(loop, server, 4);
    for (auto& peer : peers)
        for (const std::string& name : names)
            peer->subscribe(name);
    EXPECT_TRUE(loop.run_until([&] {
        for (auto& peer : peers)
            for (const std::string& name : names)
                if (!peer->at(name).has_state) return false;
        return true;
    }));
    for (size_t slow : {0U, 1U})
        peers[slow]->client().websocket()->pause_reading();
    constexpr uint64_t kPushes = 120;
    constexpr size_t kFiller = 50'000;
    for (uint64_t counter = 1; counter <= kPushes; ++counter) {
        for (const std::string& name : names)
            peers[3]->push(name, counter, kFiller);
        EXPECT_TRUE(loop.run_until([&] {
            for (const std::string& name : names)
                if (peers[3]->at(name).acked < counter) return false;
            return true;
        }));
    }
    const uint64_t written = kPushes * names.size() * kFiller;
    const base::Value listed = server.get_json("/api/v1/connections");
    size_t slow_rows = 0;
    for (const base::Value& row : listed.find("connections")->as_array())
        if (row.find("bytes_out")->as_number() < static_cast<double>(written) / 3) slow_rows++;
    EXPECT_EQ(slow_rows, 2U);
    for (size_t slow : {0U, 1U})
        peers[slow]->client().websocket()->resume_reading();
    EXPECT_TRUE(loop.run_until([&] {
        for (auto& peer : peers)
            for (const std::string& name : names)
                if (peer->at(name).cursor < kPushes) return false;
        return true;
    }));
}

// Connections that come and go under load leave nothing behind on any shard.
TEST(Shards, ForgetConnectionsThatClose) {
    TestServer server(test_options(kThreads));
    ClientLoop loop;
    const auto names = channels(8);
    std::mt19937 random(20240611);
    uint64_t acked = 0;
    for (int round = 0; round < 6; ++round) {
        auto peers = connect(loop, server, 8);
        for (uint64_t counter = 1; counter <= 20; ++counter) {
            for (auto& peer : peers) {
                if (peer->client().websocket() == nullptr) continue;
                for (const std::string& name : names) {
                    if (counter == 1) peer->subscribe(name);
                    peer->push(name, counter, 500);
                }
                if (random() % 20 == 0)
                    peer->client().websocket()->terminate(net::kWsCloseAbnormal);
                else if (random() % 20 == 0)
                    peer->client().websocket()->close(net::kWsCloseNormal, "");
            }
            loop.reactor->run_turn(0);
        }
        for (auto& peer : peers)
            for (auto& [name, seen] : peer->all())
                acked += seen.acked;
    }
    EXPECT_TRUE(loop.run_until(
        [&] { return server.metric("connections") == 0 && server.metric("subscriptions") == 0; }));
    EXPECT_TRUE(server.get_json("/api/v1/connections").find("connections")->as_array().empty());
    EXPECT_GE(server.metric("entries_total"), acked);
}

// All that was acknowledged before the end is there after it; every client is told.
TEST(Shards, DrainBeforeTheyEnd) {
    TestServer server(test_options(kThreads));
    ClientLoop loop;
    const auto names = channels(12);
    auto peers = connect(loop, server, 6);
    for (uint64_t counter = 1; counter <= 50; ++counter)
        for (auto& peer : peers)
            for (const std::string& name : names)
                peer->push(name, counter);
    EXPECT_TRUE(loop.run_until([&] { return peers[0]->at(names[0]).acked > 0; }));
    server.shards().stop();
    EXPECT_TRUE(loop.run_until([&] {
        return std::all_of(peers.begin(), peers.end(), [](auto& p) { return p->is_closed(); });
    }));
    EXPECT_EQ(server.wait(), 0);
    std::map<std::string, uint64_t> heads;
    std::map<std::string, uint64_t> counted;
    for (auto& peer : peers) {
        EXPECT_EQ(peer->byes, 1U);
        for (const std::string& name : names) {
            heads[name] = std::max(heads[name], peer->at(name).acked_seq);
            counted[name] += peer->at(name).acked;
        }
    }
    server.start();
    for (const std::string& name : names) {
        const base::Value record = server.get_json("/api/v1/channels/" + name + "/record");
        EXPECT_GE(record.find("seq")->as_number(), static_cast<double>(heads[name]));
        if (counted[name] > 0) {
            EXPECT_GE(votes(server, name), static_cast<double>(counted[name]));
        }
    }
}

// Listeners that share a port must not share it with another server.
TEST(Shards, RefuseAPortThatIsTaken) {
    TestServer server(test_options(2));
    const Options options = test_options(2);
    const testing::TemporaryFolder folder;
    store::SqliteStoreOptions store_options;
    store_options.engine.new_epoch = 78;
    auto store = store::SqliteStore::open(folder.file("store.db"), store_options);
    ASSERT_TRUE(store.ok());
    auto second = Shards::create(options, **store);
    ASSERT_TRUE(second.ok());
    const auto listening = (*second)->listen(server.address);
    ASSERT_FALSE(listening.ok());
    EXPECT_EQ(listening.error().code, base::ErrorCode::address_in_use);
    second->reset();
}

}  // namespace
}  // namespace tandem::server
