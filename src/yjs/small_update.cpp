#include "yjs/small_update.hpp"

#include "yjs/document.hpp"
#include "yjs/input.hpp"
#include "yjs/utf16.hpp"

// A document takes a small update in one pass when nobody watches it and nothing waits: the update
// is checked whole, and then comes to the same calls that the general path (integrate.cpp,
// collect.cpp) would make for it, without what that needs for many structs of many clients. Two
// cases are shorter still: text that continues its client's last item makes that longer, and clocks
// next to a deleted neighbour move over to it; each is what linking or cutting, and joining at the
// end of the transaction, would come to. Whatever does not fit is left to the general path, with
// nothing changed.
namespace tandem::yjs {

namespace {
constexpr uint8_t kHasOrigin = 0x80;
constexpr uint8_t kHasRightOrigin = 0x40;
constexpr uint8_t kKindBits = 0x1f;

bool read_insertion(Input& in, SmallUpdate& out) {
    out.step = SmallUpdate::Step::insert;
    if (in.u8() != 1) return false;
    out.client = in.var_uint();
    out.range.clock = in.var_uint32();
    const uint8_t info = in.u8();
    out.has_origin = (info & kHasOrigin) != 0;
    out.has_right_origin = (info & kHasRightOrigin) != 0;
    if ((info & kKindBits) != static_cast<uint8_t>(Kind::string) ||
        (!out.has_origin && !out.has_right_origin))
        return false;
    if (out.has_origin) {
        out.origin.client = in.var_uint();
        out.origin.clock = in.var_uint32();
    }
    if (out.has_right_origin) {
        out.right_origin.client = in.var_uint();
        out.right_origin.clock = in.var_uint32();
    }
    out.text = in.var_bytes();
    // No client has deletions.
    if (in.u8() != 0 || !in.ok() || !in.at_end()) return false;
    const size_t units = utf16_length(out.text);
    if (units == kNotUtf8 || units == 0 || units > UINT32_MAX - out.range.clock) return false;
    out.range.len = static_cast<uint32_t>(units);
    return true;
}

bool read_deletion(Input& in, SmallUpdate& out) {
    out.step = SmallUpdate::Step::erase;
    if (in.u8() != 1) return false;
    out.client = in.var_uint();
    if (in.u8() != 1) return false;
    out.range.clock = in.var_uint32();
    out.range.len = in.var_uint32();
    return in.ok() && in.at_end() && out.range.len > 0 &&
           out.range.len <= UINT32_MAX - out.range.clock;
}
}  // namespace

bool read_small_update(std::string_view update, SmallUpdate& out) {
    Input in(update);
    // How many clients have structs.
    switch (in.u8()) {
        case 0:
            return read_deletion(in, out);
        case 1:
            return read_insertion(in, out);
        default:
            return false;
    }
}

bool Document::is_unwatched() const {
    return !has_observers_ && !has_undo() && !options_.cleans_formats;
}

bool Document::apply_small(std::string_view update, uint64_t origin) {
    if (transaction_.is_open || !is_unwatched() || waiting_.peek() != nullptr ||
        store_.has_redone())
        return false;
    SmallUpdate small;
    if (!read_small_update(update, small)) return false;
    return small.step == SmallUpdate::Step::insert ? insert_small(small, origin)
                                                   : delete_small(small, origin);
}

bool Document::insert_small(const SmallUpdate& update, uint64_t origin_word) {
    const ClientIndex client = store_.find_client(update.client);
    if (client == kNoClient || store_.clients()[client].next_clock != update.range.clock)
        return false;
    // What it stands beside must be known, and older.
    auto find = [&](const Id& id, Dot& found) {
        found = {id.client == update.client ? client : store_.find_client(id.client), id.clock};
        return found.client != kNoClient && id.clock < store_.clients()[found.client].next_clock;
    };
    Dot origin;
    Dot right_origin;
    if ((update.has_origin && !find(update.origin, origin)) ||
        (update.has_right_origin && !find(update.right_origin, right_origin)))
        return false;

    begin_transaction(false, origin_word);
    if (origin.client == client && origin.clock + 1 == update.range.clock) {
        const ClientList& items = store_.clients()[client].items;
        const Handle last = items.at(items.last());
        const Handle right = store_.item(last).right;
        const bool is_beside = right == 0 ? !right_origin.is_some()
                                          : store_.dot_of(store_.item(right)) == right_origin;
        if (is_beside && lengthen_text(last, right_origin, update.text, update.range.len)) {
            finish_transaction();
            return true;
        }
    }
    const Handle handle = store_.items().add();
    Item& item = store_.item(handle);
    item.set_client(client);
    item.clock = update.range.clock;
    store_.set_origin(item, origin);
    store_.set_right_origin(item, right_origin);
    Content content;
    content.kind = Kind::string;
    content.len = update.range.len;
    content.body = update.text;
    store_.set_content(item, content);
    const ClientIndex lacking = resolve(handle);
    TANDEM_ASSERT(lacking == kNoClient);
    integrate(handle, 0);
    commit();
    return true;
}

bool Document::delete_small(const SmallUpdate& update, uint64_t origin) {
    const ClientIndex client = store_.find_client(update.client);
    if (client == kNoClient || update.range.end() > store_.clients()[client].next_clock)
        return false;
    begin_transaction(false, origin);
    if (shift_deleted(client, update.range)) {
        finish_transaction();
        return true;
    }
    apply_deletes(client, update.range);
    commit();
    return true;
}

}  // namespace tandem::yjs
