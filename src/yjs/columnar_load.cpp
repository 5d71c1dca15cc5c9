#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

#include "yjs/columnar.hpp"
#include "yjs/document.hpp"
#include "yjs/updates.hpp"
#include "yjs/utf16.hpp"

// From columns to items without integrating: an item is put behind one that came before it, so that
// whatever the bytes say every list ends, and every parent is there.
namespace tandem::yjs {

class ColumnarLoader {
  public:
    base::Status load(std::string_view bytes) {
        TANDEM_TRY(columnar::Parts parts, columnar::unpack(bytes));
        columns_ = std::move(parts.columns);
        store_.arena_ = std::move(parts.contents);
        is_ascii_ = utf16_length(store_.arena_.view()) == store_.arena_.size();
        if (!read_tables() || !read_items() || !check_lists())
            return base::fail(base::ErrorCode::malformed);
        return {};
    }

    Store& store() { return store_; }
    std::string_view waiting() const { return waiting_; }
    bool has_deleted_contents() const { return has_deleted_contents_; }
    /// The items of those that are not deleted.
    const std::vector<Handle>& subdocuments() const { return subdocuments_; }

  private:
    struct Run {
        ClientIndex client;
        uint32_t count;
    };
    /// The items of a shared type, or those of one of its keys.
    struct List {
        BranchIndex branch;
        uint32_t key;
        Handle first;
    };

    bool read_tables() {
        Input in(columns_);
        const uint64_t clients = in.var_uint();
        for (uint64_t i = 0; i < clients && in.ok(); ++i) {
            const uint64_t id = in.var_uint();
            if (i == kClientsMax || store_.client(id) != i) return false;
        }
        uint64_t items = 0;
        const uint64_t runs = in.var_uint();
        for (uint64_t i = 0; i < runs && in.ok(); ++i) {
            const uint32_t client = in.var_uint32();
            const uint32_t count = in.var_uint32();
            if (client >= clients || count == 0) return false;
            runs_.push_back({client, count});
            items += count;
        }
        const uint64_t names = in.var_uint();
        for (uint64_t i = 0; i < names && in.ok(); ++i) {
            const std::string_view name = in.var_bytes();
            if (utf16_length(name) == kNotUtf8 || store_.names_.intern(name) != i + 1) return false;
        }
        const uint64_t roots = in.var_uint();
        for (uint64_t i = 0; i < roots && in.ok(); ++i) {
            const uint64_t name = in.var_uint();
            if (!is_name(name)) return false;
            const std::string_view text = store_.names_.at(static_cast<uint32_t>(name));
            if (store_.find_root(text) != 0) return false;
            // `root` may intern while the view is of the same names; the name is known, so it
            // won't.
            store_.root(text);
        }
        waiting_ = in.var_bytes();
        extras_ = Input(in.var_bytes());
        if (!in.ok() || items > kUpdateStructsMax || in.remaining() != items * kPlanes)
            return false;
        item_count_ = static_cast<uint32_t>(items);
        planes_ = reinterpret_cast<const uint8_t*>(in.position());
        return true;
    }

    bool is_name(uint64_t number) const { return number > 0 && number <= store_.names_.size(); }

    bool read_items() {
        store_.items_.add_first(item_count_);
        Handle handle = 1;
        for (const Run& run : runs_) {
            Client& client = store_.clients_[run.client];
            if (client.next_clock == 0) client.arrival = store_.next_arrival();
            const Handle end = handle + run.count;
            for (Handle from = handle; from < end; ++from) {
                from = read_plain(from, end, run.client, client);
                if (from < end && !read_item(from, run.client, client)) return false;
            }
            client.items.append_run(handle, run.count, store_.items_);
            handle = end;
        }
        return extras_.ok() && extras_.at_end() && content_at_ == store_.arena_.size();
    }

    static Item head_of(Kind kind, ClientIndex client) {
        Item item;
        item.kind = kind;
        if (kind == Kind::deleted) item.set(Item::kDeleted);
        item.set_client(client);
        return item;
    }

