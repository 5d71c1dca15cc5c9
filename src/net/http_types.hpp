#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tandem::net {

enum class HttpMethod : uint8_t { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions };

[[nodiscard]] std::string_view method_name(HttpMethod method);

// Header fields in the order of arrival. Names of received messages are in lower case.
class HttpHeaders {
  public:
    void add(std::string_view name, std::string_view value);
    // Replaces all fields of this name.
    void set(std::string_view name, std::string_view value);
    // The first field of this name, compared without case; empty when there is none.
    [[nodiscard]] std::string_view get(std::string_view name) const;
    [[nodiscard]] bool contains(std::string_view name) const;
    [[nodiscard]] size_t count(std::string_view name) const;
    // True when a field of this name holds `token` in its comma-separated list, without case.
    [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const;
    [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& all() const {
        return fields_;
    }

  private:
    std::vector<std::pair<std::string, std::string>> fields_;
};

struct HttpRequest {
    HttpMethod method = HttpMethod::kGet;
    bool is_keep_alive = true;
    uint8_t minor_version = 1;  // HTTP/1.0 or HTTP/1.1.
    std::string target;         // As received: path, and query after '?'.
    std::string path;           // Percent-decoded; always begins with '/', or is "*".
    std::string query;          // Still encoded, see parse_query().
    HttpHeaders headers;
    std::string body;

    [[nodiscard]] bool is_websocket_upgrade() const;
};

struct HttpResponse {
    int status = 200;
    HttpHeaders headers;
    std::string body;
};

// Comparison of ASCII text without case.
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b);
// Without leading and trailing spaces and tabs.
[[nodiscard]] std::string_view trim_blanks(std::string_view text);
// RFC 9110 "token".
[[nodiscard]] bool is_token(std::string_view text);

// Empty when a '%' is not followed by two hexadecimal digits or the result holds a NUL.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);
// Everything but unreserved characters (RFC 3986) is encoded.
[[nodiscard]] std::string percent_encode(std::string_view text);

using QueryParams = std::vector<std::pair<std::string, std::string>>;
// application/x-www-form-urlencoded; pairs that do not decode are left out.
[[nodiscard]] QueryParams parse_query(std::string_view query);
// The first value of `name`, or nothing.
[[nodiscard]] std::optional<std::string> query_param(std::string_view query, std::string_view name);

// Weak comparison of `etag`, with its quotes, with an If-None-Match list.
[[nodiscard]] bool etag_matches(std::string_view if_none_match, std::string_view etag);

}  // namespace tandem::net
