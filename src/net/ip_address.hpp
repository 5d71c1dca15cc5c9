#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_types.hpp"

namespace tandem::net {

/// An IPv6 address, or an IPv4 address in the form that IPv6 gives it (::ffff:1.2.3.4).
struct IpAddress {
    std::array<uint8_t, 16> bytes{};

    auto operator<=>(const IpAddress&) const = default;
    [[nodiscard]] bool is_v4() const;
    [[nodiscard]] bool is_loopback() const;
    /// The first `bits` bits, the others being 0; of an IPv4 address these count from 96.
    [[nodiscard]] IpAddress prefix(unsigned bits) const;
};

/// In digits, IPv6 with or without brackets; nothing else may stand around it, but the name of a
/// network interface (`%eth0`) is left out.
[[nodiscard]] std::optional<IpAddress> parse_ip(std::string_view text);
[[nodiscard]] std::string to_text(const IpAddress& address);

/// Addresses with a common prefix: `10.0.0.0/8`, `2001:db8::/32`, or a single address.
struct IpNetwork {
    IpAddress first;
    unsigned bits = 128;  ///< of the IPv6 form
    [[nodiscard]] bool contains(const IpAddress& address) const {
        return address.prefix(bits) == first;
    }
};

/// Nothing too, where bits behind the prefix are set: who writes 10.0.0.1/8 means something else.
[[nodiscard]] std::optional<IpNetwork> parse_network(std::string_view text);

[[nodiscard]] std::string to_text(const IpNetwork& network);

/// Which header field tells for whom a proxy asks. One is believed, since a proxy that writes the
/// one passes on what a client has written into the other.
enum class ForwardedField : uint8_t {
    x_forwarded_for,
    forwarded,  ///< RFC 7239
};

/// Whom requests come from, where proxies ask for others.
struct TrustedProxies {
    std::vector<IpNetwork> networks;
    ForwardedField field = ForwardedField::x_forwarded_for;

    [[nodiscard]] bool contains(const IpAddress& address) const;
    /// `peer`, or when that is trusted, the last address of the header field that is not. What
    /// stands before that is hearsay, and so is what stands before something that is no address.
    [[nodiscard]] IpAddress client_of(const HttpHeaders& headers, const IpAddress& peer) const;
};

}  // namespace tandem::net