    /// Reads items for as long as they are such as nearly all are: text, or what is left of it,
    /// behind another, without anything told apart. Returns the first that is not.
    Handle read_plain(Handle from, Handle end, ClientIndex index, Client& client) {
        if (!is_ascii_) return from;
        const uint8_t* const infos = planes_ - 1;
        const uint8_t* const lens = infos + item_count_;
        const uint8_t* const lows = lens + item_count_;
        const uint8_t* const highs = lows + item_count_;
        Item* const items = &store_.items_[0];
        uint32_t clock = client.next_clock;
        size_t content = content_at_;
        BranchIndex parent = 0;
        uint32_t shown = 0;
        // What shares a word is written in one: each member by itself reads the others back.
        Item heads[] = {head_of(Kind::deleted, index), head_of(Kind::string, index)};
        heads[1].is_plain = true;
        Handle handle = from;
        for (; handle < end; ++handle) {
            const uint8_t info = infos[handle];
            const uint32_t len = lens[handle];
            const uint32_t distance = lows[handle] | static_cast<uint32_t>(highs[handle]) << 8;
            // Both kinds in one go: which of them comes next cannot be foreseen.
            const uint32_t is_string = info == static_cast<uint8_t>(Kind::string);
            const bool is_plain = is_string != 0 || info == static_cast<uint8_t>(Kind::deleted);
            if (!is_plain || len == columnar::kLongLen || distance == columnar::kFarLeft ||
                distance + 1 >= handle || len > UINT32_MAX - clock) [[unlikely]]
                break;
            const Handle left_handle = handle - 1 - distance;
            Item& left = items[left_handle];
            const Handle right_handle = left.right;
            Item& right = items[right_handle];
            if (left.kind == Kind::gc || !left.is_in_list() || left.client != index ||
                (right.client != index && right_handle != 0)) [[unlikely]]
                break;
            const uint32_t units = len & (0 - is_string);
            Item& item = items[handle];
            std::memcpy(static_cast<void*>(&item), &heads[is_string], kHeadBytes);
            item.clock = clock;
            item.len = len;
            item.left = left_handle;
            item.right = right_handle;
            item.origin = left.last_clock();
            item.right_origin = right_handle == 0 ? Item::kNoOrigin : right.clock;
            item.home = left.home;
            item.content = static_cast<uint32_t>(content) & (0 - is_string);
            left.right = handle;
            right.left = handle;
            if (item.home != parent) [[unlikely]] {
                store_.branches_[parent].length += shown;
                parent = item.home;
                shown = 0;
            }
            shown += units;
            clock += len;
            content += units;
        }
        // Where the end of a list was written to.
        items[0] = Item{};
        store_.branches_[parent].length += shown;
        client.next_clock = clock;
        content_at_ = content;
        return handle;
    }

