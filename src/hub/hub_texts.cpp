// Texts: what providers of Yjs send and are sent. A text is as of the last commit; nothing is
// queued for who reads it but where it stands.

#include <algorithm>
#include <utility>

#include "hub/hub.hpp"
#include "yjs/hocuspocus.hpp"
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
    note_bytes_in(connection, message.message.size());
    if (connection.refusal) return;
    route_text(now, connection, std::move(message));
}

void Hub::route_text(Now now, Connection& connection, TextMessage message) {
    base::Error error;
    Channel* channel = channel_for(now, message.channel, error);
    if (channel == nullptr) return refuse_text(connection, message, error);
    if (channel->state() == Channel::State::broken)
        return refuse_text(connection, message, channel->broken_by());
    if (channel->state() != Channel::State::loading)
        return take_text(now, connection, *channel, message);
    if (channel->early_texts.size() >= kEarlyTextsMax ||
        channel->early_text_bytes + message.message.size() > kEarlyTextBytesMax)
        return refuse_text(connection, message, base::fail(ErrorCode::overloaded));
    channel->early_text_bytes += message.message.size();
    channel->early_texts.emplace_back(connection.id, std::move(message));
}

void Hub::take_early_texts(Now now, Channel& channel) {
    channel.early_text_bytes = 0;
    for (const auto& [id, message] : std::exchange(channel.early_texts, {})) {
        const auto found = connections_.find(id);
        if (found == connections_.end()) continue;
        if (found->second->refusal) continue;
        if (channel.state() == Channel::State::broken)
            refuse_text(*found->second, message, channel.broken_by());
        else
            take_text(now, *found->second, channel, message);
    }
}

TextReader* Hub::find_text_reader(Connection& connection, const TextMessage& message) {
    const auto found = connection.texts.find({message.channel, message.name, message.label});
    return found == connection.texts.end() ? nullptr : &found->second;
}

TextReader* Hub::find_text_reader(TextReaderId id) const {
    const auto found = text_readers_.find(id);
    return found == text_readers_.end() ? nullptr : found->second;
}

TextReader* Hub::text_reader(Connection& connection, Channel& channel, const TextMessage& message,
                             base::Error& error, const auth::GrantPtr& grant) {
    if (TextReader* found = find_text_reader(connection, message)) return found;
    const auth::GrantPtr& granted = grant != nullptr ? grant : connection.grant;
    const auth::Capabilities rights = rights_of(granted, channel.name());
    if (!auth::has(rights, auth::Capability::read)) {
        error = lack_of(granted);
        return nullptr;
    }
    const std::string& name = message.name;
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
        error = base::fail(ErrorCode::too_many_texts, config_.limits.texts_per_channel_max);
        return nullptr;
    }
    TextReader& reader = connection.texts[{channel.name(), name, message.label}];
    reader.id = next_text_reader_++;
    reader.connection = &connection;
    reader.channel = &channel;
    reader.text = &channel.texts.at(name);
    reader.label = message.label;
    reader.grant = grant;
    set_rights(reader, rights);
    arm_expiry(connection, grant);
    reader.text->readers.push_back(&reader);
    text_readers_[reader.id] = &reader;
    stats_.subscriptions++;
    stats_.text_readers++;
    return &reader;
}

void Hub::take_text(Now now, Connection& connection, Channel& channel, const TextMessage& message) {
    if (connection.codec == Codec::hocuspocus)
        return take_hocuspocus(now, connection, channel, message);
    base::Error error;
    TextReader* reader = text_reader(connection, channel, message, error);
    if (reader == nullptr) return refuse_text(connection, message, error);
    const auto read = yjs::read_message(message.message);
    if (!read) return refuse_text(*reader, read.error(), message.ref);
    take_yjs(now, *reader, *read, message.ref);
}

