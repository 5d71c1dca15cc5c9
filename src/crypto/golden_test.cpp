// The examples of the standards: tokens and keys of RFC 7515, appendix A, and RFC 8037, appendix A.

#include <gtest/gtest.h>

#include "auth/base64url.hpp"
#include "auth/trust.hpp"
#include "crypto/signatures.hpp"

namespace tandem::crypto {
namespace {

constexpr std::string_view kPayload =
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cn"
    "VlfQ.";

auth::Key key_of(std::string_view json) {
    auto keys = auth::read_jwks(json);
    EXPECT_TRUE(keys.ok());
    return keys->at(0);
}

// That the token is good for the key, and not with any one byte changed.
void expect_golden(std::string_view key_json, const std::string& token) {
    const auth::Key key = key_of(key_json);
    const auto jws = auth::read_jws(token);
    ASSERT_TRUE(jws.ok());
    EXPECT_EQ(jws->algorithm, key.algorithm);
    const GnutlsSignatures signatures;
    EXPECT_TRUE(signatures.is_good(key, jws->signed_text, jws->signature));
    for (size_t at = 0; at < jws->signature.size(); at += 7) {
        std::string changed = jws->signature;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        EXPECT_FALSE(signatures.is_good(key, jws->signed_text, changed)) << at;
    }
    std::string text(jws->signed_text);
    text.back() = text.back() == 'A' ? 'B' : 'A';
    EXPECT_FALSE(signatures.is_good(key, text, jws->signature));
    EXPECT_FALSE(signatures.is_good(key, jws->signed_text, ""));
    EXPECT_FALSE(signatures.is_good(key, jws->signed_text, jws->signature + '\0'));
}

constexpr std::string_view kHs256Key =
    R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})";
constexpr std::string_view kEs256Key =
    R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
    R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"})";
constexpr std::string_view kEdKey =
    R"({"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",)"
    R"("x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";

TEST(GoldenTokens, Rfc7515A1Hs256) {
    expect_golden(kHs256Key, "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9" + std::string(kPayload) +
                                 "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
}

TEST(GoldenTokens, Rfc7515A2Rs256) {
    expect_golden(
        R"({"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"})",
        "eyJhbGciOiJSUzI1NiJ9" + std::string(kPayload) +
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
            "O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIA"
            "RNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPq"
            "vhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77"
            "Rw");
}

TEST(GoldenTokens, Rfc7515A3Es256) {
    expect_golden(kEs256Key, "eyJhbGciOiJFUzI1NiJ9" + std::string(kPayload) +
                                 "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSAp"
                                 "mWQxfKTUJqPP3-Kg6NU1Q");
}

TEST(GoldenTokens, Rfc8037A4EdDsaAndItsSignatureIsMadeAgain) {
    const std::string signed_text = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    const std::string signature =
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    expect_golden(kEdKey, signed_text + '.' + signature);
    const auto made = GnutlsSignatures::sign(key_of(kEdKey), signed_text);
    ASSERT_TRUE(made.ok());
    EXPECT_EQ(auth::to_base64url(*made), signature);
}

TEST(Signatures, WhatAKeySignsItChecks) {
    using auth::Algorithm;
    const GnutlsSignatures signatures;
    for (const Algorithm algorithm : {Algorithm::eddsa, Algorithm::es256, Algorithm::hs256})
        for (int round = 0; round < 40; ++round) {
            const auto key = GnutlsSignatures::make_key(algorithm, "k");
            ASSERT_TRUE(key.ok());
            const auto again = auth::read_jwks(auth::private_jwk(*key));
            ASSERT_TRUE(again.ok()) << auth::private_jwk(*key);
            const auto signature = GnutlsSignatures::sign(again->at(0), "text");
            ASSERT_TRUE(signature.ok());
            EXPECT_TRUE(signatures.is_good(*key, "text", *signature));
            EXPECT_FALSE(signatures.is_good(*key, "test", *signature));
            const auto other = GnutlsSignatures::make_key(algorithm, "k");
            EXPECT_FALSE(signatures.is_good(*other, "text", *signature));
        }
}

TEST(Signatures, SecretsAreCompared) {
    EXPECT_TRUE(equals_secret("", ""));
    EXPECT_TRUE(equals_secret("abc", "abc"));
    EXPECT_FALSE(equals_secret("abc", "abd"));
    EXPECT_FALSE(equals_secret("abc", "abcd"));
}

}  // namespace
}  // namespace tandem::crypto
