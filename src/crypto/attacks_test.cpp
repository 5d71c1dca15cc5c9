// Each class of attack on tokens, by its name.

#include <gtest/gtest.h>

#include <string>

#include "auth/base64url.hpp"
#include "auth/trust.hpp"
#include "crypto/signatures.hpp"

namespace tandem::crypto {
namespace {

using auth::Algorithm;
using auth::Flaw;
using auth::Key;
using auth::Trust;
using base::ErrorCode;

constexpr uint64_t kNow = 1'800'000'000'000;

std::string claims(const std::string& more = "") {
    return R"({"sub":"ann","exp":1800000060,"cap":{"board:*":["read","write"]})" +
           (more.empty() ? "" : "," + more) + "}";
}

std::string sign(const Key& key, const std::string& payload) {
    std::string text = auth::signing_text(key, payload);
    const auto signature = GnutlsSignatures::sign(key, text);
    EXPECT_TRUE(signature.ok());
    return auth::with_signature(std::move(text), *signature);
}

std::string sign_with_header(const Key& key, std::string_view header, const std::string& payload) {
    std::string text = auth::to_base64url(header) + '.' + auth::to_base64url(payload);
    return auth::with_signature(text, *GnutlsSignatures::sign(key, text));
}

class TokenAttacks : public testing::Test {
  protected:
    TokenAttacks() { trust.issuers.push_back({"", "", {public_part(ed), secret}}); }
    static Key public_part(Key key) {
        key.d.clear();
        return key;
    }
    // Why it is refused; `none` when it is taken.
    Flaw judge(std::string_view token) const {
        Flaw flaw = Flaw::none;
        const auto grant = auth::check_token(token, trust, signatures, kNow, &flaw);
        EXPECT_EQ(grant.ok(), flaw == Flaw::none);
        if (!grant)
            code = grant.error().code;
        else
            subject = grant->subject;
        return flaw;
    }

