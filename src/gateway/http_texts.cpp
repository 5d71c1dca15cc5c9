// Texts over HTTP: what they show, and edits.

#include <algorithm>
#include <utility>

#include "gateway/http_api.hpp"
#include "gateway/provider_sockets.hpp"
#include "net/http_response.hpp"

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

}  // namespace

void HttpApi::read_text(const net::HttpRequest& request, const std::string& channel,
                        net::Responder responder) {
    const auto refuse = [&](const Told& told) {
        responder.respond(refusal(base::fail(ErrorCode::invalid_argument), channel, told));
    };
    ReadText read;
    read.channel = channel;
    read.name = name_in(request);
    read.root = net::query_param(request.query, "root").value_or("");
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
    ask(std::move(read), std::move(responder), std::string(request.headers.get("if-none-match")));
}

void HttpApi::edit_text(net::HttpRequest request, const std::string& channel,
                        net::Responder responder) {
    const auto refuse = [&](const Told& told, ErrorCode code = ErrorCode::invalid_argument) {
        responder.respond(refusal(base::fail(code), channel, told));
    };
    hub::EditText edit;
    edit.channel = channel;
    edit.name = name_in(request);
    for (const std::string_view name : {"as", "root", "kind"})
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
    if (!body)
        return refuse(
            {request.body.empty() ? "The body is empty." : "The body is not JSON.", form.hint},
            body.error().code);
    const Value* edits = body->find("edits");
    if (edits == nullptr || !edits->is_array()) return refuse(form, ErrorCode::malformed);
    if (const auto told = unknown_member(*body, {"edits", "root", "author"})) return refuse(*told);
    if (!take_text(*body, "root", edit.root))
        return refuse({"`root` is the name of a root type.", "Leave it out when there is one."});
    if (const Value* author = body->find("author"); author != nullptr) {
        const Value* leaves = author->find("leaves");
        if (!author->is_object() || !take_text(*author, "name", edit.author) ||
            edit.author.empty() || !take_text(*author, "color", edit.color) ||
            (leaves != nullptr && !leaves->is_bool()))
            return refuse({"An author is an object with a `name`.",
                           "It may have `color`, a text, and `leaves`, true or false."});
        if (const auto told = unknown_member(*author, {"name", "color", "leaves"}))
            return refuse(*told);
        edit.is_leaving = leaves != nullptr && leaves->as_bool();
    }
    edit.edits = *edits;
    ask(std::move(edit), std::move(responder));
}

}  // namespace tandem::gateway
