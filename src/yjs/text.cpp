#include <algorithm>

#include "yjs/any.hpp"
#include "yjs/document.hpp"
#include "yjs/formats.hpp"
#include "yjs/utf16.hpp"

// Local changes of texts. Formats are zero-width marks in the list: one that begins a format holds
// its value, one that ends it null. Where they are put follows Yjs step by step, since every
// replica must come to the same marks.
namespace tandem::yjs {

namespace {

using Formats = std::vector<std::pair<uint32_t, std::string>>;

std::string_view value_of(const Formats& formats, uint32_t name) {
    for (const auto& [key, value] : formats) {
        if (key == name) return value;
    }
    return kAnyNull;
}

void drop(Formats& formats, uint32_t name) {
    std::erase_if(formats, [&](const auto& format) { return format.first == name; });
}

void put(Formats& formats, uint32_t name, std::string_view value) {
    for (auto& [key, known] : formats) {
        if (key == name) {
            known = value;
            return;
        }
    }
    formats.push_back({name, std::string(value)});
}

// What passing a mark does to the formats in force.
void pass(Formats& formats, uint32_t name, std::string_view value) {
    if (value == kAnyNull) {
        drop(formats, name);
    } else {
        put(formats, name, value);
    }
}

const std::string* value_in(const Document::Attributes& attributes, std::string_view name) {
    for (const auto& attribute : attributes) {
        if (attribute.name == name) return &attribute.value;
    }
    return nullptr;
}

void drop(Document::Attributes& attributes, std::string_view name) {
    std::erase_if(attributes, [&](const auto& attribute) { return attribute.name == name; });
}

void put(Document::Attributes& attributes, std::string_view name, std::string_view value) {
    for (auto& attribute : attributes) {
        if (attribute.name == name) {
            attribute.value = value;
            return;
        }
    }
    attributes.push_back({std::string(name), std::string(value)});
}

}  // namespace

Document::TextPlace Document::find_place(BranchIndex text, uint32_t position) {
    auto [left, right] = find_neighbours(text, position);
    TextPlace place{left, right, {}};
    if (left == 0 || !store_.branch(text).has_formatting) return place;
    auto take = [&](const Item& item) {
        if (item.kind == Kind::format && !item.is_deleted())
            pass(place.formats, store_.format_name(item), store_.format_value(item));
    };
    if (uint32_t number = store_.branch(text).positions) {
        std::vector<Handle> formats;
        store_.positions().at(number).formats_before(left, formats);
        for (Handle handle : formats)
            take(store_.item(handle));
        take(store_.item(left));
    } else {
        for (Handle at = store_.branch(text).start; at != right; at = store_.item(at).right)
            take(store_.item(at));
    }
    return place;
}

void Document::pass_format(TextPlace& place, const Item& format) {
    pass(place.formats, store_.format_name(format), store_.format_value(format));
}

void Document::advance(TextPlace& place) {
    const Item& item = store_.item(place.right);
    if (item.kind == Kind::format && !item.is_deleted()) pass_format(place, item);
    place.left = place.right;
    place.right = item.right;
}

void Document::skip_equal_formats(TextPlace& place, const Attributes& wanted) {
    while (place.right != 0) {
        const Item& item = store_.item(place.right);
        if (!item.is_deleted()) {
            if (item.kind != Kind::format) return;
            const std::string* value =
                value_in(wanted, store_.names().at(store_.format_name(item)));
            if (!equal_formats(value == nullptr ? kAnyNull : std::string_view(*value),
                               store_.format_value(item)))
                return;
        }
        advance(place);
    }
}

void Document::insert_mark(BranchIndex text, TextPlace& place, const Attribute& attribute) {
    Content mark;
    mark.kind = Kind::format;
    mark.len = 1;
    mark.name = attribute.name;
    mark.body = attribute.value;
    place.right = insert_local(text, 0, place.left, place.right, mark);
    advance(place);
}

// Begins the formats that are not in force; returns what ends them again.
Document::Attributes Document::insert_formats(BranchIndex text, TextPlace& place,
                                              const Attributes& wanted) {
    Attributes negated;
    for (const Attribute& attribute : wanted) {
        uint32_t name = store_.names().intern(attribute.name);
        std::string current(value_of(place.formats, name));
        if (equal_formats(current, attribute.value)) continue;
        put(negated, attribute.name, current);
        insert_mark(text, place, attribute);
    }
    return negated;
}

void Document::insert_negated(BranchIndex text, TextPlace& place, Attributes negated) {
    while (place.right != 0) {
        const Item& item = store_.item(place.right);
        if (!item.is_deleted()) {
            if (item.kind != Kind::format) break;
            std::string_view name = store_.names().at(store_.format_name(item));
            const std::string* value = value_in(negated, name);
            if (value == nullptr || !equal_formats(*value, store_.format_value(item))) break;
            drop(negated, std::string(name));
        }
        advance(place);
    }
    for (const Attribute& attribute : negated) {
        insert_mark(text, place, attribute);
    }
}

void Document::insert_formatted(BranchIndex text, TextPlace& place, const Content& content,
                                Attributes wanted) {
    for (const auto& [name, value] : place.formats) {
        std::string_view key = store_.names().at(name);
        if (value_in(wanted, key) == nullptr)
            wanted.push_back({std::string(key), std::string(kAnyNull)});
    }
    skip_equal_formats(place, wanted);
    Attributes negated = insert_formats(text, place, wanted);
    place.right = insert_local(text, 0, place.left, place.right, content);
    advance(place);
    insert_negated(text, place, std::move(negated));
}

base::Result<Content> Document::check_text(BranchIndex text, uint32_t position,
                                           std::string_view utf8) const {
    if (position > store_.branch(text).length)
        return base::fail(base::ErrorCode::out_of_range, store_.branch(text).length);
    const size_t units = utf16_length(utf8);
    if (units == kNotUtf8 || units > UINT32_MAX / 2)
        return base::fail(base::ErrorCode::invalid_argument);
    Content content;
    content.kind = Kind::string;
    content.len = static_cast<uint32_t>(units);
    content.body = utf8;
    return content;
}

base::Status Document::insert_text(BranchIndex text, uint32_t position, std::string_view utf8) {
    TANDEM_TRY(const Content content, check_text(text, position, utf8));
    if (content.len == 0) return {};
    if (store_.branch(text).has_formatting) {
        TextPlace place = find_place(text, position);
        Attributes current;
        for (const auto& [name, value] : place.formats)
            current.push_back({std::string(store_.names().at(name)), value});
        insert_formatted(text, place, content, std::move(current));
        return {};
    }
    auto [left, right] = find_neighbours(text, position);
    while (right != 0 && store_.item(right).is_deleted()) {
        left = right;
        right = store_.item(right).right;
    }
    if (!continue_typing(left, right, content)) insert_local(text, 0, left, right, content);
    return {};
}

// Typing at the end of what one typed last makes that item longer, which is what joining a new item
// with it would come to.
bool Document::continue_typing(Handle left, Handle right, const Content& content) {
    // Whoever looks at the transaction wants to see what is new as an item of its own.
    if (left == 0 || has_observers_) return false;
    if (store_.item(left).client != own()) return false;
    const Dot right_origin = right == 0 ? Dot{} : store_.dot_of(store_.item(right));
    return lengthen_text(left, right_origin, content.body, content.len);
}

// Adds text behind an item that is the last of its client, if what comes behind it there is where
// the item's `right_origin` is.
bool Document::lengthen_text(Handle left, const Dot& right_origin, std::string_view text,
                             uint32_t units) {
    Item& item = store_.item(left);
    Client& client = store_.clients()[item.client];
    if (item.kind != Kind::string || item.is_deleted() || item.end() != client.next_clock ||
        !item.is_in_list() || store_.right_origin(item) != right_origin)
        return false;
    Branch& branch = store_.branch(item.home);
    if (branch.item != 0 && store_.item(branch.item).is_deleted()) return false;
    if (!store_.extend_text(left, text, units)) return false;
    transaction_.touch(item.client, client.next_clock);
    client.next_clock += units;
    branch.length += units;
    if (branch.positions != 0)
        store_.positions().at(branch.positions).set_visible(left, item.len, false);
    transaction_.add_changed(item.home, 0);
    return true;
}

// Deletes clocks at an edge of a text whose neighbour there is deleted; see Store::shift_deleted.
bool Document::shift_deleted(ClientIndex client, IdRange range) {
    const Handle handle = store_.find(client, range.clock);
    const BranchIndex home = store_.item(handle).home;
    if (!options_.collects || !store_.shift_deleted(client, range)) return false;
    store_.branch(home).length -= range.len;
    transaction_.add_deleted(client, range);
    const Handle holder = store_.branch(home).item;
    if (holder == 0 ||
        (transaction_.is_older(store_.item(holder).client, store_.item(holder).clock) &&
         !store_.item(holder).is_deleted()))
        transaction_.add_changed(home, 0);
    return true;
}

// Deletes what lies at an edge of one item without cutting it; nobody must want to see the cut.
bool Document::delete_at_edge(BranchIndex text, uint32_t position, uint32_t len) {
    if (has_observers_ || has_undo() || store_.branch(text).has_formatting) return false;
    const Place place = find_unit(text, position);
    const Item& item = store_.item(place.item);
    return len <= item.len - place.offset &&
           shift_deleted(item.client, {item.clock + place.offset, len});
}

base::Status Document::insert_text(BranchIndex text, uint32_t position, std::string_view utf8,
                                   const Attributes& attributes) {
    TANDEM_TRY(const Content content, check_text(text, position, utf8));
    if (content.len == 0) return {};
    TextPlace place = find_place(text, position);
    insert_formatted(text, place, content, attributes);
    return {};
}

base::Status Document::insert_embed(BranchIndex text, uint32_t position, std::string_view any,
                                    const Attributes& attributes) {
    if (position > store_.branch(text).length)
        return base::fail(base::ErrorCode::out_of_range, store_.branch(text).length);
    TextPlace place = find_place(text, position);
    Content content;
    content.kind = Kind::embed;
    content.len = 1;
    content.body = any;
    insert_formatted(text, place, content, attributes);
    return {};
}

base::Status Document::delete_text(BranchIndex text, uint32_t position, uint32_t len) {
    const uint32_t length = store_.branch(text).length;
    if (position > length || len > length - position)
        return base::fail(base::ErrorCode::out_of_range, length);
    if (len == 0 || delete_at_edge(text, position, len)) return {};
    TextPlace place = find_place(text, position);
    const TextPlace start = place;
    while (len > 0 && place.right != 0) {
        const Item& item = store_.item(place.right);
        if (!item.is_deleted() && item.is_countable()) {
            if (len < item.len) split(place.right, len);
            len -= store_.item(place.right).len;
            delete_item(place.right);
        }
        advance(place);
    }
    if (start.right != 0 && store_.branch(text).has_formatting)
        clean_gap(start.right, place.right, start, place);
    return {};
}

// Deletes the marks of a gap that was emptied which no longer do anything: those that a later one
// overrides, and those whose value was in force before the gap.
void Document::clean_gap(Handle start, Handle current, const TextPlace& at_start,
                         TextPlace& at_current) {
    std::vector<std::pair<uint32_t, Handle>> last_marks;
    Handle end = start;
    for (; end != 0; end = store_.item(end).right) {
        const Item& item = store_.item(end);
        if (item.is_countable() && !item.is_deleted()) break;
        if (item.is_deleted() || item.kind != Kind::format) continue;
        uint32_t name = store_.format_name(item);
        std::erase_if(last_marks, [&](const auto& mark) { return mark.first == name; });
        last_marks.push_back({name, end});
    }
    bool has_reached_current = false;
    for (Handle at = start; at != end; at = store_.item(at).right) {
        if (at == current) has_reached_current = true;
        const Item& item = store_.item(at);
        if (item.is_deleted() || item.kind != Kind::format) continue;
        const uint32_t name = store_.format_name(item);
        const std::string value(store_.format_value(item));
        const std::string_view before = value_of(at_start.formats, name);
        const bool is_last = std::find(last_marks.begin(), last_marks.end(), std::pair(name, at)) !=
                             last_marks.end();
        if (!is_last || identical_formats(before, value)) {
            delete_item(at);
            if (!has_reached_current &&
                identical_formats(value_of(at_current.formats, name), value) &&
                !identical_formats(before, value))
                pass(at_current.formats, name, before);
        }
        if (!has_reached_current && !store_.item(at).is_deleted())
            pass(at_current.formats, name, value);
    }
}

base::Status Document::format_text(BranchIndex text, uint32_t position, uint32_t len,
                                   const Attributes& attributes) {
    const uint32_t length = store_.branch(text).length;
    if (position > length || len > length - position)
        return base::fail(base::ErrorCode::out_of_range, length);
    if (len == 0) return {};
    TextPlace place = find_place(text, position);
    if (place.right == 0) return {};
    skip_equal_formats(place, attributes);
    Attributes negated = insert_formats(text, place, attributes);
    while (place.right != 0) {
        const Item& item = store_.item(place.right);
        const bool is_gap = item.is_deleted() || item.kind == Kind::format;
        if (len == 0 && (negated.empty() || !is_gap)) break;
        if (!item.is_deleted()) {
            if (item.kind == Kind::format) {
                const std::string name(store_.names().at(store_.format_name(item)));
                const std::string value(store_.format_value(item));
                if (const std::string* wanted = value_in(attributes, name)) {
                    if (equal_formats(*wanted, value)) {
                        drop(negated, name);
                    } else {
                        if (len == 0) break;
                        put(negated, name, value);
                    }
                    delete_item(place.right);
                } else {
                    put(place.formats, store_.format_name(item), value);
                }
            } else {
                if (len < item.len) split(place.right, len);
                len -= store_.item(place.right).len;
            }
        }
        advance(place);
    }
    insert_negated(text, place, std::move(negated));
    return {};
}

}  // namespace tandem::yjs
