#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "port/store.hpp"
#include "sim/truth.hpp"

namespace tandem::sim {

class World;

/// A state that somebody gave a name, as the store must have it.
struct NamedState {
    uint64_t seq = 0;
    nlohmann::json shown;
    /// The store was told, and has not answered.
    enum class Doubt : uint8_t { none, may_be_missing, may_be_gone };
    Doubt doubt = Doubt::none;
};
using NamedStates = std::map<std::string, NamedState>;

/// What the log of one channel must be: every entry whose commit the store has confirmed.
struct ShadowChannel {
    uint64_t start = 0;  ///< the head when the channel was last deleted
    std::vector<port::EpochFork> epochs;
    std::vector<port::StoredEntry> entries;  ///< from start + 1, without gaps
    /// What was on the disk when an entry was handed to the store, from start + 1.
    std::vector<uint64_t> heads_before;
    std::set<std::pair<uint64_t, uint64_t>> dots;
    NamedStates versions;
    uint64_t floor = 0;
    uint64_t cuts = 0;           ///< restores and deletions
    bool is_epoch_known = true;  ///< false after a deletion, until something is written

    uint64_t head() const { return start + entries.size(); }
    const port::StoredEntry* find(uint64_t seq) const {
        return seq <= start || seq > head() ? nullptr : &entries[seq - start - 1];
    }
    /// The highest seq that the author of an entry which the server numbers can have seen.
    uint64_t head_before(uint64_t seq) const { return heads_before[seq - start - 1]; }
    uint64_t epoch() const { return epochs.empty() ? 0 : epochs.back().epoch; }
    /// What a base counts as, by docs/protocol.md alone.
    uint64_t effective(uint64_t epoch, uint64_t seq) const;
    /// True when the state that was read there is none of this log, by a deletion or a restore.
    bool is_lost(uint64_t epoch, uint64_t seq) const;
};

/// The logs of all channels as they must be on the disk; outlives the server's processes.
class ShadowLogs {
  public:
    explicit ShadowLogs(World& world) : world_(world) {}

    ShadowChannel& at(const std::string& channel) { return channels_[channel]; }
    std::map<std::string, ShadowChannel>& all() { return channels_; }

    /// A batch that the hub hands to the store: its form is checked here.
    void check_append(const port::AppendRequest& request);
    void note_appended(const port::AppendRequest& request);
    void note_deleted(const std::string& channel);
    /// What a store that was just opened has: all that was confirmed, and maybe one batch more.
    void compare(const std::string& channel, const port::Loaded& loaded);
    void compare(const std::string& channel, const port::Versions& versions);

    /// A version that the hub hands to the store: it must be of the state at its seq.
    void begin_put(const port::PutVersionRequest& request);
    enum class Outcome : uint8_t { done, nothing, unknown };
    void note_version(const port::PutVersionRequest& request, Outcome outcome);
    void begin_delete(const port::DeleteVersionRequest& request);
    void note_version(const port::DeleteVersionRequest& request, Outcome outcome);

    /// What there is of a channel, for going back to it.
    struct Mark {
        uint64_t head = 0;
        size_t epochs = 0;
        NamedStates versions;
    };
    using Marks = std::map<std::string, Mark>;
    Marks marks() const;
    /// The store was restored to what it held then.
    void cut(const Marks& marks);

    Truth truth{*this};

  private:
    void append(const std::string& channel, const port::StoredEntry& entry);
    void check_version(const port::PutVersionRequest& request);

    World& world_;
    std::map<std::string, ShadowChannel> channels_;
    std::map<std::pair<std::string, uint64_t>, uint64_t> heads_before_;
};

/// The product's store with a witness beside it.
class WitnessStore final : public port::Store {
  public:
    WitnessStore(World& world, port::Store& inner) : world_(world), inner_(inner) {}

    void submit(port::Ticket ticket, port::StoreRequest request) override;
    void poll(std::vector<port::Completion>& out) override;
    bool failed() const override { return inner_.failed(); }

  private:
    void note(const port::Completion& completion);

    World& world_;
    port::Store& inner_;
    std::map<port::Ticket, port::AppendRequest> appends_;
    std::map<port::Ticket, std::string> deletions_;
    std::map<port::Ticket, port::PutVersionRequest> versions_;
    std::map<port::Ticket, port::DeleteVersionRequest> version_deletions_;
};

}  // namespace tandem::sim