    bool read_item(Handle handle, ClientIndex index, Client& client) {
        const uint8_t* plane = planes_ + (handle - 1);
        const uint8_t info = plane[0];
        uint32_t len = plane[item_count_];
        const uint32_t distance = plane[size_t{item_count_} * 2] |
                                  static_cast<uint32_t>(plane[size_t{item_count_} * 3]) << 8;
        const auto kind = static_cast<Kind>(info & columnar::kKindBits);
        if (len == columnar::kLongLen) [[unlikely]] {
            len = extras_.var_uint32();
            if (len == 0) return false;
        }
        if (len > UINT32_MAX - client.next_clock) return false;

        // Every member is written once: an empty item that is copied first takes half of the time.
        const Item head = head_of(kind, index);
        Item& item = store_.items_[handle];
        std::memcpy(static_cast<void*>(&item), &head, kHeadBytes);
        item.clock = client.next_clock;
        item.len = len;
        item.content = 0;
        if (kind == Kind::gc) {
            if (distance != 0 || info != 0) return false;
            item.set(Item::kDeleted);
            item.left = item.right = 0;
            store_.set_origin(item, {});
            store_.set_right_origin(item, {});
            item.home = 0;
            client.next_clock = item.end();
            return true;
        }
        if (distance < columnar::kFarLeft) [[likely]] {
            if (distance + 1 >= handle || !put_behind(item, handle, handle - 1 - distance))
                return false;
        } else if (!read_far_left(item, handle)) {
            return false;
        }
        if ((info & (columnar::kHasOwnOrigin | columnar::kHasOwnRightOrigin)) != 0) [[unlikely]] {
            Dot dot;
            if ((info & columnar::kHasOwnOrigin) != 0) {
                if (!read_dot(dot)) return false;
                store_.set_origin(item, dot);
            }
            if ((info & columnar::kHasOwnRightOrigin) != 0) {
                if (!read_dot(dot)) return false;
                store_.set_right_origin(item, dot);
            }
        }
        if (kind == Kind::deleted) {
            if ((info & (columnar::kIsDeleted | columnar::kHasMoreBytes)) != 0) return false;
            item.set(Item::kDeleted);
        } else if (kind == Kind::string && is_ascii_ &&
                   (info & (columnar::kIsDeleted | columnar::kHasMoreBytes)) == 0) [[likely]] {
            // That it is within the contents shows in the sum.
            item.is_plain = true;
            item.content = static_cast<uint32_t>(content_at_);
            content_at_ += len;
        } else if (!read_content(item, handle, info)) {
            return false;
        }
        if (item.is_in_list()) store_.branches_[item.home].length += item.visible();
        client.next_clock = item.end();
        return true;
    }

    /// Links an item behind another of the same list, with the origins that it has there.
    bool put_behind(Item& item, Handle handle, Handle left_handle) {
        Item& left = store_.items_[left_handle];
        if (left.kind == Kind::gc) return false;
        put_behind(item, handle, left_handle, left);
        return true;
    }

    void put_behind(Item& item, Handle handle, Handle left_handle, Item& left) {
        item.left = left_handle;
        item.home = left.home;
        if (left.client == item.client) [[likely]] {
            item.has_far_origin = false;
            item.origin = left.last_clock();
        } else {
            store_.set_origin(item, {left.client, left.last_clock()});
        }
        put_before(item, handle, std::exchange(left.right, handle));
    }

    void put_before(Item& item, Handle handle, Handle right_handle) {
        item.right = right_handle;
        if (right_handle == 0) [[unlikely]] {
            item.has_far_right_origin = false;
            item.right_origin = Item::kNoOrigin;
            if (!item.is_in_list()) store_.put_last(item, handle);
            return;
        }
        Item& right = store_.items_[right_handle];
        right.left = handle;
        if (right.client == item.client) [[likely]] {
            item.has_far_right_origin = false;
            item.right_origin = right.clock;
        } else {
            store_.set_right_origin(item, Store::dot_of(right));
        }
    }

    bool read_far_left(Item& item, Handle handle) {
        const uint32_t left = extras_.var_uint32();
        if (left != 0) return left < handle && put_behind(item, handle, left);
        const uint32_t known = extras_.var_uint32();
        if (!extras_.ok() || known > lists_.size()) return false;
        if (known == 0 && !read_list(handle)) return false;
        List& list = known == 0 ? lists_.back() : lists_[known - 1];
        item.left = 0;
        store_.set_home(item, list.branch, list.key);
        store_.set_origin(item, {});
        put_before(item, handle, std::exchange(list.first, handle));
        if (list.key == 0)
            store_.branches_[list.branch].start = handle;
        else
            store_.put_first(item, handle);
        return true;
    }

