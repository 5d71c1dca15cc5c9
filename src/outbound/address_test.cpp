#include "outbound/address.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>

namespace tandem::outbound {
namespace {

bool is_public_text(const char* text) {
    Ipv4 four{};
    if (inet_pton(AF_INET, text, four.data()) == 1) return is_public(four);
    Ipv6 six{};
    EXPECT_EQ(inet_pton(AF_INET6, text, six.data()), 1) << text;
    return is_public(six);
}

TEST(Address, OnlyWhatIsOfThePublicInternetIsPublic) {
    for (const char* text :
         {"8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1",
          "169.253.1.1", "223.255.255.255", "2a00:1450::1", "2606:4700::1111", "::ffff:8.8.8.8",
          "64:ff9b::8.8.8.8", "2001:4860::8888"})
        EXPECT_TRUE(is_public_text(text)) << text;
    for (const char* text : {"0.0.0.0",
                             "10.1.2.3",
                             "100.64.0.1",
                             "100.127.255.255",
                             "127.0.0.1",
                             "127.255.0.1",
                             "169.254.169.254",
                             "172.16.0.1",
                             "172.31.255.255",
                             "192.168.1.1",
                             "192.0.0.1",
                             "192.0.2.1",
                             "198.18.0.1",
                             "198.19.255.255",
                             "198.51.100.1",
                             "203.0.113.1",
                             "224.0.0.1",
                             "255.255.255.255",
                             "240.0.0.1",
                             "::",
                             "::1",
                             "fe80::1",
                             "fc00::1",
                             "fd00:ec2::254",
                             "ff02::1",
                             "::ffff:127.0.0.1",
                             "::ffff:169.254.169.254",
                             "64:ff9b::10.0.0.1",
                             "2001:db8::1",
                             "2001::1",
                             "2002:7f00:1::",
                             "3fff::1",
                             "::127.0.0.1"})
        EXPECT_FALSE(is_public_text(text)) << text;
}

}  // namespace
}  // namespace tandem::outbound
