#include "server/app.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>

#include "net/tls.hpp"
#include "server/auth_keys.hpp"
#include "server/auth_service.hpp"
#include "server/log.hpp"
#include "server/random.hpp"
#include "server/service_manager.hpp"
#include "server/shards.hpp"
#include "server/store_errors.hpp"
#include "server/watch.hpp"
#include "server/webhooks.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace tandem::server {

namespace {

int refuse(const std::string& what, const std::string& hint) {
    log_refusal(what, hint);
    return 1;
}

// Signals as a descriptor.
int signals_of(std::initializer_list<int> signals) {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : signals)
        sigaddset(&set, signal);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/// What the options come to.
struct AuthChoice {
    bool is_checked = false;   ///< tokens are
    bool is_required = false;  ///< and who has none may do nothing
    AuthKeys keys;
};

int choose_auth(const Options& options, AuthChoice& out) {
    using Mode = AuthOptions::Mode;
    const AuthOptions& auth = options.auth;
    const bool has_keys = auth.has_keys();
    if (!has_keys && !options.is_dev &&
        (auth.mode == Mode::required || auth.mode == Mode::optional))
        return refuse("tokens are to be checked, but no keys are configured",
                      "Name a file with --auth.jwks (`tandem genkey` makes one).");
    out.is_checked = auth.mode != Mode::off && (has_keys || options.is_dev);
    out.is_required = out.is_checked && (auth.mode == Mode::required ||
                                         (auth.mode == Mode::automatic && !options.is_dev));
    if (out.is_checked) {
        std::vector<Problem> problems;
        out.keys = has_keys ? read_auth_keys(auth, problems) : dev_auth_keys(auth);
        for (const Problem& problem : problems)
            log_refusal(problem.where + " " + problem.what, {});
        if (!problems.empty()) return 1;
    }
    const BeyondLoopback beyond = options.beyond_loopback;
    if (!options.is_on_loopback() && beyond == BeyondLoopback::no && !options.has_tls())
        return refuse(
            "without TLS the server listens on loopback only, and " + options.host + " is not",
            "Give it a certificate with --tls.certificate and --tls.key, use --host "
            "127.0.0.1, or say how others may come with --server.beyond_loopback "
            "(docs/auth.md).");
    if (!options.is_for_others()) return 0;
    if (options.is_dev || out.keys.has_dev_key)
        return refuse("the development key is known to everybody, so it is for loopback only",
                      "Use `tandem serve` with keys of your own (`tandem genkey`).");
    if (beyond != BeyondLoopback::open && !out.is_required)
        return refuse("beyond loopback tokens are needed, and none are asked for",
                      "Name a file with --auth.jwks (`tandem genkey` makes one).");
    return 0;
}

void reload_keys(const Options& options, AuthService& gate, Shards& shards) {
    std::vector<Problem> problems;
    AuthKeys keys = options.auth.has_keys() ? read_auth_keys(options.auth, problems)
                                            : dev_auth_keys(options.auth);
    for (const Problem& problem : problems)
        log_error("the keys stay as they were: " + problem.where + " " + problem.what);
    if (!problems.empty()) return;
    if (options.is_for_others() && keys.has_dev_key)
        return log_error("the keys stay as they were: the development key is known to everybody");
    gate.replace_keys(std::move(keys));
    shards.recheck_grants();
    log_info("the keys of tokens were read again");
}

void reload_certificate(const Options& options, net::TlsServer& tls) {
    std::string problem;
    if (const auto done = tls.replace(options.tls, problem); !done)
        return log_error("the certificate stays as it was: " + problem);
    log_info("the certificate was read again");
}

void print_ready(const std::string& url, ReadyLine ready, const Options& options) {
    if (ready == ReadyLine::json) {
        std::printf("{\"event\":\"ready\",\"url\":\"%s\",\"pid\":%d}\n", url.c_str(), getpid());
    } else if (ready == ReadyLine::people) {
        std::printf("\n  Tandem is running at %s\n\n", url.c_str());
        if (!options.web_dir.empty()) {
            std::printf(
                "  Board      %s/      two panes; switch one off, edit both, switch it on\n",
                url.c_str());
            std::printf("  Inspector  %s/_/    channels, log, conflicts, connections\n",
                        url.c_str());
        }
        std::printf("  Write      tandem set %s board:demo title '\"Plan\"'\n", url.c_str());
        std::printf("  Watch      tandem watch %s board:demo\n", url.c_str());
        std::printf("  Data       %s (embedded SQLite, synced on every commit)\n\n",
                    options.data_dir.c_str());
        std::printf("  Stop with Ctrl+C.\n");
    }
    std::fflush(stdout);
}

}  // namespace

