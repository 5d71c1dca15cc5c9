#pragma once

#include <string>

#include "base/result.hpp"

namespace tandem::store {

/// Keeps a second server away from a store: an exclusive lock on a file beside it, which the system
/// drops when the process ends in whatever way. The file itself stays; its presence means nothing.
/// SQLite's own locks stay free for readers and backups.
class LockFile {
  public:
    /// `storage_locked` when another process, or another store of this one, holds it; `io_failed`
    /// with the system's error number when the folder is missing or not writable.
    static base::Result<LockFile> take(const std::string& path);

    LockFile() = default;
    LockFile(LockFile&& other) noexcept;
    LockFile& operator=(LockFile&& other) noexcept;
    ~LockFile();

  private:
    explicit LockFile(int fd) : fd_(fd) {}

    int fd_ = -1;
};

/// The lock's file for a store's file.
inline std::string lock_path(const std::string& store_path) { return store_path + ".lock"; }

/// The folder that holds the file; "." for a bare name.
std::string folder_of(const std::string& path);

/// Makes the names of a folder durable.
base::Status sync_folder(const std::string& folder);

}  // namespace tandem::store
