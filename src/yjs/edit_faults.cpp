#include "yjs/edit_faults.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "yjs/json_edits.hpp"

namespace tandem::yjs {

using base::Value;

namespace {

using Fault = std::optional<std::string>;

constexpr std::string_view kKinds = "insert, delete, format, append, delta, set and remove";

std::string quoted(std::string_view name) { return '`' + std::string(name) + '`'; }

bool is_count(const Value& value) {
    return value.is_integer() && value.as_integer() >= 0 && value.as_integer() <= UINT32_MAX;
}

enum class Form : uint8_t { count, text, array, object, path, shared, anything };

std::string_view name_of(Form form) {
    switch (form) {
        case Form::count:
            return "a whole number from 0 to 4294967295";
        case Form::text:
            return "a string";
        case Form::array:
            return "an array";
        case Form::object:
            return "an object";
        case Form::path:
            return "an array of keys (strings) and positions (whole numbers from 0)";
        case Form::shared:
            return "an object, an array or a string, of which a shared type is made";
        case Form::anything:
            break;
    }
    return "any JSON value";
}

bool can_be_shared(const Value& value) {
    return value.is_object() || value.is_array() || value.is_string();
}

bool has_form(const Value& value, Form form) {
    switch (form) {
        case Form::count:
            return is_count(value);
        case Form::text:
            return value.is_string();
        case Form::array:
            return value.is_array();
        case Form::object:
            return value.is_object();
        case Form::path:
            return value.is_array() &&
                   std::all_of(value.as_array().begin(), value.as_array().end(),
                               [](const Value& v) { return v.is_string() || is_count(v); });
        case Form::shared:
            return can_be_shared(value);
        case Form::anything:
            break;
    }
    return true;
}

enum class Presence : uint8_t { required, optional };

struct MemberForm {
    std::string_view name;
    Form form;
    Presence presence = Presence::required;
};

using MemberForms = std::initializer_list<MemberForm>;

Fault fault_of_members(std::string_view owner, const Value& body, MemberForms forms) {
    if (!body.is_object()) return std::string(owner) + " is no object.";
    for (const MemberForm& form : forms) {
        const Value* member = body.find(form.name);
        if (member == nullptr) {
            if (form.presence == Presence::optional) continue;
            return std::string(owner) + " needs " + quoted(form.name) + ", " +
                   std::string(name_of(form.form)) + '.';
        }
        if (!has_form(*member, form.form))
            return quoted(form.name) + " of " + std::string(owner) + " must be " +
                   std::string(name_of(form.form)) + '.';
    }
    for (const base::Member& member : body.as_object())
        if (std::none_of(forms.begin(), forms.end(),
                         [&](const MemberForm& form) { return form.name == member.key; }))
            return std::string(owner) + " takes no " + quoted(member.key) + '.';
    return std::nullopt;
}

constexpr MemberForm kPath{"path", Form::path, Presence::optional};
constexpr MemberForm kAttributes{"attributes", Form::object, Presence::optional};

/// Of several members one.
Fault fault_of_choice(std::string_view owner, const Value& body,
                      std::initializer_list<std::string_view> names, std::string_view& chosen) {
    if (!body.is_object()) return std::string(owner) + " is no object.";
    std::string all;
    size_t count = 0;
    for (const std::string_view name : names) {
        all += (all.empty() ? "" : name == *(names.end() - 1) ? " or " : ", ") + quoted(name);
        if (body.find(name) == nullptr) continue;
        chosen = name;
        ++count;
    }
    if (count == 1) return std::nullopt;
    return std::string(owner) + " needs one of " + all + (count == 0 ? "." : ", and not two.");
}

Fault fault_of_depth(const Value& value, size_t depth) {
    if (!value.is_object() && !value.is_array()) return std::nullopt;
    if (depth >= kEditDepthMax)
        return "`shared` is nested deeper than " + std::to_string(kEditDepthMax) + " levels.";
    if (value.is_array()) {
        for (const Value& one : value.as_array())
            if (auto fault = fault_of_depth(one, depth + 1)) return fault;
        return std::nullopt;
    }
    for (const base::Member& member : value.as_object())
        if (auto fault = fault_of_depth(member.value, depth + 1)) return fault;
    return std::nullopt;
}

Fault fault_of_xml(const Value& node, size_t depth) {
    if (node.is_string()) return std::nullopt;
    if (!node.is_object()) return "A node of `xml` is no string and no object.";
    if (depth > kEditDepthMax)
        return "`xml` is nested deeper than " + std::to_string(kEditDepthMax) + " levels.";
    if (auto fault = fault_of_members(
            "an element of `xml`", node,
            {{"name", Form::text}, kAttributes, {"children", Form::array, Presence::optional}}))
        return fault;
    if (node.find("name")->as_string().empty()) return "An element of `xml` has an empty `name`.";
    const Value* children = node.find("children");
    if (children == nullptr) return std::nullopt;
    for (const Value& child : children->as_array())
        if (auto fault = fault_of_xml(child, depth + 1)) return fault;
    return std::nullopt;
}

Fault fault_of_insert(const Value& body) {
    std::string_view what;
    if (auto fault = fault_of_choice("insert", body, {"text", "values", "shared", "xml"}, what))
        return fault;
    const MemberForm index{"index", Form::count};
    if (what == "text")
        return fault_of_members("insert of text", body,
                                {index, {"text", Form::text}, kAttributes, kPath});
    if (auto fault = fault_of_members("insert of " + std::string(what), body,
                                      {index, {what, Form::array}, kPath}))
        return fault;
    for (const Value& one : body.find(what)->as_array()) {
        if (what == "shared" && !can_be_shared(one))
            return "Each of `shared` must be " + std::string(name_of(Form::shared)) +
                   "; plain values are inserted with `values`.";
        if (auto fault = what == "xml"      ? fault_of_xml(one, 0)
                         : what == "shared" ? fault_of_depth(one, 0)
                                            : std::nullopt)
            return fault;
    }
    return std::nullopt;
}

Fault fault_of_set(const Value& body) {
    std::string_view what;
    if (auto fault = fault_of_choice("set", body, {"value", "shared"}, what)) return fault;
    const Form form = what == "shared" ? Form::shared : Form::anything;
    if (auto fault = fault_of_members("set", body, {{"key", Form::text}, {what, form}, kPath}))
        return fault;
    return what == "shared" ? fault_of_depth(*body.find(what), 0) : std::nullopt;
}

Fault fault_of_delta(const Value& body) {
    if (!body.is_array())
        if (auto fault = fault_of_members("delta", body, {{"delta", Form::array}, kPath}))
            return fault;
    const Value& parts = body.is_array() ? body : *body.find("delta");
    for (const Value& part : parts.as_array()) {
        std::string_view what;
        if (auto fault =
                fault_of_choice("a step of delta", part, {"insert", "delete", "retain"}, what))
            return fault;
        const Form form = what == "insert" ? Form::anything : Form::count;
        const std::string owner = std::string(what) + " in delta";
        if (auto fault = what == "delete"
                             ? fault_of_members(owner, part, {{what, form}})
                             : fault_of_members(owner, part, {{what, form}, kAttributes}))
            return fault;
    }
    return std::nullopt;
}

Fault fault_of(const Value& edit) {
    const std::string form = " An edit is an object with one of " + std::string(kKinds) + '.';
    if (!edit.is_object()) return "It is no object." + form;
    if (edit.as_object().size() != 1)
        return (edit.as_object().empty() ? "It is empty." : "It has several members.") + form;
    const base::Member& member = edit.as_object().front();
    const Value& body = member.value;
    const MemberForm index{"index", Form::count};
    const MemberForm length{"length", Form::count};
    if (member.key == "insert") return fault_of_insert(body);
    if (member.key == "delete") return fault_of_members("delete", body, {index, length, kPath});
    if (member.key == "format")
        return fault_of_members("format", body,
                                {index, length, {"attributes", Form::object}, kPath});
    if (member.key == "append")
        return body.is_string() ? std::nullopt
                                : fault_of_members("append, which is a string or an object,", body,
                                                   {{"text", Form::text}, kAttributes, kPath});
    if (member.key == "delta") return fault_of_delta(body);
    if (member.key == "set") return fault_of_set(body);
    if (member.key == "remove")
        return fault_of_members("remove", body, {{"key", Form::text}, kPath});
    return "There is no edit " + quoted(member.key) + '.' + form;
}

}  // namespace

std::optional<EditFault> fault_of_edits(const Value& edits) {
    if (!edits.is_array()) return EditFault{0, "Edits are an array."};
    uint64_t number = 0;
    for (const Value& edit : edits.as_array()) {
        ++number;
        if (auto fault = fault_of(edit)) return EditFault{number, *std::move(fault)};
    }
    return std::nullopt;
}

}  // namespace tandem::yjs
