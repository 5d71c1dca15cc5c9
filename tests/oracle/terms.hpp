#pragma once

#include <compare>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The terms of docs/merge.md, section 1, in the plainest form. Nothing here shares code with the
// product: the oracle is worth something only as long as both were written from the same page.
namespace tandem::oracle {

using nlohmann::json;

struct Segment {
    bool is_item = false;
    std::string name;
    friend auto operator<=>(const Segment&, const Segment&) = default;
    friend bool operator==(const Segment&, const Segment&) = default;
};
using Path = std::vector<Segment>;

/// Empty when the text is no path.
std::optional<Path> parse_path(std::string_view text);
std::string path_text(const Path& path);
/// True when `upper` is a proper ancestor of `path`.
bool is_above(const Path& upper, const Path& path);

bool is_utf8(std::string_view text);
bool is_name(std::string_view text);

/// Whole numbers within ±(2^53 − 1) become integers, −0 becomes 0, all the way down, so that equal
/// values are equal under `==` and print alike.
json normal(const json& value);
/// The bytes of `tandem.v1.Value`, which decide equality and the order of a set's elements.
std::string canonical_bytes(const json& value);

inline constexpr int64_t kIntegerMax = (int64_t{1} << 53) - 1;
/// The integer that a JSON number is, if it is one within ±(2^53 − 1).
std::optional<int64_t> integer_of(const json& value);
int64_t clamped(__int128 value);

/// False for an op that applying ignores: its path, its value or both make no sense.
bool makes_sense(const json& op);
bool is_writing(const std::string& op);

}  // namespace tandem::oracle
