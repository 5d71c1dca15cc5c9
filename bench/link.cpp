#include "link.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>

#include "net/websocket_handshake.hpp"

namespace tandem::bench {
namespace {

constexpr size_t kReadBytes = 256 * 1024;

size_t header_bytes(size_t payload_bytes) {
    if (payload_bytes < 126) return 2;
    return payload_bytes < 65'536 ? 4 : 10;
}

std::string base64(const std::array<uint8_t, 16>& bytes) {
    constexpr std::string_view kDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (size_t i = 0; i < bytes.size(); i += 3) {
        uint32_t group = 0;
        for (size_t j = 0; j < 3; ++j)
            group = group << 8 | (i + j < bytes.size() ? bytes[i + j] : 0U);
        for (size_t j = 0; j < 4; ++j)
            out.push_back(i + j <= bytes.size() ? kDigits[group >> (18 - 6 * j) & 63U] : '=');
    }
    return out;
}

}  // namespace

uint64_t now_ns() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000U +
           static_cast<uint64_t>(time.tv_nsec);
}

void die(const std::string& text) {
    std::fprintf(stderr, "tandem_bench_driver: %s\n", text.c_str());
    std::_Exit(2);
}

net::SocketAddress address_of(std::string_view url) {
    constexpr std::string_view kScheme = "http://";
    if (url.substr(0, kScheme.size()) == kScheme) url.remove_prefix(kScheme.size());
    url = url.substr(0, url.find('/'));
    const size_t colon = url.rfind(':');
    net::SocketAddress address;
    if (colon == std::string_view::npos) die("a URL without a port");
    address.host = std::string(url.substr(0, colon));
    const std::string_view port = url.substr(colon + 1);
    std::from_chars(port.data(), port.data() + port.size(), address.port);
    return address;
}

Loop::Loop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

void Loop::add(int fd, uint32_t events, Pollable& target) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &target;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl failed");
}

