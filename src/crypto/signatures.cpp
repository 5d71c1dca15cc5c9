#include "crypto/signatures.hpp"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include <array>
#include <memory>

namespace tandem::crypto {

using auth::Algorithm;
using auth::Key;
using base::ErrorCode;

namespace {

constexpr size_t kDigestBytes = 32;
constexpr size_t kCoordinateBytes = 32;

gnutls_datum_t datum(std::string_view bytes) {
    return {reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data())),
            static_cast<unsigned>(bytes.size())};
}

std::string text_of(const gnutls_datum_t& bytes) {
    return {reinterpret_cast<const char*>(bytes.data), bytes.size};
}

struct FreeDatum {
    gnutls_datum_t bytes{nullptr, 0};
    FreeDatum() = default;
    ~FreeDatum() { gnutls_free(bytes.data); }
    FreeDatum(const FreeDatum&) = delete;
    FreeDatum& operator=(const FreeDatum&) = delete;
};

struct PublicKeyDeleter {
    void operator()(gnutls_pubkey_t key) const { gnutls_pubkey_deinit(key); }
};
using PublicKey = std::unique_ptr<std::remove_pointer_t<gnutls_pubkey_t>, PublicKeyDeleter>;
struct PrivateKeyDeleter {
    void operator()(gnutls_privkey_t key) const { gnutls_privkey_deinit(key); }
};
using PrivateKey = std::unique_ptr<std::remove_pointer_t<gnutls_privkey_t>, PrivateKeyDeleter>;

PublicKey public_key(const Key& key) {
    gnutls_pubkey_t made = nullptr;
    if (gnutls_pubkey_init(&made) < 0) return nullptr;
    PublicKey owned(made);
    const gnutls_datum_t x = datum(key.x);
    const gnutls_datum_t y = datum(key.y);
    const gnutls_datum_t n = datum(key.n);
    const gnutls_datum_t e = datum(key.e);
    int status = GNUTLS_E_INVALID_REQUEST;
    switch (key.algorithm) {
        case Algorithm::eddsa:
            status = gnutls_pubkey_import_ecc_raw(made, GNUTLS_ECC_CURVE_ED25519, &x, nullptr);
            break;
        case Algorithm::es256:
            status = gnutls_pubkey_import_ecc_raw(made, GNUTLS_ECC_CURVE_SECP256R1, &x, &y);
            break;
        case Algorithm::rs256:
            status = gnutls_pubkey_import_rsa_raw(made, &n, &e);
            break;
        case Algorithm::hs256:
            break;
    }
    return status < 0 ? nullptr : std::move(owned);
}

std::array<char, kDigestBytes> hmac(std::string_view secret, std::string_view text) {
    std::array<char, kDigestBytes> out{};
    gnutls_hmac_fast(GNUTLS_MAC_SHA256, secret.data(), secret.size(), text.data(), text.size(),
                     out.data());
    return out;
}

gnutls_sign_algorithm_t sign_algorithm(Algorithm algorithm) {
    switch (algorithm) {
        case Algorithm::eddsa:
            return GNUTLS_SIGN_EDDSA_ED25519;
        case Algorithm::es256:
            return GNUTLS_SIGN_ECDSA_SHA256;
        case Algorithm::rs256:
            return GNUTLS_SIGN_RSA_SHA256;
        case Algorithm::hs256:
            break;
    }
    return GNUTLS_SIGN_UNKNOWN;
}

// A coordinate as JWK and JWS have it: 32 bytes, with zeros in front.
std::string padded(const gnutls_datum_t& bytes) {
    std::string out = text_of(bytes);
    while (out.size() > kCoordinateBytes && out.front() == 0)
        out.erase(0, 1);
    return out.size() < kCoordinateBytes ? std::string(kCoordinateBytes - out.size(), '\0') + out
                                         : out;
}

}  // namespace

bool equals_secret(std::string_view a, std::string_view b) {
    // Of digests under a key of this call's own, so that the lengths tell nothing either.
    std::array<char, kDigestBytes> key{};
    if (gnutls_rnd(GNUTLS_RND_NONCE, key.data(), key.size()) < 0) return false;
    const auto left = hmac({key.data(), key.size()}, a);
    const auto right = hmac({key.data(), key.size()}, b);
    return gnutls_memcmp(left.data(), right.data(), left.size()) == 0;
}

