#include "net/server_endpoint.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "net/client_connection.hpp"
#include "net/http_client.hpp"
#include "net/http_response.hpp"
#include "net/static_files.hpp"
#include "net/websocket_handshake.hpp"

namespace tandem::net {
namespace {

constexpr uint64_t kTimeoutMs = 20'000;

// A WebSocket handler made of functions, any of which may be left out.
struct Callbacks {
    std::function<void(WsConnection&)> open;
    std::function<void(WsConnection&, std::string_view, WsDataKind)> message;
    std::function<void(WsConnection&)> writable;
    std::function<void(WsConnection&, uint16_t)> close;
};

class CallbackHandler final : public WebSocketHandler {
  public:
    explicit CallbackHandler(Callbacks callbacks) : callbacks_(std::move(callbacks)) {}
    void on_open(WsConnection& c) override {
        if (callbacks_.open) callbacks_.open(c);
    }
    void on_message(WsConnection& c, std::string_view data, WsDataKind kind) override {
        if (callbacks_.message) callbacks_.message(c, data, kind);
    }
    void on_writable(WsConnection& c) override {
        if (callbacks_.writable) callbacks_.writable(c);
    }
    void on_close(WsConnection& c, uint16_t code) override {
        if (callbacks_.close) callbacks_.close(c, code);
    }

  private:
    Callbacks callbacks_;
};

std::unique_ptr<WebSocketHandler> handler_of(Callbacks callbacks) {
    return std::make_unique<CallbackHandler>(std::move(callbacks));
}

Callbacks echo() {
    Callbacks callbacks;
    callbacks.message = [](WsConnection& c, std::string_view data, WsDataKind kind) {
        c.send(data, kind);
    };
    return callbacks;
}

class CountingStream final : public HttpStreamHandler {
  public:
    explicit CountingStream(std::atomic<int>& closed) : closed_(closed) {}
    void on_open(HttpStream& stream) override {
        stream.write("data: 1\n\n");
        stream.write("data: 2\n\n");
        stream.end();
    }
    void on_writable(HttpStream& /*stream*/) override {}
    void on_close(HttpStream& /*stream*/) override { ++closed_; }

  private:
    std::atomic<int>& closed_;
};

// A server on a thread of its own.
class TestServer final : public EndpointHandler {
  public:
    explicit TestServer(EndpointOptions options = {}, WsOptions websocket = {})
        : websocket_options(websocket) {
        auto created = Reactor::create();
        reactor_ = std::move(created).value();
        endpoint_ = std::make_unique<ServerEndpoint>(*reactor_, options, *this);
        EXPECT_TRUE(endpoint_->listen({}).ok());
        address = endpoint_->address();
        thread_ = std::thread([this] { reactor_->run(); });
    }
    ~TestServer() {
        reactor_->stop();
        thread_.join();
        held_.clear();
        endpoint_.reset();
    }

    // Runs `task` on the server's thread and waits for it.
    void run(const std::function<void()>& task) {
        std::promise<void> done;
        reactor_->post([&] {
            task();
            done.set_value();
        });
        done.get_future().wait();
    }
    template <typename Condition>
    [[nodiscard]] bool wait_until(Condition condition) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(kTimeoutMs);
        while (std::chrono::steady_clock::now() < end) {
            bool is_true = false;
            run([&] { is_true = condition(); });
            if (is_true) return true;
            std::this_thread::yield();
        }
        return false;
    }
    ServerEndpoint& endpoint() { return *endpoint_; }
    Reactor& reactor() { return *reactor_; }

    SocketAddress address;
    WsOptions websocket_options;
    std::function<Callbacks()> make_callbacks = echo;
    std::atomic<int> streams_closed{0};
    std::vector<Responder> held_;

