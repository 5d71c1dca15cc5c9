#include "yjs/json_edits.hpp"

#include <algorithm>
#include <string>

#include "yjs/any.hpp"
#include "yjs/edit_faults.hpp"
#include "yjs/reading.hpp"
#include "yjs/utf16.hpp"

namespace tandem::yjs {

using base::ErrorCode;
using base::Value;

namespace {

uint32_t count_in(const Value& object, std::string_view name) {
    return static_cast<uint32_t>(object.find(name)->as_integer());
}

base::Result<std::string> any_of(const Value& value) {
    Buffer any;
    TANDEM_CHECK(append_any_of_json(base::to_json(value), any));
    return any.str();
}

base::Result<Attributes> read_attributes(const Value* object) {
    Attributes out;
    if (object == nullptr) return out;
    for (const base::Member& member : object->as_object()) {
        TANDEM_TRY(std::string any, any_of(member.value));
        out.push_back({member.key, std::move(any)});
    }
    return out;
}

Content type_content(TypeKind kind, std::string_view name = {}) {
    Content content;
    content.kind = Kind::type;
    content.type = kind;
    content.name = name;
    content.len = 1;
    return content;
}

// Of edits without a fault of form, so what members there are and of what kind is known.
class Editing {
  public:
    Editing(Document& document, BranchIndex root) : document_(document), root_(root) {}

    base::Status apply(const Value& edit) {
        const base::Member& member = edit.as_object().front();
        const Value& body = member.value;
        TANDEM_TRY(branch_, type_at(body.find("path")));
        if (member.key == "append") return append(body);
        if (member.key == "delta") return apply_delta(body);
        if (member.key == "set") return set(body);
        if (member.key == "remove") return remove(body);
        at_ = count_in(body, "index");
        if (member.key == "insert") return insert(body);
        const uint32_t length = count_in(body, "length");
        if (member.key == "delete" && is_list())
            return document_.delete_values(branch_, at_, length);
        TANDEM_CHECK(want_text());
        return member.key == "delete" ? document_.delete_text(branch_, at_, length)
                                      : format(length, *body.find("attributes"));
    }
    EditedPlace place() const { return {branch_, at_}; }

  private:
    enum class Formats : uint8_t { inherited, exact };

    const Store& store() const { return document_.store(); }
    TypeKind kind() const {
        const TypeKind known = store().branch(branch_).kind;
        return known == TypeKind::unknown ? shown_kind(store(), branch_) : known;
    }
    bool is_list() const {
        return kind() == TypeKind::array || kind() == TypeKind::xml_fragment ||
               kind() == TypeKind::xml_element;
    }
    base::Status want_text() const {
        if (kind() == TypeKind::text || kind() == TypeKind::xml_text) return {};
        return base::fail(ErrorCode::wrong_type);
    }

    base::Result<BranchIndex> type_at(const Value* path) const {
        BranchIndex at = root_;
        if (path == nullptr) return at;
        for (const Value& step : path->as_array()) {
            at = step.is_string() ? child_of(store(), at, step.as_string())
                                  : child_at(store(), at, static_cast<uint32_t>(step.as_integer()));
            if (at == 0) return base::fail(ErrorCode::not_found);
        }
        return at;
    }

    // Texts.

