#include "server/options.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

#include "gateway/access.hpp"
#include "server/webhook_reader.hpp"
#include "yjs/item.hpp"

namespace tandem::server {

namespace {

constexpr std::pair<std::string_view, AuthOptions::Mode> kAuthModes[] = {
    {"auto", AuthOptions::Mode::automatic},
    {"required", AuthOptions::Mode::required},
    {"optional", AuthOptions::Mode::optional},
    {"off", AuthOptions::Mode::off},
};

constexpr std::pair<std::string_view, BeyondLoopback> kBeyond[] = {
    {"no", BeyondLoopback::no},
    {"plaintext", BeyondLoopback::plaintext},
    {"open", BeyondLoopback::open},
};

constexpr std::pair<std::string_view, net::ForwardedField> kForwardedFields[] = {
    {"x-forwarded-for", net::ForwardedField::x_forwarded_for},
    {"forwarded", net::ForwardedField::forwarded},
};

std::string upper(std::string_view text) {
    std::string out;
    for (const char c : text)
        out += c == '.' || c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
    return out;
}

template <class T>
Setting number(std::string section, std::string name, std::string help, T& target, uint64_t low,
               uint64_t high) {
    Setting setting{std::move(section), std::move(name), std::move(help), nullptr, nullptr, {}};
    setting.allowed = std::to_string(low) + " to " + std::to_string(high);
    setting.set = [&target, low, high](const std::string& text) -> std::string {
        uint64_t value = 0;
        const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
        if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || value < low ||
            value > high)
            return "a whole number from " + std::to_string(low) + " to " + std::to_string(high);
        target = static_cast<T>(value);
        return {};
    };
    setting.get = [&target] { return std::to_string(target); };
    return setting;
}

Setting text(std::string section, std::string name, std::string help, std::string& target) {
    Setting setting{std::move(section), std::move(name), std::move(help), nullptr, nullptr, {}};
    setting.set = [&target](const std::string& value) -> std::string {
        target = value;
        return {};
    };
    setting.get = [&target] { return '"' + target + '"'; };
    return setting;
}

// "a, b or c"
template <class T, size_t N>
std::string names_of(const std::pair<std::string_view, T> (&values)[N]) {
    std::string out;
    for (size_t i = 0; i < N; ++i)
        out.append(i == 0 ? "" : i + 1 == N ? " or " : ", ").append(values[i].first);
    return out;
}

template <class T, size_t N>
Setting choice(std::string section, std::string name, std::string help,
               const std::pair<std::string_view, T> (&values)[N], T& target) {
    Setting setting{std::move(section), std::move(name), std::move(help), nullptr, nullptr,
                    names_of(values)};
    setting.set = [&target, &values](const std::string& value) -> std::string {
        for (const auto& [word, one] : values)
            if (word == value) {
                target = one;
                return {};
            }
        return names_of(values);
    };
    setting.get = [&target, &values] {
        for (const auto& [word, one] : values)
            if (one == target) return '"' + std::string(word) + '"';
        return std::string();
    };
    return setting;
}

Setting flag(std::string section, std::string name, std::string help, bool& target) {
    Setting setting{std::move(section), std::move(name), std::move(help), nullptr, nullptr, {}};
    setting.allowed = "true or false";
    setting.set = [&target](const std::string& value) -> std::string {
        if (value != "true" && value != "false") return "true or false";
        target = value == "true";
        return {};
    };
    setting.get = [&target] { return target ? "true" : "false"; };
    return setting;
}

}  // namespace

std::string type_name(const hub::FieldRule& rule) {
    switch (rule.kind) {
        case record::Kind::counter:
            return "counter";
        case record::Kind::set:
            return "set";
        case record::Kind::list:
            return "list";
        case record::Kind::map:
            return "map";
        case record::Kind::reg:
        case record::Kind::none:
            break;
    }
    switch (rule.type) {
        case hub::ValueType::string:
            return "string";
        case hub::ValueType::number:
            return "number";
        case hub::ValueType::boolean:
            return "boolean";
        case hub::ValueType::json:
        case hub::ValueType::any:
            break;
    }
    return "json";
}

