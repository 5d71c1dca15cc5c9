#include "sim/shadow.hpp"

#include <algorithm>

#include "record/op.hpp"
#include "sim/world.hpp"

namespace tandem::sim {

namespace {

std::string text_of(const std::string& channel, const port::StoredEntry& entry) {
    return channel + " #" + std::to_string(entry.seq) + " by " + std::to_string(entry.actor) + "." +
           std::to_string(entry.counter);
}

bool is_same(const port::StoredEntry& a, const port::StoredEntry& b) {
    return a.seq == b.seq && a.actor == b.actor && a.counter == b.counter &&
           a.stamp_ms == b.stamp_ms && a.stamp_logical == b.stamp_logical &&
           a.stamp_actor == b.stamp_actor && a.own == b.own && a.floor == b.floor &&
           a.digest == b.digest && a.check == b.check && a.body == b.body;
}

}  // namespace

uint64_t ShadowChannel::effective(uint64_t epoch, uint64_t seq) const {
    if (epoch == 0) return seq;
    size_t index = 0;
    while (index < epochs.size() && epochs[index].epoch != epoch)
        ++index;
    if (index == epochs.size()) return 0;
    for (size_t later = index + 1; later < epochs.size(); ++later)
        seq = std::min(seq, epochs[later].fork_seq);
    return seq;
}

void ShadowLogs::check_append(const port::AppendRequest& request) {
    for (const port::ChannelAppend& part : request.channels) {
        ShadowChannel channel = ShadowChannel();
        const ShadowChannel& known = channels_[part.channel];
        channel.epochs = known.epochs;
        channel.epochs.insert(channel.epochs.end(), part.new_epochs.begin(), part.new_epochs.end());
        uint64_t expected = known.head();
        for (const port::StoredEntry& entry : part.entries) {
            if (entry.seq != ++expected)
                return world_.violate(
                    "seq has no gap",
                    text_of(part.channel, entry) + ", expected #" + std::to_string(expected));
            if (entry.floor == 0 && entry.stamp_ms > world_.server.highest_recent_wall_ms())
                world_.violate("stored stamp <= server time", text_of(part.channel, entry));
            const auto* bases = world_.ledger.bases_of(part.channel, entry);
            const auto ops = record::decode_ops(entry.body, record::Form::logged);
            if (!ops) return world_.violate("entries decode", text_of(part.channel, entry));
            if (bases == nullptr) continue;
            for (size_t i = 0; i < ops->size() && i < bases->size(); ++i) {
                const uint64_t wanted = channel.effective((*bases)[i].epoch, (*bases)[i].seq);
                if ((*ops)[i].seen_seq != wanted)
                    world_.violate("an op keeps the base of its view",
                                   text_of(part.channel, entry) + " has base " +
                                       std::to_string((*ops)[i].seen_seq) + ", sent was " +
                                       std::to_string(wanted));
            }
        }
    }
}

void ShadowLogs::append(const std::string& name, const port::StoredEntry& entry) {
    ShadowChannel& channel = channels_[name];
    channel.entries.push_back(entry);
    if (entry.counter != 0 && !channel.dots.insert({entry.actor, entry.counter}).second)
        world_.violate("a push has one seq", text_of(name, entry));
    world_.ledger.note_logged(name, entry);
    world_.note("logged", entry.seq, entry.actor, name);
}

void ShadowLogs::note_appended(const port::AppendRequest& request) {
    for (const port::ChannelAppend& part : request.channels) {
        ShadowChannel& channel = channels_[part.channel];
        channel.epochs.insert(channel.epochs.end(), part.new_epochs.begin(), part.new_epochs.end());
        channel.is_epoch_known = true;
        for (const port::StoredEntry& entry : part.entries)
            append(part.channel, entry);
    }
}

void ShadowLogs::note_deleted(const std::string& name) {
    ShadowChannel& channel = channels_[name];
    for (const port::StoredEntry& entry : channel.entries)
        world_.ledger.note_cut(name, entry);
    channel.start = channel.head();
    channel.is_epoch_known = false;
    channel.entries.clear();
    channel.dots.clear();
}

void ShadowLogs::compare(const std::string& name, const port::Loaded& loaded) {
    ShadowChannel& channel = channels_[name];
    if (!loaded.exists && channel.head() > channel.start) {
        world_.violate("acknowledged is on disk", name + " is gone");
        return;
    }
    if (!loaded.exists) return;
    if (loaded.head < channel.head()) {
        world_.violate("acknowledged is on disk",
                       name + " ends at #" + std::to_string(loaded.head) + " instead of #" +
                           std::to_string(channel.head()));
        return;
    }
    channel.epochs = loaded.epochs;
    for (const port::StoredEntry& entry : loaded.entries) {
        const port::StoredEntry* known = channel.find(entry.seq);
        if (known != nullptr) {
            if (!is_same(*known, entry))
                world_.violate("what is logged stays", text_of(name, entry));
        } else if (entry.seq == channel.head() + 1) {
            append(name, entry);
        } else {
            world_.violate("seq has no gap", text_of(name, entry));
        }
    }
}

ShadowLogs::Heads ShadowLogs::heads() const {
    Heads heads;
    for (const auto& [name, channel] : channels_)
        heads[name] = {channel.head(), channel.epochs.size()};
    return heads;
}

void ShadowLogs::cut(const Heads& heads) {
    for (auto& [name, channel] : channels_) {
        const auto found = heads.find(name);
        const uint64_t head = found == heads.end() ? 0 : found->second.first;
        channel.epochs.resize(std::min<size_t>(channel.epochs.size(),
                                               found == heads.end() ? 0 : found->second.second));
        if (head >= channel.head()) continue;
        world_.note_cut(name, head);
        while (channel.head() > head) {
            const port::StoredEntry& entry = channel.entries.back();
            channel.dots.erase({entry.actor, entry.counter});
            world_.ledger.note_cut(name, entry);
            channel.entries.pop_back();
        }
    }
}

void WitnessStore::submit(port::Ticket ticket, port::StoreRequest request) {
    if (const auto* append = std::get_if<port::AppendRequest>(&request)) {
        world_.shadow.check_append(*append);
        appends_[ticket] = *append;
    } else if (const auto* removal = std::get_if<port::DeleteRequest>(&request)) {
        deletions_[ticket] = removal->channel;
    }
    inner_.submit(ticket, std::move(request));
}

void WitnessStore::poll(std::vector<port::Completion>& out) {
    const size_t before = out.size();
    inner_.poll(out);
    for (size_t i = before; i < out.size(); ++i) {
        const port::Completion& completion = out[i];
        if (const auto append = appends_.find(completion.ticket); append != appends_.end()) {
            if (completion.reply) world_.shadow.note_appended(append->second);
            appends_.erase(append);
        } else if (const auto gone = deletions_.find(completion.ticket); gone != deletions_.end()) {
            if (completion.reply) world_.shadow.note_deleted(gone->second);
            deletions_.erase(gone);
        }
    }
}

}  // namespace tandem::sim
