// Texts over tandem.v1: the messages of y-protocols in frames of their own, which connections of a
// record's clients may send too.

#include <utility>

#include "hub/hub.hpp"

namespace tandem::hub {

using base::ErrorCode;

void Hub::handle(Now now, Connection& connection, wire::TextSend& frame) {
    TextMessage message;
    message.channel = std::move(frame.channel);
    message.name = frame.name.empty() ? std::string(kMainText) : std::move(frame.name);
    message.ref = frame.ref;
    TextPieces& pieces = connection.text_pieces;
    const bool goes_on = !frame.leave && !pieces.is_empty() && pieces.channel == message.channel &&
                         pieces.name == message.name;
    if (!goes_on) pieces = {};
    if (frame.leave) return leave_text(now, connection, message);
    const size_t bytes_max = config_.limits.text_message_bytes_max;
    if (pieces.bytes.size() + frame.message.size() > bytes_max) {
        pieces.bytes = {};
        pieces.is_too_large = true;
    }
    if (!pieces.is_too_large) pieces.bytes += frame.message;
    if (frame.more) {
        pieces.channel = std::move(message.channel);
        pieces.name = std::move(message.name);
        return;
    }
    TextPieces whole = std::exchange(pieces, {});
    if (whole.is_too_large)
        return refuse_text(connection, message, base::fail(ErrorCode::too_large, bytes_max));
    message.message = std::move(whole.bytes);
    route_text(now, connection, std::move(message));
}

void Hub::leave_text(Now now, Connection& connection, const TextMessage& message) {
    if (TextReader* reader = find_text_reader(connection, message)) {
        drop_text_reader(now, *reader);
        connection.texts.erase({message.channel, message.name, message.label});
        return;
    }
    const auto found = channels_.find(message.channel);
    if (found == channels_.end()) return;
    Channel& channel = *found->second;
    std::erase_if(channel.early_texts, [&](const auto& early) {
        if (early.first != connection.id || early.second.name != message.name) return false;
        channel.early_text_bytes -= early.second.message.size();
        return true;
    });
}

void Hub::refuse_text_frame(Connection& connection, const std::string& channel,
                            const std::string& name, uint64_t ref, base::Error error) {
    stats_.refusals++;
    log_refusal(connection, error.code, channel);
    wire::TextReceived frame;
    frame.channel = channel;
    frame.name = name;
    frame.ref = ref;
    frame.code = base::error_name(error.code);
    frame.reason = base::error_message(error.code);
    frame.retry_after_ms = retry_after_ms(error);
    frame.temporary = frame.retry_after_ms != 0;
    send(connection, frame);
}

void Hub::send_text_frame(const TextReader& reader, wire::TextReceived frame) {
    frame.channel = reader.channel->name();
    frame.name = reader.text->name();
    send(*reader.connection, frame);
}

}  // namespace tandem::hub
