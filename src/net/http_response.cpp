#include "net/http_response.hpp"

#include <array>
#include <charconv>

namespace tandem::net {

namespace {

void append_number(std::string& out, uint64_t number, int base) {
    std::array<char, 24> digits{};
    const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), number, base);
    out.append(digits.data(), static_cast<size_t>(result.ptr - digits.data()));
}

bool is_framing_field(std::string_view name) {
    return equals_ignoring_case(name, "content-length") ||
           equals_ignoring_case(name, "transfer-encoding") ||
           equals_ignoring_case(name, "connection") || equals_ignoring_case(name, "date");
}

bool has_line_end(std::string_view value) {
    constexpr std::string_view kLineEnds("\r\n\0", 3);
    return value.find_first_of(kLineEnds) != std::string_view::npos;
}

}  // namespace

std::string_view reason_phrase(int status) {
    switch (status) {
        case 100:
            return "Continue";
        case 101:
            return "Switching Protocols";
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 301:
            return "Moved Permanently";
        case 302:
            return "Found";
        case 303:
            return "See Other";
        case 304:
            return "Not Modified";
        case 307:
            return "Temporary Redirect";
        case 308:
            return "Permanent Redirect";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 406:
            return "Not Acceptable";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 410:
            return "Gone";
        case 411:
            return "Length Required";
        case 412:
            return "Precondition Failed";
        case 413:
            return "Content Too Large";
        case 414:
            return "URI Too Long";
        case 415:
            return "Unsupported Media Type";
        case 417:
            return "Expectation Failed";
        case 422:
            return "Unprocessable Content";
        case 426:
            return "Upgrade Required";
        case 428:
            return "Precondition Required";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        case 505:
            return "HTTP Version Not Supported";
        case 507:
            return "Insufficient Storage";
        default:
            return "Unknown";
    }
}

void append_response(std::string& out, const HttpResponse& response, HttpWireOptions options) {
    const int status = response.status >= 100 && response.status <= 999 ? response.status : 500;
    out.append("HTTP/1.1 ");
    append_number(out, static_cast<uint64_t>(status), 10);
    out.push_back(' ');
    out.append(reason_phrase(status));
    out.append("\r\n");
    if (!options.date.empty()) out.append("Date: ").append(options.date).append("\r\n");
    for (const auto& [name, value] : response.headers.all()) {
        if (!is_token(name) || has_line_end(value)) continue;
        // The upgrade answer is the one whose Connection field is the caller's.
        if (status != 101 && is_framing_field(name)) continue;
        out.append(name).append(": ").append(value).append("\r\n");
    }
    const bool has_no_body = status < 200 || status == 204 || status == 304;
    if (status != 101) {
        out.append(options.is_keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n");
    }
    if (!has_no_body) {
        if (options.body_kind == HttpBodyKind::kChunked) {
            out.append("Transfer-Encoding: chunked\r\n");
        } else if (options.body_kind != HttpBodyKind::kUntilClose) {
            out.append("Content-Length: ");
            append_number(out, response.body.size(), 10);
            out.append("\r\n");
        }
    }
    out.append("\r\n");
    if (!has_no_body && options.body_kind == HttpBodyKind::kWhole) out.append(response.body);
}

std::string chunk_head(size_t bytes) {
    std::string out;
    append_number(out, bytes, 16);
    return out.append("\r\n");
}

void append_chunk(std::string& out, std::string_view data) {
    if (data.empty()) return;
    out.append(chunk_head(data.size())).append(data).append(kChunkEnd);
}

HttpResponse make_response(int status, std::string_view content_type, std::string_view body) {
    HttpResponse response;
    response.status = status;
    response.headers.add("Content-Type", content_type);
    response.body = body;
    return response;
}

HttpResponse make_status_response(int status) {
    std::string body(reason_phrase(status));
    body.push_back('\n');
    return make_response(status, "text/plain; charset=utf-8", body);
}

}  // namespace tandem::net
