#include "workload.hpp"

#include <charconv>
#include <fstream>
#include <map>
#include <sstream>

#include "link.hpp"

namespace tandem::bench {
namespace {

uint64_t number(const base::Value& object, std::string_view key) {
    const base::Value* value = object.find(key);
    if (value == nullptr || !value->is_integer()) die("the workload lacks " + std::string(key));
    return static_cast<uint64_t>(value->as_integer());
}

Action action_of(const std::string& name) {
    const std::map<std::string, Action> names{
        {"set", Action::set}, {"inc", Action::inc},         {"comment", Action::comment},
        {"add", Action::add}, {"offline", Action::offline}, {"online", Action::online}};
    const auto found = names.find(name);
    if (found == names.end()) die("the workload has an unknown action");
    return found->second;
}

}  // namespace

Workload read_workload(const std::string& file) {
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    auto json = base::parse_json(text.str(), base::kLooseValueLimits);
    if (!json) die("cannot read " + file);
    Workload workload;
    workload.period_ms = number(*json, "period_ms");
    workload.poll_ms = number(*json, "poll_ms");
    workload.records = number(*json, "records");
    workload.cards = number(*json, "cards");
    for (const base::Value& device : json->find("devices")->as_array())
        workload.devices.push_back(
            {number(device, "user"), number(device, "record"), number(device, "phase_ms")});
    for (const base::Value& row : json->find("events")->as_array()) {
        const base::Array& parts = row.as_array();
        WorkloadEvent event;
        event.at_ms = static_cast<uint64_t>(parts[0].as_integer());
        event.device = static_cast<size_t>(parts[1].as_integer());
        event.action = action_of(parts[2].as_string());
        event.cell.record = workload.devices[event.device].record;
        event.cell.card = static_cast<size_t>(parts[3].as_integer());
        for (size_t field = 0; field < kFields; ++field)
            if (parts[4].as_string() == kFieldNames[field]) event.cell.field = field;
        workload.events.push_back(event);
    }
    return workload;
}

std::string description_of(size_t record, size_t card) {
    constexpr const char* kWords[] = {"supplier ", "delivery ", "invoice ", "machine ", "needs ",
                                      "before ",   "Monday ",   "check ",   "again ",   "order "};
    std::string out;
    size_t state = record * 7919 + card * 104'729 + 1;
    while (out.size() < kDescriptionBytes) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        out += kWords[(state >> 33) % 10];
    }
    out.resize(kDescriptionBytes);
    return out;
}

std::string text_of(size_t id) { return "e" + std::to_string(id) + " as agreed with the team"; }

std::optional<size_t> id_in(std::string_view text) {
    if (text.size() < 2 || text[0] != 'e') return std::nullopt;
    size_t id = 0;
    const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), id);
    if (error != std::errc() || end == text.data() + 1) return std::nullopt;
    return id;
}

Ledger::Ledger(const Workload& workload) : online_since_(workload.devices.size(), now_ns()) {
    for (const Device& device : workload.devices)
        record_of_.push_back(device.record);
}

size_t Ledger::write(const WorkloadEvent& event, std::optional<size_t> parent, bool is_online) {
    edits_.push_back({event.cell, event.device, parent, now_ns(), 0, is_online});
    seen_.emplace_back(online_since_.size(), false);
    seen_.back()[event.device] = true;
    return edits_.size() - 1;
}

void Ledger::ack(size_t id) {
    if (edits_[id].acked_ns == 0) edits_[id].acked_ns = now_ns();
}

bool Ledger::see(size_t id, size_t device) {
    if (id >= edits_.size() || seen_[id][device]) return false;
    seen_[id][device] = true;
    const Edit& edit = edits_[id];
    return edit.is_online && online_since_[device] != 0 && online_since_[device] <= edit.written_ns;
}

void Ledger::set_online(size_t device, bool is_online) {
    online_since_[device] = is_online ? now_ns() : 0;
}

void Ledger::put_end(Report& report, const End& end) const {
    std::vector<bool> is_replaced(edits_.size(), false);
    // A child has a higher number than its parent, so one pass upwards reaches all ancestors.
    for (size_t id = edits_.size(); id-- > 0;) {
        const Edit& edit = edits_[id];
        if (edit.parent && (edit.acked_ns != 0 || is_replaced[id]))
            is_replaced[*edit.parent] = true;
    }
    uint64_t acked = 0;
    uint64_t unacked = 0;
    uint64_t invisible = 0;
    uint64_t lost = 0;
    std::map<Cell, int64_t> counted;
    for (size_t id = 0; id < edits_.size(); ++id) {
        const Edit& edit = edits_[id];
        if (edit.acked_ns == 0) {
            ++unacked;
            continue;
        }
        ++acked;
        if (edit.cell.field == kVotes) {
            ++counted[edit.cell];
            continue;
        }
        if (end.shown.contains(id)) continue;
        if (is_register(edit.cell.field) && is_replaced[id]) continue;
        ++invisible;
        if (!end.in_journal.contains(id)) ++lost;
    }
    uint64_t surplus = 0;
    for (const auto& [cell, shown] : end.counters) {
        int64_t& expected = counted[cell];
        if (shown > expected) surplus += static_cast<uint64_t>(shown - expected);
        expected -= std::min(expected, shown);
    }
    for (const auto& [cell, missing] : counted) {
        invisible += static_cast<uint64_t>(missing);
        lost += static_cast<uint64_t>(missing);
    }
    report.put("acked", acked);
    report.put("unacked", unacked);
    report.put("invisible", invisible);
    report.put("lost", lost);
    report.put("counted_twice", surplus);
    report.put("latency_ms", latencies_ms_);
    report.put("event_bytes", event_bytes_);
}

}  // namespace tandem::bench
