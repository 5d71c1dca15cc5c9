#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "port/store.hpp"

namespace tandem::store {

/// A store in memory for unit tests, with the rules of the durable ones. Requests are carried out
/// by `poll`.
class MemoryStore final : public port::Store {
  public:
    explicit MemoryStore(uint64_t store_epoch) : store_epoch_(store_epoch) {}

    void submit(port::Ticket ticket, port::StoreRequest request) override;
    void poll(std::vector<port::Completion>& out) override;
    bool failed() const override { return failed_; }

    /// How many requests the following polls carry out; none: all.
    void set_requests_per_poll(std::optional<size_t> count) { requests_per_poll_ = count; }
    /// The next append fails with this error, and the store with it for ever.
    void fail_next_append(base::Error error) { next_failure_ = error; }
    size_t waiting() const { return queue_.size(); }

    /// Carries out one request at once.
    base::Result<port::StoreReply> execute(const port::StoreRequest& request);

  private:
    struct Channel {
        bool live = false;
        uint64_t head = 0;
        uint64_t floor = 0;
        uint64_t base_seq = 0;  ///< the snapshot's seq, or the head at the deletion
        uint64_t begin_seq = 0;
        uint64_t log_bytes = 0;
        uint64_t changed_ms = 0;
        std::string snapshot;
        std::map<uint64_t, port::StoredEntry> entries;
        std::vector<port::EpochFork> epochs;
        std::map<std::string, port::Outcome> outcomes;
        std::map<uint64_t, std::string> states;
        std::map<std::string, port::StoredVersion> versions;
        /// By text, seq and name.
        std::map<std::tuple<std::string, uint64_t, std::string>, port::StoredTextVersion>
            text_versions;
        /// By webhook and stream.
        std::map<std::pair<std::string, uint32_t>, port::HookPosition> hook_cursors;

        std::vector<uint64_t> state_seqs() const;
        std::vector<port::StoredTextVersion> text_versions_of(const std::string& text) const;
        void put_text_version(const port::StoredTextVersion& version,
                              const port::TextVersionLimits& limits);
    };
    struct Waiting {
        port::Ticket ticket;
        port::StoreRequest request;
    };

    Channel* live_channel(const std::string& name);
    static base::Status append_to(Channel& channel, const port::ChannelAppend& append);
    static void trim(Channel& channel, uint64_t through);
    static uint64_t oldest_seq(const Channel& channel);
    static void keep_state(Channel& channel, const port::SnapshotRequest& request);
    base::Result<port::StoreReply> run(const port::LoadRequest& request);
    base::Result<port::StoreReply> run(const port::AppendRequest& request);
    base::Result<port::StoreReply> run(const port::SnapshotRequest& request);
    base::Result<port::StoreReply> run(const port::ReadRequest& request);
    base::Result<port::StoreReply> run(const port::FindRequest& request);
    base::Result<port::StoreReply> run(const port::FindOutcomeRequest& request);
    base::Result<port::StoreReply> run(const port::ListRequest& request);
    base::Result<port::StoreReply> run(const port::DeleteRequest& request);
    base::Result<port::StoreReply> run(const port::StateRequest& request);
    base::Result<port::StoreReply> run(const port::PutVersionRequest& request);
    base::Result<port::StoreReply> run(const port::VersionsRequest& request);
    base::Result<port::StoreReply> run(const port::FindVersionRequest& request);
    base::Result<port::StoreReply> run(const port::DeleteVersionRequest& request);
    base::Result<port::StoreReply> run(const port::PutTextVersionRequest& request);
    base::Result<port::StoreReply> run(const port::TextVersionsRequest& request);
    base::Result<port::StoreReply> run(const port::FindTextVersionRequest& request);
    base::Result<port::StoreReply> run(const port::DeleteTextVersionRequest& request);
    base::Result<port::StoreReply> run(const port::HooksRequest& request);
    base::Result<port::StoreReply> run(const port::SaveHooksRequest& request);
    base::Result<port::StoreReply> run(const port::HookLagRequest& request);
    base::Result<port::StoreReply> run(const port::HookFeedRequest& request);

    uint64_t store_epoch_;
    std::map<std::string, Channel> channels_;
    std::map<std::string, port::StoredHook> hooks_;
    std::deque<Waiting> queue_;
    std::optional<size_t> requests_per_poll_;
    std::optional<base::Error> next_failure_;
    bool failed_ = false;
    base::Error failure_{};
};

}  // namespace tandem::store
