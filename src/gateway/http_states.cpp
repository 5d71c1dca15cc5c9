// Whole states over HTTP: PUT …/record and POST …/hashes.

#include <utility>

#include "base/limits.hpp"
#include "gateway/http_api.hpp"

namespace tandem::gateway {

using base::ErrorCode;

void HttpApi::replace(net::HttpRequest request, const std::string& channel,
                      net::Responder responder) {
    const auto refuse = [&](ErrorCode code, const Told& told = {}) {
        responder.respond(refusal(base::fail(code), channel, told));
    };
    hub::ReplaceRecord replace;
    replace.channel = channel;
    replace.body = std::move(request.body);
    const bool has_match = request.headers.contains("if-match") &&
                           net::trim_blanks(request.headers.get("if-match")) != "*";
    const auto base = net::query_param(request.query, "base");
    if (has_match && base)
        return refuse(ErrorCode::invalid_argument,
                      {"`base` and If-Match name two states.", "Give one of them."});
    if (has_match || base) {
        // A bare seq is one of the newest epoch.
        const bool is_bare = base && base->find('-') == std::string::npos;
        const std::string text = base ? (is_bare ? "\"0-" : "\"") + *base + '"' : std::string();
        const auto cursor = parse_etag(base ? text : request.headers.get("if-match"));
        if (!cursor)
            return refuse(ErrorCode::invalid_argument,
                          {"`base` or If-Match is no version of a record.",
                           "Send a seq, or an ETag that the server gave, \"EPOCH-SEQ\"."});
        replace.has_base = true;
        replace.base = *cursor;
        replace.is_conditional = has_match;
    }
    replace.idempotency_key = std::string(request.headers.get("idempotency-key"));
    if (replace.idempotency_key.size() > base::kIdempotencyKeyBytesMax)
        return refuse(ErrorCode::too_large, {"The Idempotency-Key is longer than 255 bytes.",
                                             "Use a shorter one, such as a UUID."});
    ask(std::move(replace), std::move(responder));
}

}  // namespace tandem::gateway
