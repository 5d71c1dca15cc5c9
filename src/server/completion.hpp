#pragma once

#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace tandem::server {

/// A script that completes the verbs and flags of `app` in a shell: "bash", "zsh" or "fish".
[[nodiscard]] std::string completion_script(const CLI::App& app, std::string_view shell);

}  // namespace tandem::server
