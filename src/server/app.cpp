#include "server/app.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>

#include "gateway/http_api.hpp"
#include "gateway/hub_host.hpp"
#include "net/server_endpoint.hpp"
#include "server/log.hpp"
#include "server/metrics.hpp"
#include "server/random.hpp"
#include "server/store_errors.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace tandem::server {

namespace {

constexpr uint64_t kDrainTimeoutMs = 5'000;
constexpr std::string_view kPagePolicy =
    "default-src 'self'; connect-src 'self' ws: http:; frame-src 'self'; img-src 'self' data:; "
    "frame-ancestors 'self'; base-uri 'none'; form-action 'none'";

uint64_t wall_ms() {
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                     std::chrono::system_clock::now().time_since_epoch())
                                     .count());
}

int refuse(const std::string& what, const std::string& hint) {
    std::fprintf(stderr, "tandem: %s\n        %s\n", what.c_str(), hint.c_str());
    return 1;
}

// A descriptor that calls a function when it is readable.
class Watch final : public net::IoHandler {
  public:
    Watch(net::Reactor& reactor, int fd, std::function<void()> on_ready)
        : reactor_(reactor), fd_(fd), on_ready_(std::move(on_ready)) {}
    ~Watch() {
        if (is_added_) reactor_.remove(fd_.get(), *this);
    }
    [[nodiscard]] bool start() {
        is_added_ = fd_.get() >= 0 && reactor_.add(fd_.get(), EPOLLIN, *this).ok();
        return is_added_;
    }
    [[nodiscard]] int fd() const { return fd_.get(); }

  private:
    void on_io(uint32_t) override {
        // Both kinds of descriptor that are watched here give at least eight bytes at a time.
        char buffer[sizeof(signalfd_siginfo)];
        while (read(fd_.get(), buffer, sizeof buffer) > 0)
            continue;
        on_ready_();
    }

    net::Reactor& reactor_;
    net::UniqueFd fd_;
    std::function<void()> on_ready_;
    bool is_added_ = false;
};

// The signals that stop the server, as a descriptor.
int stop_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
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

std::vector<net::StaticFiles> pages(const Options& options) {
    std::vector<net::StaticFiles> files;
    if (options.web_dir.empty()) return files;
    const auto add = [&](const std::string& directory, std::string_view prefix) {
        net::StaticFilesOptions one;
        one.directory = directory;
        one.url_prefix = std::string(prefix);
        one.content_security_policy = std::string(kPagePolicy);
        if (auto opened = net::StaticFiles::open(std::move(one)))
            files.push_back(std::move(*opened));
        else
            log_warning("no pages at " + directory + "; build them with `./dev run`");
    };
    add(options.web_dir + "/inspector", "/_/");
    add(options.web_dir, "/");
    return files;
}

}  // namespace

int run_server(Options& options, ReadyLine ready) {
    open_log(options);
    if (!gateway::is_loopback_authority(
            options.host.find(':') == std::string::npos ? options.host : '[' + options.host + ']'))
        return refuse("this version listens on loopback only, and " + options.host + " is not",
                      "Use --host 127.0.0.1 (access tokens are not there yet).");
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
    const int signals = stop_signals();
    auto opened = store::SqliteStore::open(store_path, store_options);
    if (!opened) {
        const Problem problem = explain_store_error(opened.error(), store_path);
        return refuse(problem.where, problem.what);
    }
    store::SqliteStore& store = **opened;

    auto made = net::Reactor::create();
    if (!made) return refuse("no event loop: " + std::string(std::strerror(errno)), "");
    net::Reactor& reactor = **made;

    gateway::HubHost* host_ready = nullptr;
    Watch completions(reactor, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), [&] {
        if (host_ready != nullptr) host_ready->on_store_ready();
    });
    if (!completions.start()) return refuse("no event descriptor", "");
    const int completion_fd = completions.fd();
    auto port = store.open_port([completion_fd] {
        const uint64_t one = 1;
        [[maybe_unused]] const auto written = write(completion_fd, &one, sizeof one);
    });

    options.hub.server_name = "tandem/" TANDEM_VERSION;
    const auto on_log = [](const hub::LogLine& line) {
        if (line.is_alarm)
            log_warning(line.text);
        else
            log_info(line.text);
    };
    gateway::HubHost host(reactor, options.hub, *port, entropy, wall_ms, on_log);
    host_ready = &host;

    bool is_stopping = false;
    int exit_code = 0;
    net::EndpointOptions endpoint_options;
    endpoint_options.connections_max = options.hub.limits.connections_max;
    gateway::HttpApiOptions api_options;
    api_options.access = gateway::Access(options.origins);
    api_options.docs_url = options.hub.docs_url;
    api_options.websocket.message_bytes_max = options.hub.limits.message_bytes_max;
    api_options.websocket.ping_interval_ms = options.hub.limits.ping_interval_ms;
    api_options.websocket.idle_timeout_ms = options.hub.limits.idle_timeout_ms;
    api_options.files = pages(options);
    api_options.is_ready = [&] { return !is_stopping && !host.has_failed(); };
    api_options.metrics = [&] { return metrics_text(host.stats(), store.stats()); };
    gateway::HttpApi api(host, std::move(api_options));
    net::ServerEndpoint endpoint(reactor, endpoint_options, api);
    const net::SocketAddress address{options.host, options.port};
    if (const auto listening = endpoint.listen(address); !listening) {
        const bool is_taken = listening.error().code == base::ErrorCode::address_in_use;
        return refuse(
            "cannot listen on " + net::to_text(address) +
                (is_taken ? ": another program has this port"
                          : ": " + std::string(base::error_message(listening.error().code))),
            is_taken ? "Stop it, or choose another port with --port (0 finds a free one)."
                     : "Check the address.");
    }

    const auto stop = [&] {
        if (std::exchange(is_stopping, true)) return;
        endpoint.stop_listening();
        host.begin_shutdown(options.reconnect_after_ms);
    };
    host.on_failure = [&] {
        log_error(
            "the store failed: stopping, since what is on disk is unknown; start again to "
            "recover all that was acknowledged");
        exit_code = 1;
        stop();
    };
    Watch stop_watch(reactor, signals, stop);
    if (!stop_watch.start()) return refuse("no signal descriptor", "");

    const std::string url = "http://" + net::to_text(endpoint.address());
    log_info("serving " + url + " from " + store_path);
    print_ready(url, ready, options);

    while (!is_stopping)
        reactor.run_turn(-1);
    // What was sequenced becomes durable and is acknowledged before the connections close.
    const uint64_t deadline = reactor.now_ms() + kDrainTimeoutMs;
    while (!host.is_idle() && !host.has_failed() && reactor.now_ms() < deadline)
        reactor.run_turn(100);
    reactor.run_turn(0);
    endpoint.close_all(net::kWsCloseGoingAway, "the server is stopping");
    while (endpoint.connection_count() > 0 && reactor.now_ms() < deadline)
        reactor.run_turn(100);
    log_info("stopped");
    return exit_code;
}

}  // namespace tandem::server