void Hub::take_yjs(Now now, TextReader& reader, const yjs::Message& message, uint64_t ref) {
    switch (message.kind) {
        case yjs::MessageKind::sync:
            return take_sync(now, reader, message.step, message.body, ref);
        case yjs::MessageKind::awareness:
            return take_awareness(reader, message.body);
        case yjs::MessageKind::query_awareness:
            reader.awareness_version = 0;
            return wake(*reader.connection);
        case yjs::MessageKind::auth:
            return;
    }
}

void Hub::take_sync(Now now, TextReader& reader, yjs::SyncStep step, std::string_view body,
                    uint64_t ref) {
    if (step != yjs::SyncStep::step1) return take_update(now, reader, step, body, ref);
    auto vector = yjs::decode_state_vector(body);
    if (!vector) return refuse_text(reader, base::fail(ErrorCode::malformed), ref);
    reader.vector = *std::move(vector);
    reader.is_to_be_asked = true;
    reader.round++;
    reader.is_answer_counted = false;
    reader.owed = 0;
    wake(*reader.connection);
}

void Hub::take_update(Now now, TextReader& reader, yjs::SyncStep step, std::string_view update,
                      uint64_t ref) {
    const bool is_answer = step == yjs::SyncStep::step2;
    PendingPush push;
    push.target.connection = reader.connection->id;
    push.target.arrived_ns = now.arrived_ns;
    push.target.reader = reader.id;
    push.target.round = reader.round;
    push.target.ref = ref;
    // What it sends before its first question it has forgotten the count of by then.
    if (reader.connection->codec == Codec::hocuspocus && reader.round > 0)
        push.target.acks = is_answer && std::exchange(reader.is_answer_counted, true) ? 0 : 1;
    auto reach = yjs::reach_of_update(update);
    if (!reach) return answer_text(push.target, reach.error());
    if (reader.access == TextAccess::read) {
        if (reader.text->document().known().judge(*reach) == yjs::KnownClocks::Verdict::nothing)
            return answer_text(push.target, reader.channel->head());
        return answer_text(push.target, base::fail(ErrorCode::forbidden));
    }
    push.by = reader.grant != nullptr ? reader.grant : reader.connection->grant;
    push.condition_base.seq = kBaseIsHead;
    push.digest = digest_of(update);
    push.text = std::make_unique<TextWrite>();
    push.text->name = reader.text->name();
    push.text->update = update;
    push.text->reach = *std::move(reach);
    push.text->origin = reader.id;
    push.text->is_answer = is_answer;
    enqueue_push(now, *reader.channel, std::move(push));
}

void Hub::take_awareness(TextReader& reader, std::string_view body) {
    if (!auth::has(reader.rights, auth::Capability::presence)) return;
    const auto states = yjs::decode_awareness(body);
    if (!states) return refuse_text(reader, states.error());
    for (const yjs::AwarenessState& state : *states)
        if (state.json.size() > config_.limits.presence_bytes_max)
            return refuse_text(reader,
                               base::fail(ErrorCode::too_large, config_.limits.presence_bytes_max));
    // Only its own first message says whom a reader speaks for: what it hears of others it cannot
    // repeat in their names. Some providers do repeat it, even before they say anything themselves.
    TextAwareness& awareness = reader.text->awareness;
    if (!reader.has_claimed) {
        for (const yjs::AwarenessState& state : *states)
            if (reader.claims.size() < kClaimsMax && state.json != "null" &&
                !awareness.is_of_other(state.client, reader.id)) {
                reader.claims.insert(state.client);
                reader.has_claimed = true;
            }
    }
    // One whose connection was lost says what it said before.
    if (const auto farewells = awareness.farewells_after(*states); !farewells.empty())
        send_message(reader, yjs::awareness_message(yjs::encode_awareness(farewells)));
    if (!awareness.apply(*states, reader.id, reader.claims, config_.limits.presence_members_max))
        return;
    for (const TextReader* other : reader.text->readers)
        wake(*other->connection);
}

