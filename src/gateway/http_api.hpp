#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/access.hpp"
#include "gateway/event_stream.hpp"
#include "gateway/http_refusals.hpp"
#include "gateway/hub_host.hpp"
#include "gateway/hub_socket.hpp"
#include "net/address_limits.hpp"
#include "net/server_endpoint.hpp"
#include "net/static_files.hpp"
#include "net/websocket_handshake.hpp"

namespace tandem::gateway {

/// What is asked of the webhooks.
struct WebhookCall {
    enum class Kind : uint8_t { list, test, retry, enable, disable };
    Kind kind = Kind::list;
    std::string name;
};

struct HttpApiOptions {
    Access access{{}};
    net::WsOptions websocket;
    net::WsOptions provider_websocket;  ///< of texts
    net::WsCompression compression = net::WsCompression::kNone;
    std::string docs_url;
    std::vector<net::StaticFiles> files;  ///< the first that covers a request serves it
    /// Text for /metrics, in the format of Prometheus, from the sums over all shards.
    std::function<std::string(const hub::Stats&)> metrics;
    std::function<bool()> is_ready;
    /// Answers once, on any thread, with JSON text; none: there are no webhooks.
    std::function<void(WebhookCall, std::function<void(base::Result<std::string>)>)> webhooks;
    net::TrustedProxies proxies;
    net::AddressLimits* addresses = nullptr;  ///< borrowed; null: none are counted
    auth::Gate* gate = nullptr;               ///< borrowed; null: there are no tokens
    /// Revokes the token of that `jti`, or all tokens of that `sub` made until now, and the
    /// connections that they opened; durable when it returns. One of the two is empty.
    std::function<base::Status(const std::string& id, const std::string& subject)> revoke;
    /// What is revoked, as JSON text.
    std::function<std::string()> revocations;
};

/// Where clients that cannot have a WebSocket open a stream of events, and send their messages.
inline constexpr std::string_view kStreamPath = "/connection/sse";

/// The server's HTTP side: the WebSocket's address and the stream's, the JSON API under /api/v1,
/// health, metrics and pages.
class HttpApi final : public net::EndpointHandler {
  public:
    HttpApi(HubHost& host, HttpApiOptions options) : host_(host), options_(std::move(options)) {}

    void on_request(net::HttpRequest request, net::Responder responder) override;

  private:
    void upgrade(const net::HttpRequest& request, net::Responder responder);
    void upgrade_yjs(const net::HttpRequest& request, net::Responder responder);
    void upgrade_hocuspocus(const net::HttpRequest& request, net::Responder responder);
    void upgrade_provider(const net::HttpRequest& request, net::Responder responder,
                          std::unique_ptr<HubSocket> socket);
    void accept(const net::HttpRequest& request, net::Responder responder,
                const net::WsHandshake& handshake, std::unique_ptr<net::WebSocketHandler> socket,
                net::WsOptions options);
    /// Answers who has to come again, since memory is short.
    void turn_away(net::Responder& responder);
    /// Of a WebSocket to be.
    [[nodiscard]] hub::ConnectionInfo info_of(hub::Codec codec,
                                              const net::Responder& responder) const;
    /// Counts one more connection for its address; nothing: it was refused, which has been
    /// answered.
    [[nodiscard]] std::optional<net::AddressLimits::Lease> count(net::Responder& responder);
    void serve_stream(net::HttpRequest request, net::Responder responder);
    void open_stream(const net::HttpRequest& request, net::Responder responder);
    void post_to_stream(net::HttpRequest request, net::Responder responder);
    void answer_post(const PostAnswer& answer, net::Responder responder) const;
    bool redirect_to_folder(const net::HttpRequest& request, net::Responder& responder) const;
    void api(net::HttpRequest request, net::Responder responder);
    void write(const net::HttpRequest& request, const std::string& channel,
               net::Responder responder);
    void replace(net::HttpRequest request, const std::string& channel, net::Responder responder);
    void read_text(const net::HttpRequest& request, const std::string& channel,
                   net::Responder responder);
    void text_versions(const net::HttpRequest& request, const std::string& channel,
                       const base::Value& body, net::Responder responder);
    void text_changes(const net::HttpRequest& request, const std::string& channel,
                      net::Responder responder);
    void text_restore(const net::HttpRequest& request, const std::string& channel,
                      const base::Value& body, net::Responder responder);
    void edit_text(net::HttpRequest request, const std::string& channel, net::Responder responder);
    void ask_revocations(const base::Value& body, net::HttpMethod method, net::Responder responder);
    void ask_webhooks(const base::Value& body, net::HttpMethod method, net::Responder responder);
    void ask(hub::Request request, net::Responder responder, std::string if_none_match = {});
    [[nodiscard]] base::Result<auth::GrantPtr> take_sender(const net::HttpRequest& request) const;
    [[nodiscard]] net::HttpResponse denial(base::Error error, std::string_view channel = {},
                                           const Told& told = {}) const;
    [[nodiscard]] net::HttpResponse refusal(base::Error error, std::string_view channel,
                                            const Told& told = {}) const;

    HubHost& host_;
    HttpApiOptions options_;
    std::map<uint64_t, net::Responder> waiting_;  ///< for the webhooks, and for streams
    uint64_t next_waiting_ = 1;
    auth::GrantPtr by_;      ///< who sends the request in hand
    net::IpAddress client_;  ///< and from where
    bool is_counted_ = false;
};

/// The answer to a page that asks whether it may send `method` from another origin, which it may.
net::HttpResponse make_preflight_answer(const net::HttpRequest& request, std::string_view allowed);

/// The state that an ETag of a record names: "EPOCH-SEQ", in its quotes.
std::optional<record::Cursor> parse_etag(std::string_view text);

}  // namespace tandem::gateway
