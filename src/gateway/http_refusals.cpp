#include "gateway/http_refusals.hpp"

#include <algorithm>
#include <variant>

#include "net/http_parser.hpp"
#include "net/http_response.hpp"

namespace tandem::gateway {

using base::ErrorCode;
using base::Value;

namespace {

int status_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::not_found:
        case ErrorCode::unknown_namespace:
            return 404;
        case ErrorCode::method_not_allowed:
            return 405;
        case ErrorCode::precondition_failed:
            return 412;
        case ErrorCode::version_exists:
        case ErrorCode::too_many_versions:
        case ErrorCode::too_many_texts:
        case ErrorCode::too_many_authors:
            return 409;
        case ErrorCode::state_gone:
        case ErrorCode::session_unknown:
            return 410;
        case ErrorCode::storage_full:
            return 507;
        case ErrorCode::idempotency_mismatch:
            return 422;
        case ErrorCode::too_large:
            return 413;
        case ErrorCode::forbidden:
        case ErrorCode::origin_refused:
            return 403;
        case ErrorCode::rate_limited:
        case ErrorCode::too_many_connections:
            return 429;
        case ErrorCode::unauthenticated:
        case ErrorCode::token_invalid:
        case ErrorCode::token_expired:
        case ErrorCode::token_revoked:
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

bool is_no_json(ErrorCode code) {
    return code == ErrorCode::malformed || code == ErrorCode::truncated;
}

// "a", "a and b", "a, b and c".
std::string list_text(std::initializer_list<std::string_view> names) {
    std::string out;
    size_t left = names.size();
    for (const std::string_view name : names) {
        out += name;
        --left;
        if (left > 0) out += left == 1 ? " and " : ", ";
    }
    return out;
}

}  // namespace

About about(const hub::Request& request) {
    if (std::holds_alternative<hub::SaveVersion>(request)) {
        const auto& save = std::get<hub::SaveVersion>(request);
        return save.at ? About::seq : About::version_name;
    }
    if (std::holds_alternative<hub::GetRecord>(request) ||
        std::holds_alternative<hub::RestoreRecord>(request))
        return About::seq;
    if (std::holds_alternative<hub::ReadChanges>(request)) return About::range;
    if (std::holds_alternative<hub::ReadHashes>(request)) return About::hashes;
    if (std::holds_alternative<hub::ReplaceRecord>(request)) return About::whole_state;
    if (const auto* read = std::get_if<hub::ReadText>(&request))
        return read->moment.at || !read->moment.version.empty() ? About::text_past : About::text;
    if (std::holds_alternative<hub::SaveTextVersion>(request)) return About::text_version;
    if (std::holds_alternative<hub::RestoreText>(request)) return About::text_past;
    if (std::holds_alternative<hub::ReadTextChanges>(request)) return About::range;
    if (std::holds_alternative<hub::EditText>(request)) return About::text_edit;
    return About::other;
}

namespace {

Told told_of_text(base::Error error, About about) {
    const bool edits = about == About::text_edit;
    const std::string detail = std::to_string(error.detail);
    switch (error.code) {
        case ErrorCode::not_found:
            if (!edits)
                return {"There is no such text, or not one root in it that could be meant.",
                        "Look at the list of texts, and name the root with `root` (on the command "
                        "line --root); as=json (--as json) shows all of them."};
            if (error.detail != 0)
                return {"Edit " + detail + " has a `path` that leads to no shared type.",
                        "Each step is a key of a map or a position in a list, from the root on."};
            return {"The text has no root type yet, or several.",
                    "Name the one to edit with `root` (on the command line --root), as the editors "
                    "do."};
        case ErrorCode::wrong_type:
            if (edits)
                return {
                    "Edit " + detail + " is for another kind of shared type than is there.",
                    "Texts take insert of text, format, append and delta; lists insert of values "
                    "or shared; XML insert of xml; maps set and remove."};
            return {"The root cannot be shown so.",
                    "Use as=json (on the command line --as json), which shows every type; `kind` "
                    "tells what a root is."};
        case ErrorCode::out_of_range:
            return {"An edit reaches beyond the end of what it is made to, which has " + detail +
                        (error.detail == 1 ? " position" : " positions") + " by then.",
                    "A text has one for each UTF-16 unit, a list one for each item; read it again "
                    "and count from that."};
        case ErrorCode::invalid_argument:
            return {"Edit " + detail + " is none that is known.",
                    "Each is an object with one of insert, delete, format, append, delta, set and "
                    "remove; "
                    "docs/openapi.json tells their members."};
        case ErrorCode::precondition_failed:
            return {"The text has changed since the state that If-Match names.",
                    "Read it again and decide anew."};
        case ErrorCode::forbidden:
            return {"The token does not permit that an `author` is shown.",
                    "Grant the capability `presence` for this channel, or leave the author out."};
        case ErrorCode::base_in_future:
            return {"The update depends on others that the server does not have.",
                    "Send all that the document has; what is known is passed over."};
        case ErrorCode::malformed:
            return {"The bytes are no update of Yjs.",
                    "Send one of version 1, such as Y.encodeStateAsUpdate gives."};
        case ErrorCode::bad_path:
            return {"The name of a text has 1 to 255 bytes, and no control characters.", {}};
        default:
            return {};
    }
}

}  // namespace

Told told_of(base::Error error, About about) {
    const bool is_past = about == About::text_past || about == About::text_version;
    if (is_past && error.code == ErrorCode::not_found)
        return {"There is no such text, not at that moment, or no version of that name.",
                "Look at the lists of texts and of their versions."};
    if (about == About::text_past && error.code != ErrorCode::out_of_range)
        return told_of_text(error, About::text);
    if (about == About::text_version && error.code == ErrorCode::too_large)
        return {"The versions of this text that have names leave no room for one more.",
                "Delete some, or raise retention.text_version_bytes."};
    if ((about == About::seq || is_past) && error.code == ErrorCode::out_of_range)
        return {"The channel has no such seq; its newest is " + std::to_string(error.detail) + ".",
                "Name a seq up to that."};
    if (about == About::text || about == About::text_edit) return told_of_text(error, about);
    if (about == About::range && error.code == ErrorCode::out_of_range)
        return {
            "No entries are there: `from` is above `to`, or one of them above the newest seq, " +
                std::to_string(error.detail) + ".",
            "Name seqs up to that, `from` the lower one."};
    if ((about == About::seq || about == About::version_name || about == About::text_version) &&
        error.code == ErrorCode::invalid_argument)
        return {"The name of a version has 1 to 255 bytes.", {}};
    if (about == About::hashes &&
        (is_no_json(error.code) || error.code == ErrorCode::invalid_argument))
        return {
            "The body is an object with the lists `nodes`, prefixes of hashes, and `fields`, "
            "whole ones.",
            "Hashes are in lower-case hexadecimal digits; docs/openapi.json shows the form."};
    if (about == About::whole_state && is_no_json(error.code))
        return {"The body is not JSON, or an object in it has a member twice.",
                "Send the whole record as a JSON object."};
    if (about == About::whole_state && error.code == ErrorCode::precondition_failed)
        return {
            "What was read before is no state of this channel's history (another server's, or "
            "one that a restore from a backup has ended), or, with If-Match, has changed since.",
            "Read the record again and decide anew."};
    return {};
}

net::HttpResponse make_refusal(base::Error error, std::string_view channel,
                               const std::string& docs_url, const Told& told) {
    std::string body = "{\"error\":{\"code\":";
    base::append_json_string(body, base::error_name(error.code));
    body += ",\"message\":";
    base::append_json_string(
        body, told.what.empty() ? base::error_message(error.code) : std::string_view(told.what));
    body += ",\"hint\":";
    base::append_json_string(
        body, told.hint.empty() ? base::error_hint(error.code) : std::string_view(told.hint));
    body += ",\"docs\":";
    base::append_json_string(body, docs_url + "#" + std::string(base::error_name(error.code)));
    if (error.detail != 0) body += ",\"detail\":" + std::to_string(error.detail);
    if (!channel.empty()) {
        body += ",\"channel\":";
        base::append_json_string(body, channel);
    }
    body += "}}";
    net::HttpResponse response =
        net::make_response(status_of(error.code), "application/json", body);
    if (base::is_temporary(error.code) || error.code == ErrorCode::storage_full ||
        error.code == ErrorCode::too_many_connections) {
        const uint64_t wait_ms = error.code == ErrorCode::rate_limited ? error.detail : 0;
        const uint64_t wait_s = std::max<uint64_t>((wait_ms + 999) / 1000, 1);
        response.headers.set("Retry-After", std::to_string(wait_s));
    }
    return response;
}

net::HttpResponse make_failure(int status, const std::string& docs_url, size_t body_bytes_max) {
    base::Error error = base::fail(ErrorCode::malformed);
    Told told{"The bytes are no HTTP request that this server takes.",
              "Check the request line, the header fields and the encoding of the body."};
    switch (status) {
        case 408:
            error = base::fail(ErrorCode::timed_out);
            told = {"The request did not come whole in time.", {}};
            break;
        case 413:
            error = base::fail(ErrorCode::too_large, body_bytes_max);
            told = {"The body of the request is too large.",
                    "The detail is the limit in bytes; write it in several requests."};
            break;
        case 414:
        case 431:
            error = base::fail(ErrorCode::too_large, net::kHttpHeadBytesMax);
            told = {"The address or the header fields of the request are too large.",
                    "The detail is the limit in bytes."};
            break;
        case 429:
            error = base::fail(ErrorCode::too_many_connections);
            told = {"The address has more connections, or opens them faster, than allowed.",
                    "Close some, or wait as long as Retry-After says."};
            break;
        case 503:
            error = base::fail(ErrorCode::overloaded);
            told = {"The server has as many connections as it may.",
                    "Wait as long as Retry-After says, or raise limits.connections."};
            break;
        case 500:
            error = base::fail(ErrorCode::internal);
            told = {};
            break;
        default:
            break;
    }
    net::HttpResponse response = make_refusal(error, {}, docs_url, told);
    response.status = status;
    return response;
}

std::optional<Told> unknown_member(const Value& body,
                                   std::initializer_list<std::string_view> known) {
    if (!body.is_object()) return std::nullopt;
    for (const base::Member& member : body.as_object())
        if (std::find(known.begin(), known.end(), member.key) == known.end())
            return Told{"The body has the unknown member '" + member.key + "'.",
                        "It may have " + list_text(known) + "."};
    return std::nullopt;
}

std::optional<Told> unknown_op_member(const Value& ops) {
    if (!ops.is_array()) return std::nullopt;
    size_t index = 0;
    for (const Value& op : ops.as_array()) {
        // One without a path is refused for that.
        if (op.is_object() && op.find("path") != nullptr)
            if (auto told = unknown_member(op, {"op", "path", "value", "n", "position", "at",
                                                "base", "generation", "seen", "decides"})) {
                told->what = "In op " + std::to_string(index) + ": " + told->what;
                return told;
            }
        ++index;
    }
    return std::nullopt;
}

base::Result<Value> object_in(const std::string& body, Told& told) {
    told.hint = "Send a JSON object; docs/openapi.json tells its members.";
    told.what = body.empty() ? "The body is empty."
                             : "The body is not JSON, or an object in it has a member twice.";
    TANDEM_TRY(Value parsed, base::parse_json(body));
    told.what = "The body is no JSON object.";
    if (!parsed.is_object()) return base::fail(ErrorCode::malformed);
    told = {};
    return parsed;
}

}  // namespace tandem::gateway
