#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "port/store.hpp"
#include "record/op.hpp"
#include "wire/frames.hpp"

namespace tandem::sim {

/// One write that an application made, and what the world owes it.
struct Issue {
    size_t device = 0;
    std::string channel;
    uint64_t push = 0;
    int64_t own = 0;  ///< what it adds to the counter that its device alone writes
    enum class Fate : uint8_t {
        open,     ///< must be in the log exactly once when all is quiet
        refused,  ///< by the server, for good: must not be in the log
        lost,     ///< in a client's crash, before it was stored: must not be in the log
        unknown,  ///< nobody can know any more: at most once
    };
    Fate fate = Fate::open;
    bool is_stored = false;  ///< in its client's outbox, to stay
    bool is_shared = false;  ///< in two copies of one outbox
    bool was_acked = false;
    bool was_cut = false;  ///< was in the log before a restore or a deletion
    bool is_held = false;  ///< cut, and its client still held it then
    int in_log = 0;
};

/// The account of all writes. Entries of the log are matched to them by what was sent on the wire.
class Ledger {
  public:
    static constexpr size_t kNone = SIZE_MAX;

    size_t add(Issue issue);
    Issue& at(size_t index) { return issues_[index]; }
    const std::vector<Issue>& all() const { return issues_; }

    /// A push frame that a device sends for an issue (kNone: a skip). Returns an empty text, or
    /// what is wrong with it: a number is never sent with two contents.
    std::string note_sent(size_t device, const wire::Push& frame, size_t issue);
    /// A write without a number of its own, known by its digest.
    void note_sent(const std::string& channel, uint64_t digest, size_t issue) {
        unnumbered_[{channel, digest}] = issue;
    }

    /// An entry is durable, or is gone by an explicit restore or deletion.
    size_t issue_of(const std::string& channel, const port::StoredEntry& entry) const;
    void note_logged(const std::string& channel, const port::StoredEntry& entry);
    void note_cut(const std::string& channel, const port::StoredEntry& entry);
    /// What the log adds to the counter that only this device writes.
    int64_t own_in_log(const std::string& channel, size_t device) const;
    /// The ops of a numbered push as they were sent; null when it is not known.
    const std::vector<record::Op>* ops_of(const std::string& channel,
                                          const port::StoredEntry& entry) const;

  private:
    struct Sent {
        size_t issue = kNone;
        std::vector<record::Op> ops;
    };
    using Key = std::tuple<std::string, uint64_t, uint64_t, uint64_t>;  // channel, dot, digest

    std::vector<Issue> issues_;
    std::map<Key, Sent> sent_;
    std::map<std::tuple<size_t, std::string, uint64_t, uint64_t>, std::pair<uint64_t, bool>>
        contents_;
    std::map<std::pair<std::string, uint64_t>, size_t> unnumbered_;
    std::map<std::pair<std::string, size_t>, int64_t> own_;
};

}  // namespace tandem::sim
