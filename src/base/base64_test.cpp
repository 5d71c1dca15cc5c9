#include "base/base64.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace tandem::base {
namespace {

TEST(Base64, GoesThereAndBack) {
    for (const auto& [bytes, text] :
         std::vector<std::pair<std::string, std::string>>{{"", ""},
                                                          {"f", "Zg=="},
                                                          {"fo", "Zm8="},
                                                          {"foo", "Zm9v"},
                                                          {"foobar", "Zm9vYmFy"},
                                                          {"\xff\xfe\xfd", "//79"}}) {
        EXPECT_EQ(to_base64(bytes), text);
        const auto back = from_base64(text);
        ASSERT_TRUE(back.ok()) << text;
        EXPECT_EQ(*back, bytes);
    }
    for (const char* wrong : {"Zg", "Zg=", "Zh==", "Z===", "====", "Zm9v=", "Zm!v", "Zg==Zg=="})
        EXPECT_FALSE(from_base64(wrong).ok()) << wrong;
}

TEST(Base64, KeepsEveryByte) {
    std::string bytes;
    for (int i = 0; i < 256; ++i)
        bytes += static_cast<char>(i);
    for (size_t size = 0; size <= bytes.size(); ++size) {
        const std::string part = bytes.substr(0, size);
        const auto back = from_base64(to_base64(part));
        ASSERT_TRUE(back.ok()) << size;
        EXPECT_EQ(*back, part);
    }
}

}  // namespace
}  // namespace tandem::base
