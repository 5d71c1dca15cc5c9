#include "hub/text_edits.hpp"

#include "yjs/json_edits.hpp"
#include "yjs/reading.hpp"
#include "yjs/relative_position.hpp"
#include "yjs/versions.hpp"

namespace tandem::hub {

using base::ErrorCode;
using yjs::BranchIndex;
using yjs::TypeKind;

base::Result<std::string> make_edit(yjs::RestingDocument& resting, TextEdit& edit) {
    if (!edit.restored.empty()) {
        auto update = yjs::revert_update(resting.state(), edit.restored, edit.client);
        if (!update) return base::fail(ErrorCode::storage_corrupt);
        return update;
    }
    yjs::DocumentOptions options;
    options.client = edit.client;
    yjs::Document document(options);
    if (!resting.load_into(document).ok()) return base::fail(ErrorCode::storage_corrupt);
    const TypeKind wanted = yjs::kind_for_edits(edit.edits);
    TANDEM_TRY(const BranchIndex root, yjs::find_root(document, edit.root, wanted));
    const TypeKind shown = yjs::shown_kind(document.store(), root);
    // So that the document knows it, too.
    const std::string name(document.store().names().at(document.store().branch(root).name));
    document.root(name, shown == TypeKind::unknown ? wanted : shown);
    document.begin();
    TANDEM_TRY(const yjs::EditedPlace place, yjs::apply_edits(document, root, edit.edits));
    document.commit();
    // Only in a text the place is one that an editor can show.
    const TypeKind edited = document.store().branch(place.branch).kind;
    if (edited == TypeKind::text || edited == TypeKind::xml_text)
        edit.cursor = yjs::relative_position_json(
            yjs::relative_position(document.store(), place.branch, place.position));
    yjs::Buffer update;
    if (!document.write_last_update(update)) return std::string();
    return update.str();
}

base::Result<ShownText> show_text(std::string_view state, const ReadText& request) {
    ShownText out;
    if (request.form == ReadText::Form::update) {
        out.bytes = state;
        out.content = ReplyContent::bytes;
        return out;
    }
    yjs::Document document;
    if (!document.apply(state).ok()) return base::fail(ErrorCode::storage_corrupt);
    const yjs::Store& store = document.store();
    if (const uint64_t most = yjs::repeated_format_bytes_max(state.size());
        request.form != ReadText::Form::text && yjs::repeated_format_bytes(store) > most)
        return base::fail(ErrorCode::too_large, most);
    const auto kind_of = [&](BranchIndex root) {
        return request.kind == TypeKind::unknown ? yjs::shown_kind(store, root) : request.kind;
    };
    if (request.form == ReadText::Form::json) {
        yjs::Few<BranchIndex> roots = store.roots();
        if (request.root) {
            TANDEM_TRY(const BranchIndex only,
                       yjs::find_root(document, request.root, TypeKind::unknown));
            roots.clear();
            roots.push_back(only);
        }
        out.bytes = "{";
        for (const BranchIndex root : roots) {
            if (out.bytes.size() > 1) out.bytes += ',';
            base::append_json_string(out.bytes, store.names().at(store.branch(root).name));
            out.bytes += ':';
            yjs::append_json(store, root, out.bytes, kind_of(root));
        }
        out.bytes += '}';
        return out;
    }
    TANDEM_TRY(const BranchIndex root, yjs::find_root(document, request.root, TypeKind::unknown));
    const TypeKind kind = kind_of(root);
    if (request.form == ReadText::Form::xml) {
        if (kind != TypeKind::xml_fragment) return base::fail(ErrorCode::wrong_type);
        out.content = ReplyContent::text;
        yjs::append_xml(store, root, out.bytes);
        return out;
    }
    if (kind != TypeKind::text) return base::fail(ErrorCode::wrong_type);
    if (request.form == ReadText::Form::delta) {
        yjs::append_delta(store, root, out.bytes);
    } else {
        out.content = ReplyContent::text;
        out.bytes = yjs::text_of(store, root);
    }
    return out;
}

}  // namespace tandem::hub
