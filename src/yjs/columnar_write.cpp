#include <compare>
#include <map>
#include <vector>

#include "yjs/columnar.hpp"
#include "yjs/document.hpp"

// A document as columns. Its items are put into the order in which an update of the first encoding
// would be integrated; then the list's neighbours, as each item found them when it came, say all
// about the order, and for nearly every item both origins, too.
namespace tandem::yjs {

namespace {

using base::ErrorCode;

/// An item and what continues it, which is written as one.
struct Unit {
    ClientIndex client = 0;
    uint32_t clock = 0;
    uint32_t len = 0;
    Handle first = 0;
    Handle last = 0;
    /// Where its handles are, of which it may have several.
    uint32_t from = 0;
    uint32_t to = 0;
    /// Its number in the columns, from 1.
    uint32_t number = 0;
    /// The units beside it in its list; first at the end, then when it came.
    uint32_t left = 0;
    uint32_t right = 0;
};

class ColumnarWriter {
  public:
    explicit ColumnarWriter(const Store& store) : store_(store) {}

    base::Result<std::string> write(std::string_view waiting) {
        gather_units();
        TANDEM_CHECK(order_units());
        find_neighbours();
        for (uint32_t unit : order_)
            write_unit(units_[unit]);
        return columnar::pack(columns(waiting).view(), contents_.view());
    }

  private:
    struct List {
        BranchIndex branch;
        uint32_t key;
        friend auto operator<=>(const List&, const List&) = default;
    };

    const Client& client_of(ClientIndex index) const { return store_.clients()[index]; }
    const Item& first_of(const Unit& unit) const { return store_.item(unit.first); }

    bool is_one(Handle left, Handle right) const {
        const Item& one = store_.item(left);
        const Item& next = store_.item(right);
        if (!one.is_redone() && !next.is_redone()) return store_.continues(one, left, next, right);
        // What undo has to do with an item does not outlive the document.
        Item plain = one;
        Item plain_next = next;
        plain.unset(Item::kRedone);
        plain_next.unset(Item::kRedone);
        return store_.continues(plain, left, plain_next, right);
    }

    void gather_units() {
        unit_of_.resize(store_.items_limit());
        units_.emplace_back();
        clients_.resize(store_.clients().size());
        for (ClientIndex index : store_.clients_in_order()) {
            clients_[index].next = static_cast<uint32_t>(units_.size());
            client_of(index).items.for_each([&](Handle handle) {
                const Item& item = store_.item(handle);
                const bool is_next = units_.size() > clients_[index].next;
                if (is_next && is_one(units_.back().last, handle)) {
                    units_.back().last = handle;
                    units_.back().len += item.len;
                    ++units_.back().to;
                } else {
                    const auto at = static_cast<uint32_t>(handles_.size());
                    Unit unit;
                    unit.client = index;
                    unit.clock = item.clock;
                    unit.len = item.len;
                    unit.first = unit.last = handle;
                    unit.from = at;
                    unit.to = at + 1;
                    units_.push_back(unit);
                }
                handles_.push_back(handle);
                unit_of_[handle] = static_cast<uint32_t>(units_.size() - 1);
                note_root(item);
            });
            clients_[index].end = static_cast<uint32_t>(units_.size());
        }
    }

    // In the order in which they stand in an update, as whoever reads one comes across them.
    void note_root(const Item& item) {
        if (item.has_origin() || item.has_right_origin() || item.is_collected()) return;
        const BranchIndex parent = store_.parent(item);
        if (store_.branch(parent).item == 0) root_number(parent);
    }

    uint32_t root_number(BranchIndex branch) {
        if (branch >= roots_.size()) roots_.resize(size_t{branch} + 1);
        if (roots_[branch] == 0) {
            roots_[branch] = ++root_count_;
            root_names_.var_uint(name_number(store_.branch(branch).name));
        }
        return roots_[branch] - 1;
    }

    uint32_t name_number(uint32_t name) {
        if (name >= names_.size()) names_.resize(size_t{name} + 1);
        if (names_[name] == 0) {
            names_[name] = ++name_count_;
            name_bytes_.var_bytes(store_.names().at(name));
        }
        return names_[name];
    }

