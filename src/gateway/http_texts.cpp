// Texts over HTTP: what they show, and edits.

#include <algorithm>
#include <tuple>
#include <utility>

#include "gateway/http_api.hpp"
#include "gateway/http_params.hpp"
#include "gateway/provider_sockets.hpp"
#include "net/http_response.hpp"
#include "yjs/edit_faults.hpp"

namespace tandem::gateway {

using base::ErrorCode;
using base::Value;
using hub::ReadText;

namespace {

constexpr std::pair<std::string_view, ReadText::Form> kForms[] = {
    {"json", ReadText::Form::json},     {"text", ReadText::Form::text},
    {"xml", ReadText::Form::xml},       {"delta", ReadText::Form::delta},
    {"update", ReadText::Form::update},
};
constexpr std::pair<std::string_view, yjs::TypeKind> kKinds[] = {
    {"text", yjs::TypeKind::text},
    {"array", yjs::TypeKind::array},
    {"map", yjs::TypeKind::map},
    {"xml", yjs::TypeKind::xml_fragment},
};

std::string name_in(const net::HttpRequest& request) {
    return net::query_param(request.query, "name").value_or(std::string(kYjsText));
}

// A text member, or nothing; false when it is something else.
bool take_text(const Value& object, std::string_view name, std::string& out) {
    const Value* member = object.find(name);
    if (member == nullptr) return true;
    if (!member->is_string()) return false;
    out = member->as_string();
    return true;
}

// False when If-Match is none that a text has.
bool take_match(const net::HttpRequest& request, std::optional<record::Cursor>& out) {
    if (!request.headers.contains("if-match")) return true;
    const std::string_view text = net::trim_blanks(request.headers.get("if-match"));
    if (text == "*") return true;
    out = parse_etag(text);
    return out.has_value();
}

Told told_of_text_match() {
    return {
        "If-Match is no version of a text.",
        "Send an ETag that the server gave with the text, \"EPOCH-SEQ\" with its quotes, or *."};
}

// Why a body is not taken as JSON.
Told fault_of_json(const std::string& body, base::Error error, const Told& form) {
    if (body.empty()) return {"The body is empty.", form.hint};
    if (!base::is_utf8(body))
        return {"The body is not UTF-8, as JSON is.",
                "Encode it anew; an update of Yjs is sent "
                "as application/octet-stream."};
    if (error.code == ErrorCode::malformed || error.code == ErrorCode::truncated)
        return {"The body is not JSON, or an object in it has a member twice.", form.hint};
    // What it is, but holds something that is not taken, the catalogue has words for.
    return {};
}

}  // namespace

void HttpApi::read_text(const net::HttpRequest& request, const std::string& channel,
                        net::Responder responder) {
    const auto refuse = [&](const Told& told) {
        responder.respond(refusal(base::fail(ErrorCode::invalid_argument), channel, told));
    };
    ReadText read;
    read.channel = channel;
    read.name = name_in(request);
    read.root = net::query_param(request.query, "root");
    if (const auto as = net::query_param(request.query, "as")) {
        const auto* const form = std::find_if(std::begin(kForms), std::end(kForms),
                                              [&](const auto& f) { return f.first == *as; });
        if (form == std::end(kForms))
            return refuse(
                {"A text is not shown as '" + *as + "'.", "Use json, text, xml, delta or update."});
        read.form = form->second;
    }
    if (const auto wanted = net::query_param(request.query, "kind")) {
        const auto* const kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                              [&](const auto& k) { return k.first == *wanted; });
        if (kind == std::end(kKinds))
            return refuse({"A root is no '" + *wanted + "'.", "Use text, array, map or xml."});
        read.kind = kind->second;
    }
    read.moment = {optional_number(request, "at"),
                   net::query_param(request.query, "version").value_or("")};
    if (read.moment.at && !read.moment.version.empty())
        return refuse({"`at` and `version` name two states.", "Give one of them."});
    ask(std::move(read), std::move(responder), std::string(request.headers.get("if-none-match")));
}

void HttpApi::text_versions(const net::HttpRequest& request, const std::string& channel,
                            const Value& body, net::Responder responder) {
    const auto refuse = [&](const Told& told) {
        responder.respond(refusal(base::fail(ErrorCode::invalid_argument), channel, told));
    };
    const std::string text = name_in(request);
    const std::string version = net::query_param(request.query, "version").value_or("");
    const auto at = optional_number(request, "at");
    if (request.method == net::HttpMethod::kDelete) {
        if (at.has_value() == !version.empty())
            return refuse(
                {"To delete one, give either its name as `version`, or the seq of one "
                 "without a name as `at`.",
                 "`name` is that of the text."});
        return ask(hub::DeleteTextVersion{channel, text, version, at}, std::move(responder));
    }
    if (at || !version.empty())
        return refuse({"`at` and `version` are for deleting one.",
                       "A version is read with the text: …/text?version=…"});
    if (request.method != net::HttpMethod::kPost)
        return ask(hub::ListTextVersions{channel, text}, std::move(responder));
    if (const auto told = unknown_member(body, {"name", "at"})) return refuse(*told);
    const Value* name = body.find("name");
    const auto seq = seq_member(body, "at");
    if (name == nullptr || !name->is_string() || !seq)
        return refuse({"A version needs a `name`, a text; `at` is a seq.",
                       "Without `at` it is the newest state."});
    ask(hub::SaveTextVersion{channel, text, name->as_string(), *seq}, std::move(responder));
}