    base::Status insert_text(std::string_view text, const Value* attributes, Formats formats) {
        TANDEM_CHECK(want_text());
        if (text.empty()) return {};
        const uint32_t length = static_cast<uint32_t>(utf16_length(text));
        if (attributes == nullptr && formats == Formats::inherited) {
            TANDEM_CHECK(document_.insert_text(branch_, at_, text));
        } else {
            TANDEM_TRY(const Attributes wanted, read_attributes(attributes));
            TANDEM_CHECK(document_.insert_text(branch_, at_, text, wanted));
        }
        at_ += length;
        return {};
    }
    base::Status format(uint32_t length, const Value& attributes) {
        TANDEM_TRY(const Attributes wanted, read_attributes(&attributes));
        TANDEM_CHECK(document_.format_text(branch_, at_, length, wanted));
        at_ += length;
        return {};
    }
    base::Status append(const Value& body) {
        at_ = store().branch(branch_).length;
        if (body.is_string()) return insert_text(body.as_string(), nullptr, Formats::inherited);
        return insert_text(body.find("text")->as_string(), body.find("attributes"),
                           Formats::inherited);
    }
    base::Status apply_delta(const Value& body) {
        TANDEM_CHECK(want_text());
        at_ = 0;
        const Value& delta = body.is_array() ? body : *body.find("delta");
        for (const Value& part : delta.as_array())
            TANDEM_CHECK(apply_part(part));
        return {};
    }
    base::Status apply_part(const Value& part) {
        const Value* attributes = part.find("attributes");
        if (const Value* inserted = part.find("insert"); inserted != nullptr) {
            if (inserted->is_string())
                return insert_text(inserted->as_string(), attributes, Formats::exact);
            TANDEM_TRY(const Attributes wanted, read_attributes(attributes));
            TANDEM_TRY(const std::string any, any_of(*inserted));
            TANDEM_CHECK(document_.insert_embed(branch_, at_, any, wanted));
            ++at_;
            return {};
        }
        if (part.find("delete") != nullptr)
            return document_.delete_text(branch_, at_, count_in(part, "delete"));
        const uint32_t count = count_in(part, "retain");
        if (attributes != nullptr) return format(count, *attributes);
        const uint32_t length = store().branch(branch_).length;
        if (count > length - std::min(at_, length))
            return base::fail(ErrorCode::out_of_range, length);
        at_ += count;
        return {};
    }

    // Lists and XML.

    base::Status insert(const Value& body) {
        if (const Value* text = body.find("text"); text != nullptr)
            return insert_text(text->as_string(), body.find("attributes"), Formats::inherited);
        const Value* xml = body.find("xml");
        const Value* shared = body.find("shared");
        const bool is_xml = kind() == TypeKind::xml_fragment || kind() == TypeKind::xml_element;
        if (is_xml != (xml != nullptr) || !is_list()) return base::fail(ErrorCode::wrong_type);
        const Value& all = xml != nullptr      ? *xml
                           : shared != nullptr ? *shared
                                               : *body.find("values");
        const uint32_t length = store().branch(branch_).length;
        if (at_ > length) return base::fail(ErrorCode::out_of_range, length);
        for (const Value& one : all.as_array()) {
            if (is_xml) {
                TANDEM_CHECK(insert_xml(branch_, at_, one));
            } else {
                TANDEM_CHECK(insert_value(branch_, at_, one, shared != nullptr, 0));
            }
            ++at_;
        }
        return {};
    }
    base::Status insert_value(BranchIndex list, uint32_t at, const Value& value, bool is_shared,
                              size_t depth) {
        if (is_shared && has_shared_form(value, depth)) {
            TANDEM_TRY(const BranchIndex made,
                       document_.insert_content(list, at, type_content(shared_kind(value))));
            return fill(made, value, depth + 1);
        }
        TANDEM_TRY(const std::string any, any_of(value));
        return document_.insert_values(list, at, any);
    }
    base::Status insert_xml(BranchIndex parent, uint32_t at, const Value& node) {
        if (node.is_string()) {
            TANDEM_TRY(const BranchIndex made,
                       document_.insert_content(parent, at, type_content(TypeKind::xml_text)));
            return node.as_string().empty() ? base::Status()
                                            : document_.insert_text(made, 0, node.as_string());
        }
        const std::string& name = node.find("name")->as_string();
        TANDEM_TRY(const BranchIndex made,
                   document_.insert_content(parent, at, type_content(TypeKind::xml_element, name)));
        TANDEM_TRY(const Attributes attributes, read_attributes(node.find("attributes")));
        for (const Attribute& attribute : attributes)
            document_.set_value(made, attribute.name, attribute.value);
        const Value* children = node.find("children");
        if (children == nullptr) return {};
        uint32_t place = 0;
        for (const Value& child : children->as_array())
            TANDEM_CHECK(insert_xml(made, place++, child));
        return {};
    }