    // The client that has to come first, or kNoClient.
    ClientIndex lacking(const Unit& unit) const {
        const Item& item = first_of(unit);
        if (item.kind == Kind::gc) return kNoClient;
        auto is_ahead = [&](const Dot& dot) {
            return dot.is_some() && dot.client != unit.client &&
                   dot.clock >= clients_[dot.client].clock;
        };
        const Dot origin = store_.origin(item);
        if (is_ahead(origin)) return origin.client;
        const Dot right_origin = store_.right_origin(item);
        if (is_ahead(right_origin)) return right_origin.client;
        if (origin.is_some() || right_origin.is_some()) return kNoClient;
        const Handle holder = store_.branch(store_.parent(item)).item;
        if (holder == 0) return kNoClient;
        const Dot held = Store::dot_of(store_.item(holder));
        return is_ahead(held) ? held.client : kNoClient;
    }

    base::Status order_units() {
        order_.reserve(units_.size());
        std::vector<uint32_t> stack;
        for (ClientIndex index : store_.clients_in_order()) {
            Progress& own = clients_[index];
            while (own.next < own.end || !stack.empty()) {
                uint32_t at;
                if (stack.empty()) {
                    at = own.next++;
                } else {
                    at = stack.back();
                    stack.pop_back();
                }
                const ClientIndex first = lacking(units_[at]);
                if (first == kNoClient) {
                    emit(at);
                    continue;
                }
                // No document that was integrated has a circle.
                Progress& other = clients_[first];
                if (other.next == other.end || stack.size() > units_.size())
                    return base::fail(ErrorCode::malformed);
                stack.push_back(at);
                stack.push_back(other.next++);
            }
        }
        if (order_.size() + 1 != units_.size()) return base::fail(ErrorCode::malformed);
        return {};
    }

    void emit(uint32_t at) {
        Unit& unit = units_[at];
        order_.push_back(at);
        unit.number = static_cast<uint32_t>(order_.size());
        clients_[unit.client].clock = unit.clock + unit.len;
        if (runs_.empty() || runs_.back().client != unit.client) runs_.push_back({unit.client, 0});
        ++runs_.back().count;
    }

    // Taken out of their lists in the reverse order, items meet the neighbours that they came to.
    void find_neighbours() {
        for (size_t i = 1; i < units_.size(); ++i) {
            units_[i].left = unit_of_[store_.item(units_[i].first).left];
            units_[i].right = unit_of_[store_.item(units_[i].last).right];
        }
        for (size_t i = order_.size(); i > 0; --i) {
            const Unit& unit = units_[order_[i - 1]];
            if (unit.left != 0) units_[unit.left].right = unit.right;
            if (unit.right != 0) units_[unit.right].left = unit.left;
        }
    }

    void write_unit(const Unit& unit) {
        const Item& item = first_of(unit);
        auto info = static_cast<uint8_t>(item.kind);
        if (unit.len <= UINT8_MAX) {
            lens_.u8(static_cast<uint8_t>(unit.len));
        } else {
            lens_.u8(columnar::kLongLen);
            extras_.var_uint(unit.len);
        }
        if (item.kind == Kind::gc) {
            info_.u8(info);
            write_left(0);
            return;
        }
        const bool is_first = unit.left == 0;
        const uint32_t distance = is_first ? 0 : unit.number - 1 - units_[unit.left].number;
        if (is_first || distance >= columnar::kFarLeft) {
            write_left(columnar::kFarLeft);
            extras_.var_uint(is_first ? 0 : units_[unit.left].number);
            if (is_first) write_list(item);
        } else {
            write_left(distance);
        }
        if (item.is_deleted() && item.kind != Kind::deleted) info |= columnar::kIsDeleted;
        info |= write_origins(unit, item);
        info |= write_content(unit, item);
        info_.u8(info);
    }

    void write_left(uint32_t distance) {
        left_low_.u8(static_cast<uint8_t>(distance));
        left_high_.u8(static_cast<uint8_t>(distance >> 8));
    }

    void write_list(const Item& item) {
        const List list{store_.parent(item), store_.key(item)};
        const auto [known, is_new] =
            lists_.try_emplace(list, static_cast<uint32_t>(lists_.size()) + 1);
        if (!is_new) {
            extras_.var_uint(known->second);
            return;
        }
        extras_.var_uint(0);
        const Branch& parent = store_.branch(list.branch);
        if (parent.item == 0)
            extras_.var_uint(uint64_t{root_number(list.branch)} * 2);
        else
            extras_.var_uint(uint64_t{units_[unit_of_[parent.item]].number} * 2 + 1);
        extras_.var_uint(list.key == 0 ? 0 : name_number(list.key));
    }

