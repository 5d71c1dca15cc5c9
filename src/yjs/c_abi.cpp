#include <algorithm>

#include "yjs/c_abi_parts.hpp"
#include "yjs/reading.hpp"
#include "yjs/relative_position.hpp"

// The C interface: documents, updates and what they show. Changes and undo are in files beside it.

namespace {

using namespace tandem::yjs;
using namespace tandem::yjs::abi;

constexpr uint64_t kClientMax = (uint64_t{1} << 53) - 1;

template <class Bytes>
int give_result(const Result<Bytes>& result, tandem_yjs_bytes* out) {
    *out = {nullptr, 0};
    return result.ok() ? give(*result, out) : number_of(result.error().code);
}

template <class Show>
int show_type(const tandem_yjs_doc* doc, tandem_yjs_type type, Use use, tandem_yjs_bytes* out,
              Show&& show) {
    *out = {nullptr, 0};
    if (const Status may = check_use(doc, type, use); !may.ok()) return answer(may);
    std::string shown;
    show(doc->document.store(), shown);
    return give(shown, out);
}

Result<std::optional<Snapshot>> snapshot_of_view(tandem_yjs_view bytes) {
    if (bytes.data == nullptr) return std::optional<Snapshot>();
    TANDEM_TRY(Snapshot snapshot, decode_snapshot(text_of_view(bytes)));
    return std::optional<Snapshot>(std::move(snapshot));
}

int give_bytes(const Store& store, const Item& item, tandem_yjs_bytes* out) {
    if (item.kind != Kind::binary) return number_of(ErrorCode::wrong_type);
    return give(store.bytes_of(item), out);
}

void append_subdocuments(const std::vector<Subdocument>& list, std::string& json) {
    json += '[';
    for (const Subdocument& one : list) {
        json += (&one == &list.front() ? "{\"id\":" : ",{\"id\":") + std::to_string(one.item) +
                ",\"guid\":";
        tandem::base::append_json_string(json, one.guid);
        json += one.loads_itself ? ",\"autoLoad\":true" : ",\"autoLoad\":false";
        json += one.is_loaded ? ",\"loaded\":true}" : ",\"loaded\":false}";
    }
    json += ']';
}

}  // namespace