    // Maps.

    static bool has_shared_form(const Value& value, size_t depth) {
        return value.is_object() || value.is_array() || (value.is_string() && depth == 0);
    }
    static TypeKind shared_kind(const Value& value) {
        return value.is_object()  ? TypeKind::map
               : value.is_array() ? TypeKind::array
                                  : TypeKind::text;
    }
    base::Status fill(BranchIndex made, const Value& value, size_t depth) {
        if (value.is_string())
            return value.as_string().empty() ? base::Status()
                                             : document_.insert_text(made, 0, value.as_string());
        if (value.is_array()) {
            uint32_t at = 0;
            for (const Value& one : value.as_array())
                TANDEM_CHECK(insert_value(made, at++, one, true, depth));
            return {};
        }
        for (const base::Member& member : value.as_object())
            TANDEM_CHECK(set_value(made, member.key, member.value, true, depth));
        return {};
    }
    base::Status set_value(BranchIndex map, std::string_view key, const Value& value,
                           bool is_shared, size_t depth) {
        if (is_shared && has_shared_form(value, depth))
            return fill(document_.set_content(map, key, type_content(shared_kind(value))), value,
                        depth + 1);
        TANDEM_TRY(const std::string any, any_of(value));
        document_.set_value(map, key, any);
        return {};
    }
    base::Status want_map() const {
        if (kind() == TypeKind::map || kind() == TypeKind::xml_element) return {};
        return base::fail(ErrorCode::wrong_type);
    }
    base::Status set(const Value& body) {
        const Value* shared = body.find("shared");
        TANDEM_CHECK(want_map());
        return set_value(branch_, body.find("key")->as_string(),
                         shared != nullptr ? *shared : *body.find("value"), shared != nullptr, 0);
    }
    base::Status remove(const Value& body) {
        TANDEM_CHECK(want_map());
        document_.delete_key(branch_, body.find("key")->as_string());
        return {};
    }

    Document& document_;
    BranchIndex root_;
    BranchIndex branch_ = 0;
    uint32_t at_ = 0;
};

}  // namespace

base::Result<BranchIndex> find_root(Document& document, const RootName& name, TypeKind kind) {
    const Store& store = document.store();
    if (name) {
        if (const BranchIndex root = store.find_root(*name)) return root;
        if (kind == TypeKind::unknown) return base::fail(ErrorCode::not_found);
        return document.root(*name, kind);
    }
    if (store.roots().size() != 1) return base::fail(ErrorCode::not_found);
    return store.roots()[0];
}

TypeKind kind_for_edits(const Value& edits) {
    if (!edits.is_array()) return TypeKind::text;
    for (const Value& edit : edits.as_array()) {
        if (!edit.is_object() || edit.as_object().size() != 1) break;
        const base::Member& member = edit.as_object().front();
        // What a path leads to tells nothing but that there is something.
        if (member.value.find("path") != nullptr) continue;
        if (member.key == "set" || member.key == "remove") return TypeKind::map;
        if (member.key != "insert") break;
        if (member.value.find("xml") != nullptr) return TypeKind::xml_fragment;
        if (member.value.find("values") != nullptr || member.value.find("shared") != nullptr)
            return TypeKind::array;
        break;
    }
    return TypeKind::text;
}

base::Result<EditedPlace> apply_edits(Document& document, BranchIndex root, const Value& edits) {
    if (const auto fault = fault_of_edits(edits))
        return base::fail(ErrorCode::invalid_argument, fault->edit);
    Editing editing(document, root);
    uint64_t number = 0;
    for (const Value& one : edits.as_array()) {
        ++number;
        const auto applied = editing.apply(one);
        if (applied.ok()) continue;
        const ErrorCode code = applied.error().code;
        if (code == ErrorCode::out_of_range) return applied.error();
        if (code == ErrorCode::wrong_type || code == ErrorCode::not_found)
            return base::fail(code, number);
        return base::fail(ErrorCode::invalid_argument, number);
    }
    return editing.place();
}

}  // namespace tandem::yjs
