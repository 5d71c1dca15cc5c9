#include "net/tcp_socket.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace tandem::net {

namespace {

constexpr size_t kAcceptsPerTurnMax = 64;
constexpr int kUnsentBytesMax = 128 * 1024;
// Out of descriptors: the pending connection stays readable, so watching it would spin.
constexpr uint64_t kAcceptRetryMs = 100;

base::Error socket_error() {
    const auto code =
        errno == EADDRINUSE ? base::ErrorCode::address_in_use : base::ErrorCode::io_failed;
    return base::fail(code, static_cast<uint64_t>(errno));
}

struct RawAddress {
    sockaddr_storage storage{};
    socklen_t size = sizeof(sockaddr_storage);

    [[nodiscard]] const sockaddr* get() const {
        return reinterpret_cast<const sockaddr*>(&storage);
    }
    [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

base::Result<RawAddress> to_raw(const SocketAddress& address) {
    RawAddress raw;
    const std::string host = address.host == "localhost" ? "127.0.0.1" : address.host;
    sockaddr_in v4{};
    if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(address.port);
        std::memcpy(&raw.storage, &v4, sizeof(v4));
        raw.size = sizeof(v4);
        return raw;
    }
    sockaddr_in6 v6{};
    if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(address.port);
        std::memcpy(&raw.storage, &v6, sizeof(v6));
        raw.size = sizeof(v6);
        return raw;
    }
    return base::fail(base::ErrorCode::invalid_argument);
}

SocketAddress from_raw(const RawAddress& raw) {
    SocketAddress address;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (raw.storage.ss_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &raw.storage, sizeof(v4));
        ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
        address.port = ntohs(v4.sin_port);
    } else if (raw.storage.ss_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &raw.storage, sizeof(v6));
        ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
        address.port = ntohs(v6.sin6_port);
    }
    address.host = text.data();
    return address;
}

void set_option(int fd, int level, int option) {
    const int on = 1;
    (void)::setsockopt(fd, level, option, &on, sizeof(on));
}

}  // namespace

std::string to_text(const SocketAddress& address) {
    const bool is_v6 = address.host.find(':') != std::string::npos;
    std::string out = is_v6 ? "[" + address.host + "]" : address.host;
    out.append(":").append(std::to_string(address.port));
    return out;
}

base::Result<UniqueFd> open_listener(const SocketAddress& address, PortSharing sharing) {
    TANDEM_TRY(const RawAddress raw, to_raw(address));
    UniqueFd fd(::socket(raw.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd.is_open()) return socket_error();
    set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR);
    if (sharing == PortSharing::kReusePort) set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT);
    if (::bind(fd.get(), raw.get(), raw.size) != 0) return socket_error();
    // Connections have it from their listener. What a reader has not fetched stays with its cursor
    // rather than in the kernel, which would take megabytes for each.
    const int unsent_bytes_max = kUnsentBytesMax;
    (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_bytes_max,
                       sizeof(unsent_bytes_max));
    if (::listen(fd.get(), SOMAXCONN) != 0) return socket_error();
    return fd;
}

base::Result<UniqueFd> open_connection(const SocketAddress& address) {
    TANDEM_TRY(const RawAddress raw, to_raw(address));
    UniqueFd fd(::socket(raw.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd.is_open()) return socket_error();
    set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY);
    if (::connect(fd.get(), raw.get(), raw.size) != 0 && errno != EINPROGRESS)
        return socket_error();
    return fd;
}

base::Result<SocketAddress> look_up(const SocketAddress& address) {
    if (to_raw(address).ok()) return address;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    if (::getaddrinfo(address.host.c_str(), nullptr, &hints, &found) != 0)
        return base::fail(base::ErrorCode::invalid_argument);
    RawAddress raw;
    raw.size = std::min<socklen_t>(found->ai_addrlen, sizeof(raw.storage));
    std::memcpy(&raw.storage, found->ai_addr, raw.size);
    ::freeaddrinfo(found);
    return SocketAddress{from_raw(raw).host, address.port};
}

SocketAddress local_address(int fd) {
    RawAddress raw;
    if (::getsockname(fd, raw.get(), &raw.size) != 0) return {"", 0};
    return from_raw(raw);
}

SocketAddress peer_address(int fd) {
    RawAddress raw;
    if (::getpeername(fd, raw.get(), &raw.size) != 0) return {"", 0};
    return from_raw(raw);
}

IpAddress peer_ip(int fd) {
    RawAddress raw;
    IpAddress ip;
    if (::getpeername(fd, raw.get(), &raw.size) != 0) return ip;
    if (raw.storage.ss_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &raw.storage, sizeof(v4));
        ip.bytes[10] = ip.bytes[11] = 0xFF;
        std::memcpy(ip.bytes.data() + 12, &v4.sin_addr, sizeof(v4.sin_addr));
    } else if (raw.storage.ss_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &raw.storage, sizeof(v6));
        std::memcpy(ip.bytes.data(), &v6.sin6_addr, sizeof(v6.sin6_addr));
    }
    return ip;
}

TcpListener::TcpListener(Reactor& reactor, AcceptHandler& handler)
    : reactor_(reactor), handler_(handler), retry_(reactor, [this] {
          if (fd_.is_open()) (void)reactor_.modify(fd_.get(), EPOLLIN, *this);
      }) {}

TcpListener::~TcpListener() { close(); }

base::Status TcpListener::listen(const SocketAddress& address, PortSharing sharing) {
    TANDEM_TRY(UniqueFd fd, open_listener(address, sharing));
    TANDEM_CHECK(reactor_.add(fd.get(), EPOLLIN, *this));
    close();
    fd_ = std::move(fd);
    return {};
}

void TcpListener::close() {
    retry_.stop();
    if (!fd_.is_open()) return;
    reactor_.remove(fd_.get(), *this);
    fd_.reset();
}

void TcpListener::on_io(uint32_t /*events*/) {
    for (size_t i = 0; i < kAcceptsPerTurnMax && fd_.is_open(); ++i) {
        UniqueFd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (fd.is_open()) {
            set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY);
            handler_.on_accept(std::move(fd));
            continue;
        }
        if (errno == ECONNABORTED || errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) {
            (void)reactor_.modify(fd_.get(), 0, *this);
            retry_.start(kAcceptRetryMs);
        }
        return;
    }
}

}  // namespace tandem::net
