// The past of a channel: its record at an older seq, who changed what, versions that have a name,
// and bringing one of these states back.

#include <algorithm>
#include <utility>

#include "hub/hub.hpp"
#include "hub/lookback.hpp"
#include "hub/text_past.hpp"
#include "record/revert.hpp"

namespace tandem::hub {

using base::ErrorCode;

namespace {

// Each holds a whole record, so few are under way at a time.
constexpr size_t kLookbacksMax = 2;
constexpr size_t kLookbacksInLineMax = 256;

// PlantedBug::past_keeps_removed.
void drop_deletes(std::vector<port::StoredEntry>& entries) {
    for (port::StoredEntry& entry : entries) {
        auto ops = record::decode_ops(entry.body, record::Form::logged);
        if (!ops) continue;
        std::erase_if(*ops,
                      [](const record::Op& op) { return op.kind == record::OpKind::remove_node; });
        entry.body.clear();
        record::encode_ops(entry.body, *ops, record::Form::logged);
    }
}

// The seq that a request wants to see; the head when it names none.
uint64_t wanted_seq(const Request& request, uint64_t head) {
    if (const auto* get = std::get_if<GetRecord>(&request)) return get->at.value_or(head);
    if (const auto* changes = std::get_if<ReadChanges>(&request)) return changes->to.value_or(head);
    if (const auto* save = std::get_if<SaveVersion>(&request)) return save->at.value_or(head);
    if (const auto* restore = std::get_if<RestoreRecord>(&request))
        return restore->at.value_or(head);
    return head;
}

std::string_view wanted_version(const Request& request) {
    if (const auto* get = std::get_if<GetRecord>(&request)) return get->version;
    if (const auto* restore = std::get_if<RestoreRecord>(&request)) return restore->version;
    return {};
}

}  // namespace

void Hub::handle_request(Now now, uint64_t id, ReadChanges& request) {
    const Channel* channel = ready(find_channel(request.channel));
    if (channel == nullptr) return when_ready(now, id, request.channel, request);
    if (request.from > request.to.value_or(channel->head()))
        return reply(id, base::fail(ErrorCode::out_of_range, channel->head()), request.channel);
    look_back(id, *channel, std::move(request));
}

void Hub::handle_request(Now now, uint64_t id, SaveVersion& request) {
    const Channel* channel = ready(find_channel(request.channel));
    if (channel == nullptr) return when_ready(now, id, request.channel, request);
    if (request.name.empty() || request.name.size() > base::kKeyBytesMax)
        return reply(id, base::fail(ErrorCode::invalid_argument), request.channel);
    if (request.at.value_or(channel->head()) == channel->head())
        return put_version(now, id, *channel, request.name, channel->document());
    look_back(id, *channel, std::move(request));
}

void Hub::handle_request(Now now, uint64_t id, RestoreRecord& request) {
    const Channel* channel = ready(find_channel(request.channel));
    if (channel == nullptr) return when_ready(now, id, request.channel, request);
    if (request.at.has_value() == !request.version.empty())
        return reply(id, base::fail(ErrorCode::invalid_argument), request.channel);
    look_back(id, *channel, std::move(request));
}

void Hub::handle_request(Now now, uint64_t id, ListVersions& request) {
    const Channel* channel = ready(find_channel(request.channel));
    if (channel == nullptr) return when_ready(now, id, request.channel, request);
    Waiting waiting;
    waiting.kind = Waiting::Kind::versions;
    waiting.channel = request.channel;
    waiting.request = id;
    submit(port::VersionsRequest{request.channel}, std::move(waiting));
}

void Hub::handle_request(Now now, uint64_t id, DeleteVersion& request) {
    const Channel* channel = ready(find_channel(request.channel));
    if (channel == nullptr) return when_ready(now, id, request.channel, request);
    Waiting waiting;
    waiting.kind = Waiting::Kind::versions;
    waiting.channel = request.channel;
    waiting.request = id;
    submit(port::DeleteVersionRequest{request.channel, request.name}, std::move(waiting));
}

void Hub::handle_request(Now now, uint64_t id, DecideConflict& request) {
    const Channel* channel = ready(find_channel(request.channel));
    if (channel == nullptr) return when_ready(now, id, request.channel, request);
    const auto path = record::parse_path_below(request.path);
    if (!path) return reply(id, path.error(), request.channel);
    const auto rows = channel->document().journal(record::Document::Rows::all);
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const record::Row& at) {
        return at.dot == request.dot && at.path == *path &&
               (!request.reason || at.reason == *request.reason);
    });
    if (row == rows.end()) return reply(id, base::fail(ErrorCode::not_found), request.channel);
    auto ops = record::decide_ops(channel->document(), *row, request.decision);
    if (!ops) return reply(id, ops.error(), request.channel);
    PendingPush push;
    push.condition_base.seq = kBaseIsHead;
    push.target.request = id;
    push.by = request.by;
    push.ops = std::move(*ops);
    for (record::Op& op : push.ops)
        op.base = {channel->epoch(), channel->head()};
    std::string bytes;
    record::encode_ops(bytes, push.ops, record::Form::pushed);
    push.digest = digest_of(bytes);
    enqueue_push(now, *channels_.find(request.channel)->second, std::move(push));
}

