#include "net/address_limits.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tandem::net {
namespace {

using base::ErrorCode;

IpAddress ip(const std::string& text) {
    const auto parsed = parse_ip(text);
    EXPECT_TRUE(parsed) << text;
    return parsed.value_or(IpAddress());
}

AddressLimits::Options options(size_t connections, base::Rate rate = {}) {
    AddressLimits::Options out;
    out.connections_max = connections;
    out.connections = rate;
    return out;
}

TEST(AddressLimits, ConnectionsAtTheLimitAndOnePastIt) {
    AddressLimits limits(options(3));
    std::vector<AddressLimits::Lease> held;
    for (int i = 0; i < 3; ++i) {
        auto lease = limits.connect(ip("10.0.0.1"), 1'000);
        ASSERT_TRUE(lease.ok());
        held.push_back(*std::move(lease));
    }
    EXPECT_EQ(limits.connect(ip("10.0.0.1"), 1'000).error(),
              base::fail(ErrorCode::too_many_connections, 3));
    EXPECT_EQ(limits.connect(ip("::ffff:10.0.0.1"), 1'000).error().code,
              ErrorCode::too_many_connections)
        << "the same address in the form of IPv6";
    EXPECT_TRUE(limits.connect(ip("10.0.0.2"), 1'000).ok()) << "each address has its own";
    held.pop_back();
    EXPECT_TRUE(limits.connect(ip("10.0.0.1"), 1'000).ok());
}

TEST(AddressLimits, NewConnectionsAtTheRateAndOnePastIt) {
    AddressLimits limits(options(1'000, {20, 20}));
    for (int i = 0; i < 20; ++i)
        EXPECT_TRUE(limits.connect(ip("10.0.0.1"), 1'000).ok()) << i;
    EXPECT_EQ(limits.connect(ip("10.0.0.1"), 1'000).error(),
              base::fail(ErrorCode::rate_limited, 50));
    EXPECT_FALSE(limits.connect(ip("10.0.0.1"), 1'049).ok());
    EXPECT_TRUE(limits.connect(ip("10.0.0.1"), 1'050).ok());
    EXPECT_FALSE(limits.connect(ip("10.0.0.1"), 1'050).ok());
}

TEST(AddressLimits, RequestsAtTheRateAndOnePastIt) {
    AddressLimits::Options with = options(1'000);
    with.requests = {10, 30};
    AddressLimits limits(with);
    for (int i = 0; i < 30; ++i)
        EXPECT_TRUE(limits.request(ip("10.0.0.1"), 1'000).ok()) << i;
    EXPECT_EQ(limits.request(ip("10.0.0.1"), 1'000).error(),
              base::fail(ErrorCode::rate_limited, 100));
    EXPECT_TRUE(limits.request(ip("10.0.0.2"), 1'000).ok());
    EXPECT_TRUE(limits.request(ip("10.0.0.1"), 1'100).ok());
}

TEST(AddressLimits, AnIpv6CustomerIsOneAddress) {
    AddressLimits limits(options(1));
    const auto held = limits.connect(ip("2001:db8:1:2::1"), 1'000);
    ASSERT_TRUE(held.ok());
    EXPECT_FALSE(limits.connect(ip("2001:db8:1:2:ffff::9"), 1'000).ok());
    EXPECT_TRUE(limits.connect(ip("2001:db8:1:3::1"), 1'000).ok());
}

TEST(AddressLimits, ThisMachineIsNotCounted) {
    AddressLimits limits(options(1, {1, 1}));
    std::vector<AddressLimits::Lease> held;
    for (int i = 0; i < 50; ++i)
        for (const char* address : {"127.0.0.1", "::1", "::ffff:127.0.0.1", "127.9.9.9"}) {
            auto lease = limits.connect(ip(address), 1'000);
            ASSERT_TRUE(lease.ok());
            held.push_back(*std::move(lease));
        }
    EXPECT_EQ(limits.addresses(), 0u);
}

// Memory exhaustion by a herd of addresses: the table keeps to its bound, and who holds a
// connection keeps its row.
TEST(AddressLimits, TheTableKeepsToItsBoundAndOnePastIt) {
    AddressLimits::Options with = options(1);
    with.addresses_max = 100;
    AddressLimits limits(with);
    const auto held = limits.connect(ip("9.9.9.9"), 1'000);
    ASSERT_TRUE(held.ok());
    for (int i = 0; i < 10'000; ++i) {
        const std::string address =
            "10.0." + std::to_string(i / 250) + '.' + std::to_string(i % 250);
        EXPECT_TRUE(limits.connect(ip(address), 1'000).ok());
        EXPECT_LE(limits.addresses(), 100u);
    }
    EXPECT_FALSE(limits.connect(ip("9.9.9.9"), 1'000).ok()) << "not forgotten";

    std::vector<AddressLimits::Lease> all;
    for (int i = 0; i < 99; ++i) {
        auto lease = limits.connect(ip("11.0.0." + std::to_string(i)), 1'000);
        ASSERT_TRUE(lease.ok());
        all.push_back(*std::move(lease));
    }
    EXPECT_EQ(limits.connect(ip("12.0.0.1"), 1'000).error().code, ErrorCode::overloaded);
    EXPECT_EQ(limits.request(ip("12.0.0.1"), 1'000).error().code, ErrorCode::overloaded);
    all.pop_back();
    EXPECT_TRUE(limits.connect(ip("12.0.0.1"), 1'000).ok());
}

TEST(IpAddress, IsReadAndWritten) {
    EXPECT_EQ(to_text(ip("1.2.3.4")), "1.2.3.4");
    EXPECT_EQ(to_text(ip("::ffff:1.2.3.4")), "1.2.3.4");
    EXPECT_EQ(to_text(ip("[2001:DB8::1]")), "2001:db8::1");
    EXPECT_EQ(ip("fe80::1%eth0"), ip("fe80::1"));
    for (const char* wrong : {"", "1.2.3", "1.2.3.4.5", "1.2.3.4:80", "01.2.3.4x", "[::1", "::1]",
                              "localhost", "1.2.3.256", "2001:db8::1::2", "::ffff:1.2.3.4.5.6.7.8",
                              "0000:0000:0000:0000:0000:0000:0000:0000:0000"})
        EXPECT_FALSE(parse_ip(wrong)) << wrong;
}

TEST(IpNetwork, HasItsAddressesAndNoOthers) {
    const auto ten = parse_network("10.0.0.0/8");
    ASSERT_TRUE(ten);
    EXPECT_TRUE(ten->contains(ip("10.255.0.1")));
    EXPECT_TRUE(ten->contains(ip("::ffff:10.1.2.3")));
    EXPECT_FALSE(ten->contains(ip("11.0.0.0")));
    const auto odd = parse_network("192.168.128.0/17");
    ASSERT_TRUE(odd);
    EXPECT_TRUE(odd->contains(ip("192.168.200.1")));
    EXPECT_FALSE(odd->contains(ip("192.168.127.255")));
    const auto v6 = parse_network("2001:db8::/32");
    ASSERT_TRUE(v6);
    EXPECT_TRUE(v6->contains(ip("2001:db8:ffff::1")));
    EXPECT_FALSE(v6->contains(ip("2001:db9::1")));
    const auto all = parse_network("0.0.0.0/0");
    ASSERT_TRUE(all);
    EXPECT_TRUE(all->contains(ip("8.8.8.8")));
    EXPECT_FALSE(all->contains(ip("2001:db8::1"))) << "of IPv4 all, of IPv6 none";
    const auto one = parse_network("10.0.0.1");
    ASSERT_TRUE(one);
    EXPECT_FALSE(one->contains(ip("10.0.0.2")));
    for (const char* wrong : {"10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x", "/8", "x/8",
                              "2001:db8::/129", "2001:db8::1/64", "10.0.0.0/-1"})
        EXPECT_FALSE(parse_network(wrong)) << wrong;
}

TrustedProxies proxies(ForwardedField field = ForwardedField::x_forwarded_for) {
    return {{*parse_network("127.0.0.1"), *parse_network("10.0.0.0/24"),
             *parse_network("2001:db8:9::/48")},
            field};
}

std::string client(std::vector<std::string> fields, const char* peer,
                   ForwardedField field = ForwardedField::x_forwarded_for) {
    HttpHeaders headers;
    for (const std::string& value : fields)
        headers.add(field == ForwardedField::forwarded ? "Forwarded" : "X-Forwarded-For", value);
    return to_text(proxies(field).client_of(headers, ip(peer)));
}

// Presence and limits by a forged address: only what a trusted proxy has written itself counts.
TEST(TrustedProxies, OnlyTheLastUntrustedAddressIsBelieved) {
    EXPECT_EQ(client({"1.2.3.4"}, "9.9.9.9"), "9.9.9.9") << "who is no proxy speaks for itself";
    EXPECT_EQ(client({"1.2.3.4"}, "127.0.0.1"), "1.2.3.4");
    EXPECT_EQ(client({"1.2.3.4"}, "::ffff:127.0.0.1"), "1.2.3.4");
    EXPECT_EQ(client({"6.6.6.6, 1.2.3.4"}, "127.0.0.1"), "1.2.3.4");
    EXPECT_EQ(client({"6.6.6.6, 1.2.3.4 , 10.0.0.9"}, "127.0.0.1"), "1.2.3.4");
    EXPECT_EQ(client({"6.6.6.6", "1.2.3.4", "10.0.0.9"}, "127.0.0.1"), "1.2.3.4")
        << "several fields are one list";
    EXPECT_EQ(client({"10.0.0.8, 10.0.0.9"}, "127.0.0.1"), "10.0.0.8");
    EXPECT_EQ(client({}, "127.0.0.1"), "127.0.0.1");
    EXPECT_EQ(client({"1.2.3.4, unknown"}, "127.0.0.1"), "127.0.0.1");
    EXPECT_EQ(client({"1.2.3.4, unknown, 10.0.0.7"}, "127.0.0.1"), "10.0.0.7");
    EXPECT_EQ(client({"1.2.3.4,"}, "127.0.0.1"), "127.0.0.1");
    EXPECT_EQ(client({"[2001:db8::1]:80"}, "127.0.0.1"), "2001:db8::1");
    EXPECT_EQ(client({"2001:db8::1"}, "2001:db8:9::1"), "2001:db8::1");
    EXPECT_EQ(client({"1.2.3.4:5678"}, "127.0.0.1"), "1.2.3.4");
}

TEST(TrustedProxies, ReadTheStandardFieldToo) {
    const auto told = [](std::vector<std::string> fields) {
        return client(std::move(fields), "127.0.0.1", ForwardedField::forwarded);
    };
    EXPECT_EQ(told({"for=1.2.3.4"}), "1.2.3.4");
    EXPECT_EQ(told({"For=\"[2001:db8::17]:4711\";proto=https;by=10.0.0.1"}), "2001:db8::17");
    EXPECT_EQ(told({"for=6.6.6.6;by=\"a,for=7.7.7.7\", proto=http;for=1.2.3.4"}), "1.2.3.4");
    EXPECT_EQ(told({"for=1.2.3.4, for=_hidden"}), "127.0.0.1");
    EXPECT_EQ(told({"by=1.2.3.4"}), "127.0.0.1");
    EXPECT_EQ(told({"for=\"1.2.3.4"}), "127.0.0.1");
    HttpHeaders other;
    other.add("X-Forwarded-For", "6.6.6.6");
    EXPECT_EQ(to_text(proxies(ForwardedField::forwarded).client_of(other, ip("127.0.0.1"))),
              "127.0.0.1")
        << "the field that the proxy does not write is the client's";
}

}  // namespace
}  // namespace tandem::net
