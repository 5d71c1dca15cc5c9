// Texts: what providers of Yjs send and are sent. A text is as of the last commit; nothing is
// queued for who reads it but where it stands.

#include <algorithm>
#include <utility>

#include "hub/hub.hpp"
#include "yjs/sync_messages.hpp"

namespace tandem::hub {

using base::ErrorCode;

namespace {

constexpr size_t kEarlyTextsMax = 1'000;
constexpr size_t kEarlyTextBytesMax = 16 * base::kMiB;
// A provider speaks for its own document; a few more ids are harmless.
constexpr size_t kClaimsMax = 16;

}  // namespace

void Hub::handle_text(Now now, ConnectionId id, TextMessage message) {
    now_ = now;
    const auto found = connections_.find(id);
    if (found == connections_.end() || found->second->is_closing) return;
    Connection& connection = *found->second;
    connection.bytes_in += message.message.size();
    stats_.bytes_in += message.message.size();
    base::Error error;
    Channel* channel = channel_for(now, message.channel, error);
    if (channel == nullptr) return refuse_text(connection, error, message.channel);
    if (channel->state() == Channel::State::broken)
        return refuse_text(connection, channel->broken_by(), message.channel);
    if (channel->state() != Channel::State::loading)
        return take_text(now, connection, *channel, message);
    if (channel->early_texts.size() >= kEarlyTextsMax ||
        channel->early_text_bytes + message.message.size() > kEarlyTextBytesMax)
        return refuse_text(connection, base::fail(ErrorCode::overloaded), message.channel);
    channel->early_text_bytes += message.message.size();
    channel->early_texts.emplace_back(id, std::move(message));
}

void Hub::take_early_texts(Now now, Channel& channel) {
    channel.early_text_bytes = 0;
    for (auto& [id, message] : std::exchange(channel.early_texts, {})) {
        const auto found = connections_.find(id);
        if (found == connections_.end()) continue;
        if (channel.state() == Channel::State::broken)
            refuse_text(*found->second, channel.broken_by(), channel.name());
        else
            take_text(now, *found->second, channel, message);
    }
}

void Hub::refuse_text(Connection& connection, base::Error error, const std::string& channel) {
    stats_.refusals++;
    wire::ErrorFrame frame;
    frame.channel = channel;
    send_error(connection, error, std::move(frame));
}

TextReader* Hub::text_reader(Connection& connection, Channel& channel, const std::string& name,
                             base::Error& error) {
    const auto key = std::pair(channel.name(), name);
    const auto found = connection.texts.find(key);
    if (found != connection.texts.end()) return &found->second;
    if (!base::is_key(name)) {
        error = base::fail(ErrorCode::bad_path);
        return nullptr;
    }
    if (connection.texts.size() >= config_.limits.channels_per_connection_max) {
        error = base::fail(ErrorCode::too_many_channels);
        return nullptr;
    }
    if (channel.texts.find(name) == nullptr &&
        channel.texts.all().size() >= config_.limits.texts_per_channel_max) {
        error = base::fail(ErrorCode::overloaded);
        return nullptr;
    }
    TextReader& reader = connection.texts[key];
    reader.connection = &connection;
    reader.channel = &channel;
    reader.text = &channel.texts.at(name);
    reader.text->readers.push_back(&reader);
    stats_.subscriptions++;
    return &reader;
}

void Hub::take_text(Now now, Connection& connection, Channel& channel, TextMessage& message) {
    const auto refuse = [&](base::Error error) { refuse_text(connection, error, channel.name()); };
    base::Error error;
    TextReader* reader = text_reader(connection, channel, message.name, error);
    if (reader == nullptr) return refuse(error);
    const auto read = yjs::read_message(message.message);
    if (!read) return refuse(read.error());
    switch (read->kind) {
        case yjs::MessageKind::sync:
            if (read->step != yjs::SyncStep::step1)
                return take_update(now, *reader, read->step, read->body);
            if (auto vector = yjs::decode_state_vector(read->body)) {
                reader->vector = *std::move(vector);
                reader->is_to_be_asked = true;
                break;
            }
            return refuse(base::fail(ErrorCode::malformed));
        case yjs::MessageKind::awareness:
            return take_awareness(*reader, read->body);
        case yjs::MessageKind::query_awareness:
            reader->awareness_version = 0;
            break;
        case yjs::MessageKind::auth:
            return;
    }
    wake(connection);
}

void Hub::take_update(Now now, TextReader& reader, yjs::SyncStep step, std::string_view update) {
    auto reach = yjs::reach_of_update(update);
    if (!reach) return refuse_text(*reader.connection, reach.error(), reader.channel->name());
    PendingPush push;
    push.target.connection = reader.connection->id;
    push.condition_base.seq = kBaseIsHead;
    push.digest = digest_of(update);
    push.text = std::make_unique<TextWrite>();
    push.text->name = reader.text->name();
    push.text->update = update;
    push.text->reach = *std::move(reach);
    push.text->origin = reader.connection->id;
    push.text->is_answer = step == yjs::SyncStep::step2;
    enqueue_push(now, *reader.channel, std::move(push));
}

void Hub::take_awareness(TextReader& reader, std::string_view body) {
    const auto states = yjs::decode_awareness(body);
    const auto refuse = [&](base::Error error) {
        refuse_text(*reader.connection, error, reader.channel->name());
    };
    if (!states) return refuse(states.error());
    for (const yjs::AwarenessState& state : *states)
        if (state.json.size() > config_.limits.presence_bytes_max)
            return refuse(base::fail(ErrorCode::too_large, config_.limits.presence_bytes_max));
    // Only its own first message says whom a connection speaks for: what it hears of others it
    // cannot repeat in their names.
    if (!reader.has_claimed && !states->empty()) {
        reader.has_claimed = true;
        for (const yjs::AwarenessState& state : *states)
            if (reader.claims.size() < kClaimsMax) reader.claims.insert(state.client);
    }
    if (!reader.text->awareness.apply(*states, reader.connection->id, reader.claims,
                                      config_.limits.presence_members_max))
        return;
    for (const TextReader* other : reader.text->readers)
        wake(*other->connection);
}

// What the update depends on may be with its author. One that answers a question is asked again
// only when the text has grown, or the two would talk for ever.
void Hub::ask_for_missing(Channel& channel, const TextWrite& write) {
    const auto found = connections_.find(write.origin);
    if (found == connections_.end()) return;
    const auto reader = found->second->texts.find({channel.name(), write.name});
    if (reader == found->second->texts.end()) return;
    (write.is_answer ? reader->second.has_more_later : reader->second.is_to_be_asked) = true;
    wake(*found->second);
}

void Hub::publish_text(Channel& channel, const Inflight& item) {
    Text& text = channel.texts.at(item.text->name);
    if (text.readers.empty()) return text.forget_live();
    Text::Live live;
    live.before = text.previous_seq();
    live.seq = item.entry.seq;
    live.origin = item.text->origin;
    live.frame = make_frame(yjs::sync_message(yjs::SyncStep::update, item.text->update));
    text.add_live(std::move(live), config_.limits.frame_cache_bytes_per_channel);
    for (TextReader* reader : text.readers) {
        if (std::exchange(reader->has_more_later, false)) reader->is_to_be_asked = true;
        wake(*reader->connection);
    }
}

bool Hub::transmit_text(TextReader& reader, size_t budget, size_t& used,
                        std::vector<FramePtr>& out) const {
    Text& text = *reader.text;
    const auto give = [&](FramePtr frame) {
        used += frame->payload.size();
        out.push_back(std::move(frame));
    };
    if (reader.vector && used < budget) {
        give(make_frame(
            yjs::sync_message(yjs::SyncStep::step2, text.document().diff(*reader.vector))));
        reader.vector.reset();
        reader.is_following = true;
        reader.cursor = text.seq();
    }
    if (reader.is_to_be_asked && used < budget) {
        give(make_frame(yjs::sync_message(
            yjs::SyncStep::step1, yjs::encode_state_vector(text.document().known().vector()))));
        reader.is_to_be_asked = false;
    }
    while (reader.is_following && reader.cursor < text.seq() && used < budget) {
        const auto next = std::find_if(text.live().begin(), text.live().end(),
                                       [&](const Text::Live& l) { return l.seq > reader.cursor; });
        if (next == text.live().end() || next->before > reader.cursor) {
            give(text.whole_frame());
            reader.cursor = text.seq();
        } else {
            if (next->origin != reader.connection->id) give(next->frame);
            reader.cursor = next->seq;
        }
    }
    if (reader.awareness_version != text.awareness.version() && used < budget) {
        const std::string body = text.awareness.changes_since(reader.awareness_version);
        reader.awareness_version = text.awareness.version();
        if (!body.empty()) give(make_frame(yjs::awareness_message(body)));
    }
    return reader.vector || reader.is_to_be_asked ||
           (reader.is_following && reader.cursor < text.seq()) ||
           reader.awareness_version != text.awareness.version();
}

// Providers know no acknowledgements, and of errors the one that a person is shown.
void Hub::send_to_provider(Connection& connection, const wire::ServerFrame& frame) {
    const auto* error = std::get_if<wire::ErrorFrame>(&frame);
    if (error == nullptr) return;
    send_shared(connection, make_frame(yjs::permission_denied_message(error->message + " (" +
                                                                      error->code + ")")));
}

void Hub::drop_text_reader(Now now, TextReader& reader) {
    Text& text = *reader.text;
    std::erase(text.readers, &reader);
    stats_.subscriptions--;
    reader.channel->idle_since_ms = now.mono_ms;
    if (text.awareness.drop(reader.connection->id))
        for (const TextReader* other : text.readers)
            wake(*other->connection);
    if (text.readers.empty()) reader.channel->texts.drop_unused();
}

void Hub::close_text_readers(Channel& channel) {
    for (const auto& [name, text] : channel.texts.all())
        for (const TextReader* reader : std::exchange(text->readers, {})) {
            Connection& connection = *reader->connection;
            connection.texts.erase({channel.name(), name});
            stats_.subscriptions--;
            close_slow(connection);
        }
}

}  // namespace tandem::hub
