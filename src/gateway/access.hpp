#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/http_types.hpp"

namespace tandem::gateway {

/// From where a server may be spoken to: from this machine and pages that it or a configured origin
/// has served; or, where tokens say who speaks, by any name, and by pages that it has served itself
/// or that have a configured origin. Against DNS rebinding and cross-site WebSockets.
class Access {
  public:
    enum class Reach : uint8_t { loopback, anywhere };

    explicit Access(std::vector<std::string> origins, Reach reach = Reach::loopback)
        : origins_(std::move(origins)), reach_(reach) {}

    /// The Host field names this machine, or any.
    [[nodiscard]] bool allows_host(const net::HttpRequest& request) const;
    /// No Origin (not a browser), one of the list, compared exactly (`null` as well), one of this
    /// machine when the request names it, or with Reach::anywhere that of the request's own host.
    [[nodiscard]] bool allows_origin(const net::HttpRequest& request) const;

  private:
    std::vector<std::string> origins_;
    Reach reach_;
};

/// "localhost", 127.0.0.0/8 or [::1], with or without a port.
[[nodiscard]] bool is_loopback_authority(std::string_view authority);

}  // namespace tandem::gateway
