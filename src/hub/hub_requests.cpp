// What the HTTP API and the command line ask.

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "hub/hub.hpp"
#include "hub/json_out.hpp"

namespace tandem::hub {

using base::ErrorCode;

void Hub::request(Now now, uint64_t id, Request request) {
    now_ = now;
    std::visit([&](auto& r) { handle_request(now, id, r); }, request);
}

void Hub::reply(uint64_t id, base::Error error, std::string channel) {
    Reply out;
    out.id = id;
    out.is_error = true;
    out.error = error;
    out.channel = std::move(channel);
    replies_.push_back(std::move(out));
}

void Hub::reply(uint64_t id, std::string json, const Channel* channel) {
    Reply out;
    out.id = id;
    out.json = std::move(json);
    if (channel != nullptr) {
        out.channel = channel->name();
        out.epoch = channel->epoch();
        out.seq = channel->head();
    }
    replies_.push_back(std::move(out));
}

void Hub::when_ready(Now now, uint64_t id, const std::string& name, Request request) {
    base::Error error;
    Channel* channel = channel_for(now, name, error);
    if (channel == nullptr) return reply(id, error, name);
    if (channel->state() == Channel::State::broken) return reply(id, channel->broken_by(), name);
    requests_waiting_.emplace(name, std::make_pair(id, std::move(request)));
}

void Hub::handle_request(Now now, uint64_t id, GetRecord& request) {
    const Channel* channel = ready(find_channel(request.channel));
    if (channel == nullptr) return when_ready(now, id, request.channel, request);
    const bool is_past = !request.version.empty() || (request.at && *request.at != channel->head());
    if (is_past) return look_back(id, *channel, std::move(request));
    answer_record(id, *channel, channel->document(), request);
}

void Hub::answer_record(uint64_t id, const Channel& channel, const record::Document& document,
                        const GetRecord& request) {
    const auto path = record::parse_path(request.path);
    if (!path) return reply(id, path.error(), channel.name());
    if (!path->empty() && !document.exists(*path))
        return reply(id, base::fail(ErrorCode::not_found), channel.name());
    std::string json = "{\"epoch\":\"" + std::to_string(channel.epoch()) + "\",\"seq\":";
    const bool is_head = &document == &channel.document();
    json += std::to_string(document.seq());
    json += ",\"hash\":\"" + (is_head ? hash_of(channel) : document.hash()) + "\",";
    if (request.form == GetRecord::Form::changes) {
        json += "\"changes\":[";
        bool is_first = true;
        for (const record::Change& change : document.changes(0)) {
            if (!record::covers(*path, change.path)) continue;
            if (!std::exchange(is_first, false)) json += ',';
            record::append_change_json(json, change);
        }
        json += ']';
    } else {
        json += "\"value\":";
        base::append_json(json, document.shown(*path));
    }
    json += '}';
    reply(id, std::move(json), &channel);
    replies_.back().seq = document.seq();
}

void Hub::handle_request(Now now, uint64_t id, WriteRecord& request) {
    if (request.ops.is_array() && request.ops.as_array().empty())
        return reply(id, base::fail(ErrorCode::malformed), request.channel);
    base::Error error;
    Channel* channel = channel_for(now, request.channel, error);
    if (channel == nullptr) return reply(id, error, request.channel);
    PendingPush push;
    push.target.request = id;
    push.target.arrived_ns = now.arrived_ns;
    push.by = request.by;
    push.condition_base.seq = kBaseIsHead;
    push.digest = digest_of(base::to_json(request.ops));
    push.base_json = std::move(request.base);
    if (request.has_match) {
        push.condition_base = request.match;
        if (request.ops.is_array())
            for (const base::Value& op : request.ops.as_array()) {
                const base::Value* text = op.find("path");
                if (text == nullptr || !text->is_string()) continue;
                auto path = record::parse_path(text->as_string());
                if (!path) return reply(id, path.error(), request.channel);
                push.if_unchanged.push_back(std::move(*path));
            }
        base::Value base(base::Object{});
        base.put("epoch", base::Value(std::to_string(request.match.epoch)));
        base.put("seq", base::Value(static_cast<double>(request.match.seq)));
        push.base_json = std::move(base);
    }
    push.ops_json = std::move(request.ops);
    enqueue_once(now, *channel, std::move(push), request.idempotency_key);
}

void Hub::enqueue_once(Now now, Channel& channel, PendingPush push, const std::string& key) {
    if (key.empty()) return enqueue_push(now, channel, std::move(push));
    const uint64_t id = push.target.request;
    auto& keys = channel.keys_in_flight;
    if (std::find(keys.begin(), keys.end(), key) != keys.end())
        return reply(id, base::fail(ErrorCode::would_block), channel.name());
    keys.push_back(key);
    push.outcome_key = key;
    Waiting waiting;
    waiting.kind = Waiting::Kind::outcome;
    waiting.channel = channel.name();
    waiting.request = id;
    waiting.push = std::make_unique<PendingPush>(std::move(push));
    submit(port::FindOutcomeRequest{channel.name(), key, now.wall_ms}, std::move(waiting));
}

void Hub::handle_request(Now, uint64_t id, ListChannels& request) {
    Waiting waiting;
    waiting.kind = Waiting::Kind::list;
    waiting.request = id;
    const uint32_t limit = std::clamp<uint32_t>(request.limit, 1, 1000);
    submit(port::ListRequest{request.after, request.prefix, limit}, std::move(waiting));
}

void Hub::handle_request(Now now, uint64_t id, DeleteChannel& request) {
    Channel* found = const_cast<Channel*>(ready(find_channel(request.channel)));
    if (found == nullptr) return when_ready(now, id, request.channel, request);
    if (found->has_inflight() || !found->waiting.empty() || found->is_snapshot_running ||
        found->is_deleting)
        return reply(id, base::fail(ErrorCode::would_block), request.channel);
    found->is_deleting = true;
    Waiting waiting;
    waiting.kind = Waiting::Kind::remove;
    waiting.channel = request.channel;
    waiting.request = id;
    submit(port::DeleteRequest{request.channel}, std::move(waiting));
}

// The channel begins anew under another epoch; those who follow it are reset to the empty record.
void Hub::handle_deleted(Now now, const std::string& name) {
    note_entries(name);
    const auto found = channels_.find(name);
    if (found == channels_.end()) return;
    // A provider would send what it has as if that were new.
    close_text_readers(*found->second, "the channel was deleted");
    std::unique_ptr<Channel> old = std::move(found->second);
    channels_.erase(found);
    std::erase(dirty_, old.get());
    base::Error error;
    Channel* fresh = channel_for(now, name, error);
    if (fresh == nullptr) return;
    fresh->presence = std::move(old->presence);
    fresh->subscribers = std::move(old->subscribers);
    fresh->waiting = std::move(old->waiting);
    fresh->keys_in_flight = std::move(old->keys_in_flight);
    fresh->lookups = old->lookups;
    fresh->retired_actors = std::move(old->retired_actors);
    TANDEM_ASSERT(!old->has_inflight());
    for (Subscription* subscription : fresh->subscribers) {
        subscription->channel = fresh;
        if (subscription->wanted.actor != 0)
            fresh->retired_actors.insert(subscription->wanted.actor);
        subscription->state = Subscription::State::loading;
        subscription->catch_up = nullptr;
        subscription->is_due = false;
        // The groups of the old channel go with it.
        subscription->group = nullptr;
        subscription->is_replaying = false;
        subscription->wanted.has_after = true;
        subscription->wanted.after = subscription->cursor;
        subscription->wanted.after_epoch = old->epoch();
        subscription->wanted.check = old->check();
    }
}

void Hub::handle_request(Now now, uint64_t id, ReadEntries& request) {
    const Channel* channel = ready(find_channel(request.channel));
    if (channel == nullptr) return when_ready(now, id, request.channel, request);
    Waiting waiting;
    waiting.kind = Waiting::Kind::read;
    waiting.channel = request.channel;
    waiting.request = id;
    // A page that begins below the oldest entry begins with the oldest.
    const uint64_t after = std::max(request.after, channel->oldest_seq() - 1);
    submit(port::ReadRequest{request.channel, after, channel->head(),
                             std::clamp<uint32_t>(request.limit, 1, 1000), base::kMiB},
           std::move(waiting));
}

void Hub::handle_request(Now now, uint64_t id, ReadConflicts& request) {
    const Channel* channel = ready(find_channel(request.channel));
    if (channel == nullptr) return when_ready(now, id, request.channel, request);
    const auto rows = channel->document().journal(request.is_all ? record::Document::Rows::all
                                                                 : record::Document::Rows::open);
    std::string json = "{\"conflicts\":[";
    bool is_first = true;
    for (const record::Row& row : rows) {
        if (std::max(row.seq, row.closed_seq) <= request.after) continue;
        if (!std::exchange(is_first, false)) json += ',';
        append_row_json(json, row, channel->document());
    }
    reply(id, json + "]}", channel);
}

void Hub::handle_request(Now now, uint64_t id, ReadJournal& request) {
    const Channel* channel = ready(find_channel(request.channel));
    if (channel == nullptr) return when_ready(now, id, request.channel, request);
    const auto changed_seq = [](const record::Row& row) {
        return std::max(row.seq, row.closed_seq);
    };
    auto rows = channel->document().journal(record::Document::Rows::all);
    std::erase_if(rows, [&](const record::Row& row) { return changed_seq(row) <= request.after; });
    std::stable_sort(rows.begin(), rows.end(), [&](const record::Row& a, const record::Row& b) {
        return changed_seq(a) < changed_seq(b);
    });
    size_t count = std::min<size_t>(rows.size(), std::max<uint32_t>(request.limit, 1));
    while (count < rows.size() && changed_seq(rows[count]) == changed_seq(rows[count - 1]))
        count++;
    std::string json = "[";
    for (size_t i = 0; i < count; ++i) {
        if (i > 0) json += ',';
        append_row_json(json, rows[i], channel->document());
    }
    reply(id, json + ']', channel);
    Reply& out = replies_.back();
    out.floor = channel->floor();
    out.has_more = count < rows.size();
    if (out.has_more) out.seq = changed_seq(rows[count - 1]);
}

void Hub::handle_request(Now now, uint64_t id, ReadPresence& request) {
    const Channel* channel = ready(find_channel(request.channel));
    if (channel == nullptr) return when_ready(now, id, request.channel, request);
    std::string json = "{\"members\":[";
    bool is_first = true;
    for (const auto& [member, entry] : channel->presence.members()) {
        if (!is_first) json += ',';
        is_first = false;
        json += "{\"id\":";
        base::append_json_string(json, member);
        json += ",\"user\":";
        base::append_json_string(json, entry.user);
        json += ",\"state\":";
        base::append_json(json, entry.state);
        json += ",\"connection\":\"" + std::to_string(entry.connection) + "\"}";
    }
    reply(id, json + "]}", channel);
}

void Hub::handle_request(Now, uint64_t id, ListConnections&) {
    reply(id, connections_json(connection_rows()));
}

}  // namespace tandem::hub
