// The fallback where a WebSocket cannot be opened: a stream of events down, POSTs up.

#include <algorithm>
#include <charconv>
#include <utility>

#include "gateway/event_stream.hpp"
#include "gateway/http_api.hpp"
#include "gateway/http_auth.hpp"
#include "gateway/post_batch.hpp"
#include "gateway/session_key.hpp"
#include "net/http_response.hpp"

namespace tandem::gateway {

using base::ErrorCode;

namespace {

constexpr std::string_view kSessionHeader = "tandem-session";
constexpr std::string_view kSequenceHeader = "tandem-sequence";
constexpr std::string_view kMethods = "GET, POST, DELETE";

std::optional<hub::Codec> codec_of_protocol(std::string_view name) {
    if (name == "tandem.v1") return hub::Codec::binary;
    if (name == "tandem.v1.json") return hub::Codec::json;
    return std::nullopt;
}

std::optional<hub::Codec> codec_of_type(std::string_view type) {
    type = net::trim_blanks(type.substr(0, type.find(';')));
    if (net::equals_ignoring_case(type, "application/octet-stream")) return hub::Codec::binary;
    if (net::equals_ignoring_case(type, "application/json")) return hub::Codec::json;
    return std::nullopt;
}

std::optional<uint64_t> sequence_of(std::string_view text) {
    uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (read.ec != std::errc() || read.ptr != end || number == 0) return std::nullopt;
    return number;
}

// A page may load this address without saying where it is from, as an image or by following a link;
// it could read nothing of it, but it would have a connection.
bool is_loaded_blindly(const net::HttpRequest& request) {
    const std::string_view mode = request.headers.get("sec-fetch-mode");
    return mode == "no-cors" || mode == "navigate";
}

}  // namespace

void HttpApi::serve_stream(net::HttpRequest request, net::Responder responder) {
    // Pages of these origins may read the answers, whatever they are.
    responder.add_header("Vary", "Origin");
    if (request.headers.contains("origin")) {
        responder.add_header("Access-Control-Allow-Origin", request.headers.get("origin"));
        responder.add_header("Access-Control-Expose-Headers", "Retry-After, Allow");
    }
    if (request.method == net::HttpMethod::kOptions)
        return responder.respond(make_preflight_answer(request, kMethods));
    const bool is_post = request.method == net::HttpMethod::kPost;
    if (!is_post && request.method != net::HttpMethod::kGet &&
        request.method != net::HttpMethod::kDelete) {
        net::HttpResponse response = refusal(base::fail(ErrorCode::method_not_allowed), {});
        response.headers.set("Allow", kMethods);
        return responder.respond(response);
    }
    auto sender = take_sender(request);
    if (!sender) return responder.respond(denial(sender.error()));
    by_ = *std::move(sender);
    if (request.method == net::HttpMethod::kGet) return open_stream(request, std::move(responder));
    post_to_stream(std::move(request), std::move(responder));
}

void HttpApi::open_stream(const net::HttpRequest& request, net::Responder responder) {
    if (is_loaded_blindly(request))
        return responder.respond(refusal(base::fail(ErrorCode::origin_refused), {}));
    const auto codec =
        codec_of_protocol(net::query_param(request.query, "protocol").value_or("tandem.v1.json"));
    if (!codec)
        return responder.respond(
            refusal(base::fail(ErrorCode::unsupported_version), {},
                    {"There is no such protocol.", "Use tandem.v1 or tandem.v1.json."}));
    if (host_.pressure() != hub::Pressure::none) return turn_away(responder);
    auto lease = count(responder);
    if (!lease) return;
    auto stream = std::make_unique<EventStream>(host_, info_of(*codec, responder));
    stream->hold(*std::move(lease));
    net::HttpResponse head;
    head.headers.set("Content-Type", "text/event-stream");
    // Nobody on the way is to keep, change or gather what goes out.
    head.headers.set("Cache-Control", "no-store, no-transform");
    head.headers.set("X-Accel-Buffering", "no");
    responder.stream(head, std::move(stream));
}

void HttpApi::post_to_stream(net::HttpRequest request, net::Responder responder) {
    const auto refuse = [&](ErrorCode code, const Told& told, int status = 0) {
        net::HttpResponse response = refusal(base::fail(code), {}, told);
        if (status != 0) response.status = status;
        responder.respond(response);
    };
    for (const std::string_view name : {kSessionHeader, kSequenceHeader})
        if (request.headers.count(name) > 1)
            return refuse(ErrorCode::invalid_argument,
                          {"The request has the header field " + std::string(name) + " twice.",
                           "Send it once."});
    Post post;
    post.by = by_;
    if (request.method == net::HttpMethod::kDelete) {
        post.kind = Post::Kind::end;
    } else {
        const auto codec = codec_of_type(request.headers.get("content-type"));
        if (!codec)
            return refuse(ErrorCode::invalid_argument,
                          {"The body is of no type that is known here.",
                           "Send application/octet-stream for tandem.v1, application/json for "
                           "tandem.v1.json."},
                          415);
        const auto sequence = sequence_of(request.headers.get(kSequenceHeader));
        if (!sequence)
            return refuse(ErrorCode::invalid_argument, {"Tandem-Sequence is no number of a POST.",
                                                        "Number the POSTs of a stream from 1 on."});
        // Before it is carried to another shard.
        const size_t most = batch_bytes_max(*codec, host_.config().limits.message_bytes_max);
        if (request.body.size() > most)
            return responder.respond(refusal(base::fail(ErrorCode::too_large, most), {}));
        post.codec = *codec;
        post.sequence = *sequence;
        post.body = std::move(request.body);
    }
    const uint64_t id = next_waiting_++;
    waiting_.emplace(id, std::move(responder));
    host_.post_to_stream(std::string(request.headers.get(kSessionHeader)), std::move(post),
                         [this, id](const PostAnswer& answer) {
                             auto waiting = waiting_.extract(id);
                             answer_post(answer, std::move(waiting.mapped()));
                         });
}

void HttpApi::answer_post(const PostAnswer& answer, net::Responder responder) const {
    net::HttpResponse response;
    response.status = 204;
    if (answer.refusal) {
        response = denial(*answer.refusal, {}, answer.told);
        if (answer.status != 0) response.status = answer.status;
    }
    response.headers.set("Cache-Control", "no-store");
    responder.respond(response);
}

}  // namespace tandem::gateway
