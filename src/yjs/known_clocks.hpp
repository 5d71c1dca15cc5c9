#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "yjs/delete_set.hpp"
#include "yjs/state_vector.hpp"

namespace tandem::yjs {

/// What an update brings, and what has to be known for it.
struct UpdateReach {
    struct Run {
        uint64_t client = 0;
        uint32_t from = 0;
        uint32_t to = 0;
    };
    /// The clocks that it has structs for, in its order; runs that touch are one.
    std::vector<Run> runs;
    DeleteSet deletes;
    /// By client, how many clocks have to be known, counting its own, for all that its structs and
    /// deletes name.
    StateVector needs;
};

/// Errors: `malformed`, also for a struct that names one of its own client's later clocks;
/// `too_large`.
base::Result<UpdateReach> reach_of_update(std::string_view update);

/// Which clocks a document has and which of them are deleted: enough to tell what an update would
/// do to it. No item is built for that.
class KnownClocks {
  public:
    enum class Verdict : uint8_t {
        news,     ///< it fits and says something
        nothing,  ///< all of it is known
        missing,  ///< it depends on something that is not known
    };
    Verdict judge(const UpdateReach& update) const;
    /// How many clients there are with those of an update.
    size_t clients_with(const UpdateReach& update) const;
    /// Of an update that fits.
    void add(const UpdateReach& update);
    const StateVector& vector() const { return vector_; }

  private:
    /// Clock of the first that is deleted to the clock after the last.
    using Ranges = std::map<uint32_t, uint32_t>;

    uint32_t known(uint64_t client) const;
    bool has_deleted(uint64_t client, const IdRange& range) const;
    static void add_deleted(Ranges& ranges, const IdRange& range);

    StateVector vector_;
    std::map<uint64_t, Ranges> deleted_;
};

}  // namespace tandem::yjs
