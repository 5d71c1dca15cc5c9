#include "sim/shadow.hpp"

#include <algorithm>
#include <set>

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

const base::Value* member_at(const base::Value& object, const record::Path& path, size_t from) {
    const base::Value* at = &object;
    for (size_t i = from; i < path.size() && at != nullptr; ++i)
        at = at->find(path[i].name);
    return at;
}

// True of a write of a member that was sent within `sent` and is not in what was kept of that:
// those with a resolver of their own are logged behind it.
bool is_taken_out(const record::Op& op, const record::Op& sent, const record::Op& kept) {
    const bool has_members =
        sent.kind == record::OpKind::assign || sent.kind == record::OpKind::insert;
    const size_t depth = sent.path.size();
    return has_members && op.kind == record::OpKind::set && op.path.size() > depth &&
           std::equal(sent.path.begin(), sent.path.end(), op.path.begin()) &&
           member_at(sent.value, op.path, depth) != nullptr &&
           member_at(kept.value, op.path, depth) == nullptr;
}

// Empty when the ops of an entry are those that were sent, each with its base.
std::string base_difference(const ShadowChannel& channel, const std::vector<record::Op>& sent,
                            const std::vector<record::Op>& logged) {
    size_t at = 0;
    for (const record::Op& op : sent) {
        if (at == logged.size() || logged[at].path != op.path)
            return " has another op in place of that at " + record::to_text(op.path);
        const uint64_t wanted = channel.effective(op.base.epoch, op.base.seq);
        const record::Op& kept = logged[at];
        std::set<std::string> members;
        do {
            if (logged[at].seen_seq != wanted)
                return " has base " + std::to_string(logged[at].seen_seq) + " at " +
                       record::to_text(logged[at].path) + ", sent was " + std::to_string(wanted);
            ++at;
        } while (at < logged.size() && is_taken_out(logged[at], op, kept) &&
                 members.insert(record::to_text(logged[at].path)).second);
    }
    return at == logged.size() ? std::string() : " has more ops than were sent";
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

bool ShadowChannel::is_lost(uint64_t epoch, uint64_t seq) const {
    if (effective(epoch, seq) != seq || seq < start) return true;
    if (start == 0 || seq > start || epoch == 0) return false;
    // At its end the record that was deleted was to be read, and from then on the empty one.
    if (!is_epoch_known) return true;
    size_t anew = epochs.size();
    while (anew > 0 && epochs[anew - 1].fork_seq != start)
        --anew;
    for (size_t i = 0; i + 1 < anew; ++i)
        if (epochs[i].epoch == epoch) return true;
    return false;
}

void ShadowLogs::check_append(const port::AppendRequest& request) {
    for (const port::ChannelAppend& part : request.channels) {
        ShadowChannel channel = ShadowChannel();
        const ShadowChannel& known = channels_[part.channel];
        channel.epochs = known.epochs;
        channel.epochs.insert(channel.epochs.end(), part.new_epochs.begin(), part.new_epochs.end());
        uint64_t expected = known.head();
        for (const port::StoredEntry& entry : part.entries)
            heads_before_[{part.channel, entry.seq}] = known.head();
        for (const port::StoredEntry& entry : part.entries) {
            if (entry.seq != ++expected)
                return world_.violate(
                    "seq has no gap",
                    text_of(part.channel, entry) + ", expected #" + std::to_string(expected));
            if (entry.floor == 0 && entry.stamp_ms > world_.server.highest_recent_wall_ms())
                world_.violate("stored stamp <= server time", text_of(part.channel, entry));
            const auto* sent = world_.ledger.ops_of(part.channel, entry);
            const auto ops = record::decode_ops(entry.body, record::Form::logged);
            if (!ops) return world_.violate("entries decode", text_of(part.channel, entry));
            if (sent == nullptr) continue;
            const std::string wrong = base_difference(channel, *sent, *ops);
            if (!wrong.empty())
                world_.violate("an op keeps the base of its view",
                               text_of(part.channel, entry) + wrong);
        }
    }
}

void ShadowLogs::append(const std::string& name, const port::StoredEntry& entry) {
    ShadowChannel& channel = channels_[name];
    channel.entries.push_back(entry);
    channel.heads_before.push_back(heads_before_[{name, entry.seq}]);
    channel.floor = std::max(channel.floor, entry.floor);
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
    channel.start = channel.floor = channel.head();
    channel.is_epoch_known = false;
    channel.entries.clear();
    channel.heads_before.clear();
    channel.dots.clear();
    channel.versions.clear();
    channel.cuts++;
    truth.forget_all(name);
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

void ShadowLogs::compare(const std::string& name, const port::Versions& stored) {
    NamedStates& known = channels_[name].versions;
    for (auto it = known.begin(); it != known.end();) {
        const auto found =
            std::ranges::find(stored.versions, it->first, &port::StoredVersion::name);
        if (found == stored.versions.end()) {
            if (it->second.doubt == NamedState::Doubt::none)
                return world_.violate("a named version stays", name + " " + it->first);
            it = known.erase(it);
            continue;
        }
        if (found->seq != it->second.seq)
            return world_.violate("a named version stays as it is", name + " " + it->first);
        it->second.doubt = NamedState::Doubt::none;
        ++it;
    }
    if (known.size() != stored.versions.size()) world_.violate("a deleted version is gone", name);
}

void ShadowLogs::check_version(const port::PutVersionRequest& request) {
    const ShadowChannel& channel = channels_[request.channel];
    const std::string text = request.channel + " " + request.version.name + " of #" +
                             std::to_string(request.version.seq);
    if (request.version.seq < channel.start || request.version.seq > channel.head())
        return world_.violate("a version is of a state that was", text);
    const auto document = record::Document::load(request.version.body);
    if (!document) return world_.violate("a version's state decodes", text);
    const nlohmann::json wanted =
        oracle::normal(truth.at(request.channel, request.version.seq).shown());
    const std::string found = difference(wanted, as_json(document->shown({})));
    if (document->seq() != request.version.seq || !found.empty())
        world_.violate("a version keeps the state of its seq", text + ": " + found);
}

void ShadowLogs::begin_put(const port::PutVersionRequest& request) {
    check_version(request);
    if (world_.is_violated()) return;
    NamedState state{request.version.seq,
                     oracle::normal(truth.at(request.channel, request.version.seq).shown()),
                     NamedState::Doubt::may_be_missing};
    channels_[request.channel].versions.try_emplace(request.version.name, std::move(state));
}

void ShadowLogs::note_version(const port::PutVersionRequest& request, Outcome outcome) {
    NamedStates& versions = channels_[request.channel].versions;
    world_.note("version put", request.version.seq, static_cast<uint64_t>(outcome),
                request.channel + " " + request.version.name);
    const auto found = versions.find(request.version.name);
    if (found == versions.end()) return;
    const bool was_there = found->second.doubt == NamedState::Doubt::none;
    if (outcome == Outcome::done) {
        if (was_there)
            world_.violate("a version is not replaced",
                           request.channel + " " + request.version.name);
        found->second.doubt = NamedState::Doubt::none;
    } else if (outcome == Outcome::nothing && !was_there) {
        versions.erase(found);
    }
}

void ShadowLogs::begin_delete(const port::DeleteVersionRequest& request) {
    NamedStates& versions = channels_[request.channel].versions;
    const auto found = versions.find(request.name);
    if (found != versions.end()) found->second.doubt = NamedState::Doubt::may_be_gone;
}

void ShadowLogs::note_version(const port::DeleteVersionRequest& request, Outcome outcome) {
    NamedStates& versions = channels_[request.channel].versions;
    world_.note("version gone", 0, static_cast<uint64_t>(outcome),
                request.channel + " " + request.name);
    const auto found = versions.find(request.name);
    if (found == versions.end()) return;
    if (outcome == Outcome::done)
        versions.erase(found);
    else if (outcome == Outcome::nothing)
        found->second.doubt = NamedState::Doubt::none;
}

ShadowLogs::Marks ShadowLogs::marks() const {
    Marks marks;
    for (const auto& [name, channel] : channels_)
        marks[name] = {channel.head(), channel.epochs.size(), channel.versions};
    return marks;
}

void ShadowLogs::cut(const Marks& marks) {
    for (auto& [name, channel] : channels_) {
        const auto found = marks.find(name);
        const Mark mark = found == marks.end() ? Mark() : found->second;
        channel.epochs.resize(std::min(channel.epochs.size(), mark.epochs));
        channel.versions = mark.versions;
        channel.cuts++;
        truth.forget(name, mark.head);
        if (mark.head >= channel.head()) continue;
        world_.note_cut(name, mark.head);
        while (channel.head() > mark.head) {
            const port::StoredEntry& entry = channel.entries.back();
            channel.dots.erase({entry.actor, entry.counter});
            world_.ledger.note_cut(name, entry);
            channel.entries.pop_back();
            channel.heads_before.pop_back();
        }
        channel.floor = channel.start;
        for (const port::StoredEntry& entry : channel.entries)
            channel.floor = std::max(channel.floor, entry.floor);
    }
}

void WitnessStore::submit(port::Ticket ticket, port::StoreRequest request) {
    if (const auto* append = std::get_if<port::AppendRequest>(&request)) {
        world_.shadow.check_append(*append);
        appends_[ticket] = *append;
    } else if (const auto* removal = std::get_if<port::DeleteRequest>(&request)) {
        deletions_[ticket] = removal->channel;
    } else if (const auto* version = std::get_if<port::PutVersionRequest>(&request)) {
        world_.shadow.begin_put(*version);
        versions_[ticket] = *version;
    } else if (const auto* gone = std::get_if<port::DeleteVersionRequest>(&request)) {
        world_.shadow.begin_delete(*gone);
        version_deletions_[ticket] = *gone;
    }
    inner_.submit(ticket, std::move(request));
}

void WitnessStore::poll(std::vector<port::Completion>& out) {
    const size_t before = out.size();
    inner_.poll(out);
    for (size_t i = before; i < out.size(); ++i)
        note(out[i]);
}

void WitnessStore::note(const port::Completion& completion) {
    using Outcome = ShadowLogs::Outcome;
    const port::Ticket ticket = completion.ticket;
    const auto& reply = completion.reply;
    // What a store wrote that has failed is found out when it is opened again.
    const Outcome failure = inner_.failed() ? Outcome::unknown : Outcome::nothing;
    if (const auto append = appends_.extract(ticket)) {
        if (reply) world_.shadow.note_appended(append.mapped());
    } else if (const auto gone = deletions_.extract(ticket)) {
        if (reply) world_.shadow.note_deleted(gone.mapped());
    } else if (const auto put = versions_.extract(ticket)) {
        const bool is_stored = reply && std::get<port::VersionPut>(*reply).outcome ==
                                            port::VersionPut::Outcome::stored;
        world_.shadow.note_version(put.mapped(), is_stored ? Outcome::done
                                                 : reply   ? Outcome::nothing
                                                           : failure);
    } else if (const auto removal = version_deletions_.extract(ticket)) {
        world_.shadow.note_version(removal.mapped(), reply ? Outcome::done : failure);
    }
}

}  // namespace tandem::sim