  private:
    void on_request(HttpRequest request, Responder responder) override {
        if (request.path == "/ws") {
            static constexpr std::string_view kNames[] = {"tandem.v1", "tandem.v1.json"};
            const WsHandshake handshake =
                check_websocket_request(request, kNames, WsCompression::kNone);
            responder.accept_websocket(make_websocket_response(request, handshake),
                                       handler_of(make_callbacks()), websocket_options);
        } else if (request.path == "/hold") {
            held_.push_back(std::move(responder));
        } else if (request.path == "/later") {
            auto shared = std::make_shared<Responder>(std::move(responder));
            reactor_->post(
                [shared] { shared->respond(make_response(200, "text/plain", "later")); });
        } else if (request.path == "/drop") {
            const Responder dropped = std::move(responder);
        } else if (request.path == "/stream") {
            HttpResponse head;
            head.headers.add("Content-Type", "text/event-stream");
            responder.stream(head, std::make_unique<CountingStream>(streams_closed));
        } else {
            HttpResponse response = make_response(
                200, "text/plain", std::string(method_name(request.method)) + " " + request.body);
            responder.respond(response);
        }
    }

    std::unique_ptr<Reactor> reactor_;
    std::unique_ptr<ServerEndpoint> endpoint_;
    std::thread thread_;
};

// A client reactor that runs in the test's thread until a condition holds.
class TestClient {
  public:
    TestClient() : reactor(Reactor::create().value().release()), client(*reactor) {}

    template <typename Condition>
    [[nodiscard]] bool run_until(Condition condition) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(kTimeoutMs);
        while (!condition()) {
            if (std::chrono::steady_clock::now() > end) return false;
            reactor->run_turn(20);
        }
        return true;
    }
    void connect(const SocketAddress& address, Callbacks callbacks, WsOptions websocket = {}) {
        WsClientOptions options;
        options.address = address;
        options.target = "/ws";
        options.subprotocols = {"other", "tandem.v1"};
        options.websocket = websocket;
        ASSERT_TRUE(client
                        .connect(std::move(options), handler_of(std::move(callbacks)),
                                 [this](int status) { failed_status = status; })
                        .ok());
    }

    std::unique_ptr<Reactor> reactor;
    WsClient client;
    int failed_status = -1;
};

std::string get(const std::string& path, std::string_view more = "") {
    std::string out = "GET " + path + " HTTP/1.1\r\nHost: a\r\n";
    return out.append(more).append("\r\n");
}

TEST(ServerEndpoint, AnswersRequests) {
    TestServer server;
    HttpClientRequest request;
    request.method = HttpMethod::kPost;
    request.body = std::string(300'000, 'x');
    auto response = http_fetch(server.address, request);
    ASSERT_TRUE(response.ok());
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "POST " + request.body);
    EXPECT_FALSE(response->headers.get("date").empty());

    request.method = HttpMethod::kHead;
    request.body.clear();
    response = http_fetch(server.address, request);
    ASSERT_TRUE(response.ok());
    EXPECT_EQ(response->headers.get("content-length"), "5");
    EXPECT_EQ(response->body, "");

    request.method = HttpMethod::kGet;
    request.target = "/later";
    EXPECT_EQ(http_fetch(server.address, request)->body, "later");
    request.target = "/drop";
    EXPECT_EQ(http_fetch(server.address, request)->status, 500);
}

TEST(ServerEndpoint, AnswersPipelinedRequestsInOrder) {
    TestServer server;
    const auto received = tcp_exchange(
        server.address,
        get("/later") + get("/a") + get("/later") + get("/b", "Connection: close\r\n"), kTimeoutMs);
    ASSERT_TRUE(received.ok());
    std::vector<size_t> places;
    size_t at = 0;
    for (const std::string_view body : {"later", "GET ", "later", "GET "}) {
        at = received->find("\r\n\r\n" + std::string(body), at);
        ASSERT_NE(at, std::string::npos) << *received;
        ++at;
    }
}

TEST(ServerEndpoint, RefusesBadRequestsAndCloses) {
    TestServer server;
    const auto received =
        tcp_exchange(server.address, "GET / HTTP/1.1\r\n\r\n" + get("/"), kTimeoutMs);
    ASSERT_TRUE(received.ok());
    EXPECT_EQ(received->substr(0, 24), "HTTP/1.1 400 Bad Request");
    EXPECT_EQ(received->find("200 OK"), std::string::npos);
}

