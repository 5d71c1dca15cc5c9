#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace tandem::net {

// SHA-1 (FIPS 180-4). Only the WebSocket handshake may use it: it proves that the server speaks
// the protocol and protects nothing.
[[nodiscard]] std::array<uint8_t, 20> sha1(std::string_view data);

}  // namespace tandem::net
