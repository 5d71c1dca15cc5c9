#include "client/types.hpp"

namespace tandem::client {
namespace {

constexpr std::string_view kDigits =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

std::string in_base_62(uint64_t number, size_t digits) {
    std::string out;
    for (; out.size() < digits; number /= kDigits.size())
        out.push_back(kDigits[number % kDigits.size()]);
    return out;
}

}  // namespace

std::string make_item_id(uint64_t random) { return in_base_62(random, 11); }

std::string make_position_tail(uint64_t random) {
    std::string tail = in_base_62(random, 6);
    if (tail.back() == '0') tail.back() = 'z';
    return tail;
}

}  // namespace tandem::client
