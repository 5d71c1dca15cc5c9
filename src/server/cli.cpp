#include "server/cli.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/app.hpp"
#include "server/bench_command.hpp"
#include "server/channel_api.hpp"
#include "server/client_commands.hpp"
#include "server/completion.hpp"
#include "server/credentials.hpp"
#include "server/diff_command.hpp"
#include "server/echo_server.hpp"
#include "server/nearest.hpp"
#include "server/options.hpp"
#include "server/random.hpp"
#include "server/remote.hpp"
#include "server/remote_text_command.hpp"
#include "server/store_errors.hpp"
#include "server/text_command.hpp"
#include "server/token_command.hpp"
#include "server/top_command.hpp"
#include "server/transfer_format.hpp"
#include "server/types.hpp"
#include "server/webhook_command.hpp"
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
    TextCommand text;
    RemoteTextCommand remote_text;
    std::string file;
    bool is_typescript = false;
    bool is_markdown = false;
    uint16_t echo_port = 0;
    std::string shell;
    BenchCommand bench;
    TopCommand top;
    WebhookCommand webhook;
    TokenCommand token;
    std::string shown_token;  ///< to servers
    std::string ca_file;
    std::string revoked_id;
    std::string revoked_subject;
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
    args.options.is_dev = true;
    return run_server(args.options, args.is_json ? ReadyLine::json : ReadyLine::people);
}

int run_serve(Arguments& args) {
    if (const int code = print_problems(gather(args, false)); code != 0) return code;
    return run_server(args.options, args.is_json ? ReadyLine::json : ReadyLine::none);
}

void tell_undeclared_maps(const hub::Config& config) {
    for (const std::string& path : undeclared_maps(config)) {
        const size_t slash = path.find('/');
        const std::string field = path.substr(slash + 1);
        std::fprintf(
            stderr,
            "tandem: nothing says what '%s' of the namespace '%s' is, so it is taken for a "
            "map\n        If it is a list, add \"%s\" = \"list\" to its fields.\n",
            field.c_str(), path.substr(0, slash).c_str(), field.c_str());
    }
}

int run_checkconfig(Arguments& args) {
    const auto problems = gather(args, false);
    if (print_problems(problems) != 0) return 1;
    tell_undeclared_maps(args.options.hub);
    std::printf("The configuration is good: %s.\n",
                counted(args.options.hub.namespaces.size(), "namespace").c_str());
    return 0;
}

int run_check_token(Arguments& args) {
    if (const int code = print_problems(gather(args, false)); code != 0) return code;
    return run_checktoken(args.token, args.options.auth);
}

int run_types(Arguments& args) {
    const auto problems = gather(args, args.config_file.empty());
    if (print_problems(problems) != 0) return 1;
    tell_undeclared_maps(args.options.hub);
    std::fputs(typescript_of(args.options.hub).c_str(), stdout);
    return 0;
}

int report(base::Error error, const std::string& path) {
    const Problem problem = explain_store_error(error, path);
    std::fprintf(stderr, "tandem: %s\n        %s\n", problem.where.c_str(), problem.what.c_str());
    return 1;
}

int run_backup(Arguments& args) {
    if (const int code = print_problems(gather(args, false)); code != 0) return code;
    const std::string store = args.options.data_dir + "/" + store::kStoreFileName;
    std::error_code failure;
    if (!std::filesystem::exists(store, failure))
        return complain("there is no store in the folder " + args.options.data_dir,
                        "Name the server's folder with --data; it says which when it starts.");
    const auto folder = std::filesystem::path(args.file).parent_path();
    if (!folder.empty() && !std::filesystem::is_directory(folder, failure))
        return complain("the folder " + folder.string() + " is not there",
                        "Make it, or write the backup somewhere else.");
    Progress progress;
    const auto show = [&](uint64_t done, uint64_t total) {
        if (total > 0)
            progress.show(std::to_string(100 * done / total) + " % of " + std::to_string(total) +
                          " pages");
    };
    const auto copied = store::backup(store, args.file, show);
    progress.clear();
    if (!copied) return report(copied.error(), store);
    if (args.is_json)
        print_line("{\"file\":" + base::to_json(base::Value(args.file)) + "}");
    else
        std::printf("%s holds a checked copy of %s.\n", args.file.c_str(), store.c_str());
    return 0;
}

