#include "net/http_client.hpp"

#include <llhttp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "net/io_error.hpp"

namespace tandem::net {

namespace {

constexpr size_t kResponseBytesMax = 256U * 1024 * 1024;

class Deadline {
  public:
    explicit Deadline(uint64_t delay_ms)
        : end_(std::chrono::steady_clock::now() + std::chrono::milliseconds(delay_ms)) {}

    [[nodiscard]] int left_ms() const {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                              end_ - std::chrono::steady_clock::now())
                              .count();
        return static_cast<int>(std::clamp<int64_t>(left, 0, 1'000'000));
    }

  private:
    std::chrono::steady_clock::time_point end_;
};

base::Status wait_for(int fd, short events, const Deadline& deadline) {
    pollfd entry{fd, events, 0};
    const int ready = ::poll(&entry, 1, deadline.left_ms());
    if (ready == 0) return base::fail(base::ErrorCode::timed_out);
    if (ready < 0 && errno != EINTR) return io_error();
    return {};
}

bool is_blocked() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

base::Status send_all(int fd, std::string_view bytes, const Deadline& deadline) {
    TANDEM_CHECK(wait_for(fd, POLLOUT, deadline));
    while (!bytes.empty()) {
        const ptrdiff_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            bytes.remove_prefix(static_cast<size_t>(sent));
            continue;
        }
        // A server that refuses early may have closed; its answer can still be read.
        if (errno == EPIPE || errno == ECONNRESET) return {};
        if (!is_blocked()) return io_error();
        TANDEM_CHECK(wait_for(fd, POLLOUT, deadline));
    }
    return {};
}

// Calls `take` with the bytes as they come, until it returns false or the peer closes.
template <typename Take>
base::Status receive(int fd, const Deadline& deadline, Take take) {
    std::array<char, 16 * 1024> buffer;
    for (;;) {
        const ptrdiff_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (got == 0) return {};
        if (got > 0) {
            if (!take(std::string_view(buffer.data(), static_cast<size_t>(got)))) return {};
            continue;
        }
        if (errno == ECONNRESET) return {};
        if (!is_blocked()) return io_error();
        TANDEM_CHECK(wait_for(fd, POLLIN, deadline));
    }
}

base::Error failure_of(const TlsStream& tls) {
    return base::fail(base::ErrorCode::tls_failed, tls.failure());
}

base::Status send_encrypted(int fd, TlsStream& tls, const Deadline& deadline) {
    std::array<char, 4096> scratch;
    while (!tls.out().empty()) {
        size_t used = 0;
        const std::string_view piece = tls.out().front(scratch, used);
        TANDEM_CHECK(send_all(fd, piece, deadline));
        (void)tls.out().take(static_cast<ptrdiff_t>(piece.size()), piece.size());
    }
    return {};
}

// As the two above together, over TLS.
template <typename Take>
base::Status exchange(int fd, TlsStream& tls, std::string_view request, const Deadline& deadline,
                      Take take) {
    std::array<char, 16 * 1024> received;
    std::array<char, 16 * 1024> plain;
    tls.shake();
    for (;;) {
        while (tls.is_open() && !request.empty())
            request.remove_prefix(tls.write(request));
        const auto sent = send_encrypted(fd, tls, deadline);
        // What it has sent before it refused can still be read.
        if (tls.state() == TlsStream::State::failed) return failure_of(tls);
        TANDEM_CHECK(sent);
        while (tls.is_open()) {
            const size_t got = tls.read(plain);
            if (got == 0) break;
            if (!take(std::string_view(plain.data(), got))) return {};
        }
        tls.keep();
        if (tls.state() == TlsStream::State::failed) return failure_of(tls);
        if (tls.state() == TlsStream::State::ended) return {};
        TANDEM_CHECK(wait_for(fd, POLLIN, deadline));
        const ptrdiff_t got = ::recv(fd, received.data(), received.size(), 0);
        if (got < 0 && is_blocked()) continue;
        // An end without the goodbye of TLS may be somebody else's: the parser knows whether the
        // answer was whole.
        if (got == 0 || (got < 0 && errno == ECONNRESET)) return {};
        if (got < 0) return io_error();
        tls.feed({received.data(), static_cast<size_t>(got)});
        tls.shake();
    }
}

