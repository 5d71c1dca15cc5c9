#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/http_types.hpp"

namespace tandem::gateway {

/// Who may speak to a server that knows no tokens: programs on this machine, and pages that this
/// machine or a configured origin has served. Against DNS rebinding and cross-site WebSockets.
class Access {
  public:
    explicit Access(std::vector<std::string> origins) : origins_(std::move(origins)) {}

    /// The Host field names this machine.
    [[nodiscard]] bool allows_host(const net::HttpRequest& request) const;
    /// No Origin (not a browser), a loopback one, or one of the list, compared exactly.
    [[nodiscard]] bool allows_origin(const net::HttpRequest& request) const;

  private:
    std::vector<std::string> origins_;
};

/// "localhost", 127.0.0.0/8 or [::1], with or without a port.
[[nodiscard]] bool is_loopback_authority(std::string_view authority);

}  // namespace tandem::gateway
