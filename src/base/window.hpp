#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tandem::base {

/// The text of a selection whose end says a window: `cards[0:40]`.
struct WindowText {
    std::string_view path;  ///< borrowed: what stands before the bracket
    uint64_t from = 0;
    uint64_t to = 0;
};

/// Nothing when the text does not end like a window: `[`, digits, `:`, digits, `]`. Numbers that
/// are too long for an index read as 2^53 - 1.
std::optional<WindowText> split_window(std::string_view text);

/// True for what was meant to be a window and is none, as `cards[-1:3]`: it ends with a pair of
/// brackets that hold a colon.
bool is_broken_window(std::string_view text);

}  // namespace tandem::base
