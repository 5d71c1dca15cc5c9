#pragma once

#include <cstdint>

#include "base/result.hpp"
#include "store/sqlite/database.hpp"

namespace tandem::store {

/// The version of the tables that this program writes. A file of an older version is brought
/// forward when it is opened; one of a newer version is refused.
inline constexpr uint64_t kSchemaVersion = 4;

enum class SchemaState {
    absent,  ///< an empty file
    present,
};

/// Reads, changing nothing, whether the file is a store: `storage_corrupt` when it is something
/// else, `storage_newer` when a later program wrote it.
base::Result<SchemaState> inspect_schema(Connection& connection);

/// Creates the tables of an empty file in one transaction.
base::Status create_schema(Connection& connection, uint64_t store_epoch);

/// Brings the tables of an older version forward, in one transaction.
base::Status upgrade_schema(Connection& connection);

base::Result<uint64_t> read_store_epoch(Connection& connection);

/// Gives the store a new epoch and forks every channel's history at its head, those of deleted
/// channels too, in one transaction.
base::Status fork_all_channels(Connection& connection, uint64_t new_epoch);

}  // namespace tandem::store
