#include "sim/vfs/fault_vfs.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/assert.hpp"

namespace tandem::sim {

namespace {

// Unix time 0 as a Julian day in milliseconds, SQLite's measure.
constexpr int64_t kUnixEpochJulianMs = 210'866'760'000'000;

// 0: from the system again.
void seed_sqlite(int seed) {
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, seed, static_cast<sqlite3*>(nullptr));
    sqlite3_randomness(0, nullptr);
}

}  // namespace

// An open file as SQLite sees it: its C part first, then ours.
struct Handle {
    sqlite3_file base;
    struct Body {
        FaultVfs* vfs;
        std::string name;
        FaultDisk::FileRef file;
        bool delete_on_close;
        int lock;
        unsigned shm_shared;
        unsigned shm_exclusive;
        bool uses_shm;
    } * body;
};

struct VfsCalls {
    using Shared = FaultVfs::Shared;

    static FaultVfs& of(sqlite3_vfs* vfs) { return *static_cast<FaultVfs*>(vfs->pAppData); }
    static Handle::Body& of(sqlite3_file* file) {
        return *static_cast<Handle*>(static_cast<void*>(file))->body;
    }
    static Shared& shared(Handle::Body& body) { return body.vfs->shared_[body.name]; }

    static int close(sqlite3_file* file) {
        Handle::Body& body = of(file);
        FaultVfs& vfs = *body.vfs;
        unlock(file, SQLITE_LOCK_NONE);
        if (body.uses_shm) shm_unmap(file, 0);
        --vfs.counters_.open_files;
        auto found = vfs.shared_.find(body.name);
        if (--found->second.handles == 0) vfs.shared_.erase(found);
        if (body.delete_on_close && !vfs.off_) vfs.disk_.remove(body.name, false);
        delete &body;
        return SQLITE_OK;
    }

    static int read(sqlite3_file* file, void* out, int amount, sqlite3_int64 offset) {
        Handle::Body& body = of(file);
        if (body.vfs->off_) return SQLITE_IOERR_READ;
        ++body.vfs->counters_.reads;
        if (FaultVfs::is_due(body.vfs->faults_.fail_read)) return SQLITE_IOERR_READ;
        const std::string& data = body.file->data();
        auto wanted = static_cast<size_t>(amount);
        auto at = static_cast<size_t>(offset);
        size_t there = at < data.size() ? std::min(wanted, data.size() - at) : 0;
        std::memcpy(out, data.data() + (there != 0 ? at : 0), there);
        if (there == wanted) return SQLITE_OK;
        std::memset(static_cast<char*>(out) + there, 0, wanted - there);
        return SQLITE_IOERR_SHORT_READ;
    }

    static int write(sqlite3_file* file, const void* in, int amount, sqlite3_int64 offset) {
        Handle::Body& body = of(file);
        FaultVfs& vfs = *body.vfs;
        if (!vfs.begin_change()) return SQLITE_IOERR_WRITE;
        ++vfs.counters_.writes;
        std::string_view bytes(static_cast<const char*>(in), static_cast<size_t>(amount));
        auto at = static_cast<uint64_t>(offset);
        if (FaultVfs::is_due(vfs.faults_.fail_write)) {
            body.file->write(at, bytes.substr(0, vfs.dice_.below(bytes.size() + 1)));
            return SQLITE_IOERR_WRITE;
        }
        uint64_t size = body.file->data().size();
        uint64_t growth = at + bytes.size() > size ? at + bytes.size() - size : 0;
        if (growth != 0 && vfs.faults_.capacity_bytes != VfsFaults::kNever &&
            vfs.disk_.bytes() + growth > vfs.faults_.capacity_bytes) {
            // What fits is written, as a file system does.
            const uint64_t room = vfs.faults_.capacity_bytes -
                                  std::min(vfs.faults_.capacity_bytes, vfs.disk_.bytes());
            body.file->write(at, bytes.substr(0, bytes.size() - growth + std::min(room, growth)));
            return SQLITE_FULL;
        }
        body.file->write(at, bytes);
        return SQLITE_OK;
    }

    static int truncate(sqlite3_file* file, sqlite3_int64 size) {
        Handle::Body& body = of(file);
        if (!body.vfs->begin_change()) return SQLITE_IOERR_TRUNCATE;
        body.file->truncate(static_cast<uint64_t>(size));
        return SQLITE_OK;
    }

    static int sync(sqlite3_file* file, int) {
        Handle::Body& body = of(file);
        FaultVfs& vfs = *body.vfs;
        if (!vfs.begin_change()) return SQLITE_IOERR_FSYNC;
        ++vfs.counters_.syncs;
        if (FaultVfs::is_due(vfs.faults_.fail_sync)) {
            body.file->lose_some(vfs.dice_);
            return SQLITE_IOERR_FSYNC;
        }
        vfs.disk_.sync(body.name, body.file);
        return SQLITE_OK;
    }

    static int file_size(sqlite3_file* file, sqlite3_int64* size) {
        if (of(file).vfs->off_) return SQLITE_IOERR_FSTAT;
        *size = static_cast<sqlite3_int64>(of(file).file->data().size());
        return SQLITE_OK;
    }

