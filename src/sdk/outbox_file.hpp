#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "client/types.hpp"

struct sqlite3;

namespace tandem::sdk {

/// The records of one client session in an SQLite file, which it locks for itself.
class OutboxFile {
  public:
    /// Errors: io_failed, storage_corrupt, with SQLite's code.
    [[nodiscard]] static base::Result<OutboxFile> open(const std::string& file);

    /// All that is kept, for `Session::restore`.
    [[nodiscard]] base::Result<std::vector<client::StoreRecord>> load();
    /// On disk when it returns, all of them or none.
    [[nodiscard]] base::Status store(const std::vector<client::StoreRecord>& records);

  private:
    struct Close {
        void operator()(sqlite3* db) const;
    };
    explicit OutboxFile(sqlite3* db) : db_(db) {}
    std::unique_ptr<sqlite3, Close> db_;
};

}  // namespace tandem::sdk
