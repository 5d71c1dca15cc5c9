#include "server/echo_server.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <memory>

#include "net/reactor.hpp"
#include "net/server_endpoint.hpp"
#include "net/websocket_handshake.hpp"

namespace tandem::server {

namespace {

constexpr size_t kEchoBytesMax = 16 * 1024 * 1024;
net::Reactor* running = nullptr;

class Echo final : public net::WebSocketHandler {
  public:
    void on_open(net::WsConnection&) override {}
    void on_message(net::WsConnection& connection, std::string_view data,
                    net::WsDataKind kind) override {
        connection.send(data, kind);
        // What is not fetched is not read on: the queue stays at about one message.
        if (connection.bytes_queued() > kEchoBytesMax) connection.pause_reading();
    }
    void on_writable(net::WsConnection& connection) override { connection.resume_reading(); }
    void on_close(net::WsConnection&, uint16_t) override {}
};

class EchoEndpoint final : public net::EndpointHandler {
  public:
    void on_request(net::HttpRequest request, net::Responder responder) override {
        const auto handshake =
            net::check_websocket_request(request, {}, net::WsCompression::kDeflate);
        net::WsOptions options;
        options.message_bytes_max = kEchoBytesMax;
        options.queue_bytes_max = 8 * kEchoBytesMax;
        options.idle_timeout_ms = 0;
        options.deflate_bytes_min = 0;
        options.deflate_window_bits = handshake.deflate.window_bits;
        responder.accept_websocket(net::make_websocket_response(request, handshake),
                                   std::make_unique<Echo>(), options);
    }
};

}  // namespace

int run_echo_server(uint16_t port) {
    auto reactor = net::Reactor::create();
    if (!reactor) return 1;
    EchoEndpoint handler;
    net::ServerEndpoint endpoint(**reactor, {}, handler);
    if (const auto listening = endpoint.listen({"127.0.0.1", port}); !listening) {
        std::fprintf(stderr, "tandem: cannot listen on port %u: %s\n", port,
                     std::string(base::error_message(listening.error().code)).c_str());
        return 1;
    }
    running = reactor->get();
    const auto stop = [](int) { running->stop(); };
    signal(SIGTERM, stop);
    signal(SIGINT, stop);
    signal(SIGPIPE, SIG_IGN);
    std::printf("{\"event\":\"ready\",\"url\":\"ws://%s\",\"pid\":%d}\n",
                net::to_text(endpoint.address()).c_str(), getpid());
    std::fflush(stdout);
    (*reactor)->run();
    return 0;
}

}  // namespace tandem::server
