#include "yjs/relative_position.hpp"

#include "base/value.hpp"
#include "yjs/buffer.hpp"
#include "yjs/input.hpp"

namespace tandem::yjs {

namespace {

// What an encoded position names.
enum class Anchor : uint8_t { item = 0, root = 1, type = 2 };

void write_id(Buffer& out, const Id& id) {
    out.var_uint(id.client);
    out.var_uint(id.clock);
}

Id read_id(Input& in) {
    Id id;
    id.client = in.var_uint();
    id.clock = in.var_uint32();
    return id;
}

void append_id_json(std::string& out, const char* name, const Id& id) {
    out += name;
    out += ":{\"client\":" + std::to_string(id.client) + ",\"clock\":" + std::to_string(id.clock) +
           "},";
}

// Whether a member that may be missing or null is an id; false if it is anything else.
bool take_id(const base::Value* member, std::optional<Id>& id) {
    if (member == nullptr || member->is_null()) return true;
    const base::Value* client = member->find("client");
    const base::Value* clock = member->find("clock");
    if (client == nullptr || clock == nullptr || !client->is_integer() || !clock->is_integer() ||
        client->as_integer() < 0 || clock->as_integer() < 0 || clock->as_integer() > UINT32_MAX)
        return false;
    id = {static_cast<uint64_t>(client->as_integer()), static_cast<uint32_t>(clock->as_integer())};
    return true;
}

uint32_t visible_before(Store& store, Handle handle) {
    const Item& item = store.item(handle);
    if (const uint32_t number = item.is_in_list() ? store.branch(item.home).positions : 0;
        number != 0)
        return store.positions().at(number).position_of(handle);
    uint32_t visible = 0;
    for (Handle at = item.left; at != 0; at = store.item(at).left)
        visible += store.item(at).visible();
    return visible;
}

}  // namespace

RelativePosition relative_position(const Store& store, BranchIndex list, uint32_t index,
                                   int64_t assoc) {
    RelativePosition position;
    position.assoc = assoc;
    const Branch& branch = store.branch(list);
    if (branch.item == 0) {
        position.root = store.names().at(branch.name);
    } else {
        position.type = store.id_of(store.item(branch.item));
    }
    if (assoc < 0) {
        if (index == 0) return position;
        --index;
    }
    for (Handle at = branch.start; at != 0; at = store.item(at).right) {
        const Item& item = store.item(at);
        const uint32_t visible = item.visible();
        if (index < visible) {
            position.item = {store.clients()[item.client].id, item.clock + index};
            return position;
        }
        index -= visible;
        // As in Yjs the last insertion, which may be deleted.
        if (item.right == 0 && assoc < 0)
            position.item = {store.clients()[item.client].id, item.last_clock()};
    }
    return position;
}

std::string encode_relative_position(const RelativePosition& position) {
    Buffer out;
    if (position.item) {
        out.var_uint(static_cast<uint8_t>(Anchor::item));
        write_id(out, *position.item);
    } else if (position.root) {
        out.var_uint(static_cast<uint8_t>(Anchor::root));
        out.var_bytes(*position.root);
    } else {
        TANDEM_ASSERT(position.type.has_value());
        out.var_uint(static_cast<uint8_t>(Anchor::type));
        write_id(out, *position.type);
    }
    out.var_int(position.assoc);
    return out.str();
}

base::Result<RelativePosition> decode_relative_position(std::string_view bytes) {
    Input in(bytes);
    RelativePosition position;
    const uint64_t anchor = in.var_uint();
    if (anchor == static_cast<uint8_t>(Anchor::item)) {
        position.item = read_id(in);
    } else if (anchor == static_cast<uint8_t>(Anchor::root)) {
        position.root = in.var_bytes();
        if (!base::is_utf8(*position.root)) in.fail();
    } else if (anchor == static_cast<uint8_t>(Anchor::type)) {
        position.type = read_id(in);
    } else {
        in.fail();
    }
    // Older versions wrote none.
    if (!in.at_end()) position.assoc = in.var_int().value();
    if (!in.ok()) return base::fail(base::ErrorCode::malformed);
    return position;
}

std::string relative_position_json(const RelativePosition& position) {
    std::string out = "{";
    if (position.type) append_id_json(out, "\"type\"", *position.type);
    if (position.root && !position.root->empty()) {
        out += "\"tname\":";
        base::append_json_string(out, *position.root);
        out += ',';
    }
    if (position.item) append_id_json(out, "\"item\"", *position.item);
    out += "\"assoc\":" + std::to_string(position.assoc) + '}';
    return out;
}

base::Result<RelativePosition> relative_position_of_json(std::string_view json) {
    TANDEM_TRY(const base::Value value, base::parse_json(json));
    RelativePosition position;
    bool is_good = value.is_object() && take_id(value.find("type"), position.type) &&
                   take_id(value.find("item"), position.item);
    if (const base::Value* root = value.find("tname"); root != nullptr && !root->is_null()) {
        is_good = is_good && root->is_string();
        if (is_good) position.root = root->as_string();
    }
    if (const base::Value* assoc = value.find("assoc"); assoc != nullptr && !assoc->is_null()) {
        is_good = is_good && assoc->is_integer();
        if (is_good) position.assoc = assoc->as_integer();
    }
    if (!is_good || (!position.item && !position.root && !position.type))
        return base::fail(base::ErrorCode::malformed);
    return position;
}

std::optional<AbsolutePosition> absolute_position(Document& document,
                                                  const RelativePosition& position, Redone redone) {
    Store& store = document.store();
    struct Found {
        Handle handle;
        uint32_t offset;
    };
    auto find = [&](const Id& id) -> std::optional<Found> {
        ClientIndex client = store.find_client(id.client);
        if (client == kNoClient || store.clients()[client].next_clock <= id.clock)
            return std::nullopt;
        const Place place = redone == Redone::followed ? store.follow_redone(client, id.clock)
                                                       : store.place_of(client, id.clock);
        if (store.item(place.item).is_collected()) return std::nullopt;
        return Found{place.item, place.offset};
    };
    AbsolutePosition result;
    result.assoc = position.assoc;
    if (position.item) {
        const auto found = find(*position.item);
        if (!found) return std::nullopt;
        const Item& right = store.item(found->handle);
        result.list = store.parent(right);
        const Handle holder = store.branch(store.parent(right)).item;
        if (holder != 0 && store.item(holder).is_deleted()) return result;
        if (right.visible() > 0) result.index = found->offset + (position.assoc >= 0 ? 0 : 1);
        result.index += visible_before(store, found->handle);
        return result;
    }
    if (position.root) {
        result.list = document.root(*position.root);
    } else {
        if (!position.type) return std::nullopt;
        const auto found = find(*position.type);
        if (!found || store.item(found->handle).kind != Kind::type) return std::nullopt;
        result.list = store.item(found->handle).content;
    }
    if (position.assoc >= 0) result.index = store.branch(result.list).length;
    return result;
}

}  // namespace tandem::yjs
