#include "net/websocket_handshake.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/base64.hpp"
#include "net/http_response.hpp"
#include "net/sha1.hpp"

namespace tandem::net {

namespace {

constexpr std::string_view kProtocolId = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

// 16 bytes in base64: 22 characters and two of padding.
bool is_valid_key(std::string_view key) {
    if (key.size() != 24 || key.substr(22) != "==") return false;
    return std::all_of(key.begin(), key.begin() + 22, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '+' || c == '/';
    });
}

// Of the field's two forms that of seconds; a date would need a clock.
uint64_t retry_after_ms(std::string_view seconds) {
    constexpr uint64_t kSecondsMax = 3600;
    uint64_t number = 0;
    const char* const end = seconds.data() + seconds.size();
    const auto [rest, failure] = std::from_chars(seconds.data(), end, number);
    if (failure != std::errc() || rest != end) return 0;
    return std::min(number, kSecondsMax) * 1000;
}

}  // namespace

std::string websocket_accept_value(std::string_view key) {
    std::string text(key);
    text.append(kProtocolId);
    const auto digest = sha1(text);
    std::string bytes;
    for (const uint8_t byte : digest)
        bytes.push_back(static_cast<char>(byte));
    return base::to_base64(bytes);
}

WsHandshake check_websocket_request(const HttpRequest& request,
                                    std::span<const std::string_view> supported,
                                    WsCompression compression) {
    WsHandshake result;
    if (!request.is_websocket_upgrade() || !request.body.empty()) return result;
    const HttpHeaders& headers = request.headers;
    if (headers.count("sec-websocket-version") != 1 ||
        headers.get("sec-websocket-version") != "13") {
        result.status = 426;
        return result;
    }
    if (headers.count("sec-websocket-key") != 1 || headers.count("origin") > 1 ||
        !is_valid_key(headers.get("sec-websocket-key"))) {
        return result;
    }
    const std::optional<WsDeflateAnswer> deflate = choose_deflate(headers);
    if (!deflate) return result;
    if (compression == WsCompression::kDeflate) result.deflate = *deflate;
    for (const std::string_view name : supported) {
        if (headers.has_token("sec-websocket-protocol", name)) {
            result.subprotocol = name;
            break;
        }
    }
    result.origin = headers.get("origin");
    result.status = 101;
    return result;
}

HttpResponse make_websocket_response(const HttpRequest& request, const WsHandshake& handshake) {
    if (handshake.status != 101) {
        HttpResponse response = make_status_response(handshake.status);
        if (handshake.status == 426) response.headers.add("Sec-WebSocket-Version", "13");
        return response;
    }
    HttpResponse response;
    response.status = 101;
    response.headers.add("Upgrade", "websocket");
    response.headers.add("Connection", "Upgrade");
    response.headers.add("Sec-WebSocket-Accept",
                         websocket_accept_value(request.headers.get("sec-websocket-key")));
    if (!handshake.subprotocol.empty()) {
        response.headers.add("Sec-WebSocket-Protocol", handshake.subprotocol);
    }
    if (handshake.deflate.is_agreed()) {
        response.headers.add("Sec-WebSocket-Extensions", deflate_answer_value(handshake.deflate));
    }
    return response;
}

std::string make_websocket_request(const WsClientRequest& request) {
    std::string out = "GET ";
    out.append(request.target).append(" HTTP/1.1\r\nHost: ").append(request.host);
    out.append("\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13");
    out.append("\r\nSec-WebSocket-Key: ").append(request.key).append("\r\n");
    if (!request.subprotocols.empty()) {
        out.append("Sec-WebSocket-Protocol: ");
        bool is_first = true;
        for (const std::string_view name : request.subprotocols) {
            if (!is_first) out.append(", ");
            out.append(name);
            is_first = false;
        }
        out.append("\r\n");
    }
    if (request.extra_headers != nullptr) {
        for (const auto& [name, value] : request.extra_headers->all()) {
            if (!is_token(name) || value.find_first_of("\r\n") != std::string::npos) continue;
            out.append(name).append(": ").append(value).append("\r\n");
        }
    }
    out.append("\r\n");
    return out;
}

WsClientAnswer check_websocket_response(std::string_view head, std::string_view key,
                                        std::span<const std::string_view> subprotocols) {
    WsClientAnswer answer;
    constexpr std::string_view kVersion = "HTTP/1.1 ";
    if (head.substr(0, kVersion.size()) != kVersion || head.size() < kVersion.size() + 3) {
        return answer;
    }
    const char* digits = head.data() + kVersion.size();
    if (std::from_chars(digits, digits + 3, answer.status).ptr != digits + 3) answer.status = 0;
    HttpHeaders headers;
    size_t at = head.find("\r\n");
    while (at != std::string_view::npos) {
        const size_t start = at + 2;
        at = head.find("\r\n", start);
        const std::string_view line = head.substr(start, at - start);
        const size_t colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        headers.add(line.substr(0, colon), trim_blanks(line.substr(colon + 1)));
    }
    if (answer.status != 101) {
        answer.retry_after_ms = retry_after_ms(headers.get("retry-after"));
        return answer;
    }
    const std::string_view chosen = headers.get("sec-websocket-protocol");
    answer.is_accepted =
        headers.has_token("upgrade", "websocket") && headers.has_token("connection", "upgrade") &&
        headers.get("sec-websocket-accept") == websocket_accept_value(key) &&
        !headers.contains("sec-websocket-extensions") &&
        (chosen.empty() ||
         std::find(subprotocols.begin(), subprotocols.end(), chosen) != subprotocols.end());
    answer.subprotocol = chosen;
    return answer;
}

}  // namespace tandem::net
