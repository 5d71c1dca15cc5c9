// The past of texts: versions that somebody named or that are kept by themselves, a text as it was,
// what came of it since, and going back.

#include <algorithm>
#include <utility>

#include "hub/hub.hpp"
#include "hub/lookback.hpp"
#include "hub/text_edits.hpp"
#include "yjs/versions.hpp"

namespace tandem::hub {

using base::ErrorCode;

namespace {

constexpr size_t kTextLookbacksMax = 256;

std::string_view kind_text(port::StoredTextVersion::Kind kind) {
    switch (kind) {
        case port::StoredTextVersion::Kind::named:
            return "named";
        case port::StoredTextVersion::Kind::automatic:
            return "automatic";
        case port::StoredTextVersion::Kind::before_restore:
            return "before_restore";
    }
    return "automatic";
}

}  // namespace

std::string Hub::text_versions_json(const port::TextVersions& versions) {
    std::string json = "{\"versions\":[";
    for (const port::StoredTextVersion& version : versions.versions) {
        if (json.back() != '[') json += ',';
        json += "{\"name\":";
        if (version.name.empty())
            json += "null";
        else
            base::append_json_string(json, version.name);
        json += ",\"kind\":\"" + std::string(kind_text(version.kind)) + '"';
        json += ",\"seq\":" + std::to_string(version.seq);
        json += ",\"changed_ms\":" + std::to_string(version.changed_ms);
        json += ",\"created_ms\":" + std::to_string(version.created_ms);
        json += ",\"bytes\":" + std::to_string(version.bytes) + '}';
    }
    return json + "]}";
}

void Hub::handle_request(Now now, uint64_t id, ListTextVersions& request) {
    if (ready(find_channel(request.channel)) == nullptr)
        return when_ready(now, id, request.channel, request);
    Waiting waiting;
    waiting.kind = Waiting::Kind::versions;
    waiting.channel = request.channel;
    waiting.request = id;
    submit(port::TextVersionsRequest{request.channel, request.text}, std::move(waiting));
}

void Hub::handle_request(Now now, uint64_t id, DeleteTextVersion& request) {
    if (ready(find_channel(request.channel)) == nullptr)
        return when_ready(now, id, request.channel, request);
    if (request.at.has_value() == !request.name.empty())
        return reply(id, base::fail(ErrorCode::invalid_argument), request.channel);
    Waiting waiting;
    waiting.kind = Waiting::Kind::versions;
    waiting.channel = request.channel;
    waiting.request = id;
    submit(port::DeleteTextVersionRequest{request.channel, request.text, request.name,
                                          request.at.value_or(0)},
           std::move(waiting));
}

void Hub::handle_request(Now now, uint64_t id, SaveTextVersion& request) {
    if (ready(find_channel(request.channel)) == nullptr)
        return when_ready(now, id, request.channel, request);
    if (!base::is_key(request.name))
        return reply(id, base::fail(ErrorCode::invalid_argument), request.channel);
    look_at_text(now, id, *channels_.find(request.channel)->second, request.text,
                 {{request.at, {}}}, request);
}

void Hub::handle_request(Now now, uint64_t id, ReadTextChanges& request) {
    if (ready(find_channel(request.channel)) == nullptr)
        return when_ready(now, id, request.channel, request);
    look_at_text(now, id, *channels_.find(request.channel)->second, request.text,
                 {request.from, request.to}, request);
}

void Hub::handle_request(Now now, uint64_t id, RestoreText& request) {
    if (ready(find_channel(request.channel)) == nullptr)
        return when_ready(now, id, request.channel, request);
    if (request.moment.at.has_value() == !request.moment.version.empty())
        return reply(id, base::fail(ErrorCode::invalid_argument), request.channel);
    look_at_text(now, id, *channels_.find(request.channel)->second, request.text, {request.moment},
                 request);
}

void Hub::look_at_text(Now now, uint64_t id, Channel& channel, const std::string& name,
                       std::vector<TextMoment> moments, Request request) {
    auto past = std::make_unique<TextPast>(channel.name(), name);
    Text* text = channel.texts.find(name);
    const bool is_there = text != nullptr && !text->document().is_empty();
    for (TextMoment& moment : moments) {
        const uint64_t at = moment.at.value_or(channel.head());
        if (at > channel.head())
            return reply(id, base::fail(ErrorCode::out_of_range, channel.head()), channel.name());
        if (!is_there && moment.version.empty() && !moment.at)
            return reply(id, base::fail(ErrorCode::not_found), channel.name());
        if (is_there && moment.version.empty() && at >= text->seq())
            past->add({text->seq(), text->changed_ms(), std::string(text->document().state())});
        else
            past->add(std::move(moment));
    }
    if (past->is_done()) return answer_text_past(now, id, request, *past);
    if (lookbacks_in_line_.size() >= kTextLookbacksMax)
        return reply(id, base::fail(ErrorCode::overloaded), channel.name());
    const uint64_t number = next_lookback_++;
    auto lookback =
        std::make_unique<Lookback>(id, channel.name(), std::move(request), Lookback::Goal());
    lookback->look_for(std::move(past));
    lookbacks_.emplace(number, std::move(lookback));
    lookbacks_in_line_.push_back(number);
    start_lookbacks();
}

void Hub::answer_text_past(Now now, uint64_t id, const Request& request, const TextPast& past) {
    if (const auto* read = std::get_if<ReadText>(&request))
        show_past_text(id, *find_channel(read->channel), *read, past);
    else if (const auto* save = std::get_if<SaveTextVersion>(&request))
        put_text_version(now, id, *save, past);
    else if (const auto* changes = std::get_if<ReadTextChanges>(&request))
        reply_text_changes(id, *find_channel(changes->channel), past);
    else if (const auto* restore = std::get_if<RestoreText>(&request))
        restore_text(now, id, *channels_.find(restore->channel)->second, *restore, past);
}

void Hub::show_past_text(uint64_t id, const Channel& channel, const ReadText& request,
                         const TextPast& past) {
    const TextPast::State& state = past.state(0);
    if (state.seq == 0) return reply(id, base::fail(ErrorCode::not_found), channel.name());
    auto shown = show_text(state.update, request);
    if (!shown) return reply(id, shown.error(), channel.name());
    reply(id, std::move(shown->bytes), &channel);
    replies_.back().content = shown->content;
    replies_.back().seq = state.seq;
}

void Hub::put_text_version(Now now, uint64_t id, const SaveTextVersion& request,
                           const TextPast& past) {
    const TextPast::State& state = past.state(0);
    if (state.seq == 0) return reply(id, base::fail(ErrorCode::not_found), request.channel);
    port::PutTextVersionRequest put;
    put.channel = request.channel;
    put.version.text = request.text;
    put.version.name = request.name;
    put.version.kind = port::StoredTextVersion::Kind::named;
    put.version.seq = state.seq;
    put.version.changed_ms = state.changed_ms != 0 ? state.changed_ms : now.wall_ms;
    put.version.created_ms = now.wall_ms;
    put.version.body = pack_text_state(state.update);
    put.limits = config_.retention.text_versions;
    Waiting waiting;
    waiting.kind = Waiting::Kind::versions;
    waiting.channel = request.channel;
    waiting.request = id;
    waiting.seq = state.seq;
    submit(std::move(put), std::move(waiting));
}

void Hub::reply_text_changes(uint64_t id, const Channel& channel, const TextPast& past) {
    const TextPast::State& from = past.state(0);
    const TextPast::State& to = past.state(1);
    if (from.seq > to.seq)
        return reply(id, base::fail(ErrorCode::out_of_range, channel.head()), channel.name());
    const auto changes = yjs::difference_json(from.update, to.update);
    if (!changes && changes.error().code == ErrorCode::too_large)
        return reply(id, changes.error(), channel.name());
    if (!changes) return reply(id, base::fail(ErrorCode::storage_corrupt, to.seq), channel.name());
    reply(id,
          "{\"changes\":" + *changes + ",\"from\":" + std::to_string(from.seq) +
              ",\"to\":" + std::to_string(to.seq) + '}',
          &channel);
    // Not the version of anything: nothing to compare with.
    replies_.back().epoch = 0;
}

void Hub::restore_text(Now now, uint64_t id, Channel& channel, const RestoreText& request,
                       const TextPast& past) {
    Text* text = channel.texts.find(request.text);
    if (text == nullptr || text->document().is_empty())
        return reply(id, base::fail(ErrorCode::not_found), request.channel);
    PendingPush push;
    push.target.request = id;
    push.condition_base.seq = kBaseIsHead;
    push.digest = digest_of(past.state(0).update);
    push.text = std::make_unique<TextWrite>();
    push.text->name = request.text;
    push.text->if_unchanged = request.if_unchanged;
    push.text->edit = std::make_unique<TextEdit>();
    push.text->edit->restored = past.state(0).update;
    push.text->edit->client = client_of_author(*text, {});
    enqueue_once(now, channel, std::move(push), request.idempotency_key);
}

}  // namespace tandem::hub
