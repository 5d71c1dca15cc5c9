#include "hub/text_awareness.hpp"

#include <algorithm>

namespace tandem::hub {

namespace {

constexpr std::string_view kGone = "null";
// Farewells are kept for readers who have not heard them; one who misses them drops the state
// itself after y-protocols' 30 seconds.
constexpr size_t kGoneMax = 256;

}  // namespace

bool TextAwareness::apply(std::span<const yjs::AwarenessState> states, TextReaderId owner,
                          const std::set<uint64_t>& claims, size_t states_max) {
    bool has_changed = false;
    for (const yjs::AwarenessState& state : states) {
        if (!claims.contains(state.client)) continue;
        const bool is_farewell = state.json == kGone;
        const auto found = states_.find(state.client);
        if (found == states_.end()) {
            if (is_farewell || states_.size() - gone_ >= states_max) continue;
        } else {
            const State& known = found->second;
            if (known.owner != 0 && known.owner != owner) continue;
            const bool is_newer = state.clock > known.clock ||
                                  (state.clock == known.clock && is_farewell && known.owner != 0);
            if (!is_newer) continue;
        }
        State& known = states_[state.client];
        if (found != states_.end() && known.owner == 0) gone_--;
        known = {state.clock, std::string(state.json), is_farewell ? 0 : owner, ++version_};
        if (is_farewell) gone_++;
        has_changed = true;
    }
    forget_gone();
    return has_changed;
}

std::vector<yjs::AwarenessState> TextAwareness::farewells_after(
    std::span<const yjs::AwarenessState> states) const {
    std::vector<yjs::AwarenessState> farewells;
    for (const yjs::AwarenessState& state : states) {
        const auto found = states_.find(state.client);
        if (found == states_.end() || found->second.owner != 0 || state.json == kGone) continue;
        if (state.clock <= found->second.clock)
            farewells.push_back({state.client, found->second.clock, kGone});
    }
    return farewells;
}

bool TextAwareness::drop(TextReaderId owner) {
    bool has_changed = false;
    for (auto& [client, state] : states_) {
        if (state.owner != owner) continue;
        state = {state.clock + 1, std::string(kGone), 0, ++version_};
        gone_++;
        has_changed = true;
    }
    forget_gone();
    return has_changed;
}

void TextAwareness::forget_gone() {
    while (gone_ > kGoneMax) {
        auto oldest = states_.end();
        for (auto at = states_.begin(); at != states_.end(); ++at)
            if (at->second.owner == 0 &&
                (oldest == states_.end() || at->second.version < oldest->second.version))
                oldest = at;
        states_.erase(oldest);
        gone_--;
    }
}

std::string TextAwareness::changes_since(uint64_t version) const {
    std::vector<yjs::AwarenessState> changed;
    for (const auto& [client, state] : states_)
        if (state.version > version && (version > 0 || state.owner != 0))
            changed.push_back({client, state.clock, state.json});
    return changed.empty() ? std::string() : yjs::encode_awareness(changed);
}

}  // namespace tandem::hub