namespace {

void add_rule(hub::Namespace& ns, const std::string& where, std::string_view pattern,
              const toml::node& node, std::vector<Problem>& problems) {
    std::string type;
    std::string resolver;
    std::vector<hub::Writer> writers;
    const auto add_writer = [&](const toml::node& one) {
        auto writer = hub::make_writer(one.value<std::string>().value_or(""));
        if (writer)
            writers.push_back(*std::move(writer));
        else
            problems.push_back({where + ".write",
                                "names nobody; write a capability, such as \"admin\", or "
                                "\"claim:NAME=VALUE\", or a list of these"});
    };
    if (const auto plain = node.value<std::string>()) {
        type = *plain;
    } else if (const toml::table* table = node.as_table()) {
        for (const auto& [key, value] : *table) {
            if (key.str() == "type")
                type = value.value<std::string>().value_or("");
            else if (key.str() == "resolver")
                resolver = value.value<std::string>().value_or("?");
            else if (key.str() == "write" && value.is_array())
                for (const toml::node& one : *value.as_array())
                    add_writer(one);
            else if (key.str() == "write")
                add_writer(value);
            else
                problems.push_back({where + "." + std::string(key.str()),
                                    "is not known; a field has `type`, `resolver` and `write`"});
        }
    }
    auto rule = hub::make_rule(pattern, type, resolver);
    if (rule) {
        rule->writers = std::move(writers);
        ns.fields.push_back(std::move(*rule));
        return;
    }
    if (rule.error().code == base::ErrorCode::bad_path)
        problems.push_back({where,
                            "is no pattern; write segments joined by /, such as "
                            "cards/*/text"});
    else if (rule.error().code == base::ErrorCode::unknown_operation)
        problems.push_back({where,
                            "has an unknown resolver; there are lww, max, min, mean, union, "
                            "text3, manual and agent"});
    else if (rule.error().code == base::ErrorCode::invalid_argument)
        problems.push_back(
            {where,
             "has a resolver that does not fit its type; mean is for number, union "
             "for json, text3 for string, and counter, set, list and map take none"});
    else
        problems.push_back({where,
                            "has an unknown type; there are string, number, boolean, json, "
                            "counter, set, list and map"});
}

void read_namespaces(const toml::table& table, const std::string& name, Options& options,
                     std::vector<Problem>& problems) {
    for (const auto& [key, node] : table) {
        const std::string where = name + ": namespaces." + std::string(key.str());
        const toml::table* body = node.as_table();
        if (body == nullptr) {
            problems.push_back({where, "must be a table"});
            continue;
        }
        hub::Namespace ns;
        ns.name = std::string(key.str());
        for (const auto& [member, value] : *body) {
            if (member.str() == "strict") {
                ns.is_strict = value.value<bool>().value_or(false);
            } else if (member.str() == "text_access") {
                const std::string wanted = value.value<std::string>().value_or("");
                if (wanted != "read" && wanted != "write")
                    problems.push_back({where + ".text_access", "must be \"read\" or \"write\""});
                ns.text_access = wanted == "read" ? hub::TextAccess::read : hub::TextAccess::write;
            } else if (member.str() == "fields" && value.is_table()) {
                for (const auto& [pattern, rule] : *value.as_table())
                    add_rule(ns, where + ".fields." + std::string(pattern.str()), pattern.str(),
                             rule, problems);
            } else {
                problems.push_back({where + "." + std::string(member.str()),
                                    "is not known; there are `strict`, `text_access` and "
                                    "`fields`"});
            }
        }
        options.hub.namespaces[ns.name] = std::move(ns);
    }
}

void read_issuers(const toml::node& node, const std::string& name, Options& options,
                  std::vector<Problem>& problems) {
    const toml::array* list = node.as_array();
    if (list == nullptr) {
        problems.push_back({name + ": auth.issuers", "must be written as [[auth.issuers]]"});
        return;
    }
    for (const toml::node& element : *list) {
        const toml::table* table = element.as_table();
        IssuerOptions issuer;
        if (table != nullptr)
            for (const auto& [key, value] : *table) {
                std::string* target = key.str() == "issuer"     ? &issuer.name
                                      : key.str() == "audience" ? &issuer.audience
                                      : key.str() == "jwks"     ? &issuer.jwks
                                                                : nullptr;
                if (target == nullptr)
                    problems.push_back({name + ": auth.issuers." + std::string(key.str()),
                                        "is not known; there are `issuer`, `audience` and `jwks`"});
                else
                    *target = value.value<std::string>().value_or("");
            }
        if (issuer.jwks.empty() || issuer.name.empty())
            problems.push_back({name + ": auth.issuers", "needs `issuer` and `jwks`, both texts"});
        options.auth.more_issuers.push_back(std::move(issuer));
    }
}

std::string text_of(const toml::node& node) {
    if (const auto value = node.value<std::string>()) return *value;
    // A boolean also counts as the number 0 or 1, hence this first.
    if (node.is_boolean()) return node.value<bool>().value_or(false) ? "true" : "false";
    if (const auto value = node.value<int64_t>()) return std::to_string(*value);
    if (const toml::array* array = node.as_array()) {
        std::string joined;
        for (const toml::node& element : *array) {
            if (!joined.empty()) joined += ',';
            joined += element.value<std::string>().value_or("");
        }
        return joined;
    }
    return {};
}

}  // namespace

