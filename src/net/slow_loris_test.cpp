// Clients that hold a place by sending, or reading, as little as they can. Each class has its test.

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "net/http_response.hpp"
#include "net/server_endpoint.hpp"
#include "net/websocket_frames.hpp"
#include "net/websocket_handshake.hpp"

namespace tandem::net {
namespace {

constexpr uint64_t kPatienceMs = 20'000;
constexpr int kDripMs = 10;
constexpr uint64_t kTimeoutMs = 150;

constexpr std::string_view kUpgrade =
    "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

uint64_t clock_ms() {
    using std::chrono::milliseconds;
    return static_cast<uint64_t>(std::chrono::duration_cast<milliseconds>(
                                     std::chrono::steady_clock::now().time_since_epoch())
                                     .count());
}

// Sends without end to who is open.
class Pouring final : public WebSocketHandler {
  public:
    explicit Pouring(std::atomic<uint16_t>& closed_with) : closed_with_(closed_with) {}
    void on_open(WsConnection& connection) override { on_writable(connection); }
    void on_message(WsConnection& connection, std::string_view data, WsDataKind kind) override {
        connection.send(data, kind);
    }
    void on_writable(WsConnection& connection) override {
        while (is_pouring && connection.bytes_queued() <= 64 * 1024)
            connection.send(std::string(8192, 'x'), WsDataKind::kBinary);
    }
    void on_close(WsConnection&, uint16_t code) override { closed_with_ = code; }

    bool is_pouring = false;

  private:
    std::atomic<uint16_t>& closed_with_;
};

struct SlowLoris : ::testing::Test, private EndpointHandler {
    void start(EndpointOptions options, WsOptions websocket = {}) {
        reactor_ = Reactor::create().value();
        websocket_ = websocket;
        endpoint_ = std::make_unique<ServerEndpoint>(*reactor_, options,
                                                     static_cast<EndpointHandler&>(*this));
        ASSERT_TRUE(endpoint_->listen({}).ok());
        thread_ = std::thread([this] { reactor_->run(); });
    }
    void TearDown() override {
        if (reactor_ == nullptr) return;
        reactor_->stop();
        thread_.join();
        endpoint_.reset();
    }

    UniqueFd connect() {
        auto fd = open_connection(endpoint_->address());
        EXPECT_TRUE(fd.ok());
        return *std::move(fd);
    }

    /// What came back until the server closed.
    struct Ended {
        bool has_ended = false;
        std::string answer;
        uint64_t after_ms = 0;
    };
    /// Sends `begin`, then a byte of `drops` each few milliseconds, over and over.
    static Ended drip(const UniqueFd& fd, std::string_view begin, std::string_view drops) {
        Ended ended;
        const uint64_t began = clock_ms();
        const auto send_all = [&](std::string_view bytes) {
            while (!bytes.empty()) {
                pollfd ready{fd.get(), POLLOUT, 0};
                ::poll(&ready, 1, 1000);
                const ssize_t sent = ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
                if (sent < 0 && errno != EAGAIN) return;
                if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
            }
        };
        send_all(begin);
        for (size_t at = 0; clock_ms() - began < kPatienceMs;) {
            pollfd ready{fd.get(), POLLIN, 0};
            if (::poll(&ready, 1, kDripMs) > 0) {
                char buffer[4096];
                const ssize_t got = ::recv(fd.get(), buffer, sizeof buffer, 0);
                if (got > 0) {
                    ended.answer.append(buffer, static_cast<size_t>(got));
                    continue;
                }
                if (got == 0 || errno == ECONNRESET) {
                    ended.has_ended = true;
                    ended.after_ms = clock_ms() - began;
                    return ended;
                }
            }
            if (!drops.empty()) send_all(drops.substr(at++ % drops.size(), 1));
        }
        return ended;
    }

    /// With which the handler was told; the client may see the end before it.
    uint16_t close_code() {
        const uint64_t began = clock_ms();
        while (closed_with == 0 && clock_ms() - began < kPatienceMs)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return closed_with;
    }
    size_t connection_count() {
        std::promise<size_t> count;
        reactor_->post([&] { count.set_value(endpoint_->connection_count()); });
        return count.get_future().get();
    }

