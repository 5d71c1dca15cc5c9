#include "sim/trace.hpp"

#include <cstdio>

namespace tandem::sim {

namespace {
constexpr uint64_t kPrime = 0x100000001b3;
constexpr size_t kDetailShown = 300;

bool is_text(std::string_view bytes) {
    for (const char c : bytes)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
    return true;
}
}  // namespace

void Trace::mix(uint64_t value) {
    for (int i = 0; i < 8; ++i) {
        hash_ ^= (value >> (8 * i)) & 0xff;
        hash_ *= kPrime;
    }
}

void Trace::mix(std::string_view bytes) {
    mix(bytes.size());
    for (const char c : bytes) {
        hash_ ^= static_cast<unsigned char>(c);
        hash_ *= kPrime;
    }
}

void Trace::note(uint64_t now_ms, std::string_view what, uint64_t a, uint64_t b,
                 std::string_view detail) {
    mix(now_ms);
    mix(what);
    mix(a);
    mix(b);
    mix(detail);
    if (!prints_) return;
    std::printf("%9.3f  %-22.*s %llu %llu", static_cast<double>(now_ms) / 1000,
                static_cast<int>(what.size()), what.data(), static_cast<unsigned long long>(a),
                static_cast<unsigned long long>(b));
    if (is_text(detail))
        std::printf("  %.*s", static_cast<int>(std::min(detail.size(), kDetailShown)),
                    detail.data());
    else
        std::printf("  (%zu bytes)", detail.size());
    std::printf("\n");
}

void Trace::print(std::string_view text) const {
    if (prints_) std::printf("             %.*s\n", static_cast<int>(text.size()), text.data());
}

}  // namespace tandem::sim