bool Options::is_on_loopback() const {
    return gateway::is_loopback_authority(host.find(':') == std::string::npos ? host
                                                                              : '[' + host + ']');
}

std::string Setting::environment_name() const { return "TANDEM_" + upper(section + "_" + name); }

std::vector<Setting> settings_of(Options& o) {
    std::vector<Setting> all;
    base::Limits& limits = o.hub.limits;
    hub::Retention& retention = o.hub.retention;
    all.push_back(text("server", "host", "address to listen on", o.host));
    all.push_back(number("server", "port", "port to listen on; 0 chooses one", o.port, 0, 65535));
    all.push_back(number("server", "threads",
                         "event loops, each with its share of the channels; 0: one per core",
                         o.threads, 0, 64));
    all.push_back(flag("server", "io_uring",
                       "send to many connections in one system call; where the system has no "
                       "io_uring, or forbids it, each gets its own",
                       o.io_uring));
    all.push_back(text("server", "data", "folder of the embedded store", o.data_dir));
    all.push_back(text("server", "web", "folder of the pages to serve; empty: none", o.web_dir));
    Setting origins{"server",
                    "origins",
                    "further origins whose pages may connect and use the HTTP API, comma-separated",
                    nullptr,
                    nullptr,
                    "a list of origins"};
    origins.set = [&o](const std::string& value) -> std::string {
        o.origins.clear();
        std::stringstream in(value);
        for (std::string origin; std::getline(in, origin, ',');)
            if (!origin.empty()) o.origins.push_back(origin);
        return {};
    };
    origins.get = [&o] {
        std::string out = "[";
        for (size_t i = 0; i < o.origins.size(); ++i)
            out += (i > 0 ? ", \"" : "\"") + o.origins[i] + '"';
        return out + "]";
    };
    all.push_back(std::move(origins));
    Setting proxies{"server",
                    "trusted_proxies",
                    "proxies that are believed when they say for whom they ask, comma-separated",
                    nullptr,
                    nullptr,
                    "a list of addresses in digits, and networks such as 10.0.0.0/8"};
    proxies.set = [&o](const std::string& value) -> std::string {
        o.proxies.networks.clear();
        std::stringstream in(value);
        for (std::string one; std::getline(in, one, ',');) {
            const auto network = net::parse_network(net::trim_blanks(one));
            if (!network)
                return "a list of addresses in digits, or networks such as 10.0.0.0/8 with nothing "
                       "set behind the prefix";
            o.proxies.networks.push_back(*network);
        }
        return {};
    };
    proxies.get = [&o] {
        std::string out = "[";
        for (const net::IpNetwork& network : o.proxies.networks)
            out += (out.size() > 1 ? ", \"" : "\"") + net::to_text(network) + '"';
        return out + "]";
    };
    all.push_back(std::move(proxies));
    all.push_back(choice("server", "forwarded_field",
                         "the header field in which they say so; the other one is not looked at",
                         kForwardedFields, o.proxies.field));
    all.push_back(choice(
        "server", "beyond_loopback",
        "whether others than this machine may connect without TLS: plaintext asks for tokens "
        "(behind a proxy with TLS), open asks for nothing, with TLS or without",
        kBeyond, o.beyond_loopback));
    all.push_back(flag("server", "deflate",
                       "send long messages compressed to WebSockets that take them "
                       "(permessage-deflate), as browsers do",
                       o.deflate));
    all.push_back(number("server", "deflate_min_bytes", "shorter messages are sent as they are",
                         o.deflate_bytes_min, 0, 1024 * base::kMiB));
    all.push_back(number("server", "reconnect_after_ms",
                         "what clients are told at a shutdown: when to come back",
                         o.reconnect_after_ms, 0, 600'000));
    all.push_back(text("tls", "certificate",
                       "PEM file of the server's certificate and those that lead to its authority; "
                       "empty: no TLS. Read again at SIGHUP",
                       o.tls.certificate));
    all.push_back(text("tls", "key", "PEM file of its key", o.tls.key));
    all.push_back(number("tls", "handshakes", "handshakes under way at a time",
                         o.tls_handshakes_max, 1, 1'000'000));
    all.push_back(number("tls", "handshake_timeout_ms", "for a handshake",
                         o.tls_handshake_timeout_ms, 100, 600'000));
    all.push_back(text("log", "level", "trace, debug, info, warn, error or off", o.log_level));
    Setting format{"log",   "format", "how a line of the log looks",
                   nullptr, nullptr,  "text or json"};
    format.set = [&o](const std::string& value) -> std::string {
        if (value != "text" && value != "json") return "text or json";
        o.log_format = value == "json" ? LogFormat::json : LogFormat::text;
        return {};
    };
    format.get = [&o] { return o.log_format == LogFormat::json ? "\"json\"" : "\"text\""; };
    all.push_back(std::move(format));
    all.push_back(choice("auth", "mode",
                         "whether tokens are needed; auto: where keys are configured", kAuthModes,
                         o.auth.mode));
    all.push_back(
        text("auth", "jwks", "file with the keys that sign tokens (JWKS)", o.auth.issuer.jwks));
    all.push_back(text("auth", "issuer", "`iss` of these tokens; empty: they must have none",
                       o.auth.issuer.name));
    all.push_back(text("auth", "audience", "must be in their `aud`; empty: they must have none",
                       o.auth.issuer.audience));
    all.push_back(
        text("auth", "api_keys", "file with the keys of programs (X-API-Key)", o.auth.api_keys));
    all.push_back(number("auth", "leeway_ms", "how far ahead the clocks of issuers may be",
                         o.auth.leeway_ms, 0, 600'000));
    all.push_back(number("limits", "message_bytes", "longest message of a client",
                         limits.message_bytes_max, 1024, base::kMessageBytesCeiling));
    all.push_back(number("limits", "record_bytes", "largest record of a channel",
                         limits.record_bytes_max, 1024, 1024 * base::kMiB));
    all.push_back(number("limits", "text_bytes", "largest text of a channel, deleted parts too",
                         limits.text_bytes_max, 1024, 1024 * base::kMiB));
    all.push_back(number("limits", "text_message_bytes", "longest message of a provider of texts",
                         limits.text_message_bytes_max, 1024, 256 * base::kMiB));
    all.push_back(number("limits", "texts", "texts of one channel", limits.texts_per_channel_max, 1,
                         100'000));
    all.push_back(number("limits", "text_clients",
                         "clients that have ever edited one text; each page that is loaded is one",
                         limits.clients_per_text_max, 1, yjs::kClientsMax));
    all.push_back(number("limits", "channels_per_connection", "subscriptions of one connection",
                         limits.channels_per_connection_max, 1, 100'000));
    all.push_back(number("limits", "presence_bytes", "largest presence state of a member",
                         limits.presence_bytes_max, 16, base::kMiB));
    all.push_back(number("limits", "presence_members", "members of one channel",
                         limits.presence_members_max, 1, 1'000'000));
    all.push_back(number("limits", "presence_ttl_ms",
                         "how long a member stays when its connection was lost",
                         limits.presence_ttl_ms, 0, 3'600'000));
    all.push_back(number("limits", "connections", "connections of the server",
                         limits.connections_max, 1, 10'000'000));
    all.push_back(number("limits", "connections_per_address",
                         "connections of one address, or of one /64 of IPv6; programs on this "
                         "machine are held to no limit of an address, nor to a rate",
                         limits.connections_per_address_max, 1, 10'000'000));
    all.push_back(number("limits", "new_connections_per_address",
                         "new ones of it a second, and as many at once; 0: any number",
                         limits.new_connections_per_address, 0, 1'000'000));
    all.push_back(number("limits", "requests_per_address",
                         "HTTP requests of it a second, handshakes of WebSockets too, and twice as "
                         "many at once; 0: any number",
                         limits.requests_per_address, 0, 1'000'000));
    all.push_back(number("limits", "addresses",
                         "addresses that are counted at a time; who has been idle for longest is "
                         "forgotten first",
                         limits.addresses_max, 16, 10'000'000));
    all.push_back(number("limits", "pushes_per_second",
                         "writes of one connection a second; beyond it they are refused for now, "
                         "and sent again; 0: any number",
                         limits.pushes_per_second, 0, 1'000'000));
    all.push_back(number("limits", "push_burst", "writes of one connection at once",
                         limits.push_burst, 1, 1'000'000));
    all.push_back(number("limits", "messages_per_second",
                         "messages of one connection a second, and twice as many at once; beyond "
                         "it they wait to be read; 0: any number",
                         limits.messages_per_second, 0, 1'000'000));
    all.push_back(number("limits", "bytes_per_second",
                         "bytes of them a second, and four times as many at once; beyond it they "
                         "wait to be read; 0: any number",
                         limits.bytes_per_second, 0, 1024 * base::kMiB));
    all.push_back(number("limits", "catch_up_bytes",
                         "of what readers who stall in a catch-up hold on one core; beyond it the "
                         "oldest have to come again",
                         limits.catch_up_bytes_max, base::kMiB, 1024 * base::kMiB));
    all.push_back(
        number("limits", "memory_budget",
               "bytes that the server may use; at 80 % of them it begins to save. 0: three "
               "quarters of what the machine, or its control group, has",
               o.memory_budget_bytes, 0, uint64_t{1} << 50));
    all.push_back(number("limits", "stall_timeout_ms",
                         "after which a peer is dropped that takes nothing of what waits for it; "
                         "clients resume from their cursors. 0: never",
                         o.stall_timeout_ms, 0, 7'200'000));
    all.push_back(number("limits", "ping_interval_ms", "silence after which a peer is pinged",
                         limits.ping_interval_ms, 100, 3'600'000));
    all.push_back(number("limits", "idle_timeout_ms", "silence after which a peer is dropped",
                         limits.idle_timeout_ms, 200, 7'200'000));
    all.push_back(number("retention", "entries",
                         "entries of a channel's log that are kept at least", retention.entries, 1,
                         1'000'000'000));
    all.push_back(number("retention", "snapshot_every_entries", "entries between two snapshots",
                         retention.snapshot_every_entries, 1, 1'000'000));
    all.push_back(number("retention", "snapshot_every_bytes", "or bytes of log between them",
                         retention.snapshot_every_bytes, 1024, 1024 * base::kMiB));
    all.push_back(number("retention", "states",
                         "older snapshots of a channel that are kept for looking back",
                         retention.states, 0, 1'000));
    all.push_back(number("retention", "versions", "named versions of one channel",
                         retention.versions, 0, 100'000));
    auto& texts = retention.text_versions;
    all.push_back(number("retention", "text_versions", "named versions of one text",
                         texts.named_max, 0, 100'000));
    all.push_back(number("retention", "text_version_every_ms",
                         "of editing, after which a text is kept as a version by itself; 0: never",
                         texts.every_ms, 0, 86'400'000));
    all.push_back(number("retention", "text_versions_all_ms",
                         "these are kept all up to this age; then one an hour", texts.all_ms, 0,
                         31'536'000'000));
    all.push_back(number("retention", "text_versions_hourly_ms", "up to this age; then one a day",
                         texts.hourly_ms, 0, 31'536'000'000));
    all.push_back(number("retention", "text_versions_automatic",
                         "of them in all, of one text; the oldest go first", texts.automatic_max, 0,
                         100'000));
    all.push_back(number("retention", "text_version_bytes",
                         "all versions of one text, as they are stored", texts.bytes_max,
                         base::kMiB, 1024 * 1024 * base::kMiB));
    all.push_back(number("retention", "cold_after_ms", "an unused channel leaves memory after this",
                         retention.cold_after_ms, 0, 86'400'000));
    return all;
}

std::vector<Problem> read_text(std::string_view text, const std::string& name, Options& options) {
    std::vector<Problem> problems;
    toml::table table;
    try {
        table = toml::parse(text, name);
    } catch (const toml::parse_error& failure) {
        std::ostringstream where;
        where << name << ":" << failure.source().begin.line;
        return {{where.str(), std::string(failure.description())}};
    }
    std::vector<Setting> settings = settings_of(options);
    for (const auto& [section, node] : table) {
        if (section.str() == "webhooks") {
            read_webhooks(node, name, options.webhooks, problems);
            continue;
        }
        const toml::table* body = node.as_table();
        if (body == nullptr) {
            problems.push_back({name + ": " + std::string(section.str()), "must be a [section]"});
            continue;
        }
        if (section.str() == "namespaces") {
            read_namespaces(*body, name, options, problems);
            continue;
        }
        for (const auto& [key, value] : *body) {
            const std::string full = std::string(section.str()) + "." + std::string(key.str());
            if (full == "auth.issuers") {
                read_issuers(value, name, options, problems);
                continue;
            }
            const auto found = std::find_if(settings.begin(), settings.end(),
                                            [&](const Setting& s) { return s.key() == full; });
            if (found == settings.end()) {
                problems.push_back({name + ": " + full, "is not a setting of this version"});
                continue;
            }
            if (const std::string wanted = found->set(text_of(value)); !wanted.empty())
                problems.push_back({name + ": " + full, "must be " + wanted});
        }
    }
    return problems;
}

std::vector<Problem> read_file(const std::string& path, Options& options) {
    std::ifstream in(path);
    if (!in) return {{path, "cannot be read; check the path and its permissions"}};
    std::ostringstream text;
    text << in.rdbuf();
    return read_text(text.str(), path, options);
}

std::vector<Problem> read_environment(const std::vector<std::string>& variables, Options& options) {
    std::vector<Problem> problems;
    std::vector<Setting> settings = settings_of(options);
    for (const std::string& variable : variables) {
        if (!variable.starts_with("TANDEM_")) continue;
        const size_t equals = variable.find('=');
        const std::string name = variable.substr(0, equals);
        const auto found = std::find_if(settings.begin(), settings.end(), [&](const Setting& s) {
            return s.environment_name() == name;
        });
        // Other programs may have variables of their own that begin like ours.
        const bool is_section = std::any_of(
            settings.begin(), settings.end(),
            [&](const Setting& s) { return name.starts_with("TANDEM_" + upper(s.section) + "_"); });
        if (found == settings.end() && is_section)
            problems.push_back({name, "is not a setting of this version"});
        else if (found != settings.end())
            if (const std::string wanted = found->set(variable.substr(equals + 1)); !wanted.empty())
                problems.push_back({name, "must be " + wanted});
    }
    return problems;
}

std::string_view dev_schema() {
    return R"([namespaces.board.fields]
title = "string"
decision = { type = "string", resolver = "manual" }
votes = "counter"
tags = "set"
cards = "list"
"cards/*/text" = "string"
"cards/*/done" = "boolean"
"cards/*/color" = "string"

[namespaces.text]
)";
}

std::string default_file() {
    Options options;
    std::string out =
        "# Tandem's settings and their defaults. Each is also an environment\n"
        "# variable (TANDEM_SECTION_NAME) and a flag (--section.name).\n";
    std::string section;
    for (const Setting& setting : settings_of(options)) {
        if (setting.section != section) {
            section = setting.section;
            out += "\n[" + section + "]\n";
        }
        out += "# " + setting.help + "\n" + setting.name + " = " + setting.get() + "\n";
    }
    out +=
        "\n# A namespace is what a channel's name begins with: board:42 belongs to `board`.\n"
        "# Types: string number boolean json counter set list map; resolvers: lww max min mean\n"
        "# union text3 manual agent (docs/semantics.md).\n";
    out += dev_schema();
    return out + webhooks_example();
}

std::string default_page() {
    Options options;
    std::string out = R"(# Settings

Written by `./dev errors` from the code. `tandem defaultconfig` prints the same as a file to start from, `tandem checkconfig --config FILE` says what is wrong with one.

A setting is taken from, the later ones winning: its default, the file, the environment variable `TANDEM_SECTION_NAME` (`TANDEM_SERVER_PORT`), the flag `--section.name` (`--server.port`).
)";
    std::string section;
    for (const Setting& setting : settings_of(options)) {
        if (setting.section != section) {
            section = setting.section;
            out += "\n## [" + section + "]\n| name | default | values | |\n|---|---|---|---|\n";
        }
        out += "| `" + setting.name + "` | `" + setting.get() + "` | " +
               (setting.allowed.empty() ? "text" : setting.allowed) + " | " + setting.help + " |\n";
    }
    out += R"(
## [namespaces.NAME]
A namespace is what a channel's name begins with: `board:42` belongs to `board`. A channel of a namespace that is not configured is refused.

| name | default | values | |
|---|---|---|---|
| `strict` | `false` | true or false | refuse fields that no pattern names |
| `text_access` | `"write"` | `"read"` or `"write"` | what editors may do with the texts; programs write them over HTTP all the same |
| `fields` | none | a table | pattern of a path = type, or `{ type, resolver, write }`; `*` stands for one segment; `write` says who may write it: a capability or `"claim:NAME=VALUE"`, or a list of which any is enough ([tokens](auth.md)) |

Types: `string` `number` `boolean` `json` `counter` `set` `list` `map`. What the resolvers do is in [semantics](semantics.md). For example:

```toml
)";
    out += dev_schema();
    return out + "```\n" + webhooks_page();
}

}  // namespace tandem::server
