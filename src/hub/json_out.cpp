#include "hub/json_out.hpp"

#include <utility>

#include "hub/stored_entry.hpp"
#include "record/change.hpp"
#include "record/op.hpp"

namespace tandem::hub {

void append_stamp_json(std::string& out, const clock::Stamp& stamp) {
    out += '[' + std::to_string(stamp.ms) + ',' + std::to_string(stamp.logical) + ']';
}

void append_entry_json(std::string& out, const record::Entry& entry) {
    out += "{\"seq\":" + std::to_string(entry.seq) + ",\"actor\":" + std::to_string(entry.actor);
    out += ",\"counter\":" + std::to_string(entry.counter) + ",\"stamp\":";
    append_stamp_json(out, entry.stamp);
    if (entry.wall_ms != 0) out += ",\"wall_ms\":" + std::to_string(entry.wall_ms);
    if (!entry.own) out += ",\"own\":false";
    if (entry.floor != 0) out += ",\"floor\":" + std::to_string(entry.floor);
    out += ",\"ops\":[";
    for (size_t i = 0; i < entry.ops.size(); ++i) {
        if (i > 0) out += ',';
        record::append_op_json(out, entry.ops[i], record::Form::logged);
    }
    out += "]}";
}

void append_entry_json(std::string& out, record::Entry entry, const record::Selection& select) {
    std::erase_if(entry.ops, [&](const record::Op& op) { return !select.concerns(op.path); });
    append_entry_json(out, entry);
}

namespace {

// What does not decode is shown without its ops: these texts are for people who look for what is
// wrong.
record::Entry readable(const port::StoredEntry& stored) {
    auto entry = entry_of(stored);
    return entry ? *std::move(entry) : head_of(stored);
}

}  // namespace

void append_entry_json(std::string& out, const port::StoredEntry& stored) {
    append_entry_json(out, readable(stored));
    if (const auto text = text_write_in(stored.body); text.ok() && *text != nullptr)
        append_text_json(out, **text);
}

void append_entry_json(std::string& out, const port::StoredEntry& stored,
                       const record::Selection& select) {
    append_entry_json(out, readable(stored), select);
    if (const auto text = text_write_in(stored.body); text.ok() && *text != nullptr)
        append_text_json(out, **text);
}

void append_text_json(std::string& entry, const TextWrite& text) {
    entry.pop_back();
    entry += ",\"text\":{\"name\":";
    base::append_json_string(entry, text.name);
    entry += ",\"bytes\":" + std::to_string(text.update.size()) + "}}";
}

void append_row_json(std::string& out, const record::Row& row, const record::Document& document) {
    out += "{\"path\":";
    base::append_json_string(out, record::to_text(row.path));
    out += ",\"reason\":";
    base::append_json_string(out, record::name_of(row.reason));
    out += ",\"dot\":[" + std::to_string(row.dot.actor) + ',' + std::to_string(row.dot.counter);
    out += "],\"value\":";
    base::append_json(out, row.value);
    out += ",\"stamp\":";
    append_stamp_json(out, row.stamp);
    out += ",\"seq\":" + std::to_string(row.seq);
    out += ",\"closed_seq\":" + std::to_string(row.closed_seq);
    if (row.decided_by != record::Dot{}) {
        out += ",\"decided_by\":[" + std::to_string(row.decided_by.actor) + ',' +
               std::to_string(row.decided_by.counter) + ']';
    }
    out += ",\"shown\":";
    base::append_json(out, document.shown(row.path));
    out += '}';
}

std::string channels_json(const std::vector<ChannelRow>& rows, Rest rest) {
    std::string out = "{\"channels\":[";
    for (size_t i = 0; i < rows.size(); ++i) {
        const ChannelRow& row = rows[i];
        if (i > 0) out += ',';
        out += "{\"name\":";
        base::append_json_string(out, row.name);
        out += ",\"head\":" + std::to_string(row.head);
        out += ",\"floor\":" + std::to_string(row.floor);
        out += ",\"bytes\":" + std::to_string(row.bytes);
        out += ",\"changed_ms\":" + std::to_string(row.changed_ms);
        out += ",\"members\":" + std::to_string(row.members);
        out += ",\"subscribers\":" + std::to_string(row.subscribers) + '}';
    }
    out += "],\"more\":";
    out += rest == Rest::more ? "true}" : "false}";
    return out;
}

std::string connections_json(const std::vector<ConnectionRow>& rows) {
    std::string out = "{\"connections\":[";
    for (size_t i = 0; i < rows.size(); ++i) {
        const ConnectionRow& row = rows[i];
        if (i > 0) out += ',';
        out += "{\"id\":\"" + std::to_string(row.id) + "\",\"remote\":";
        base::append_json_string(out, row.remote);
        out += row.codec == Codec::binary ? ",\"codec\":\"binary\""
               : row.codec == Codec::json ? ",\"codec\":\"json\""
               : row.codec == Codec::yjs  ? ",\"codec\":\"yjs\""
                                          : ",\"codec\":\"hocuspocus\"";
        out += ",\"client\":";
        base::append_json_string(out, row.client);
        out += ",\"since_ms\":" + std::to_string(row.opened_ms) + ",\"channels\":[";
        for (size_t k = 0; k < row.channels.size(); ++k) {
            if (k > 0) out += ',';
            base::append_json_string(out, row.channels[k]);
        }
        out += "],\"bytes_in\":" + std::to_string(row.bytes_in);
        out += ",\"bytes_out\":" + std::to_string(row.bytes_out);
        out += ",\"pending_bytes\":" + std::to_string(row.pending_bytes) + '}';
    }
    return out + "]}";
}

}  // namespace tandem::hub
