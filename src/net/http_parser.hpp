#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "net/http_types.hpp"

namespace tandem::net {

inline constexpr size_t kHttpHeadBytesMax = 16U * 1024;
inline constexpr size_t kHttpHeaderCountMax = 100;
inline constexpr size_t kHttpBodyBytesMaxDefault = 1024 * 1024;

struct HttpParserLimits {
    size_t head_bytes_max = kHttpHeadBytesMax;
    size_t body_bytes_max = kHttpBodyBytesMaxDefault;
};

enum class HttpParserState : uint8_t {
    kHead,  // Nothing or a part of the head has arrived.
    kBody,
    kComplete,  // The request can be taken.
    kFailed,    // Answer `error_status()` and close.
};

// HTTP/1.x requests without I/O, one at a time: bytes after a complete request are left to the
// caller until the request has been taken.
//
// llhttp does the parsing. Refused beyond what it refuses: line ends other than CR LF, folded
// header lines, empty field names, control bytes, any number of Host fields but one,
// Transfer-Encoding in HTTP/1.0 or other than "chunked" or beside Content-Length, targets that are
// not in origin form (or "*" for OPTIONS), trailers, and whatever exceeds the limits. Each of these
// is known to be read differently by different servers, which is how requests are smuggled.
class HttpParser {
  public:
    explicit HttpParser(HttpParserLimits limits = {});
    ~HttpParser();
    HttpParser(HttpParser&&) noexcept;
    HttpParser& operator=(HttpParser&&) noexcept;

    // Returns how many bytes were used; fewer than given only when complete or failed.
    [[nodiscard]] size_t feed(std::string_view data);

    [[nodiscard]] HttpParserState state() const;
    // 400, 413, 414, 417, 431, 501 or 505.
    [[nodiscard]] int error_status() const;
    // True before the first byte of a request, when a connection may be closed without loss.
    [[nodiscard]] bool is_idle() const;
    // True once per request whose sender waits for "100 Continue" before it sends the body.
    [[nodiscard]] bool take_continue_expected();
    // Only in kComplete; the parser is then ready for the next request.
    [[nodiscard]] HttpRequest take_request();

  private:
    struct Machine;
    std::unique_ptr<Machine> machine_;
};

}  // namespace tandem::net
