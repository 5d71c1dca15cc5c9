#include <algorithm>

#include "yjs/c_abi_parts.hpp"

// The C interface: local changes.

namespace {

using namespace tandem::yjs;
using namespace tandem::yjs::abi;

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

// Makes a change in the open transaction, or in one of its own.
template <class Change>
int change_type(tandem_yjs_doc* doc, tandem_yjs_type type, Use use, Change&& change) {
    if (const Status may = check_use(doc, type, use); !may.ok()) return answer(may);
    Document& document = doc->document;
    const bool is_open = document.last_transaction().is_open;
    if (!is_open) document.begin();
    const Status done = change(document);
    if (!is_open) document.commit();
    return answer(done);
}

// The names that keys, elements and sub-documents have, are text.
bool is_text(tandem_yjs_view view) { return tandem::base::is_utf8(text_of_view(view)); }

Result<std::string_view> key_of(tandem_yjs_view key) {
    if (!is_text(key)) return ErrorCode::invalid_argument;
    return text_of_view(key);
}

std::optional<Content> content_of_type(int kind, tandem_yjs_view name) {
    const auto known = type_kind_of(kind);
    if (!known || !is_text(name)) return std::nullopt;
    Content content;
    content.kind = Kind::type;
    content.type = *known;
    content.len = 1;
    if (has_name(*known)) content.name = text_of_view(name);
    return content;
}

Content content_of_bytes(tandem_yjs_view bytes) {
    Content content;
    content.kind = Kind::binary;
    content.body = text_of_view(bytes);
    content.len = 1;
    return content;
}

Result<SubdocumentOptions> subdocument_of(const tandem_yjs_subdoc_options* options) {
    const tandem_yjs_subdoc_options given = given_options(options);
    if (given.guid.size == 0 || !is_text(given.guid)) return ErrorCode::invalid_argument;
    SubdocumentOptions chosen;
    chosen.guid = text_of_view(given.guid);
    chosen.collects = given.keeps_deleted == 0;
    chosen.loads_itself = given.loads_itself != 0;
    if (given.meta.data != nullptr) {
        TANDEM_TRY(chosen.meta, any_of_view(given.meta));
    }
    return chosen;
}

}  // namespace