void Hub::look_back(uint64_t id, const Channel& channel, Request request) {
    Lookback::Goal goal;
    goal.seq = wanted_seq(request, channel.head());
    if (goal.seq > channel.head())
        return reply(id, base::fail(ErrorCode::out_of_range, channel.head()), channel.name());
    if (lookbacks_in_line_.size() >= kLookbacksInLineMax)
        return reply(id, base::fail(ErrorCode::overloaded), channel.name());
    // What the head shows is at hand, also where nothing is stored yet.
    const bool is_head = wanted_version(request).empty() && goal.seq == channel.head();
    if (const auto* restore = std::get_if<RestoreRecord>(&request); restore != nullptr && is_head)
        return restore_record(now_, id, *restore, channel.document());
    if (const auto* changes = std::get_if<ReadChanges>(&request)) {
        goal.rows_from = changes->from;
        goal.rows_max = std::clamp<uint32_t>(changes->limit, 1, 10'000);
        if (changes->from == channel.head())
            return reply_changes(id, channel, {changes->from, goal.seq}, {}, 0);
    }
    const uint64_t number = next_lookback_++;
    lookbacks_.emplace(number,
                       std::make_unique<Lookback>(id, channel.name(), std::move(request), goal));
    lookbacks_in_line_.push_back(number);
    start_lookbacks();
}

void Hub::look_back(Channel& channel, PendingPush push, uint64_t seq) {
    if (lookbacks_in_line_.size() >= kLookbacksInLineMax)
        return refuse_push(channel, push, base::fail(ErrorCode::overloaded));
    const uint64_t number = next_lookback_++;
    auto lookback = std::make_unique<Lookback>(0, channel.name(), Request(ReplaceRecord()),
                                               Lookback::Goal{seq, UINT64_MAX, 0});
    lookback->hold(std::move(push), channel.epoch());
    lookbacks_.emplace(number, std::move(lookback));
    lookbacks_in_line_.push_back(number);
    start_lookbacks();
}

void Hub::start_lookbacks() {
    while (!lookbacks_in_line_.empty() &&
           lookbacks_.size() - lookbacks_in_line_.size() < kLookbacksMax) {
        const uint64_t number = lookbacks_in_line_.front();
        lookbacks_in_line_.pop_front();
        const Lookback& lookback = *lookbacks_.at(number);
        Waiting waiting;
        waiting.kind = Waiting::Kind::look;
        waiting.channel = lookback.channel();
        waiting.request = number;
        const std::string_view version = wanted_version(lookback.request());
        if (const TextPast* text = lookback.text())
            submit(text->next_request(), std::move(waiting));
        else if (version.empty())
            submit(lookback.next_request(), std::move(waiting));
        else
            submit(port::FindVersionRequest{lookback.channel(), std::string(version)},
                   std::move(waiting));
    }
}

void Hub::continue_lookback(Now now, Waiting& waiting, base::Result<port::StoreReply>& reply) {
    const uint64_t number = waiting.request;
    Lookback& lookback = *lookbacks_.at(number);
    base::Status status;
    if (!reply) {
        status = reply.error();
    } else if (TextPast* text = lookback.text()) {
        status = text->take(*reply);
        if (status.ok() && !text->is_done()) {
            submit(text->next_request(), std::move(waiting));
            return;
        }
    } else if (const auto* state = std::get_if<port::StateFound>(&*reply)) {
        status = lookback.begin(*state);
    } else if (const auto* found = std::get_if<port::VersionFound>(&*reply)) {
        status = found->exists ? lookback.begin(found->version)
                               : base::Status(base::fail(ErrorCode::not_found));
    } else {
        auto& entries = std::get<port::EntriesRead>(*reply).entries;
        if (config_.planted == PlantedBug::past_keeps_removed) drop_deletes(entries);
        status = lookback.feed(entries);
    }
    if (status.ok() && lookback.text() == nullptr && !lookback.is_done()) {
        submit(lookback.next_request(), std::move(waiting));
        return;
    }
    if (auto push = lookback.take_push())
        finish_lookback(now, lookback, std::move(*push), status);
    else if (status.ok())
        finish_lookback(now, lookback);
    else
        refuse_lookback(lookback, status.error());
    lookbacks_.erase(number);
    start_lookbacks();
}

void Hub::refuse_lookback(const Lookback& lookback, base::Error error) {
    // Of a channel that was deleted the store has nothing yet: what can be had begins at its head.
    if (error.code == ErrorCode::state_gone && error.detail == 0) {
        if (const Channel* channel = ready(find_channel(lookback.channel())))
            error.detail = channel->head();
    }
    reply(lookback.request_id(), error, lookback.channel());
}

void Hub::finish_lookback(Now now, Lookback& lookback) {
    const uint64_t id = lookback.request_id();
    const Channel* channel = ready(find_channel(lookback.channel()));
    if (channel == nullptr)
        return reply(id, base::fail(ErrorCode::would_block), lookback.channel());
    if (const TextPast* text = lookback.text())
        return answer_text_past(now, id, lookback.request(), *text);
    if (const auto* get = std::get_if<GetRecord>(&lookback.request())) {
        answer_record(id, *channel, lookback.document(), *get);
    } else if (const auto* save = std::get_if<SaveVersion>(&lookback.request())) {
        const bool is_wrong = config_.planted == PlantedBug::version_of_head;
        put_version(now, id, *channel, save->name,
                    is_wrong ? channel->document() : lookback.document());
    } else if (const auto* restore = std::get_if<RestoreRecord>(&lookback.request())) {
        restore_record(now, id, *restore, lookback.document());
    } else if (const auto* changes = std::get_if<ReadChanges>(&lookback.request())) {
        uint64_t next = lookback.next_from();
        if (next != 0 && config_.planted == PlantedBug::page_gap) ++next;
        reply_changes(id, *channel, {changes->from, lookback.document().seq()}, lookback.rows(),
                      next);
    }
}

void Hub::finish_lookback(Now now, Lookback& lookback, PendingPush push, base::Status status) {
    const auto found = channels_.find(lookback.channel());
    const bool is_same = found != channels_.end() && ready(found->second.get()) != nullptr &&
                         found->second->epoch() == lookback.epoch();
    if (!is_same) {
        if (found != channels_.end()) std::erase(found->second->keys_in_flight, push.outcome_key);
        return reply(push.target.request, base::fail(ErrorCode::would_block), lookback.channel());
    }
    Channel& channel = *found->second;
    if (!status.ok()) {
        const bool is_gone = status.error().code == ErrorCode::state_gone;
        return refuse_push(
            channel, push,
            is_gone ? base::fail(ErrorCode::precondition_failed, channel.head()) : status.error());
    }
    push.whole->read = std::make_unique<record::Document>(lookback.take_document());
    place_push(now, channel, std::move(push));
}

void Hub::reply_changes(uint64_t id, const Channel& channel, Span span, std::string_view rows,
                        uint64_t next) {
    std::string json = "{\"changes\":[" + std::string(rows) + "],\"from\":";
    json += std::to_string(span.from) + ",\"to\":" + std::to_string(span.to) + ",\"next\":";
    json += next != 0 ? std::to_string(next) : "null";
    reply(id, json + "}", &channel);
    // Not the version of anything: nothing to compare with.
    replies_.back().epoch = 0;
}

void Hub::put_version(Now now, uint64_t id, const Channel& channel, const std::string& name,
                      const record::Document& document) {
    port::PutVersionRequest put;
    put.channel = channel.name();
    put.version.name = name;
    put.version.seq = document.seq();
    put.version.created_ms = now.wall_ms;
    document.save(put.version.body);
    put.versions_max = static_cast<uint32_t>(config_.retention.versions);
    Waiting waiting;
    waiting.kind = Waiting::Kind::versions;
    waiting.channel = channel.name();
    waiting.request = id;
    waiting.seq = put.version.seq;
    submit(std::move(put), std::move(waiting));
}

void Hub::answer_versions(const Waiting& waiting, base::Result<port::StoreReply>& reply) {
    const auto refuse = [&](ErrorCode code) {
        this->reply(waiting.request, base::fail(code), waiting.channel);
    };
    if (!reply) return this->reply(waiting.request, reply.error(), waiting.channel);
    if (const auto* put = std::get_if<port::VersionPut>(&*reply)) {
        switch (put->outcome) {
            case port::VersionPut::Outcome::stored:
                return this->reply(waiting.request,
                                   "{\"seq\":" + std::to_string(waiting.seq) + "}");
            case port::VersionPut::Outcome::exists:
                return refuse(ErrorCode::version_exists);
            case port::VersionPut::Outcome::too_many:
                return refuse(ErrorCode::too_many_versions);
            case port::VersionPut::Outcome::no_channel:
                return refuse(ErrorCode::not_found);
        }
    }
    if (const auto* gone = std::get_if<port::VersionDeleted>(&*reply)) {
        if (!gone->existed) return refuse(ErrorCode::not_found);
        return this->reply(waiting.request, "{\"deleted\":true}");
    }
    if (const auto* of_text = std::get_if<port::TextVersions>(&*reply))
        return this->reply(waiting.request, text_versions_json(*of_text));
    std::string json = "{\"versions\":[";
    bool is_first = true;
    for (const port::StoredVersion& version : std::get<port::Versions>(*reply).versions) {
        if (!std::exchange(is_first, false)) json += ',';
        json += "{\"name\":";
        base::append_json_string(json, version.name);
        json += ",\"seq\":" + std::to_string(version.seq);
        json += ",\"created_ms\":" + std::to_string(version.created_ms);
        json += ",\"bytes\":" + std::to_string(version.bytes) + '}';
    }
    this->reply(waiting.request, json + "]}");
}

// The ops are made from the head that is in memory, and that is what their author has seen: a
// write on its way to the disk crosses them as any other would.
void Hub::restore_record(Now now, uint64_t id, const RestoreRecord& request,
                         const record::Document& then) {
    Channel& channel = *channels_.find(request.channel)->second;
    const auto path = record::parse_path(request.path);
    if (!path) return reply(id, path.error(), request.channel);
    std::vector<record::Op> ops = record::revert_ops(channel.document(), then, *path);
    if (ops.empty()) {
        // What somebody else has written may be what was to be restored.
        if (request.has_match)
            if (const auto met = channel.check_unchanged(*path, request.match); !met)
                return reply(id, met.error(), request.channel);
        reply(id, "{\"seq\":" + std::to_string(channel.head()) + ",\"unchanged\":true}", &channel);
        return;
    }
    size_t done = 0;
    while (done < ops.size()) {
        const size_t begin = done;
        PendingPush push;
        push.set = id;
        push.by = request.by;
        push.condition_base.seq = kBaseIsHead;
        std::string bytes;
        while (done < ops.size() && done - begin < base::kOpsPerPushMax &&
               bytes.size() < kPartBytes) {
            ops[done].base = {channel.epoch(), channel.head()};
            if (config_.planted == PlantedBug::restore_on_assigned)
                ops[done].base.seq = kBaseIsHead;
            push.ops.push_back(std::move(ops[done++]));
            record::encode_ops(bytes, {push.ops.back()}, record::Form::pushed);
        }
        push.digest = digest_of(bytes);
        if (request.has_match && begin == 0) {
            push.condition_base = request.match;
            push.if_unchanged.push_back(*path);
        }
        // The last one answers.
        if (done == ops.size()) push.target.request = id;
        enqueue_push(now, channel, std::move(push));
    }
}

}  // namespace tandem::hub