    GnutlsSignatures signatures;
    Key ed = *GnutlsSignatures::make_key(Algorithm::eddsa, "ed-1");
    Key secret = *GnutlsSignatures::make_key(Algorithm::hs256, "hs-1");
    Trust trust;
    mutable ErrorCode code = ErrorCode::internal;
    mutable std::string subject;
};

TEST_F(TokenAttacks, GoodTokensAreTaken) {
    EXPECT_EQ(judge(sign(ed, claims())), Flaw::none);
    EXPECT_EQ(subject, "ann");
    EXPECT_EQ(judge(sign(secret, claims())), Flaw::none);
}

TEST_F(TokenAttacks, AlgorithmNoneIsRefused) {
    for (const char* alg : {"none", "None", "NONE", "nOnE", ""}) {
        const std::string text =
            auth::to_base64url(R"({"alg":")" + std::string(alg) + R"(","kid":"ed-1"})") + '.' +
            auth::to_base64url(claims());
        EXPECT_EQ(judge(text + '.'), Flaw::form) << alg;
        EXPECT_EQ(code, ErrorCode::token_invalid);
        EXPECT_EQ(judge(text), Flaw::form) << alg;
    }
    EXPECT_EQ(
        judge(auth::to_base64url(R"({"kid":"ed-1"})") + '.' + auth::to_base64url(claims()) + '.'),
        Flaw::form);
}

TEST_F(TokenAttacks, AlgorithmConfusionIsRefused) {
    // The public key, which everybody has, as the secret of an HMAC.
    for (const std::string& bytes : {ed.x, auth::public_jwk(public_part(ed))}) {
        Key forged;
        forged.algorithm = Algorithm::hs256;
        forged.id = "ed-1";
        forged.secret = bytes;
        EXPECT_EQ(judge(sign(forged, claims())), Flaw::key);
    }
    // And a token of one algorithm that names the key of another.
    Key renamed = ed;
    renamed.id = "hs-1";
    EXPECT_EQ(judge(sign(renamed, claims())), Flaw::key);
}

TEST_F(TokenAttacks, AKeyInTheHeaderIsNotUsed) {
    const Key own = *GnutlsSignatures::make_key(Algorithm::eddsa, "ed-1");
    const std::string jwk = auth::public_jwk(own);
    EXPECT_EQ(
        judge(sign_with_header(own, R"({"alg":"EdDSA","kid":"ed-1","jwk":)" + jwk + "}", claims())),
        Flaw::form);
    for (const char* name : {"jku", "x5u", "x5c"})
        EXPECT_EQ(
            judge(sign_with_header(
                ed, R"({"alg":"EdDSA","kid":"ed-1",")" + std::string(name) + R"(":"https://evil"})",
                claims())),
            Flaw::form)
            << name;
}

TEST_F(TokenAttacks, CriticalExtensionsAreRefused) {
    for (const char* more : {R"("crit":["exp"])", R"("b64":false)", R"("zip":"DEF")"})
        EXPECT_EQ(judge(sign_with_header(
                      ed, R"({"alg":"EdDSA","kid":"ed-1",)" + std::string(more) + "}", claims())),
                  Flaw::form)
            << more;
}

TEST_F(TokenAttacks, ClaimsAreNotUsedBeforeTheSignatureIsChecked) {
    // What is wrong with the claims must not be told of a token that nobody signed.
    const std::string expired = sign(ed, R"({"sub":"ann","exp":1})");
    EXPECT_EQ(judge(expired), Flaw::expired);
    EXPECT_EQ(code, ErrorCode::token_expired);
    std::string forged = expired;
    forged[forged.size() - 4] = forged[forged.size() - 4] == 'A' ? 'B' : 'A';
    EXPECT_EQ(judge(forged), Flaw::signature);
    EXPECT_EQ(code, ErrorCode::token_invalid);
    EXPECT_EQ(judge(sign(*GnutlsSignatures::make_key(Algorithm::eddsa, "ed-1"), "not JSON")),
              Flaw::signature);
}

TEST_F(TokenAttacks, KeysAreOfTheirIssuerAndNotOfTheirKidAlone) {
    const Key of_b = *GnutlsSignatures::make_key(Algorithm::eddsa, "ed-1");
    trust.issuers = {{"https://a", "", {public_part(ed)}}, {"https://b", "", {public_part(of_b)}}};
    EXPECT_EQ(judge(sign(ed, claims(R"("iss":"https://a")"))), Flaw::none);
    EXPECT_EQ(subject, "https://a|ann");
    EXPECT_EQ(judge(sign(of_b, claims(R"("iss":"https://b")"))), Flaw::none);
    EXPECT_EQ(subject, "https://b|ann");
    // B signs what A should have said.
    EXPECT_EQ(judge(sign(of_b, claims(R"("iss":"https://a")"))), Flaw::issuer);
    EXPECT_EQ(judge(sign(ed, claims())), Flaw::issuer);
}

TEST_F(TokenAttacks, ShortSecretsAreRefused) {
    EXPECT_FALSE(
        auth::read_jwks(R"({"kty":"oct","k":")" + auth::to_base64url(std::string(31, 'k')) + "\"}")
            .ok());
    EXPECT_TRUE(
        auth::read_jwks(R"({"kty":"oct","k":")" + auth::to_base64url(std::string(32, 'k')) + "\"}")
            .ok());
    Key weak;
    weak.algorithm = Algorithm::hs256;
    weak.secret = std::string(31, 'k');
    EXPECT_FALSE(GnutlsSignatures::sign(weak, "text").ok());
    EXPECT_FALSE(signatures.is_good(weak, "text", std::string(32, 0)));
}

TEST_F(TokenAttacks, ShortRsaKeysAreRefused) {
    const auto jwk = [](size_t bytes) {
        return R"({"kty":"RSA","e":"AQAB","n":")" + auth::to_base64url(std::string(bytes, 'n')) +
               "\"}";
    };
    EXPECT_FALSE(auth::read_jwks(jwk(255)).ok());
    EXPECT_TRUE(auth::read_jwks(jwk(256)).ok());
}

TEST_F(TokenAttacks, DoubledMembersAreRefused) {
    EXPECT_EQ(judge(sign(ed, R"({"sub":"ann","sub":"root","exp":1800000060})")), Flaw::claims);
    EXPECT_EQ(
        judge(sign_with_header(ed, R"({"alg":"EdDSA","alg":"EdDSA","kid":"ed-1"})", claims())),
        Flaw::form);
    EXPECT_FALSE(auth::read_jwks(R"({"keys":[],"keys":[]})").ok());
}

TEST_F(TokenAttacks, ReservedKeysOfJavaScriptAreRefused) {
    EXPECT_EQ(judge(sign(ed, claims(R"("__proto__":{"admin":true})"))), Flaw::claims);
    EXPECT_EQ(judge(sign(ed, claims(R"("info":{"constructor":1})"))), Flaw::claims);
}

TEST_F(TokenAttacks, Base64UrlIsStrict) {
    const std::string token = sign(ed, claims());
    ASSERT_EQ(judge(token), Flaw::none);
    for (const std::string& bad :
         {token + "=", token + "\n", " " + token, token + ".", "." + token, token + ".x",
          std::string(token).replace(token.find('.'), 1, ".."),
          std::string(token).insert(token.size() - 5, "\n")})
        EXPECT_EQ(judge(bad), Flaw::form) << bad;
    // The last character of 64 bytes has four bits that say nothing; only zeros are taken.
    std::string loose = token;
    const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    loose.back() = digits[digits.find(loose.back()) + 1];
    EXPECT_EQ(judge(loose), Flaw::form);
    EXPECT_FALSE(auth::from_base64url("AB+/").ok());
    EXPECT_FALSE(auth::from_base64url("A").ok());
    EXPECT_EQ(*auth::from_base64url("AB-_"), std::string("\x00\x1f\xbf", 3));
}

TEST_F(TokenAttacks, OversizedTokensAreRefusedUnread) {
    const std::string long_token = sign(ed, claims(R"("x":")" + std::string(9000, 'x') + '"'));
    EXPECT_EQ(judge(long_token), Flaw::form);
    EXPECT_EQ(code, ErrorCode::too_large);
    // At the limit, and one past it.
    for (const size_t size : {auth::kTokenBytesMax, auth::kTokenBytesMax + 1}) {
        judge(std::string(size, 'a'));
        EXPECT_EQ(code,
                  size > auth::kTokenBytesMax ? ErrorCode::too_large : ErrorCode::token_invalid);
    }
}

TEST_F(TokenAttacks, TimesAreChecked) {
    EXPECT_EQ(judge(sign(ed, R"({"sub":"ann"})")), Flaw::claims) << "without exp";
    EXPECT_EQ(judge(sign(ed, R"({"sub":"ann","exp":"1800000060"})")), Flaw::claims);
    EXPECT_EQ(judge(sign(ed, R"({"sub":"ann","exp":-1})")), Flaw::claims);
    EXPECT_EQ(judge(sign(ed, R"({"sub":"ann","exp":1e300})")), Flaw::claims);
    EXPECT_EQ(judge(sign(ed, R"({"sub":"ann","exp":1800000000})")), Flaw::expired);
    EXPECT_EQ(judge(sign(ed, R"({"sub":"ann","exp":1800000001})")), Flaw::none);
    EXPECT_EQ(judge(sign(ed, claims(R"("nbf":1800000010)"))), Flaw::none) << "within the leeway";
    EXPECT_EQ(judge(sign(ed, claims(R"("nbf":1800000011)"))), Flaw::early);
    EXPECT_EQ(judge(sign(ed, claims(R"("iat":1800000011)"))), Flaw::early);
}

TEST_F(TokenAttacks, TokensForOthersAreRefused) {
    EXPECT_EQ(judge(sign(ed, claims(R"("aud":"shop")"))), Flaw::audience);
    trust.issuers[0].audience = "tandem";
    EXPECT_EQ(judge(sign(ed, claims(R"("aud":"tandem")"))), Flaw::none);
    EXPECT_EQ(judge(sign(ed, claims(R"("aud":["shop","tandem"])"))), Flaw::none);
    EXPECT_EQ(judge(sign(ed, claims(R"("aud":["shop"])"))), Flaw::audience);
    EXPECT_EQ(judge(sign(ed, claims(R"("aud":["tandem",1])"))), Flaw::audience);
    EXPECT_EQ(judge(sign(ed, claims())), Flaw::audience);
}

TEST_F(TokenAttacks, SubjectsAreTexts) {
    EXPECT_EQ(judge(sign(ed, R"({"exp":1800000060})")), Flaw::claims);
    EXPECT_EQ(judge(sign(ed, R"({"exp":1800000060,"sub":""})")), Flaw::claims);
    EXPECT_EQ(judge(sign(ed, R"({"exp":1800000060,"sub":7})")), Flaw::claims);
    EXPECT_EQ(judge(sign(ed, R"({"exp":1800000060,"sub":")" + std::string(256, 's') + "\"}")),
              Flaw::claims);
}

TEST(Jwks, KeysThatAreNotTakenAreTold) {
    EXPECT_EQ(auth::read_jwks(R"({"keys":[{"kty":"OKP","crv":"X25519","x":"AA"}]})").error(),
              base::fail(ErrorCode::token_invalid, 0));
    EXPECT_FALSE(auth::read_jwks("[]").ok());
    EXPECT_FALSE(auth::read_jwks(R"({"keys":{}})").ok());
    Key key = *GnutlsSignatures::make_key(Algorithm::hs256, "a");
    const std::string jwk = auth::private_jwk(key);
    EXPECT_FALSE(auth::read_jwks(R"({"keys":[)" + jwk + "," + jwk + "]}").ok()) << "one kid twice";
    // Its algorithm is not that of its type, or it is not for signatures.
    std::string other = jwk;
    other.replace(other.find("HS256"), 5, "HS384");
    EXPECT_FALSE(auth::read_jwks(other).ok());
    EXPECT_FALSE(auth::read_jwks(jwk.substr(0, jwk.size() - 1) + R"(,"use":"enc"})").ok());
    EXPECT_TRUE(auth::read_jwks(jwk.substr(0, jwk.size() - 1) + R"(,"use":"sig"})").ok());
}

}  // namespace
}  // namespace tandem::crypto