extern "C" {

uint32_t tandem_yjs_abi_version(void) noexcept { return TANDEM_YJS_ABI_VERSION; }

void tandem_yjs_free(tandem_yjs_bytes bytes) noexcept { std::free(bytes.data); }

tandem_yjs_doc* tandem_yjs_doc_new(const tandem_yjs_options* options) noexcept {
    const tandem_yjs_options given = given_options(options);
    if (options == nullptr || given.client > kClientMax) return nullptr;
    DocumentOptions chosen;
    chosen.client = given.client;
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
    const auto wanted = type_kind_of(kind);
    if (!wanted || !tandem::base::is_utf8(text_of_view(name))) return 0;
    const Store& store = doc->document.store();
    if (const BranchIndex known = store.find_root(text_of_view(name));
        known != 0 && store.branch(known).kind != TypeKind::unknown)
        return store.branch(known).kind == *wanted ? known : 0;
    return doc->document.root(text_of_view(name), *wanted);
}

tandem_yjs_type tandem_yjs_child_at(const tandem_yjs_doc* doc, tandem_yjs_type list,
                                    uint32_t position) noexcept {
    return check_use(doc, list, Use::list).ok() ? child_at(doc->document.store(), list, position)
                                                : 0;
}

tandem_yjs_type tandem_yjs_child_of(const tandem_yjs_doc* doc, tandem_yjs_type map,
                                    tandem_yjs_view key) noexcept {
    return check_use(doc, map, Use::map).ok()
               ? child_of(doc->document.store(), map, text_of_view(key))
               : 0;
}

uint32_t tandem_yjs_length(const tandem_yjs_doc* doc, tandem_yjs_type type) noexcept {
    return check_use(doc, type, Use::any).ok() ? doc->document.store().branch(type).length : 0;
}

int tandem_yjs_json(const tandem_yjs_doc* doc, tandem_yjs_type type,
                    tandem_yjs_bytes* out) noexcept {
    return show_type(doc, type, Use::any, out,
                     [&](const Store& store, std::string& to) { append_json(store, type, to); });
}

int tandem_yjs_delta(const tandem_yjs_doc* doc, tandem_yjs_type text,
                     tandem_yjs_bytes* out) noexcept {
    return show_type(doc, text, Use::text, out,
                     [&](const Store& store, std::string& to) { append_delta(store, text, to); });
}

int tandem_yjs_xml(const tandem_yjs_doc* doc, tandem_yjs_type type,
                   tandem_yjs_bytes* out) noexcept {
    return show_type(doc, type, Use::xml, out,
                     [&](const Store& store, std::string& to) { append_xml(store, type, to); });
}

int tandem_yjs_observe(tandem_yjs_doc* doc, tandem_yjs_type type, int is_deep) noexcept {
    if (const Status may = check_use(doc, type, Use::any); !may.ok()) return answer(may);
    if (is_deep != 0) {
        doc->document.observe_deep(type);
    } else {
        doc->document.observe(type);
    }
    return 0;
}

int tandem_yjs_unobserve(tandem_yjs_doc* doc, tandem_yjs_type type, int is_deep) noexcept {
    if (const Status may = check_use(doc, type, Use::any); !may.ok()) return answer(may);
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
    const bool is_text = check_use(doc, list, Use::text).ok();
    if (const Status may = check_use(doc, list, Use::list); !is_text && !may.ok())
        return answer(may);
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
                        int update_encoding, tandem_yjs_bytes* out) noexcept {
    *out = {nullptr, 0};
    const auto chosen = encoding_of(encoding);
    const auto written = encoding_of(update_encoding);
    if (!chosen || !written || doc->document.last_transaction().is_open)
        return number_of(ErrorCode::invalid_argument);
    const auto read = decode_snapshot(text_of_view(snapshot), *chosen);
    if (!read) return number_of(read.error().code);
    const auto state = doc->document.state_at(*read);
    if (!state || *written == Encoding::v1) return give_result(state, out);
    return give_result(convert_update(*state, Encoding::v1, Encoding::v2), out);
}

int tandem_yjs_delta_between(const tandem_yjs_doc* doc, tandem_yjs_type text, tandem_yjs_view now,
                             tandem_yjs_view before, tandem_yjs_bytes* out) noexcept {
    const auto first = snapshot_of_view(now);
    const auto second = snapshot_of_view(before);
    *out = {nullptr, 0};
    if (!first) return number_of(first.error().code);
    if (!second) return number_of(second.error().code);
    return show_type(doc, text, Use::text, out, [&](const Store& store, std::string& to) {
        append_delta_between(store, text, first->has_value() ? &**first : nullptr,
                             second->has_value() ? &**second : nullptr, to);
    });
}

int tandem_yjs_bytes_at(const tandem_yjs_doc* doc, tandem_yjs_type list, uint32_t position,
                        tandem_yjs_bytes* out) noexcept {
    *out = {nullptr, 0};
    if (const Status may = check_use(doc, list, Use::list); !may.ok()) return answer(may);
    const Store& store = doc->document.store();
    if (position >= store.branch(list).length) return number_of(ErrorCode::out_of_range);
    for (Handle at = store.branch(list).start; at != 0; at = store.item(at).right) {
        const Item& item = store.item(at);
        if (position < item.visible()) return give_bytes(store, item, out);
        position -= item.visible();
    }
    return number_of(ErrorCode::out_of_range);
}

int tandem_yjs_bytes_of(const tandem_yjs_doc* doc, tandem_yjs_type map, tandem_yjs_view key,
                        tandem_yjs_bytes* out) noexcept {
    *out = {nullptr, 0};
    if (const Status may = check_use(doc, map, Use::map); !may.ok()) return answer(may);
    const Store& store = doc->document.store();
    const uint32_t name = store.names().find(text_of_view(key));
    const Handle last = name == 0 ? 0 : store.branch(map).map_find(name);
    if (last == 0 || store.item(last).is_deleted()) return number_of(ErrorCode::not_found);
    return give_bytes(store, store.item(last), out);
}

int tandem_yjs_subdocs(const tandem_yjs_doc* doc, tandem_yjs_bytes* out) noexcept {
    std::string json;
    append_subdocuments(doc->document.subdocuments(), json);
    return give(json, out);
}

int tandem_yjs_subdoc_events(const tandem_yjs_doc* doc, tandem_yjs_bytes* out) noexcept {
    std::string json = "[";
    for (const SubdocumentEvent& event : doc->document.subdocument_events()) {
        json += json.size() > 1 ? ",{\"added\":" : "{\"added\":";
        append_subdocuments(event.added, json);
        json += ",\"removed\":";
        append_subdocuments(event.removed, json);
        json += ",\"loaded\":";
        append_subdocuments(event.loaded, json);
        json += '}';
    }
    return give(json + ']', out);
}

}  // extern "C"