TEST(ServerEndpoint, StreamsChunks) {
    TestServer server;
    const auto received = tcp_exchange(server.address, get("/stream"), kTimeoutMs);
    ASSERT_TRUE(received.ok());
    EXPECT_NE(received->find("Transfer-Encoding: chunked"), std::string::npos);
    EXPECT_NE(received->find("9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n"),
              std::string::npos);
    const auto old = tcp_exchange(server.address, "GET /stream HTTP/1.0\r\n\r\n", kTimeoutMs);
    ASSERT_TRUE(old.ok());
    EXPECT_EQ(old->substr(old->find("\r\n\r\n")), "\r\n\r\ndata: 1\n\ndata: 2\n\n");
    EXPECT_TRUE(server.wait_until([&] { return server.streams_closed == 2; }));
}

TEST(ServerEndpoint, TimesOutHalfRequestsAndIdleConnections) {
    EndpointOptions options;
    options.request_timeout_ms = 50;
    options.idle_timeout_ms = 60;
    TestServer server(options);
    const auto half = tcp_exchange(server.address, "GET / HTTP/1.1\r\n", kTimeoutMs);
    ASSERT_TRUE(half.ok());
    EXPECT_EQ(half->substr(0, 12), "HTTP/1.1 408");
    const auto idle = tcp_exchange(server.address, "", kTimeoutMs);
    ASSERT_TRUE(idle.ok());
    EXPECT_EQ(*idle, "");
}

TEST(ServerEndpoint, TellsWhoHasTooManyConnectionsWhenToComeAgain) {
    AddressLimits::Options of_addresses;
    of_addresses.connections_max = 2;
    of_addresses.connections = {};
    of_addresses.loopback = AddressLimits::Loopback::counted;
    AddressLimits limits(of_addresses);
    EndpointOptions options;
    options.address_limits = &limits;
    TestServer server(options);
    std::vector<UniqueFd> held;
    for (int i = 0; i < 2; ++i) {
        auto fd = open_connection(server.address);
        ASSERT_TRUE(fd.ok());
        held.push_back(*std::move(fd));
    }
    ASSERT_TRUE(server.wait_until([&] { return server.endpoint().connection_count() == 2; }));
    const auto refused = http_fetch(server.address, {});
    ASSERT_TRUE(refused.ok());
    EXPECT_EQ(refused->status, 429);
    EXPECT_EQ(refused->headers.get("retry-after"), "1");
    TestClient client;
    client.connect(server.address, {});
    ASSERT_TRUE(client.run_until([&] { return client.failed_status != -1; }));
    EXPECT_EQ(client.failed_status, 429) << "a WebSocket too";
    held.pop_back();
    ASSERT_TRUE(server.wait_until([&] { return server.endpoint().connection_count() == 1; }));
    EXPECT_EQ(http_fetch(server.address, {})->status, 200);
}

TEST(ServerEndpoint, TellsWhoComesBeyondItsConnectionsToComeAgain) {
    EndpointOptions options;
    options.connections_max = 1;
    TestServer server(options);
    auto held = open_connection(server.address);
    ASSERT_TRUE(held.ok());
    ASSERT_TRUE(server.wait_until([&] { return server.endpoint().connection_count() == 1; }));
    const auto refused = http_fetch(server.address, {});
    ASSERT_TRUE(refused.ok());
    EXPECT_EQ(refused->status, 503);
    EXPECT_EQ(refused->headers.get("retry-after"), "1");
    held->reset();
    ASSERT_TRUE(server.wait_until([&] { return server.endpoint().connection_count() == 0; }));
    EXPECT_EQ(http_fetch(server.address, {})->status, 200);
}

TEST(ServerEndpoint, WhileMemoryIsShortFewMaySpeakHttp) {
    EndpointOptions options;
    options.sessions_when_short_max = 2;
    TestServer server(options);
    server.run([&] { server.endpoint().set_short_of_memory(true); });
    std::vector<UniqueFd> held;
    for (int i = 0; i < 2; ++i)
        held.push_back(open_connection(server.address).value());
    ASSERT_TRUE(server.wait_until([&] { return server.endpoint().connection_count() == 2; }));
    const auto unheard = http_fetch(server.address, {});
    EXPECT_FALSE(unheard.ok());
    server.run([&] { server.endpoint().set_short_of_memory(false); });
    EXPECT_EQ(http_fetch(server.address, {})->status, 200);
}

