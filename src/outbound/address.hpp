#pragma once

#include <array>
#include <cstdint>

// Which addresses are of the public internet. What is not may be this machine, a neighbour or a
// cloud's metadata service, which nobody may reach by naming it to this server.
namespace tandem::outbound {

using Ipv4 = std::array<uint8_t, 4>;
using Ipv6 = std::array<uint8_t, 16>;

/// After the IANA registries of special-purpose addresses.
[[nodiscard]] bool is_public(const Ipv4& address);
/// Of global unicast only; an IPv4 address within one is judged as such.
[[nodiscard]] bool is_public(const Ipv6& address);

}  // namespace tandem::outbound
