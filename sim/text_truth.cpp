#include "sim/text_truth.hpp"

#include "base/value.hpp"
#include "hub/text.hpp"
#include "sim/world.hpp"
#include "yjs/reading.hpp"

namespace tandem::sim {

TextState state_of(yjs::Document& document) {
    TextState state{document.state_vector(), document.delete_set(), {}};
    using Kind = yjs::TypeKind;
    for (const auto& [root, kind] :
         {std::pair{kTextRoot, Kind::text}, {kMapRoot, Kind::map}, {kListRoot, Kind::array}}) {
        std::string json;
        yjs::append_json(document.store(), document.root(root, kind), json, kind);
        // The keys of a map are shown in the order in which they came.
        const auto value = base::parse_json(json, base::kLooseValueLimits);
        state.shown += value ? base::to_json(*value) : json;
        state.shown += '\n';
    }
    return state;
}

std::string difference(const TextState& wanted, const TextState& found) {
    if (found == wanted) return {};
    if (found.states != wanted.states) return "knows other clocks";
    if (found.deletes != wanted.deletes) return "has other deletes";
    return "shows " + found.shown + " instead of " + wanted.shown;
}

yjs::Document& TextTruth::document(const std::string& channel, const std::string& name) {
    const ShadowChannel& log = world_.shadow.at(channel);
    OfChannel& known = channels_[channel];
    // After a restore or a deletion it is what the log has then.
    if (known.cuts != log.cuts || known.seq < log.start) known = {log.cuts, log.start, {}};
    const auto text = [&known](const std::string& of) -> yjs::Document& {
        std::unique_ptr<yjs::Document>& one = known.texts[of];
        if (one == nullptr) one = std::make_unique<yjs::Document>();
        return *one;
    };
    for (; known.seq < log.head(); ++known.seq) {
        const port::StoredEntry& entry = *log.find(known.seq + 1);
        const auto write = hub::text_write_in(entry.body);
        const std::string where = channel + " #" + std::to_string(entry.seq);
        if (!write) {
            world_.violate("entries decode", where);
            continue;
        }
        if (*write == nullptr) continue;
        yjs::Document& document = text((*write)->name);
        if (!document.apply((*write)->update).ok())
            world_.violate("a stored update is well formed", where);
        if (document.has_pending())
            world_.violate("a stored update has what it depends on before it", where);
    }
    return text(name);
}

bool TextTruth::has(const std::string& channel, const std::string& name,
                    const yjs::UpdateReach& update) {
    const yjs::Document& known = document(channel, name);
    const yjs::StateVector states = known.state_vector();
    for (const yjs::UpdateReach::Run& run : update.runs) {
        const auto state = states.find(run.client);
        if (state == states.end() || state->second < run.to) return false;
    }
    const yjs::DeleteSet deletes = known.delete_set();
    for (const auto& [client, ranges] : update.deletes.clients())
        for (const yjs::IdRange& range : ranges)
            for (uint32_t clock = range.clock; clock < range.end(); ++clock)
                if (!deletes.contains(client, clock)) return false;
    return true;
}

uint64_t TextTruth::count_entries_with(const std::string& channel, std::string_view word) {
    uint64_t count = 0;
    for (const port::StoredEntry& entry : world_.shadow.at(channel).entries)
        if (entry.body.find(word) != std::string::npos) count++;
    return count;
}

}  // namespace tandem::sim