    bool read_list(Handle handle) {
        List list{0, 0, 0};
        const uint64_t parent = extras_.var_uint();
        if ((parent & 1) == 0) {
            if (parent / 2 >= store_.roots_.size()) return false;
            list.branch = store_.roots_[parent / 2];
        } else {
            if (parent / 2 == 0 || parent / 2 >= handle) return false;
            const Item& holder = store_.items_[static_cast<Handle>(parent / 2)];
            if (holder.kind != Kind::type) return false;
            list.branch = holder.content;
            has_deleted_parents_ |= holder.is_deleted();
        }
        const uint64_t key = extras_.var_uint();
        if (key != 0 && !is_name(key)) return false;
        list.key = static_cast<uint32_t>(key);
        const Branch& branch = store_.branches_[list.branch];
        if (list.key == 0 ? branch.start != 0 : branch.map_find(list.key) != 0) return false;
        has_keys_ |= list.key != 0;
        lists_.push_back(list);
        return true;
    }

    bool read_dot(Dot& dot) {
        dot = {};
        const uint32_t number = extras_.var_uint32();
        if (number == 0) return true;
        dot.clock = extras_.var_uint32();
        if (!extras_.ok() || number > store_.clients_.size()) return false;
        dot.client = number - 1;
        return dot.clock < store_.clients_[dot.client].next_clock;
    }

    bool read_content(Item& item, Handle handle, uint8_t info) {
        if ((info & columnar::kIsDeleted) != 0) {
            item.set(Item::kDeleted);
            has_deleted_contents_ = true;
        }
        if (item.kind > Kind::doc) return false;
        if (item.kind != Kind::string && (info & columnar::kHasMoreBytes) != 0) return false;
        const bool is_counted =
            item.kind == Kind::string || item.kind == Kind::any || item.kind == Kind::json;
        if (!is_counted && item.len != 1) return false;
        if (item.kind == Kind::type) return read_type(item, handle);
        if (content_at_ > store_.arena_.size()) return false;
        const std::string_view rest = store_.arena_.view().substr(content_at_);
        size_t bytes = 0;
        switch (item.kind) {
            case Kind::string:
                bytes = item.len;
                if ((info & columnar::kHasMoreBytes) != 0) bytes += extras_.var_uint();
                if (bytes > rest.size() || utf16_length(rest.substr(0, bytes)) != item.len)
                    return false;
                break;
            case Kind::binary:
                bytes = extras_.var_uint();
                if (bytes > rest.size()) return false;
                break;
            case Kind::embed:
            case Kind::any:
            case Kind::json:
                bytes = values_size(rest, item.len);
                break;
            case Kind::format: {
                if (rest.size() < 4) return false;
                uint32_t name = 0;
                for (size_t i = 0; i < 4; ++i)
                    name |= static_cast<uint32_t>(static_cast<uint8_t>(rest[i])) << (8 * i);
                if (!is_name(name)) return false;
                bytes = values_size(rest.substr(4), 1);
                // A document keeps it as the machine has numbers.
                std::memcpy(store_.arena_.data() + content_at_, &name, sizeof(name));
                if (bytes != 0) bytes += 4;
                store_.branches_[store_.parent(item)].has_formatting = true;
                break;
            }
            case Kind::doc: {
                Input in(rest);
                const std::string_view guid = in.var_bytes();
                if (!in.ok() || utf16_length(guid) == kNotUtf8) return false;
                bytes = values_size(in.rest(), 1);
                // As in updates.
                if (bytes == 1 &&
                    (in.rest().starts_with(kAnyNull) || in.rest().starts_with(kAnyUndefined)))
                    return false;
                if (bytes != 0) bytes += rest.size() - in.remaining();
                if (!item.is_deleted()) subdocuments_.push_back(handle);
                break;
            }
            case Kind::gc:
            case Kind::deleted:
            case Kind::type:
            case Kind::skip:
                return false;
        }
        if (bytes == 0 && item.kind != Kind::binary) return false;
        store_.lay(item, {static_cast<uint32_t>(content_at_), static_cast<uint32_t>(bytes)},
                   item.len);
        content_at_ += bytes;
        return true;
    }

