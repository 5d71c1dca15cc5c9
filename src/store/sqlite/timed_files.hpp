#pragma once

#include <sqlite3.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/histogram.hpp"

namespace tandem::store {

/// The system's files, whose syncs are timed. Connections that are opened by its name must close
/// before it goes.
class TimedFiles {
  public:
    TimedFiles();
    ~TimedFiles();
    TimedFiles(const TimedFiles&) = delete;
    TimedFiles& operator=(const TimedFiles&) = delete;

    /// Empty when it could not be registered; then the system's own files are used.
    [[nodiscard]] const std::string& name() const { return name_; }
    /// Of every sync of every file, that of the checkpoints included.
    [[nodiscard]] const base::Histogram& sync_times() const { return sync_times_; }

  private:
    // The methods of files of one kind, with a sync of their own.
    struct Methods : sqlite3_io_methods {
        const sqlite3_io_methods* timed = nullptr;
        base::Histogram* times = nullptr;
    };

    struct Vfs : sqlite3_vfs {
        TimedFiles* owner = nullptr;
    };

    static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags,
                    int* out_flags);
    static int sync(sqlite3_file* file, int flags);
    const Methods* methods_for(const sqlite3_io_methods* timed);

    sqlite3_vfs* system_;
    Vfs vfs_;
    std::string name_;
    base::Histogram sync_times_;
    std::mutex mutex_;  ///< files are opened by several threads
    std::vector<std::unique_ptr<Methods>> methods_;
};

}  // namespace tandem::store
