#include "sim/vfs/fault_disk.hpp"

#include <gtest/gtest.h>

namespace tandem::sim {
namespace {

TEST(FaultDisk, SyncedWritesSurviveEveryCrashAndUnsyncedOnesOnlySome) {
    bool kept = false;
    bool lost = false;
    bool torn = false;
    for (uint64_t seed = 1; seed <= 200; ++seed) {
        Dice dice(seed);
        FaultDisk disk;
        auto file = disk.create("a");
        file->write(0, "synced");
        disk.sync("a", file);
        file->write(6, std::string(2000, 'x'));
        disk.crash(dice);
        ASSERT_NE(disk.find("a"), nullptr);
        const std::string& data = disk.find("a")->data();
        ASSERT_EQ(data.substr(0, 6), "synced");
        ASSERT_EQ(data, disk.find("a")->durable());
        kept = kept || data == "synced" + std::string(2000, 'x');
        lost = lost || data == "synced";
        torn = torn || (data.size() > 6 && data.find('\0') != std::string::npos);
    }
    EXPECT_TRUE(kept && lost && torn);
}

TEST(FaultDisk, ANewFileMayVanishAndARemovedOneReturnUntilTheirNamesAreDurable) {
    bool vanished = false;
    bool returned = false;
    for (uint64_t seed = 1; seed <= 50; ++seed) {
        Dice dice(seed);
        FaultDisk disk;
        disk.create("unsynced");
        disk.sync("removed", disk.create("removed"));
        disk.sync("gone", disk.create("gone"));
        disk.remove("removed", false);
        disk.remove("gone", true);
        disk.crash(dice);
        vanished = vanished || disk.find("unsynced") == nullptr;
        returned = returned || disk.find("removed") != nullptr;
        ASSERT_EQ(disk.find("gone"), nullptr);
    }
    EXPECT_TRUE(vanished && returned);
}

TEST(FaultDisk, AFailedSyncLosesWritesThatALaterSyncDoesNotBringBack) {
    bool lost = false;
    for (uint64_t seed = 1; seed <= 50; ++seed) {
        Dice dice(seed);
        FaultFile file;
        file.write(0, std::string(4096, 'x'));
        file.lose_some(dice);
        file.sync();
        EXPECT_EQ(file.data(), std::string(4096, 'x'));
        lost = lost || file.durable() != file.data();
    }
    EXPECT_TRUE(lost);
}

}  // namespace
}  // namespace tandem::sim
