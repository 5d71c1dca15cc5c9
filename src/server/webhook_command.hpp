#pragma once

#include <string>

namespace tandem::server {

struct WebhookCommand {
    std::string url;
    std::string name;
    bool is_json = false;
};

/// The verbs below `tandem webhooks`; exit codes as of client_commands.hpp.
int run_webhooks_list(const WebhookCommand& command);
/// `action` is test, retry, enable or disable.
int run_webhooks_action(const WebhookCommand& command, const std::string& action);
/// Prints a new secret.
int run_webhooks_secret();

}  // namespace tandem::server
