#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/config.hpp"
#include "net/ip_address.hpp"
#include "net/tls.hpp"
#include "server/auth_options.hpp"
#include "server/webhook_options.hpp"

namespace tandem::server {

enum class LogFormat : uint8_t { text = 0, json = 1 };

/// Whether others than this machine may connect without TLS, or without tokens.
enum class BeyondLoopback : uint8_t {
    no,         ///< by TLS and tokens alone
    plaintext,  ///< by tokens, in plain text: behind a proxy that has TLS, or in a trusted network
    open,       ///< without tokens too: whoever reaches the address may do everything
};

/// Everything that `tandem serve` and `tandem dev` can be told.
struct Options {
    std::string host = "127.0.0.1";
    uint16_t port = 8080;
    uint32_t threads = 0;  ///< event loops, each with its share of the channels; 0: one per core
    bool io_uring = true;  ///< send to many sockets in one system call, where the system has it
    std::string data_dir = "tandem-data";
    std::string web_dir;
    std::vector<std::string> origins;
    net::TrustedProxies proxies;
    BeyondLoopback beyond_loopback = BeyondLoopback::no;
    net::TlsFiles tls;  ///< empty: in plain text
    size_t tls_handshakes_max = 1'000;
    uint64_t tls_handshake_timeout_ms = 10'000;
    bool is_dev = false;  ///< `tandem dev`: its key is known to everybody
    std::string log_level = "info";
    LogFormat log_format = LogFormat::text;
    bool deflate = true;  ///< agree to permessage-deflate with WebSockets that offer it
    uint64_t deflate_bytes_min = 1024;
    uint64_t reconnect_after_ms = 1'000;
    uint64_t memory_budget_bytes = 0;  ///< 0: of the machine
    uint64_t stall_timeout_ms = 60'000;
    hub::Config hub;
    AuthOptions auth;
    std::vector<WebhookOptions> webhooks;

    [[nodiscard]] bool has_tls() const { return !tls.certificate.empty() || !tls.key.empty(); }
    /// Whether it listens on this machine's own addresses alone.
    [[nodiscard]] bool is_on_loopback() const;
    /// Whether others than this machine may come, through a proxy or not.
    [[nodiscard]] bool is_for_others() const {
        return beyond_loopback != BeyondLoopback::no || !is_on_loopback();
    }
};

/// One setting: `section.name` in the file, TANDEM_SECTION_NAME in the environment and
/// `--section.name` on the command line.
struct Setting {
    std::string section;
    std::string name;
    std::string help;
    /// Takes the text of a value; an empty string when it is good, else what is wanted.
    std::function<std::string(const std::string&)> set;
    std::function<std::string()> get;
    std::string allowed;  ///< the values it takes, for people; empty: any text
    [[nodiscard]] std::string key() const { return section + "." + name; }
    [[nodiscard]] std::string environment_name() const;
};

/// The settings of an Options, which they borrow.
std::vector<Setting> settings_of(Options& options);

/// Where something in a configuration is wrong, in a sentence for people.
struct Problem {
    std::string where;
    std::string what;
};

/// Reads a TOML file over what is there. Unknown keys are problems.
std::vector<Problem> read_file(const std::string& path, Options& options);
/// The same from text; `name` stands for the file in problems.
std::vector<Problem> read_text(std::string_view text, const std::string& name, Options& options);
/// TANDEM_… variables. Unknown ones are problems.
std::vector<Problem> read_environment(const std::vector<std::string>& variables, Options& options);

/// The type of a rule as the file spells it.
std::string type_name(const hub::FieldRule& rule);

/// The defaults as a commented TOML file.
std::string default_file();
/// The same as a page of the documentation, in Markdown.
std::string default_page();
/// The schema that `tandem dev` starts with, as TOML.
std::string_view dev_schema();

}  // namespace tandem::server
