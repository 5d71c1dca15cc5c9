#include "server/shards.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "gateway/http_api.hpp"
#include "gateway/hub_host.hpp"
#include "gateway/shard_member.hpp"
#include "net/server_endpoint.hpp"
#include "server/auth_service.hpp"
#include "server/log.hpp"
#include "server/metrics.hpp"
#include "server/watch.hpp"
#include "server/webhooks.hpp"

namespace tandem::server {

namespace {

constexpr uint64_t kDrainTimeoutMs = 5'000;
constexpr std::string_view kPagePolicy =
    "default-src 'self'; connect-src 'self' ws: wss: http: https:; frame-src 'self'; img-src "
    "'self' data:; "
    "frame-ancestors 'self'; base-uri 'none'; form-action 'none'";

uint64_t wall_ms() {
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                     std::chrono::system_clock::now().time_since_epoch())
                                     .count());
}

enum class Missing : uint8_t { warn, ignore };

std::vector<net::StaticFiles> pages(const Options& options, Missing missing) {
    std::vector<net::StaticFiles> files;
    if (options.web_dir.empty()) return files;
    const auto add = [&](const std::string& directory, std::string_view prefix) {
        net::StaticFilesOptions one;
        one.directory = directory;
        one.url_prefix = std::string(prefix);
        one.content_security_policy = std::string(kPagePolicy);
        if (auto opened = net::StaticFiles::open(std::move(one)))
            files.push_back(std::move(*opened));
        else if (missing == Missing::warn)
            log_warning("no pages at " + directory + "; build them with `./dev run`");
    };
    add(options.web_dir + "/inspector", "/_/");
    add(options.web_dir, "/");
    return files;
}

// The webhooks as the HTTP API asks them.
auto webhooks_call(Webhooks& webhooks) {
    return [&webhooks](gateway::WebhookCall call, Webhooks::Answer answer) {
        using Kind = gateway::WebhookCall::Kind;
        using Action = Webhooks::Action;
        switch (call.kind) {
            case Kind::list:
                return webhooks.list(std::move(answer));
            case Kind::test:
                return webhooks.act(std::move(call.name), Action::test, std::move(answer));
            case Kind::retry:
                return webhooks.act(std::move(call.name), Action::retry, std::move(answer));
            case Kind::enable:
                return webhooks.act(std::move(call.name), Action::enable, std::move(answer));
            case Kind::disable:
                return webhooks.act(std::move(call.name), Action::disable, std::move(answer));
        }
    };
}

void log_line(const hub::LogLine& line) {
    const std::string text =
        line.connection == 0 ? line.text
                             : line.text + " (connection " + std::to_string(line.connection) + ")";
    if (line.is_alarm)
        log_warning(text);
    else
        log_info(text);
}

net::AddressLimits::Options address_options(const base::Limits& limits) {
    net::AddressLimits::Options out;
    out.connections_max = limits.connections_per_address_max;
    out.connections = {limits.new_connections_per_address, limits.new_connections_per_address};
    out.requests = {limits.requests_per_address, 2 * limits.requests_per_address};
    out.addresses_max = limits.addresses_max;
    return out;
}

// A limit of the server, as a limit of each shard.
size_t share(size_t limit, size_t count) { return (limit + count - 1) / count; }

}  // namespace

// In the order in which the parts need each other: the last is the first to go.
struct Shards::Shard {
    Shard(std::unique_ptr<net::Reactor> loop, int completion_fd)
        : reactor(std::move(loop)),
          completions(*reactor, completion_fd, [this] { host->on_store_ready(); }) {}

    std::unique_ptr<net::Reactor> reactor;
    hub::Config config;
    Watch completions;
    std::unique_ptr<port::Store> port;
    std::unique_ptr<gateway::HubHost> host;
    std::unique_ptr<gateway::HttpApi> api;
    std::unique_ptr<net::ServerEndpoint> endpoint;
    std::atomic<bool> is_idle = false;
};

uint32_t thread_count(const Options& options) {
    const uint32_t wanted =
        options.threads != 0 ? options.threads : std::thread::hardware_concurrency();
    return std::clamp<uint32_t>(wanted, 1, gateway::ShardMember::kShardsMax);
}

Shards::Shards(const Options& options, store::SqliteStore& store, Webhooks* webhooks,
               AuthService* auth)
    : options_(options),
      store_(store),
      webhooks_(webhooks),
      auth_(auth),
      addresses_(address_options(options.hub.limits)) {}

Shards::~Shards() {
    memory_.reset();
    // No part of a shard may go while one of another could still refer to it.
    for (const auto& shard : shards_)
        shard->endpoint.reset();
    for (const auto& shard : shards_)
        shard->api.reset();
    for (const auto& shard : shards_)
        shard->host.reset();
}

