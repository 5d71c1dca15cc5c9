#include "gateway/http_api.hpp"

#include <charconv>
#include <optional>
#include <utility>

#include "base/limits.hpp"
#include "base/value.hpp"
#include "net/http_response.hpp"
#include "net/websocket_handshake.hpp"
#include "record/path.hpp"

namespace tandem::gateway {

using base::ErrorCode;
using base::Value;

namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kApiPrefix = "/api/v1/";
constexpr std::string_view kSubprotocols[] = {"tandem.v1", "tandem.v1.json"};

int status_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::not_found:
        case ErrorCode::unknown_namespace:
            return 404;
        case ErrorCode::precondition_failed:
            return 412;
        case ErrorCode::idempotency_mismatch:
            return 422;
        case ErrorCode::too_large:
            return 413;
        case ErrorCode::forbidden:
        case ErrorCode::origin_refused:
            return 403;
        case ErrorCode::unauthenticated:
            return 401;
        default:
            break;
    }
    const auto number = static_cast<unsigned>(code);
    if (number < 100) return 400;
    if (number < 200) return 503;
    if (number < 300) return 403;
    return 500;
}

std::string etag_of(const hub::Reply& reply) {
    return '"' + std::to_string(reply.epoch) + '-' + std::to_string(reply.seq) + '"';
}

uint64_t number_param(const net::HttpRequest& request, std::string_view name, uint64_t fallback) {
    const auto text = net::query_param(request.query, name);
    if (!text) return fallback;
    uint64_t value = 0;
    const auto parsed = std::from_chars(text->data(), text->data() + text->size(), value);
    return parsed.ec == std::errc() && parsed.ptr == text->data() + text->size() ? value : fallback;
}

// RFC 7396: null removes, an object descends, anything else is written.
void merge_patch_ops(const record::Path& path, const Value& patch, base::Array& ops) {
    for (const base::Member& member : patch.as_object()) {
        record::Path below = path;
        below.push_back({record::Segment::Kind::key, member.key});
        if (member.value.is_object() && !member.value.as_object().empty()) {
            merge_patch_ops(below, member.value, ops);
            continue;
        }
        Value op(base::Object{});
        op.put("op", Value(member.value.is_null() ? "delete" : "set"));
        op.put("path", Value(record::to_text(below)));
        if (!member.value.is_null()) op.put("value", member.value);
        ops.push_back(std::move(op));
    }
}

}  // namespace

std::optional<record::Cursor> parse_etag(std::string_view text) {
    text = net::trim_blanks(text);
    if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::nullopt;
    text = text.substr(1, text.size() - 2);
    record::Cursor cursor;
    const char* end = text.data() + text.size();
    const auto epoch = std::from_chars(text.data(), end, cursor.epoch);
    if (epoch.ec != std::errc() || epoch.ptr == end || *epoch.ptr != '-') return std::nullopt;
    const auto seq = std::from_chars(epoch.ptr + 1, end, cursor.seq);
    if (seq.ec != std::errc() || seq.ptr != end) return std::nullopt;
    return cursor;
}

net::HttpResponse HttpApi::refusal(base::Error error, std::string_view channel) const {
    std::string body = "{\"error\":{\"code\":";
    base::append_json_string(body, base::error_name(error.code));
    body += ",\"message\":";
    base::append_json_string(body, base::error_message(error.code));
    body += ",\"hint\":";
    base::append_json_string(body, base::error_hint(error.code));
    body += ",\"docs\":";
    base::append_json_string(body,
                             options_.docs_url + "#" + std::string(base::error_name(error.code)));
    if (!channel.empty()) {
        body += ",\"channel\":";
        base::append_json_string(body, channel);
    }
    body += "}}";
    net::HttpResponse response = net::make_response(status_of(error.code), kJson, body);
    if (base::is_temporary(error.code)) response.headers.set("Retry-After", "1");
    return response;
}