// What the update depends on may be with its author. One that answers a question is asked again
// only when the text has grown, or the two would talk for ever.
void Hub::ask_for_missing(Channel& channel, const TextWrite& write, const AckTarget& target) {
    if (target.request != 0)
        return reply(target.request, base::fail(ErrorCode::base_in_future), channel.name());
    owe(target);
    TextReader* reader = find_text_reader(write.origin);
    if (reader == nullptr) return;
    (write.is_answer ? reader->has_more_later : reader->is_to_be_asked) = true;
    wake(*reader->connection);
}

void Hub::publish_text(Channel& channel, const Inflight& item) {
    Text& text = channel.texts.at(item.text->name);
    if (item.text->edit != nullptr) show_author(channel, text, *item.text->edit);
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
        frame = as_spoken(reader, std::move(frame));
        used += frame->payload.size();
        out.push_back(std::move(frame));
    };
    if (reader.vector && used < budget) {
        hot_texts_->with(text, [&] {
            give(make_frame(
                yjs::sync_message(yjs::SyncStep::step2, text.document().diff(*reader.vector))));
        });
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
        if (next == text.live().end() ||
            (next->before > reader.cursor && config_.planted != PlantedBug::text_skipped)) {
            hot_texts_->with(text, [&] { give(text.whole_frame()); });
            reader.cursor = text.seq();
        } else {
            if (next->origin != reader.id) give(next->frame);
            reader.cursor = next->seq;
        }
    }
    if (!auth::has(reader.rights, auth::Capability::presence))
        reader.awareness_version = text.awareness.version();
    if (reader.awareness_version != text.awareness.version() && used < budget) {
        const std::string body = text.awareness.changes_since(reader.awareness_version);
        reader.awareness_version = text.awareness.version();
        if (!body.empty()) give(make_frame(yjs::awareness_message(body)));
    }
    const bool has_status_left = transmit_status(reader, budget, used, out);
    return reader.vector || reader.is_to_be_asked ||
           (reader.is_following && reader.cursor < text.seq()) ||
           reader.awareness_version != text.awareness.version() || has_status_left;
}

void Hub::send_message(TextReader& reader, std::string message) {
    send_shared(*reader.connection, as_spoken(reader, make_frame(std::move(message))));
}

FramePtr Hub::as_spoken(const TextReader& reader, FramePtr message) {
    const Codec codec = reader.connection->codec;
    if (!is_of_providers(codec))
        return reader.text->in_frame(message, codec, reader.channel->name());
    return reader.label.empty() ? std::move(message) : reader.text->labelled(message, reader.label);
}

void Hub::forget_text_reader(TextReader& reader) {
    text_readers_.erase(reader.id);
    stats_.subscriptions--;
    stats_.text_readers--;
}

void Hub::drop_text_reader(Now now, TextReader& reader) {
    Text& text = *reader.text;
    std::erase(text.readers, &reader);
    forget_text_reader(reader);
    reader.channel->idle_since_ms = now.mono_ms;
    if (text.awareness.drop(reader.id))
        for (const TextReader* other : text.readers)
            wake(*other->connection);
    if (!text.readers.empty()) return;
    hot_texts_->forget(text);
    reader.channel->texts.drop_unused();
}

void Hub::close_text_readers(Channel& channel, std::string_view reason) {
    for (const auto& [name, text] : channel.texts.all()) {
        hot_texts_->forget(*text);
        for (TextReader* reader : std::exchange(text->readers, {})) {
            Connection& connection = *reader->connection;
            if (!is_of_providers(connection.codec)) {
                wire::TextReceived frame;
                frame.closed = true;
                send_text_frame(*reader, std::move(frame));
            } else if (reader->knows_close) {
                send_message(*reader, yjs::close_message(reason));
            } else {
                close_slow(connection);
            }
            forget_text_reader(*reader);
            connection.texts.erase({channel.name(), name, std::string(reader->label)});
        }
    }
}

}  // namespace tandem::hub