    static int lock(sqlite3_file* file, int level) {
        Handle::Body& body = of(file);
        Shared& locks = shared(body);
        if (body.vfs->off_) return SQLITE_IOERR_LOCK;
        if (level <= body.lock) return SQLITE_OK;
        if (body.lock == SQLITE_LOCK_NONE) {
            if (locks.exclusive) return SQLITE_BUSY;
            ++locks.readers;
            body.lock = SQLITE_LOCK_SHARED;
        }
        if (level >= SQLITE_LOCK_RESERVED && body.lock < SQLITE_LOCK_RESERVED) {
            if (locks.reserved) return SQLITE_BUSY;
            locks.reserved = true;
            body.lock = SQLITE_LOCK_RESERVED;
        }
        if (level == SQLITE_LOCK_EXCLUSIVE) {
            if (locks.readers > 1) return SQLITE_BUSY;
            locks.exclusive = true;
            body.lock = SQLITE_LOCK_EXCLUSIVE;
        }
        return SQLITE_OK;
    }

    static int unlock(sqlite3_file* file, int level) {
        Handle::Body& body = of(file);
        Shared& locks = shared(body);
        if (body.lock <= level) return SQLITE_OK;
        if (body.lock == SQLITE_LOCK_EXCLUSIVE) locks.exclusive = false;
        if (body.lock >= SQLITE_LOCK_RESERVED) locks.reserved = false;
        if (level == SQLITE_LOCK_NONE) --locks.readers;
        body.lock = level;
        return SQLITE_OK;
    }

    static int check_reserved(sqlite3_file* file, int* out) {
        *out = shared(of(file)).reserved ? 1 : 0;
        return SQLITE_OK;
    }

    static int control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
    static int sector_size(sqlite3_file*) { return 4096; }
    static int characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

    static int shm_map(sqlite3_file* file, int region, int size, int extend, void volatile** out) {
        Handle::Body& body = of(file);
        *out = nullptr;
        if (body.vfs->off_) return SQLITE_IOERR_SHMMAP;
        body.uses_shm = true;
        auto& regions = shared(body).regions;
        auto index = static_cast<size_t>(region);
        if (index >= regions.size() && extend == 0) return SQLITE_OK;
        while (index >= regions.size()) {
            regions.push_back(std::make_unique<char[]>(static_cast<size_t>(size)));
        }
        *out = regions[index].get();
        return SQLITE_OK;
    }