void HttpApi::on_request(net::HttpRequest request, net::Responder responder) {
    if (request.path == "/health") {
        responder.respond(net::make_response(200, kJson, "{\"status\":\"ok\"}"));
        return;
    }
    if (request.path == "/ready") {
        responder.respond(options_.is_ready()
                              ? net::make_response(200, kJson, "{\"status\":\"ready\"}")
                              : net::make_response(503, kJson, "{\"status\":\"not ready\"}"));
        return;
    }
    if (!options_.access.allows_host(request) || !options_.access.allows_origin(request)) {
        responder.respond(refusal(base::fail(ErrorCode::origin_refused), {}));
        return;
    }
    if (request.path == "/connection/websocket") return upgrade(request, std::move(responder));
    if (request.path == "/metrics") {
        auto shared = std::make_shared<net::Responder>(std::move(responder));
        host_.gather_stats([this, shared](const hub::Stats& stats) {
            shared->respond(net::make_response(200, "text/plain; version=0.0.4; charset=utf-8",
                                               options_.metrics(stats)));
        });
        return;
    }
    if (request.path.starts_with(kApiPrefix)) return api(request, std::move(responder));
    for (const net::StaticFiles& files : options_.files)
        if (files.covers(request)) {
            responder.respond(files.serve(request));
            return;
        }
    responder.respond(refusal(base::fail(ErrorCode::not_found), {}));
}

void HttpApi::upgrade(const net::HttpRequest& request, net::Responder responder) {
    const net::WsHandshake handshake = net::check_websocket_request(request, kSubprotocols);
    hub::ConnectionInfo info;
    info.codec = handshake.subprotocol == kSubprotocols[0] ? hub::Codec::binary : hub::Codec::json;
    info.remote = net::to_text(responder.peer());
    responder.accept_websocket(net::make_websocket_response(request, handshake),
                               std::make_unique<TandemSocket>(host_, std::move(info)),
                               options_.websocket);
}

void HttpApi::ask(hub::Request request, net::Responder responder, std::string if_none_match) {
    // std::function wants a copyable target.
    auto shared = std::make_shared<net::Responder>(std::move(responder));
    host_.request(std::move(request), [this, shared, if_none_match](hub::Reply& reply) {
        if (reply.is_error) {
            shared->respond(refusal(reply.error, reply.channel));
            return;
        }
        const std::string etag = reply.epoch != 0 ? etag_of(reply) : std::string();
        if (!etag.empty() && !if_none_match.empty() && net::etag_matches(if_none_match, etag)) {
            net::HttpResponse response;
            response.status = 304;
            response.headers.set("ETag", etag);
            shared->respond(response);
            return;
        }
        net::HttpResponse response = net::make_response(200, kJson, reply.json);
        if (!etag.empty()) response.headers.set("ETag", etag);
        response.headers.set("Cache-Control", "no-cache");
        shared->respond(response);
    });
}

