#include "hub/text_edits.hpp"

#include <algorithm>
#include <optional>

#include "base/limits.hpp"
#include "yjs/any.hpp"
#include "yjs/reading.hpp"
#include "yjs/relative_position.hpp"
#include "yjs/utf16.hpp"

namespace tandem::hub {

using base::ErrorCode;
using base::Value;
using yjs::BranchIndex;
using yjs::TypeKind;

namespace {

std::optional<uint32_t> count_in(const Value& object, std::string_view name) {
    const Value* member = object.find(name);
    if (member == nullptr || !member->is_integer() || member->as_integer() < 0 ||
        member->as_integer() > UINT32_MAX)
        return std::nullopt;
    return static_cast<uint32_t>(member->as_integer());
}

bool has_only(const Value& object, std::initializer_list<std::string_view> known) {
    return object.is_object() &&
           std::all_of(object.as_object().begin(), object.as_object().end(), [&](const auto& m) {
               return std::find(known.begin(), known.end(), m.key) != known.end();
           });
}

// The root that is asked for, or the only one.
base::Result<BranchIndex> root_of(yjs::Document& document, const std::string& name, TypeKind kind) {
    const yjs::Store& store = document.store();
    if (!name.empty()) {
        for (const BranchIndex root : store.roots())
            if (store.names().at(store.branch(root).name) == name) return root;
        if (kind == TypeKind::unknown) return base::fail(ErrorCode::not_found);
        return document.root(name, kind);
    }
    if (store.roots().size() != 1) return base::fail(ErrorCode::not_found);
    return store.roots().front();
}

class Editing {
  public:
    Editing(yjs::Document& document, BranchIndex root) : document_(document), root_(root) {}

    base::Status apply(const Value& edit) {
        const auto unknown = base::fail(ErrorCode::invalid_argument);
        if (!edit.is_object() || edit.as_object().size() != 1) return unknown;
        const base::Member& member = edit.as_object().front();
        if (member.key == "append") return append(member.value);
        if (member.key == "delta") return apply_delta(member.value);
        const Value& body = member.value;
        const auto index = count_in(body, "index");
        if (!index) return unknown;
        at_ = *index;
        if (member.key == "insert") {
            const Value* text = body.find("text");
            if (!has_only(body, {"index", "text", "attributes"}) || text == nullptr ||
                !text->is_string())
                return unknown;
            return insert(text->as_string(), body.find("attributes"), Formats::inherited);
        }
        const auto length = count_in(body, "length");
        if (!length) return unknown;
        if (member.key == "delete" && has_only(body, {"index", "length"}))
            return document_.delete_text(root_, at_, *length);
        const Value* attributes = body.find("attributes");
        if (member.key != "format" || attributes == nullptr ||
            !has_only(body, {"index", "length", "attributes"}))
            return unknown;
        return format(*length, *attributes);
    }
    uint32_t at() const { return at_; }

  private:
    enum class Formats : uint8_t { inherited, exact };

    static base::Result<yjs::Attributes> read_attributes(const Value& object) {
        if (!object.is_object()) return base::fail(ErrorCode::invalid_argument);
        yjs::Attributes out;
        for (const base::Member& member : object.as_object()) {
            TANDEM_TRY(std::string any, any_of(member.value));
            out.push_back({member.key, std::move(any)});
        }
        return out;
    }
    static base::Result<std::string> any_of(const Value& value) {
        yjs::Buffer any;
        TANDEM_CHECK(yjs::append_any_of_json(base::to_json(value), any));
        return any.str();
    }