void Loop::modify(int fd, uint32_t events, Pollable& target) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &target;
    epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Loop::remove(int fd) { epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void Loop::turn(uint64_t timeout_ns) {
    std::array<epoll_event, 64> events;
    const timespec timeout{static_cast<time_t>(timeout_ns / 1'000'000'000U),
                           static_cast<long>(timeout_ns % 1'000'000'000U)};
    const int count = epoll_pwait2(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                   &timeout, nullptr);
    woke_ns_ = now_ns();
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<size_t>(i)];
        static_cast<Pollable*>(event.data.ptr)->on_io(event.events);
    }
}

Link::Link(Loop& loop, net::SocketAddress server, std::string subprotocol, Handler handler,
           std::string target)
    : loop_(loop),
      server_(std::move(server)),
      subprotocol_(std::move(subprotocol)),
      target_(std::move(target)),
      handler_(std::move(handler)) {}

Link::~Link() { close_fd(); }

void Link::close_fd() {
    if (fd_.get() < 0) return;
    loop_.remove(fd_.get());
    fd_.reset();
    state_ = State::closed;
    ++generation_;
}

void Link::connect() {
    close_fd();
    auto fd = net::open_connection(server_);
    if (!fd) die("cannot connect");
    fd_ = *std::move(fd);
    parser_ = net::FrameParser(net::WsRole::kClient);
    head_.clear();
    out_.clear();
    retry_after_ms_ = 0;
    cut_after_ = SIZE_MAX;
    std::array<uint8_t, 16> bytes{};
    for (uint8_t& byte : bytes)
        byte = static_cast<uint8_t>(random_());
    key_ = base64(bytes);
    const std::string host = net::to_text(server_);
    const std::array<std::string_view, 1> protocols{subprotocol_};
    net::WsClientRequest request;
    request.host = host;
    request.target = target_;
    request.key = key_;
    if (!subprotocol_.empty()) request.subprotocols = protocols;
    out_ = net::make_websocket_request(request);
    state_ = State::handshake;
    is_blocked_ = true;
    loop_.add(fd_.get(), EPOLLIN | EPOLLOUT, *this);
}

void Link::send(std::string_view message) {
    if (state_ != State::open) return;
    const uint64_t bits = random_();
    const net::WsMaskKey key{static_cast<uint8_t>(bits), static_cast<uint8_t>(bits >> 8),
                             static_cast<uint8_t>(bits >> 16), static_cast<uint8_t>(bits >> 24)};
    net::append_masked_frame(
        out_, subprotocol_ == "tandem.v1" ? net::WsOpcode::kBinary : net::WsOpcode::kText, message,
        key);
}

void Link::flush() {
    if (state_ == State::closed || out_.empty()) return;
    const ssize_t sent = ::send(fd_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return lose();
    if (sent > 0) {
        bytes_sent_ += static_cast<uint64_t>(sent);
        out_.erase(0, static_cast<size_t>(sent));
    }
    const bool is_blocked = !out_.empty();
    if (is_blocked == is_blocked_) return;
    is_blocked_ = is_blocked;
    loop_.modify(fd_.get(), is_blocked ? EPOLLIN | EPOLLOUT : EPOLLIN, *this);
}

void Link::cut(size_t bytes_more) {
    if (state_ == State::closed) return;
    if (!out_.empty() && bytes_more > 0) {
        // How much of it the kernel takes decides where the stream ends; either is a random point.
        const ssize_t sent =
            ::send(fd_.get(), out_.data(), std::min(bytes_more, out_.size()), MSG_NOSIGNAL);
        if (sent > 0) bytes_sent_ += static_cast<uint64_t>(sent);
    }
    const linger reset{1, 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close_fd();
}

void Link::lose() {
    close_fd();
    if (handler_.on_lost) handler_.on_lost();
}

void Link::on_io(uint32_t events) {
    if (state_ == State::closed) return;  // Stale: closed earlier in this turn.
    const uint64_t generation = generation_;
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read();
    if (generation == generation_ && (events & EPOLLOUT) != 0) flush();
}

void Link::read() {
    static std::vector<char> buffer(kReadBytes);
    const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return lose();
    size_t used = static_cast<size_t>(got);
    const bool is_cut = used >= cut_after_;
    if (is_cut) used = cut_after_;
    cut_after_ -= used;
    bytes_received_ += used;
    std::span<char> input(buffer.data(), used);
    const uint64_t generation = generation_;
    if (state_ == State::open) {
        parse(input);
        if (!is_cut || generation != generation_) return;
        cut(0);
        if (handler_.on_lost) handler_.on_lost();
        return;
    }
    head_.append(input.data(), input.size());
    if (!read_handshake()) return;
    std::string rest = std::move(head_);
    head_.clear();
    parse(std::span<char>(rest));
}

bool Link::read_handshake() {
    const size_t end = head_.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const std::array<std::string_view, 1> protocols{subprotocol_};
    const std::string head = head_.substr(0, end + 4);
    const std::span<const std::string_view> offered(protocols);
    const net::WsClientAnswer answer =
        net::check_websocket_response(head, key_, offered.first(subprotocol_.empty() ? 0 : 1));
    if (!answer.is_accepted) {
        if (!bears_refusals_)
            die("the server refused the WebSocket: " + head.substr(0, head.find('\r')));
        ++refusals_;
        retry_after_ms_ = answer.retry_after_ms;
        lose();
        return false;
    }
    head_.erase(0, end + 4);
    state_ = State::open;
    const uint64_t generation = generation_;
    if (handler_.on_open) handler_.on_open();
    return generation == generation_;
}

void Link::parse(std::span<char> input) {
    const uint64_t generation = generation_;
    while (true) {
        net::WsEvent event = parser_.next(input);
        switch (event.kind) {
            case net::WsEventKind::kNeedMore:
                return;
            case net::WsEventKind::kMessage:
                // Our server never sends fragments, so a message is one header and its payload.
                handler_.on_message(event.payload,
                                    event.payload.size() + header_bytes(event.payload.size()));
                if (generation != generation_) return;
                break;
            case net::WsEventKind::kPing: {
                const net::WsMaskKey key{1, 2, 3, 4};
                net::append_masked_frame(out_, net::WsOpcode::kPong, event.payload, key);
                flush();
                if (generation != generation_) return;
                break;
            }
            case net::WsEventKind::kPong:
                break;
            case net::WsEventKind::kClose:
            case net::WsEventKind::kError:
                return lose();
        }
    }
}

}  // namespace tandem::bench