void HttpApi::api(const net::HttpRequest& request, net::Responder responder) {
    const std::string_view rest = std::string_view(request.path).substr(kApiPrefix.size());
    const bool is_get =
        request.method == net::HttpMethod::kGet || request.method == net::HttpMethod::kHead;
    const auto wrong_method = [&](std::string_view allowed) {
        net::HttpResponse response = net::make_status_response(405);
        response.headers.set("Allow", allowed);
        responder.respond(response);
    };
    const std::string none_match(request.headers.get("if-none-match"));
    if (rest == "connections") {
        if (!is_get) return wrong_method("GET");
        return ask(hub::ListConnections{}, std::move(responder));
    }
    if (rest == "channels") {
        if (!is_get) return wrong_method("GET");
        hub::ListChannels list;
        list.prefix = net::query_param(request.query, "prefix").value_or("");
        list.after = net::query_param(request.query, "after").value_or("");
        list.limit =
            static_cast<uint32_t>(std::min<uint64_t>(number_param(request, "limit", 100), 1000));
        return ask(std::move(list), std::move(responder));
    }
    constexpr std::string_view kChannels = "channels/";
    if (!rest.starts_with(kChannels)) {
        responder.respond(refusal(base::fail(ErrorCode::not_found), {}));
        return;
    }
    std::string_view name = rest.substr(kChannels.size());
    std::string_view what;
    // Ids may hold slashes; what follows the last one, if it is one of ours, is the resource.
    if (const size_t slash = name.rfind('/'); slash != std::string_view::npos) {
        what = name.substr(slash + 1);
        name = name.substr(0, slash);
    }
    const std::string channel(name);
    if (what == "record") {
        if (request.method == net::HttpMethod::kPatch)
            return write(request, channel, std::move(responder));
        if (request.method == net::HttpMethod::kPut)
            return replace(request, channel, std::move(responder));
        if (!is_get) return wrong_method("GET, PATCH, PUT");
        hub::GetRecord get{channel, net::query_param(request.query, "path").value_or("")};
        return ask(std::move(get), std::move(responder), none_match);
    }
    if (what == "entries") {
        if (!is_get) return wrong_method("GET");
        hub::ReadEntries read{
            channel, number_param(request, "after", 0),
            static_cast<uint32_t>(std::min<uint64_t>(number_param(request, "limit", 100), 1000))};
        return ask(std::move(read), std::move(responder));
    }
    if (what == "hashes") {
        if (request.method != net::HttpMethod::kPost) return wrong_method("POST");
        return ask(hub::ReadHashes{channel, request.body}, std::move(responder));
    }
    if (what == "conflicts") {
        if (!is_get) return wrong_method("GET");
        hub::ReadConflicts read{channel, number_param(request, "all", 0) == 1};
        return ask(std::move(read), std::move(responder));
    }
    if (what == "presence") {
        if (!is_get) return wrong_method("GET");
        return ask(hub::ReadPresence{channel}, std::move(responder));
    }
    if (request.method == net::HttpMethod::kDelete) {
        const std::string whole(rest.substr(kChannels.size()));
        return ask(hub::DeleteChannel{whole}, std::move(responder));
    }
    responder.respond(refusal(base::fail(ErrorCode::not_found), channel));
}

void HttpApi::write(const net::HttpRequest& request, const std::string& channel,
                    net::Responder responder) {
    const auto refuse = [&](ErrorCode code) {
        responder.respond(refusal(base::fail(code), channel));
    };
    auto body = base::parse_json(request.body);
    if (!body) return refuse(body.error().code);
    hub::WriteRecord write;
    write.channel = channel;
    std::string_view type = request.headers.get("content-type");
    type = net::trim_blanks(type.substr(0, type.find(';')));
    if (net::equals_ignoring_case(type, "application/merge-patch+json")) {
        if (!body->is_object()) return refuse(ErrorCode::wrong_type);
        base::Array ops;
        merge_patch_ops({}, *body, ops);
        write.ops = Value(std::move(ops));
    } else if (body->is_array()) {
        write.ops = std::move(*body);
    } else if (const Value* ops = body->find("ops"); ops != nullptr && ops->is_array()) {
        write.ops = *ops;
        if (const Value* base = body->find("base"); base != nullptr) write.base = *base;
    } else {
        return refuse(ErrorCode::malformed);
    }
    if (request.headers.contains("if-match")) {
        const auto match = parse_etag(request.headers.get("if-match"));
        if (!match) return refuse(ErrorCode::invalid_argument);
        write.has_match = true;
        write.match = *match;
    }
    write.idempotency_key = std::string(request.headers.get("idempotency-key"));
    if (write.idempotency_key.size() > base::kIdempotencyKeyBytesMax)
        return refuse(ErrorCode::too_large);
    ask(std::move(write), std::move(responder));
}

}  // namespace tandem::gateway
