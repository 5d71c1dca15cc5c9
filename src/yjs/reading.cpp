#include "yjs/reading.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include "base/value.hpp"
#include "yjs/any.hpp"
#include "yjs/utf16.hpp"

namespace tandem::yjs {

namespace {

// Types nested deeper are shown as null: a peer could nest them until the stack ends.
constexpr int kShownDepthMax = 200;

using base::append_json_string;

struct Shown {
    Handle item;
    uint32_t offset;
};

// Visits the visible items of a list in their order.
template <class Visit>
void for_each_visible(const Store& store, BranchIndex list, Visit&& visit) {
    for (Handle at = store.branch(list).start; at != 0; at = store.item(at).right) {
        const Item& item = store.item(at);
        if (!item.is_deleted()) visit(item);
    }
}

Shown find_shown(const Store& store, BranchIndex list, uint32_t position) {
    for (Handle at = store.branch(list).start; at != 0; at = store.item(at).right) {
        const uint32_t visible = store.item(at).visible();
        if (position < visible) return {at, position};
        position -= visible;
    }
    return {0, 0};
}

class JsonWriter {
  public:
    JsonWriter(const Store& store, std::string& out) : store_(store), out_(out) {}

    void write(BranchIndex branch, TypeKind kind, int depth) {
        if (depth > kShownDepthMax) {
            out_ += "null";
            return;
        }
        switch (kind) {
            case TypeKind::text:
                append_json_string(out_, text_of(store_, branch));
                return;
            case TypeKind::xml_text:
            case TypeKind::xml_element:
            case TypeKind::xml_fragment: {
                std::string xml;
                append_xml(store_, branch, xml);
                append_json_string(out_, xml);
                return;
            }
            case TypeKind::array:
                write_list(branch, depth);
                return;
            case TypeKind::map:
            case TypeKind::xml_hook:
                write_map(branch, depth);
                return;
            case TypeKind::unknown:
                out_ += "null";
                return;
        }
    }

    // The values that an item shows, or the last of them alone.
    void write_values(const Item& item, bool only_last, int depth) {
        switch (item.kind) {
            case Kind::any:
            case Kind::json:
                each_any(store_.bytes_of(item), item.len, only_last, [&](std::string_view any) {
                    comma();
                    append_json_of_any(any, out_);
                });
                return;
            case Kind::string:
                // Text in a list or under a key, which only a strange update puts there, is a value
                // for each of its UTF-16 units, as in Yjs.
                each_unit(store_.bytes_of(item), only_last, [&](std::string_view unit) {
                    comma();
                    append_json_string(out_, unit);
                });
                return;
            case Kind::embed:
                comma();
                append_json_of_any(store_.bytes_of(item), out_);
                return;
            case Kind::binary: {
                std::string_view bytes = store_.bytes_of(item);
                comma();
                out_ += '[';
                for (size_t i = 0; i < bytes.size(); ++i) {
                    if (i > 0) out_ += ',';
                    out_ += std::to_string(static_cast<uint8_t>(bytes[i]));
                }
                out_ += ']';
                return;
            }
            case Kind::type: {
                comma();
                write(item.content, store_.branch(item.content).kind, depth + 1);
                is_first_ = false;
                return;
            }
            case Kind::doc: {
                comma();
                out_ += "{\"guid\":";
                append_json_string(out_, store_.content_of(item).name);
                out_ += '}';
                return;
            }
            case Kind::gc:
            case Kind::deleted:
            case Kind::format:
            case Kind::skip:
                return;
        }
    }

  private:
    void comma() {
        if (!is_first_) out_ += ',';
        is_first_ = false;
    }

    void write_list(BranchIndex list, int depth) {
        out_ += '[';
        is_first_ = true;
        for_each_visible(store_, list, [&](const Item& item) { write_values(item, false, depth); });
        is_first_ = false;
        out_ += ']';
    }

    void write_map(BranchIndex map, int depth) {
        out_ += '{';
        bool is_first_member = true;
        if (const auto& entries = store_.branch(map).map) {
            for (const MapEntries::Entry& entry : entries->entries()) {
                const Item& item = store_.item(entry.last);
                if (item.is_deleted()) continue;
                // JSON has no undefined.
                if (item.kind == Kind::any && store_.bytes_of(item).ends_with(kAnyUndefined) &&
                    store_.bytes_of(item).size() == item.len)
                    continue;
                // Nor is a mark of a format a value, which only a strange update puts here.
                if (item.kind == Kind::format) continue;
                if (!is_first_member) out_ += ',';
                is_first_member = false;
                append_json_string(out_, store_.names().at(entry.key));
                out_ += ':';
                is_first_ = true;
                write_values(item, true, depth);
            }
        }
        is_first_ = false;
        out_ += '}';
    }