base::Result<std::unique_ptr<Shards>> Shards::create(const Options& options,
                                                     store::SqliteStore& store, Webhooks* webhooks,
                                                     AuthService* auth, net::TlsServer* tls) {
    std::unique_ptr<Shards> shards(new Shards(options, store, webhooks, auth));
    Shards& self = *shards;
    const uint32_t count = thread_count(options);
    std::vector<gateway::HubHost*> hosts;
    net::ReactorOptions reactor_options;
    reactor_options.sends_in_batches = options.io_uring;
    for (uint32_t index = 0; index < count; ++index) {
        TANDEM_TRY(std::unique_ptr<net::Reactor> reactor, net::Reactor::create(reactor_options));
        const int completion_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        auto shard = std::make_unique<Shard>(std::move(reactor), completion_fd);
        if (!shard->completions.start())
            return base::fail(base::ErrorCode::io_failed, static_cast<uint64_t>(errno));
        shard->port = store.open_port([completion_fd] {
            const uint64_t one = 1;
            [[maybe_unused]] const auto written = write(completion_fd, &one, sizeof one);
        });
        shard->config = options.hub;
        shard->config.wants_news = webhooks != nullptr;
        shard->config.gate = auth;
        base::Limits& limits = shard->config.limits;
        limits.channels_loaded_max = share(limits.channels_loaded_max, count);
        shard->host = std::make_unique<gateway::HubHost>(*shard->reactor, shard->config,
                                                         *shard->port, self.entropy_, wall_ms,
                                                         log_line, hub::ShardPlace{index, count});
        shard->host->on_evicted = [&self] { self.spare_memory_.give_back(); };
        shard->host->on_failure = [&self] {
            if (self.exit_code_.exchange(1) == 0)
                log_error(
                    "the store failed: stopping, since what is on disk is unknown; start again to "
                    "recover all that was acknowledged");
            self.stop();
        };
        if (webhooks != nullptr)
            shard->host->on_news = [webhooks](const std::vector<hub::News>& news) {
                webhooks->note(news);
            };
        gateway::HttpApiOptions api;
        api.access = gateway::Access(options.origins, options.is_for_others()
                                                          ? gateway::Access::Reach::anywhere
                                                          : gateway::Access::Reach::loopback);
        api.gate = auth;
        api.proxies = options.proxies;
        api.addresses = &self.addresses_;
        if (auth != nullptr) {
            api.revoke = [&self, auth](const std::string& id, const std::string& subject) {
                const auto done = auth->revoke(id, subject, wall_ms());
                self.recheck_grants();
                return done;
            };
            api.revocations = [auth] { return auth->revocations(); };
        }
        api.docs_url = options.hub.docs_url;
        api.websocket.message_bytes_max = limits.message_bytes_max;
        // A JSON snapshot is one message, and JSON can need several bytes for one.
        api.websocket.queue_bytes_max = 4 * base::kMiB + 4 * limits.record_bytes_max;
        const size_t stream_bytes_max = api.websocket.queue_bytes_max / 3 * 4;
        api.websocket.ping_interval_ms = limits.ping_interval_ms;
        api.websocket.idle_timeout_ms = limits.idle_timeout_ms;
        api.websocket.stall_timeout_ms = options.stall_timeout_ms;
        api.websocket.deflate_bytes_min = options.deflate_bytes_min;
        api.compression =
            options.deflate ? net::WsCompression::kDeflate : net::WsCompression::kNone;
        api.provider_websocket = api.websocket;
        api.provider_websocket.message_bytes_max = limits.text_message_bytes_max;
        api.provider_websocket.queue_bytes_max = 4 * base::kMiB + 2 * limits.text_bytes_max;
        api.files = pages(options, index == 0 ? Missing::warn : Missing::ignore);
        api.is_ready = [&self] {
            return self.phase_.load() == Phase::serving && !self.store_.failed();
        };
        api.metrics = [&self, &store, webhooks](const hub::Stats& stats) {
            return metrics_text(stats, store.stats()) + metrics_text(self.loop_sums()) +
                   metrics_text(*self.memory_, stats) +
                   (webhooks != nullptr ? metrics_text(webhooks->totals()) : std::string());
        };
        if (webhooks != nullptr) api.webhooks = webhooks_call(*webhooks);
        shard->api = std::make_unique<gateway::HttpApi>(*shard->host, std::move(api));
        net::EndpointOptions endpoint;
        endpoint.connections_max = share(limits.connections_max, count);
        endpoint.address_limits = &self.addresses_;
        endpoint.proxies = &options.proxies;
        endpoint.tls = tls;
        endpoint.stall_timeout_ms = options.stall_timeout_ms;
        endpoint.handshake_timeout_ms = options.tls_handshake_timeout_ms;
        // The other addresses keep to the usual size themselves.
        endpoint.http.body_bytes_max =
            std::max(endpoint.http.body_bytes_max, limits.text_message_bytes_max);
        // Binary messages are in base64 there.
        endpoint.queue_bytes_max = stream_bytes_max;
        endpoint.make_failure = [docs_url = options.hub.docs_url,
                                 bytes_max = endpoint.http.body_bytes_max](int status) {
            return gateway::make_failure(status, docs_url, bytes_max);
        };
        if (count > 1) endpoint.port_sharing = net::PortSharing::kReusePort;
        shard->endpoint =
            std::make_unique<net::ServerEndpoint>(*shard->reactor, endpoint, *shard->api);
        hosts.push_back(shard->host.get());
        self.shards_.push_back(std::move(shard));
    }
    if (count > 1) gateway::HubHost::join(hosts);
    self.memory_ = std::make_unique<MemoryWatch>(
        self.reactor(), self.spare_memory_,
        options.memory_budget_bytes != 0 ? options.memory_budget_bytes : default_memory_budget(),
        [&self](hub::Pressure pressure, uint64_t excess) { self.relieve(pressure, excess); });
    return shards;
}

