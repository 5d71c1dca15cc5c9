#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.hpp"

namespace tandem::store {

/// Called now and then with pages copied and pages in all.
using BackupProgress = std::function<void(uint64_t done, uint64_t total)>;

/// Copies the store at `path` into the new file `destination` while a server may write to it: the
/// copy is the state at one moment. The copy is complete, checked page by page and durable before
/// it has its name; an existing file of that name is replaced. The write-ahead log cannot start
/// again until the copy is done, so it grows by what is written meanwhile.
base::Status backup(const std::string& path, const std::string& destination,
                    const BackupProgress& progress = {});

/// Puts a backup in place as the store of `data_dir`, with a new epoch for the store and for every
/// channel at its head, so that no client takes what it knew for part of the restored history.
/// `storage_locked` while a server holds the store. The former store's file stays beside the new
/// one as tandem.db.replaced. A crash leaves either the old store or the new one.
base::Status restore(const std::string& backup_file, const std::string& data_dir,
                     uint64_t new_epoch);

}  // namespace tandem::store