int run_server(Options& options, ReadyLine ready) {
    open_log(options);
    log_info("tandem/" TANDEM_VERSION " starts as process " + std::to_string(getpid()));
    if (!options.is_dev && options.hub.namespaces.empty())
        log_warning(
            "no namespaces are configured, so every channel will be refused; write a file with "
            "`tandem defaultconfig` and pass it with --config");
    AuthChoice auth;
    if (const int code = choose_auth(options, auth); code != 0) return code;
    std::error_code failure;
    std::filesystem::create_directories(options.data_dir, failure);
    if (failure)
        return refuse(
            "the data folder " + options.data_dir + " cannot be made: " + failure.message(),
            "Choose another with --data, or change its permissions.");
    SystemEntropy entropy;
    store::SqliteStoreOptions store_options;
    const std::string store_path = options.data_dir + "/" + store::kStoreFileName;
    store_options.engine.new_epoch = entropy.next() >> 1 | 1;
    // Before any thread starts, so that every thread leaves these signals to the descriptor.
    const int signals = signals_of({SIGTERM, SIGINT});
    const int reload = signals_of({SIGHUP});
    auto opened = store::SqliteStore::open(store_path, store_options);
    if (!opened) {
        const Problem problem = explain_store_error(opened.error(), store_path);
        return refuse(problem.where, problem.what);
    }
    store::SqliteStore& store = **opened;

    std::unique_ptr<AuthService> gate;
    if (auth.is_checked) {
        auto opened_gate =
            AuthService::open(options.data_dir, std::move(auth.keys), auth.is_required);
        if (!opened_gate)
            return refuse("the files of revoked tokens and actors in " + options.data_dir +
                              " cannot be used: " +
                              std::string(base::error_message(opened_gate.error().code)),
                          "Check revocations.jsonl and actors.bin, and their permissions.");
        gate = std::move(*opened_gate);
    }
    std::unique_ptr<net::TlsServer> tls;
    if (options.has_tls()) {
        std::string problem;
        auto made_tls = net::TlsServer::create(options.tls, {options.tls_handshakes_max}, problem);
        if (!made_tls)
            return refuse(problem,
                          "tls.certificate and tls.key are two PEM files that belong "
                          "together, and the server must be able to read them.");
        tls = std::move(*made_tls);
    }
    std::unique_ptr<Webhooks> webhooks;
    if (!options.webhooks.empty()) {
        auto enrolled = Webhooks::create(options.webhooks, store);
        if (!enrolled)
            return refuse("the webhooks cannot be started: " +
                              std::string(base::error_message(enrolled.error().code)),
                          std::string(base::error_hint(enrolled.error().code)));
        webhooks = std::move(*enrolled);
    }
    options.hub.server_name = "tandem/" TANDEM_VERSION;
    auto made = Shards::create(options, store, webhooks.get(), gate.get(), tls.get());
    if (!made) return refuse("no event loop: " + std::string(std::strerror(errno)), "");
    Shards& shards = **made;
    const net::SocketAddress address{options.host, options.port};
    if (const auto listening = shards.listen(address); !listening) {
        const bool is_taken = listening.error().code == base::ErrorCode::address_in_use;
        return refuse(
            "cannot listen on " + net::to_text(address) +
                (is_taken ? ": another program has this port"
                          : ": " + std::string(base::error_message(listening.error().code))),
            is_taken ? "Stop it, or choose another port with --port (0 finds a free one)."
                     : "Check the address.");
    }
    Watch stop_watch(shards.reactor(), signals, [&] {
        tell_service_manager("STOPPING=1");
        shards.stop();
    });
    if (!stop_watch.start()) return refuse("no signal descriptor", "");

    Watch reload_watch(shards.reactor(), reload, [&] {
        if (gate != nullptr) reload_keys(options, *gate, shards);
        if (tls != nullptr) reload_certificate(options, *tls);
    });
    if (!reload_watch.start()) return refuse("no signal descriptor", "");

    const std::string url =
        (tls != nullptr ? "https://" : "http://") + net::to_text(shards.address());
    log_info("serving " + url + " from " + store_path + " on " + std::to_string(shards.count()) +
             (shards.count() == 1 ? " thread" : " threads"));
    print_ready(url, ready, options);
    tell_service_manager("READY=1\nSTATUS=serving " + url);
    if (webhooks)
        webhooks->start([&shards](hub::Request request, gateway::HubHost::OnReply on_reply) {
            shards.ask(std::move(request), std::move(on_reply));
        });
    const int exit_code = shards.run();
    if (webhooks) webhooks->stop();
    log_info("stopped");
    return exit_code;
}

}  // namespace tandem::server
