#include "base/sha256.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tandem::base {
namespace {

std::string hex_of(std::string_view data) { return to_hex(sha256(data)); }

// The examples that NIST publishes with FIPS 180-4.
TEST(Sha256, PublishedVectors) {
    EXPECT_EQ(hex_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(hex_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hex_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(hex_of(std::string(1'000'000, 'a')),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// Every length around the block and padding boundaries; the expected digest of the concatenated
// digests was computed with an independent implementation (Python's hashlib).
TEST(Sha256, EveryLengthUpTo300) {
    Sha256 all;
    for (size_t length = 0; length < 300; ++length) {
        std::string message;
        for (size_t i = 0; i < length; ++i)
            message.push_back(static_cast<char>(i * 7 + length));
        Sha256Digest digest = sha256(message);
        all.update(std::string(digest.begin(), digest.end()));
    }
    EXPECT_EQ(to_hex(all.finish()),
              "d5238871a46ac4a1a75ac3fb19d645b0b3b9e5f35f5f720e2b240d605c6b694e");
}

TEST(Sha256, PiecesGiveTheDigestOfTheWhole) {
    std::string message;
    for (int i = 0; i < 500; ++i)
        message.push_back(static_cast<char>(i));
    for (size_t piece = 1; piece < 130; ++piece) {
        Sha256 hash;
        for (size_t at = 0; at < message.size(); at += piece) {
            hash.update(std::string_view(message).substr(at, piece));
        }
        EXPECT_EQ(hash.finish(), sha256(message)) << "pieces of " << piece;
    }
}

}  // namespace
}  // namespace tandem::base
