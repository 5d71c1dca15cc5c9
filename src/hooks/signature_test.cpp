#include "hooks/signature.hpp"

#include <gtest/gtest.h>

#include "base/base64.hpp"

namespace tandem::hooks {
namespace {

using base::to_hex;

// Test cases 1, 2 and 6 of RFC 4231: a short key, a text key, and a key that is hashed first.
TEST(Signature, HmacIsThatOfTheStandard) {
    EXPECT_EQ(to_hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    EXPECT_EQ(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(to_hex(hmac_sha256(std::string(131, '\xaa'),
                                 "Test Using Larger Than Block-Size Key - Hash Key First")),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Signature, SecretsHaveAPrefixAndAreLongEnough) {
    const std::string good = "whsec_" + base::to_base64(std::string(24, 'k'));
    ASSERT_TRUE(secret_key(good).ok());
    EXPECT_EQ(*secret_key(good), std::string(24, 'k'));
    EXPECT_FALSE(secret_key(base::to_base64(std::string(24, 'k'))).ok());
    EXPECT_FALSE(secret_key("whsec_" + base::to_base64(std::string(23, 'k'))).ok());
    EXPECT_FALSE(secret_key("whsec_" + base::to_base64(std::string(65, 'k'))).ok());
    EXPECT_FALSE(secret_key("whsec_none").ok());
}

TEST(Signature, EveryKeySignsIdTimeAndBody) {
    const std::string one(24, 'a');
    const std::string two(24, 'b');
    const std::string both = sign({one, two}, "id", 1'700'000'000, "{}");
    EXPECT_EQ(both, sign({one}, "id", 1'700'000'000, "{}") + " " +
                        sign({two}, "id", 1'700'000'000, "{}"));
    const auto digest = hmac_sha256(one, "id.1700000000.{}");
    EXPECT_EQ(
        sign({one}, "id", 1'700'000'000, "{}"),
        "v1," + base::to_base64({reinterpret_cast<const char*>(digest.data()), digest.size()}));
    EXPECT_NE(sign({one}, "id", 1'700'000'001, "{}"), sign({one}, "id", 1'700'000'000, "{}"));
    EXPECT_NE(sign({one}, "ie", 1'700'000'000, "{}"), sign({one}, "id", 1'700'000'000, "{}"));
}

}  // namespace
}  // namespace tandem::hooks
