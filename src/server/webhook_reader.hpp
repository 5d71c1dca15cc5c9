#pragma once

#include <toml++/toml.h>

#include <string>
#include <vector>

#include "server/options.hpp"

namespace tandem::server {

/// Reads the array of tables; `file` stands for it in problems.
void read_webhooks(const toml::node& node, const std::string& file,
                   std::vector<WebhookOptions>& out, std::vector<Problem>& problems);

/// The section of the generated page of the documentation, in Markdown.
std::string webhooks_page();
/// An example for the generated settings file, as comments.
std::string webhooks_example();

}  // namespace tandem::server