    static int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
        Handle::Body& body = of(file);
        Shared& locks = shared(body);
        bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
        for (int i = offset; i < offset + count && (flags & SQLITE_SHM_LOCK) != 0; ++i) {
            unsigned bit = 1u << i;
            bool own_shared = (body.shm_shared & bit) != 0;
            bool own_exclusive = (body.shm_exclusive & bit) != 0;
            if (locks.shm_exclusive[i] && !own_exclusive) return SQLITE_BUSY;
            if (exclusive && locks.shm_readers[i] > (own_shared ? 1 : 0)) return SQLITE_BUSY;
        }
        for (int i = offset; i < offset + count; ++i) {
            unsigned bit = 1u << i;
            unsigned& mine = exclusive ? body.shm_exclusive : body.shm_shared;
            bool held = (mine & bit) != 0;
            bool locks_it = (flags & SQLITE_SHM_LOCK) != 0;
            if (held == locks_it) continue;
            mine ^= bit;
            if (exclusive) {
                locks.shm_exclusive[i] = locks_it;
            } else {
                locks.shm_readers[i] += locks_it ? 1 : -1;
            }
        }
        return SQLITE_OK;
    }

    static void shm_barrier(sqlite3_file*) {}

    static int shm_unmap(sqlite3_file* file, int remove) {
        Handle::Body& body = of(file);
        constexpr int kUnlock = SQLITE_SHM_UNLOCK;
        shm_lock(file, 0, SQLITE_SHM_NLOCK, kUnlock | SQLITE_SHM_SHARED);
        shm_lock(file, 0, SQLITE_SHM_NLOCK, kUnlock | SQLITE_SHM_EXCLUSIVE);
        body.uses_shm = false;
        if (remove != 0) shared(body).regions.clear();
        return SQLITE_OK;
    }

    static const sqlite3_io_methods* methods() {
        static const sqlite3_io_methods kMethods = {2,
                                                    close,
                                                    read,
                                                    write,
                                                    truncate,
                                                    sync,
                                                    file_size,
                                                    lock,
                                                    unlock,
                                                    check_reserved,
                                                    control,
                                                    sector_size,
                                                    characteristics,
                                                    shm_map,
                                                    shm_lock,
                                                    shm_barrier,
                                                    shm_unmap,
                                                    nullptr,
                                                    nullptr};
        return &kMethods;
    }

    static int open(sqlite3_vfs* raw, const char* name, sqlite3_file* out, int flags,
                    int* out_flags) {
        FaultVfs& vfs = of(raw);
        out->pMethods = nullptr;
        if (vfs.off_) return SQLITE_CANTOPEN;
        std::string path = name != nullptr ? name : "temporary-" + std::to_string(vfs.dice_.next());
        FaultDisk::FileRef file = vfs.disk_.find(path);
        if (file == nullptr) {
            if ((flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
            if (!vfs.begin_change()) return SQLITE_CANTOPEN;
            file = vfs.disk_.create(path);
        } else if ((flags & SQLITE_OPEN_EXCLUSIVE) != 0) {
            return SQLITE_CANTOPEN;
        }
        bool passing = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
        auto* handle = static_cast<Handle*>(static_cast<void*>(out));
        handle->body =
            new Handle::Body{&vfs, path, std::move(file), passing, SQLITE_LOCK_NONE, 0, 0, false};
        out->pMethods = methods();
        ++vfs.counters_.open_files;
        ++vfs.shared_[path].handles;
        if (out_flags != nullptr) *out_flags = flags;
        return SQLITE_OK;
    }

    static int remove(sqlite3_vfs* raw, const char* name, int sync_folder) {
        FaultVfs& vfs = of(raw);
        if (!vfs.off_ && vfs.disk_.find(name) == nullptr) return SQLITE_IOERR_DELETE_NOENT;
        if (!vfs.begin_change()) return SQLITE_IOERR_DELETE;
        ++vfs.counters_.removals;
        vfs.disk_.remove(name, sync_folder != 0);
        return SQLITE_OK;
    }

    static int access(sqlite3_vfs* raw, const char* name, int, int* out) {
        if (of(raw).off_) return SQLITE_IOERR_ACCESS;
        *out = of(raw).disk_.find(name) != nullptr ? 1 : 0;
        return SQLITE_OK;
    }

    static int full_name(sqlite3_vfs*, const char* name, int size, char* out) {
        sqlite3_snprintf(size, out, "%s", name);
        return SQLITE_OK;
    }

    static int randomness(sqlite3_vfs* raw, int size, char* out) {
        for (int i = 0; i < size; ++i)
            out[i] = static_cast<char>(of(raw).dice_.next());
        return size;
    }

    static int sleep(sqlite3_vfs*, int microseconds) { return microseconds; }
    static int last_error(sqlite3_vfs*, int, char*) { return 0; }

    static int current_time(sqlite3_vfs* raw, double* out) {
        sqlite3_int64 julian_ms = 0;
        current_time_ms(raw, &julian_ms);
        *out = static_cast<double>(julian_ms) / 86'400'000.0;
        return SQLITE_OK;
    }

    static int current_time_ms(sqlite3_vfs* raw, sqlite3_int64* out) {
        *out = kUnixEpochJulianMs + static_cast<int64_t>(of(raw).now_ms_);
        return SQLITE_OK;
    }
};

FaultVfs::FaultVfs(std::string name, uint64_t seed) : name_(std::move(name)), dice_(seed) {
    vfs_.iVersion = 2;
    vfs_.szOsFile = sizeof(Handle);
    vfs_.mxPathname = 512;
    vfs_.zName = name_.c_str();
    vfs_.pAppData = this;
    vfs_.xOpen = VfsCalls::open;
    vfs_.xDelete = VfsCalls::remove;
    vfs_.xAccess = VfsCalls::access;
    vfs_.xFullPathname = VfsCalls::full_name;
    vfs_.xRandomness = VfsCalls::randomness;
    vfs_.xSleep = VfsCalls::sleep;
    vfs_.xCurrentTime = VfsCalls::current_time;
    vfs_.xGetLastError = VfsCalls::last_error;
    vfs_.xCurrentTimeInt64 = VfsCalls::current_time_ms;
    int code = sqlite3_vfs_register(&vfs_, 0);
    TANDEM_ASSERT(code == SQLITE_OK);
    // SQLite's own generator, from which the log's salts come, is one for the process and takes its
    // seed from the system's VFS unless it is given one.
    seed_sqlite(static_cast<int>(dice_.next() >> 34 | 1));
}

FaultVfs::~FaultVfs() {
    TANDEM_ASSERT(counters_.open_files == 0);
    seed_sqlite(0);
    sqlite3_vfs_unregister(&vfs_);
}

bool FaultVfs::is_due(uint64_t& countdown) {
    if (countdown == VfsFaults::kNever) return false;
    if (countdown-- != 0) return false;
    countdown = VfsFaults::kNever;
    return true;
}

// Counts a change to the disk; false when there is no power for it.
bool FaultVfs::begin_change() {
    if (off_) return false;
    if (is_due(faults_.crash_at)) {
        crash();
        return false;
    }
    ++counters_.changes;
    return true;
}

void FaultVfs::crash() {
    if (off_) return;
    off_ = true;
    disk_.crash(dice_);
}

void FaultVfs::reboot() {
    TANDEM_ASSERT(counters_.open_files == 0);
    off_ = false;
    faults_ = {};
}

void FaultVfs::restore(const DiskImage& image) {
    TANDEM_ASSERT(counters_.open_files == 0);
    disk_.restore(image);
}

}  // namespace tandem::sim