void HttpApi::text_changes(const net::HttpRequest& request, const std::string& channel,
                           net::Responder responder) {
    hub::ReadTextChanges read{channel, name_in(request), {}, {}};
    for (auto [moment, seq, name] : {std::tuple{&read.from, "from", "from_version"},
                                     std::tuple{&read.to, "to", "to_version"}}) {
        *moment = {optional_number(request, seq),
                   net::query_param(request.query, name).value_or("")};
        if (moment->at && !moment->version.empty())
            return responder.respond(
                refusal(base::fail(ErrorCode::invalid_argument), channel,
                        {"`" + std::string(seq) + "` and `" + name + "` name two states.",
                         "Give one of them."}));
    }
    if (!read.from.at && read.from.version.empty()) read.from.at = 0;
    ask(std::move(read), std::move(responder));
}

void HttpApi::text_restore(const net::HttpRequest& request, const std::string& channel,
                           const Value& body, net::Responder responder) {
    const auto refuse = [&](const Told& told, ErrorCode code = ErrorCode::invalid_argument) {
        responder.respond(refusal(base::fail(code), channel, told));
    };
    if (const auto told = unknown_member(body, {"at", "version"})) return refuse(*told);
    hub::RestoreText restore{channel, name_in(request), {}};
    const auto at = seq_member(body, "at");
    if (!at || !take_text(body, "version", restore.moment.version) ||
        at->has_value() == !restore.moment.version.empty())
        return refuse(
            {"A restore needs either `at`, a seq, or `version`, a name.", "Name one state."});
    if (!take_match(request, restore.if_unchanged)) return refuse(told_of_text_match());
    restore.moment.at = *at;
    restore.idempotency_key = std::string(request.headers.get("idempotency-key"));
    if (restore.idempotency_key.size() > base::kIdempotencyKeyBytesMax)
        return refuse(
            {"The Idempotency-Key is longer than 255 bytes.", "Use a shorter one, such as a UUID."},
            ErrorCode::too_large);
    ask(std::move(restore), std::move(responder));
}

void HttpApi::edit_text(net::HttpRequest request, const std::string& channel,
                        net::Responder responder) {
    const auto refuse = [&](const Told& told, ErrorCode code = ErrorCode::invalid_argument) {
        responder.respond(refusal(base::fail(code), channel, told));
    };
    hub::EditText edit;
    edit.channel = channel;
    edit.name = name_in(request);
    if (!take_match(request, edit.if_unchanged)) return refuse(told_of_text_match());
    for (const std::string_view name : {"as", "root", "kind", "at", "version"})
        if (net::query_param(request.query, name))
            return refuse({"`" + std::string(name) + "` is for reading.",
                           "The root of edits is a member of the body."});
    edit.idempotency_key = std::string(request.headers.get("idempotency-key"));
    if (edit.idempotency_key.size() > base::kIdempotencyKeyBytesMax)
        return refuse(
            {"The Idempotency-Key is longer than 255 bytes.", "Use a shorter one, such as a UUID."},
            ErrorCode::too_large);
    std::string_view type = request.headers.get("content-type");
    type = net::trim_blanks(type.substr(0, type.find(';')));
    if (net::equals_ignoring_case(type, "application/octet-stream")) {
        if (request.body.empty())
            return refuse({"The body is empty.", "Send an update of Yjs, version 1."},
                          ErrorCode::malformed);
        edit.update = std::move(request.body);
        return ask(std::move(edit), std::move(responder));
    }
    auto body = base::parse_json(request.body, base::kLooseValueLimits);
    const Told form{"The body has no `edits`, an array.",
                    "Send {\"edits\":[…]} as JSON, or an update as application/octet-stream."};
    if (!body) return refuse(fault_of_json(request.body, body.error(), form), body.error().code);
    const Value* edits = body->find("edits");
    if (edits == nullptr || !edits->is_array()) return refuse(form, ErrorCode::malformed);
    if (const auto told = unknown_member(*body, {"edits", "root", "author"})) return refuse(*told);
    if (body->find("root") != nullptr && !take_text(*body, "root", edit.root.emplace()))
        return refuse({"`root` is the name of a root type.", "Leave it out when there is one."});
    if (const auto fault = yjs::fault_of_edits(*edits))
        return responder.respond(
            refusal(base::fail(ErrorCode::invalid_argument, fault->edit), channel,
                    {"Edit " + std::to_string(fault->edit) + ": " + fault->what,
                     "docs/texts.md and docs/openapi.json show the edits."}));
    if (const Value* author = body->find("author"); author != nullptr) {
        const Value* leaves = author->find("leaves");
        if (!author->is_object() || !take_text(*author, "name", edit.author) ||
            edit.author.empty() || !take_text(*author, "color", edit.color) ||
            (leaves != nullptr && !leaves->is_bool()))
            return refuse({"An author is an object with a `name`.",
                           "It may have `color`, a text, and `leaves`, true or false."});
        if (const auto told = unknown_member(*author, {"name", "color", "leaves"}))
            return refuse(*told);
        if (std::max(edit.author.size(), edit.color.size()) > hub::kTextAuthorBytesMax)
            return refuse({"The author's `name` and `color` have at most 255 bytes each.",
                           "Shorten what is longer."});
        edit.is_leaving = leaves != nullptr && leaves->as_bool();
    }
    edit.edits = *edits;
    ask(std::move(edit), std::move(responder));
}

}  // namespace tandem::gateway
