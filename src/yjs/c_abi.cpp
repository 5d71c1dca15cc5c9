#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "tandem/yjs.h"
#include "yjs/any.hpp"
#include "yjs/document.hpp"
#include "yjs/reading.hpp"
#include "yjs/relative_position.hpp"
#include "yjs/undo_manager.hpp"

struct tandem_yjs_doc {
    tandem::yjs::Document document;
};

struct tandem_yjs_undo {
    tandem::yjs::UndoManager manager;
};

namespace {

using namespace tandem::yjs;
using tandem::base::ErrorCode;
using tandem::base::Result;
using tandem::base::Status;

int number_of(ErrorCode code) { return static_cast<int>(code); }

int answer(const Status& status) { return status.ok() ? 0 : number_of(status.error().code); }

std::string_view text_of_view(tandem_yjs_view view) { return {view.data, view.size}; }

int give(std::string_view bytes, tandem_yjs_bytes* out) {
    out->size = bytes.size();
    out->data = static_cast<char*>(std::malloc(bytes.size() + 1));
    if (out->data == nullptr) {
        out->size = 0;
        return number_of(ErrorCode::too_large);
    }
    if (!bytes.empty()) std::memcpy(out->data, bytes.data(), bytes.size());
    out->data[bytes.size()] = '\0';
    return 0;
}

template <class Bytes>
int give_result(const Result<Bytes>& result, tandem_yjs_bytes* out) {
    *out = {nullptr, 0};
    return result.ok() ? give(*result, out) : number_of(result.error().code);
}

std::optional<Encoding> encoding_of(int encoding) {
    if (encoding == TANDEM_YJS_V1) return Encoding::v1;
    if (encoding == TANDEM_YJS_V2) return Encoding::v2;
    return std::nullopt;
}

std::optional<TypeKind> type_kind_of(int kind) {
    if (kind < TANDEM_YJS_ARRAY || kind > TANDEM_YJS_XML_TEXT) return std::nullopt;
    return static_cast<TypeKind>(kind);
}

Result<std::string> any_of_view(tandem_yjs_view json) {
    Buffer out;
    TANDEM_CHECK(append_any_of_json(text_of_view(json), out));
    return out.str();
}

Result<Attributes> attributes_of_view(tandem_yjs_view json) {
    TANDEM_TRY(const std::string any, any_of_view(json));
    Input in(any);
    if (static_cast<AnyTag>(in.u8()) != AnyTag::object)
        return tandem::base::fail(ErrorCode::invalid_argument);
    Attributes attributes;
    const uint64_t count = in.var_uint();
    for (uint64_t i = 0; i < count; ++i) {
        std::string name(in.var_bytes());
        const char* from = in.position();
        skip_any(in);
        attributes.push_back({std::move(name), std::string(from, in.position())});
    }
    return attributes;
}

bool has_type(const tandem_yjs_doc* doc, tandem_yjs_type type) {
    return doc->document.store().has_branch(type);
}

// Makes a change in the open transaction, or in one of its own.
template <class Change>
int change_type(tandem_yjs_doc* doc, tandem_yjs_type type, Change&& change) {
    if (!has_type(doc, type)) return number_of(ErrorCode::not_found);
    Document& document = doc->document;
    const bool is_open = document.last_transaction().is_open;
    if (!is_open) document.begin();
    const Status done = change(document);
    if (!is_open) document.commit();
    return answer(done);
}

template <class Show>
int show_type(const tandem_yjs_doc* doc, tandem_yjs_type type, tandem_yjs_bytes* out, Show&& show) {
    *out = {nullptr, 0};
    if (!has_type(doc, type)) return number_of(ErrorCode::not_found);
    std::string shown;
    show(doc->document.store(), shown);
    return give(shown, out);
}

std::optional<Content> content_of_type(int kind, tandem_yjs_view name) {
    const auto known = type_kind_of(kind);
    if (!known) return std::nullopt;
    Content content;
    content.kind = Kind::type;
    content.type = *known;
    content.len = 1;
    if (has_name(*known)) content.name = text_of_view(name);
    return content;
}

Result<std::optional<Snapshot>> snapshot_of_view(tandem_yjs_view bytes) {
    if (bytes.data == nullptr) return std::optional<Snapshot>();
    TANDEM_TRY(Snapshot snapshot, decode_snapshot(text_of_view(bytes)));
    return std::optional<Snapshot>(std::move(snapshot));
}

}  // namespace

