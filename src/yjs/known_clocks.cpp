#include "yjs/known_clocks.hpp"

#include <algorithm>

#include "yjs/update_reader.hpp"
#include "yjs/updates.hpp"

namespace tandem::yjs {

namespace {

void need(StateVector& needs, const Id& id) {
    uint32_t& clocks = needs[id.client];
    clocks = std::max(clocks, id.clock + 1);
}

}  // namespace

base::Result<UpdateReach> reach_of_update(std::string_view update) {
    UpdateReach reach;
    StructReader<FieldReaderV1> reader;
    TANDEM_CHECK(reader.open(update));
    for (const RawStruct* item = reader.current(); item != nullptr; item = reader.next()) {
        reader.release();
        if (item->content.kind == Kind::skip) continue;
        const Id& id = item->id;
        if (!reach.runs.empty() && reach.runs.back().client == id.client &&
            reach.runs.back().to == id.clock)
            reach.runs.back().to = item->end();
        else
            reach.runs.push_back({id.client, id.clock, item->end()});
        if (item->content.kind == Kind::gc) continue;
        for (const auto& [is_there, other] :
             {std::pair(item->has_origin, item->origin),
              std::pair(item->has_right_origin, item->right_origin),
              std::pair(item->parent == RawStruct::Parent::item, item->parent_id)}) {
            if (!is_there) continue;
            if (other.clock == UINT32_MAX || (other.client == id.client && other.clock >= id.clock))
                return base::fail(base::ErrorCode::malformed);
            need(reach.needs, other);
        }
    }
    TANDEM_CHECK(reader.status());
    TANDEM_CHECK(reader.deletes([&](uint64_t client, uint32_t clock, uint32_t len) {
        if (len == 0) return;
        reach.deletes.add(client, clock, len);
        need(reach.needs, {client, clock + len - 1});
    }));
    return reach;
}

uint32_t KnownClocks::known(uint64_t client) const {
    const auto found = vector_.find(client);
    return found == vector_.end() ? 0 : found->second;
}

bool KnownClocks::has_deleted(uint64_t client, const IdRange& range) const {
    const auto found = deleted_.find(client);
    if (found == deleted_.end()) return false;
    auto at = found->second.upper_bound(range.clock);
    return at != found->second.begin() && (--at)->second >= range.end();
}

KnownClocks::Verdict KnownClocks::judge(const UpdateReach& update) const {
    StateVector after;
    bool is_news = false;
    for (const UpdateReach::Run& run : update.runs) {
        const auto [at, is_first] = after.try_emplace(run.client, known(run.client));
        if (run.from > at->second) return Verdict::missing;
        is_news |= run.to > at->second;
        at->second = std::max(at->second, run.to);
    }
    for (const auto& [client, clocks] : update.needs) {
        const auto found = after.find(client);
        if (clocks > (found != after.end() ? found->second : known(client)))
            return Verdict::missing;
    }
    if (is_news) return Verdict::news;
    for (const auto& [client, ranges] : update.deletes.clients())
        for (const IdRange& range : ranges)
            if (!has_deleted(client, range)) return Verdict::news;
    return Verdict::nothing;
}

size_t KnownClocks::clients_with(const UpdateReach& update) const {
    size_t count = vector_.size();
    uint64_t last = UINT64_MAX;
    for (const UpdateReach::Run& run : update.runs) {
        if (run.client != last && !vector_.contains(run.client)) count++;
        last = run.client;
    }
    return count;
}

void KnownClocks::add_deleted(Ranges& ranges, const IdRange& range) {
    uint32_t from = range.clock;
    uint32_t to = range.end();
    auto at = ranges.upper_bound(from);
    if (at != ranges.begin() && std::prev(at)->second >= from) from = (--at)->first;
    while (at != ranges.end() && at->first <= to) {
        to = std::max(to, at->second);
        at = ranges.erase(at);
    }
    ranges.emplace_hint(at, from, to);
}

void KnownClocks::add(const UpdateReach& update) {
    for (const UpdateReach::Run& run : update.runs) {
        uint32_t& clocks = vector_[run.client];
        clocks = std::max(clocks, run.to);
    }
    for (const auto& [client, ranges] : update.deletes.clients())
        for (const IdRange& range : ranges)
            add_deleted(deleted_[client], range);
}

}  // namespace tandem::yjs
