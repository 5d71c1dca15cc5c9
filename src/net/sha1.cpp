#include "net/sha1.hpp"

#include <bit>
#include <cstddef>

namespace tandem::net {

namespace {

void compress(std::array<uint32_t, 5>& state, const unsigned char* block) {
    std::array<uint32_t, 80> w{};
    for (size_t i = 0; i < 16; ++i) {
        w[i] = static_cast<uint32_t>(block[i * 4]) << 24U |
               static_cast<uint32_t>(block[i * 4 + 1]) << 16U |
               static_cast<uint32_t>(block[i * 4 + 2]) << 8U |
               static_cast<uint32_t>(block[i * 4 + 3]);
    }
    for (size_t i = 16; i < 80; ++i) {
        w[i] = std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    }
    auto [a, b, c, d, e] = state;
    for (size_t i = 0; i < 80; ++i) {
        uint32_t f = 0;
        uint32_t k = 0;
        if (i < 20) {
            f = (b & c) | (~b & d);
            k = 0x5A827999;
        } else if (i < 40) {
            f = b ^ c ^ d;
            k = 0x6ED9EBA1;
        } else if (i < 60) {
            f = (b & c) | (b & d) | (c & d);
            k = 0x8F1BBCDC;
        } else {
            f = b ^ c ^ d;
            k = 0xCA62C1D6;
        }
        const uint32_t next = std::rotl(a, 5) + f + e + k + w[i];
        e = d;
        d = c;
        c = std::rotl(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

}  // namespace

std::array<uint8_t, 20> sha1(std::string_view data) {
    std::array<uint32_t, 5> state{0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    std::string padded(data);
    padded.push_back(static_cast<char>(0x80));
    while (padded.size() % 64 != 56)
        padded.push_back('\0');
    const uint64_t bits = static_cast<uint64_t>(data.size()) * 8;
    for (unsigned shift = 64; shift != 0;) {
        shift -= 8;
        padded.push_back(static_cast<char>(bits >> shift & 0xFFU));
    }
    std::array<unsigned char, 64> block{};
    for (size_t at = 0; at < padded.size(); at += 64) {
        for (size_t i = 0; i < 64; ++i)
            block[i] = static_cast<unsigned char>(padded[at + i]);
        compress(state, block.data());
    }
    std::array<uint8_t, 20> digest{};
    for (size_t i = 0; i < 20; ++i) {
        digest[i] = static_cast<uint8_t>(state[i / 4] >> (24 - 8 * (i % 4)) & 0xFFU);
    }
    return digest;
}

}  // namespace tandem::net