extern "C" {

uint32_t tandem_yjs_abi_version(void) noexcept { return TANDEM_YJS_ABI_VERSION; }

void tandem_yjs_free(tandem_yjs_bytes bytes) noexcept { std::free(bytes.data); }

tandem_yjs_doc* tandem_yjs_doc_new(const tandem_yjs_options* options) noexcept {
    tandem_yjs_options given = {};
    std::memcpy(&given, options, std::min(options->size, sizeof(given)));
    DocumentOptions chosen;
    chosen.client = given.client & ((uint64_t{1} << 53) - 1);
    chosen.collects = given.keeps_deleted == 0;
    chosen.cleans_formats = given.cleans_formats != 0;
    return new tandem_yjs_doc{Document(chosen)};
}

void tandem_yjs_doc_free(tandem_yjs_doc* doc) noexcept { delete doc; }

int tandem_yjs_begin(tandem_yjs_doc* doc, uint64_t origin) noexcept {
    if (doc->document.last_transaction().is_open) return number_of(ErrorCode::invalid_argument);
    doc->document.begin(origin);
    return 0;
}

int tandem_yjs_commit(tandem_yjs_doc* doc) noexcept {
    if (!doc->document.last_transaction().is_open) return number_of(ErrorCode::invalid_argument);
    doc->document.commit();
    return 0;
}

int tandem_yjs_last_update(tandem_yjs_doc* doc, int encoding, tandem_yjs_bytes* out) noexcept {
    *out = {nullptr, 0};
    const auto chosen = encoding_of(encoding);
    if (!chosen || doc->document.last_transaction().is_open)
        return number_of(ErrorCode::invalid_argument);
    Buffer update;
    doc->document.write_last_update(update, *chosen);
    return give(update.view(), out);
}

int tandem_yjs_commit_clean_up(tandem_yjs_doc* doc) noexcept {
    if (doc->document.last_transaction().is_open) return 0;
    return doc->document.commit_clean_up() ? 1 : 0;
}

int tandem_yjs_apply(tandem_yjs_doc* doc, tandem_yjs_view update, int encoding,
                     uint64_t origin) noexcept {
    const auto chosen = encoding_of(encoding);
    if (!chosen) return number_of(ErrorCode::invalid_argument);
    return answer(doc->document.apply(text_of_view(update), *chosen, origin));
}

int tandem_yjs_encode(const tandem_yjs_doc* doc, tandem_yjs_view state_vector, int encoding,
                      tandem_yjs_bytes* out) noexcept {
    *out = {nullptr, 0};
    const auto chosen = encoding_of(encoding);
    if (!chosen) return number_of(ErrorCode::invalid_argument);
    StateVector since;
    if (state_vector.size > 0) {
        auto read = decode_state_vector(text_of_view(state_vector));
        if (!read) return number_of(read.error().code);
        since = *std::move(read);
    }
    return give(doc->document.encode(since, *chosen), out);
}

int tandem_yjs_state_vector(const tandem_yjs_doc* doc, tandem_yjs_bytes* out) noexcept {
    return give(encode_state_vector(doc->document.state_vector()), out);
}

int tandem_yjs_merge_updates(const tandem_yjs_view* updates, size_t count, int encoding,
                             tandem_yjs_bytes* out) noexcept {
    *out = {nullptr, 0};
    const auto chosen = encoding_of(encoding);
    if (!chosen) return number_of(ErrorCode::invalid_argument);
    std::vector<std::string_view> views;
    for (size_t i = 0; i < count; ++i)
        views.push_back(text_of_view(updates[i]));
    return give_result(merge_updates(views, *chosen), out);
}

int tandem_yjs_diff_update(tandem_yjs_view update, tandem_yjs_view state_vector, int encoding,
                           tandem_yjs_bytes* out) noexcept {
    *out = {nullptr, 0};
    const auto chosen = encoding_of(encoding);
    auto since = decode_state_vector(text_of_view(state_vector));
    if (!chosen) return number_of(ErrorCode::invalid_argument);
    if (!since) return number_of(since.error().code);
    return give_result(diff_update(text_of_view(update), *since, *chosen), out);
}

int tandem_yjs_state_vector_of_update(tandem_yjs_view update, int encoding,
                                      tandem_yjs_bytes* out) noexcept {
    *out = {nullptr, 0};
    const auto chosen = encoding_of(encoding);
    if (!chosen) return number_of(ErrorCode::invalid_argument);
    const auto vector = state_vector_of_update(text_of_view(update), *chosen);
    if (!vector) return number_of(vector.error().code);
    return give(encode_state_vector(*vector), out);
}

int tandem_yjs_convert_update(tandem_yjs_view update, int from, int to,
                              tandem_yjs_bytes* out) noexcept {
    *out = {nullptr, 0};
    const auto source = encoding_of(from);
    const auto target = encoding_of(to);
    if (!source || !target) return number_of(ErrorCode::invalid_argument);
    return give_result(convert_update(text_of_view(update), *source, *target), out);
}

tandem_yjs_type tandem_yjs_root(tandem_yjs_doc* doc, tandem_yjs_view name, int kind) noexcept {
    const auto known = type_kind_of(kind);
    return known ? doc->document.root(text_of_view(name), *known) : 0;
}

tandem_yjs_type tandem_yjs_child_at(const tandem_yjs_doc* doc, tandem_yjs_type list,
                                    uint32_t position) noexcept {
    return has_type(doc, list) ? child_at(doc->document.store(), list, position) : 0;
}

tandem_yjs_type tandem_yjs_child_of(const tandem_yjs_doc* doc, tandem_yjs_type map,
                                    tandem_yjs_view key) noexcept {
    return has_type(doc, map) ? child_of(doc->document.store(), map, text_of_view(key)) : 0;
}

uint32_t tandem_yjs_length(const tandem_yjs_doc* doc, tandem_yjs_type type) noexcept {
    return has_type(doc, type) ? doc->document.store().branch(type).length : 0;
}

int tandem_yjs_json(const tandem_yjs_doc* doc, tandem_yjs_type type,
                    tandem_yjs_bytes* out) noexcept {
    return show_type(doc, type, out,
                     [&](const Store& store, std::string& to) { append_json(store, type, to); });
}

int tandem_yjs_delta(const tandem_yjs_doc* doc, tandem_yjs_type text,
                     tandem_yjs_bytes* out) noexcept {
    return show_type(doc, text, out,
                     [&](const Store& store, std::string& to) { append_delta(store, text, to); });
}

int tandem_yjs_xml(const tandem_yjs_doc* doc, tandem_yjs_type type,
                   tandem_yjs_bytes* out) noexcept {
    return show_type(doc, type, out,
                     [&](const Store& store, std::string& to) { append_xml(store, type, to); });
}

int tandem_yjs_text_insert(tandem_yjs_doc* doc, tandem_yjs_type text, uint32_t position,
                           tandem_yjs_view utf8, tandem_yjs_view formats) noexcept {
    return change_type(doc, text, [&](Document& document) -> Status {
        if (formats.data == nullptr)
            return document.insert_text(text, position, text_of_view(utf8));
        TANDEM_TRY(const Attributes attributes, attributes_of_view(formats));
        return document.insert_text(text, position, text_of_view(utf8), attributes);
    });
}

int tandem_yjs_text_insert_embed(tandem_yjs_doc* doc, tandem_yjs_type text, uint32_t position,
                                 tandem_yjs_view json, tandem_yjs_view formats) noexcept {
    return change_type(doc, text, [&](Document& document) -> Status {
        TANDEM_TRY(const std::string any, any_of_view(json));
        Attributes attributes;
        if (formats.data != nullptr) {
            TANDEM_TRY(attributes, attributes_of_view(formats));
        }
        return document.insert_embed(text, position, any, attributes);
    });
}

int tandem_yjs_text_format(tandem_yjs_doc* doc, tandem_yjs_type text, uint32_t position,
                           uint32_t len, tandem_yjs_view formats) noexcept {
    return change_type(doc, text, [&](Document& document) -> Status {
        TANDEM_TRY(const Attributes attributes, attributes_of_view(formats));
        return document.format_text(text, position, len, attributes);
    });
}

int tandem_yjs_text_delete(tandem_yjs_doc* doc, tandem_yjs_type text, uint32_t position,
                           uint32_t len) noexcept {
    return change_type(
        doc, text, [&](Document& document) { return document.delete_text(text, position, len); });
}

int tandem_yjs_list_insert(tandem_yjs_doc* doc, tandem_yjs_type list, uint32_t position,
                           tandem_yjs_view json) noexcept {
    return change_type(doc, list, [&](Document& document) -> Status {
        TANDEM_TRY(const std::string any, any_of_view(json));
        return document.insert_values(list, position, any);
    });
}

int tandem_yjs_list_insert_type(tandem_yjs_doc* doc, tandem_yjs_type list, uint32_t position,
                                int kind, tandem_yjs_view name, tandem_yjs_type* made) noexcept {
    const auto content = content_of_type(kind, name);
    if (!content) return number_of(ErrorCode::invalid_argument);
    return change_type(doc, list, [&](Document& document) -> Status {
        TANDEM_TRY(const BranchIndex inserted, document.insert_content(list, position, *content));
        if (made != nullptr) *made = inserted;
        return {};
    });
}

int tandem_yjs_list_delete(tandem_yjs_doc* doc, tandem_yjs_type list, uint32_t position,
                           uint32_t len) noexcept {
    return change_type(
        doc, list, [&](Document& document) { return document.delete_values(list, position, len); });
}

int tandem_yjs_map_set(tandem_yjs_doc* doc, tandem_yjs_type map, tandem_yjs_view key,
                       tandem_yjs_view json) noexcept {
    return change_type(doc, map, [&](Document& document) -> Status {
        TANDEM_TRY(const std::string any, any_of_view(json));
        document.set_value(map, text_of_view(key), any);
        return {};
    });
}

int tandem_yjs_map_set_type(tandem_yjs_doc* doc, tandem_yjs_type map, tandem_yjs_view key, int kind,
                            tandem_yjs_view name, tandem_yjs_type* made) noexcept {
    const auto content = content_of_type(kind, name);
    if (!content) return number_of(ErrorCode::invalid_argument);
    return change_type(doc, map, [&](Document& document) -> Status {
        const BranchIndex set = document.set_content(map, text_of_view(key), *content);
        if (made != nullptr) *made = set;
        return {};
    });
}

int tandem_yjs_map_delete(tandem_yjs_doc* doc, tandem_yjs_type map, tandem_yjs_view key) noexcept {
    return change_type(doc, map, [&](Document& document) -> Status {
        document.delete_key(map, text_of_view(key));
        return {};
    });
}

int tandem_yjs_observe(tandem_yjs_doc* doc, tandem_yjs_type type, int is_deep) noexcept {
    if (!has_type(doc, type)) return number_of(ErrorCode::not_found);
    if (is_deep != 0) {
        doc->document.observe_deep(type);
    } else {
        doc->document.observe(type);
    }
    return 0;
}

int tandem_yjs_unobserve(tandem_yjs_doc* doc, tandem_yjs_type type, int is_deep) noexcept {
    if (!has_type(doc, type)) return number_of(ErrorCode::not_found);
    if (is_deep != 0) {
        doc->document.unobserve_deep(type);
    } else {
        doc->document.unobserve(type);
    }
    return 0;
}

int tandem_yjs_events(const tandem_yjs_doc* doc, tandem_yjs_bytes* out) noexcept {
    const Events& events = doc->document.events();
    std::string json = "[";
    for (const Notice& notice : events.notices) {
        if (json.size() > 1) json += ',';
        json += "{\"type\":" + std::to_string(notice.observed) +
                (notice.is_deep ? ",\"deep\":true,\"events\":[" : ",\"deep\":false,\"events\":[");
        for (const Notice::Seen& seen : notice.seen) {
            if (&seen != &notice.seen[0]) json += ',';
            append_event_json(events.events[seen.event], seen.path, json);
        }
        json += "]}";
    }
    json += ']';
    return give(json, out);
}

int tandem_yjs_position(const tandem_yjs_doc* doc, tandem_yjs_type list, uint32_t index,
                        int64_t assoc, tandem_yjs_bytes* out) noexcept {
    *out = {nullptr, 0};
    if (!has_type(doc, list)) return number_of(ErrorCode::not_found);
    return give(
        encode_relative_position(relative_position(doc->document.store(), list, index, assoc)),
        out);
}

int tandem_yjs_resolve_position(tandem_yjs_doc* doc, tandem_yjs_view position,
                                tandem_yjs_type* list, uint32_t* index) noexcept {
    const auto read = decode_relative_position(text_of_view(position));
    if (!read) return number_of(read.error().code);
    const auto found = absolute_position(doc->document, *read);
    if (!found) return number_of(ErrorCode::not_found);
    *list = found->list;
    *index = found->index;
    return 0;
}

int tandem_yjs_snapshot(const tandem_yjs_doc* doc, int encoding, tandem_yjs_bytes* out) noexcept {
    *out = {nullptr, 0};
    const auto chosen = encoding_of(encoding);
    if (!chosen) return number_of(ErrorCode::invalid_argument);
    return give(encode_snapshot(snapshot_of(doc->document.store()), *chosen), out);
}

int tandem_yjs_state_at(tandem_yjs_doc* doc, tandem_yjs_view snapshot, int encoding,
                        tandem_yjs_bytes* out) noexcept {
    *out = {nullptr, 0};
    const auto chosen = encoding_of(encoding);
    if (!chosen || doc->document.last_transaction().is_open)
        return number_of(ErrorCode::invalid_argument);
    const auto read = decode_snapshot(text_of_view(snapshot), *chosen);
    if (!read) return number_of(read.error().code);
    return give_result(doc->document.state_at(*read), out);
}

int tandem_yjs_delta_between(const tandem_yjs_doc* doc, tandem_yjs_type text, tandem_yjs_view now,
                             tandem_yjs_view before, tandem_yjs_bytes* out) noexcept {
    const auto first = snapshot_of_view(now);
    const auto second = snapshot_of_view(before);
    *out = {nullptr, 0};
    if (!first) return number_of(first.error().code);
    if (!second) return number_of(second.error().code);
    return show_type(doc, text, out, [&](const Store& store, std::string& to) {
        append_delta_between(store, text, first->has_value() ? &**first : nullptr,
                             second->has_value() ? &**second : nullptr, to);
    });
}

tandem_yjs_undo* tandem_yjs_undo_new(tandem_yjs_doc* doc,
                                     const tandem_yjs_undo_options* options) noexcept {
    tandem_yjs_undo_options given = {};
    std::memcpy(&given, options, std::min(options->size, sizeof(given)));
    if (given.now_ms == nullptr) return nullptr;
    UndoOptions chosen;
    chosen.capture_timeout_ms = given.capture_timeout_ms;
    chosen.now_ms = [now_ms = given.now_ms, user = given.user] { return now_ms(user); };
    if (given.origin_count > 0)
        chosen.tracked_origins.assign(given.origins, given.origins + given.origin_count);
    for (size_t i = 0; i < given.scope_count; ++i) {
        if (!has_type(doc, given.scope[i])) return nullptr;
    }
    return new tandem_yjs_undo{UndoManager(
        doc->document, std::vector<BranchIndex>(given.scope, given.scope + given.scope_count),
        std::move(chosen))};
}

void tandem_yjs_undo_free(tandem_yjs_undo* undo) noexcept { delete undo; }

int tandem_yjs_undo_undo(tandem_yjs_undo* undo) noexcept {
    return undo->manager.undo().has_value() ? 1 : 0;
}

int tandem_yjs_undo_redo(tandem_yjs_undo* undo) noexcept {
    return undo->manager.redo().has_value() ? 1 : 0;
}

int tandem_yjs_undo_can_undo(const tandem_yjs_undo* undo) noexcept {
    return undo->manager.can_undo() ? 1 : 0;
}

int tandem_yjs_undo_can_redo(const tandem_yjs_undo* undo) noexcept {
    return undo->manager.can_redo() ? 1 : 0;
}

void tandem_yjs_undo_stop_capturing(tandem_yjs_undo* undo) noexcept {
    undo->manager.stop_capturing();
}

void tandem_yjs_undo_clear(tandem_yjs_undo* undo) noexcept { undo->manager.clear(); }

}  // extern "C"
