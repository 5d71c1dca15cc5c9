#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "yjs/buffer.hpp"
#include "yjs/input.hpp"

namespace tandem::yjs {

/// lib0's "any": the values of JavaScript that Yjs stores. They are kept as their encoded bytes in
/// the one form that lib0 itself would write (numbers in their shortest type, the members of an
/// object in JavaScript's order), so that what was read is written back byte for byte as Yjs does.
///
/// Tags: 127 undefined, 126 null, 125 integer, 124 float32, 123 float64, 122 bigint, 121 false,
/// 120 true, 119 string, 118 object, 117 array, 116 bytes.
enum class AnyTag : uint8_t {
    bytes = 116,
    array = 117,
    object = 118,
    string = 119,
    is_true = 120,
    is_false = 121,
    bigint = 122,
    float64 = 123,
    float32 = 124,
    integer = 125,
    null = 126,
    undefined = 127,
};

/// How deep arrays and objects may nest; deeper ones are refused.
inline constexpr int kAnyDepthMax = 128;

inline constexpr std::string_view kAnyNull{"\x7e", 1};
inline constexpr std::string_view kAnyUndefined{"\x7f", 1};

/// Reads one value and appends its canonical bytes. False (with `in` failed) for what does not
/// decode: unknown tags, text that is not UTF-8, too deep nesting.
bool copy_any(Input& in, Buffer& out);
/// Skips one canonical value.
void skip_any(Input& in);
/// Calls `take` with each of `count` canonical values that follow each other; with the last alone
/// if `only_last`.
template <class Take>
void each_any(std::string_view bytes, uint32_t count, bool only_last, Take&& take) {
    Input in(bytes);
    for (uint32_t i = 0; i < count; ++i) {
        const char* from = in.position();
        skip_any(in);
        if (!only_last || i + 1 == count)
            take(std::string_view(from, static_cast<size_t>(in.position() - from)));
    }
}

/// Parses one JSON text (as JSON.parse would) and appends the value. Half surrogate pairs become
/// U+FFFD. Errors: `malformed`, `too_deep`.
base::Status append_any_of_json(std::string_view json, Buffer& out);
/// JSON.stringify of one canonical value: undefined is written as null within an array, left out of
/// an object, and is `null` by itself; bytes become an array of numbers and bigints their digits.
void append_json_of_any(std::string_view any, std::string& out);

void append_any_number(double value, Buffer& out);
void append_any_string(std::string_view text, Buffer& out);

}  // namespace tandem::yjs