// Errors of a restore are about the backup, or about the store in whose place it is to be.
int report_restore(base::Error error, const Arguments& args, const std::string& store) {
    using base::ErrorCode;
    if (error.code == ErrorCode::storage_corrupt)
        return complain("the backup " + args.file + " is damaged or is no Tandem store",
                        "Nothing was changed. Use another backup.");
    if (error.code == ErrorCode::storage_newer) return report(error, args.file);
    if (error.code == ErrorCode::io_failed)
        return complain("restoring " + args.file + " as " + store +
                            " failed: " + std::strerror(static_cast<int>(error.detail)),
                        "Check the permissions of both, and that the disk has room.");
    return report(error, store);
}

int run_restore(Arguments& args) {
    if (const int code = print_problems(gather(args, false)); code != 0) return code;
    const std::string store = args.options.data_dir + "/" + store::kStoreFileName;
    std::error_code failure;
    if (!std::filesystem::is_directory(args.options.data_dir, failure))
        return complain("the data folder " + args.options.data_dir + " is not there",
                        "Make it, or name the server's folder with --data.");
    if (!std::filesystem::exists(args.file, failure))
        return complain("there is no backup " + args.file, "Is the name right?");
    // What it will be called, if there is one.
    std::string former;
    if (std::filesystem::exists(store, failure)) {
        former = store + ".replaced";
        for (int number = 2; std::filesystem::exists(former, failure); ++number)
            former = store + ".replaced." + std::to_string(number);
    }
    SystemEntropy entropy;
    if (const auto done = store::restore(args.file, args.options.data_dir, entropy.next() >> 1 | 1);
        !done)
        return report_restore(done.error(), args, store);
    if (args.is_json) {
        base::Value line(base::Object{});
        line.put("data", base::Value(args.options.data_dir));
        if (!former.empty()) line.put("former", base::Value(former));
        print_line(base::to_json(line));
        return 0;
    }
    std::printf(
        "Restored into %s under a new epoch: clients notice, drop what the backup does not\n"
        "have and send again what they still hold.\n",
        args.options.data_dir.c_str());
    if (!former.empty()) std::printf("The former store is kept as %s.\n", former.c_str());
    return 0;
}

int misused(const std::string& what, const std::string& hint) {
    complain(what, hint);
    return 2;
}

// CLI11's own tells of the range of doubles.
CLI::Validator whole_number() {
    return CLI::Validator(
        [](const std::string& text) {
            const bool is_number =
                !text.empty() && text.size() <= 19 &&
                std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
            return is_number ? std::string() : "'" + text + "' is no whole number of 0 or more";
        },
        "", "whole number");
}

