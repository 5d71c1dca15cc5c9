#include "net/url.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tandem::net {
namespace {

TEST(Url, ReadsTheFormsThatToolsUse) {
    const auto parse = [](std::string_view text) {
        const auto url = parse_url(text);
        EXPECT_TRUE(url.ok()) << text;
        if (!url.ok()) return std::string();
        return std::string(url->is_secure ? "s " : "") + to_text(url->address) + url->target;
    };
    EXPECT_EQ(parse("http://127.0.0.1:8000"), "127.0.0.1:8000/");
    EXPECT_EQ(parse("WS://localhost/a/b?x=1#f"), "localhost:80/a/b?x=1");
    EXPECT_EQ(parse("wss://[::1]:9?x"), "s [::1]:9/?x");
    EXPECT_EQ(parse("https://[::1]/"), "s [::1]:443/");
}

TEST(Url, RefusesTheRest) {
    for (const std::string_view text :
         {"", "localhost:80", "ftp://a/", "http://", "http:///a", "http://a:", "http://a:x/",
          "http://a:70000/", "http://u@a/", "http://[::1", "http://[::1]x", "http://a/ b",
          "http://a/\r\n"}) {
        EXPECT_FALSE(parse_url(text).ok()) << text;
    }
}

}  // namespace
}  // namespace tandem::net
