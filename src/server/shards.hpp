#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "gateway/hub_host.hpp"
#include "net/address_limits.hpp"
#include "net/reactor.hpp"
#include "net/tcp_socket.hpp"
#include "net/tls.hpp"
#include "server/memory_watch.hpp"
#include "server/options.hpp"
#include "server/random.hpp"
#include "server/spare_memory.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace tandem::server {

class AuthService;
struct LoopSums;
class Webhooks;

/// The event loops of a server, each with a hub for its share of the channels, one port of the
/// store and a listener of its own on the common address.
class Shards {
  public:
    /// Borrows all, which must outlive it; `webhooks`, `auth` and `tls` may be null.
    [[nodiscard]] static base::Result<std::unique_ptr<Shards>> create(
        const Options& options, store::SqliteStore& store, Webhooks* webhooks = nullptr,
        AuthService* auth = nullptr, net::TlsServer* tls = nullptr);
    ~Shards();

    /// Errors: address_in_use and those of the socket.
    [[nodiscard]] base::Status listen(const net::SocketAddress& address);
    [[nodiscard]] net::SocketAddress address() const;
    [[nodiscard]] size_t count() const { return shards_.size(); }
    /// Of the first shard, which runs on the caller's thread.
    [[nodiscard]] net::Reactor& reactor();

    /// Serves until `stop`, or until the store fails. Then what was sequenced becomes durable and
    /// is acknowledged, and the connections close. Returns the exit code.
    [[nodiscard]] int run();
    /// From any thread.
    void stop();
    /// Has the shard of the request's channel answer, on its own or the first shard's thread. From
    /// any thread; there is no answer after `run`.
    void ask(hub::Request request, gateway::HubHost::OnReply on_reply);

    /// Looks at the tokens of all connections again. From any thread.
    void recheck_grants();

  private:
    struct Shard;
    enum class Phase : uint8_t { serving, draining, closing };

    Shards(const Options& options, store::SqliteStore& store, Webhooks* webhooks,
           AuthService* auth);
    void run_shard(Shard& shard);
    void wake_all();
    /// From any thread.
    [[nodiscard]] LoopSums loop_sums() const;
    void relieve(hub::Pressure pressure, uint64_t excess_bytes);

    const Options& options_;
    store::SqliteStore& store_;
    Webhooks* webhooks_;
    AuthService* auth_;
    SystemEntropy entropy_;
    net::AddressLimits addresses_;
    SpareMemory spare_memory_;
    std::vector<std::unique_ptr<Shard>> shards_;
    std::unique_ptr<MemoryWatch> memory_;
    std::atomic<Phase> phase_ = Phase::serving;
    std::atomic<int> exit_code_ = 0;
    std::atomic<size_t> closed_ = 0;
};

/// How many event loops `options` asks for.
[[nodiscard]] uint32_t thread_count(const Options& options);

}  // namespace tandem::server
