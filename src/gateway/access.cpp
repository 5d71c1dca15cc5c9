#include "gateway/access.hpp"

#include <algorithm>

namespace tandem::gateway {

namespace {

bool is_digits(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_loopback_v4(std::string_view host) {
    if (!host.starts_with("127.")) return false;
    size_t parts = 0;
    size_t begin = 0;
    while (begin <= host.size()) {
        const size_t end = std::min(host.find('.', begin), host.size());
        const std::string_view part = host.substr(begin, end - begin);
        if (!is_digits(part) || part.size() > 3) return false;
        ++parts;
        begin = end + 1;
    }
    return parts == 4;
}

}  // namespace

bool is_loopback_authority(std::string_view authority) {
    std::string_view host = authority;
    if (host.starts_with('[')) {
        const size_t end = host.find(']');
        if (end == std::string_view::npos) return false;
        const std::string_view port = host.substr(end + 1);
        if (!port.empty() && (port[0] != ':' || !is_digits(port.substr(1)))) return false;
        return host.substr(0, end + 1) == "[::1]";
    }
    if (const size_t colon = host.find(':'); colon != std::string_view::npos) {
        if (!is_digits(host.substr(colon + 1))) return false;
        host = host.substr(0, colon);
    }
    return net::equals_ignoring_case(host, "localhost") || is_loopback_v4(host);
}

bool Access::allows_host(const net::HttpRequest& request) const {
    return reach_ == Reach::anywhere || is_loopback_authority(request.headers.get("host"));
}

bool Access::allows_origin(const net::HttpRequest& request) const {
    if (!request.headers.contains("origin")) return true;
    if (request.headers.count("origin") != 1) return false;
    const std::string_view origin = request.headers.get("origin");
    if (std::find(origins_.begin(), origins_.end(), origin) != origins_.end()) return true;
    const std::string_view host = request.headers.get("host");
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!origin.starts_with(scheme)) continue;
        const std::string_view authority = origin.substr(scheme.size());
        if (is_loopback_authority(host)) return is_loopback_authority(authority);
        return reach_ == Reach::anywhere && net::equals_ignoring_case(authority, host);
    }
    return false;
}

}  // namespace tandem::gateway
