// Requests about whole states: writing one, and comparing two by their hashes.

#include <utility>

#include "hub/hub.hpp"
#include "hub/json_out.hpp"

namespace tandem::hub {

using base::ErrorCode;
using base::Value;

namespace {

constexpr base::ValueLimits kStateLimits{base::kValueDepthMax, SIZE_MAX};

std::string text_of(const ReplaceRecord& request) {
    if (!request.has_base) return {};
    return std::to_string(request.base.epoch) + '-' + std::to_string(request.base.seq) +
           (request.is_conditional ? "!" : "");
}

void append_field_json(std::string& out, const record::Digest& key,
                       const record::Document& document) {
    out += "{\"key\":\"" + record::to_hex(key) + '"';
    if (const auto field = document.field_of(key)) {
        out += ",\"path\":";
        base::append_json_string(out, record::to_text(field->path));
        out += ",\"kind\":\"" + std::string(record::name_of(field->kind)) + "\"";
        // What is below a map or a list has keys of its own.
        if (field->kind != record::Kind::none && field->kind != record::Kind::map &&
            field->kind != record::Kind::list) {
            out += ",\"value\":";
            base::append_json(out, field->value);
        }
        if (field->is_item) {
            out += ",\"position\":";
            base::append_json_string(out, field->position);
        }
        if (field->stamp.ms != 0) {
            out += ",\"stamp\":";
            append_stamp_json(out, field->stamp);
        }
    }
    out += '}';
}

void append_subtree_json(std::string& out, const std::string& prefix,
                         const record::Subtree& subtree) {
    out += "{\"prefix\":\"" + prefix + "\",";
    const char* separator = "";
    if (subtree.is_inner) {
        out += "\"parts\":[";
        for (const record::Digest& part : subtree.parts) {
            out += separator;
            out += part == record::Digest{} ? "null" : '"' + record::to_hex(part) + '"';
            separator = ",";
        }
    } else {
        out += "\"leaves\":[";
        for (const record::LeafHash& leaf : subtree.leaves) {
            out += separator;
            out +=
                "[\"" + record::to_hex(leaf.key) + "\",\"" + record::to_hex(leaf.content) + "\"]";
            separator = ",";
        }
    }
    out += "]}";
}

// The texts of a list, or an error when it is none or too long. A missing one is empty.
base::Result<std::vector<std::string>> texts(const Value& object, std::string_view name,
                                             size_t count_max) {
    std::vector<std::string> out;
    const Value* list = object.find(name);
    if (list == nullptr) return out;
    if (!list->is_array()) return base::fail(ErrorCode::malformed);
    if (list->as_array().size() > count_max) return base::fail(ErrorCode::too_large, count_max);
    for (const Value& text : list->as_array()) {
        if (!text.is_string()) return base::fail(ErrorCode::malformed);
        out.push_back(text.as_string());
    }
    return out;
}

}  // namespace

std::string Hub::hash_of(const Channel& channel) {
    const uint64_t before = channel.document().hashes_computed();
    std::string hash = channel.document().hash();
    stats_.hashes += channel.document().hashes_computed() - before;
    return hash;
}

void Hub::handle_request(Now now, uint64_t id, ReplaceRecord& request) {
    base::Error error;
    Channel* channel = channel_for(now, request.channel, error);
    if (channel == nullptr) return reply(id, error, request.channel);
    const std::string base = text_of(request);
    if (channel->state() == Channel::State::ready && !channel->has_inflight() &&
        channel->unchanged.has(channel->head(), base, request.body)) {
        stats_.unchanged++;
        AckTarget target;
        target.request = id;
        return answer_ack(*channel, target, 0, 0, channel->head(), {}, Outcome::unchanged);
    }
    auto state = base::parse_json(request.body, kStateLimits);
    if (!state) return reply(id, state.error(), request.channel);
    PendingPush push;
    push.target.request = id;
    push.target.arrived_ns = now.arrived_ns;
    push.by = request.by;
    push.condition_base.seq = kBaseIsHead;
    push.digest = digest_of(request.body);
    push.whole = std::make_unique<WholeWrite>();
    push.whole->state = std::move(*state);
    push.whole->base.seq = kBaseIsHead;
    if (request.has_base) push.whole->base = request.base;
    push.whole->is_conditional = request.is_conditional;
    push.whole->base_text = base;
    push.whole->body = std::move(request.body);
    enqueue_once(now, *channel, std::move(push), request.idempotency_key);
}

void Hub::handle_request(Now now, uint64_t id, ReadHashes& request) {
    const Channel* channel = find_channel(request.channel);
    if (channel == nullptr || channel->state() != Channel::State::ready)
        return when_ready(now, id, request.channel, request);
    const auto refuse = [&](base::Error error) { reply(id, error, request.channel); };
    const auto wanted = base::parse_json(request.body);
    if (!wanted) return refuse(wanted.error());
    if (!wanted->is_object()) return refuse(base::fail(ErrorCode::malformed));
    for (const base::Member& member : wanted->as_object())
        if (member.key != "nodes" && member.key != "fields")
            return refuse(base::fail(ErrorCode::invalid_argument));
    const auto prefixes = texts(*wanted, "nodes", kHashNodesPerRequestMax);
    if (!prefixes) return refuse(prefixes.error());
    const auto keys = texts(*wanted, "fields", kHashFieldsPerRequestMax);
    if (!keys) return refuse(keys.error());
    const record::Document& document = channel->document();
    std::string json = "{\"epoch\":\"" + std::to_string(channel->epoch()) +
                       "\",\"seq\":" + std::to_string(channel->head()) + ",\"hash\":\"" +
                       hash_of(*channel) + "\",\"nodes\":[";
    const char* separator = "";
    for (const std::string& prefix : *prefixes) {
        if (!record::is_key_prefix(prefix)) return refuse(base::fail(ErrorCode::invalid_argument));
        json += separator;
        append_subtree_json(json, prefix, document.hashes_below(prefix));
        separator = ",";
    }
    json += "],\"fields\":[";
    separator = "";
    for (const std::string& key : *keys) {
        const auto digest = record::digest_from_hex(key);
        if (!digest) return refuse(base::fail(ErrorCode::invalid_argument));
        json += separator;
        append_field_json(json, *digest, document);
        separator = ",";
    }
    reply(id, json + "]}", channel);
}

}  // namespace tandem::hub
