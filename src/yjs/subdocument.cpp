#include "yjs/subdocument.hpp"

#include <algorithm>

#include "yjs/any.hpp"
#include "yjs/document.hpp"

namespace tandem::yjs {

namespace {

// The options that travel with a sub-document, in the order in which Yjs writes them.
std::string any_of_options(const SubdocumentOptions& options) {
    Buffer out;
    out.u8(static_cast<uint8_t>(AnyTag::object));
    out.var_uint((options.collects ? 0u : 1u) + (options.loads_itself ? 1u : 0u) +
                 (options.meta.empty() ? 0u : 1u));
    if (!options.collects) {
        out.var_bytes("gc");
        out.u8(static_cast<uint8_t>(AnyTag::is_false));
    }
    if (options.loads_itself) {
        out.var_bytes("autoLoad");
        out.u8(static_cast<uint8_t>(AnyTag::is_true));
    }
    if (!options.meta.empty()) {
        out.var_bytes("meta");
        out.bytes(options.meta);
    }
    return out.str();
}

// Whether JavaScript takes a value for true.
bool is_truthy(std::string_view any) {
    switch (static_cast<AnyTag>(any[0])) {
        case AnyTag::undefined:
        case AnyTag::null:
        case AnyTag::is_false:
            return false;
        case AnyTag::integer:
            return any != std::string_view("\x7d\x00", 2) && any != std::string_view("\x7d\x40", 2);
        case AnyTag::string:
            return any.size() > 2;
        case AnyTag::bytes:
        case AnyTag::array:
        case AnyTag::object:
        case AnyTag::is_true:
        case AnyTag::bigint:
        case AnyTag::float64:
        case AnyTag::float32:
            return true;
    }
    return true;
}

bool has_option(std::string_view options, std::string_view name) {
    Input in(options);
    if (static_cast<AnyTag>(in.u8()) != AnyTag::object) return false;
    const uint64_t count = in.var_uint();
    for (uint64_t i = 0; i < count && in.ok(); ++i) {
        const std::string_view key = in.var_bytes();
        const char* from = in.position();
        skip_any(in);
        if (key == name) return is_truthy({from, static_cast<size_t>(in.position() - from)});
    }
    return false;
}

auto find_item(std::vector<Subdocument>& list, Handle item) {
    return std::find_if(list.begin(), list.end(),
                        [&](const Subdocument& one) { return one.item == item; });
}

Content content_of_options(const SubdocumentOptions& options, std::string& body) {
    body = any_of_options(options);
    Content content;
    content.kind = Kind::doc;
    content.len = 1;
    content.name = options.guid;
    content.body = body;
    return content;
}

}  // namespace

void Document::add_subdocument(Handle handle) {
    const Content content = store_.content_of(store_.item(handle));
    Subdocument made;
    made.item = handle;
    made.guid = content.name;
    made.loads_itself = has_option(content.body, "autoLoad");
    made.is_loaded = made.loads_itself || has_option(content.body, "shouldLoad");
    extras_->subdocument_changes.added.push_back(made);
    if (made.is_loaded) extras_->subdocument_changes.loaded.push_back(made);
}

void Document::remove_subdocument(Handle handle) {
    auto& added = extras_->subdocument_changes.added;
    if (auto known = find_item(added, handle); known != added.end()) {
        added.erase(known);
    } else if (known = find_item(extras_->subdocuments, handle);
               known != extras_->subdocuments.end()) {
        extras_->subdocument_changes.removed.push_back(*known);
    }
}

// Of a sub-document that was inserted here whoever inserts it says whether it is loaded.
void Document::set_loaded(Handle handle, bool is_loaded) {
    auto& added = extras_->subdocument_changes.added;
    auto known = find_item(added, handle);
    if (known != added.end()) known->is_loaded = is_loaded;
    auto& loaded = extras_->subdocument_changes.loaded;
    std::erase_if(loaded, [&](const Subdocument& one) { return one.item == handle; });
    if (!is_loaded) return;
    Subdocument made;
    made.item = handle;
    made.is_loaded = true;
    if (known != added.end()) {
        made = *known;
    } else {
        made.guid = store_.content_of(store_.item(handle)).name;
    }
    loaded.push_back(std::move(made));
}

void Document::tell_subdocuments() {
    SubdocumentEvent event = std::exchange(extras_->subdocument_changes, {});
    for (const Subdocument& one : event.added)
        extras_->subdocuments.push_back(one);
    for (const Subdocument& one : event.removed) {
        // One that was put in the place of another has the same item and comes behind it.
        if (auto known = find_item(extras_->subdocuments, one.item);
            known != extras_->subdocuments.end())
            extras_->subdocuments.erase(known);
    }
    for (const Subdocument& one : event.loaded) {
        if (auto known = find_item(extras_->subdocuments, one.item);
            known != extras_->subdocuments.end())
            known->is_loaded = true;
    }
    // Yjs destroys what was deleted, one by one, which tells of it once more.
    const std::vector<Subdocument> removed = event.removed;
    extras_->subdocument_events.push_back(std::move(event));
    if (is_destroying_) return;
    for (const Subdocument& one : removed) {
        extras_->subdocument_events.emplace_back().removed.push_back(one);
        change_later([] {});
    }
}

base::Status Document::insert_subdocument(BranchIndex list, uint32_t position,
                                          const SubdocumentOptions& options) {
    if (position > store_.branch(list).length)
        return base::fail(base::ErrorCode::out_of_range, store_.branch(list).length);
    std::string body;
    auto [left, right] = find_neighbours(list, position);
    const Handle made = insert_local(list, 0, left, right, content_of_options(options, body));
    set_loaded(made, options.is_loaded);
    return {};
}

void Document::set_subdocument(BranchIndex map, std::string_view key,
                               const SubdocumentOptions& options) {
    std::string body;
    const uint32_t name = store_.names().intern(key);
    const Handle made = insert_local(map, name, store_.branch(map).map_find(name), 0,
                                     content_of_options(options, body));
    set_loaded(made, options.is_loaded);
}

base::Status Document::load_subdocument(Handle item) {
    auto known = find_item(extras_->subdocuments, item);
    if (known == extras_->subdocuments.end()) return base::fail(base::ErrorCode::not_found);
    if (known->is_loaded) return {};
    known->is_loaded = true;
    begin();
    extras_->subdocument_changes.loaded.push_back(*find_item(extras_->subdocuments, item));
    commit();
    return {};
}

base::Status Document::destroy_subdocument(Handle item) {
    if (find_item(extras_->subdocuments, item) == extras_->subdocuments.end())
        return base::fail(base::ErrorCode::not_found);
    begin();
    Subdocument fresh = *find_item(extras_->subdocuments, item);
    extras_->subdocument_changes.removed.push_back(fresh);
    fresh.is_loaded = false;
    extras_->subdocument_changes.added.push_back(std::move(fresh));
    is_destroying_ = true;
    commit();
    is_destroying_ = false;
    return {};
}

}  // namespace tandem::yjs
