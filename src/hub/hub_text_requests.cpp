// Texts by requests: what they show, and edits of programs that have no document of their own. Who
// edits in a name is shown among the editors, with a cursor, until it has been silent for a while.

#include <utility>

#include "hub/hub.hpp"
#include "hub/text_edits.hpp"

namespace tandem::hub {

using base::ErrorCode;

namespace {

// Providers forget one whom they have not heard of for 30 seconds.
constexpr uint64_t kAuthorShownMs = 25'000;
// Beyond it authors are anonymous: each has a client of its own in the document.
constexpr size_t kAuthorsMax = 64;
constexpr size_t kEditsMax = 1'000;
constexpr uint64_t kClientMask = 0xFFFFFFFF;

std::string awareness_of(const TextEdit& edit) {
    std::string json = "{\"user\":{\"name\":";
    base::append_json_string(json, edit.author);
    if (!edit.color.empty()) {
        json += ",\"color\":";
        base::append_json_string(json, edit.color);
    }
    json += '}';
    if (!edit.cursor.empty())
        json += ",\"cursor\":{\"anchor\":" + edit.cursor + ",\"head\":" + edit.cursor + '}';
    return json + '}';
}

}  // namespace

void Hub::handle_request(Now now, uint64_t id, ListTexts& request) {
    const Channel* channel = ready(find_channel(request.channel));
    if (channel == nullptr) return when_ready(now, id, request.channel, request);
    std::string json = "{\"texts\":[";
    for (const auto& [name, text] : channel->texts.all()) {
        if (text->document().is_empty()) continue;
        if (json.back() != '[') json += ',';
        json += "{\"name\":";
        base::append_json_string(json, name);
        json += ",\"seq\":" + std::to_string(text->seq());
        json += ",\"bytes\":" + std::to_string(text->document().bytes());
        json += ",\"editors\":" + std::to_string(text->readers.size()) + '}';
    }
    reply(id, json + "]}", channel);
    // Editors come and go without a seq.
    replies_.back().epoch = 0;
}

void Hub::handle_request(Now now, uint64_t id, ReadText& request) {
    const Channel* channel = ready(find_channel(request.channel));
    if (channel == nullptr) return when_ready(now, id, request.channel, request);
    if (request.moment.at || !request.moment.version.empty())
        return look_at_text(now, id, *channels_.find(request.channel)->second, request.name,
                            {request.moment}, request);
    Text* text = channel->texts.find(request.name);
    if (text == nullptr || text->document().is_empty())
        return reply(id, base::fail(ErrorCode::not_found), request.channel);
    auto shown = show_text(text->document().state(), request);
    if (!shown) return reply(id, shown.error(), request.channel);
    reply(id, std::move(shown->bytes), channel);
    replies_.back().content = shown->content;
    replies_.back().seq = text->seq();
}

void Hub::handle_request(Now now, uint64_t id, EditText& request) {
    Channel* channel = const_cast<Channel*>(ready(find_channel(request.channel)));
    if (channel == nullptr) return when_ready(now, id, request.channel, request);
    const auto refuse = [&](ErrorCode code, uint64_t detail = 0) {
        reply(id, base::fail(code, detail), request.channel);
    };
    if (!base::is_key(request.name)) return refuse(ErrorCode::bad_path);
    if (channel->texts.find(request.name) == nullptr &&
        channel->texts.all().size() >= config_.limits.texts_per_channel_max)
        return refuse(ErrorCode::too_many_texts, config_.limits.texts_per_channel_max);
    PendingPush push;
    push.target.request = id;
    push.target.arrived_ns = now.arrived_ns;
    push.by = request.by;
    push.condition_base.seq = kBaseIsHead;
    push.text = std::make_unique<TextWrite>();
    push.text->name = request.name;
    push.text->if_unchanged = request.if_unchanged;
    if (!request.update.empty()) {
        auto reach = yjs::reach_of_update(request.update);
        if (!reach) return refuse(reach.error().code, reach.error().detail);
        push.digest = digest_of(request.update);
        push.text->reach = *std::move(reach);
        push.text->update = std::move(request.update);
        return enqueue_once(now, *channel, std::move(push), request.idempotency_key);
    }
    if (!request.edits.is_array() || request.author.size() > kTextAuthorBytesMax ||
        request.color.size() > kTextAuthorBytesMax)
        return refuse(ErrorCode::invalid_argument);
    if (request.edits.as_array().size() > kEditsMax) return refuse(ErrorCode::too_large, kEditsMax);
    if (!request.author.empty() &&
        !auth::has(rights_of(request.by, request.channel), auth::Capability::presence))
        return refuse(ErrorCode::forbidden);
    push.digest = digest_of(base::to_json(request.edits));
    auto edit = std::make_unique<TextEdit>();
    edit->edits = std::move(request.edits);
    edit->root = std::move(request.root);
    edit->author = std::move(request.author);
    edit->color = std::move(request.color);
    edit->is_leaving = request.is_leaving;
    Text& text = channel->texts.at(request.name);
    edit->client = client_of_author(text, edit->author);
    if (edit->edits.as_array().empty()) {
        // Nothing but who is there.
        show_author(*channel, text, *edit);
        if (!text.is_used()) channel->texts.drop_unused();
        return reply(id, "{\"seq\":" + std::to_string(channel->head()) + '}', channel);
    }
    push.text->edit = std::move(edit);
    enqueue_once(now, *channel, std::move(push), request.idempotency_key);
}

uint64_t Hub::client_of_author(Text& text, const std::string& author) {
    const bool is_known = text.authors.contains(author) || text.authors.size() < kAuthorsMax;
    TextAuthor& found = text.authors[is_known ? author : std::string()];
    while (found.client == 0 ||
           (found.id == 0 && text.document().known().vector().contains(found.client)))
        found.client = entropy_.next() & kClientMask;
    if (found.id == 0) found.id = next_text_reader_++;
    return found.client;
}

void Hub::show_author(const Channel& channel, Text& text, const TextEdit& edit) {
    const auto found = text.authors.find(edit.author);
    if (edit.author.empty() || found == text.authors.end()) return;
    TextAuthor& author = found->second;
    bool has_changed = false;
    if (edit.is_leaving) {
        author.until_ms = 0;
        has_changed = text.awareness.drop(author.id);
        author.clock++;
    } else if (!text.readers.empty()) {
        const std::string json = awareness_of(edit);
        const yjs::AwarenessState state{author.client, ++author.clock, json};
        has_changed = text.awareness.apply({&state, 1}, author.id, {author.client},
                                           config_.limits.presence_members_max);
        author.until_ms = now_.mono_ms + kAuthorShownMs;
        author_departures_.emplace(author.until_ms, channel.name());
    }
    if (!has_changed) return;
    for (const TextReader* reader : text.readers)
        wake(*reader->connection);
}

void Hub::drop_authors(Now now) {
    while (!author_departures_.empty() && author_departures_.begin()->first <= now.mono_ms) {
        const auto found = channels_.find(author_departures_.begin()->second);
        author_departures_.erase(author_departures_.begin());
        if (found == channels_.end()) continue;
        for (const auto& [name, text] : found->second->texts.all()) {
            bool has_changed = false;
            for (auto& [who, author] : text->authors) {
                if (author.until_ms == 0 || author.until_ms > now.mono_ms) continue;
                author.until_ms = 0;
                author.clock++;
                has_changed |= text->awareness.drop(author.id);
            }
            if (!has_changed) continue;
            for (const TextReader* reader : text->readers)
                wake(*reader->connection);
        }
    }
}

}  // namespace tandem::hub
