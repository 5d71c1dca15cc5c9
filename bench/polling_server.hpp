#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "net/reactor.hpp"
#include "net/server_endpoint.hpp"

namespace tandem::bench {

enum class PollingKind : uint8_t {
    last_writer,  ///< GET gives the whole object, PUT replaces it
    etag,         ///< the same, with If-None-Match and If-Match
};

/// The server of the baselines: whole objects in memory behind HTTP, on a thread of its own. It
/// writes nothing to disk, which is in its favour.
class PollingServer final : public net::EndpointHandler {
  public:
    PollingServer(PollingKind kind, std::vector<std::string> objects);
    ~PollingServer();

    net::SocketAddress address() const { return address_; }
    /// Once no request is on its way.
    const std::string& object(size_t record) const { return objects_[record]; }

  private:
    void on_request(net::HttpRequest request, net::Responder responder) override;

    PollingKind kind_;
    std::vector<std::string> objects_;
    std::vector<uint64_t> versions_;
    std::unique_ptr<net::Reactor> reactor_;
    std::unique_ptr<net::ServerEndpoint> endpoint_;
    net::SocketAddress address_;
    std::thread thread_;
};

}  // namespace tandem::bench
