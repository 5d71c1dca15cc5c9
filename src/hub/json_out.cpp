#include "hub/json_out.hpp"

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

void append_entry_json(std::string& out, const port::StoredEntry& stored) {
    record::Entry entry;
    entry.seq = stored.seq;
    entry.actor = stored.actor;
    entry.counter = stored.counter;
    entry.stamp = {stored.stamp_ms, stored.stamp_logical, stored.stamp_actor};
    entry.own = stored.own;
    entry.floor = stored.floor;
    entry.wall_ms = stored.wall_ms;
    if (auto ops = record::decode_ops(stored.body, record::Form::logged))
        entry.ops = std::move(*ops);
    append_entry_json(out, entry);
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
    out += ",\"closed_seq\":" + std::to_string(row.closed_seq) + ",\"shown\":";
    base::append_json(out, document.shown(row.path));
    out += '}';
}

std::string channels_json(const port::Listed& listed, const ChannelMap& loaded) {
    std::string out = "{\"channels\":[";
    bool is_first = true;
    for (const port::ChannelInfo& info : listed.channels) {
        if (!is_first) out += ',';
        is_first = false;
        out += "{\"name\":";
        base::append_json_string(out, info.name);
        const auto found = loaded.find(info.name);
        const Channel* channel = found == loaded.end() ? nullptr : found->second.get();
        const bool is_ready = channel != nullptr && channel->state() == Channel::State::ready;
        out += ",\"head\":" + std::to_string(is_ready ? channel->head() : info.head);
        out += ",\"floor\":" + std::to_string(is_ready ? channel->floor() : info.floor);
        out += ",\"bytes\":" + std::to_string(info.bytes);
        out += ",\"changed_ms\":" + std::to_string(info.changed_ms);
        out += ",\"members\":" + std::to_string(channel != nullptr ? channel->presence.size() : 0);
        out += ",\"subscribers\":";
        out += std::to_string(channel != nullptr ? channel->subscribers.size() : 0);
        out += '}';
    }
    out += "],\"more\":";
    out += listed.more ? "true}" : "false}";
    return out;
}

}  // namespace tandem::hub