TEST(ServerEndpoint, AWebSocketCountsUntilItEnds) {
    AddressLimits::Options of_addresses;
    of_addresses.connections_max = 1;
    of_addresses.connections = {};
    of_addresses.loopback = AddressLimits::Loopback::counted;
    AddressLimits limits(of_addresses);
    EndpointOptions options;
    options.address_limits = &limits;
    TestServer server(options);
    TestClient client;
    WsConnection* open = nullptr;
    Callbacks callbacks;
    callbacks.open = [&](WsConnection& c) { open = &c; };
    callbacks.close = [&](WsConnection&, uint16_t) { open = nullptr; };
    client.connect(server.address, callbacks);
    ASSERT_TRUE(client.run_until([&] { return open != nullptr; }));
    EXPECT_EQ(http_fetch(server.address, {})->status, 429);
    open->close(1000, "");
    ASSERT_TRUE(client.run_until([&] { return open == nullptr; }));
    ASSERT_TRUE(server.wait_until([&] { return server.endpoint().connection_count() == 0; }));
    EXPECT_EQ(http_fetch(server.address, {})->status, 200);
}

// A herd of refused connections is not kept to be told why.
TEST(ServerEndpoint, OfManyRefusedConnectionsMostAreClosedAtOnce) {
    AddressLimits::Options of_addresses;
    of_addresses.connections = {1, 1};
    of_addresses.loopback = AddressLimits::Loopback::counted;
    AddressLimits limits(of_addresses);
    EndpointOptions options;
    options.address_limits = &limits;
    TestServer server(options);
    std::vector<UniqueFd> herd;
    for (int i = 0; i < 300; ++i) {
        auto fd = open_connection(server.address);
        ASSERT_TRUE(fd.ok());
        herd.push_back(*std::move(fd));
    }
    const auto is_closed = [](const UniqueFd& fd) {
        char byte = 0;
        return ::recv(fd.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
    };
    ASSERT_TRUE(server.wait_until(
        [&] { return std::count_if(herd.begin(), herd.end(), is_closed) >= 300 - 64 - 10; }));
    EXPECT_TRUE(server.wait_until([&] { return server.endpoint().connection_count() <= 10; }))
        << "those that are told have two seconds to ask";
}

TEST(ServerEndpoint, RespondersOutliveTheirConnections) {
    TestServer server;
    {
        HttpClientRequest request;
        request.target = "/hold";
        request.timeout_ms = 100;
        const auto answer = http_fetch(server.address, request);
        ASSERT_FALSE(answer.ok());
        EXPECT_EQ(answer.error().code, base::ErrorCode::timed_out);
    }
    ASSERT_TRUE(server.wait_until([&] { return server.endpoint().connection_count() == 0; }));
    server.run([&] {
        ASSERT_EQ(server.held_.size(), 1U);
        EXPECT_FALSE(server.held_[0].is_live());
        server.held_[0].respond(make_status_response(200));
    });
}

TEST(ServerEndpoint, EchoesMessagesOfAllSizes) {
    WsOptions websocket;
    websocket.message_bytes_max = 16U * 1024 * 1024;
    websocket.queue_bytes_max = 64U * 1024 * 1024;
    TestServer server({}, websocket);
    TestClient client;
    std::vector<std::string> sent;
    for (const size_t size : {0U, 1U, 125U, 126U, 65'535U, 65'536U, 3'000'000U}) {
        sent.emplace_back(size, static_cast<char>('a' + size % 26));
    }
    std::vector<std::string> received;
    uint16_t closed_with = 0;
    Callbacks callbacks;
    callbacks.open = [&](WsConnection& c) {
        for (const std::string& text : sent)
            c.send(text, WsDataKind::kText);
        c.ping("p");
    };
    callbacks.message = [&](WsConnection& c, std::string_view data, WsDataKind kind) {
        EXPECT_EQ(kind, WsDataKind::kText);
        received.emplace_back(data);
        if (received.size() == sent.size()) c.close(1000, "done");
    };
    callbacks.close = [&](WsConnection&, uint16_t code) { closed_with = code; };
    client.connect(server.address, callbacks, websocket);
    ASSERT_TRUE(client.run_until([&] { return closed_with != 0; }));
    EXPECT_EQ(received, sent);
    EXPECT_EQ(closed_with, 1000);
    EXPECT_EQ(client.client.subprotocol(), "tandem.v1");
    EXPECT_TRUE(server.wait_until([&] { return server.endpoint().connection_count() == 0; }));
}

TEST(ServerEndpoint, BroadcastsOneFrameToMany) {
    TestServer server;
    std::vector<WsConnection*> open;
    server.make_callbacks = [&] {
        Callbacks callbacks;
        callbacks.open = [&](WsConnection& c) { open.push_back(&c); };
        callbacks.close = [&](WsConnection& c, uint16_t) { std::erase(open, &c); };
        return callbacks;
    };
    std::vector<std::unique_ptr<TestClient>> clients;
    size_t received = 0;
    for (int i = 0; i < 20; ++i) {
        clients.push_back(std::make_unique<TestClient>());
        Callbacks callbacks;
        callbacks.message = [&](WsConnection&, std::string_view data, WsDataKind kind) {
            EXPECT_EQ(data, std::string(300, 'b'));
            EXPECT_EQ(kind, WsDataKind::kBinary);
            ++received;
        };
        clients.back()->connect(server.address, callbacks);
        TestClient& client = *clients.back();
        ASSERT_TRUE(client.run_until([&] {
            return client.client.websocket() != nullptr && client.client.websocket()->is_open();
        }));
    }
    ASSERT_TRUE(server.wait_until([&] { return open.size() == clients.size(); }));
    server.run([&] {
        const SharedBytes frame = make_shared_frame(WsDataKind::kBinary, std::string(300, 'b'));
        const SharedBytes payload = SharedBytes::copy_of(std::string(300, 'b'));
        for (WsConnection* connection : open) {
            connection->send_framed(frame);
            connection->send(payload, WsDataKind::kBinary);
        }
    });
    for (const auto& client : clients) {
        const size_t before = received;
        ASSERT_TRUE(client->run_until([&] { return received == before + 2; }));
    }
    // Closing the server's side reaches every client.
    server.run([&] { server.endpoint().close_all(1001, "restart"); });
    for (const auto& client : clients) {
        ASSERT_TRUE(client->run_until([&] { return client->client.is_idle(); }));
    }
    EXPECT_TRUE(server.wait_until([&] { return server.endpoint().connection_count() == 0; }));
}

TEST(ServerEndpoint, TellsWhenASlowReaderHasDrained) {
    TestServer server;
    std::atomic<size_t> fed{0};
    constexpr size_t kTotal = 60'000'000;
    WsConnection* feeding = nullptr;
    constexpr size_t kPiece = 10'000;
    server.make_callbacks = [&] {
        const auto feed = [&fed](WsConnection& c) {
            while (fed < kTotal && c.bytes_queued() < 256 * 1024) {
                c.send(std::string(kPiece, 'x'), WsDataKind::kBinary);
                fed += kPiece;
            }
        };
        Callbacks callbacks;
        callbacks.open = [&feeding, feed](WsConnection& c) {
            feeding = &c;
            feed(c);
        };
        callbacks.writable = feed;
        return callbacks;
    };
    TestClient client;
    size_t received = 0;
    Callbacks callbacks;
    callbacks.open = [](WsConnection& c) { c.pause_reading(); };
    callbacks.message = [&](WsConnection&, std::string_view data, WsDataKind) {
        received += data.size();
    };
    client.connect(server.address, callbacks);
    ASSERT_TRUE(client.run_until([&] { return client.client.websocket() != nullptr; }));
    // The feeder stops when the kernel's buffers are full, far from the end.
    size_t last_fed = 0;
    int quiet_polls = 0;
    ASSERT_TRUE(server.wait_until([&] {
        quiet_polls = feeding != nullptr && feeding->bytes_queued() > 0 && fed == last_fed
                          ? quiet_polls + 1
                          : 0;
        last_fed = fed;
        return quiet_polls > 200;
    }));
    EXPECT_LT(fed, kTotal);
    EXPECT_EQ(received, 0U);
    client.client.websocket()->resume_reading();
    ASSERT_TRUE(client.run_until([&] { return received == kTotal; }));
}

TEST(ServerEndpoint, DropsAClientThatReadsNothing) {
    WsOptions websocket;
    websocket.queue_bytes_max = 1'000'000;
    TestServer server({}, websocket);
    std::atomic<int> closed_with{0};
    server.make_callbacks = [&] {
        Callbacks callbacks;
        callbacks.open = [](WsConnection& c) {
            for (int i = 0; i < 11; ++i)
                c.send(std::string(100'000, 'x'), WsDataKind::kBinary);
            EXPECT_FALSE(c.is_open());
        };
        callbacks.close = [&](WsConnection&, uint16_t code) { closed_with = code; };
        return callbacks;
    };
    TestClient client;
    bool is_closed = false;
    Callbacks callbacks;
    callbacks.close = [&](WsConnection&, uint16_t code) {
        is_closed = true;
        EXPECT_EQ(code, kWsCloseAbnormal);
    };
    client.connect(server.address, callbacks);
    ASSERT_TRUE(client.run_until([&] { return is_closed; }));
    EXPECT_TRUE(server.wait_until([&] { return closed_with == kWsCloseTryAgainLater; }));
}

TEST(ServerEndpoint, PingsAQuietPeerAndDropsADeadOne) {
    WsOptions websocket;
    websocket.ping_interval_ms = 20;
    websocket.idle_timeout_ms = 120;
    TestServer server({}, websocket);
    TestClient client;
    bool is_closed = false;
    Callbacks callbacks;
    callbacks.close = [&](WsConnection&, uint16_t) { is_closed = true; };
    client.connect(server.address, callbacks);
    ASSERT_TRUE(client.run_until([&] { return client.client.websocket() != nullptr; }));
    // Answered pings keep the connection for several idle timeouts.
    const uint64_t start = client.reactor->now_ms();
    ASSERT_TRUE(client.run_until([&] { return client.reactor->now_ms() > start + 400; }));
    EXPECT_FALSE(is_closed);
    // A client that no longer runs its reactor answers nothing.
    EXPECT_TRUE(server.wait_until([&] { return server.endpoint().websocket_count() == 0; }));
}

TEST(ServerEndpoint, DoesNotTimeOutAPeerItDoesNotRead) {
    WsOptions websocket;
    websocket.ping_interval_ms = 0;
    websocket.idle_timeout_ms = 30;
    TestServer server({}, websocket);
    WsConnection* paused = nullptr;
    std::string heard;
    server.make_callbacks = [&] {
        Callbacks callbacks;
        callbacks.open = [&](WsConnection& c) {
            c.pause_reading();
            paused = &c;
        };
        callbacks.message = [&](WsConnection&, std::string_view data, WsDataKind) { heard = data; };
        callbacks.close = [&](WsConnection&, uint16_t) { paused = nullptr; };
        return callbacks;
    };
    TestClient client;
    Callbacks callbacks;
    callbacks.open = [](WsConnection& c) { c.send("hello", WsDataKind::kText); };
    client.connect(server.address, callbacks);
    ASSERT_TRUE(client.run_until([&] { return client.client.websocket() != nullptr; }));
    const uint64_t start = client.reactor->now_ms();
    ASSERT_TRUE(client.run_until([&] { return client.reactor->now_ms() > start + 150; }));
    server.run([&] {
        ASSERT_NE(paused, nullptr);
        EXPECT_EQ(heard, "");
        paused->resume_reading();
    });
    EXPECT_TRUE(server.wait_until([&] { return heard == "hello"; }));
}

TEST(ServerEndpoint, FailsConnectionsThatBreakTheProtocol) {
    TestServer server;
    const std::string upgrade =
        get("/ws",
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
    // The frame comes with the handshake, and is not masked.
    const auto received = tcp_exchange(server.address, upgrade + "\x81\x05hello", kTimeoutMs);
    ASSERT_TRUE(received.ok());
    EXPECT_EQ(received->substr(0, 12), "HTTP/1.1 101");
    EXPECT_EQ(received->substr(received->find("\r\n\r\n") + 4), "\x88\x02\x03\xEA");

    std::string frames;
    append_masked_frame(frames, WsOpcode::kText, "hello", {1, 2, 3, 4});
    append_masked_frame(frames, WsOpcode::kClose, make_close_payload(1000, ""), {1, 2, 3, 4});
    append_masked_frame(frames, WsOpcode::kText, "ignored", {1, 2, 3, 4});
    const auto echoed = tcp_exchange(server.address, upgrade + frames, kTimeoutMs);
    ASSERT_TRUE(echoed.ok());
    EXPECT_EQ(echoed->substr(echoed->find("\r\n\r\n") + 4), "\x81\x05hello\x88\x02\x03\xE8");
}

TEST(WsClient, ReportsWhyItCouldNotConnect) {
    TestServer server;
    TestClient client;
    WsClientOptions options;
    options.address = server.address;
    options.target = "/plain";
    ASSERT_TRUE(
        client.client
            .connect(options, handler_of({}), [&](int status) { client.failed_status = status; })
            .ok());
    ASSERT_TRUE(client.run_until([&] { return client.failed_status != -1; }));
    EXPECT_EQ(client.failed_status, 200);

    server.run([&] { server.endpoint().stop_listening(); });
    client.failed_status = -1;
    client.connect(server.address, {});
    ASSERT_TRUE(client.run_until([&] { return client.failed_status != -1; }));
    EXPECT_EQ(client.failed_status, 0);
    EXPECT_FALSE(
        client.client.connect({{"not an address", 1}, "/", {}, {}, 1, {}}, nullptr, {}).ok());
}

TEST(StaticFiles, ServesOnlyWhatIsBelowItsDirectory) {
    namespace fs = std::filesystem;
    const fs::path root = fs::path(testing::TempDir()) / ("static" + std::to_string(::getpid()));
    fs::create_directories(root / "www" / "sub");
    const auto put = [&](const fs::path& path, std::string_view text) {
        std::ofstream(root / path) << text;
    };
    put("secret.txt", "secret");
    put("www/index.html", "<p>hi</p>");
    put("www/sub/app.js", "1");
    put("www/.hidden", "secret");
    fs::create_symlink(root / "secret.txt", root / "www" / "link.txt");
    fs::create_directory_symlink(root, root / "www" / "up");

    StaticFilesOptions options;
    options.directory = (root / "www").string();
    options.url_prefix = "/ui/";
    options.content_security_policy = "default-src 'none'";
    const auto files = StaticFiles::open(options);
    ASSERT_TRUE(files.ok());
    const auto serve = [&](const std::string& path) {
        HttpRequest request;
        request.path = path;
        return files->serve(request);
    };
    const HttpResponse page = serve("/ui/");
    EXPECT_EQ(page.status, 200);
    EXPECT_EQ(page.body, "<p>hi</p>");
    EXPECT_EQ(page.headers.get("content-type"), "text/html; charset=utf-8");
    EXPECT_EQ(page.headers.get("content-security-policy"), "default-src 'none'");
    EXPECT_EQ(serve("/ui/sub/app.js").body, "1");
    for (const std::string path :
         {"/ui/../secret.txt", "/ui/sub/../../secret.txt", "/ui/.hidden", "/ui/link.txt",
          "/ui/up/secret.txt", "/ui//secret.txt", "/ui/sub", "/ui/none", "/secret.txt", "/ui/sub/",
          "/ui/..\\secret.txt"}) {
        EXPECT_EQ(serve(path).status, 404) << path;
    }
    HttpRequest again;
    again.path = "/ui/index.html";
    again.headers.add("if-none-match", page.headers.get("etag"));
    EXPECT_EQ(files->serve(again).status, 304);
    again.method = HttpMethod::kPost;
    EXPECT_EQ(files->serve(again).status, 405);
    options.directory = (root / "none").string();
    EXPECT_FALSE(StaticFiles::open(options).ok());
    fs::remove_all(root);
}

}  // namespace
}  // namespace tandem::net
