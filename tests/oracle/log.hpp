#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "oracle/oracle.hpp"

namespace tandem::oracle {

/// The log of one channel, kept by the plainest reading of its rules: deduplication by version
/// vector, epochs with forks, bases, clamped stamps, preconditions. Epochs are opaque texts.
class Log {
  public:
    explicit Log(std::string first_epoch);

    /// One push: {actor, counter?, own?, stamp: [ms, logical], ops, base?, if_unchanged?, skip?}.
    /// `base` (of the push, or of an op) is a seq of the newest epoch or {epoch, seq}; without one
    /// the op has seen the head. Without counter the log numbers the push, as a server actor's.
    /// Answers {answer: "ack", seq, counter, stamp}, {answer: "duplicate", seq},
    /// {answer: "skipped"} or {answer: "refused", code, expected?}.
    json push(const json& push, int64_t now_ms);

    /// Appends the entry that moves the floor.
    void move_floor(int64_t floor);

    /// The log goes on from a copy of its first `seq` entries, under a new epoch.
    void restore(int64_t seq, const std::string& epoch);

    const std::vector<json>& entries() const { return entries_; }
    const Oracle& oracle() const { return oracle_; }
    int64_t head() const { return static_cast<int64_t>(entries_.size()); }
    /// The highest counter of an actor that the log has dealt with, 0 for none.
    int64_t acked_counter(int64_t actor) const;
    /// What a base counts as here.
    int64_t effective_base(const json& base) const;

  private:
    // What became of one counter of one actor; seq 0 for a skipped one.
    struct Outcome {
        int64_t seq = 0;
        json ops;
    };

    bool changed_by_others(const std::string& path, int64_t base, int64_t actor, bool own) const;
    void rebuild();

    std::vector<std::pair<std::string, int64_t>> epochs_;  // (epoch, fork_seq), oldest first
    std::vector<json> entries_;
    std::map<std::pair<int64_t, int64_t>, Outcome> outcomes_;  // by (actor, counter)
    std::map<int64_t, int64_t> version_vector_;
    Oracle oracle_;
};

}  // namespace tandem::oracle
