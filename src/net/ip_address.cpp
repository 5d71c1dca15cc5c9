#include "net/ip_address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace tandem::net {

namespace {

constexpr std::array<uint8_t, 12> kV4Prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr unsigned kV4At = 96;

// The last item of a list, which loses it; quoted strings may hold the separator.
std::string_view take_last(std::string_view& list, char separator) {
    bool is_quoted = false;
    size_t begin = 0;
    for (size_t i = 0; i < list.size(); ++i) {
        if (is_quoted && list[i] == '\\') {
            ++i;
        } else if (list[i] == '"') {
            is_quoted = !is_quoted;
        } else if (!is_quoted && list[i] == separator) {
            begin = i + 1;
        }
    }
    const std::string_view last = list.substr(begin);
    list = list.substr(0, begin == 0 ? 0 : begin - 1);
    return trim_blanks(last);
}

// An address that may have a port behind it.
std::optional<IpAddress> parse_node(std::string_view text) {
    if (text.starts_with('[')) return parse_ip(text.substr(0, text.find(']') + 1));
    const size_t colon = text.find(':');
    const bool has_port =
        colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos;
    return parse_ip(has_port ? text.substr(0, colon) : text);
}

// `for` of an element of Forwarded: `for="[2001:db8::1]:80";proto=https`.
std::string_view for_of(std::string_view element) {
    while (!element.empty()) {
        std::string_view value = take_last(element, ';');
        const size_t equals = value.find('=');
        if (equals == std::string_view::npos ||
            !equals_ignoring_case(trim_blanks(value.substr(0, equals)), "for"))
            continue;
        value = trim_blanks(value.substr(equals + 1));
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
            value = value.substr(1, value.size() - 2);
        return value;
    }
    return {};
}

}  // namespace

bool IpAddress::is_v4() const {
    return std::equal(kV4Prefix.begin(), kV4Prefix.end(), bytes.begin());
}

bool IpAddress::is_loopback() const {
    if (is_v4()) return bytes[12] == 127;
    IpAddress one;
    one.bytes[15] = 1;
    return *this == one;
}

IpAddress IpAddress::prefix(unsigned bits) const {
    IpAddress out;
    for (unsigned i = 0; i < out.bytes.size(); ++i) {
        const unsigned kept = bits <= i * 8 ? 0 : std::min(bits - i * 8, 8U);
        out.bytes[i] = static_cast<uint8_t>(bytes[i] & (0xFF00U >> kept));
    }
    return out;
}

std::optional<IpAddress> parse_ip(std::string_view text) {
    if (text.starts_with('[')) {
        if (!text.ends_with(']')) return std::nullopt;
        text = text.substr(1, text.size() - 2);
    }
    // An address of IPv6 with an IPv4 part is at most this long.
    std::array<char, INET6_ADDRSTRLEN> zero_ended{};
    text = text.substr(0, text.find('%'));
    if (text.empty() || text.size() >= zero_ended.size()) return std::nullopt;
    std::memcpy(zero_ended.data(), text.data(), text.size());
    IpAddress address;
    if (::inet_pton(AF_INET6, zero_ended.data(), address.bytes.data()) == 1) return address;
    std::copy(kV4Prefix.begin(), kV4Prefix.end(), address.bytes.begin());
    if (::inet_pton(AF_INET, zero_ended.data(), address.bytes.data() + kV4Prefix.size()) == 1)
        return address;
    return std::nullopt;
}

std::string to_text(const IpAddress& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const bool is_v4 = address.is_v4();
    ::inet_ntop(is_v4 ? AF_INET : AF_INET6, address.bytes.data() + (is_v4 ? kV4Prefix.size() : 0),
                text.data(), text.size());
    return text.data();
}

std::optional<IpNetwork> parse_network(std::string_view text) {
    const size_t slash = text.find('/');
    const auto address = parse_ip(text.substr(0, slash));
    if (!address) return std::nullopt;
    IpNetwork network{*address, 128};
    if (slash == std::string_view::npos) return network;
    const bool is_v4 = text.substr(0, slash).find(':') == std::string_view::npos;
    unsigned bits = 0;
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + slash + 1, end, bits);
    if (parsed.ec != std::errc() || parsed.ptr != end || bits > (is_v4 ? 32U : 128U))
        return std::nullopt;
    network.bits = bits + (is_v4 ? kV4At : 0);
    if (address->prefix(network.bits) != *address) return std::nullopt;
    return network;
}

std::string to_text(const IpNetwork& network) {
    const bool is_v4 = network.first.is_v4() && network.bits >= kV4At;
    return to_text(network.first) +
           (network.bits == 128 ? "" : "/" + std::to_string(network.bits - (is_v4 ? kV4At : 0)));
}

bool TrustedProxies::contains(const IpAddress& address) const {
    return std::any_of(networks.begin(), networks.end(),
                       [&](const IpNetwork& network) { return network.contains(address); });
}

IpAddress TrustedProxies::client_of(const HttpHeaders& headers, const IpAddress& peer) const {
    if (!contains(peer)) return peer;
    const bool is_rfc7239 = field == ForwardedField::forwarded;
    std::string joined;
    for (const auto& [name, value] : headers.all())
        if (equals_ignoring_case(name, is_rfc7239 ? "forwarded" : "x-forwarded-for"))
            joined.append(joined.empty() ? "" : ",").append(value);
    std::string_view chain = joined;
    IpAddress client = peer;
    while (contains(client) && !chain.empty()) {
        const std::string_view last = take_last(chain, ',');
        const auto next = parse_node(is_rfc7239 ? for_of(last) : last);
        if (!next) break;
        client = *next;
    }
    return client;
}

}  // namespace tandem::net
