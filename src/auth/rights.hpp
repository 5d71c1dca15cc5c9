#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/value.hpp"

namespace tandem::auth {

/// What a token may permit on a channel. Each stands for itself; none has another in it.
enum class Capability : uint8_t {
    read = 1,      ///< follow and read it, its history and its texts
    write = 2,     ///< push, edit texts, decide conflicts, restore
    presence = 4,  ///< be a member, and see who is one
    signal = 8,    ///< send and get signals
    stream = 16,   ///< streams, which are not there yet
    admin = 32,    ///< delete it; on `*`: look at connections, revoke tokens, steer webhooks
};
using Capabilities = uint8_t;  ///< bits of Capability
inline constexpr Capabilities kAllCapabilities = 63;

[[nodiscard]] constexpr bool has(Capabilities all, Capability one) {
    return (all & static_cast<Capabilities>(one)) != 0;
}
[[nodiscard]] std::string_view name_of(Capability capability);
[[nodiscard]] std::optional<Capability> capability_of(std::string_view name);

/// Patterns of one token. More of them is more work per operation.
inline constexpr size_t kPatternsMax = 64;

/// What a token permits: for each pattern of channel names some capabilities. A pattern is a
/// channel's name, or the beginning of one and a final `*`. What no pattern grants is denied.
class Rights {
  public:
    /// From the claim `cap`, `{"board:*": ["read", "write"]}`. Capabilities that this version does
    /// not know grant nothing. `token_invalid` for any other form, a `*` that is not the last
    /// character among them.
    [[nodiscard]] static base::Result<Rights> read(const base::Value& cap);

    /// The sum over all patterns that match; allocates nothing.
    [[nodiscard]] Capabilities on(std::string_view channel) const;
    /// The sum over the patterns `*` alone: of what concerns no channel.
    [[nodiscard]] Capabilities on_all() const;

  private:
    struct Pattern {
        std::string text;  ///< without the `*`
        bool is_prefix = false;
        Capabilities capabilities = 0;
    };
    std::vector<Pattern> patterns_;
};

}  // namespace tandem::auth
