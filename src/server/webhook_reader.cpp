#include "server/webhook_reader.hpp"

#include <algorithm>
#include <fstream>
#include <functional>
#include <optional>

#include "hooks/signature.hpp"
#include "net/url.hpp"

namespace tandem::server {

namespace {

constexpr size_t kNameBytesMax = 64;
constexpr size_t kSecretsMax = 4;

/// One member of a webhook's table. `set` gives an empty text when the value is good, else what is
/// wanted.
struct Member {
    std::string name;
    std::string initial;
    std::string allowed;
    std::string help;
    std::function<std::string(WebhookOptions&, const toml::node&)> set;
};

// A text, or an array of texts.
std::optional<std::vector<std::string>> texts_of(const toml::node& node) {
    if (const auto one = node.value<std::string>()) return std::vector{*one};
    const toml::array* array = node.as_array();
    if (array == nullptr) return std::nullopt;
    std::vector<std::string> out;
    for (const toml::node& element : *array) {
        const auto text = element.value<std::string>();
        if (!text) return std::nullopt;
        out.push_back(*text);
    }
    return out;
}

template <class T>
Member number(std::string name, std::string help, T WebhookOptions::*target, uint64_t low,
              uint64_t high) {
    const WebhookOptions defaults;
    const std::string allowed = std::to_string(low) + " to " + std::to_string(high);
    return {std::move(name), std::to_string(defaults.*target), allowed, std::move(help),
            [=](WebhookOptions& hook, const toml::node& node) -> std::string {
                const auto value = node.value_exact<int64_t>();
                if (!value || *value < 0 || static_cast<uint64_t>(*value) < low ||
                    static_cast<uint64_t>(*value) > high)
                    return "a whole number, " + allowed;
                hook.*target = static_cast<T>(*value);
                return {};
            }};
}

template <class T>
Member number(std::string name, std::string help, T hooks::HookPolicy::*target, uint64_t low,
              uint64_t high) {
    const hooks::HookPolicy defaults;
    const std::string allowed = std::to_string(low) + " to " + std::to_string(high);
    return {std::move(name), std::to_string(defaults.*target), allowed, std::move(help),
            [=](WebhookOptions& hook, const toml::node& node) -> std::string {
                const auto value = node.value_exact<int64_t>();
                if (!value || *value < 0 || static_cast<uint64_t>(*value) < low ||
                    static_cast<uint64_t>(*value) > high)
                    return "a whole number, " + allowed;
                hook.policy.*target = static_cast<T>(*value);
                return {};
            }};
}

std::string set_name(WebhookOptions& hook, const toml::node& node) {
    const std::string name = node.value<std::string>().value_or("");
    const bool is_good = !name.empty() && name.size() <= kNameBytesMax &&
                         std::all_of(name.begin(), name.end(), [](char c) {
                             return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                    (c >= '0' && c <= '9') || c == '-' || c == '_';
                         });
    if (!is_good) return "1 to 64 letters, digits, - and _";
    hook.policy.name = name;
    return {};
}

std::string set_url(WebhookOptions& hook, const toml::node& node) {
    const std::string text = node.value<std::string>().value_or("");
    if (!net::parse_url(text) || !(text.starts_with("https://") || text.starts_with("http://")))
        return "an address such as https://example.org/hook, without a user or password";
    hook.url = text;
    return {};
}

std::string add_secret(WebhookOptions& hook, const std::string& text) {
    auto key = hooks::secret_key(text);
    if (!key) return "whsec_ and the base64 of 24 to 64 random bytes (`tandem webhooks secret`)";
    hook.keys.push_back(*std::move(key));
    return {};
}

std::string set_secret(WebhookOptions& hook, const toml::node& node) {
    const auto texts = texts_of(node);
    if (!texts) return "a text, or a list of texts";
    for (const std::string& text : *texts)
        if (std::string wanted = add_secret(hook, text); !wanted.empty()) return wanted;
    return {};
}

std::string set_secret_file(WebhookOptions& hook, const toml::node& node) {
    std::ifstream in(node.value<std::string>().value_or(""));
    if (!in) return "a file that can be read";
    for (std::string line; std::getline(in, line);) {
        while (!line.empty() && (line.back() == '\r' || line.back() == ' '))
            line.pop_back();
        if (line.empty()) continue;
        if (std::string wanted = add_secret(hook, line); !wanted.empty())
            return "a file whose lines are " + wanted;
    }
    return {};
}

std::string set_events(WebhookOptions& hook, const toml::node& node) {
    const auto texts = texts_of(node);
    const std::string wanted = "a list of changes, conflicts and presence";
    if (!texts || texts->empty()) return wanted;
    hook.policy.streams.clear();
    for (const hooks::Stream stream :
         {hooks::Stream::changes, hooks::Stream::conflicts, hooks::Stream::presence})
        if (std::find(texts->begin(), texts->end(), name_of(stream)) != texts->end())
            hook.policy.streams.push_back(stream);
    return hook.policy.streams.size() == texts->size() ? std::string() : wanted;
}

std::string set_channels(WebhookOptions& hook, const toml::node& node) {
    const auto texts = texts_of(node);
    const bool is_good =
        texts && !texts->empty() &&
        std::all_of(texts->begin(), texts->end(), [](const std::string& text) {
            return !text.empty() && std::none_of(text.begin(), text.end(), [](char c) {
                return static_cast<unsigned char>(c) <= ' ';
            });
        });
    if (!is_good) return "a list of patterns such as board:*, without blanks";
    hook.policy.channels = *texts;
    return {};
}

std::string set_from(WebhookOptions& hook, const toml::node& node) {
    const std::string text = node.value<std::string>().value_or("");
    if (text != "head" && text != "start") return "head or start";
    hook.from = text == "start" ? WebhookOptions::From::start : WebhookOptions::From::head;
    return {};
}

std::string set_allow_private(WebhookOptions& hook, const toml::node& node) {
    const auto value = node.value_exact<bool>();
    if (!value) return "true or false";
    hook.allow_private = *value;
    return {};
}

std::string set_ca_file(WebhookOptions& hook, const toml::node& node) {
    const std::string path = node.value<std::string>().value_or("");
    if (!std::ifstream(path)) return "a file that can be read";
    hook.ca_file = path;
    return {};
}

std::vector<Member> members() {
    using Policy = hooks::HookPolicy;
    using Hook = WebhookOptions;
    return {
        {"name", "none", "letters, digits, - and _",
         "names its cursors: under another name it begins anew", set_name},
        {"url", "none", "https://…, or http://… with `allow_private`", "where to", set_url},
        {"secret", "none", "`whsec_…`, or a list of up to 4",
         "signs every delivery; of several, all sign", set_secret},
        {"secret_file", "none", "a path", "instead: a secret on each line", set_secret_file},
        {"events", "`[\"changes\"]`", "changes, conflicts, presence", "what to tell", set_events},
        {"channels", "`[\"*\"]`", "patterns; `*` stands for any characters", "of which channels",
         set_channels},
        {"from", "`\"head\"`", "head or start",
         "where to begin on channels that are there when it is first seen", set_from},
        {"allow_private", "`false`", "true or false",
         "addresses of this machine and of private networks too, and plain HTTP",
         set_allow_private},
        number("batch_entries", "entries, or rows of conflicts, of one delivery",
               &Hook::batch_entries, 1, 1'000),
        number("batch_bytes", "bytes of entries of one delivery; one entry may exceed it",
               &Hook::batch_bytes, 1'024, 4'194'304),
        number("gather_ms", "how long news wait for more", &Policy::gather_ms, 0, 60'000),
        number("connections", "deliveries under way at a time", &Policy::connections_max, 1, 32),
        number("connect_timeout_ms", "for the connection", &Hook::connect_timeout_ms, 100, 60'000),
        number("timeout_ms", "for the whole delivery", &Hook::timeout_ms, 100, 120'000),
        number("retry_min_ms", "before the second attempt; doubled for each further one",
               &Policy::retry_min_ms, 10, 600'000),
        number("retry_max_ms", "at most between two attempts", &Policy::retry_max_ms, 10,
               86'400'000),
        {"ca_file", "none", "a path", "certificates to trust instead of the system's", set_ca_file},
    };
}

void check_whole(const WebhookOptions& hook, const std::string& where,
                 const std::vector<WebhookOptions>& others, std::vector<Problem>& problems) {
    const std::string& name = hook.policy.name;
    if (name.empty()) problems.push_back({where + ".name", "is missing"});
    if (std::any_of(others.begin(), others.end(),
                    [&](const WebhookOptions& other) { return other.policy.name == name; }))
        problems.push_back({where + ".name", "is that of another webhook"});
    if (hook.url.empty()) problems.push_back({where + ".url", "is missing"});
    if (hook.keys.empty() || hook.keys.size() > kSecretsMax)
        problems.push_back({where + ".secret",
                            "must be one to four secrets; make one with `tandem webhooks secret`"});
    if (hook.url.starts_with("http://") && !hook.allow_private)
        problems.push_back({where + ".url",
                            "is not encrypted; use https, or allow_private = true for a receiver "
                            "on this machine or network"});
}

}  // namespace

void read_webhooks(const toml::node& node, const std::string& file,
                   std::vector<WebhookOptions>& out, std::vector<Problem>& problems) {
    const toml::array* array = node.as_array();
    if (array == nullptr || !array->is_array_of_tables()) {
        problems.push_back({file + ": webhooks", "must be written as [[webhooks]]"});
        return;
    }
    const std::vector<Member> known = members();
    for (size_t i = 0; i < array->size(); ++i) {
        const std::string where = file + ": webhooks[" + std::to_string(i) + "]";
        WebhookOptions hook;
        const size_t problems_before = problems.size();
        for (const auto& [key, value] : *array->get(i)->as_table()) {
            const auto member = std::find_if(known.begin(), known.end(),
                                             [&](const Member& m) { return m.name == key.str(); });
            const std::string at = where + "." + std::string(key.str());
            if (member == known.end()) {
                problems.push_back({at, "is not known; see docs/configuration.md"});
                continue;
            }
            if (const std::string wanted = member->set(hook, value); !wanted.empty())
                problems.push_back({at, "must be " + wanted});
        }
        if (problems.size() == problems_before) check_whole(hook, where, out, problems);
        out.push_back(std::move(hook));
    }
}

std::string webhooks_page() {
    std::string out = R"(
## [[webhooks]]
One for each receiver that is told over HTTP; the file alone has them. What they do is in [webhooks](webhooks.md).

| name | default | values | |
|---|---|---|---|
)";
    for (const Member& member : members())
        out += "| `" + member.name + "` | " +
               (member.initial.find_first_not_of("0123456789") == std::string::npos
                    ? '`' + member.initial + '`'
                    : member.initial) +
               " | " + member.allowed + " | " + member.help + " |\n";
    return out;
}

std::string webhooks_example() {
    return R"(
# Tells a program over HTTP what happens (docs/webhooks.md).
# [[webhooks]]
# name = "crm"
# url = "https://example.org/hook"
# secret_file = "crm.secret"     # `tandem webhooks secret > crm.secret`
# events = ["changes", "conflicts"]
# channels = ["board:*"]
)";
}

}  // namespace tandem::server
