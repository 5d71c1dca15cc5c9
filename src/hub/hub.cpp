#include "hub/hub.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "hub/json_out.hpp"
#include "hub/lookback.hpp"

namespace tandem::hub {

using base::ErrorCode;

Hub::Hub(const Config& config, port::Store& store, port::Entropy& entropy, ShardPlace place)
    : config_(config),
      store_(store),
      entropy_(entropy),
      place_(place),
      hot_texts_(std::make_unique<HotTexts>()),
      next_handle_(place.index + 1) {}

Hub::~Hub() = default;

void Hub::open(Now now, ConnectionId id, const ConnectionInfo& info) {
    now_ = now;
    auto connection = std::make_unique<Connection>();
    connection->id = id;
    connection->codec = info.codec;
    connection->remote = info.remote;
    connection->subject = info.subject;
    connection->opened_ms = now.wall_ms;
    connection->is_guest = info.side == ConnectionInfo::Side::guest;
    connection->actor = info.actor;
    connection->is_counted = info.is_counted;
    if (!connection->is_guest) stats_.connections++;
    admit(*connection, info.grant);
    connections_[id] = std::move(connection);
}

void Hub::close(Now now, ConnectionId id, Farewell farewell) {
    now_ = now;
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    for (auto& [name, subscription] : found->second->subscriptions)
        drop_subscription(now, subscription, farewell);
    for (auto& [name, reader] : found->second->texts)
        drop_text_reader(now, reader);
    if (!found->second->is_guest) stats_.connections--;
    connections_.erase(found);
}

const Channel* Hub::find_channel(std::string_view name) const {
    const auto found = channels_.find(name);
    return found == channels_.end() ? nullptr : found->second.get();
}

Channel* Hub::channel_for(Now now, std::string_view name, base::Error& error) {
    const auto found = channels_.find(name);
    if (found != channels_.end()) {
        // A broken channel grows cold however often it is asked for, and is loaded again then.
        if (found->second->state() != Channel::State::broken)
            found->second->idle_since_ms = now.mono_ms;
        return found->second.get();
    }
    const auto ns = find_namespace(config_, name);
    if (!ns) {
        error = ns.error();
        return nullptr;
    }
    if (channels_.size() >= config_.limits.channels_loaded_max || pressure_ == Pressure::critical) {
        error = base::fail(ErrorCode::overloaded);
        return nullptr;
    }
    auto channel = std::make_unique<Channel>(std::string(name), next_handle_, **ns, config_);
    next_handle_ += place_.count;
    channel->idle_since_ms = now.mono_ms;
    Channel* borrowed = channel.get();
    channels_[std::string(name)] = std::move(channel);
    stats_.channels = channels_.size();
    Waiting waiting;
    waiting.kind = Waiting::Kind::load;
    waiting.channel = borrowed->name();
    submit(port::LoadRequest{borrowed->name()}, std::move(waiting));
    return borrowed;
}

port::Ticket Hub::submit(port::StoreRequest request, Waiting waiting) {
    const port::Ticket ticket = next_ticket_++;
    const auto channel = channels_.find(waiting.channel);
    if (channel != channels_.end() && waiting.is_lookup()) channel->second->lookups++;
    waiting_.emplace(ticket, std::move(waiting));
    store_.submit(ticket, std::move(request));
    return ticket;
}

void Hub::enqueue_push(Now now, Channel& channel, PendingPush push) {
    stats_.pushes++;
    place_push(now, channel, std::move(push));
}

void Hub::place_push(Now now, Channel& channel, PendingPush push) {
    if (failed_ || is_stopping_) {
        refuse_push(channel, push,
                    base::fail(failed_ ? ErrorCode::unavailable : ErrorCode::shutting_down));
        return;
    }
    if (pressure_ == Pressure::critical)
        return refuse_push(channel, push, base::fail(ErrorCode::overloaded));
    if (channel.state() == Channel::State::broken) {
        refuse_push(channel, push, channel.broken_by());
        return;
    }
    if (channel.state() == Channel::State::loading || channel.is_deleting ||
        !channel.waiting.empty()) {
        if (channel.waiting.size() >= config_.limits.commit_queue_entries_max)
            refuse_push(channel, push, base::fail(ErrorCode::overloaded));
        else
            channel.waiting.push_back(std::move(push));
        return;
    }
    if (!try_push(now, channel, push)) channel.waiting.push_back(std::move(push));
}

void Hub::refuse_push(Channel& channel, const PendingPush& push, base::Error error) {
    std::erase(channel.keys_in_flight, push.outcome_key);
    if (push.set != 0) channel.refused_set = {push.set, error};
    answer_refusal(channel, push.target, push.actor, push.counter, error);
}

void Hub::refuse_waiting(Channel& channel, base::Error error) {
    for (const PendingPush& push : std::exchange(channel.waiting, {}))
        refuse_push(channel, push, error);
}

void Hub::refuse_inflight(Channel& channel, base::Error error) {
    for (const Inflight& item : channel.fail_batch()) {
        std::erase(channel.keys_in_flight, item.outcome_key);
        for (const AckTarget& target : item.targets)
            answer_refusal(channel, target, item.entry.own ? item.entry.actor : 0,
                           item.entry.counter, error);
    }
}

bool Hub::try_push(Now now, Channel& channel, PendingPush& push) {
    const uint64_t actor = push.actor;
    const uint64_t counter = push.counter;
    if (push.text != nullptr) take_owed(push);
    const AckTarget target = push.target;
    if (channel.retired_actors.contains(actor)) {
        answer_refusal(channel, target, actor, counter, base::fail(ErrorCode::actor_unknown));
        return true;
    }
    if (push.set != 0 && channel.refused_set.set == push.set) {
        answer_refusal(channel, target, actor, counter, channel.refused_set.error);
        return true;
    }
    const uint64_t set = push.set;
    const auto result = channel.sequence(push, now);
    if (std::holds_alternative<Channel::Wait>(result)) return false;
    if (std::holds_alternative<Channel::Taken>(result)) {
        if (config_.planted == PlantedBug::ack_before_commit)
            answer_ack(channel, target, actor, counter, channel.assigned(), {}, Outcome::stored);
        mark_dirty(channel);
    } else if (std::holds_alternative<Channel::Unchanged>(result)) {
        stats_.unchanged++;
        std::erase(channel.keys_in_flight, push.outcome_key);
        if (push.whole != nullptr)
            channel.unchanged.remember(channel.head(), push.whole->base_text,
                                       std::move(push.whole->body));
        answer_ack(channel, target, actor, counter, channel.head(), {}, Outcome::unchanged);
    } else if (std::holds_alternative<Channel::Missing>(result)) {
        std::erase(channel.keys_in_flight, push.outcome_key);
        ask_for_missing(channel, *push.text, target);
    } else if (const auto* past = std::get_if<Channel::Past>(&result)) {
        look_back(channel, std::move(push), past->seq);
    } else if (const auto* duplicate = std::get_if<Channel::Duplicate>(&result)) {
        stats_.duplicates++;
        answer_ack(channel, target, actor, counter, duplicate->seq, {}, Outcome::repeated);
    } else if (std::holds_alternative<Channel::Lookup>(result)) {
        stats_.duplicates++;
        Waiting waiting;
        waiting.kind = Waiting::Kind::find;
        waiting.channel = channel.name();
        waiting.push = std::make_unique<PendingPush>(std::move(push));
        submit(port::FindRequest{channel.name(), actor, counter}, std::move(waiting));
    } else {
        std::erase(channel.keys_in_flight, push.outcome_key);
        const base::Error error = std::get<base::Error>(result);
        if (set != 0) channel.refused_set = {set, error};
        answer_refusal(channel, target, actor, counter, error);
    }
    return true;
}

void Hub::drain_waiting(Now now, Channel& channel) {
    if (channel.state() != Channel::State::ready || channel.is_deleting) return;
    while (!channel.waiting.empty()) {
        PendingPush push = std::move(channel.waiting.front());
        channel.waiting.pop_front();
        if (try_push(now, channel, push)) continue;
        channel.waiting.push_front(std::move(push));
        return;
    }
}

void Hub::mark_dirty(Channel& channel) {
    if (!channel.is_dirty) {
        channel.is_dirty = true;
        dirty_.push_back(&channel);
    }
}

void Hub::submit_batch(Now) {
    if (is_append_running_ || failed_ || dirty_.empty()) return;
    port::AppendRequest batch;
    Waiting waiting;
    waiting.kind = Waiting::Kind::append;
    size_t left = config_.limits.entries_per_commit_max;
    std::vector<Channel*> rest;
    for (Channel* channel : dirty_) {
        if (left == 0 || !channel->has_unsent()) {
            if (channel->has_unsent())
                rest.push_back(channel);
            else
                channel->is_dirty = false;
            continue;
        }
        batch.channels.push_back(channel->take_batch(left));
        left -= std::min(left, batch.channels.back().entries.size());
        waiting.channels.push_back(channel->name());
        if (channel->has_unsent())
            rest.push_back(channel);
        else
            channel->is_dirty = false;
    }
    dirty_ = std::move(rest);
    if (batch.channels.empty()) return;
    is_append_running_ = true;
    if (config_.planted == PlantedBug::apply_before_commit) {
        for (const std::string& name : waiting.channels) {
            Channel& channel = *channels_.find(name)->second;
            while (channel.has_sent()) {
                planted_.emplace_back(name, channel.commit_next());
                publish(channel, planted_.back().second);
            }
            for (Subscription* subscription : channel.subscribers)
                wake(*subscription->connection);
        }
    }
    submit(std::move(batch), std::move(waiting));
}

void Hub::handle_store(Now now) {
    now_ = now;
    std::vector<port::Completion> completions;
    store_.poll(completions);
    for (port::Completion& completion : completions) {
        const auto found = waiting_.find(completion.ticket);
        if (found == waiting_.end()) continue;
        Waiting waiting = std::move(found->second);
        waiting_.erase(found);
        auto& reply = completion.reply;
        const auto at = channels_.find(waiting.channel);
        Channel* channel = at == channels_.end() ? nullptr : at->second.get();
        if (channel != nullptr && waiting.is_lookup() && channel->lookups > 0) channel->lookups--;
        switch (waiting.kind) {
            case Waiting::Kind::load:
                if (channel != nullptr) handle_loaded(now, *channel, reply);
                break;
            case Waiting::Kind::append:
                is_append_running_ = false;
                if (!reply) {
                    handle_append_failed(now, waiting.channels, reply.error());
                    break;
                }
                committed_ns_ = completion.done_ns;
                handle_appended(now, waiting.channels);
                break;
            case Waiting::Kind::snapshot:
                if (channel == nullptr) break;
                channel->is_snapshot_running = false;
                if (!reply) break;
                stats_.snapshots++;
                channel->note_snapshot(waiting.seq);
                channel->note_oldest(std::get<port::SnapshotSaved>(*reply).oldest_seq);
                break;
            case Waiting::Kind::read: {
                if (waiting.request != 0) {
                    if (!reply) {
                        this->reply(waiting.request, reply.error(), waiting.channel);
                        break;
                    }
                    const auto& read = std::get<port::EntriesRead>(*reply);
                    std::string json = "{\"entries\":[";
                    bool is_first = true;
                    for (const port::StoredEntry& entry : read.entries) {
                        if (!is_first) json += ',';
                        is_first = false;
                        append_entry_json(json, entry);
                    }
                    json += "],\"oldest\":" + std::to_string(read.oldest_seq);
                    json += ",\"head\":" + std::to_string(channel != nullptr ? channel->head() : 0);
                    json += '}';
                    this->reply(waiting.request, std::move(json), channel);
                    break;
                }
                const auto to = connections_.find(waiting.connection);
                if (to == connections_.end()) break;
                const auto sub = to->second->subscriptions.find(waiting.channel);
                if (sub == to->second->subscriptions.end() ||
                    sub->second.state != Subscription::State::reading ||
                    sub->second.read_ticket != completion.ticket)
                    break;
                continue_replay(sub->second,
                                reply ? std::get<port::EntriesRead>(*reply) : port::EntriesRead{});
                wake(*to->second);
                break;
            }
            case Waiting::Kind::find: {
                if (channel == nullptr) break;
                PendingPush& push = *waiting.push;
                if (!reply) {
                    answer_refusal(*channel, push.target, push.actor, push.counter,
                                   base::fail(ErrorCode::unavailable));
                    break;
                }
                const auto& found_entry = std::get<port::Found>(*reply);
                if (found_entry.exists && !push.is_skip && found_entry.entry.digest != push.digest)
                    answer_refusal(*channel, push.target, push.actor, push.counter,
                                   other_content(found_entry.entry.digest, push.counter));
                else
                    answer_ack(*channel, push.target, push.actor, push.counter,
                               found_entry.exists ? found_entry.entry.seq : channel->floor(), {},
                               Outcome::repeated);
                break;
            }
            case Waiting::Kind::outcome: {
                if (channel == nullptr) {
                    this->reply(waiting.request, base::fail(ErrorCode::unavailable),
                                waiting.channel);
                    break;
                }
                PendingPush& push = *waiting.push;
                if (!reply) {
                    std::erase(channel->keys_in_flight, push.outcome_key);
                    this->reply(waiting.request, reply.error(), waiting.channel);
                    break;
                }
                const auto& outcome = std::get<port::OutcomeFound>(*reply);
                if (!outcome.exists) {
                    enqueue_push(now, *channel, std::move(push));
                    break;
                }
                std::erase(channel->keys_in_flight, push.outcome_key);
                if (outcome.outcome.digest != push.digest)
                    this->reply(waiting.request, base::fail(ErrorCode::idempotency_mismatch),
                                waiting.channel);
                else
                    answer_ack(*channel, push.target, 0, 0, outcome.outcome.seq, {},
                               Outcome::repeated);
                break;
            }
            case Waiting::Kind::list:
                if (!reply) {
                    this->reply(waiting.request, reply.error());
                    break;
                }
                reply_listed(waiting.request, std::get<port::Listed>(*reply));
                break;
            case Waiting::Kind::look:
                continue_lookback(now, waiting, reply);
                break;
            case Waiting::Kind::versions:
                answer_versions(waiting, reply);
                break;
            case Waiting::Kind::remove:
                if (!reply) {
                    if (channel != nullptr) {
                        channel->is_deleting = false;
                        drain_waiting(now, *channel);
                    }
                    this->reply(waiting.request, reply.error(), waiting.channel);
                    break;
                }
                handle_deleted(now, waiting.channel);
                this->reply(waiting.request, std::get<port::Deleted>(*reply).existed
                                                 ? "{\"deleted\":true}"
                                                 : "{\"deleted\":false}");
                break;
        }
    }
    if (store_.failed() && !failed_) fail(base::fail(ErrorCode::io_failed));
}

void Hub::handle_appended(Now now, const std::vector<std::string>& names) {
    stats_.commits++;
    for (const auto& [name, item] : std::exchange(planted_, {})) {
        const auto found = channels_.find(name);
        if (found == channels_.end()) continue;
        for (const AckTarget& target : item.targets)
            answer_ack(*found->second, target, item.entry.actor, item.entry.counter, item.entry.seq,
                       item.entry.stamp, outcome_of(target));
    }
    for (const std::string& name : names) {
        const auto found = channels_.find(name);
        if (found == channels_.end()) continue;
        Channel& channel = *found->second;
        while (channel.has_sent()) {
            const Inflight item = channel.commit_next();
            stats_.entries++;
            publish(channel, item);
            if (item.text != nullptr) {
                stats_.text_updates++;
                publish_text(channel, item);
            }
            for (const AckTarget& target : item.targets) {
                if (config_.planted == PlantedBug::ack_before_commit && !target.is_duplicate)
                    continue;
                answer_ack(channel, target, item.entry.own ? item.entry.actor : 0,
                           item.entry.counter, item.entry.seq, item.entry.stamp,
                           outcome_of(target));
            }
            if (!item.outcome_key.empty()) std::erase(channel.keys_in_flight, item.outcome_key);
        }
        note_entries(name);
        for (Subscription* subscription : channel.subscribers)
            wake(*subscription->connection);
        drain_waiting(now, channel);
        if (channel.sequence_floor(now)) mark_dirty(channel);
        maybe_snapshot(channel, false);
    }
}

void Hub::handle_append_failed(Now now, const std::vector<std::string>& names, base::Error error) {
    if (store_.failed()) return fail(error);
    for (const std::string& name : names) {
        const auto found = channels_.find(name);
        if (found == channels_.end()) continue;
        Channel& channel = *found->second;
        std::erase(dirty_, &channel);
        channel.is_dirty = false;
        refuse_inflight(channel, error);
        drain_waiting(now, channel);
    }
}

void Hub::fail(base::Error error) {
    if (failed_) return;
    failed_ = true;
    log_.push_back({true, 0,
                    "the store failed and nothing more is written: " +
                        std::string(base::error_message(error.code))});
    for (auto& [name, channel] : channels_) {
        refuse_inflight(*channel, base::fail(ErrorCode::unavailable));
        refuse_waiting(*channel, base::fail(ErrorCode::unavailable));
        channel->is_dirty = false;
    }
    dirty_.clear();
}

void Hub::answer_ack(const Channel& channel, const AckTarget& target, uint64_t actor,
                     uint64_t counter, uint64_t seq, const clock::Stamp& stamp, Outcome outcome) {
    note_acked(target);
    if (target.reader != 0) return answer_text(target, seq);
    if (target.request != 0) {
        Reply out;
        out.id = target.request;
        out.channel = channel.name();
        out.json = "{\"seq\":" + std::to_string(seq);
        if (outcome == Outcome::repeated) out.json += ",\"duplicate\":true";
        if (outcome == Outcome::unchanged) out.json += ",\"unchanged\":true";
        if (!target.ids.empty()) {
            out.json += ",\"ids\":[";
            for (size_t i = 0; i < target.ids.size(); ++i) {
                if (i > 0) out.json += ',';
                base::append_json_string(out.json, target.ids[i]);
            }
            out.json += ']';
        }
        out.json += '}';
        out.epoch = channel.epoch();
        out.seq = seq;
        replies_.push_back(std::move(out));
        return;
    }
    const auto found = connections_.find(target.connection);
    if (found == connections_.end()) return;
    wire::Ack ack;
    ack.channel = channel.name();
    ack.actor = actor;
    ack.counter = actor == 0 ? 0 : counter;
    ack.seq = seq;
    ack.duplicate = outcome == Outcome::repeated;
    ack.stamp_ms = stamp.ms;
    ack.stamp_logical = stamp.logical;
    ack.ref = target.ref;
    ack.epoch = channel.epoch();
    ack.ids = target.ids;
    send(*found->second, ack);
}

void Hub::note_acked(const AckTarget& target) {
    if (target.arrived_ns == 0) return;
    if (!acked_.empty() && acked_.back().arrived_ns == target.arrived_ns &&
        acked_.back().connection == target.connection) {
        acked_.back().count++;
        return;
    }
    acked_.push_back({target.connection, target.arrived_ns, 1});
}

void Hub::take_acked(std::vector<Acked>& out) {
    out.assign(acked_.begin(), acked_.end());
    acked_.clear();
}

void Hub::answer_refusal(const Channel& channel, const AckTarget& target, uint64_t actor,
                         uint64_t counter, base::Error error) {
    if (target.reader != 0) return answer_text(target, error);
    stats_.refusals++;
    if (target.request != 0) {
        reply(target.request, error, channel.name());
        return;
    }
    const auto found = connections_.find(target.connection);
    if (found == connections_.end()) return;
    wire::ErrorFrame frame;
    frame.channel = channel.name();
    frame.actor = actor;
    frame.counter = counter;
    frame.ref = target.ref;
    if (error.code == ErrorCode::counter_gap) frame.acked_counter = error.detail - 1;
    send_error(*found->second, error, std::move(frame));
}

void Hub::wake(Connection& connection) {
    if (connection.is_ready || connection.waits_for_room) return;
    connection.is_ready = true;
    ready_.push_back(connection.id);
}

void Hub::take_ready(std::vector<ConnectionId>& out) {
    out.clear();
    for (const ConnectionId id : ready_) {
        const auto found = connections_.find(id);
        if (found == connections_.end()) continue;
        found->second->is_ready = false;
        out.push_back(id);
    }
    ready_.clear();
}

void Hub::take_closing(std::vector<ConnectionId>& out) {
    // Not moved: the caller's vector has room that it wants to keep.
    out.assign(closing_.begin(), closing_.end());
    closing_.clear();
}

bool Hub::poll_log(LogLine& out) {
    if (log_.empty()) return false;
    out = std::move(log_.front());
    log_.pop_front();
    return true;
}

bool Hub::poll_reply(Reply& out) {
    if (replies_.empty()) return false;
    out = std::move(replies_.front());
    replies_.pop_front();
    return true;
}

void Hub::begin_shutdown(Now now, uint64_t reconnect_after_ms) {
    now_ = now;
    is_stopping_ = true;
    wire::Bye bye;
    bye.code = "shutting_down";
    bye.message = base::error_message(ErrorCode::shutting_down);
    bye.reconnect_after_ms = reconnect_after_ms;
    std::array<FramePtr, kCodecCount> frames;
    std::string text;
    wire::encode_binary(text, wire::ServerFrame(bye));
    frames[static_cast<size_t>(Codec::binary)] = make_frame(std::move(text));
    text.clear();
    wire::encode_json(text, wire::ServerFrame(bye));
    frames[static_cast<size_t>(Codec::json)] = make_frame(std::move(text));
    for (auto& [id, connection] : connections_)
        if (!connection->is_guest && !is_of_providers(connection->codec))
            send_shared(*connection, frames[static_cast<size_t>(connection->codec)]);
}

bool Hub::is_idle() const { return waiting_.empty() && (dirty_.empty() || failed_); }

}  // namespace tandem::hub
