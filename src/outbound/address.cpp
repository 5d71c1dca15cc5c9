#include "outbound/address.hpp"

#include <algorithm>

namespace tandem::outbound {

namespace {

template <size_t N>
struct Block {
    std::array<uint8_t, N> prefix;
    int bits;
};

constexpr Block<4> kNotPublic4[] = {
    {{0, 0, 0, 0}, 8},        // this network
    {{10, 0, 0, 0}, 8},       // private
    {{100, 64, 0, 0}, 10},    // shared by carriers
    {{127, 0, 0, 0}, 8},      // loopback
    {{169, 254, 0, 0}, 16},   // link-local, metadata services
    {{172, 16, 0, 0}, 12},    // private
    {{192, 0, 0, 0}, 24},     // protocol assignments
    {{192, 0, 2, 0}, 24},     // documentation
    {{192, 88, 99, 0}, 24},   // former 6to4 relays
    {{192, 168, 0, 0}, 16},   // private
    {{198, 18, 0, 0}, 15},    // benchmarks
    {{198, 51, 100, 0}, 24},  // documentation
    {{203, 0, 113, 0}, 24},   // documentation
    {{224, 0, 0, 0}, 4},      // multicast
    {{240, 0, 0, 0}, 4},      // reserved, broadcast
};
constexpr Block<16> kGlobal6 = {{0x20}, 3};
constexpr Block<16> kNotPublic6[] = {
    {{0x20, 0x01}, 23},              // protocol assignments, Teredo
    {{0x20, 0x01, 0x0d, 0xb8}, 32},  // documentation
    {{0x20, 0x02}, 16},              // 6to4
    {{0x3f, 0xff}, 20},              // documentation
};
// Those that stand for an IPv4 address, which is in their last four bytes.
constexpr Block<16> kMapped6 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96};
constexpr Block<16> kTranslated6 = {{0x00, 0x64, 0xff, 0x9b}, 96};

template <size_t N>
bool is_in(const std::array<uint8_t, N>& address, const Block<N>& block) {
    for (int bit = 0; bit < block.bits; ++bit) {
        const auto byte = static_cast<size_t>(bit / 8);
        if (((address[byte] ^ block.prefix[byte]) >> (7 - bit % 8) & 1) != 0) return false;
    }
    return true;
}

}  // namespace

bool is_public(const Ipv4& address) {
    return std::none_of(std::begin(kNotPublic4), std::end(kNotPublic4),
                        [&](const Block<4>& block) { return is_in(address, block); });
}

bool is_public(const Ipv6& address) {
    if (is_in(address, kMapped6) || is_in(address, kTranslated6))
        return is_public(Ipv4{address[12], address[13], address[14], address[15]});
    return is_in(address, kGlobal6) &&
           std::none_of(std::begin(kNotPublic6), std::end(kNotPublic6),
                        [&](const Block<16>& block) { return is_in(address, block); });
}

}  // namespace tandem::outbound