    static EndpointOptions http_options() {
        EndpointOptions options;
        options.request_timeout_ms = kTimeoutMs;
        return options;
    }
    /// Only what the test is about ends a WebSocket.
    static WsOptions websocket_options() {
        WsOptions options;
        options.ping_interval_ms = 20;
        options.idle_timeout_ms = 0;
        options.stall_timeout_ms = 0;
        options.message_timeout_ms = 0;
        options.close_timeout_ms = 50;
        return options;
    }

    std::atomic<uint16_t> closed_with{0};
    bool is_pouring = false;

  private:
    void on_request(HttpRequest request, Responder responder) override {
        if (request.path != "/ws")
            return responder.respond(make_response(200, "text/plain", std::string(8 << 20, 'x')));
        const WsHandshake handshake = check_websocket_request(request, {}, WsCompression::kNone);
        auto handler = std::make_unique<Pouring>(closed_with);
        handler->is_pouring = is_pouring;
        responder.accept_websocket(make_websocket_response(request, handshake), std::move(handler),
                                   websocket_);
    }

    WsOptions websocket_;
    std::unique_ptr<Reactor> reactor_;
    std::unique_ptr<ServerEndpoint> endpoint_;
    std::thread thread_;
};

TEST_F(SlowLoris, HeaderDrip) {
    start(http_options());
    const Ended ended = drip(connect(), "GET / HTTP/1.1\r\nHost: x\r\n", "X-a: b\r\n");
    ASSERT_TRUE(ended.has_ended);
    EXPECT_EQ(ended.answer.substr(0, 12), "HTTP/1.1 408");
    EXPECT_GE(ended.after_ms + 1, kTimeoutMs);
}

TEST_F(SlowLoris, BodyDrip) {
    start(http_options());
    const Ended ended =
        drip(connect(), "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n", "x");
    ASSERT_TRUE(ended.has_ended);
    EXPECT_EQ(ended.answer.substr(0, 12), "HTTP/1.1 408");
}

TEST_F(SlowLoris, ChunkDrip) {
    start(http_options());
    const Ended ended =
        drip(connect(), "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
             "1\r\nx\r\n");
    ASSERT_TRUE(ended.has_ended);
    EXPECT_EQ(ended.answer.substr(0, 12), "HTTP/1.1 408");
}

TEST_F(SlowLoris, HalfOpenUpgrade) {
    start(http_options());
    const Ended ended = drip(connect(), kUpgrade.substr(0, kUpgrade.size() - 2), "X-a: b\r\n");
    ASSERT_TRUE(ended.has_ended);
    EXPECT_EQ(ended.answer.substr(0, 12), "HTTP/1.1 408");
}

TEST_F(SlowLoris, SilenceBeforeTheFirstByte) {
    EndpointOptions options;
    options.idle_timeout_ms = kTimeoutMs;
    start(options);
    const Ended ended = drip(connect(), "", "");
    ASSERT_TRUE(ended.has_ended);
    EXPECT_EQ(ended.answer, "");
}

TEST_F(SlowLoris, FrameDrip) {
    WsOptions options = websocket_options();
    options.message_timeout_ms = kTimeoutMs;
    start({}, options);
    // The header of a binary message of 60,000 bytes.
    const std::string begin = std::string(kUpgrade) + std::string("\x82\xfe\xea\x60\0\0\0\0", 8);
    const Ended ended = drip(connect(), begin, "x");
    ASSERT_TRUE(ended.has_ended);
    EXPECT_NE(ended.answer.find("a message did not come whole in time"), std::string::npos);
    EXPECT_EQ(close_code(), kWsClosePolicy);
}

TEST_F(SlowLoris, FragmentsDripped) {
    WsOptions options = websocket_options();
    options.message_timeout_ms = kTimeoutMs;
    start({}, options);
    // The first of a message's fragments; then continuations of one byte, octet by octet.
    const std::string begin = std::string(kUpgrade) + std::string("\x02\x81\0\0\0\0x", 7);
    const std::string more("\0\x81\0\0\0\0x", 7);
    const Ended ended = drip(connect(), begin, more);
    ASSERT_TRUE(ended.has_ended);
    EXPECT_EQ(close_code(), kWsClosePolicy);
}

TEST_F(SlowLoris, WholeMessagesByDropsAreNoAttack) {
    WsOptions options = websocket_options();
    options.message_timeout_ms = kTimeoutMs;
    options.idle_timeout_ms = 3 * kTimeoutMs;
    start({}, options);
    const UniqueFd fd = connect();
    // A message of one byte takes some 70 ms, and the next begins at once: for as long as the test
    // lasts, no moment is outside of a message.
    const std::string one("\x82\x81\0\0\0\0x", 7);
    std::string drops;
    for (int i = 0; i < 10; ++i)
        drops += one;
    bool has_closed = false;
    const uint64_t began = clock_ms();
    ASSERT_GT(::send(fd.get(), kUpgrade.data(), kUpgrade.size(), MSG_NOSIGNAL), 0);
    std::string answer;
    for (size_t at = 0; at < drops.size(); ++at) {
        ASSERT_EQ(::send(fd.get(), drops.data() + at, 1, MSG_NOSIGNAL), 1);
        pollfd ready{fd.get(), POLLIN, 0};
        if (::poll(&ready, 1, kDripMs) <= 0) continue;
        char buffer[4096];
        const ssize_t got = ::recv(fd.get(), buffer, sizeof buffer, 0);
        if (got > 0) answer.append(buffer, static_cast<size_t>(got));
        has_closed = got == 0;
    }
    EXPECT_GT(clock_ms() - began, kTimeoutMs);
    EXPECT_FALSE(has_closed);
    EXPECT_EQ(closed_with, 0);
}

TEST_F(SlowLoris, ReaderThatNeverReads) {
    WsOptions options = websocket_options();
    options.stall_timeout_ms = kTimeoutMs;
    is_pouring = true;
    start({}, options);
    const UniqueFd fd = connect();
    ASSERT_GT(::send(fd.get(), kUpgrade.data(), kUpgrade.size(), MSG_NOSIGNAL), 0);
    // It even answers pings, so that it is not idle; and reads nothing.
    const std::string pong("\x8a\x80\0\0\0\0", 6);
    const uint64_t began = clock_ms();
    while (closed_with == 0 && clock_ms() - began < kPatienceMs) {
        std::this_thread::sleep_for(std::chrono::milliseconds(kDripMs));
        (void)::send(fd.get(), pong.data(), pong.size(), MSG_NOSIGNAL);
    }
    EXPECT_EQ(closed_with, kWsCloseTryAgainLater);
    EXPECT_GE(clock_ms() - began + 1, kTimeoutMs);
}

TEST_F(SlowLoris, WhoReadsSlowlyStays) {
    WsOptions options = websocket_options();
    options.stall_timeout_ms = 4 * kTimeoutMs;
    is_pouring = true;
    start({}, options);
    const UniqueFd fd = connect();
    ASSERT_GT(::send(fd.get(), kUpgrade.data(), kUpgrade.size(), MSG_NOSIGNAL), 0);
    const uint64_t began = clock_ms();
    while (clock_ms() - began < 12 * kTimeoutMs) {
        char buffer[64 * 1024];
        pollfd ready{fd.get(), POLLIN, 0};
        ASSERT_GT(::poll(&ready, 1, 1000), 0);
        ASSERT_GT(::recv(fd.get(), buffer, sizeof buffer, 0), 0);
        std::this_thread::sleep_for(std::chrono::milliseconds(kDripMs));
    }
    EXPECT_EQ(closed_with, 0);
}

TEST_F(SlowLoris, AnswerThatIsNeverRead) {
    EndpointOptions options;
    options.idle_timeout_ms = kTimeoutMs;
    start(options);
    const UniqueFd fd = connect();
    const std::string_view request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    ASSERT_GT(::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL), 0);
    const uint64_t began = clock_ms();
    bool has_come = false;
    while (clock_ms() - began < kPatienceMs) {
        const size_t connections = connection_count();
        has_come = has_come || connections == 1;
        if (has_come && connections == 0) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(kDripMs));
    }
    EXPECT_TRUE(has_come);
    EXPECT_EQ(connection_count(), 0u);
}

}  // namespace
}  // namespace tandem::net
