#include <algorithm>

#include "yjs/document.hpp"

// Updates are written as if every item whose content continues its neighbour's were joined with it,
// so that it does not show where moving the contents together was not worth it.
namespace tandem::yjs {

namespace {

/// Writes items of a store as structs.
template <class Fields>
class StateWriter {
  public:
    StateWriter(const Store& store, Fields& out) : store_(store), out_(out) {}

    /// The structs from `since` on, up to a struct that begins at `until`.
    void write_client(ClientIndex index, uint32_t since, uint32_t until = UINT32_MAX) {
        until_ = until;
        const Client& client = store_.clients()[index];
        const ClientList& list = client.items;
        // At the front of what a struct has become, so that it is written whole.
        ClientList::Position first = list.find(since, store_.items());
        out_.rest.var_uint(count_from(list, first));
        out_.client(client.id);
        out_.rest.var_uint(since);
        ClientList::Position at = first;
        for (bool has_more = true; has_more;) {
            const Handle first_piece = list.at(at);
            Handle last = first_piece;
            more_pieces_.clear();
            while ((has_more = has_next(list, at)) && is_one(last, list.at(at))) {
                last = list.at(at);
                more_pieces_.push_back(last);
            }
            write_run(first_piece, since);
        }
    }

  private:
    bool has_next(const ClientList& list, ClientList::Position& at) const {
        return list.next(at) && (until_ == UINT32_MAX || store_.item(list.at(at)).clock < until_);
    }

    bool is_one(Handle left, Handle right) const {
        const Item& item = store_.item(left);
        return item.kind != Kind::gc && item.kind != Kind::deleted &&
               store_.continues(item, left, store_.item(right), right);
    }

    uint64_t count_from(const ClientList& list, ClientList::Position at) const {
        uint64_t count = 1;
        Handle last = list.at(at);
        while (has_next(list, at)) {
            Handle next = list.at(at);
            if (!is_one(last, next)) ++count;
            last = next;
        }
        return count;
    }

    void write_run(Handle first_piece, uint32_t since) {
        const Item& item = store_.item(first_piece);
        const uint32_t offset = since > item.clock ? since - item.clock : 0;
        Content content = store_.content_of(item);
        Store::Part known;
        if (!more_pieces_.empty()) {
            joined_.clear();
            joined_.bytes(content.body);
            for (Handle piece : more_pieces_) {
                const Item& part = store_.item(piece);
                content.len += part.len;
                joined_.bytes(store_.bytes_of(part));
            }
            content.body = joined_.view();
        } else {
            known = store_.known_part(item, offset);
            content.body.remove_prefix(known.bytes);
            content.len -= known.units;
        }
        content = content_from(content, offset - known.units, repaired_);
        if (item.kind == Kind::gc) {
            out_.info(0);
            write_content(out_, content);
            return;
        }
        const bool has_origin = offset > 0 || item.has_origin();
        out_.info(info_byte(item.kind, has_origin, item.has_right_origin(), !item.is_in_list()));
        if (offset > 0) {
            out_.left_id({store_.clients()[item.client].id, item.clock + offset - 1});
        } else if (has_origin) {
            out_.left_id(store_.id_of(store_.origin(item)));
        }
        if (item.has_right_origin()) out_.right_id(store_.id_of(store_.right_origin(item)));
        if (!has_origin && !item.has_right_origin()) {
            const Branch& parent = store_.branch(store_.parent(item));
            out_.parent_is_root(parent.item == 0);
            if (parent.item == 0) {
                out_.string(store_.names().at(parent.name));
            } else {
                out_.left_id(store_.id_of(store_.item(parent.item)));
            }
            if (!item.is_in_list()) out_.string(store_.names().at(store_.key(item)));
        }
        write_content(out_, content);
    }

