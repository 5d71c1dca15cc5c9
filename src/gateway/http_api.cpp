#include "gateway/http_api.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/limits.hpp"
#include "base/value.hpp"
#include "gateway/api_routes.hpp"
#include "gateway/http_auth.hpp"
#include "gateway/http_params.hpp"
#include "gateway/provider_sockets.hpp"
#include "net/http_response.hpp"
#include "record/path.hpp"

namespace tandem::gateway {

using base::ErrorCode;
using base::Value;

namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kSubprotocols[] = {"tandem.v1", "tandem.v1.json"};

std::string etag_of(const hub::Reply& reply) {
    return '"' + std::to_string(reply.epoch) + '-' + std::to_string(reply.seq) + '"';
}

uint64_t number_param(const net::HttpRequest& request, std::string_view name, uint64_t fallback) {
    return optional_number(request, name).value_or(fallback);
}

base::Result<hub::DecideConflict> conflict_decision(const Value& body, const std::string& channel) {
    const auto failure = base::fail(ErrorCode::invalid_argument);
    hub::DecideConflict decide;
    decide.channel = channel;
    const Value* path = body.find("path");
    const Value* dot = body.find("dot");
    const Value* decision = body.find("decision");
    if (path == nullptr || !path->is_string() || decision == nullptr || !decision->is_string() ||
        dot == nullptr || !dot->is_array() || dot->as_array().size() != 2)
        return failure;
    for (const Value& part : dot->as_array())
        if (!part.is_integer() || part.as_integer() < 0) return failure;
    decide.path = path->as_string();
    decide.dot = {static_cast<uint64_t>(dot->as_array()[0].as_integer()),
                  static_cast<uint64_t>(dot->as_array()[1].as_integer())};
    if (decision->as_string() == "restore")
        decide.decision = record::Decision::restore;
    else if (decision->as_string() != "keep")
        return failure;
    const Value* wanted = body.find("reason");
    if (wanted == nullptr) return decide;
    for (const auto reason : {record::Reason::value, record::Reason::position, record::Reason::type,
                              record::Reason::generation, record::Reason::folded})
        if (wanted->is_string() && wanted->as_string() == record::name_of(reason))
            decide.reason = reason;
    if (!decide.reason) return failure;
    return decide;
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

std::string text_of_provider(const net::HttpRequest& request) {
    return net::query_param(request.query, "text").value_or(std::string(kYjsText));
}

std::string_view type_of(hub::ReplyContent content) {
    switch (content) {
        case hub::ReplyContent::json:
            break;
        case hub::ReplyContent::text:
            return "text/plain; charset=utf-8";
        case hub::ReplyContent::bytes:
            return "application/octet-stream";
    }
    return kJson;
}

Told told_of_match() {
    return {"If-Match is no version of a record.",
            "Send an ETag that the server gave, \"EPOCH-SEQ\" with its quotes, or *."};
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

net::HttpResponse HttpApi::refusal(base::Error error, std::string_view channel,
                                   const Told& told) const {
    return make_refusal(error, channel, options_.docs_url, told);
}

net::HttpResponse make_preflight_answer(const net::HttpRequest& request, std::string_view allowed) {
    net::HttpResponse response;
    response.status = 204;
    response.headers.set("Allow", allowed);
    if (!request.headers.contains("access-control-request-method")) return response;
    response.headers.set("Access-Control-Allow-Methods", allowed);
    response.headers.set("Access-Control-Allow-Headers",
                         "Content-Type, If-Match, If-None-Match, Idempotency-Key, Authorization, "
                         "X-API-Key, Tandem-Session, Tandem-Sequence");
    response.headers.set("Access-Control-Max-Age", "600");
    if (request.headers.contains("access-control-request-private-network"))
        response.headers.set("Access-Control-Allow-Private-Network", "true");
    return response;
}

hub::ConnectionInfo HttpApi::info_of(hub::Codec codec, const net::Responder& responder) const {
    hub::ConnectionInfo info;
    info.codec = codec;
    // The port is known of who speaks for itself.
    info.remote =
        client_ == responder.peer_ip() ? net::to_text(responder.peer()) : net::to_text(client_);
    info.is_counted = is_counted_;
    info.grant = by_;
    return info;
}

std::optional<net::AddressLimits::Lease> HttpApi::count(net::Responder& responder) {
    // Connections of their own have been counted when they came.
    if (!is_counted_ || client_ == responder.peer_ip()) return net::AddressLimits::Lease();
    auto lease = options_.addresses->connect(client_, host_.now().mono_ms);
    if (lease) return *std::move(lease);
    responder.respond(refusal(lease.error(), {}));
    return std::nullopt;
}

void HttpApi::on_request(net::HttpRequest request, net::Responder responder) {
    if (options_.addresses != nullptr) {
        client_ = options_.proxies.client_of(request.headers, responder.peer_ip());
        is_counted_ = options_.addresses->counts(client_) && !options_.proxies.contains(client_);
        if (is_counted_)
            if (const auto may = options_.addresses->request(client_, host_.now().mono_ms); !may)
                return responder.respond(refusal(may.error(), {}));
    }
    const bool is_of_operators =
        request.path == "/health" || request.path == "/ready" || request.path == "/metrics";
    if (is_of_operators && request.method != net::HttpMethod::kGet &&
        request.method != net::HttpMethod::kHead) {
        net::HttpResponse response = refusal(base::fail(ErrorCode::method_not_allowed), {});
        response.headers.set("Allow", "GET, HEAD");
        responder.respond(response);
        return;
    }
    if (request.path == "/health") {
        responder.respond(net::make_response(200, kJson, "{\"status\":\"ok\"}"));
        return;
    }
    if (request.path == "/ready") {
        if (!options_.is_ready()) {
            responder.respond(net::make_response(503, kJson, "{\"status\":\"not ready\"}"));
            return;
        }
        // One damaged channel keeps nobody from the others, so it is told and no more.
        auto shared = std::make_shared<net::Responder>(std::move(responder));
        host_.gather_stats([shared](const hub::Stats& stats) {
            shared->respond(net::make_response(
                200, kJson,
                stats.damaged == 0 ? "{\"status\":\"ready\"}"
                                   : "{\"status\":\"degraded\",\"damaged_channels\":" +
                                         std::to_string(stats.damaged) + "}"));
        });
        return;
    }
    for (const std::string_view name :
         {"idempotency-key", "if-match", "if-none-match", "authorization", "x-api-key"})
        if (request.headers.count(name) > 1) {
            responder.respond(
                refusal(base::fail(ErrorCode::invalid_argument), {},
                        {"The request has the header field " + std::string(name) + " twice.",
                         "Send it once."}));
            return;
        }
    if (!options_.access.allows_host(request)) {
        responder.respond(refusal(base::fail(ErrorCode::host_refused), {}));
        return;
    }
    if (!options_.access.allows_origin(request)) {
        responder.respond(refusal(base::fail(ErrorCode::origin_refused), {}));
        return;
    }
    if (request.path.starts_with(kApiPrefix)) {
        // Pages of these origins may read the answers, whatever they are.
        responder.add_header("Vary", "Origin");
        if (request.headers.contains("origin")) {
            responder.add_header("Access-Control-Allow-Origin", request.headers.get("origin"));
            responder.add_header("Access-Control-Expose-Headers", "ETag, Retry-After, Allow");
        }
        // Bodies and answers are as large as records.
        if (host_.pressure() == hub::Pressure::critical) return turn_away(responder);
        return api(std::move(request), std::move(responder));
    }
    if (request.path == kStreamPath) return serve_stream(std::move(request), std::move(responder));
    const bool is_upgrade = request.path == "/connection/websocket" ||
                            request.path.starts_with(kYjsPrefix) ||
                            request.path.starts_with(kHocuspocusPath);
    if (is_upgrade || request.path == "/metrics") {
        auto sender = take_sender(request);
        if (sender && request.path == "/metrics")
            if (const auto may =
                    check_need(options_.gate, *sender, {auth::Capability::admin, true}, {});
                !may)
                sender = may.error();
        if (!sender) return responder.respond(denial(sender.error()));
        by_ = *std::move(sender);
    }
    if (request.path == "/connection/websocket") return upgrade(request, std::move(responder));
    if (request.path.starts_with(kYjsPrefix)) return upgrade_yjs(request, std::move(responder));
    if (request.path == kHocuspocusPath || request.path == std::string(kHocuspocusPath) + '/')
        return upgrade_hocuspocus(request, std::move(responder));
    if (request.path == "/metrics") {
        auto shared = std::make_shared<net::Responder>(std::move(responder));
        host_.gather_stats([this, shared](const hub::Stats& stats) {
            shared->respond(net::make_response(200, "text/plain; version=0.0.4; charset=utf-8",
                                               options_.metrics(stats)));
        });
        return;
    }
    for (const net::StaticFiles& files : options_.files)
        if (files.covers(request)) {
            responder.respond(files.serve(request));
            return;
        }
    if (redirect_to_folder(request, responder)) return;
    responder.respond(refusal(base::fail(ErrorCode::not_found), {}));
}

// A page's folder is at its path with a slash.
bool HttpApi::redirect_to_folder(const net::HttpRequest& request, net::Responder& responder) const {
    if (request.path.ends_with('/')) return false;
    net::HttpRequest folder = request;
    folder.path += '/';
    for (const net::StaticFiles& files : options_.files)
        if (files.covers(folder)) {
            net::HttpResponse response = net::make_status_response(308);
            response.headers.set(
                "Location",
                request.path + "/" + (request.query.empty() ? "" : "?" + request.query));
            responder.respond(response);
            return true;
        }
    return false;
}

void HttpApi::turn_away(net::Responder& responder) {
    host_.count_turned_away();
    net::HttpResponse response = refusal(base::fail(ErrorCode::overloaded), {});
    response.headers.set("Retry-After", std::to_string((host_.next_retry_ms() + 999) / 1000));
    responder.respond(response);
}

void HttpApi::upgrade(const net::HttpRequest& request, net::Responder responder) {
    const net::WsHandshake handshake =
        net::check_websocket_request(request, kSubprotocols, options_.compression);
    const hub::Codec codec =
        handshake.subprotocol == kSubprotocols[0] ? hub::Codec::binary : hub::Codec::json;
    if (host_.pressure() != hub::Pressure::none)
        return accept(request, std::move(responder), handshake,
                      std::make_unique<TurnedAwaySocket>(host_, codec), options_.websocket);
    auto socket = std::make_unique<TandemSocket>(host_, info_of(codec, responder));
    auto lease = count(responder);
    if (!lease) return;
    socket->hold(*std::move(lease));
    accept(request, std::move(responder), handshake, std::move(socket), options_.websocket);
}

void HttpApi::upgrade_yjs(const net::HttpRequest& request, net::Responder responder) {
    const std::string channel =
        channel_of_room(std::string_view(request.path).substr(kYjsPrefix.size()));
    if (const auto ns = hub::find_namespace(host_.config(), channel); !ns) {
        responder.respond(refusal(ns.error(), channel));
        return;
    }
    if (const auto may = check_need(options_.gate, by_, {auth::Capability::read}, channel); !may)
        return responder.respond(denial(may.error(), channel));
    auto socket = std::make_unique<YjsSocket>(host_, info_of(hub::Codec::yjs, responder), channel,
                                              text_of_provider(request));
    upgrade_provider(request, std::move(responder), std::move(socket));
}

void HttpApi::upgrade_hocuspocus(const net::HttpRequest& request, net::Responder responder) {
    auto socket = std::make_unique<HocuspocusSocket>(
        host_, info_of(hub::Codec::hocuspocus, responder), text_of_provider(request));
    upgrade_provider(request, std::move(responder), std::move(socket));
}

void HttpApi::upgrade_provider(const net::HttpRequest& request, net::Responder responder,
                               std::unique_ptr<HubSocket> socket) {
    if (host_.pressure() != hub::Pressure::none) return turn_away(responder);
    auto lease = count(responder);
    if (!lease) return;
    socket->hold(*std::move(lease));
    accept(request, std::move(responder),
           net::check_websocket_request(request, {}, options_.compression), std::move(socket),
           options_.provider_websocket);
}

void HttpApi::accept(const net::HttpRequest& request, net::Responder responder,
                     const net::WsHandshake& handshake,
                     std::unique_ptr<net::WebSocketHandler> socket, net::WsOptions options) {
    options.deflate_window_bits = handshake.deflate.window_bits;
    responder.accept_websocket(net::make_websocket_response(request, handshake), std::move(socket),
                               options);
}

void HttpApi::ask(hub::Request request, net::Responder responder, std::string if_none_match) {
    std::visit(
        [&](auto& one) {
            if constexpr (requires { one.by; }) one.by = by_;
            // What one user has sent under a key says nothing of another's.
            if constexpr (requires { one.idempotency_key; })
                if (by_ != nullptr && !one.idempotency_key.empty())
                    one.idempotency_key = by_->subject + ' ' + one.idempotency_key;
        },
        request);
    // std::function wants a copyable target.
    auto shared = std::make_shared<net::Responder>(std::move(responder));
    const About what = about(request);
    host_.request(std::move(request), [this, shared, if_none_match, what](hub::Reply& reply) {
        if (reply.is_error) {
            shared->respond(refusal(reply.error, reply.channel, told_of(reply.error, what)));
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
        net::HttpResponse response = net::make_response(200, type_of(reply.content), reply.json);
        if (!etag.empty()) response.headers.set("ETag", etag);
        response.headers.set("Cache-Control", "no-cache");
        shared->respond(response);
    });
}

void HttpApi::api(net::HttpRequest request, net::Responder responder) {
    const std::string_view rest = std::string_view(request.path).substr(kApiPrefix.size());
    const ApiAddress address = find_api_route(rest);
    if (address.route == nullptr) {
        responder.respond(refusal(base::fail(ErrorCode::not_found), {}));
        return;
    }
    const net::HttpMethod method =
        request.method == net::HttpMethod::kHead ? net::HttpMethod::kGet : request.method;
    if (method == net::HttpMethod::kOptions) {
        responder.respond(make_preflight_answer(request, address.route->allowed()));
        return;
    }
    if (!address.route->allows(method)) {
        net::HttpResponse response = refusal(base::fail(ErrorCode::method_not_allowed), {});
        response.headers.set("Allow", address.route->allowed());
        responder.respond(response);
        return;
    }
    const std::string& channel = address.channel;
    if (address.route->id != ApiRoute::openapi) {
        auto sender = take_sender(request);
        if (!sender) return responder.respond(denial(sender.error(), channel));
        by_ = *std::move(sender);
        if (const auto may =
                check_need(options_.gate, by_, need_of(*address.route, method), channel);
            !may)
            return responder.respond(denial(may.error(), channel));
    }
    const auto refuse = [&](const Told& told, ErrorCode code = ErrorCode::invalid_argument) {
        responder.respond(refusal(base::fail(code), channel, told));
    };
    const auto number = [&](std::string_view name, uint64_t fallback) {
        return number_param(request, name, fallback);
    };
    const auto limit = [&](uint64_t fallback) {
        return static_cast<uint32_t>(std::min<uint64_t>(number("limit", fallback), 1000));
    };
    const auto text = [&](std::string_view name) {
        return net::query_param(request.query, name).value_or("");
    };
    std::set<std::string> seen;
    for (const auto& [name, value] : net::parse_query(request.query)) {
        if (!address.route->knows(name))
            return refuse({"The address has the unknown parameter `" + name + "`.",
                           "docs/openapi.json tells those that it takes."});
        if (!seen.insert(name).second)
            return refuse(
                {"The address has the parameter `" + name + "` more than once.", "Send it once."});
    }
    // Numbers that select something must not fall back to something else.
    for (const std::string_view name : {"at", "from", "to", "after", "limit", "all"})
        if (name != "after" || address.route->id != ApiRoute::channels)
            if (net::query_param(request.query, name) && !optional_number(request, name))
                return refuse({"`" + std::string(name) + "` is no whole number of 0 or more.",
                               "Write it in digits, such as 17."});
    if (optional_number(request, "limit") == uint64_t{0})
        return refuse({"`limit` is at least 1.", "Leave it out for the usual number of rows."});
    // Updates of texts are of any size that a provider may send, and what can be read as a whole
    // record can be sent back as one.
    const bool is_whole = address.route->id == ApiRoute::record && method == net::HttpMethod::kPut;
    if (is_whole && request.body.size() > host_.config().limits.record_bytes_max)
        return refuse(
            {"The record is larger than records may be.", "limits.record_bytes is the limit."},
            ErrorCode::too_large);
    if (request.body.size() > net::kHttpBodyBytesMaxDefault &&
        address.route->id != ApiRoute::text && !is_whole) {
        responder.respond(make_failure(413, options_.docs_url));
        return;
    }
    base::Value body;
    if (method == net::HttpMethod::kPost && address.route->id != ApiRoute::hashes &&
        address.route->id != ApiRoute::text) {
        Told told;
        auto parsed = object_in(request.body, told);
        if (!parsed) return refuse(told, parsed.error().code);
        body = std::move(*parsed);
    }
    switch (address.route->id) {
        case ApiRoute::openapi: {
            net::HttpResponse response = net::make_response(200, kJson, openapi_text());
            response.headers.set("Cache-Control", "no-cache");
            responder.respond(response);
            return;
        }
        case ApiRoute::webhooks:
            return ask_webhooks(body, method, std::move(responder));
        case ApiRoute::revocations:
            return ask_revocations(body, method, std::move(responder));
        case ApiRoute::connections:
            return ask(hub::ListConnections{}, std::move(responder));
        case ApiRoute::channels:
            return ask(hub::ListChannels{text("prefix"), text("after"), limit(100)},
                       std::move(responder));
        case ApiRoute::channel:
            return ask(hub::DeleteChannel{channel}, std::move(responder));
        case ApiRoute::record: {
            if (method == net::HttpMethod::kPatch)
                return write(request, channel, std::move(responder));
            if (method == net::HttpMethod::kPut)
                return replace(request, channel, std::move(responder));
            hub::GetRecord get{channel, text("path"), optional_number(request, "at"),
                               text("version")};
            if (get.at && !get.version.empty())
                return refuse({"`at` and `version` name two states.", "Give one of them."});
            if (const std::string form = text("form"); form == "changes")
                get.form = hub::GetRecord::Form::changes;
            else if (!form.empty() && form != "value")
                return refuse({"There is no form '" + form + "'.", "Use value or changes."});
            return ask(std::move(get), std::move(responder),
                       std::string(request.headers.get("if-none-match")));
        }
        case ApiRoute::entries:
            return ask(hub::ReadEntries{channel, number("after", 0), limit(100)},
                       std::move(responder));
        case ApiRoute::changes:
            return ask(hub::ReadChanges{channel, number("from", 0), optional_number(request, "to"),
                                        limit(1000)},
                       std::move(responder));
        case ApiRoute::conflicts:
            if (method == net::HttpMethod::kPost) {
                if (const auto told = unknown_member(body, {"path", "dot", "reason", "decision"}))
                    return refuse(*told);
                auto decide = conflict_decision(body, channel);
                if (!decide)
                    return refuse({"A decision needs `path`, `dot` as [actor, counter] and "
                                   "`decision`, keep or restore.",
                                   "Take path, dot and reason from a row of the list."},
                                  decide.error().code);
                return ask(std::move(*decide), std::move(responder));
            }
            return ask(hub::ReadConflicts{channel, number("all", 0) == 1, number("after", 0)},
                       std::move(responder));
        case ApiRoute::hashes:
            return ask(hub::ReadHashes{channel, request.body}, std::move(responder));
        case ApiRoute::presence:
            return ask(hub::ReadPresence{channel}, std::move(responder));
        case ApiRoute::versions: {
            if (method == net::HttpMethod::kGet)
                return ask(hub::ListVersions{channel}, std::move(responder));
            if (method == net::HttpMethod::kDelete)
                return ask(hub::DeleteVersion{channel, text("name")}, std::move(responder));
            if (const auto told = unknown_member(body, {"name", "at"})) return refuse(*told);
            const Value* name = body.find("name");
            const auto at = seq_member(body, "at");
            if (name == nullptr || !name->is_string() || !at)
                return refuse({"A version needs a `name`, a text; `at` is a seq.",
                               "Without `at` it is the newest state."});
            return ask(hub::SaveVersion{channel, name->as_string(), *at}, std::move(responder));
        }
        case ApiRoute::texts:
            return ask(hub::ListTexts{channel}, std::move(responder));
        case ApiRoute::text:
            return method == net::HttpMethod::kPost
                       ? edit_text(std::move(request), channel, std::move(responder))
                       : read_text(request, channel, std::move(responder));
        case ApiRoute::text_versions:
            return text_versions(request, channel, body, std::move(responder));
        case ApiRoute::text_changes:
            return text_changes(request, channel, std::move(responder));
        case ApiRoute::text_restore:
            return text_restore(request, channel, body, std::move(responder));
        case ApiRoute::restore: {
            if (const auto told = unknown_member(body, {"at", "version", "path"}))
                return refuse(*told);
            hub::RestoreRecord restore{channel, {}};
            const Value* path = body.find("path");
            const Value* version = body.find("version");
            const auto at = seq_member(body, "at");
            if (!at || (path != nullptr && !path->is_string()) ||
                (version != nullptr && !version->is_string()) ||
                at->has_value() == (version != nullptr && !version->as_string().empty()))
                return refuse(
                    {"A restore needs either `at`, a seq, or `version`, a name; `path` "
                     "is a text.",
                     "Name one state."});
            restore.at = *at;
            if (path != nullptr) restore.path = path->as_string();
            if (version != nullptr) restore.version = version->as_string();
            if (request.headers.contains("if-match") &&
                net::trim_blanks(request.headers.get("if-match")) != "*") {
                const auto match = parse_etag(request.headers.get("if-match"));
                if (!match) return refuse(told_of_match());
                restore.has_match = true;
                restore.match = *match;
            }
            return ask(std::move(restore), std::move(responder));
        }
    }
}

// Who sends it. Stock providers of Yjs cannot set header fields, and add parameters to the address.
base::Result<auth::GrantPtr> HttpApi::take_sender(const net::HttpRequest& request) const {
    const uint64_t now_ms = host_.now().wall_ms;
    TANDEM_TRY(auth::GrantPtr sender, sender_of(request, options_.gate, now_ms));
    if (options_.gate == nullptr || sender != nullptr || !request.path.starts_with(kYjsPrefix))
        return sender;
    const auto token = net::query_param(request.query, "token");
    return token ? options_.gate->check(*token, now_ms) : sender;
}

net::HttpResponse HttpApi::denial(base::Error error, std::string_view channel,
                                  const Told& told) const {
    net::HttpResponse response = refusal(error, channel, told);
    if (response.status == 401) response.headers.set("WWW-Authenticate", "Bearer");
    return response;
}

void HttpApi::ask_revocations(const Value& body, net::HttpMethod method, net::Responder responder) {
    const auto refuse = [&](ErrorCode code, const Told& told = {}) {
        responder.respond(refusal(base::fail(code), {}, told));
    };
    const auto answer = [&](const std::string& json) {
        net::HttpResponse response = net::make_response(200, kJson, json);
        response.headers.set("Cache-Control", "no-cache");
        responder.respond(response);
    };
    if (options_.gate == nullptr)
        return refuse(ErrorCode::not_found, {"This server takes no tokens.", "Configure [auth]."});
    if (method == net::HttpMethod::kGet) return answer(options_.revocations());
    if (const auto told = unknown_member(body, {"jti", "sub"}))
        return refuse(ErrorCode::invalid_argument, *told);
    const Value* id = body.find("jti");
    const Value* subject = body.find("sub");
    const Value* one = id != nullptr ? id : subject;
    if ((id != nullptr) == (subject != nullptr) || !one->is_string() || one->as_string().empty() ||
        one->as_string().size() > base::kSubjectBytesMax)
        return refuse(ErrorCode::invalid_argument,
                      {"A revocation names either `jti` or `sub`, a text.",
                       "`sub` is the subject as connections show it."});
    const auto done = options_.revoke(id != nullptr ? id->as_string() : std::string(),
                                      subject != nullptr ? subject->as_string() : std::string());
    if (!done) return refuse(done.error().code);
    answer("{\"revoked\":true}");
}

void HttpApi::ask_webhooks(const Value& body, net::HttpMethod method, net::Responder responder) {
    WebhookCall call;
    const auto refuse = [&](ErrorCode code, const Told& told = {}) {
        responder.respond(refusal(base::fail(code), {}, told));
    };
    if (method == net::HttpMethod::kPost) {
        if (const auto told = unknown_member(body, {"name", "action"}))
            return refuse(ErrorCode::invalid_argument, *told);
        const Told form{"What to do with a webhook needs its `name` and an `action`.",
                        "Actions are test, retry, enable and disable."};
        const Value* name = body.find("name");
        const Value* action = body.find("action");
        if (name == nullptr || !name->is_string() || action == nullptr || !action->is_string())
            return refuse(ErrorCode::invalid_argument, form);
        call.name = name->as_string();
        constexpr std::pair<std::string_view, WebhookCall::Kind> kActions[] = {
            {"test", WebhookCall::Kind::test},
            {"retry", WebhookCall::Kind::retry},
            {"enable", WebhookCall::Kind::enable},
            {"disable", WebhookCall::Kind::disable},
        };
        const auto found =
            std::find_if(std::begin(kActions), std::end(kActions),
                         [&](const auto& a) { return a.first == action->as_string(); });
        if (found == std::end(kActions)) return refuse(ErrorCode::invalid_argument, form);
        call.kind = found->second;
    }
    if (!options_.webhooks) {
        if (call.kind != WebhookCall::Kind::list) return refuse(ErrorCode::not_found);
        responder.respond(net::make_response(200, kJson, "{\"webhooks\":[]}"));
        return;
    }
    // The answer comes on another thread, and responders belong to this one.
    const uint64_t id = next_waiting_++;
    waiting_.emplace(id, std::move(responder));
    options_.webhooks(std::move(call), [this, id](base::Result<std::string> answer) {
        host_.reactor().post([this, id, answer = std::move(answer)] {
            auto waiting = waiting_.extract(id);
            if (!answer) return waiting.mapped().respond(refusal(answer.error(), {}));
            net::HttpResponse response = net::make_response(200, kJson, *answer);
            response.headers.set("Cache-Control", "no-cache");
            waiting.mapped().respond(response);
        });
    });
}

void HttpApi::write(const net::HttpRequest& request, const std::string& channel,
                    net::Responder responder) {
    const auto refuse = [&](ErrorCode code, const Told& told = {}) {
        responder.respond(refusal(base::fail(code), channel, told));
    };
    const Told form{"The body has no ops.",
                    "Send {\"ops\":[…]}, an array of ops, or a merge patch as "
                    "application/merge-patch+json."};
    // What a value may be is asked of each op by itself; the body is bounded by its bytes.
    auto body = base::parse_json(request.body, base::kLooseValueLimits);
    if (!body)
        return refuse(body.error().code, request.body.empty()
                                             ? Told{"The body is empty.", form.hint}
                                             : Told{"The body is not JSON.", form.hint});
    hub::WriteRecord write;
    write.channel = channel;
    std::string_view type = request.headers.get("content-type");
    type = net::trim_blanks(type.substr(0, type.find(';')));
    if (net::equals_ignoring_case(type, "application/merge-patch+json")) {
        if (!body->is_object())
            return refuse(ErrorCode::wrong_type, {"A merge patch is a JSON object.", form.hint});
        base::Array ops;
        merge_patch_ops({}, *body, ops);
        write.ops = Value(std::move(ops));
    } else if (body->is_array()) {
        write.ops = std::move(*body);
    } else if (const Value* ops = body->find("ops"); ops != nullptr && ops->is_array()) {
        if (const auto told = unknown_member(*body, {"ops", "base"}))
            return refuse(ErrorCode::invalid_argument, *told);
        write.ops = *ops;
        if (const Value* base = body->find("base"); base != nullptr) write.base = *base;
    } else {
        return refuse(ErrorCode::malformed, form);
    }
    if (write.ops.as_array().empty()) return refuse(ErrorCode::malformed, form);
    if (const auto told = unknown_op_member(write.ops))
        return refuse(ErrorCode::invalid_argument, *told);
    for (const Value& op : write.ops.as_array()) {
        if (!op.is_object()) continue;
        for (const base::Member& member : op.as_object())
            if (auto checked = base::check_value(member.value); !checked)
                return refuse(checked.error().code);
    }
    // "*" asks for a record that exists, and every channel has one.
    if (request.headers.contains("if-match") &&
        net::trim_blanks(request.headers.get("if-match")) != "*") {
        const auto match = parse_etag(request.headers.get("if-match"));
        if (!match) return refuse(ErrorCode::invalid_argument, told_of_match());
        write.has_match = true;
        write.match = *match;
    }
    write.idempotency_key = std::string(request.headers.get("idempotency-key"));
    if (write.idempotency_key.size() > base::kIdempotencyKeyBytesMax)
        return refuse(ErrorCode::too_large, {"The Idempotency-Key is longer than 255 bytes.",
                                             "Use a shorter one, such as a UUID."});
    ask(std::move(write), std::move(responder));
}

}  // namespace tandem::gateway
