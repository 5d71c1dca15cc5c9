#include <array>

#include "record/view.hpp"

namespace tandem::record {

namespace {

// A key is an integer part and a fraction, both of base-62 digits in the order of their bytes. The
// first character of the integer part tells its sign and length: 'a' has one digit, 'b' two, and so
// on up; 'Z' has one digit, 'Y' two, and so on down. So longer positive integers sort after shorter
// ones, and longer negative ones before. A fraction that ends in '0' has nothing directly below it
// and is never made.
constexpr std::string_view kDigits =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr int kBase = 62;

int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
    if (c >= 'a' && c <= 'z') return c - 'a' + 36;
    return -1;
}
char char_of(int digit) { return kDigits[static_cast<size_t>(digit)]; }

bool is_of_digits(std::string_view key) {
    for (char c : key) {
        if (digit_of(c) < 0) return false;
    }
    return true;
}

// Length of the integer part of a key, its head included; 0 when it has none.
size_t integer_length(std::string_view key) {
    if (key.empty()) return 0;
    char head = key[0];
    size_t length = 0;
    if (head >= 'a' && head <= 'z') length = static_cast<size_t>(head - 'a') + 2;
    if (head >= 'A' && head <= 'Z') length = static_cast<size_t>('Z' - head) + 2;
    return length <= key.size() ? length : 0;
}

// The integer above; empty past the greatest one.
std::string above_integer(std::string_view integer) {
    std::string out(integer);
    for (size_t i = out.size() - 1; i > 0; --i) {
        int digit = digit_of(out[i]);
        if (digit < kBase - 1) {
            out[i] = char_of(digit + 1);
            return out;
        }
        out[i] = '0';
    }
    char head = out[0];
    if (head == 'z') return {};
    if (head == 'Z') return "a0";
    out[0] = static_cast<char>(head + 1);
    if (head >= 'a') {
        out.push_back('0');
    } else {
        out.pop_back();
    }
    return out;
}

// The integer below; empty past the least one.
std::string below_integer(std::string_view integer) {
    std::string out(integer);
    for (size_t i = out.size() - 1; i > 0; --i) {
        int digit = digit_of(out[i]);
        if (digit > 0) {
            out[i] = char_of(digit - 1);
            return out;
        }
        out[i] = 'z';
    }
    char head = out[0];
    if (head == 'A') return {};
    if (head == 'a') return "Zz";
    out[0] = static_cast<char>(head - 1);
    if (head > 'a') {
        out.pop_back();
    } else {
        out.push_back('z');
    }
    return out;
}

// Digits that sort above `low` and everything that begins with it.
std::string above_fraction(std::string_view low) {
    std::string out;
    for (char c : low) {
        int digit = digit_of(c);
        if (digit < kBase - 1) {
            out.push_back(char_of(digit + (kBase - digit) / 2));
            return out;
        }
        out.push_back(c);
    }
    out.push_back(char_of(kBase / 2));
    return out;
}

// Digits d such that low < d + tail < high for every tail that does not end in '0'. False when
// there are none, because `high` is `low` followed by zeros.
bool between_fractions(std::string& out, std::string_view low, std::string_view high) {
    size_t i = 0;
    while (i < low.size() && i < high.size() && low[i] == high[i])
        ++i;
    out.assign(low.substr(0, i));
    if (i == low.size()) {
        for (; i < high.size(); ++i) {
            int digit = digit_of(high[i]);
            if (digit > 0) {
                out.push_back(char_of(digit / 2));
                return true;
            }
            out.push_back('0');
        }
        return false;
    }
    int low_digit = digit_of(low[i]);
    int high_digit = digit_of(high[i]);
    if (high_digit - low_digit > 1) {
        out.push_back(char_of((low_digit + high_digit) / 2));
    } else {
        out.push_back(low[i]);
        out.append(above_fraction(low.substr(i + 1)));
    }
    return true;
}

std::string after(std::string_view low) {
    size_t length = integer_length(low);
    if (length > 0) {
        std::string next = above_integer(low.substr(0, length));
        if (!next.empty()) return next;
    }
    return std::string(low.substr(0, length)) + above_fraction(low.substr(length));
}

bool before(std::string& out, std::string_view high) {
    size_t length = integer_length(high);
    if (length > 0) {
        out = below_integer(high.substr(0, length));
        if (!out.empty()) return true;
    }
    std::string fraction;
    if (!between_fractions(fraction, {}, high.substr(length))) return false;
    out = std::string(high.substr(0, length)) + fraction;
    return true;
}

bool between(std::string& out, std::string_view low, std::string_view high) {
    size_t low_length = integer_length(low);
    size_t high_length = integer_length(high);
    std::string_view low_integer = low.substr(0, low_length);
    if (low_length > 0 && high_length > 0 && low_integer != high.substr(0, high_length)) {
        // `low` may have an integer as great as there is, but then `high` could not differ.
        std::string next = above_integer(low_integer);
        if (next < high.substr(0, high_length)) {
            out = std::move(next);
        } else {
            out = std::string(low_integer) + above_fraction(low.substr(low_length));
        }
        return true;
    }
    return between_fractions(out, low, high);
}

}  // namespace

std::string position_between(std::string_view low, std::string_view high, std::string_view tail) {
    std::string out;
    if (!is_of_digits(low)) {
        // Not one of our keys; whatever follows it as a prefix sorts after it.
        out.assign(low).push_back(char_of(kBase / 2));
        return out.append(tail);
    }
    bool has_high = !high.empty() && is_of_digits(high) && low < high;
    bool is_found = has_high && (low.empty() ? before(out, high) : between(out, low, high));
    if (!is_found) out = low.empty() ? std::string("a0") : after(low);
    return out.append(tail);
}

}  // namespace tandem::record