    uint8_t write_origins(const Unit& unit, const Item& item) {
        uint8_t info = 0;
        auto write = [&](const Dot& dot) {
            extras_.var_uint(dot.is_some() ? client_number(dot.client) : 0);
            if (dot.is_some()) extras_.var_uint(dot.clock);
        };
        const Unit& left = units_[unit.left];
        const Dot behind = unit.left == 0 ? Dot{} : Dot{left.client, left.clock + left.len - 1};
        if (const Dot origin = store_.origin(item); origin != behind) {
            info |= columnar::kHasOwnOrigin;
            write(origin);
        }
        const Unit& right = units_[unit.right];
        const Dot before = unit.right == 0 ? Dot{} : Dot{right.client, right.clock};
        if (const Dot right_origin = store_.right_origin(item); right_origin != before) {
            info |= columnar::kHasOwnRightOrigin;
            write(right_origin);
        }
        return info;
    }

    uint8_t write_content(const Unit& unit, const Item& item) {
        const size_t before = contents_.size();
        switch (item.kind) {
            case Kind::gc:
            case Kind::deleted:
            case Kind::skip:
                return 0;
            case Kind::type: {
                const Branch& held = store_.branch(item.content);
                extras_.u8(static_cast<uint8_t>(held.kind));
                if (has_name(held.kind)) extras_.var_uint(name_number(held.name));
                return 0;
            }
            case Kind::format: {
                const uint32_t name = name_number(store_.format_name(item));
                for (uint32_t shift = 0; shift < 32; shift += 8)
                    contents_.u8(static_cast<uint8_t>(name >> shift));
                contents_.bytes(store_.format_value(item));
                return 0;
            }
            case Kind::binary:
                extras_.var_uint(store_.bytes_of(item).size());
                contents_.bytes(store_.bytes_of(item));
                return 0;
            case Kind::json:
            case Kind::embed:
            case Kind::any:
            case Kind::doc:
            case Kind::string:
                break;
        }
        for (uint32_t i = unit.from; i < unit.to; ++i)
            contents_.bytes(store_.bytes_of(store_.item(handles_[i])));
        const size_t bytes = contents_.size() - before;
        if (item.kind != Kind::string || bytes == unit.len) return 0;
        extras_.var_uint(bytes - unit.len);
        return columnar::kHasMoreBytes;
    }

    uint32_t client_number(ClientIndex index) {
        uint32_t& number = clients_[index].number;
        if (number == 0) {
            number = ++client_count_;
            client_ids_.var_uint(client_of(index).id);
        }
        return number;
    }

    Buffer columns(std::string_view waiting) {
        Buffer runs;
        for (const Run& run : runs_) {
            runs.var_uint(client_number(run.client) - 1);
            runs.var_uint(run.count);
        }
        Buffer out;
        out.reserve(order_.size() * 4 + extras_.size() + waiting.size() + 64);
        out.var_uint(client_count_);
        out.bytes(client_ids_.view());
        out.var_uint(runs_.size());
        out.bytes(runs.view());
        out.var_uint(name_count_);
        out.bytes(name_bytes_.view());
        out.var_uint(root_count_);
        out.bytes(root_names_.view());
        out.var_bytes(waiting);
        out.var_bytes(extras_.view());
        out.bytes(info_.view());
        out.bytes(lens_.view());
        out.bytes(left_low_.view());
        out.bytes(left_high_.view());
        return out;
    }

    struct Progress {
        uint32_t next = 0;
        uint32_t end = 0;
        /// The clock after the last that was written.
        uint32_t clock = 0;
        uint32_t number = 0;
    };
    struct Run {
        ClientIndex client;
        uint32_t count;
    };

    const Store& store_;
    std::vector<Handle> handles_;
    /// The first is none.
    std::vector<Unit> units_;
    std::vector<uint32_t> unit_of_;
    std::vector<uint32_t> order_;
    std::vector<Progress> clients_;
    uint32_t client_count_ = 0;
    std::vector<Run> runs_;
    std::vector<uint32_t> names_;
    uint32_t name_count_ = 0;
    std::vector<uint32_t> roots_;
    uint32_t root_count_ = 0;
    std::map<List, uint32_t> lists_;

    Buffer client_ids_;
    Buffer name_bytes_;
    Buffer root_names_;
    Buffer extras_;
    Buffer info_;
    Buffer lens_;
    Buffer left_low_;
    Buffer left_high_;
    Buffer contents_;
};

}  // namespace

base::Result<std::string> Document::to_columnar() const {
    TANDEM_ASSERT(!transaction_.is_open);
    TANDEM_TRY(const std::string waiting, waiting_update());
    return ColumnarWriter(store_).write(waiting);
}

}  // namespace tandem::yjs
