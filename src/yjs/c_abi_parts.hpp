#pragma once

#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.hpp"
#include "tandem/yjs.h"
#include "yjs/any.hpp"
#include "yjs/document.hpp"
#include "yjs/undo_manager.hpp"

/// What the files of the C interface have in common.

struct tandem_yjs_doc {
    tandem::yjs::Document document;
};

struct tandem_yjs_undo {
    tandem::yjs::UndoManager manager;
    std::optional<tandem::yjs::UndoManager::StackItem> popped;
};

namespace tandem::yjs::abi {

using base::ErrorCode;
using base::Result;
using base::Status;

inline int number_of(ErrorCode code) { return static_cast<int>(code); }
inline int answer(const Status& status) { return status.ok() ? 0 : number_of(status.error().code); }

inline std::string_view text_of_view(tandem_yjs_view view) { return {view.data, view.size}; }

inline int give(std::string_view bytes, tandem_yjs_bytes* out) {
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

/// A struct as its caller was compiled with it, without what that lacks; null is as if empty.
template <class Options>
Options given_options(const Options* options) {
    Options given = {};
    if (options != nullptr) std::memcpy(&given, options, std::min(options->size, sizeof(given)));
    return given;
}

inline std::optional<Encoding> encoding_of(int encoding) {
    if (encoding == TANDEM_YJS_V1) return Encoding::v1;
    if (encoding == TANDEM_YJS_V2) return Encoding::v2;
    return std::nullopt;
}

inline std::optional<TypeKind> type_kind_of(int kind) {
    if (kind < TANDEM_YJS_ARRAY || kind > TANDEM_YJS_XML_TEXT) return std::nullopt;
    return static_cast<TypeKind>(kind);
}

inline Result<std::string> any_of_view(tandem_yjs_view json) {
    Buffer out;
    TANDEM_CHECK(append_any_of_json(text_of_view(json), out));
    return out.str();
}

/// What a type is used as.
enum class Use : uint8_t { any, text, values, list, map, xml };

inline bool has_use(TypeKind kind, Use use) {
    const bool is_xml = kind == TypeKind::xml_fragment || kind == TypeKind::xml_element;
    switch (use) {
        case Use::any:
            return true;
        case Use::text:
            return kind == TypeKind::text || kind == TypeKind::xml_text;
        case Use::values:
            return kind == TypeKind::array;
        case Use::list:
            return kind == TypeKind::array || is_xml;
        case Use::map:
            return kind == TypeKind::map || kind == TypeKind::xml_hook ||
                   kind == TypeKind::xml_element;
        case Use::xml:
            return is_xml || kind == TypeKind::xml_text || kind == TypeKind::xml_hook;
    }
    return false;
}

/// Errors: `not_found` for none or one that is deleted, `wrong_type`.
inline Status check_use(const tandem_yjs_doc* doc, tandem_yjs_type type, Use use) {
    const Store& store = doc->document.store();
    if (!store.has_branch(type)) return ErrorCode::not_found;
    const Branch& branch = store.branch(type);
    if (!branch.is_root && store.item(branch.item).is_deleted()) return ErrorCode::not_found;
    if (!has_use(branch.kind, use)) return ErrorCode::wrong_type;
    return {};
}

}  // namespace tandem::yjs::abi
