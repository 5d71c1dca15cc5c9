#include "server/cli.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "server/app.hpp"
#include "server/client_commands.hpp"
#include "server/diff_command.hpp"
#include "server/echo_server.hpp"
#include "server/options.hpp"
#include "server/random.hpp"
#include "server/store_errors.hpp"
#include "server/types.hpp"
#include "store/sqlite/backup.hpp"
#include "store/sqlite/engine.hpp"

extern char** environ;

namespace tandem::server {

namespace {

// What a verb was given; one for all verbs, since only one runs.
struct Arguments {
    Options options;
    std::vector<Setting> settings;
    std::vector<std::string> flag_values;  ///< of settings, by index
    std::string config_file;
    std::string host;
    std::string port;
    std::string data;
    std::string web;
    bool is_json = false;
    ClientCommand client;
    DiffCommand diff;
    std::string file;
    bool is_typescript = false;
    bool is_markdown = false;
    uint16_t echo_port = 0;
};

int print_problems(const std::vector<Problem>& problems) {
    for (const Problem& problem : problems)
        std::fprintf(stderr, "tandem: %s %s\n", problem.where.c_str(), problem.what.c_str());
    return problems.empty() ? 0 : 1;
}

void add_settings(CLI::App& verb, Arguments& args) {
    verb.add_option("-c,--config", args.config_file, "settings file (TOML)")
        ->envname("TANDEM_CONFIG");
    verb.add_option("--host", args.host, "same as --server.host");
    verb.add_option("--port", args.port, "same as --server.port; 0 finds a free one");
    verb.add_option("--data", args.data, "same as --server.data");
    verb.add_option("--web", args.web, "same as --server.web");
    for (size_t i = 0; i < args.settings.size(); ++i)
        verb.add_option("--" + args.settings[i].key(), args.flag_values[i], args.settings[i].help)
            ->group("Settings");
}

// Defaults, then the file, then the environment, then flags.
std::vector<Problem> gather(Arguments& args, bool is_dev) {
    std::vector<Problem> problems;
    if (is_dev) {
        args.options.hub.namespaces.clear();
        problems = read_text(dev_schema(), "built-in schema", args.options);
    }
    if (!args.config_file.empty()) {
        if (is_dev) args.options.hub.namespaces.clear();
        for (Problem& problem : read_file(args.config_file, args.options))
            problems.push_back(std::move(problem));
    }
    std::vector<std::string> variables;
    for (char** variable = environ; *variable != nullptr; ++variable)
        variables.emplace_back(*variable);
    for (Problem& problem : read_environment(variables, args.options))
        problems.push_back(std::move(problem));
    const auto apply = [&](const std::string& key, const std::string& value,
                           const std::string& flag) {
        if (value.empty()) return;
        for (Setting& setting : args.settings)
            if (setting.key() == key)
                if (const std::string wanted = setting.set(value); !wanted.empty())
                    problems.push_back({flag, "must be " + wanted});
    };
    for (size_t i = 0; i < args.settings.size(); ++i)
        apply(args.settings[i].key(), args.flag_values[i], "--" + args.settings[i].key());
    apply("server.host", args.host, "--host");
    apply("server.port", args.port, "--port");
    apply("server.data", args.data, "--data");
    apply("server.web", args.web, "--web");
    return problems;
}

int run_dev(Arguments& args) {
    // Beside the program, where a build or an installation puts the pages.
    if (args.options.web_dir.empty()) {
        std::error_code failure;
        const auto program = std::filesystem::read_symlink("/proc/self/exe", failure);
        for (const char* relative : {"../web", "../share/tandem/web"}) {
            const auto candidate = program.parent_path() / relative;
            if (!failure && std::filesystem::exists(candidate / "index.html", failure)) {
                args.options.web_dir = candidate.lexically_normal().string();
                break;
            }
        }
    }
    if (const int code = print_problems(gather(args, true)); code != 0) return code;
    return run_server(args.options, args.is_json ? ReadyLine::json : ReadyLine::people);
}

int run_serve(Arguments& args) {
    if (const int code = print_problems(gather(args, false)); code != 0) return code;
    if (args.options.hub.namespaces.empty())
        std::fprintf(
            stderr,
            "tandem: no namespaces are configured, so every channel will be refused\n"
            "        Write a file with `tandem defaultconfig` and pass it with --config.\n");
    return run_server(args.options, args.is_json ? ReadyLine::json : ReadyLine::none);
}

int run_checkconfig(Arguments& args) {
    const auto problems = gather(args, false);
    if (print_problems(problems) != 0) return 1;
    std::printf("The configuration is good: %zu namespaces.\n", args.options.hub.namespaces.size());
    return 0;
}

int run_types(Arguments& args) {
    const auto problems = gather(args, args.config_file.empty());
    if (print_problems(problems) != 0) return 1;
    std::fputs(typescript_of(args.options.hub).c_str(), stdout);
    return 0;
}

void show_progress(uint64_t done, uint64_t total) {
    if (total == 0) return;
    std::fprintf(stderr, "\r%3llu %% of %llu pages",
                 static_cast<unsigned long long>(100 * done / total),
                 static_cast<unsigned long long>(total));
    if (done == total) std::fputc('\n', stderr);
}

int report(base::Error error, const std::string& path) {
    const Problem problem = explain_store_error(error, path);
    std::fprintf(stderr, "tandem: %s\n        %s\n", problem.where.c_str(), problem.what.c_str());
    return 1;
}

int run_backup(Arguments& args) {
    if (const int code = print_problems(gather(args, false)); code != 0) return code;
    const std::string store = args.options.data_dir + "/" + store::kStoreFileName;
    if (const auto done = store::backup(store, args.file, show_progress); !done)
        return report(done.error(), store);
    std::printf("%s holds a checked copy of %s.\n", args.file.c_str(), store.c_str());
    return 0;
}

int run_restore(Arguments& args) {
    if (const int code = print_problems(gather(args, false)); code != 0) return code;
    SystemEntropy entropy;
    if (const auto done = store::restore(args.file, args.options.data_dir, entropy.next() >> 1 | 1);
        !done)
        return report(done.error(), args.file);
    std::printf(
        "Restored into %s under a new epoch: clients notice, drop what the backup does not\n"
        "have and send again what they still hold. The former store is beside it as\n"
        "tandem.db.replaced.\n",
        args.options.data_dir.c_str());
    return 0;
}

}  // namespace

int run_command_line(int argc, char** argv) {
    Arguments args;
    args.settings = settings_of(args.options);
    args.flag_values.resize(args.settings.size());

    CLI::App app{"Tandem keeps one application's state the same on every surface."};
    app.require_subcommand(1);
    // A later flag wins, so that scripts can put their own behind those of a wrapper.
    app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    app.set_help_all_flag("--help-all", "help of all verbs");

    CLI::App* dev = app.add_subcommand("dev", "serve on this machine with the demo board");
    add_settings(*dev, args);
    dev->add_flag("--json", args.is_json, "print one JSON line when ready");
    CLI::App* serve = app.add_subcommand("serve", "serve with a configuration");
    add_settings(*serve, args);
    serve->add_flag("--json", args.is_json, "print one JSON line when ready");
    CLI::App* check = app.add_subcommand("checkconfig", "check a configuration");
    add_settings(*check, args);
    CLI::App* defaults =
        app.add_subcommand("defaultconfig", "print a settings file with all defaults");
    defaults->add_flag("--markdown", args.is_markdown, "as a page of the documentation");
    CLI::App* types = app.add_subcommand("types", "print typed handles of the configured schema");
    add_settings(*types, args);
    types->add_flag("--ts", args.is_typescript, "for TypeScript (the only language so far)");

    const auto client_verb = [&](const char* name, const char* help) {
        CLI::App* verb = app.add_subcommand(name, help);
        verb->add_option("url", args.client.url, "server, such as http://127.0.0.1:8080")
            ->required();
        verb->add_option("channel", args.client.channel, "such as board:42")->required();
        verb->add_flag("--json", args.client.is_json, "one JSON object a line");
        return verb;
    };
    CLI::App* get = client_verb("get", "print a channel's record, or a part of it");
    get->add_option("path", args.client.path, "such as cards/@id/text");
    CLI::App* set = client_verb("set", "write a value");
    set->add_option("path", args.client.path, "such as title");
    set->add_option("value", args.client.value, "JSON, such as '\"Plan\"' or 12");
    set->add_option("--file", args.client.file,
                    "instead of a path: the whole object, or what `get --json` wrote, edited");
    CLI::App* diff = app.add_subcommand("diff", "compare two records; exit code as of diff(1)");
    diff->add_option("left", args.diff.left, "http://127.0.0.1:8080/board:42, or a file")
        ->required();
    diff->add_option("right", args.diff.right, "the same")->required();
    diff->add_flag("--json", args.diff.is_json, "as one JSON object");
    CLI::App* watch = client_verb("watch", "print every change as it comes");
    CLI::Option* after =
        watch->add_option("--after", args.client.after, "begin with what follows this seq");
    watch->add_option("--count", args.client.count, "stop after so many lines");

    CLI::App* backup = app.add_subcommand("backup", "copy the store while it is in use");
    backup->add_option("file", args.file, "file to write")->required();
    add_settings(*backup, args);
    CLI::App* restore = app.add_subcommand("restore", "put a backup in the store's place");
    restore->add_option("file", args.file, "a file that `tandem backup` wrote")->required();
    add_settings(*restore, args);
    CLI::App* bench = app.add_subcommand("bench", "servers to measure and test against");
    bench->require_subcommand(1);
    CLI::App* echo = bench->add_subcommand("echo-server", "a WebSocket that echoes every message");
    echo->add_option("--port", args.echo_port, "port on loopback; 0 finds a free one");
    CLI::App* version = app.add_subcommand("version", "print the version");
    version->add_flag("--json", args.is_json, "as JSON");

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& failure) {
        const int code = app.exit(failure);
        return code == 0 ? 0 : 2;
    }
    if (dev->parsed()) return run_dev(args);
    if (serve->parsed()) return run_serve(args);
    if (check->parsed()) return run_checkconfig(args);
    if (defaults->parsed()) {
        std::fputs((args.is_markdown ? default_page() : default_file()).c_str(), stdout);
        return 0;
    }
    if (types->parsed()) return run_types(args);
    if (get->parsed()) return run_get(args.client);
    if (set->parsed()) {
        const size_t given = set->count("path") + set->count("value");
        if (given != (args.client.file.empty() ? 2 : 0)) {
            std::fputs("tandem: set needs a path and a value, or --file FILE\n", stderr);
            return 2;
        }
        return run_set(args.client);
    }
    if (diff->parsed()) return run_diff(args.diff);
    args.client.has_after = after->count() > 0;
    if (watch->parsed()) return run_watch(args.client);
    if (backup->parsed()) return run_backup(args);
    if (restore->parsed()) return run_restore(args);
    if (echo->parsed()) return run_echo_server(args.echo_port);
    if (version->parsed())
        std::printf(args.is_json ? "{\"version\":\"%s\"}\n" : "tandem %s\n", TANDEM_VERSION);
    return 0;
}

}  // namespace tandem::server