    const Store& store_;
    Fields& out_;
    uint32_t until_ = UINT32_MAX;
    /// Most structs are one item.
    std::vector<Handle> more_pieces_;
    Buffer joined_;
    std::string repaired_;
};

template <class Fields>
void write_deleted(const Store& store, const Few<Transaction::Deleted>& deleted, Fields& out) {
    if (deleted.empty()) {
        out.rest.var_uint(0);
        return;
    }
    // Sorted by client's number and clock already; the encoding wants the highest id first.
    std::vector<std::pair<size_t, size_t>> groups;
    for (size_t i = 0; i < deleted.size();) {
        size_t end = i;
        while (end < deleted.size() && deleted[end].client == deleted[i].client)
            ++end;
        groups.push_back({i, end});
        i = end;
    }
    auto id_of = [&](const std::pair<size_t, size_t>& group) {
        return store.clients()[deleted[group.first].client].id;
    };
    std::sort(groups.begin(), groups.end(),
              [&](const auto& a, const auto& b) { return id_of(a) > id_of(b); });
    out.rest.var_uint(groups.size());
    for (const auto& group : groups) {
        out.begin_deletes();
        out.rest.var_uint(id_of(group));
        out.rest.var_uint(group.second - group.first);
        for (size_t i = group.first; i < group.second; ++i)
            out.delete_range(deleted[i].range.clock, deleted[i].range.len);
    }
}

template <class Fields>
void write_transaction(const Store& store, const Transaction& transaction, Fields& out,
                       Buffer& result) {
    out.rest.var_uint(transaction.touched.size());
    StateWriter<Fields> writer(store, out);
    if (transaction.touched.size() <= 1) {
        for (const Transaction::Touched& one : transaction.touched)
            writer.write_client(one.client, one.before);
    } else {
        Few<Transaction::Touched> touched = transaction.touched;
        std::sort(touched.begin(), touched.end(),
                  [&](const Transaction::Touched& a, const Transaction::Touched& b) {
                      return store.clients()[a.client].id > store.clients()[b.client].id;
                  });
        for (const Transaction::Touched& one : touched)
            writer.write_client(one.client, one.before);
    }
    write_deleted(store, transaction.deleted, out);
    out.finish(result);
}

template <class Fields>
std::string write_state(const Store& store, const StateVector& since) {
    Fields out;
    std::vector<std::pair<ClientIndex, uint32_t>> wanted;
    for (ClientIndex index : store.clients_in_order()) {
        const Client& client = store.clients()[index];
        auto known = since.find(client.id);
        uint32_t from = known == since.end() ? 0 : known->second;
        if (client.next_clock > from) wanted.push_back({index, from});
    }
    out.rest.var_uint(wanted.size());
    StateWriter<Fields> writer(store, out);
    for (const auto& [index, from] : wanted)
        writer.write_client(index, from);
    write_delete_set(out, store.delete_set());
    Buffer result;
    out.finish(result);
    return result.str();
}

}  // namespace

base::Result<std::string> Document::state_at(const Snapshot& snapshot) {
    if (options_.collects) return base::fail(base::ErrorCode::state_gone);
    std::vector<std::pair<ClientIndex, uint32_t>> wanted;
    for (const auto& [id, clock] : snapshot.states) {
        if (clock == 0) continue;
        const ClientIndex client = store_.find_client(id);
        if (client == kNoClient || store_.clients()[client].next_clock < clock)
            return base::fail(base::ErrorCode::out_of_range, clock);
        wanted.push_back({client, clock});
    }
    // Cut where the moment was, and joined again.
    begin_transaction(true);
    for (const auto& [client, clock] : wanted) {
        if (clock < store_.clients()[client].next_clock) clean_start(client, clock);
    }
    FieldWriterV1 out;
    out.rest.var_uint(wanted.size());
    StateWriter<FieldWriterV1> writer(store_, out);
    for (const auto& [client, clock] : wanted)
        writer.write_client(client, 0, clock);
    write_delete_set(out, snapshot.deletes);
    commit();
    return out.rest.str();
}

bool Document::write_last_update(Buffer& out, Encoding encoding) {
    TANDEM_ASSERT(!transaction_.is_open);
    if (transaction_.touched.empty() && transaction_.deleted.empty()) return false;
    if (encoding == Encoding::v1) {
        FieldWriterV1& writer = scratch_->writer;
        writer.clear();
        write_transaction(store_, transaction_, writer, out);
    } else {
        FieldWriterV2 writer;
        write_transaction(store_, transaction_, writer, out);
    }
    return true;
}

std::string Document::encode(const StateVector& since, Encoding encoding) const {
    std::string state = encoding == Encoding::v1 ? write_state<FieldWriterV1>(store_, since)
                                                 : write_state<FieldWriterV2>(store_, since);
    if (!has_pending()) return state;
    // What waits is part of the state: another replica may have what it waits for.
    std::vector<std::string> parts;
    parts.push_back(std::move(state));
    auto add = [&](std::string v1) {
        if (encoding == Encoding::v1) {
            parts.push_back(std::move(v1));
            return;
        }
        auto converted = convert_update(v1, Encoding::v1, Encoding::v2);
        TANDEM_ASSERT(converted.ok());
        parts.push_back(*std::move(converted));
    };
    if (!waiting_->deletes.empty()) {
        FieldWriterV1 deletes;
        deletes.rest.var_uint(0);
        write_delete_set(deletes, waiting_->deletes);
        add(deletes.rest.str());
    }
    if (!waiting_->structs.empty()) {
        auto beyond = diff_update(waiting_->structs, since);
        TANDEM_ASSERT(beyond.ok());
        add(*std::move(beyond));
    }
    std::vector<std::string_view> views(parts.begin(), parts.end());
    auto merged = merge_updates(views, encoding);
    TANDEM_ASSERT(merged.ok());
    return *std::move(merged);
}

}  // namespace tandem::yjs
