#include "store/memory/memory_store.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/assert.hpp"
#include "store/hooks.hpp"
#include "store/states.hpp"
#include "store/text_versions.hpp"

namespace tandem::store {

using base::ErrorCode;
using base::fail;
using base::Result;
using base::Status;
using port::StoreReply;

namespace {

constexpr uint64_t kEntryOverheadBytes = 64;

}  // namespace

void MemoryStore::submit(port::Ticket ticket, port::StoreRequest request) {
    TANDEM_ASSERT(ticket != 0);
    queue_.push_back({ticket, std::move(request)});
}

void MemoryStore::poll(std::vector<port::Completion>& out) {
    size_t count = requests_per_poll_.value_or(std::numeric_limits<size_t>::max());
    for (; count > 0 && !queue_.empty(); --count) {
        out.push_back({queue_.front().ticket, execute(queue_.front().request)});
        queue_.pop_front();
    }
}

Result<StoreReply> MemoryStore::execute(const port::StoreRequest& request) {
    if (failed_) return failure_;
    return std::visit([this](const auto& kind) { return run(kind); }, request);
}

MemoryStore::Channel* MemoryStore::live_channel(const std::string& name) {
    auto found = channels_.find(name);
    return found != channels_.end() && found->second.live ? &found->second : nullptr;
}

Status MemoryStore::append_to(Channel& channel, const port::ChannelAppend& append) {
    for (const port::EpochFork& fork : append.new_epochs) {
        bool known = std::ranges::any_of(
            channel.epochs, [&](const port::EpochFork& old) { return old.epoch == fork.epoch; });
        if (known || fork.epoch == 0 || fork.fork_seq != channel.head) return ErrorCode::internal;
        channel.epochs.push_back(fork);
    }
    if (!channel.live && append.new_epochs.empty()) return ErrorCode::internal;
    channel.live = true;
    uint64_t wall_ms = 0;
    for (const port::StoredEntry& entry : append.entries) {
        if (entry.seq != channel.head + 1) return fail(ErrorCode::internal, entry.seq);
        channel.head = entry.seq;
        channel.floor = std::max(channel.floor, entry.floor);
        channel.log_bytes += entry.body.size() + kEntryOverheadBytes;
        wall_ms = std::max(wall_ms, entry.wall_ms);
        channel.entries[entry.seq] = entry;
    }
    channel.changed_ms = std::max(channel.changed_ms, wall_ms);
    for (const port::Outcome& outcome : append.outcomes)
        channel.outcomes[outcome.key] = outcome;
    for (const port::StoredTextVersion& version : append.text_versions)
        channel.put_text_version(version, append.text_version_limits);
    return {};
}

Result<StoreReply> MemoryStore::run(const port::AppendRequest& request) {
    if (next_failure_) {
        failed_ = true;
        failure_ = *next_failure_;
        return failure_;
    }
    std::map<std::string, Channel> changed;
    for (const port::ChannelAppend& append : request.channels) {
        Channel& channel =
            changed.try_emplace(append.channel, channels_[append.channel]).first->second;
        TANDEM_CHECK(append_to(channel, append));
    }
    for (auto& [name, channel] : changed)
        channels_[name] = std::move(channel);
    return StoreReply(port::Appended{});
}

Result<StoreReply> MemoryStore::run(const port::LoadRequest& request) {
    port::Loaded loaded;
    loaded.store_epoch = store_epoch_;
    auto found = channels_.find(request.channel);
    if (found == channels_.end()) return StoreReply(std::move(loaded));
    const Channel& channel = found->second;
    loaded.exists = channel.live;
    loaded.head = channel.head;
    loaded.snapshot_seq = channel.base_seq;
    loaded.begin_seq = channel.begin_seq;
    loaded.snapshot = channel.snapshot;
    loaded.epochs = channel.epochs;
    for (auto at = channel.entries.upper_bound(channel.base_seq); at != channel.entries.end();
         ++at) {
        loaded.entries.push_back(at->second);
    }
    if (!channel.entries.empty()) loaded.oldest_seq = channel.entries.begin()->first;
    return StoreReply(std::move(loaded));
}

void MemoryStore::trim(Channel& channel, uint64_t through) {
    while (!channel.entries.empty() && channel.entries.begin()->first <= through) {
        channel.log_bytes -= channel.entries.begin()->second.body.size() + kEntryOverheadBytes;
        channel.entries.erase(channel.entries.begin());
    }
}

Result<StoreReply> MemoryStore::run(const port::SnapshotRequest& request) {
    Channel* channel = live_channel(request.channel);
    if (channel == nullptr || request.seq > channel->head) {
        return fail(ErrorCode::internal, request.seq);
    }
    if (request.seq < channel->base_seq)
        return StoreReply(port::SnapshotSaved{oldest_seq(*channel)});
    keep_state(*channel, request);
    channel->base_seq = request.seq;
    channel->snapshot = request.body;
    uint64_t through = std::min(request.trim_through, request.seq);
    if (request.states_max != 0) {
        const auto above = channel->states.upper_bound(through);
        through = above == channel->states.begin() ? 0 : std::prev(above)->first;
        if (through != 0)
            channel->states.erase(channel->states.begin(), channel->states.find(through));
    }
    trim(*channel, through);
    return StoreReply(port::SnapshotSaved{oldest_seq(*channel)});
}

uint64_t MemoryStore::oldest_seq(const Channel& channel) {
    return channel.entries.empty() ? 0 : channel.entries.begin()->first;
}

std::vector<uint64_t> MemoryStore::Channel::state_seqs() const {
    std::vector<uint64_t> seqs;
    for (const auto& [seq, body] : states)
        seqs.push_back(seq);
    return seqs;
}

void MemoryStore::keep_state(Channel& channel, const port::SnapshotRequest& request) {
    if (request.states_max == 0 || request.seq == channel.base_seq) return;
    if (!is_worth_keeping(channel.state_seqs(), channel.begin_seq, channel.base_seq,
                          request.states_every))
        return;
    channel.states[channel.base_seq] = channel.snapshot;
    if (channel.states.size() > request.states_max)
        channel.states.erase(surplus_state(channel.state_seqs(), request.seq));
}

Result<StoreReply> MemoryStore::run(const port::StateRequest& request) {
    port::StateFound found;
    const Channel* channel = live_channel(request.channel);
    if (channel == nullptr) return StoreReply(std::move(found));
    const uint64_t oldest = oldest_seq(*channel);
    const StateChoice choice =
        choose_state(channel->state_seqs(), request.at, channel->begin_seq, channel->base_seq,
                     oldest == 0 ? channel->head + 1 : oldest);
    found.exists = choice.exists;
    found.seq = choice.seq;
    found.oldest_seq = choice.oldest_seq;
    if (!choice.exists || choice.seq == channel->begin_seq) return StoreReply(std::move(found));
    found.body =
        choice.seq == channel->base_seq ? channel->snapshot : channel->states.at(choice.seq);
    return StoreReply(std::move(found));
}

Result<StoreReply> MemoryStore::run(const port::PutVersionRequest& request) {
    using Outcome = port::VersionPut::Outcome;
    Channel* channel = live_channel(request.channel);
    if (channel == nullptr) return StoreReply(port::VersionPut{Outcome::no_channel});
    if (channel->versions.contains(request.version.name))
        return StoreReply(port::VersionPut{Outcome::exists});
    if (channel->versions.size() >= request.versions_max)
        return StoreReply(port::VersionPut{Outcome::too_many});
    port::StoredVersion& stored = channel->versions[request.version.name];
    stored = request.version;
    stored.bytes = stored.body.size();
    return StoreReply(port::VersionPut{Outcome::stored});
}

Result<StoreReply> MemoryStore::run(const port::VersionsRequest& request) {
    port::Versions out;
    if (const Channel* channel = live_channel(request.channel); channel != nullptr)
        for (const auto& [name, version] : channel->versions) {
            out.versions.push_back(version);
            out.versions.back().body.clear();
        }
    std::stable_sort(out.versions.begin(), out.versions.end(),
                     [](const auto& a, const auto& b) { return a.seq < b.seq; });
    return StoreReply(std::move(out));
}

Result<StoreReply> MemoryStore::run(const port::FindVersionRequest& request) {
    port::VersionFound found;
    const Channel* channel = live_channel(request.channel);
    if (channel == nullptr) return StoreReply(std::move(found));
    const auto at = channel->versions.find(request.name);
    if (at == channel->versions.end()) return StoreReply(std::move(found));
    found.exists = true;
    found.version = at->second;
    return StoreReply(std::move(found));
}

Result<StoreReply> MemoryStore::run(const port::DeleteVersionRequest& request) {
    Channel* channel = live_channel(request.channel);
    return StoreReply(
        port::VersionDeleted{channel != nullptr && channel->versions.erase(request.name) > 0});
}

std::vector<port::StoredTextVersion> MemoryStore::Channel::text_versions_of(
    const std::string& text) const {
    std::vector<port::StoredTextVersion> out;
    for (const auto& [key, version] : text_versions) {
        if (std::get<0>(key) != text) continue;
        out.push_back(version);
        out.back().body.clear();
    }
    return out;
}

void MemoryStore::Channel::put_text_version(const port::StoredTextVersion& version,
                                            const port::TextVersionLimits& limits) {
    const auto [at, is_new] =
        text_versions.try_emplace({version.text, version.seq, version.name}, version);
    if (is_new) at->second.bytes = version.body.size();
    for (const auto& surplus :
         surplus_text_versions(text_versions_of(version.text), limits, version.created_ms))
        text_versions.erase({surplus.text, surplus.seq, surplus.name});
}

Result<StoreReply> MemoryStore::run(const port::PutTextVersionRequest& request) {
    using Outcome = port::VersionPut::Outcome;
    Channel* channel = live_channel(request.channel);
    if (channel == nullptr) return StoreReply(port::VersionPut{Outcome::no_channel});
    if (request.version.kind == port::StoredTextVersion::Kind::named) {
        bool is_too_large = false;
        const Outcome outcome =
            room_for_text_version(channel->text_versions_of(request.version.text), request.version,
                                  request.limits, is_too_large);
        if (outcome != Outcome::stored) return StoreReply(port::VersionPut{outcome});
        if (is_too_large) return fail(ErrorCode::too_large, request.limits.bytes_max);
    }
    channel->put_text_version(request.version, request.limits);
    return StoreReply(port::VersionPut{Outcome::stored});
}

Result<StoreReply> MemoryStore::run(const port::TextVersionsRequest& request) {
    port::TextVersions out;
    if (const Channel* channel = live_channel(request.channel); channel != nullptr)
        out.versions = channel->text_versions_of(request.text);
    return StoreReply(std::move(out));
}

Result<StoreReply> MemoryStore::run(const port::FindTextVersionRequest& request) {
    port::TextVersionFound found;
    const Channel* channel = live_channel(request.channel);
    if (channel == nullptr) return StoreReply(std::move(found));
    for (const auto& [key, version] : channel->text_versions) {
        const auto& [text, seq, name] = key;
        if (text != request.text) continue;
        if (request.name.empty() ? seq != request.at : name != request.name) continue;
        found.exists = true;
        found.version = version;
        break;
    }
    return StoreReply(std::move(found));
}

Result<StoreReply> MemoryStore::run(const port::DeleteTextVersionRequest& request) {
    Channel* channel = live_channel(request.channel);
    if (channel == nullptr) return StoreReply(port::VersionDeleted{false});
    const size_t count = std::erase_if(channel->text_versions, [&](const auto& item) {
        const auto& [text, seq, name] = item.first;
        return text == request.text && name == request.name &&
               (!request.name.empty() || seq == request.at);
    });
    return StoreReply(port::VersionDeleted{count > 0});
}

Result<StoreReply> MemoryStore::run(const port::ReadRequest& request) {
    port::EntriesRead read;
    Channel* channel = live_channel(request.channel);
    if (channel == nullptr || channel->entries.empty()) return StoreReply(std::move(read));
    read.oldest_seq = channel->entries.begin()->first;
    if (request.after == std::numeric_limits<uint64_t>::max()) return StoreReply(std::move(read));
    uint64_t bytes = 0;
    for (auto at = channel->entries.find(request.after + 1);
         at != channel->entries.end() && at->first <= request.through; ++at) {
        if (request.limit != 0 && read.entries.size() >= request.limit) break;
        bytes += at->second.body.size();
        if (!read.entries.empty() && request.bytes_max != 0 && bytes > request.bytes_max) break;
        read.entries.push_back(at->second);
    }
    return StoreReply(std::move(read));
}

Result<StoreReply> MemoryStore::run(const port::FindRequest& request) {
    port::Found found;
    Channel* channel = live_channel(request.channel);
    if (channel == nullptr) return StoreReply(std::move(found));
    for (auto at = channel->entries.rbegin(); at != channel->entries.rend(); ++at) {
        if (at->second.actor != request.actor || at->second.counter != request.counter) continue;
        found.exists = true;
        found.entry = at->second;
        break;
    }
    return StoreReply(std::move(found));
}

Result<StoreReply> MemoryStore::run(const port::FindOutcomeRequest& request) {
    port::OutcomeFound found;
    Channel* channel = live_channel(request.channel);
    if (channel == nullptr) return StoreReply(std::move(found));
    auto at = channel->outcomes.find(request.key);
    if (at == channel->outcomes.end() || at->second.expires_ms <= request.now_ms) {
        return StoreReply(std::move(found));
    }
    found.exists = true;
    found.outcome = at->second;
    return StoreReply(std::move(found));
}

Result<StoreReply> MemoryStore::run(const port::ListRequest& request) {
    port::Listed listed;
    auto at = std::max(channels_.upper_bound(request.after), channels_.lower_bound(request.prefix),
                       [this](auto left, auto right) {
                           if (left == channels_.end()) return false;
                           return right == channels_.end() || left->first < right->first;
                       });
    for (; at != channels_.end() && at->first.starts_with(request.prefix); ++at) {
        const Channel& channel = at->second;
        if (!channel.live) continue;
        if (listed.channels.size() >= request.limit) {
            listed.more = true;
            break;
        }
        listed.channels.push_back({at->first, channel.head, channel.floor,
                                   channel.log_bytes + channel.snapshot.size(),
                                   channel.changed_ms});
    }
    return StoreReply(std::move(listed));
}

Result<StoreReply> MemoryStore::run(const port::HooksRequest&) {
    port::Hooks out;
    for (const auto& [name, hook] : hooks_)
        out.hooks.push_back(hook);
    return StoreReply(std::move(out));
}

Result<StoreReply> MemoryStore::run(const port::SaveHooksRequest& request) {
    for (const port::StoredHook& hook : request.hooks)
        hooks_[hook.name] = hook;
    for (const port::StoredHookCursor& cursor : request.cursors) {
        const auto channel = channels_.find(cursor.channel);
        if (channel == channels_.end() || channel->second.epochs.empty()) continue;
        auto& cursors = channel->second.hook_cursors;
        if (request.existing == port::SaveHooksRequest::Existing::replaced)
            cursors.insert_or_assign({cursor.hook, cursor.stream}, cursor.at);
        else
            cursors.try_emplace({cursor.hook, cursor.stream}, cursor.at);
    }
    return StoreReply(port::HooksSaved{});
}

Result<StoreReply> MemoryStore::run(const port::HookLagRequest& request) {
    port::HookLag lag;
    uint32_t count = 0;
    for (auto at = channels_.upper_bound(request.after); at != channels_.end(); ++at) {
        const Channel& channel = at->second;
        // A refused append leaves a name and nothing else.
        if (channel.epochs.empty()) continue;
        if (count++ >= std::max<uint32_t>(request.channels_max, 1)) {
            lag.more = true;
            break;
        }
        lag.last = at->first;
        port::HookLagRow row{at->first, {}, {0, channel.head}};
        row.head.epoch = channel.epochs.back().epoch;
        const auto cursor = channel.hook_cursors.find({request.hook, request.stream});
        if (cursor != channel.hook_cursors.end()) row.at = cursor->second;
        if (is_behind(row)) lag.rows.push_back(std::move(row));
    }
    return StoreReply(std::move(lag));
}

Result<StoreReply> MemoryStore::run(const port::HookFeedRequest& request) {
    port::HookFeed feed;
    feed.at = request.from;
    const auto found = channels_.find(request.channel);
    if (found == channels_.end()) return StoreReply(std::move(feed));
    const Channel& channel = found->second;
    feed.exists = channel.live;
    feed.head = channel.head;
    feed.begin_seq = channel.begin_seq;
    feed.oldest_seq = oldest_seq(channel);
    feed.epochs = channel.epochs;
    const auto cursor = channel.hook_cursors.find({request.hook, request.stream});
    if (!feed.at && cursor != channel.hook_cursors.end()) feed.at = cursor->second;
    if (request.limit == 0) return StoreReply(std::move(feed));
    TANDEM_TRY(StoreReply read,
               run(port::ReadRequest{request.channel, feed.at ? feed.at->seq : 0, UINT64_MAX,
                                     request.limit, request.bytes_max}));
    feed.entries = std::move(std::get<port::EntriesRead>(read).entries);
    return StoreReply(std::move(feed));
}

Result<StoreReply> MemoryStore::run(const port::DeleteRequest& request) {
    Channel* channel = live_channel(request.channel);
    if (channel == nullptr) return StoreReply(port::Deleted{false});
    Channel buried;
    buried.head = channel->head;
    buried.base_seq = channel->head;
    buried.begin_seq = channel->head;
    buried.changed_ms = channel->changed_ms;
    buried.epochs = std::move(channel->epochs);
    buried.hook_cursors = std::move(channel->hook_cursors);
    *channel = std::move(buried);
    return StoreReply(port::Deleted{true});
}

}  // namespace tandem::store