int unknown_verb(const CLI::App& app, const std::string& word) {
    std::vector<std::string> names;
    for (const CLI::App* verb : app.get_subcommands(nullptr))
        names.push_back(verb->get_name());
    const std::string nearest = nearest_word(word, names);
    return misused("there is no verb '" + word + "'" +
                       (nearest.empty() ? "" : "; did you mean '" + nearest + "'?"),
                   "`tandem --help` lists all of them.");
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
    app.set_version_flag("--version", "tandem " TANDEM_VERSION, "print the version");

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

    const auto add_token = [&](CLI::App* verb) {
        verb->add_option("--token", args.shown_token, "for a server that asks for one")
            ->envname("TANDEM_TOKEN");
        verb->add_option("--ca", args.ca_file,
                         "PEM file of the authorities to trust, for an https:// server; else those "
                         "of the system")
            ->envname("TANDEM_CA");
    };
    const auto server_verb = [&](const char* name, const char* help, const char* examples) {
        CLI::App* verb = app.add_subcommand(name, help);
        verb->add_option("url", args.client.url, "server, such as http://127.0.0.1:8080")
            ->required();
        verb->add_flag("--json", args.client.is_json, "one JSON object a line");
        add_token(verb);
        verb->footer("Examples, with a server at http://localhost:8080:\n" + std::string(examples));
        return verb;
    };
    const auto client_verb = [&](const char* name, const char* help, const char* examples) {
        CLI::App* verb = server_verb(name, help, examples);
        verb->add_option("channel", args.client.channel, "such as board:42")->required();
        return verb;
    };
    CLI::App* get = client_verb("get", "print a channel's record, or a part of it",
                                "  tandem get localhost:8080 board:42\n"
                                "  tandem get localhost:8080 board:42 title --at 17\n"
                                "  tandem get localhost:8080 board:42 --version 'before the sale'\n"
                                "  tandem get localhost:8080 board:42 --file board.json\n");
    get->add_option("path", args.client.path, "such as cards/@id/text");
    get->add_option("--file", args.client.file,
                    "to write: the state, to be edited and given to `set --file`");
    CLI::Option* get_at =
        get->add_option("--at", args.client.at, "as of this seq")->check(whole_number());
    get->add_option("--version", args.client.version, "as of a named version")->excludes(get_at);
    CLI::App* set = client_verb("set", "write a value",
                                "  tandem set localhost:8080 board:42 title '\"Plan\"'\n"
                                "  tandem set localhost:8080 board:42 votes 12\n"
                                "  tandem set localhost:8080 board:42 --file board.json\n"
                                "A file that `get` wrote counts once, also when it is written "
                                "again within a day.\n");
    set->add_option("path", args.client.path, "such as title");
    set->add_option("value", args.client.value, "JSON, such as '\"Plan\"' or 12");
    set->add_option(
        "--file", args.client.file,
        "instead of a path: the whole object, or what `get --file` or `get --json` wrote, "
        "edited");
    CLI::App* diff = app.add_subcommand("diff", "compare two records; exit code as of diff(1)");
    add_token(diff);
    diff->add_option("left", args.diff.left, "http://127.0.0.1:8080/board:42, or a file")
        ->required();
    diff->add_option("right", args.diff.right, "the same")->required();
    diff->add_flag("--json", args.diff.is_json, "as one JSON object");
    diff->footer(
        "Examples:\n"
        "  tandem diff http://localhost:8080/board:42 http://localhost:8081/board:42\n"
        "  tandem diff http://localhost:8080/board:42 board.json\n"
        "  tandem diff 'http://localhost:8080/board:42?at=17' http://localhost:8080/board:42\n");
    CLI::App* watch = client_verb("watch", "print every change as it comes",
                                  "  tandem watch localhost:8080 board:42\n"
                                  "  tandem watch localhost:8080 board:42 --after 17 --json\n");
    CLI::Option* after =
        watch->add_option("--after", args.client.after, "begin with what follows this seq")
            ->check(whole_number());
    watch->add_option("--count", args.client.count, "stop after so many lines");

    CLI::App* publish =
        client_verb("publish", "send a signal to those who follow a channel, or write ops",
                    "  tandem publish localhost:8080 board:42 ring '{\"by\":\"Ada\"}'\n"
                    "  tandem publish localhost:8080 board:42 --ops "
                    "'{\"op\":\"inc\",\"path\":\"votes\",\"value\":1}'\n");
    publish->add_option("name", args.client.name, "of the signal");
    publish->add_option("value", args.client.value, "of the signal, JSON");
    publish->add_option("--ops", args.client.ops, "an op or an array of ops, JSON");
    CLI::App* history = client_verb("history", "who changed what, and when",
                                    "  tandem history localhost:8080 board:42\n"
                                    "  tandem history localhost:8080 board:42 --from 10 --to 20\n");
    history->add_option("--from", args.client.from, "what came above this seq; else the newest");
    history->add_option("--to", args.client.to, "and up to this one");
    history->add_option("--limit", args.client.limit, "rows, at least 1")
        ->check(CLI::Range(uint64_t{1}, uint64_t{1'000'000'000}))
        ->capture_default_str();
    CLI::App* versions =
        client_verb("versions", "list, make and delete named versions of a channel",
                    "  tandem versions localhost:8080 board:42\n"
                    "  tandem versions localhost:8080 board:42 --save 'before the sale'\n"
                    "  tandem versions localhost:8080 board:42 --save old --at 17\n");
    CLI::Option* save =
        versions->add_option("--save", args.client.save, "give the state this name");
    versions->add_option("--at", args.client.at, "with --save: as of this seq; else the newest")
        ->check(whole_number())
        ->needs(save);
    versions->add_option("--delete", args.client.remove, "delete the version of this name")
        ->excludes(save);
    CLI::App* revert =
        client_verb("revert", "bring an older state back, or a part of it",
                    "  tandem revert localhost:8080 board:42 --at 17\n"
                    "  tandem revert localhost:8080 board:42 title --version 'before the sale'\n");
    revert->add_option("path", args.client.path, "such as title; else the whole record");
    CLI::Option* revert_at =
        revert->add_option("--at", args.client.at, "as of this seq")->check(whole_number());
    revert->add_option("--version", args.client.version, "as of a named version")
        ->excludes(revert_at);
    CLI::App* conflicts =
        client_verb("conflicts", "list and decide what crossed",
                    "  tandem conflicts localhost:8080 board:42\n"
                    "  tandem conflicts localhost:8080 board:42 --keep price\n"
                    "  tandem conflicts localhost:8080 board:42 --restore title --dot 65536:7\n");
    CLI::Option* all =
        conflicts->add_flag("--all", args.client.is_all, "those that were closed, too");
    CLI::Option* keep =
        conflicts->add_option("--keep", args.client.keep, "what this path shows is right")
            ->excludes(all);
    CLI::Option* other =
        conflicts->add_option("--restore", args.client.restore, "the other value of this path is")
            ->excludes(all)
            ->excludes(keep);
    CLI::Option* dot =
        conflicts->add_option("--dot", args.client.dot, "ACTOR:COUNTER of the one that is meant");
    CLI::App* channels = server_verb("channels", "list the channels of a server",
                                     "  tandem channels localhost:8080 --prefix board:\n");
    channels->add_option("--prefix", args.client.prefix, "names that begin so");
    CLI::App* export_verb =
        server_verb("export", "write channels with their conflicts as JSON lines",
                    "  tandem export localhost:8080 all.jsonl   (interrupted, it goes on when it "
                    "is started again)\n"
                    "  tandem export localhost:8080 - --prefix board: | gzip > boards.gz\n");
    export_verb->add_option("file", args.client.file, "to write; - is the standard output")
        ->required();
    export_verb->add_option("--prefix", args.client.prefix, "channels whose names begin so");
    export_verb->add_flag("--overwrite,--force", args.client.is_overwrite,
                          "write over a file that is there");
    CLI::App* import_verb =
        server_verb("import", "write what was exported into a server",
                    "  tandem import localhost:8080 all.jsonl   (started again, it goes on)\n"
                    "Channels that somebody has edited since are left as they are; the exit code "
                    "is 1 then.\n");
    import_verb->add_option("file", args.client.file, "to read; - is the standard input")
        ->required();
    import_verb->add_flag("--overwrite", args.client.is_overwrite,
                          "also where others have edited since: what the file has is written over "
                          "it");

    CLI::App* text = app.add_subcommand("text", "texts of a server, and files of Yjs updates");
    text->require_subcommand(1);
    CLI::App* text_merge = text->add_subcommand("merge", "one update with what all of them hold");
    CLI::App* text_diff =
        text->add_subcommand("diff", "what an update has beyond a state vector or another update");
    CLI::App* text_vector = text->add_subcommand("state-vector", "how far updates reach");
    CLI::App* text_convert = text->add_subcommand("convert", "write an update in another encoding");
    CLI::App* text_json = text->add_subcommand("json", "what a document shows");
    for (CLI::App* verb : {text_merge, text_diff, text_vector, text_convert, text_json}) {
        if (verb == text_diff || verb == text_convert)
            verb->add_option("file", args.text.file, "an update; - is the standard input")
                ->required();
        else
            verb->add_option("files", args.text.files, "updates; - is the standard input")
                ->required()
                ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
        verb->add_option("--max-bytes", args.text.file_bytes_max, "of one file, at most")
            ->check(whole_number())
            ->capture_default_str();
        verb->add_option("--from", args.text.from, "encoding of the files: v1 or v2")
            ->check(CLI::IsMember({"v1", "v2"}))
            ->capture_default_str();
        if (verb != text_vector && verb != text_json)
            verb->add_option("--to", args.text.to, "encoding of the result")
                ->check(CLI::IsMember({"v1", "v2"}));
    }
    text_diff->add_option("since", args.text.since, "a state vector, or an update")->required();
    text_json
        ->add_option("--root", args.text.roots,
                     "NAME:KIND with text, array, map or xml, where the content does not tell")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    RemoteTextCommand& remote = args.remote_text;
    CLI::App* text_list = text->add_subcommand("list", "the texts of a channel");
    CLI::App* text_get = text->add_subcommand("get", "print a text of a server");
    CLI::App* text_edit =
        text->add_subcommand("edit", "edit a text of a server; all of it or nothing");
    CLI::App* text_versions = text->add_subcommand(
        "versions", "versions of a text: those with names, and those that are kept by themselves");
    CLI::App* text_history =
        text->add_subcommand("history", "what came of a text between two moments, and by whom");
    CLI::App* text_revert =
        text->add_subcommand("revert", "bring an older state of a text back, as an edit");
    CLI::App* text_watch = text->add_subcommand("watch", "print a text, and changes as they come");
    for (CLI::App* verb :
         {text_list, text_get, text_edit, text_versions, text_history, text_revert, text_watch}) {
        verb->add_option("url", remote.url, "server, such as http://127.0.0.1:8080")->required();
        verb->add_option("channel", remote.channel, "such as text:my-room")->required();
        add_token(verb);
        if (verb != text_get) verb->add_flag("--json", remote.is_json, "one JSON object");
        if (verb == text_list) continue;
        verb->add_option("--name", remote.name, "of the text; main unless given");
        if (verb == text_versions || verb == text_history || verb == text_revert) continue;
        verb->add_option("--root", remote.root,
                         "the shared type in it, where more than one could be meant");
    }
    text_get->add_option("--as", remote.as, "text, json, xml, delta or update")
        ->check(CLI::IsMember({"text", "json", "xml", "delta", "update"}))
        ->capture_default_str();
    text_get->add_option("--file", remote.file, "to write; else the standard output");
    text_watch->add_option("--count", remote.count, "stop after so many changes");
    for (CLI::App* verb : {text_get, text_revert}) {
        CLI::Option* text_at =
            verb->add_option("--at", remote.at, "as of this seq")->check(whole_number());
        verb->add_option("--version", remote.version, "as of a named version")->excludes(text_at);
    }
    CLI::Option* text_save =
        text_versions->add_option("--save", remote.save, "give the text this name");
    text_versions->add_option("--at", remote.at, "with --save: as of this seq; else as it is now")
        ->check(whole_number())
        ->needs(text_save);
    CLI::Option* text_delete =
        text_versions->add_option("--delete", remote.remove, "delete the version of this name")
            ->excludes(text_save);
    text_versions
        ->add_option("--delete-at", remote.remove_at, "delete the one without a name of this seq")
        ->check(whole_number())
        ->excludes(text_save)
        ->excludes(text_delete);
    CLI::Option* text_from =
        text_history->add_option("--from", remote.from, "since this seq; else from the beginning")
            ->check(whole_number());
    text_history->add_option("--from-version", remote.from_version, "since this version")
        ->excludes(text_from);
    CLI::Option* text_to =
        text_history->add_option("--to", remote.to, "up to this seq; else as it is now")
            ->check(whole_number());
    text_history->add_option("--to-version", remote.to_version, "up to this version")
        ->excludes(text_to);
    text_edit->add_option("--append", remote.append, "at the end; - is the standard input");
    text_edit->add_option("--insert", remote.insert, "INDEX TEXT")->expected(2);
    text_edit->add_option("--delete", remote.erase, "INDEX COUNT")->expected(2);
    CLI::Option* edits = text_edit->add_option(
        "--edits", remote.edits, "a JSON array, as the HTTP API takes it; before the others");
    text_edit->add_option("--update", remote.file, "a file with a Yjs update instead")
        ->excludes(edits);
    CLI::Option* author =
        text_edit->add_option("--author", remote.author, "whom editors see at work meanwhile");
    text_edit->add_flag("--leaves", remote.leaves, "the author is gone then")->needs(author);
    text->footer(
        "Examples:\n"
        "  tandem text list localhost:8080 text:my-room\n"
        "  tandem text get localhost:8080 text:my-room --as json\n"
        "  echo 'More to come' | tandem text edit localhost:8080 text:my-room --append - --author "
        "Agent\n"
        "  tandem text edit localhost:8080 text:my-room --delete 0 5 --insert 0 Hello\n"
        "  tandem text versions localhost:8080 text:my-room --save 'before the review'\n"
        "  tandem text history localhost:8080 text:my-room --from-version 'before the review'\n"
        "  tandem text revert localhost:8080 text:my-room --version 'before the review'\n"
        "  tandem text watch localhost:8080 text:my-room --json\n"
        "  tandem text merge a.yjs b.yjs > both.yjs\n"
        "  tandem text state-vector mine.yjs > mine.sv\n"
        "  tandem text diff both.yjs mine.sv > missing.yjs\n"
        "  tandem text convert --from v2 old.yjs > old-v1.yjs\n"
        "  tandem text json both.yjs --root content:text\n");

    CLI::App* webhooks = app.add_subcommand("webhooks", "how webhooks fare, and what to do");
    webhooks->require_subcommand(1);
    CLI::App* webhooks_list = webhooks->add_subcommand("list", "state, lag and last failure");
    std::vector<CLI::App*> webhook_actions = {
        webhooks->add_subcommand("test", "send a test; the exit code tells how it went"),
        webhooks->add_subcommand("retry", "let nothing wait for its next attempt"),
        webhooks->add_subcommand("enable", "go on where it was disabled"),
        webhooks->add_subcommand("disable", "tell it nothing until it is enabled"),
    };
    CLI::App* webhooks_secret = webhooks->add_subcommand("secret", "print a new random secret");
    for (CLI::App* verb : {webhooks_list, webhook_actions[0], webhook_actions[1],
                           webhook_actions[2], webhook_actions[3]}) {
        verb->add_option("url", args.webhook.url, "server, such as http://127.0.0.1:8080")
            ->required();
        if (verb != webhooks_list)
            verb->add_option("name", args.webhook.name, "of the webhook")->required();
        verb->add_flag("--json", args.webhook.is_json, "as JSON");
        add_token(verb);
    }
    webhooks->footer(
        "Examples, with a server at http://localhost:8080:\n"
        "  tandem webhooks list localhost:8080\n"
        "  tandem webhooks test localhost:8080 crm\n"
        "  tandem webhooks secret > crm.secret\n");

    CLI::App* genkey = app.add_subcommand("genkey", "make a key that signs tokens");
    genkey->add_option("--alg", args.token.algorithm, "EdDSA, ES256 or HS256")
        ->capture_default_str();
    genkey->add_option("--kid", args.token.key_id, "its name; else a random one");
    genkey->add_option("--out", args.token.file,
                       "file for the private key; the public one is printed then");
    genkey->footer(
        "Examples:\n"
        "  tandem genkey --kid 2026-01 --out signing.key > jwks.json\n"
        "  tandem serve --auth.jwks jwks.json --config tandem.toml\n");
    CLI::App* gentoken = app.add_subcommand("gentoken", "make a token");
    gentoken->add_option("--sub", args.token.subject, "whom it is for")->required();
    gentoken
        ->add_option("--cap", args.token.caps,
                     "PATTERN=CAPABILITIES: read, write, presence, signal, stream, admin")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->expected(1);
    gentoken->add_option("--ttl", args.token.ttl_s, "seconds until it expires")
        ->capture_default_str()
        ->check(CLI::Range(uint64_t{1}, uint64_t{3'200'000'000}));
    gentoken->add_option("--info", args.token.info, "JSON, shown beside the subject's presence");
    gentoken->add_option("--claim", args.token.claims, "NAME=JSON, a further claim")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->expected(1);
    gentoken->add_option("--jti", args.token.id, "its id; else a random one");
    gentoken->add_option("--iss", args.token.issuer, "who made it");
    gentoken->add_option("--aud", args.token.audience, "which server it is for");
    gentoken->add_option("--key", args.token.file,
                         "file of the private key (`tandem genkey`); else that of `tandem dev`");
    gentoken->add_option("--kid", args.token.key_id, "which key of the file");
    gentoken->add_flag("--json", args.token.is_json, "with its claims, as JSON");
    gentoken->footer(
        "Examples:\n"
        "  tandem gentoken --sub ann --cap 'board:*=read,write,presence'\n"
        "  tandem gentoken --sub ops --cap '*=admin' --ttl 600 --key signing.key\n");
    CLI::App* checktoken = app.add_subcommand("checktoken", "say whether a token is good, and why");
    checktoken->add_option("token", args.token.token, "- reads it from the standard input")
        ->required();
    checktoken->add_flag("--json", args.token.is_json, "as JSON");
    add_settings(*checktoken, args);
    checktoken->footer(
        "Examples:\n"
        "  tandem gentoken --sub ann | tandem checktoken -\n"
        "  tandem checktoken \"$TOKEN\" --auth.jwks jwks.json\n");

    CLI::App* revoke =
        server_verb("revoke", "revoke tokens; without --jti and --sub, list what is revoked",
                    "  tandem revoke localhost:8080 --sub ann --token \"$ADMIN\"\n"
                    "  tandem revoke localhost:8080 --jti 3f1c --token \"$ADMIN\"\n");
    CLI::Option* revoked_id = revoke->add_option("--jti", args.revoked_id, "one token");
    revoke->add_option("--sub", args.revoked_subject, "all tokens of a subject made until now")
        ->excludes(revoked_id);

    CLI::App* top = app.add_subcommand("top", "what a server does, as it does it");
    top->add_option("url", args.top.url, "server, such as http://127.0.0.1:8080")->required();
    top->add_option("--interval", args.top.every_s, "seconds between two looks")
        ->check(CLI::Range(0.1, 3600.0))
        ->capture_default_str();
    top->add_flag("--once", args.top.is_once, "one report, of one interval");
    top->add_flag("--json", args.top.is_json, "one JSON object for each interval");
    add_token(top);
    top->footer(
        "Examples, with a server at http://localhost:8080:\n"
        "  tandem top localhost:8080\n"
        "  tandem top localhost:8080 --once --json --interval 10\n"
        "With tokens it needs one with admin. The hottest channels are of the first 1,000 by "
        "name.\n");

    CLI::App* backup = app.add_subcommand("backup", "copy the store while it is in use");
    backup->add_option("file", args.file, "file to write")->required();
    backup->add_flag("--json", args.is_json, "as JSON");
    backup->footer("Examples:\n  tandem backup --data tandem-data tandem-2026-01-31.db\n");
    add_settings(*backup, args);
    CLI::App* restore = app.add_subcommand("restore", "put a backup in the store's place");
    restore->add_option("file", args.file, "a file that `tandem backup` wrote")->required();
    restore->add_flag("--json", args.is_json, "as JSON");
    restore->footer("Examples:\n  tandem restore --data tandem-data tandem-2026-01-31.db\n");
    add_settings(*restore, args);
    CLI::App* bench = app.add_subcommand("bench", "drive a server and measure it");
    bench->require_subcommand(0, 1);
    bench->add_option("url", args.bench.url, "server, such as http://127.0.0.1:8080");
    bench->add_option("--connections", args.bench.connections, "clients")->capture_default_str();
    bench->add_option("--channels", args.bench.channels, "that they share")->capture_default_str();
    bench->add_option("--prefix", args.bench.prefix, "names of the channels begin so")
        ->capture_default_str();
    bench->add_option("--rate", args.bench.rate, "writes a second, of all clients together")
        ->capture_default_str();
    bench->add_option("--seconds", args.bench.seconds, "how long")->capture_default_str();
    bench->add_flag("--json", args.bench.is_json, "one JSON object");
    add_token(bench);
    bench->footer(
        "It writes to channels of its own; delete them afterwards.\n"
        "Examples:\n"
        "  tandem bench localhost:8080 --connections 100 --channels 10 --rate 500 --seconds 10\n");
    CLI::App* echo = bench->add_subcommand("echo-server", "a WebSocket that echoes every message");
    echo->add_option("--port", args.echo_port, "port on loopback; 0 finds a free one");
    CLI::App* completion =
        app.add_subcommand("completion", "print a script that completes verbs and flags");
    completion->add_option("shell", args.shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    completion->footer("Examples:\n  source <(tandem completion bash)\n");
    CLI::App* version = app.add_subcommand("version", "print the version");
    version->add_flag("--json", args.is_json, "as JSON");

    const CLI::App* verbs = &app;
    for (int i = 1; i < argc && argv[i][0] != '-' && verbs->get_require_subcommand_min() > 0; ++i) {
        const std::string word = argv[i];
        const auto named =
            verbs->get_subcommands([&](const CLI::App* verb) { return verb->check_name(word); });
        if (named.empty()) return unknown_verb(*verbs, word);
        verbs = named.front();
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& failure) {
        const int code = app.exit(failure);
        return code == 0 ? 0 : 2;
    }
    use_token(args.shown_token);
    use_ca_file(args.ca_file);
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
        if (given != (args.client.file.empty() ? 2 : 0))
            return misused("set needs a path and a value, or --file FILE",
                           "`tandem set --help` shows examples.");
        return run_set(args.client);
    }
    if (diff->parsed()) return run_diff(args.diff);
    args.client.has_after = after->count() > 0;
    if (watch->parsed()) return run_watch(args.client);
    if (top->parsed()) return run_top(args.top);
    if (backup->parsed()) return run_backup(args);
    if (restore->parsed()) return run_restore(args);
    if (publish->parsed()) return run_publish(args.client);
    if (history->parsed()) return run_history(args.client);
    if (versions->parsed()) return run_versions(args.client);
    if (revert->parsed()) return run_revert(args.client);
    if (conflicts->parsed()) {
        if (dot->count() > 0 && keep->count() + other->count() == 0)
            return misused("--dot says which conflict --keep or --restore means",
                           "Give one of them, or leave --dot out.");
        return run_conflicts(args.client);
    }
    if (channels->parsed()) return run_channels(args.client);
    if (export_verb->parsed()) return run_export(args.client);
    if (import_verb->parsed()) return run_import(args.client);
    if (!args.text.file.empty()) args.text.files = {args.text.file};
    if (text_list->parsed()) return run_text_list(remote);
    if (text_get->parsed()) return run_text_get(remote);
    if (text_edit->parsed()) return run_text_edit(remote);
    if (text_versions->parsed()) return run_text_versions(remote);
    if (text_history->parsed()) return run_text_history(remote);
    if (text_revert->parsed()) return run_text_revert(remote);
    if (text_watch->parsed()) return run_text_watch(remote);
    if (text_merge->parsed()) return run_text_merge(args.text);
    if (text_diff->parsed()) return run_text_diff(args.text);
    if (text_vector->parsed()) return run_text_state_vector(args.text);
    if (text_convert->parsed()) return run_text_convert(args.text);
    if (text_json->parsed()) return run_text_json(args.text);
    if (webhooks_list->parsed()) return run_webhooks_list(args.webhook);
    for (const CLI::App* verb : webhook_actions)
        if (verb->parsed()) return run_webhooks_action(args.webhook, verb->get_name());
    if (webhooks_secret->parsed()) return run_webhooks_secret();
    if (revoke->parsed())
        return run_revoke(args.client.url, args.revoked_id, args.revoked_subject,
                          args.client.is_json);
    if (genkey->parsed()) return run_genkey(args.token);
    if (gentoken->parsed()) return run_gentoken(args.token);
    if (checktoken->parsed()) return run_check_token(args);
    if (completion->parsed()) {
        std::fputs(completion_script(app, args.shell).c_str(), stdout);
        return 0;
    }
    if (bench->parsed() && !echo->parsed()) return run_bench(args.bench);
    if (echo->parsed()) return run_echo_server(args.echo_port);
    if (version->parsed())
        std::printf(args.is_json ? "{\"version\":\"%s\"}\n" : "tandem %s\n", TANDEM_VERSION);
    return 0;
}

}  // namespace tandem::server
