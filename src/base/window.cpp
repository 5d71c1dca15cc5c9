#include "base/window.hpp"

#include <algorithm>
#include <charconv>

#include "base/limits.hpp"

namespace tandem::base {

namespace {

constexpr size_t kIndexDigitsMax = 15;

bool is_number(std::string_view digits) {
    return !digits.empty() &&
           std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
}

uint64_t index_of(std::string_view digits) {
    uint64_t index = static_cast<uint64_t>(kSafeIntegerMax);
    if (digits.size() <= kIndexDigitsMax)
        std::from_chars(digits.data(), digits.data() + digits.size(), index);
    return index;
}

}  // namespace

std::optional<WindowText> split_window(std::string_view text) {
    if (!text.ends_with(']')) return std::nullopt;
    const size_t open = text.rfind('[');
    if (open == std::string_view::npos) return std::nullopt;
    const std::string_view inside = text.substr(open + 1, text.size() - open - 2);
    const size_t colon = inside.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const std::string_view from = inside.substr(0, colon);
    const std::string_view to = inside.substr(colon + 1);
    if (!is_number(from) || !is_number(to)) return std::nullopt;
    return WindowText{text.substr(0, open), index_of(from), index_of(to)};
}

bool is_broken_window(std::string_view text) {
    if (!text.ends_with(']') || split_window(text)) return false;
    const size_t open = text.rfind('[');
    return open != std::string_view::npos && text.substr(open).find(':') != std::string_view::npos;
}

}  // namespace tandem::base