    const Store& store_;
    std::string& out_;
    bool is_first_ = true;
};

// What JavaScript makes of a value in a string.
std::string as_string(std::string_view any) {
    Input in(any);
    const auto tag = static_cast<AnyTag>(in.u8());
    if (tag == AnyTag::string) return std::string(in.var_bytes());
    // An accident of Yjs, which a stock client shows as well.
    if (tag == AnyTag::object) return "[object Object]";
    std::string json;
    append_json_of_any(any, json);
    return json;
}

// One stretch of a text with the same formats.
struct Stretch {
    std::string insert_json;
    std::string text;
    BranchIndex type = 0;
    std::vector<std::pair<uint32_t, std::string>> formats;
};

std::vector<Stretch> stretches_of(const Store& store, BranchIndex text) {
    std::vector<Stretch> stretches;
    std::vector<std::pair<uint32_t, std::string>> formats;
    std::string run;
    auto pack = [&] {
        if (run.empty()) return;
        Stretch stretch;
        append_json_string(stretch.insert_json, run);
        stretch.text = std::move(run);
        stretch.formats = formats;
        stretches.push_back(std::move(stretch));
        run.clear();
    };
    for_each_visible(store, text, [&](const Item& item) {
        if (item.kind == Kind::string) {
            run += store.bytes_of(item);
        } else if (item.kind == Kind::embed || item.kind == Kind::type) {
            pack();
            Stretch stretch;
            stretch.formats = formats;
            if (item.kind == Kind::type) stretch.type = item.content;
            if (item.kind == Kind::embed) stretch.text = as_string(store.bytes_of(item));
            JsonWriter(store, stretch.insert_json).write_values(item, false, 0);
            stretches.push_back(std::move(stretch));
        } else if (item.kind == Kind::format) {
            pack();
            const uint32_t name = store.format_name(item);
            const std::string value(store.format_value(item));
            auto known = std::find_if(formats.begin(), formats.end(),
                                      [&](const auto& format) { return format.first == name; });
            if (value == kAnyNull) {
                if (known != formats.end()) formats.erase(known);
            } else if (known != formats.end()) {
                known->second = value;
            } else {
                formats.push_back({name, value});
            }
        }
    });
    pack();
    return stretches;
}

class XmlWriter {
  public:
    XmlWriter(const Store& store, std::string& out) : store_(store), out_(out) {}

    void write(BranchIndex branch, int depth) {
        if (depth > kShownDepthMax) return;
        const Branch& type = store_.branch(branch);
        switch (type.kind) {
            case TypeKind::xml_element: {
                std::string name(store_.names().at(type.name));
                std::transform(name.begin(), name.end(), name.begin(), [](char c) {
                    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
                });
                out_ += '<' + name;
                write_attributes(type);
                out_ += '>';
                write_children(branch, depth);
                out_ += "</" + name + '>';
                return;
            }
            case TypeKind::xml_text:
            case TypeKind::text:
                write_text(branch);
                return;
            case TypeKind::xml_fragment:
            case TypeKind::unknown:
                write_children(branch, depth);
                return;
            case TypeKind::array:
            case TypeKind::map:
            case TypeKind::xml_hook:
                return;
        }
    }

  private:
    void write_children(BranchIndex branch, int depth) {
        for_each_visible(store_, branch, [&](const Item& item) {
            if (item.kind == Kind::type) write(item.content, depth + 1);
        });
    }

    void write_attributes(const Branch& element) {
        if (!element.map) return;
        std::vector<std::pair<std::string, std::string>> attributes;
        for (const MapEntries::Entry& entry : element.map->entries()) {
            const Item& item = store_.item(entry.last);
            if (item.is_deleted() || item.kind != Kind::any) continue;
            Input in(store_.bytes_of(item));
            std::string_view value;
            for (uint32_t i = 0; i < item.len; ++i) {
                const char* from = in.position();
                skip_any(in);
                value = {from, static_cast<size_t>(in.position() - from)};
            }
            attributes.push_back({std::string(store_.names().at(entry.key)), as_string(value)});
        }
        std::sort(attributes.begin(), attributes.end());
        for (const auto& [name, value] : attributes)
            out_ += ' ' + name + "=\"" + value + '"';
    }

    void write_text(BranchIndex text) {
        for (const Stretch& stretch : stretches_of(store_, text)) {
            std::vector<std::pair<std::string, std::string>> elements;
            for (const auto& [name, value] : stretch.formats)
                elements.push_back({std::string(store_.names().at(name)), value});
            std::sort(elements.begin(), elements.end());
            for (const auto& [name, value] : elements) {
                out_ += '<' + name;
                write_members(value);
                out_ += '>';
            }
            out_ += stretch.text.empty() ? stretch.insert_json : stretch.text;
            for (auto at = elements.rbegin(); at != elements.rend(); ++at)
                out_ += "</" + at->first + '>';
        }
    }