    /// The bytes of so many values in their canonical form, or 0.
    size_t values_size(std::string_view bytes, uint32_t count) {
        Input in(bytes);
        scratch_.clear();
        for (uint32_t i = 0; i < count && in.ok(); ++i)
            copy_any(in, scratch_);
        const size_t size = bytes.size() - in.remaining();
        return in.ok() && bytes.substr(0, size) == scratch_.view() ? size : 0;
    }

    bool read_type(Item& item, Handle handle) {
        const uint8_t kind = extras_.u8();
        if (kind > static_cast<uint8_t>(TypeKind::xml_text)) return false;
        uint64_t name = 0;
        if (has_name(static_cast<TypeKind>(kind))) {
            name = extras_.var_uint();
            if (!is_name(name)) return false;
        }
        item.content =
            store_.add_branch(static_cast<TypeKind>(kind), static_cast<uint32_t>(name), handle);
        return true;
    }

    /// What later changes rely on: of a key only the last value may live, and in a deleted type
    /// nothing does.
    bool check_lists() const {
        if (!has_keys_ && !has_deleted_parents_) return true;
        for (Handle handle = 1; handle <= item_count_; ++handle) {
            const Item& item = store_.items_[handle];
            if (item.is_deleted()) continue;
            if (!item.is_in_list() && item.right != 0) return false;
            const Handle holder = store_.branches_[store_.parent(item)].item;
            if (holder != 0 && store_.items_[holder].is_deleted()) return false;
        }
        return true;
    }

    static constexpr size_t kPlanes = 4;
    static constexpr size_t kHeadBytes = 4;
    static_assert(offsetof(Item, clock) == kHeadBytes);

    Store store_;
    std::string columns_;
    std::string_view waiting_;
    Input extras_;
    const uint8_t* planes_ = nullptr;
    uint32_t item_count_ = 0;
    size_t content_at_ = 0;
    bool is_ascii_ = false;
    bool has_keys_ = false;
    bool has_deleted_parents_ = false;
    bool has_deleted_contents_ = false;
    std::vector<Run> runs_;
    std::vector<List> lists_;
    std::vector<Handle> subdocuments_;
    Buffer scratch_;
};

base::Status Document::load_columnar(std::string_view bytes) {
    TANDEM_ASSERT(!transaction_.is_open && store_.clients().empty() && store_.roots().empty() &&
                  !has_pending());
    ColumnarLoader loader;
    TANDEM_CHECK(loader.load(bytes));
    store_.swap(loader.store());
    for (Handle handle : loader.subdocuments())
        add_subdocument(handle);
    if (auto waits = loader.waiting(); !waits.empty()) {
        // What waits came in an update, and goes on to wait as if it had come again.
        if (auto applied = apply(waits); !applied.ok()) {
            Store empty;
            store_.swap(empty);
            extras_->subdocument_changes = {};
            return applied;
        }
    }
    begin_transaction(false);
    transaction_.is_local = false;
    const ClientIndex own = store_.find_client(options_.client);
    has_id_collision_ = own != kNoClient && store_.clients()[own].next_clock > 0;
    if (loader.has_deleted_contents() && options_.collects) {
        // As the end of the transaction would have done in which all this came.
        for (ClientIndex index = 0; index < store_.clients().size(); ++index) {
            const Client& client = store_.clients()[index];
            client.items.for_each([&](Handle handle) {
                const Item& item = store_.item(handle);
                if (item.is_deleted()) transaction_.add_deleted(item);
            });
            if (client.next_clock > 0) transaction_.touch(index, 0);
        }
    }
    commit();
    return {};
}

base::Result<std::string> Document::waiting_update() const {
    if (!has_pending()) return std::string();
    FieldWriterV1 deletes;
    deletes.rest.var_uint(0);
    write_delete_set(deletes, waiting_->deletes);
    if (waiting_->structs.empty()) return deletes.rest.str();
    const std::string written = deletes.rest.str();
    const std::string_view both[] = {waiting_->structs, written};
    return merge_updates(both);
}

}  // namespace tandem::yjs
