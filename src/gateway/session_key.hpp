#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "port/entropy.hpp"

namespace tandem::gateway {

/// The name of one stream of events, by which its client's messages find it: on which shard it is,
/// and 136 random bits. Who has it may speak for the stream, so it is told to its client alone.
inline constexpr size_t kSessionKeyChars = 24;

[[nodiscard]] std::string make_session_key(uint32_t shard, port::Entropy& entropy);

/// The shard that made it; nothing where the text is no key.
[[nodiscard]] std::optional<uint32_t> shard_of_session_key(std::string_view key);

}  // namespace tandem::gateway
