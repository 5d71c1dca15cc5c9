#include "net/url.hpp"

#include <algorithm>
#include <charconv>

#include "net/http_types.hpp"

namespace tandem::net {

base::Result<Url> parse_url(std::string_view text) {
    const base::Error invalid = base::fail(base::ErrorCode::invalid_argument);
    const bool has_bad_byte = std::any_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F;
    });
    const size_t mark = text.find("://");
    if (has_bad_byte || mark == std::string_view::npos) return invalid;
    const std::string_view scheme = text.substr(0, mark);
    Url url;
    url.is_secure = equals_ignoring_case(scheme, "https") || equals_ignoring_case(scheme, "wss");
    if (!url.is_secure && !equals_ignoring_case(scheme, "http") &&
        !equals_ignoring_case(scheme, "ws")) {
        return invalid;
    }
    std::string_view rest = text.substr(mark + 3);
    rest = rest.substr(0, rest.find('#'));
    const size_t path_at = std::min(rest.find_first_of("/?"), rest.size());
    std::string_view authority = rest.substr(0, path_at);
    url.target = rest.substr(path_at);
    if (url.target.empty() || url.target.front() == '?') url.target.insert(0, "/");
    if (authority.find('@') != std::string_view::npos) return invalid;

    std::string_view host = authority;
    if (authority.starts_with("[")) {
        const size_t end = authority.find(']');
        if (end == std::string_view::npos) return invalid;
        host = authority.substr(1, end - 1);
        authority.remove_prefix(end + 1);
    } else {
        host = authority.substr(0, authority.find(':'));
        authority.remove_prefix(host.size());
    }
    if (host.empty()) return invalid;
    url.address.host = host;
    url.address.port = url.is_secure ? 443 : 80;
    if (authority.empty()) return url;
    const char* end = authority.data() + authority.size();
    if (authority.front() != ':' || authority.size() == 1) return invalid;
    const auto parsed = std::from_chars(authority.data() + 1, end, url.address.port);
    if (parsed.ec != std::errc{} || parsed.ptr != end) return invalid;
    return url;
}

base::Result<Url> open_url(std::string_view text, const std::string& ca_file) {
    TANDEM_TRY(Url url, parse_url(text));
    if (url.is_secure) {
        TANDEM_TRY(url.tls, TlsClient::create(ca_file));
    }
    return url;
}

}  // namespace tandem::net
