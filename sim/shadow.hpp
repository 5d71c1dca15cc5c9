#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "port/store.hpp"

namespace tandem::sim {

class World;

/// What the log of one channel must be: every entry whose commit the store has confirmed.
struct ShadowChannel {
    uint64_t start = 0;  ///< the head when the channel was last deleted
    std::vector<port::EpochFork> epochs;
    std::vector<port::StoredEntry> entries;  ///< from start + 1, without gaps
    std::set<std::pair<uint64_t, uint64_t>> dots;
    bool is_epoch_known = true;  ///< false after a deletion, until something is written

    uint64_t head() const { return start + entries.size(); }
    const port::StoredEntry* find(uint64_t seq) const {
        return seq <= start || seq > head() ? nullptr : &entries[seq - start - 1];
    }
    uint64_t epoch() const { return epochs.empty() ? 0 : epochs.back().epoch; }
    /// What a base counts as, by docs/protocol.md alone.
    uint64_t effective(uint64_t epoch, uint64_t seq) const;
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

    using Heads = std::map<std::string, std::pair<uint64_t, uint64_t>>;  // head, epochs
    Heads heads() const;
    /// The store was restored to what it held then.
    void cut(const Heads& heads);

  private:
    void append(const std::string& channel, const port::StoredEntry& entry);

    World& world_;
    std::map<std::string, ShadowChannel> channels_;
};

/// The product's store with a witness beside it.
class WitnessStore final : public port::Store {
  public:
    WitnessStore(World& world, port::Store& inner) : world_(world), inner_(inner) {}

    void submit(port::Ticket ticket, port::StoreRequest request) override;
    void poll(std::vector<port::Completion>& out) override;
    bool failed() const override { return inner_.failed(); }

  private:
    World& world_;
    port::Store& inner_;
    std::map<port::Ticket, port::AppendRequest> appends_;
    std::map<port::Ticket, std::string> deletions_;
};

}  // namespace tandem::sim
