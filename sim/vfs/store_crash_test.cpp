#include <gtest/gtest.h>

#include "sim/vfs/fault_vfs.hpp"
#include "store/sqlite/inline_store.hpp"

namespace tandem::sim {
namespace {

using base::ErrorCode;
using store::EngineOptions;
using store::InlineStore;
using store::SqliteEngine;

constexpr const char* kPath = "/node/tandem.db";

base::Result<std::unique_ptr<SqliteEngine>> open_engine(FaultVfs& vfs) {
    EngineOptions options;
    options.vfs = vfs.name();
    options.new_epoch = 77;
    return SqliteEngine::open(kPath, options);
}

std::string name_of(size_t channel) { return "c:" + std::to_string(channel); }

/// What a workload submitted, and what of it was acknowledged.
struct History {
    static constexpr size_t kChannels = 3;
    uint64_t submitted[kChannels] = {};
    uint64_t acked[kChannels] = {};
    uint64_t trimmed[kChannels] = {};
};

std::string body_of(size_t channel, uint64_t seq) {
    return std::string((seq * 37 + channel * 101) % 700, static_cast<char>('a' + seq % 26)) +
           std::to_string(seq);
}

port::AppendRequest next_append(History& history, size_t channel, uint64_t count) {
    port::ChannelAppend append;
    append.channel = name_of(channel);
    if (history.submitted[channel] == 0) append.new_epochs.push_back({77, 0});
    for (uint64_t i = 0; i < count; ++i) {
        port::StoredEntry entry;
        entry.seq = ++history.submitted[channel];
        entry.actor = 1;
        entry.counter = entry.seq;
        entry.body = body_of(channel, entry.seq);
        append.entries.push_back(std::move(entry));
    }
    return {{std::move(append)}};
}

/// Random appends, snapshots and checkpoints until the store fails or `rounds` are over.
void work(InlineStore& store, History& history, Dice& dice, int rounds) {
    port::Ticket ticket = 0;
    for (int round = 0; round < rounds && !store.failed(); ++round) {
        std::map<port::Ticket, std::pair<size_t, uint64_t>> waiting;
        uint64_t requests = 1 + dice.below(4);
        for (uint64_t i = 0; i < requests; ++i) {
            size_t channel = dice.below(History::kChannels);
            if (dice.below(6) == 0 && history.acked[channel] > 2) {
                uint64_t seq = history.acked[channel];
                store.submit(++ticket, port::SnapshotRequest{name_of(channel), seq, "s", seq / 2});
            } else {
                store.submit(++ticket, next_append(history, channel, 1 + dice.below(5)));
                waiting[ticket] = {channel, history.submitted[channel]};
            }
        }
        std::vector<port::Completion> out;
        store.poll(out);
        for (const port::Completion& completion : out) {
            auto found = waiting.find(completion.ticket);
            if (found == waiting.end() || !completion.reply.ok()) continue;
            history.acked[found->second.first] = found->second.second;
        }
        if (dice.below(5) == 0) {
            auto copied = store.engine().checkpoint(store::CheckpointMode::passive);
            static_cast<void>(copied);
        }
    }
}

/// After a restart: nothing acknowledged is missing, nothing that was never submitted is there, and
/// what is there is whole.
void verify(FaultVfs& vfs, const History& history) {
    auto opened = open_engine(vfs);
    ASSERT_TRUE(opened.ok()) << error_name(opened.error().code);
    EXPECT_EQ((*opened)->store_epoch(), 77u);
    for (size_t channel = 0; channel < History::kChannels; ++channel) {
        auto reply = (*opened)->execute(port::LoadRequest{name_of(channel)});
        ASSERT_TRUE(reply.ok()) << error_name(reply.error().code);
        const auto& loaded = std::get<port::Loaded>(*reply);
        EXPECT_GE(loaded.head, history.acked[channel]);
        EXPECT_LE(loaded.head, history.submitted[channel]);
        ASSERT_EQ(loaded.snapshot_seq + loaded.entries.size(), loaded.head);
        for (const port::StoredEntry& entry : loaded.entries) {
            ASSERT_EQ(entry.body, body_of(channel, entry.seq));
        }
    }
}

// One run whose power ends before change number `crash_at`. Returns whether it did.
bool run_until_crash(uint64_t seed, uint64_t crash_at) {
    SCOPED_TRACE("seed " + std::to_string(seed) + " crash_at " + std::to_string(crash_at));
    FaultVfs vfs("fault", seed * 1'000'003 + crash_at);
    vfs.faults().crash_at = crash_at;
    History history;
    Dice dice(seed);
    {
        auto opened = open_engine(vfs);
        if (opened.ok()) {
            InlineStore store(std::move(*opened));
            work(store, history, dice, 25);
        }
    }
    bool crashed = vfs.is_off();
    if (!crashed) vfs.crash();
    vfs.reboot();
    verify(vfs, history);
    return crashed;
}

TEST(StoreCrash, EveryAcknowledgedAppendSurvivesAPowerCutAtEveryChange) {
    for (uint64_t seed = 1; seed <= 3; ++seed) {
        uint64_t crash_at = 0;
        while (run_until_crash(seed, crash_at)) {
            ASSERT_FALSE(::testing::Test::HasFailure());
            ++crash_at;
        }
        EXPECT_GT(crash_at, 100u);
    }
}

TEST(StoreCrash, ASecondPowerCutDuringRecoveryLosesNothingEither) {
    for (uint64_t seed = 1; seed <= 150; ++seed) {
        SCOPED_TRACE(seed);
        FaultVfs vfs("fault", seed);
        Dice dice(seed);
        History history;
        vfs.faults().crash_at = 60 + dice.below(200);
        {
            auto opened = open_engine(vfs);
            ASSERT_TRUE(opened.ok());
            InlineStore store(std::move(*opened));
            work(store, history, dice, 40);
        }
        vfs.crash();
        vfs.reboot();
        vfs.faults().crash_at = dice.below(12);
        auto again = open_engine(vfs);
        again = base::Error{};
        vfs.crash();
        vfs.reboot();
        verify(vfs, history);
        ASSERT_FALSE(::testing::Test::HasFailure());
    }
}

TEST(StoreCrash, AFailedSyncIsFinalAndAReopenedStoreHoldsAllThatWasAcknowledged) {
    uint64_t failures = 0;
    for (uint64_t seed = 1; seed <= 150; ++seed) {
        SCOPED_TRACE(seed);
        FaultVfs vfs("fault", seed);
        Dice dice(seed);
        History history;
        {
            auto opened = open_engine(vfs);
            ASSERT_TRUE(opened.ok());
            InlineStore store(std::move(*opened));
            (seed % 3 == 0 ? vfs.faults().fail_write : vfs.faults().fail_sync) = dice.below(15);
            work(store, history, dice, 30);
            if (store.failed()) {
                ++failures;
                uint64_t changes = vfs.counters().changes;
                store.submit(1, next_append(history, 0, 1));
                std::vector<port::Completion> out;
                store.poll(out);
                ASSERT_EQ(out.size(), 1u);
                ASSERT_FALSE(out[0].reply.ok());
                EXPECT_EQ(out[0].reply.error().code, ErrorCode::io_failed);
                EXPECT_EQ(vfs.counters().changes, changes);
            }
        }
        // The process restarts, runs on, and then the power ends.
        verify(vfs, history);
        vfs.crash();
        vfs.reboot();
        verify(vfs, history);
        ASSERT_FALSE(::testing::Test::HasFailure());
    }
    EXPECT_GT(failures, 100u);
}

TEST(StoreCrash, AFailedSyncWhileAStoreIsOpenedIsToldThen) {
    uint64_t failures = 0;
    for (uint64_t sync = 0; sync < 12; ++sync) {
        SCOPED_TRACE(sync);
        FaultVfs vfs("fault", sync + 1);
        vfs.faults().fail_sync = sync;
        auto opened = open_engine(vfs);
        if (vfs.counters().syncs <= sync) {
            ASSERT_TRUE(opened.ok());
            continue;
        }
        ++failures;
        ASSERT_FALSE(opened.ok());
        EXPECT_EQ(opened.error().code, ErrorCode::io_failed);
        auto again = open_engine(vfs);
        EXPECT_TRUE(again.ok());
    }
    EXPECT_GE(failures, 4u);
}

std::vector<uint64_t> heads(SqliteEngine& engine) {
    std::vector<uint64_t> out;
    for (size_t channel = 0; channel < History::kChannels; ++channel) {
        auto reply = engine.execute(port::LoadRequest{name_of(channel)});
        EXPECT_TRUE(reply.ok());
        out.push_back(reply.ok() ? std::get<port::Loaded>(*reply).head : 0);
    }
    return out;
}

TEST(StoreCrash, WhatIsServedAfterAFailedSyncIsOnTheDisk) {
    uint64_t failures = 0;
    for (uint64_t seed = 1; seed <= 300; ++seed) {
        SCOPED_TRACE(seed);
        FaultVfs vfs("fault", seed);
        Dice dice(seed);
        History history;
        {
            auto opened = open_engine(vfs);
            ASSERT_TRUE(opened.ok());
            InlineStore store(std::move(*opened));
            vfs.faults().fail_sync = dice.below(15);
            work(store, history, dice, 30);
            if (!store.failed()) continue;
        }
        ++failures;
        std::vector<uint64_t> served;
        if (seed % 2 == 0) {
            // No room to copy the log, so what it holds stays there.
            vfs.faults().capacity_bytes = 0;
            auto opened = open_engine(vfs);
            if (opened.ok()) served = heads(**opened);
        } else {
            // The power ends while the log is copied.
            vfs.faults().crash_at = dice.below(40);
            auto opened = open_engine(vfs);
            if (opened.ok() && !vfs.is_off()) served = heads(**opened);
        }
        vfs.crash();
        vfs.reboot();
        verify(vfs, history);
        auto opened = open_engine(vfs);
        ASSERT_TRUE(opened.ok());
        const std::vector<uint64_t> kept = heads(**opened);
        for (size_t channel = 0; channel < served.size(); ++channel)
            EXPECT_GE(kept[channel], served[channel]);
        ASSERT_FALSE(::testing::Test::HasFailure());
    }
    EXPECT_GT(failures, 100u);
}

// However much is left, and wherever in a transaction it runs out: what was acknowledged stays, the
// refused batch is not there, now or after a crash, and with room again the store goes on.
TEST(StoreCrash, AFullDiskRefusesForAWhileAndLosesNothing) {
    uint64_t at_commit = 0;
    for (uint64_t seed = 1; seed <= 40; ++seed) {
        SCOPED_TRACE(seed);
        FaultVfs vfs("fault", seed);
        Dice dice(seed);
        History history;
        {
            EngineOptions options;
            options.vfs = vfs.name();
            options.new_epoch = 77;
            // With a small cache statements write before the commit, with a large one only that.
            options.cache_kib = seed % 2 == 0 ? 16 : 4'000;
            auto opened = SqliteEngine::open(kPath, options);
            ASSERT_TRUE(opened.ok());
            InlineStore store(std::move(*opened));
            work(store, history, dice, 5);
            for (int round = 0; round < 3; ++round) {
                vfs.faults().capacity_bytes = vfs.bytes() + dice.below(20'000);
                const uint64_t count = 1'500 + dice.below(1'000);
                auto reply = store.engine().execute(next_append(history, 0, count));
                ASSERT_FALSE(reply.ok());
                EXPECT_EQ(reply.error().code, ErrorCode::storage_full);
                ASSERT_FALSE(store.failed());
                if (seed % 2 != 0) ++at_commit;
                history.submitted[0] -= count;
                if (dice.below(4) == 0) break;
                vfs.faults().capacity_bytes = VfsFaults::kNever;
                work(store, history, dice, 5);
                EXPECT_EQ(history.acked[0], history.submitted[0]);
            }
        }
        vfs.crash();
        vfs.reboot();
        vfs.faults().capacity_bytes = VfsFaults::kNever;
        verify(vfs, history);
        ASSERT_FALSE(::testing::Test::HasFailure());
    }
    EXPECT_GT(at_commit, 20u);
}

TEST(StoreCrash, OneSeedGivesOneHistory) {
    auto run = [] {
        FaultVfs vfs("fault", 5);
        Dice dice(5);
        History history;
        auto opened = open_engine(vfs);
        EXPECT_TRUE(opened.ok());
        InlineStore store(std::move(*opened));
        work(store, history, dice, 50);
        return vfs.snapshot();
    };
    EXPECT_TRUE(run() == run());
}

TEST(StoreCrash, AnImageOfAllFilesBringsAnEarlierStoreBack) {
    FaultVfs vfs("fault", 9);
    Dice dice(9);
    History history;
    DiskImage image;
    {
        auto opened = open_engine(vfs);
        ASSERT_TRUE(opened.ok());
        InlineStore store(std::move(*opened));
        work(store, history, dice, 10);
        image = vfs.snapshot();
        History later = history;
        work(store, later, dice, 10);
    }
    vfs.restore(image);
    verify(vfs, history);
}

}  // namespace
}  // namespace tandem::sim
