#include "server/url.hpp"

#include <charconv>

namespace tandem::server {

base::Result<ServerUrl> parse_url(std::string_view text) {
    for (const std::string_view scheme : {"http://", "ws://"})
        if (text.starts_with(scheme)) text.remove_prefix(scheme.size());
    if (text.find("://") != std::string_view::npos)
        return base::fail(base::ErrorCode::invalid_argument);
    text = text.substr(0, text.find('/'));
    ServerUrl url;
    std::string_view host = text;
    std::string_view port = "8080";
    if (host.starts_with('[')) {
        const size_t end = host.find(']');
        if (end == std::string_view::npos) return base::fail(base::ErrorCode::invalid_argument);
        if (end + 1 < host.size() && host[end + 1] == ':') port = host.substr(end + 2);
        host = host.substr(1, end - 1);
    } else if (const size_t colon = host.find(':'); colon != std::string_view::npos) {
        port = host.substr(colon + 1);
        host = host.substr(0, colon);
    }
    const auto parsed = std::from_chars(port.data(), port.data() + port.size(), url.address.port);
    if (host.empty() || parsed.ec != std::errc() || parsed.ptr != port.data() + port.size())
        return base::fail(base::ErrorCode::invalid_argument);
    url.address.host = std::string(host);
    return url;
}

}  // namespace tandem::server