bool GnutlsSignatures::is_good(const Key& key, std::string_view text,
                               std::string_view signature) const {
    if (key.algorithm == Algorithm::hs256) {
        if (key.secret.size() < auth::kSecretBytesMin || signature.size() != kDigestBytes)
            return false;
        const auto wanted = hmac(key.secret, text);
        return gnutls_memcmp(wanted.data(), signature.data(), wanted.size()) == 0;
    }
    const PublicKey imported = public_key(key);
    if (imported == nullptr) return false;
    const gnutls_datum_t signed_text = datum(text);
    gnutls_datum_t given = datum(signature);
    FreeDatum encoded;
    if (key.algorithm == Algorithm::es256) {
        if (signature.size() != 2 * kCoordinateBytes) return false;
        const gnutls_datum_t r = datum(signature.substr(0, kCoordinateBytes));
        const gnutls_datum_t s = datum(signature.substr(kCoordinateBytes));
        if (gnutls_encode_rs_value(&encoded.bytes, &r, &s) < 0) return false;
        given = encoded.bytes;
    } else if (key.algorithm == Algorithm::eddsa && signature.size() != 64) {
        return false;
    } else if (key.algorithm == Algorithm::rs256 && signature.size() != key.n.size()) {
        return false;
    }
    return gnutls_pubkey_verify_data2(imported.get(), sign_algorithm(key.algorithm), 0,
                                      &signed_text, &given) >= 0;
}

base::Result<std::string> GnutlsSignatures::sign(const Key& key, std::string_view text) {
    if (key.algorithm == Algorithm::hs256) {
        if (key.secret.size() < auth::kSecretBytesMin) return ErrorCode::invalid_argument;
        const auto digest = hmac(key.secret, text);
        return std::string(digest.data(), digest.size());
    }
    if (key.d.empty() || key.algorithm == Algorithm::rs256) return ErrorCode::invalid_argument;
    gnutls_privkey_t made = nullptr;
    if (gnutls_privkey_init(&made) < 0) return ErrorCode::internal;
    const PrivateKey owned(made);
    const gnutls_datum_t x = datum(key.x);
    const gnutls_datum_t y = datum(key.y);
    const gnutls_datum_t d = datum(key.d);
    const bool is_curve = key.algorithm == Algorithm::es256;
    if (gnutls_privkey_import_ecc_raw(
            made, is_curve ? GNUTLS_ECC_CURVE_SECP256R1 : GNUTLS_ECC_CURVE_ED25519, &x,
            is_curve ? &y : nullptr, &d) < 0)
        return ErrorCode::invalid_argument;
    const gnutls_datum_t to_sign = datum(text);
    FreeDatum signature;
    if (gnutls_privkey_sign_data2(made, sign_algorithm(key.algorithm), 0, &to_sign,
                                  &signature.bytes) < 0)
        return ErrorCode::invalid_argument;
    if (!is_curve) return text_of(signature.bytes);
    FreeDatum r;
    FreeDatum s;
    if (gnutls_decode_rs_value(&signature.bytes, &r.bytes, &s.bytes) < 0)
        return ErrorCode::internal;
    return padded(r.bytes) + padded(s.bytes);
}

base::Result<Key> GnutlsSignatures::make_key(Algorithm algorithm, std::string id) {
    Key key;
    key.algorithm = algorithm;
    key.id = std::move(id);
    if (algorithm == Algorithm::hs256) {
        key.secret.resize(kDigestBytes);
        if (gnutls_rnd(GNUTLS_RND_KEY, key.secret.data(), key.secret.size()) < 0)
            return ErrorCode::internal;
        return key;
    }
    if (algorithm == Algorithm::rs256) return ErrorCode::invalid_argument;
    gnutls_privkey_t made = nullptr;
    if (gnutls_privkey_init(&made) < 0) return ErrorCode::internal;
    const PrivateKey owned(made);
    const bool is_curve = algorithm == Algorithm::es256;
    const unsigned bits = is_curve ? GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1)
                                   : GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED25519);
    if (gnutls_privkey_generate(made, is_curve ? GNUTLS_PK_ECDSA : GNUTLS_PK_EDDSA_ED25519, bits,
                                0) < 0)
        return ErrorCode::internal;
    gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;
    FreeDatum x;
    FreeDatum y;
    FreeDatum d;
    if (gnutls_privkey_export_ecc_raw(made, &curve, &x.bytes, &y.bytes, &d.bytes) < 0)
        return ErrorCode::internal;
    key.x = is_curve ? padded(x.bytes) : text_of(x.bytes);
    if (is_curve) key.y = padded(y.bytes);
    key.d = is_curve ? padded(d.bytes) : text_of(d.bytes);
    return key;
}

}  // namespace tandem::crypto
