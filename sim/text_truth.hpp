#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "yjs/document.hpp"
#include "yjs/known_clocks.hpp"

namespace tandem::sim {

class World;

/// What documents must have in common that merged the same edits, whatever way these came.
struct TextState {
    yjs::StateVector states;
    yjs::DeleteSet deletes;
    std::string shown;  ///< the JSON of all roots

    friend bool operator==(const TextState&, const TextState&) = default;
};
TextState state_of(yjs::Document& document);
std::string difference(const TextState& wanted, const TextState& found);

/// The roots that editors have.
inline constexpr const char* kTextRoot = "t";
inline constexpr const char* kMapRoot = "m";
inline constexpr const char* kListRoot = "a";

/// The texts of each channel as the shadow's log has them.
class TextTruth {
  public:
    explicit TextTruth(World& world) : world_(world) {}

    /// One that was never written to is empty.
    yjs::Document& document(const std::string& channel, const std::string& name);
    /// Whether all of an update is on the disk. What is deleted may follow from what is there, such
    /// as the older of two values of a key.
    bool has(const std::string& channel, const std::string& name, const yjs::UpdateReach& update);
    /// How many entries have brought this word.
    uint64_t count_entries_with(const std::string& channel, std::string_view word);

  private:
    struct OfChannel {
        uint64_t cuts = 0;
        uint64_t seq = 0;
        std::map<std::string, std::unique_ptr<yjs::Document>> texts;
    };

    World& world_;
    std::map<std::string, OfChannel> channels_;
};

}  // namespace tandem::sim
