#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.hpp"
#include "net/http_parser.hpp"
#include "net/http_response.hpp"
#include "net/ip_address.hpp"
#include "net/websocket_handshake.hpp"

// A stream of requests must be read the same whole and in pieces, and whatever is accepted must
// have the form that the rest of the server relies on.

namespace {

using tandem::net::HttpParser;
using tandem::net::HttpParserState;
using tandem::net::HttpRequest;

struct Outcome {
    std::vector<HttpRequest> requests;
    int error_status = 0;
    bool is_between_requests = true;
};

Outcome parse(std::string_view bytes, size_t piece_bytes) {
    HttpParser parser({2048, 4096});
    Outcome outcome;
    while (!bytes.empty()) {
        const std::string piece(bytes.substr(0, piece_bytes));
        bytes.remove_prefix(piece.size());
        size_t used = 0;
        while (used < piece.size()) {
            used += parser.feed(std::string_view(piece).substr(used));
            if (parser.state() == HttpParserState::kComplete) {
                outcome.requests.push_back(parser.take_request());
            } else if (parser.state() == HttpParserState::kFailed) {
                outcome.error_status = parser.error_status();
                return outcome;
            } else {
                TANDEM_ASSERT(used == piece.size());
            }
        }
    }
    outcome.is_between_requests = parser.is_idle();
    return outcome;
}

void check(const HttpRequest& request) {
    TANDEM_ASSERT(request.path == "*" || request.path.front() == '/');
    TANDEM_ASSERT(request.path.find('\0') == std::string::npos);
    for (const char c : request.target)
        TANDEM_ASSERT(static_cast<unsigned char>(c) > 0x20);
    TANDEM_ASSERT(request.headers.count("host") <= 1);
    TANDEM_ASSERT(request.body.size() <= 4096);
    TANDEM_ASSERT(!(request.headers.contains("transfer-encoding") &&
                    request.headers.contains("content-length")));
    for (const auto& [name, value] : request.headers.all()) {
        TANDEM_ASSERT(tandem::net::is_token(name));
        TANDEM_ASSERT(value.find_first_of("\r\n") == std::string::npos);
    }
    const auto decoded = tandem::net::percent_decode(tandem::net::percent_encode(request.path));
    TANDEM_ASSERT(decoded == request.path);
    (void)tandem::net::parse_query(request.query);
    // Whom a proxy names is an address, and never one of a proxy unless nobody else is named.
    for (const auto field :
         {tandem::net::ForwardedField::x_forwarded_for, tandem::net::ForwardedField::forwarded}) {
        const tandem::net::TrustedProxies proxies{{*tandem::net::parse_network("10.0.0.0/8")},
                                                  field};
        const auto client = proxies.client_of(request.headers, *tandem::net::parse_ip("10.0.0.1"));
        TANDEM_ASSERT(tandem::net::parse_ip(tandem::net::to_text(client)) == client);
    }
    (void)tandem::net::etag_matches(request.headers.get("if-none-match"), "\"a\"");

    static constexpr std::string_view kNames[] = {"tandem.v1"};
    const auto handshake =
        tandem::net::check_websocket_request(request, kNames, tandem::net::WsCompression::kDeflate);
    std::string out;
    tandem::net::append_response(out, tandem::net::make_websocket_response(request, handshake), {});
    if (handshake.status == 101) {
        const auto answer = tandem::net::check_websocket_response(
            out, request.headers.get("sec-websocket-key"), kNames);
        TANDEM_ASSERT(answer.is_accepted);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const std::string bytes(data + 1, data + size);
    const Outcome whole = parse(bytes, bytes.size());
    const Outcome pieces = parse(bytes, 1U + data[0] % 64U);
    TANDEM_ASSERT(whole.error_status == pieces.error_status);
    TANDEM_ASSERT(whole.error_status == 0 || whole.error_status >= 400);
    TANDEM_ASSERT(whole.is_between_requests == pieces.is_between_requests);
    TANDEM_ASSERT(whole.requests.size() == pieces.requests.size());
    for (size_t i = 0; i < whole.requests.size(); ++i) {
        const HttpRequest& a = whole.requests[i];
        const HttpRequest& b = pieces.requests[i];
        TANDEM_ASSERT(a.target == b.target && a.body == b.body);
        TANDEM_ASSERT(a.headers.all() == b.headers.all());
        TANDEM_ASSERT(a.is_keep_alive == b.is_keep_alive);
        check(a);
    }
    (void)tandem::net::check_websocket_response(bytes, "dGhlIHNhbXBsZSBub25jZQ==", {});
    return 0;
}