base::Status Shards::listen(const net::SocketAddress& address) {
    // Listeners that share a port would also share it with those of another server, and take its
    // connections. One that does not share finds that out.
    if (shards_.size() > 1 && address.port != 0)
        TANDEM_CHECK(net::open_listener(address, net::PortSharing::kExclusive));
    TANDEM_CHECK(shards_.front()->endpoint->listen(address));
    const net::SocketAddress chosen{address.host, this->address().port};
    for (size_t i = 1; i < shards_.size(); ++i)
        TANDEM_CHECK(shards_[i]->endpoint->listen(chosen));
    return {};
}

net::SocketAddress Shards::address() const { return shards_.front()->endpoint->address(); }

net::Reactor& Shards::reactor() { return *shards_.front()->reactor; }

LoopSums Shards::loop_sums() const {
    LoopSums sums;
    for (const auto& shard : shards_) {
        shard->reactor->lags().add_to(sums.lags.emplace_back());
        const gateway::LoopMeters& meters = std::as_const(*shard->host).meters();
        meters.write_to_ack.add_to(sums.write_to_ack);
        meters.commit_to_send.add_to(sums.commit_to_send);
        sums.deflated_frames += meters.deflated_frames.load(std::memory_order_relaxed);
        sums.deflate_saved_bytes += meters.deflate_saved_bytes.load(std::memory_order_relaxed);
    }
    return sums;
}

void Shards::wake_all() {
    for (const auto& shard : shards_)
        shard->reactor->post([] {});
}

void Shards::stop() {
    Phase serving = Phase::serving;
    if (phase_.compare_exchange_strong(serving, Phase::draining)) wake_all();
}

void Shards::ask(hub::Request request, gateway::HubHost::OnReply on_reply) {
    Shard& first = *shards_.front();
    first.reactor->post([&first, request = std::move(request), on_reply = std::move(on_reply)] {
        first.host->request(request, on_reply);
    });
}

void Shards::recheck_grants() {
    for (const auto& shard : shards_)
        shard->reactor->post([host = shard->host.get()] { host->recheck_grants(); });
}

void Shards::relieve(hub::Pressure pressure, uint64_t excess_bytes) {
    // Who holds most may be on any of them; each gives its part, and the next look tells the rest.
    const uint64_t part = excess_bytes / shards_.size();
    for (const auto& shard : shards_)
        shard->reactor->post([&shard = *shard, pressure, part] {
            shard.endpoint->set_short_of_memory(pressure != hub::Pressure::none);
            shard.host->relieve(pressure, part);
        });
}

int Shards::run() {
    memory_->start();
    std::vector<std::thread> threads;
    for (size_t i = 1; i < shards_.size(); ++i)
        threads.emplace_back([this, i] { run_shard(*shards_[i]); });
    run_shard(*shards_.front());
    for (std::thread& thread : threads)
        thread.join();
    return exit_code_;
}

void Shards::run_shard(Shard& shard) {
    net::Reactor& reactor = *shard.reactor;
    while (phase_.load() == Phase::serving)
        reactor.run_turn(-1);

    // One shard's push may wait for another's commit: none closes before all are done.
    const uint64_t deadline = reactor.now_ms() + kDrainTimeoutMs;
    shard.endpoint->stop_listening();
    shard.host->begin_shutdown(options_.reconnect_after_ms);
    while (phase_.load() == Phase::draining) {
        reactor.run_turn(0);
        shard.is_idle = shard.host->is_idle() || store_.failed();
        const bool are_all_idle = std::all_of(shards_.begin(), shards_.end(),
                                              [](const auto& s) { return s->is_idle.load(); });
        if (are_all_idle || reactor.now_ms() >= deadline) {
            phase_ = Phase::closing;
            wake_all();
            break;
        }
        reactor.run_turn(100);
    }
    reactor.run_turn(0);
    shard.endpoint->close_all(net::kWsCloseGoingAway, "the server is stopping");
    // A connection elsewhere may wait for an answer of this one.
    bool is_counted = false;
    while (closed_.load() < shards_.size() && reactor.now_ms() < deadline) {
        if (!is_counted && shard.endpoint->connection_count() == 0) {
            is_counted = true;
            if (++closed_ == shards_.size()) wake_all();
            continue;
        }
        reactor.run_turn(100);
    }
}

}  // namespace tandem::server
