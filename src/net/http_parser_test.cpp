#include "net/http_parser.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "net/http_response.hpp"
#include "net/websocket_handshake.hpp"

namespace tandem::net {
namespace {

struct Outcome {
    std::vector<HttpRequest> requests;
    int error_status = 0;
};

Outcome parse(const std::string& bytes, std::mt19937* random = nullptr,
              HttpParserLimits limits = {}) {
    HttpParser parser(limits);
    Outcome outcome;
    size_t at = 0;
    while (at < bytes.size()) {
        size_t take = bytes.size() - at;
        if (random != nullptr) take = std::min<size_t>(take, 1 + (*random)() % 20);
        const std::string piece = bytes.substr(at, take);
        size_t used = 0;
        while (used < piece.size()) {
            used += parser.feed(std::string_view(piece).substr(used));
            if (parser.state() == HttpParserState::kComplete) {
                outcome.requests.push_back(parser.take_request());
            } else if (parser.state() == HttpParserState::kFailed) {
                outcome.error_status = parser.error_status();
                return outcome;
            } else {
                EXPECT_EQ(used, piece.size());
            }
        }
        at += take;
    }
    return outcome;
}

HttpRequest parse_one(const std::string& bytes) {
    Outcome outcome = parse(bytes);
    EXPECT_EQ(outcome.error_status, 0) << bytes;
    EXPECT_EQ(outcome.requests.size(), 1U) << bytes;
    return outcome.requests.empty() ? HttpRequest{} : outcome.requests.front();
}

TEST(HttpParser, ReadsARequest) {
    const HttpRequest request = parse_one(
        "POST /api/v1/a%20b?x=1&y=%2F HTTP/1.1\r\nHost: example.com\r\nX-Thing:  a b \t\r\n"
        "Content-Length: 5\r\n\r\nhello");
    EXPECT_EQ(request.method, HttpMethod::kPost);
    EXPECT_EQ(request.target, "/api/v1/a%20b?x=1&y=%2F");
    EXPECT_EQ(request.path, "/api/v1/a b");
    EXPECT_EQ(request.query, "x=1&y=%2F");
    EXPECT_EQ(request.headers.get("x-thing"), "a b");
    EXPECT_EQ(request.body, "hello");
    EXPECT_TRUE(request.is_keep_alive);
    EXPECT_EQ(request.minor_version, 1);
}

TEST(HttpParser, KnowsWhenTheConnectionStays) {
    EXPECT_FALSE(parse_one("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").is_keep_alive);
    EXPECT_FALSE(parse_one("GET / HTTP/1.0\r\n\r\n").is_keep_alive);
    EXPECT_TRUE(parse_one("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").is_keep_alive);
}

TEST(HttpParser, ReadsPipelinedRequestsInAnyChunks) {
    const std::string bytes =
        "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
        "POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n10;ext=1\r\n0123456789abcdef\r\n0\r\n\r\n"
        "\r\nPUT /c HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nxyz"
        "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n";
    const auto seed = std::random_device{}();
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    for (int round = 0; round < 500; ++round) {
        const Outcome outcome = parse(bytes, round == 0 ? nullptr : &random);
        ASSERT_EQ(outcome.error_status, 0);
        ASSERT_EQ(outcome.requests.size(), 5U);
        EXPECT_EQ(outcome.requests[0].path, "/a");
        EXPECT_EQ(outcome.requests[1].body, "abc0123456789abcdef");
        EXPECT_EQ(outcome.requests[2].body, "xyz");
        EXPECT_TRUE(outcome.requests[3].is_websocket_upgrade());
        EXPECT_EQ(outcome.requests[4].path, "*");
    }
}

TEST(HttpParser, RefusesWhatServersReadDifferently) {
    struct Case {
        const char* name;
        std::string bytes;
        int status;
    };
    const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n";
    const std::string post = "POST / HTTP/1.1\r\nHost: a\r\n";
    const std::vector<Case> cases{
        {"folded line", get + "X: a\r\n b\r\n\r\n", 400},
        {"fold by tab", get + "X: a\r\n\tb\r\n\r\n", 400},
        {"fold before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
        {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
        {"two hosts", get + "Host: a\r\n\r\n", 400},
        {"two hosts in 1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"host list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
        {"coding in 1.0",
         "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"coding and length",
         post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400},
        {"length and coding",
         post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"other coding", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
        {"broken coding", post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 0},
        {"two codings",
         post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"two lengths", post + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400},
        {"length list", post + "Content-Length: 1, 1\r\n\r\nx", 400},
        {"signed length", post + "Content-Length: +1\r\n\r\nx", 400},
        {"negative length", post + "Content-Length: -1\r\n\r\nx", 400},
        {"hexadecimal length", post + "Content-Length: 0x1\r\n\r\nx", 400},
        {"empty length", post + "Content-Length: \r\n\r\n", 400},
        {"overflowing length", post + "Content-Length: 99999999999999999999999\r\n\r\n", 0},
        {"bare line feed", "GET / HTTP/1.1\nHost: a\n\n", 400},
        {"bare line feed in a field", get + "X: a\nY: b\r\n\r\n", 400},
        {"bare carriage return", get + "X: a\rY: b\r\n\r\n", 400},
        {"null in a value", get + std::string("X: a\0b\r\n\r\n", 10), 400},
        {"space before the colon", get + "X : a\r\n\r\n", 400},
        {"empty field name", get + ": a\r\n\r\n", 400},
        {"no colon", get + "nonsense\r\n\r\n", 400},
        {"control byte in the target", "GET /a\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"null in the target", std::string("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 28), 400},
        {"encoded null", "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"bad escape", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"tab in the request line", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"absolute form", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"authority form", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501},
        {"star for get", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"fragment", "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"unknown method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
        {"lower-case method", "get / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
        {"HTTP/0.9", "GET /\r\n\r\n", 400},
        {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
        {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
        {"HTTP/11", "GET / HTTP/11\r\nHost: a\r\n\r\n", 505},
        {"other protocol", "GET / RTSP/1.1\r\nHost: a\r\n\r\n", 400},
        {"leading space", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"many blank lines", "\r\n\r\n\r\n" + get + "\r\n", 400},
        {"trailer", post + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n", 400},
        {"chunk size with a sign", post + "Transfer-Encoding: chunked\r\n\r\n+1\r\nx\r\n", 400},
        {"overflowing chunk size",
         post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx\r\n", 400},
        {"chunk without its end", post + "Transfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n", 400},
        {"chunk with a bare line feed", post + "Transfer-Encoding: chunked\r\n\r\n1\nx\r\n", 400},
        {"TLS", "\x16\x03\x01\x02", 400},
        {"expectation", post + "Expect: cake\r\n\r\n", 417},
    };
    std::mt19937 random(11);
    for (const Case& c : cases) {
        const Outcome whole = parse(c.bytes);
        EXPECT_NE(whole.error_status, 0) << c.name;
        EXPECT_TRUE(whole.requests.empty()) << c.name;
        if (c.status != 0) {
            EXPECT_EQ(whole.error_status, c.status) << c.name;
        }
        for (int round = 0; round < 10; ++round) {
            EXPECT_EQ(parse(c.bytes, &random).error_status, whole.error_status) << c.name;
        }
    }
}

TEST(HttpParser, KeepsTheLimits) {
    const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n";
    EXPECT_EQ(parse("GET /" + std::string(20'000, 'a')).error_status, 414);
    EXPECT_EQ(parse(get + "X: " + std::string(20'000, 'a')).error_status, 431);
    std::string many = get;
    for (int i = 0; i < 200; ++i)
        many += "X" + std::to_string(i) + ": y\r\n";
    EXPECT_EQ(parse(many + "\r\n").error_status, 431);
    const HttpParserLimits limits{kHttpHeadBytesMax, 10};
    const std::string post = "POST / HTTP/1.1\r\nHost: a\r\n";
    EXPECT_EQ(parse(post + "Content-Length: 11\r\n\r\n", nullptr, limits).error_status, 413);
    EXPECT_EQ(parse(post + "Content-Length: 10\r\n\r\n0123456789", nullptr, limits).error_status,
              0);
    EXPECT_EQ(parse(post + "Transfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n5\r\nabcde\r\n",
                    nullptr, limits)
                  .error_status,
              413);
}

TEST(HttpParser, AsksForTheBodyOnce) {
    HttpParser parser;
    const std::string head =
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
    EXPECT_EQ(parser.feed(head), head.size());
    EXPECT_EQ(parser.state(), HttpParserState::kBody);
    EXPECT_TRUE(parser.take_continue_expected());
    EXPECT_FALSE(parser.take_continue_expected());
    EXPECT_EQ(parser.feed("hi"), 2U);
    EXPECT_EQ(parser.state(), HttpParserState::kComplete);
}

TEST(HttpTypes, DecodesQueries) {
    EXPECT_EQ(parse_query("a=1&b=x+y&&c&d=%26%3D&bad=%2"),
              (QueryParams{{"a", "1"}, {"b", "x y"}, {"c", ""}, {"d", "&="}}));
    EXPECT_EQ(query_param("a=1&a=2", "a"), "1");
    EXPECT_EQ(query_param("a=1", "b"), std::nullopt);
    EXPECT_EQ(percent_encode("a b/\xC3\xA9~"), "a%20b%2F%C3%A9~");
    EXPECT_EQ(percent_decode(percent_encode("100% \r\n")), "100% \r\n");
}

TEST(HttpTypes, ComparesTags) {
    EXPECT_TRUE(etag_matches("\"a\"", "\"a\""));
    EXPECT_TRUE(etag_matches("\"x\", W/\"a\"", "\"a\""));
    EXPECT_TRUE(etag_matches("*", "\"a\""));
    EXPECT_FALSE(etag_matches("", "\"a\""));
    EXPECT_FALSE(etag_matches("\"ab\"", "\"a\""));
}

TEST(HttpResponse, IsWrittenWithItsLength) {
    std::string out;
    append_response(out, make_response(200, "text/plain", "hi"), {});
    EXPECT_EQ(out,
              "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: keep-alive\r\n"
              "Content-Length: 2\r\n\r\nhi");
    out.clear();
    append_response(out, make_response(200, "text/plain", "hi"),
                    {HttpBodyKind::kHeadOnly, false, {}});
    EXPECT_EQ(out,
              "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n"
              "Content-Length: 2\r\n\r\n");
    out.clear();
    HttpResponse split;
    split.status = 204;
    split.headers.add("X", "a\r\nSet-Cookie: b");
    split.headers.add("Content-Length", "7");
    append_response(out, split, {});
    EXPECT_EQ(out, "HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n");
    out.clear();
    append_chunk(out, "");
    append_chunk(out, std::string(26, 'x'));
    EXPECT_EQ(out, "1a\r\n" + std::string(26, 'x') + "\r\n");
}

TEST(WebSocketHandshake, AnswersTheExampleOfTheRfc) {
    EXPECT_EQ(websocket_accept_value("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    const HttpRequest request = parse_one(
        "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Origin: http://example.com\r\nSec-WebSocket-Protocol: chat, superchat\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n");
    const std::vector<std::string_view> supported{"superchat", "chat"};
    const WsHandshake handshake = check_websocket_request(request, supported, WsCompression::kNone);
    EXPECT_EQ(handshake.status, 101);
    EXPECT_EQ(handshake.subprotocol, "superchat");
    EXPECT_EQ(handshake.origin, "http://example.com");
    std::string out;
    append_response(out, make_websocket_response(request, handshake), {});
    EXPECT_EQ(out,
              "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
              "Sec-WebSocket-Protocol: superchat\r\n\r\n");
    const WsClientAnswer answer =
        check_websocket_response(out, "dGhlIHNhbXBsZSBub25jZQ==", supported);
    EXPECT_TRUE(answer.is_accepted);
    EXPECT_EQ(answer.subprotocol, "superchat");
    EXPECT_FALSE(check_websocket_response(out, "AAAAAAAAAAAAAAAAAAAAAA==", supported).is_accepted);
    EXPECT_FALSE(check_websocket_response(out, "dGhlIHNhbXBsZSBub25jZQ==", {}).is_accepted);
}

TEST(WebSocketHandshake, ARefusalMaySayWhenToComeAgain) {
    const auto after = [](std::string_view field) {
        return check_websocket_response(
                   "HTTP/1.1 503 Service Unavailable\r\n" + std::string(field) + "\r\n",
                   "dGhlIHNhbXBsZSBub25jZQ==", {})
            .retry_after_ms;
    };
    EXPECT_EQ(after("Retry-After: 7\r\n"), 7'000u);
    EXPECT_EQ(after("Retry-After: 99999999\r\n"), 3'600'000u) << "an hour at most";
    EXPECT_EQ(after(""), 0u);
    EXPECT_EQ(after("Retry-After: soon\r\n"), 0u);
    EXPECT_EQ(after("Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), 0u);
}

TEST(WebSocketHandshake, RefusesWhatIsNotOne) {
    const std::string get = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n";
    const std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    const std::string upgrade = "Connection: keep-alive, Upgrade\r\n";
    const std::string version = "Sec-WebSocket-Version: 13\r\n";
    const auto status = [](const std::string& bytes) {
        return check_websocket_request(parse_one(bytes), {}, WsCompression::kNone).status;
    };
    EXPECT_EQ(status(get + upgrade + key + version + "\r\n"), 101);
    EXPECT_EQ(status(get + key + version + "\r\n"), 400);
    EXPECT_EQ(status(get + upgrade + version + "\r\n"), 400);
    EXPECT_EQ(status(get + upgrade + key + "\r\n"), 426);
    EXPECT_EQ(status(get + upgrade + key + "Sec-WebSocket-Version: 8\r\n\r\n"), 426);
    EXPECT_EQ(status(get + upgrade + "Sec-WebSocket-Key: short\r\n" + version + "\r\n"), 400);
    EXPECT_EQ(status(get + upgrade + key + key + version + "\r\n"), 400);
}

}  // namespace
}  // namespace tandem::net
