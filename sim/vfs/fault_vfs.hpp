#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>

#include "sim/vfs/fault_disk.hpp"

namespace tandem::sim {

/// Faults count down over the operations that follow: 0 is the next one. Each happens once.
struct VfsFaults {
    static constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();

    uint64_t fail_sync = kNever;   ///< EIO; see FaultFile::lose_some
    uint64_t fail_write = kNever;  ///< EIO after a part of the bytes
    uint64_t fail_read = kNever;   ///< EIO
    /// The power goes off before this operation: a write, truncation, sync, creation or removal.
    uint64_t crash_at = kNever;
    /// Writes that would make all files together larger than this give SQLITE_FULL.
    uint64_t capacity_bytes = kNever;
};

struct VfsCounters {
    uint64_t reads = 0;
    uint64_t writes = 0;
    uint64_t syncs = 0;
    uint64_t removals = 0;
    /// Writes, truncations, syncs, creations and removals: what `crash_at` counts.
    uint64_t changes = 0;
    uint64_t open_files = 0;
};

/// A file system in memory for SQLite that loses power and fails on command. It has no clock and no
/// randomness of its own; one thread uses it. Connections of one process see each other's locks and
/// shared memory, as on a real system.
///
/// After `crash` every operation fails until `reboot`, which needs all connections closed: what a
/// dying process does while it closes its files reaches nothing.
class FaultVfs {
  public:
    FaultVfs(std::string name, uint64_t seed);
    ~FaultVfs();
    FaultVfs(const FaultVfs&) = delete;
    FaultVfs& operator=(const FaultVfs&) = delete;

    const std::string& name() const { return name_; }
    void set_now(uint64_t unix_ms) { now_ms_ = unix_ms; }
    VfsFaults& faults() { return faults_; }
    const VfsCounters& counters() const { return counters_; }
    /// Of all files together, for `capacity_bytes`.
    uint64_t bytes() const { return disk_.bytes(); }

    /// Ends the power. What stays on the disk follows from the seed and the history.
    void crash();
    bool is_off() const { return off_; }
    void reboot();

    /// All files as the running system sees them, and their replacement; for the latter no file
    /// may be open.
    DiskImage snapshot() const { return disk_.image(); }
    void restore(const DiskImage& image);

  private:
    friend struct VfsCalls;

    // Locks and shared memory of an open name; gone with its last handle.
    struct Shared {
        uint64_t handles = 0;
        int readers = 0;
        bool reserved = false;
        bool exclusive = false;
        std::vector<std::unique_ptr<char[]>> regions;
        int shm_readers[SQLITE_SHM_NLOCK] = {};
        bool shm_exclusive[SQLITE_SHM_NLOCK] = {};
    };

    bool begin_change();
    static bool is_due(uint64_t& countdown);

    std::string name_;
    sqlite3_vfs vfs_{};
    Dice dice_;
    FaultDisk disk_;
    std::map<std::string, Shared> shared_;
    VfsFaults faults_;
    VfsCounters counters_;
    uint64_t now_ms_ = 0;
    bool off_ = false;
};

}  // namespace tandem::sim
