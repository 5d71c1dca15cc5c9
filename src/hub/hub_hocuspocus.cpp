// What Hocuspocus has beyond y-protocols, and what readers of texts are told of their updates.
// Its provider counts what it has sent and what it was told to be stored, and shows its user
// whether all is: each update, and the answer to the first question after each of its own, is
// acknowledged once, when it is on disk, or when what came later has it and is on disk.

#include <utility>

#include "hub/hub.hpp"
#include "yjs/hocuspocus.hpp"

namespace tandem::hub {

using base::ErrorCode;
using yjs::HocuspocusKind;

namespace {

constexpr std::string_view kOnlyReads = "Editors may only read this text.";

// For the provider's own message, which a person is shown.
std::string denial_of(base::Error error, auth::Capabilities rights = {}) {
    const bool only_reads =
        error.code == ErrorCode::forbidden && auth::has(rights, auth::Capability::read);
    std::string text(only_reads ? kOnlyReads : base::error_message(error.code));
    return text + " (" + std::string(base::error_name(error.code)) + ")";
}

std::string stateless_error(base::Error error) {
    std::string json = "{\"type\":\"error\",\"code\":";
    base::append_json_string(json, base::error_name(error.code));
    json += ",\"message\":";
    base::append_json_string(json, base::error_message(error.code));
    json += ",\"hint\":";
    base::append_json_string(json, base::error_hint(error.code));
    return json + '}';
}

}  // namespace

void Hub::take_hocuspocus(Now now, Connection& connection, Channel& channel,
                          const TextMessage& message) {
    const auto read = yjs::read_hocuspocus_message(message.message);
    TextReader* reader = find_text_reader(connection, message);
    if (!read) return refuse_text(connection, message, read.error());
    const bool begins = read->kind == HocuspocusKind::auth || read->kind == HocuspocusKind::sync ||
                        read->kind == HocuspocusKind::sync_reply;
    const Connection::TextKey key{message.channel, message.name, message.label};
    if (read->kind == HocuspocusKind::auth)
        connection.denied_texts.erase(key);
    else if (connection.denied_texts.contains(key))
        return;
    // What a provider says after a token that is refused would be refused for having none.
    const auto deny = [&](base::Error error) {
        if (read->kind == HocuspocusKind::auth &&
            connection.denied_texts.size() < config_.limits.channels_per_connection_max)
            connection.denied_texts.insert(key);
        refuse_text(connection, message, error);
    };
    auth::GrantPtr grant;
    if (read->kind == HocuspocusKind::auth && config_.gate != nullptr && !read->body.empty()) {
        auto checked = config_.gate->check(read->body, now.wall_ms);
        // What is no token at all is what a provider sends where none are asked for.
        const bool is_none = read->body.find('.') == std::string_view::npos && !needs_token();
        if (!checked && !is_none) {
            // A document that is open stays so, with the token that it has.
            if (reader == nullptr) return deny(checked.error());
            return refuse_text(*reader, checked.error());
        }
        if (checked) grant = *std::move(checked);
    }
    if (reader == nullptr) {
        // A provider that has closed its document may go on for a moment.
        if (!begins) return;
        base::Error error;
        reader = text_reader(connection, channel, message, error, grant);
        if (reader == nullptr) return deny(error);
    }
    switch (read->kind) {
        case HocuspocusKind::sync:
            return take_sync(now, *reader, read->step, read->body);
        case HocuspocusKind::sync_reply:
            take_sync(now, *reader, read->step, read->body);
            if (read->step == yjs::SyncStep::step1) reader->is_to_be_asked = false;
            return;
        case HocuspocusKind::awareness:
            return take_awareness(*reader, read->body);
        case HocuspocusKind::query_awareness:
            reader->awareness_version = 0;
            return wake(connection);
        case HocuspocusKind::auth:
            if (grant != nullptr && reader->grant != grant) {
                // A fresh token, or another user's: what it may no longer read it does not get.
                set_rights(*reader, rights_of(grant, channel.name()));
                if (!auth::has(reader->rights, auth::Capability::read)) {
                    drop_text_reader(now, *reader);
                    connection.texts.erase(key);
                    return deny(lack_of(grant));
                }
                reader->grant = grant;
                arm_expiry(connection, grant);
            }
            // One who introduces itself again may be another client.
            reader->has_claimed = false;
            reader->knows_close = read->has_version;
            return send_message(*reader,
                                yjs::authenticated_message(reader->access == TextAccess::read
                                                               ? yjs::HocuspocusScope::readonly
                                                               : yjs::HocuspocusScope::read_write));
        case HocuspocusKind::stateless:
            return take_stateless(*reader, read->body, false);
        case HocuspocusKind::broadcast_stateless:
            return take_stateless(*reader, read->body, true);
        case HocuspocusKind::close:
            drop_text_reader(now, *reader);
            connection.texts.erase(key);
            return;
        case HocuspocusKind::sync_status:
        case HocuspocusKind::ping:
        case HocuspocusKind::pong:
            return;
    }
}

void Hub::take_stateless(TextReader& from, std::string_view payload, bool is_for_all) {
    if (payload.size() > config_.limits.message_bytes_max)
        return refuse_text(from,
                           base::fail(ErrorCode::too_large, config_.limits.message_bytes_max));
    const FramePtr frame = make_frame(yjs::stateless_message(payload));
    for (const TextReader* other : from.text->readers) {
        Connection& to = *other->connection;
        if (to.codec != Codec::hocuspocus || (other == &from && !is_for_all)) continue;
        if (to.control_bytes > kSignalBacklogMax) continue;
        send_shared(to, from.text->labelled(frame, other->label));
    }
}

// An answer to a question has all that its author has, so what was lost before is in it.
void Hub::take_owed(PendingPush& push) {
    TextReader* reader = find_text_reader(push.target.reader);
    if (reader == nullptr || reader->round != push.target.round || !push.text->is_answer) return;
    push.target.acks += std::exchange(reader->owed, 0u);
}

void Hub::owe(const AckTarget& target) {
    TextReader* reader = find_text_reader(target.reader);
    if (reader != nullptr && reader->round == target.round) reader->owed += target.acks;
}

void Hub::answer_text(const AckTarget& target, uint64_t seq) {
    TextReader* reader = find_text_reader(target.reader);
    if (reader != nullptr && target.ref != 0) {
        wire::TextReceived frame;
        frame.ref = target.ref;
        frame.seq = seq;
        send_text_frame(*reader, std::move(frame));
    }
    if (reader == nullptr || reader->round != target.round || target.acks == 0) return;
    reader->acks_due += target.acks;
    wake(*reader->connection);
}

void Hub::answer_text(const AckTarget& target, base::Error error) {
    TextReader* reader = find_text_reader(target.reader);
    if (reader == nullptr) return;
    owe(target);
    if (reader->connection->codec == Codec::hocuspocus) {
        reader->refusals_due++;
        wake(*reader->connection);
        // It was told so when it came.
        if (error.code == ErrorCode::forbidden) return;
    }
    refuse_text(*reader, error, target.ref);
}

void Hub::refuse_text(TextReader& reader, base::Error error, uint64_t ref) {
    if (!is_of_providers(reader.connection->codec))
        return refuse_text_frame(*reader.connection, reader.channel->name(), reader.text->name(),
                                 ref, error);
    stats_.refusals++;
    log_refusal(*reader.connection, error.code, reader.channel->name());
    send_message(reader, reader.connection->codec == Codec::hocuspocus
                             ? yjs::stateless_message(stateless_error(error))
                             : yjs::permission_denied_message(denial_of(error, reader.rights)));
}

// A provider of Hocuspocus gives its document up when it is denied, which one that is open already
// need not.
void Hub::refuse_text(Connection& connection, const TextMessage& message, base::Error error) {
    if (!is_of_providers(connection.codec))
        return refuse_text_frame(connection, message.channel, message.name, message.ref, error);
    if (TextReader* reader = find_text_reader(connection, message))
        return refuse_text(*reader, error);
    stats_.refusals++;
    log_refusal(connection, error.code, message.channel);
    const std::string reason = denial_of(error);
    send_shared(connection, make_frame(message.label.empty()
                                           ? yjs::permission_denied_message(reason)
                                           : yjs::hocuspocus_frame(message.label,
                                                                   yjs::denied_message(reason))));
}

bool Hub::transmit_status(TextReader& reader, size_t budget, size_t& used,
                          std::vector<FramePtr>& out) {
    for (const bool is_stored : {true, false}) {
        uint32_t& due = is_stored ? reader.acks_due : reader.refusals_due;
        if (due == 0) continue;
        const FramePtr frame =
            make_frame(yjs::hocuspocus_frame(reader.label, yjs::sync_status_message(is_stored)));
        for (; due > 0 && used < budget; --due) {
            used += frame->payload.size();
            out.push_back(frame);
        }
    }
    return reader.acks_due > 0 || reader.refusals_due > 0;
}

}  // namespace tandem::hub
