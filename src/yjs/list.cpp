#include "yjs/any.hpp"
#include "yjs/document.hpp"

// Local changes of lists and maps, and the way from a position to its neighbours.
namespace tandem::yjs {

namespace {
// A list is walked this far before a tree of its positions is built.
constexpr uint32_t kWalkedMax = 48;

base::Result<Content> content_of_values(std::string_view values) {
    Content content;
    content.kind = Kind::any;
    content.body = values;
    Input in(values);
    for (; !in.at_end(); ++content.len)
        skip_any(in);
    if (!in.ok()) return base::fail(base::ErrorCode::malformed);
    return content;
}

}  // namespace

// The tree of positions of a list, if it has one.
uint32_t Document::positions_of(BranchIndex list) {
    Branch& branch = store_.branch(list);
    if (branch.positions != 0) return branch.positions;
    uint32_t number = store_.positions().add();
    PositionIndex& index = store_.positions().at(number);
    Handle left = 0;
    for (Handle handle = branch.start; handle != 0; handle = store_.item(handle).right) {
        const Item& item = store_.item(handle);
        index.insert_after(left, handle, item.visible(),
                           item.kind == Kind::format && !item.is_deleted());
        left = handle;
    }
    branch.positions = number;
    return number;
}

// The item that shows the unit at a position, which must be there.
Place Document::find_unit(BranchIndex list, uint32_t position) {
    const Branch& branch = store_.branch(list);
    if (branch.positions == 0) {
        uint32_t walked = 0;
        uint32_t offset = position;
        Handle at = branch.start;
        for (; at != 0 && walked < kWalkedMax; ++walked) {
            const Item& item = store_.item(at);
            if (offset < item.visible()) return {at, offset};
            offset -= item.visible();
            at = item.right;
        }
        TANDEM_ASSERT(at != 0);
        positions_of(list);
    }
    const PositionIndex::Place place = store_.positions().at(branch.positions).find(position);
    return {place.item, place.offset};
}

// The items on both sides of a position, directly behind the visible unit before it; an item that
// goes across is split.
std::pair<Handle, Handle> Document::find_neighbours(BranchIndex list, uint32_t position) {
    if (position == 0) return {0, store_.branch(list).start};
    const Place place = find_unit(list, position - 1);
    if (place.offset + 1 < store_.item(place.item).len) split(place.item, place.offset + 1);
    return {place.item, store_.item(place.item).right};
}

base::Status Document::insert_values(BranchIndex list, uint32_t position, std::string_view values) {
    if (position > store_.branch(list).length)
        return base::fail(base::ErrorCode::out_of_range, store_.branch(list).length);
    TANDEM_TRY(Content content, content_of_values(values));
    if (content.len == 0) return {};
    auto [left, right] = find_neighbours(list, position);
    insert_local(list, 0, left, right, content);
    return {};
}

base::Status Document::push_values(BranchIndex list, std::string_view values) {
    // Yjs appends behind everything, deleted items too.
    TANDEM_TRY(Content content, content_of_values(values));
    if (content.len == 0) return {};
    auto [left, right] = find_neighbours(list, store_.branch(list).length);
    while (right != 0) {
        left = right;
        right = store_.item(right).right;
    }
    insert_local(list, 0, left, 0, content);
    return {};
}

base::Result<BranchIndex> Document::insert_content(BranchIndex list, uint32_t position,
                                                   const Content& content) {
    if (position > store_.branch(list).length)
        return base::fail(base::ErrorCode::out_of_range, store_.branch(list).length);
    auto [left, right] = find_neighbours(list, position);
    Handle made = insert_local(list, 0, left, right, content);
    if (content.kind == Kind::doc) set_loaded(made, true);
    return content.kind == Kind::type ? store_.item(made).content : 0;
}

base::Status Document::delete_values(BranchIndex list, uint32_t position, uint32_t len) {
    const uint32_t length = store_.branch(list).length;
    if (position > length || len > length - position)
        return base::fail(base::ErrorCode::out_of_range, length);
    if (len == 0) return {};
    Handle at = find_neighbours(list, position).second;
    while (len > 0) {
        const Item& item = store_.item(at);
        if (!item.is_deleted()) {
            if (len < item.len) split(at, len);
            len -= store_.item(at).len;
            delete_item(at);
        }
        at = store_.item(at).right;
    }
    return {};
}

BranchIndex Document::set_content(BranchIndex map, std::string_view key, const Content& content) {
    uint32_t name = store_.names().intern(key);
    Handle made = insert_local(map, name, store_.branch(map).map_find(name), 0, content);
    if (content.kind == Kind::doc) set_loaded(made, true);
    return content.kind == Kind::type ? store_.item(made).content : 0;
}

void Document::set_value(BranchIndex map, std::string_view key, std::string_view any) {
    Content content;
    content.kind = Kind::any;
    content.len = 1;
    content.body = any;
    set_content(map, key, content);
}

void Document::delete_key(BranchIndex map, std::string_view key) {
    uint32_t name = store_.names().find(key);
    if (name == 0) return;
    if (Handle last = store_.branch(map).map_find(name)) delete_item(last);
}

}  // namespace tandem::yjs