extern "C" {

int tandem_yjs_text_insert(tandem_yjs_doc* doc, tandem_yjs_type text, uint32_t position,
                           tandem_yjs_view utf8, tandem_yjs_view formats) noexcept {
    return change_type(doc, text, Use::text, [&](Document& document) -> Status {
        if (formats.data == nullptr)
            return document.insert_text(text, position, text_of_view(utf8));
        TANDEM_TRY(const Attributes attributes, attributes_of_view(formats));
        return document.insert_text(text, position, text_of_view(utf8), attributes);
    });
}

int tandem_yjs_text_insert_embed(tandem_yjs_doc* doc, tandem_yjs_type text, uint32_t position,
                                 tandem_yjs_view json, tandem_yjs_view formats) noexcept {
    return change_type(doc, text, Use::text, [&](Document& document) -> Status {
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
    return change_type(doc, text, Use::text, [&](Document& document) -> Status {
        TANDEM_TRY(const Attributes attributes, attributes_of_view(formats));
        return document.format_text(text, position, len, attributes);
    });
}

int tandem_yjs_text_delete(tandem_yjs_doc* doc, tandem_yjs_type text, uint32_t position,
                           uint32_t len) noexcept {
    return change_type(doc, text, Use::text, [&](Document& document) {
        return document.delete_text(text, position, len);
    });
}

int tandem_yjs_list_insert(tandem_yjs_doc* doc, tandem_yjs_type list, uint32_t position,
                           tandem_yjs_view json) noexcept {
    return change_type(doc, list, Use::values, [&](Document& document) -> Status {
        TANDEM_TRY(const std::string any, any_of_view(json));
        return document.insert_values(list, position, any);
    });
}

int tandem_yjs_list_insert_type(tandem_yjs_doc* doc, tandem_yjs_type list, uint32_t position,
                                int kind, tandem_yjs_view name, tandem_yjs_type* made) noexcept {
    const auto content = content_of_type(kind, name);
    if (!content) return number_of(ErrorCode::invalid_argument);
    return change_type(doc, list, Use::list, [&](Document& document) -> Status {
        TANDEM_TRY(const BranchIndex inserted, document.insert_content(list, position, *content));
        if (made != nullptr) *made = inserted;
        return {};
    });
}

int tandem_yjs_list_delete(tandem_yjs_doc* doc, tandem_yjs_type list, uint32_t position,
                           uint32_t len) noexcept {
    return change_type(doc, list, Use::list, [&](Document& document) {
        return document.delete_values(list, position, len);
    });
}

int tandem_yjs_map_set(tandem_yjs_doc* doc, tandem_yjs_type map, tandem_yjs_view key,
                       tandem_yjs_view json) noexcept {
    return change_type(doc, map, Use::map, [&](Document& document) -> Status {
        TANDEM_TRY(const std::string any, any_of_view(json));
        TANDEM_TRY(const std::string_view name, key_of(key));
        document.set_value(map, name, any);
        return {};
    });
}

int tandem_yjs_map_set_type(tandem_yjs_doc* doc, tandem_yjs_type map, tandem_yjs_view key, int kind,
                            tandem_yjs_view name, tandem_yjs_type* made) noexcept {
    const auto content = content_of_type(kind, name);
    if (!content) return number_of(ErrorCode::invalid_argument);
    return change_type(doc, map, Use::map, [&](Document& document) -> Status {
        TANDEM_TRY(const std::string_view named, key_of(key));
        const BranchIndex set = document.set_content(map, named, *content);
        if (made != nullptr) *made = set;
        return {};
    });
}

int tandem_yjs_map_delete(tandem_yjs_doc* doc, tandem_yjs_type map, tandem_yjs_view key) noexcept {
    return change_type(doc, map, Use::map, [&](Document& document) -> Status {
        document.delete_key(map, text_of_view(key));
        return {};
    });
}

int tandem_yjs_list_insert_bytes(tandem_yjs_doc* doc, tandem_yjs_type list, uint32_t position,
                                 tandem_yjs_view bytes) noexcept {
    return change_type(doc, list, Use::values, [&](Document& document) -> Status {
        TANDEM_CHECK(document.insert_content(list, position, content_of_bytes(bytes)));
        return {};
    });
}

int tandem_yjs_map_set_bytes(tandem_yjs_doc* doc, tandem_yjs_type map, tandem_yjs_view key,
                             tandem_yjs_view bytes) noexcept {
    return change_type(doc, map, Use::map, [&](Document& document) -> Status {
        TANDEM_TRY(const std::string_view name, key_of(key));
        document.set_content(map, name, content_of_bytes(bytes));
        return {};
    });
}

int tandem_yjs_list_insert_subdoc(tandem_yjs_doc* doc, tandem_yjs_type list, uint32_t position,
                                  const tandem_yjs_subdoc_options* options) noexcept {
    return change_type(doc, list, Use::values, [&](Document& document) -> Status {
        TANDEM_TRY(const SubdocumentOptions chosen, subdocument_of(options));
        return document.insert_subdocument(list, position, chosen);
    });
}

int tandem_yjs_map_set_subdoc(tandem_yjs_doc* doc, tandem_yjs_type map, tandem_yjs_view key,
                              const tandem_yjs_subdoc_options* options) noexcept {
    return change_type(doc, map, Use::map, [&](Document& document) -> Status {
        TANDEM_TRY(const SubdocumentOptions chosen, subdocument_of(options));
        TANDEM_TRY(const std::string_view name, key_of(key));
        document.set_subdocument(map, name, chosen);
        return {};
    });
}

int tandem_yjs_subdoc_load(tandem_yjs_doc* doc, uint32_t subdoc) noexcept {
    if (doc->document.last_transaction().is_open) return number_of(ErrorCode::invalid_argument);
    return answer(doc->document.load_subdocument(subdoc));
}

int tandem_yjs_subdoc_destroy(tandem_yjs_doc* doc, uint32_t subdoc) noexcept {
    if (doc->document.last_transaction().is_open) return number_of(ErrorCode::invalid_argument);
    return answer(doc->document.destroy_subdocument(subdoc));
}

}  // extern "C"
