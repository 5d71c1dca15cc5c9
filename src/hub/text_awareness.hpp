#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "hub/types.hpp"
#include "yjs/sync_messages.hpp"

namespace tandem::hub {

/// What the editors of one text say of themselves: cursors, names, colours. Ephemeral; each change
/// has a version, so that who has stalled gets the newest states and nothing in between.
class TextAwareness {
  public:
    /// Takes the states of clients that the reader may speak for: those of `claims`, unless
    /// another reader speaks for them. A newer clock counts, or the same one that says
    /// farewell, as in y-protocols. True if anything changed.
    bool apply(std::span<const yjs::AwarenessState> states, TextReaderId owner,
               const std::set<uint64_t>& claims, size_t states_max);
    /// Says farewell for all that the reader spoke for. True if there was anything.
    bool drop(TextReaderId owner);

    /// Of states that are not newer than a farewell: the farewell. A client that still says
    /// something takes a newer clock when it hears of its own.
    std::vector<yjs::AwarenessState> farewells_after(
        std::span<const yjs::AwarenessState> states) const;

    /// Another reader speaks for the client.
    bool is_of_other(uint64_t client, TextReaderId reader) const {
        const auto found = states_.find(client);
        return found != states_.end() && found->second.owner != 0 && found->second.owner != reader;
    }

    uint64_t version() const { return version_; }
    bool is_empty() const { return states_.empty(); }
    /// The body of a message with what changed since a version; 0: with all that is there.
    std::string changes_since(uint64_t version) const;

  private:
    struct State {
        uint32_t clock = 0;
        std::string json;
        TextReaderId owner = 0;  ///< 0: it has gone
        uint64_t version = 0;
    };
    void forget_gone();

    std::map<uint64_t, State> states_;
    size_t gone_ = 0;
    uint64_t version_ = 0;
};

}  // namespace tandem::hub