    // The members of a format's value, as the attributes of its element.
    void write_members(std::string_view any) {
        Input in(any);
        std::vector<std::pair<std::string, std::string>> members;
        const auto tag = static_cast<AnyTag>(in.u8());
        if (tag == AnyTag::string) {
            // JavaScript goes through a string's units as if they were members, and so does Yjs.
            std::string_view text = in.var_bytes();
            for (size_t unit = 0; !text.empty(); ++unit) {
                Utf16Cut cut = utf16_cut(text, 1);
                std::string name = std::to_string(unit);
                members.push_back(
                    {name,
                     std::string(cut.splits_pair ? kReplacement : text.substr(0, cut.offset))});
                if (cut.splits_pair) {
                    members.push_back({std::to_string(++unit), std::string(kReplacement)});
                    cut.offset = 4;
                }
                text.remove_prefix(cut.offset);
            }
        } else if (tag != AnyTag::object) {
            return;
        }
        uint64_t count = tag == AnyTag::object ? in.var_uint() : 0;
        for (uint64_t i = 0; i < count && in.ok(); ++i) {
            std::string name(in.var_bytes());
            const char* from = in.position();
            skip_any(in);
            members.push_back({name, as_string({from, static_cast<size_t>(in.position() - from)})});
        }
        std::sort(members.begin(), members.end());
        for (const auto& [name, value] : members)
            out_ += ' ' + name + "=\"" + value + '"';
    }

    const Store& store_;
    std::string& out_;
};

}  // namespace

BranchIndex child_at(const Store& store, BranchIndex list, uint32_t position) {
    Handle handle = find_shown(store, list, position).item;
    if (handle == 0 || store.item(handle).kind != Kind::type) return 0;
    return store.item(handle).content;
}

BranchIndex child_of(const Store& store, BranchIndex map, std::string_view key) {
    uint32_t name = store.names().find(key);
    Handle handle = name == 0 ? 0 : store.branch(map).map_find(name);
    if (handle == 0) return 0;
    const Item& item = store.item(handle);
    return item.kind == Kind::type && !item.is_deleted() ? item.content : 0;
}

std::string text_of(const Store& store, BranchIndex text) {
    std::string out;
    for_each_visible(store, text, [&](const Item& item) {
        if (item.kind == Kind::string) out += store.bytes_of(item);
    });
    return out;
}

void append_json(const Store& store, BranchIndex branch, std::string& out, TypeKind kind) {
    TypeKind known = store.branch(branch).kind;
    JsonWriter(store, out).write(branch, known == TypeKind::unknown ? kind : known, 0);
}

TypeKind shown_kind(const Store& store, BranchIndex root) {
    const Branch& branch = store.branch(root);
    if (branch.kind != TypeKind::unknown) return branch.kind;
    if (branch.start == 0) return branch.map ? TypeKind::map : TypeKind::unknown;
    for (Handle at = branch.start; at != 0; at = store.item(at).right) {
        const Item& item = store.item(at);
        if (item.is_deleted()) continue;
        if (item.kind == Kind::string || item.kind == Kind::format || item.kind == Kind::embed)
            return TypeKind::text;
        if (item.kind != Kind::type) return TypeKind::array;
        const TypeKind held = store.branch(item.content).kind;
        return held == TypeKind::xml_element || held == TypeKind::xml_text ? TypeKind::xml_fragment
                                                                           : TypeKind::array;
    }
    return TypeKind::text;
}

uint64_t repeated_format_bytes(const Store& store) {
    // Punctuation, and the name a second time at the end of an element.
    constexpr uint64_t kPerFormat = 16;
    uint64_t total = 0;
    std::map<uint32_t, uint64_t> formats;
    for (BranchIndex list = 1; list < store.branches_limit(); ++list) {
        if (!store.has_branch(list) || !store.branch(list).has_formatting) continue;
        formats.clear();
        uint64_t now = 0;
        bool is_new = true;
        for_each_visible(store, list, [&](const Item& item) {
            if (item.kind != Kind::format) {
                // Text runs on until the formats change.
                if (is_new || item.kind != Kind::string) total += now;
                is_new = item.kind != Kind::string;
                return;
            }
            const uint32_t name = store.format_name(item);
            const std::string_view value = store.format_value(item);
            uint64_t& known = formats[name];
            now -= known;
            known = value == kAnyNull
                        ? 0
                        : kPerFormat + 2 * store.names().at(name).size() + value.size();
            now += known;
            is_new = true;
        });
    }
    return total;
}

void append_delta(const Store& store, BranchIndex text, std::string& out) {
    out += '[';
    bool is_first = true;
    for (const Stretch& stretch : stretches_of(store, text)) {
        if (!is_first) out += ',';
        is_first = false;
        out += "{\"insert\":" + stretch.insert_json;
        if (!stretch.formats.empty()) {
            out += ",\"attributes\":{";
            bool is_first_format = true;
            for (const auto& [name, value] : stretch.formats) {
                if (!is_first_format) out += ',';
                is_first_format = false;
                append_json_string(out, store.names().at(name));
                out += ':';
                append_json_of_any(value, out);
            }
            out += '}';
        }
        out += '}';
    }
    out += ']';
}

void append_item_json(const Store& store, const Item& item, std::string& out) {
    JsonWriter(store, out).write_values(item, false, 0);
}

void append_xml(const Store& store, BranchIndex branch, std::string& out) {
    XmlWriter(store, out).write(branch, 0);
}

}  // namespace tandem::yjs