class ResponseParser {
  public:
    explicit ResponseParser(bool is_head_request) : is_head_request_(is_head_request) {
        llhttp_settings_init(&settings_);
        settings_.on_header_field = [](llhttp_t* p, const char* at, size_t size) -> int {
            self(p).field_.append(at, size);
            return 0;
        };
        settings_.on_header_value = [](llhttp_t* p, const char* at, size_t size) -> int {
            self(p).value_.append(at, size);
            return 0;
        };
        settings_.on_header_value_complete = [](llhttp_t* p) -> int {
            ResponseParser& parser = self(p);
            parser.response_.headers.add(parser.field_, parser.value_);
            parser.field_.clear();
            parser.value_.clear();
            return 0;
        };
        settings_.on_headers_complete = [](llhttp_t* p) -> int {
            return self(p).is_head_request_ ? 1 : 0;
        };
        settings_.on_body = [](llhttp_t* p, const char* at, size_t size) -> int {
            std::string& body = self(p).response_.body;
            if (size > kResponseBytesMax - body.size()) return -1;
            body.append(at, size);
            return 0;
        };
        settings_.on_message_complete = [](llhttp_t* p) -> int {
            ResponseParser& parser = self(p);
            // An interim answer: the real one follows on the same connection.
            if (p->status_code >= 100 && p->status_code < 200 && p->status_code != 101) {
                parser.response_ = {};
                return 0;
            }
            parser.response_.status = p->status_code;
            parser.is_complete_ = true;
            return HPE_PAUSED;
        };
        llhttp_init(&parser_, HTTP_RESPONSE, &settings_);
        parser_.data = this;
    }
    ResponseParser(const ResponseParser&) = delete;
    ResponseParser& operator=(const ResponseParser&) = delete;

    // False when no more is wanted.
    bool feed(std::string_view data) {
        const llhttp_errno_t result = llhttp_execute(&parser_, data.data(), data.size());
        has_failed_ = result != HPE_OK && !is_complete_;
        return result == HPE_OK;
    }
    base::Result<HttpResponse> finish() {
        if (has_failed_) return base::fail(base::ErrorCode::protocol_error);
        if (!is_complete_) (void)llhttp_finish(&parser_);
        if (!is_complete_) return base::fail(base::ErrorCode::connection_closed);
        return std::move(response_);
    }

  private:
    static ResponseParser& self(llhttp_t* parser) {
        return *static_cast<ResponseParser*>(parser->data);
    }

    llhttp_settings_t settings_{};
    llhttp_t parser_{};
    HttpResponse response_;
    std::string field_;
    std::string value_;
    bool is_head_request_;
    bool is_complete_ = false;
    bool has_failed_ = false;
};

}  // namespace

base::Result<HttpResponse> http_fetch(const SocketAddress& address,
                                      const HttpClientRequest& request) {
    std::string out(method_name(request.method));
    out.append(" ").append(request.target).append(" HTTP/1.1\r\nHost: ");
    out.append(to_text(address)).append("\r\nConnection: close\r\n");
    for (const auto& [name, value] : request.headers.all()) {
        if (!is_token(name) || value.find_first_of("\r\n") != std::string::npos) {
            return base::fail(base::ErrorCode::invalid_argument);
        }
        out.append(name).append(": ").append(value).append("\r\n");
    }
    if (!request.body.empty() || request.method == HttpMethod::kPost ||
        request.method == HttpMethod::kPut || request.method == HttpMethod::kPatch) {
        out.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n");
    }
    out.append("\r\n").append(request.body);

    const Deadline deadline(request.timeout_ms);
    ResponseParser parser(request.method == HttpMethod::kHead);
    if (request.tls != nullptr) {
        TANDEM_TRY(const SocketAddress numeric, look_up(address));
        TANDEM_TRY(const UniqueFd fd, open_connection(numeric));
        const auto tls = request.tls->connect(address.host);
        TANDEM_CHECK(exchange(fd.get(), *tls, out, deadline,
                              [&](std::string_view data) { return parser.feed(data); }));
        return parser.finish();
    }
    TANDEM_TRY(const UniqueFd fd, open_connection(address));
    TANDEM_CHECK(send_all(fd.get(), out, deadline));
    TANDEM_CHECK(
        receive(fd.get(), deadline, [&](std::string_view data) { return parser.feed(data); }));
    return parser.finish();
}

base::Result<std::string> tcp_exchange(const SocketAddress& address, std::string_view bytes,
                                       uint64_t timeout_ms) {
    const Deadline deadline(timeout_ms);
    TANDEM_TRY(const UniqueFd fd, open_connection(address));
    TANDEM_CHECK(send_all(fd.get(), bytes, deadline));
    std::string received;
    TANDEM_CHECK(receive(fd.get(), deadline, [&](std::string_view data) {
        if (data.size() > kResponseBytesMax - received.size()) return false;
        received.append(data);
        return true;
    }));
    return received;
}

}  // namespace tandem::net
