#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "net/ip_address.hpp"
#include "net/reactor.hpp"
#include "net/unique_fd.hpp"

namespace tandem::net {

// A numeric IPv4 or IPv6 address, or "localhost".
struct SocketAddress {
    std::string host = "127.0.0.1";
    uint16_t port = 0;
};

// "host:port", with brackets around IPv6.
[[nodiscard]] std::string to_text(const SocketAddress& address);

enum class PortSharing : uint8_t {
    kExclusive,
    kReusePort,  // Several reactors listen on one port; the kernel spreads the connections.
};

// Both non-blocking and close-on-exec. Errors: invalid_argument for an address that is not
// numeric, address_in_use, io_failed with errno.
[[nodiscard]] base::Result<UniqueFd> open_listener(const SocketAddress& address,
                                                   PortSharing sharing);
// The connection may still be in progress: the socket becomes writable when it is made.
[[nodiscard]] base::Result<UniqueFd> open_connection(const SocketAddress& address);

// The first address of a name, by the system's resolver, which may take seconds; addresses and
// "localhost" are returned as they are. Errors: invalid_argument when there is none.
[[nodiscard]] base::Result<SocketAddress> look_up(const SocketAddress& address);

// The port 0 of a listener's address becomes the one that was chosen.
[[nodiscard]] SocketAddress local_address(int fd);
[[nodiscard]] SocketAddress peer_address(int fd);
// The unspecified address (::) where there is none.
[[nodiscard]] IpAddress peer_ip(int fd);

class AcceptHandler {
  public:
    virtual void on_accept(UniqueFd fd) = 0;

  protected:
    ~AcceptHandler() = default;
};

// Accepts connections on a reactor; they arrive non-blocking and with TCP_NODELAY.
class TcpListener final : private IoHandler {
  public:
    TcpListener(Reactor& reactor, AcceptHandler& handler);
    ~TcpListener();
    TcpListener(const TcpListener&) = delete;
    TcpListener& operator=(const TcpListener&) = delete;

    [[nodiscard]] base::Status listen(const SocketAddress& address, PortSharing sharing);
    void close();
    [[nodiscard]] SocketAddress address() const { return local_address(fd_.get()); }

  private:
    void on_io(uint32_t events) override;

    Reactor& reactor_;
    AcceptHandler& handler_;
    Timer retry_;
    UniqueFd fd_;
};

}  // namespace tandem::net