    base::Status insert(std::string_view text, const Value* attributes, Formats formats) {
        if (text.empty()) return {};
        const uint32_t length = static_cast<uint32_t>(yjs::utf16_length(text));
        if (attributes == nullptr && formats == Formats::inherited) {
            TANDEM_CHECK(document_.insert_text(root_, at_, text));
        } else {
            yjs::Attributes wanted;
            if (attributes != nullptr) {
                TANDEM_TRY(wanted, read_attributes(*attributes));
            }
            TANDEM_CHECK(document_.insert_text(root_, at_, text, wanted));
        }
        at_ += length;
        return {};
    }
    base::Status format(uint32_t length, const Value& attributes) {
        TANDEM_TRY(const yjs::Attributes wanted, read_attributes(attributes));
        TANDEM_CHECK(document_.format_text(root_, at_, length, wanted));
        at_ += length;
        return {};
    }
    base::Status append(const Value& body) {
        at_ = document_.store().branch(root_).length;
        if (body.is_string()) return insert(body.as_string(), nullptr, Formats::inherited);
        const Value* text = body.find("text");
        if (!has_only(body, {"text", "attributes"}) || text == nullptr || !text->is_string())
            return base::fail(ErrorCode::invalid_argument);
        return insert(text->as_string(), body.find("attributes"), Formats::inherited);
    }
    base::Status apply_delta(const Value& delta) {
        if (!delta.is_array()) return base::fail(ErrorCode::invalid_argument);
        at_ = 0;
        for (const Value& part : delta.as_array())
            TANDEM_CHECK(apply_part(part));
        return {};
    }
    base::Status apply_part(const Value& part) {
        const auto unknown = base::fail(ErrorCode::invalid_argument);
        const Value* attributes = part.find("attributes");
        if (const Value* inserted = part.find("insert"); inserted != nullptr) {
            if (!has_only(part, {"insert", "attributes"})) return unknown;
            if (inserted->is_string())
                return insert(inserted->as_string(), attributes, Formats::exact);
            yjs::Attributes wanted;
            if (attributes != nullptr) {
                TANDEM_TRY(wanted, read_attributes(*attributes));
            }
            TANDEM_TRY(const std::string any, any_of(*inserted));
            TANDEM_CHECK(document_.insert_embed(root_, at_, any, wanted));
            ++at_;
            return {};
        }
        if (const auto count = count_in(part, "delete"); count && has_only(part, {"delete"}))
            return document_.delete_text(root_, at_, *count);
        const auto count = count_in(part, "retain");
        if (!count || !has_only(part, {"retain", "attributes"})) return unknown;
        if (attributes != nullptr) return format(*count, *attributes);
        const uint32_t length = document_.store().branch(root_).length;
        if (*count > length - std::min(at_, length))
            return base::fail(ErrorCode::out_of_range, length);
        at_ += *count;
        return {};
    }

    yjs::Document& document_;
    BranchIndex root_;
    uint32_t at_ = 0;
};

}  // namespace

base::Result<std::string> make_edit(yjs::RestingDocument& resting, TextEdit& edit) {
    yjs::DocumentOptions options;
    options.client = edit.client;
    yjs::Document document(options);
    if (!document.apply(resting.state()).ok()) return base::fail(ErrorCode::storage_corrupt);
    TANDEM_TRY(const BranchIndex root, root_of(document, edit.root, TypeKind::text));
    const TypeKind shown = yjs::shown_kind(document.store(), root);
    if (shown != TypeKind::text && shown != TypeKind::unknown)
        return base::fail(ErrorCode::wrong_type);
    // So that the document knows it, too.
    const std::string name(document.store().names().at(document.store().branch(root).name));
    document.root(name, TypeKind::text);
    document.begin();
    Editing editing(document, root);
    uint64_t number = 0;
    for (const Value& one : edit.edits.as_array()) {
        ++number;
        const auto applied = editing.apply(one);
        if (applied.ok()) continue;
        base::Error error = applied.error();
        if (error.code != ErrorCode::out_of_range)
            error = base::fail(ErrorCode::invalid_argument, number);
        return error;
    }
    document.commit();
    edit.cursor =
        yjs::relative_position_json(yjs::relative_position(document.store(), root, editing.at()));
    yjs::Buffer update;
    if (!document.write_last_update(update)) return std::string();
    return update.str();
}

base::Result<ShownText> show_text(yjs::RestingDocument& resting, const ReadText& request) {
    ShownText out;
    if (request.form == ReadText::Form::update) {
        out.bytes = resting.state();
        out.content = ReplyContent::bytes;
        return out;
    }
    yjs::Document document;
    if (!document.apply(resting.state()).ok()) return base::fail(ErrorCode::storage_corrupt);
    const yjs::Store& store = document.store();
    const auto kind_of = [&](BranchIndex root) {
        return request.kind == TypeKind::unknown ? yjs::shown_kind(store, root) : request.kind;
    };
    if (request.form == ReadText::Form::json) {
        std::vector<BranchIndex> roots = store.roots();
        if (!request.root.empty()) {
            TANDEM_TRY(const BranchIndex only, root_of(document, request.root, TypeKind::unknown));
            roots = {only};
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
    TANDEM_TRY(const BranchIndex root, root_of(document, request.root, TypeKind::unknown));
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
