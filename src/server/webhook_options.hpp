#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hooks/hook.hpp"

namespace tandem::server {

/// One `[[webhooks]]` of the configuration.
struct WebhookOptions {
    enum class From : uint8_t { head, start };

    hooks::HookPolicy policy;
    std::string url;
    std::vector<std::string> keys;  ///< all of them sign
    From from = From::head;         ///< of channels that are there when it is first seen
    bool allow_private = false;
    uint32_t batch_entries = 100;
    uint64_t batch_bytes = 262'144;
    uint64_t connect_timeout_ms = 5'000;
    uint64_t timeout_ms = 15'000;
    std::string ca_file;
};

}  // namespace tandem::server
