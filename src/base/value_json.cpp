#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/limits.hpp"
#include "base/value.hpp"

namespace tandem::base {

namespace {

namespace dom = simdjson::dom;

Error error_of(simdjson::error_code code, ValueLimits limits) {
    switch (code) {
        case simdjson::DEPTH_ERROR:
            return fail(ErrorCode::too_deep, limits.depth_max);
        case simdjson::NUMBER_ERROR:
            return fail(ErrorCode::out_of_range);
        case simdjson::CAPACITY:
            return fail(ErrorCode::too_large);
        default:
            return fail(ErrorCode::malformed);
    }
}

// How `mark_what_no_value_can_be` writes what the parser would refuse the whole text for.
constexpr std::string_view kMarkKey = "__proto__";
constexpr std::string_view kNumberMark = R"({"__proto__":0})";
constexpr std::string_view kStringMark = R"({"__proto__":""})";

enum class Checks : uint8_t {
    all,
    none,
    none_but_marks  ///< unchecked, and the text was written anew with marks
};

class Converter {
  public:
    Converter(ValueLimits limits, Checks checks) : limits_(limits), checks_(checks) {}

    Result<Value> convert(dom::element element, size_t depth) {
        if (depth > limits_.depth_max) {
            if (checks_ != Checks::all) return Value();
            return fail(ErrorCode::too_deep, limits_.depth_max);
        }
        switch (element.type()) {
            case dom::element_type::NULL_VALUE:
                return Value();
            case dom::element_type::BOOL:
                return Value(element.get_bool().value_unsafe());
            case dom::element_type::INT64:
                return Value(static_cast<double>(element.get_int64().value_unsafe()));
            case dom::element_type::UINT64:
                return Value(static_cast<double>(element.get_uint64().value_unsafe()));
            case dom::element_type::DOUBLE: {
                double number = element.get_double().value_unsafe();
                if (!std::isfinite(number)) return fail(ErrorCode::out_of_range);
                return Value(number);
            }
            case dom::element_type::STRING: {
                std::string_view text = element.get_string().value_unsafe();
                if (!is_utf8(text)) return fail(ErrorCode::malformed);
                return Value(text);
            }
            case dom::element_type::ARRAY:
                return array(element, depth);
            case dom::element_type::OBJECT:
                return object(element, depth);
        }
        return fail(ErrorCode::malformed);
    }

  private:
    Result<Value> array(dom::element element, size_t depth) {
        Array elements;
        // Named, because a range-for does not keep the simdjson result alive that the view lies in.
        dom::array source = element.get_array().value_unsafe();
        for (dom::element inner : source) {
            TANDEM_TRY(Value value, convert(inner, depth + 1));
            elements.push_back(std::move(value));
        }
        return Value(std::move(elements));
    }

    Result<Value> object(dom::element element, size_t depth) {
        Object members;
        dom::object source = element.get_object().value_unsafe();
        if (checks_ == Checks::none_but_marks && source.size() == 1) {
            const dom::key_value_pair pair = *source.begin();
            if (pair.key == kMarkKey && pair.value.is_string()) return Value("\xff");
            if (pair.key == kMarkKey && pair.value.is_number())
                return Value(std::numeric_limits<double>::infinity());
        }
        for (dom::key_value_pair pair : source) {
            if (++keys_ > limits_.keys_max) {
                return fail(ErrorCode::too_many_keys, limits_.keys_max);
            }
            if (checks_ == Checks::all && is_reserved_key(pair.key))
                return fail(ErrorCode::reserved_key);
            if (!is_utf8(pair.key)) return fail(ErrorCode::malformed);
            TANDEM_TRY(Value value, convert(pair.value, depth + 1));
            members.push_back(Member{std::string(pair.key), std::move(value)});
        }
        size_t count = members.size();
        Value result(std::move(members));
        if (result.as_object().size() != count) return fail(ErrorCode::malformed);
        return result;
    }

    ValueLimits limits_;
    Checks checks_;
    size_t keys_ = 0;
};

class Checker {
  public:
    explicit Checker(ValueLimits limits) : limits_(limits) {}

    Result<void> check(const Value& value, size_t depth) {
        if (depth > limits_.depth_max) return fail(ErrorCode::too_deep, limits_.depth_max);
        if (value.is_number() && !std::isfinite(value.as_number()))
            return fail(ErrorCode::out_of_range);
        if (value.is_string() && !is_utf8(value.as_string())) return fail(ErrorCode::malformed);
        if (value.is_array())
            for (const Value& inner : value.as_array())
                TANDEM_CHECK(check(inner, depth + 1));
        if (!value.is_object()) return {};
        keys_ += value.as_object().size();
        if (keys_ > limits_.keys_max) return fail(ErrorCode::too_many_keys, limits_.keys_max);
        for (const Member& member : value.as_object()) {
            if (is_reserved_key(member.key)) return fail(ErrorCode::reserved_key);
            TANDEM_CHECK(check(member.value, depth + 1));
        }
        return {};
    }

  private:
    ValueLimits limits_;
    size_t keys_ = 0;
};

// The parser refuses integers beyond 64 bits, which other writers print for any double below 1e21.
// With a fraction it reads them as doubles; this gives ".0" to every long integer outside a string.
std::string with_long_integers_as_doubles(std::string_view text) {
    constexpr size_t kDigitsOfInt64 = 19;
    std::string out;
    out.reserve(text.size() + 16);
    auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    bool is_in_string = false;
    for (size_t i = 0; i < text.size();) {
        char c = text[i];
        if (is_in_string) {
            out.push_back(c);
            if (c == '\\' && i + 1 < text.size()) out.push_back(text[++i]);
            if (c == '"') is_in_string = false;
            ++i;
        } else if (is_digit(c) || c == '.') {
            size_t end = i;
            bool is_integer = true;
            while (end < text.size()) {
                char d = text[end];
                bool is_exponent = d == 'e' || d == 'E';
                if (d == '.' || is_exponent) is_integer = false;
                bool is_sign = (d == '+' || d == '-') && end > i;
                if (!is_digit(d) && d != '.' && !is_exponent && !is_sign) break;
                ++end;
            }
            out.append(text.substr(i, end - i));
            if (is_integer && end - i >= kDigitsOfInt64) out.append(".0");
            i = end;
        } else {
            is_in_string = c == '"';
            out.push_back(c);
            ++i;
        }
    }
    return out;
}

// The end of the string that begins with the quote at `start`.
size_t end_of_string(std::string_view text, size_t start) {
    size_t end = start + 1;
    while (end < text.size() && text[end] != '"')
        end += text[end] == '\\' ? 2 : 1;
    return std::min(end + 1, text.size());
}

bool has_half_surrogate_pair(std::string_view quoted) {
    // The code unit of the escape at `i`, or 0.
    const auto unit_at = [quoted](size_t i) {
        unsigned unit = 0;
        if (quoted.size() < i + 6 || quoted[i] != '\\' || quoted[i + 1] != 'u') return 0u;
        const char* digits = quoted.data() + i + 2;
        return std::from_chars(digits, digits + 4, unit, 16).ptr == digits + 4 ? unit : 0u;
    };
    for (size_t i = 0; i < quoted.size(); ++i) {
        if (quoted[i] != '\\') continue;
        const unsigned half = unit_at(i) >> 10;
        if (half == 0x37) return true;
        if (half == 0x36 && unit_at(i + 6) >> 10 != 0x37) return true;
        i += half == 0x36 ? 11 : 1;
    }
    return false;
}

bool is_beyond_doubles(std::string_view number) {
    double value = 0;
    const auto read = std::from_chars(number.data(), number.data() + number.size(), value);
    // A small one is not: it reads as zero.
    return read.ec == std::errc::result_out_of_range && read.ptr == number.data() + number.size() &&
           number.find("e-") == std::string_view::npos &&
           number.find("E-") == std::string_view::npos;
}

// The parser refuses a whole text for one number or string that no value can be. This puts objects
// in their place that no value can be either. `depth` becomes what the text nests at the most.
std::string mark_what_no_value_can_be(std::string_view text, size_t& depth) {
    constexpr std::string_view kNumberCharacters = "0123456789.eE+-";
    std::string out;
    out.reserve(text.size());
    size_t level = 0;
    for (size_t i = 0; i < text.size();) {
        const char c = text[i];
        size_t end = i + 1;
        if (c == '"') {
            end = end_of_string(text, i);
            const std::string_view quoted = text.substr(i, end - i);
            const size_t next = text.find_first_not_of(" \t\r\n", end);
            const bool is_key = next != std::string_view::npos && text[next] == ':';
            out.append(!is_key && has_half_surrogate_pair(quoted) ? kStringMark : quoted);
        } else if (kNumberCharacters.substr(0, 10).find(c) != std::string_view::npos || c == '-') {
            end = std::min(text.find_first_not_of(kNumberCharacters, i), text.size());
            const std::string_view number = text.substr(i, end - i);
            out.append(is_beyond_doubles(number) ? kNumberMark : number);
        } else {
            if (c == '[' || c == '{') depth = std::max(depth, ++level);
            if ((c == ']' || c == '}') && level > 0) --level;
            out.push_back(c);
        }
        i = end;
    }
    return out;
}

}  // namespace

Result<Value> parse_json(std::string_view text, ValueLimits limits) {
    dom::parser parser;
    // The parser counts the scalar inside the innermost container as one more level.
    if (parser.allocate(text.size() + 1, limits.depth_max + 2) != simdjson::SUCCESS) {
        return fail(ErrorCode::too_large);
    }
    dom::element root;
    simdjson::error_code code = parser.parse(text.data(), text.size()).get(root);
    if (code == simdjson::NUMBER_ERROR) {
        std::string widened = with_long_integers_as_doubles(text);
        code = parser.parse(widened).get(root);
    }
    if (code != simdjson::SUCCESS) return error_of(code, limits);
    return Converter(limits, Checks::all).convert(root, 0);
}

Result<Value> parse_json_unchecked(std::string_view text) {
    constexpr ValueLimits kLimits = kLooseValueLimits;
    dom::parser parser;
    if (parser.allocate(text.size() + 1, kLimits.depth_max + 2) != simdjson::SUCCESS)
        return fail(ErrorCode::too_large);
    dom::element root;
    simdjson::error_code code = parser.parse(text.data(), text.size()).get(root);
    Checks checks = Checks::none;
    if (code == simdjson::NUMBER_ERROR || code == simdjson::STRING_ERROR ||
        code == simdjson::DEPTH_ERROR) {
        size_t depth = 0;
        const std::string marked =
            mark_what_no_value_can_be(with_long_integers_as_doubles(text), depth);
        // A mark is one level more.
        if (parser.allocate(marked.size() + 1, depth + 3) != simdjson::SUCCESS)
            return fail(ErrorCode::too_large);
        checks = Checks::none_but_marks;
        code = parser.parse(marked).get(root);
    }
    if (code != simdjson::SUCCESS) return error_of(code, kLimits);
    return Converter(kLimits, checks).convert(root, 0);
}

Result<void> check_value(const Value& value, ValueLimits limits) {
    return Checker(limits).check(value, 0);
}

void append_json_string(std::string& out, std::string_view text) {
    constexpr std::string_view kHex = "0123456789abcdef";
    out.push_back('"');
    size_t start = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        auto byte = static_cast<uint8_t>(text[i]);
        if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
        out.append(text.substr(start, i - start));
        start = i + 1;
        switch (byte) {
            case '"':
                out.append("\\\"");
                break;
            case '\\':
                out.append("\\\\");
                break;
            case '\n':
                out.append("\\n");
                break;
            case '\r':
                out.append("\\r");
                break;
            case '\t':
                out.append("\\t");
                break;
            case '\b':
                out.append("\\b");
                break;
            case '\f':
                out.append("\\f");
                break;
            default:
                out.append("\\u00");
                out.push_back(kHex[byte >> 4]);
                out.push_back(kHex[byte & 15]);
                break;
        }
    }
    out.append(text.substr(start));
    out.push_back('"');
}

void append_json_number(std::string& out, double number) {
    std::array<char, 32> buffer;
    std::to_chars_result written{};
    constexpr auto kMax = static_cast<double>(kIntegerMax);
    if (number >= -kMax && number <= kMax && std::trunc(number) == number) {
        written = std::to_chars(buffer.data(), buffer.data() + buffer.size(),
                                static_cast<int64_t>(number));
    } else {
        written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
    }
    out.append(buffer.data(), written.ptr);
}

void append_json(std::string& out, const Value& value) {
    switch (value.kind()) {
        case Value::Kind::null:
            out.append("null");
            return;
        case Value::Kind::boolean:
            out.append(value.as_bool() ? "true" : "false");
            return;
        case Value::Kind::number:
            append_json_number(out, value.as_number());
            return;
        case Value::Kind::string:
            append_json_string(out, value.as_string());
            return;
        case Value::Kind::array: {
            char separator = '[';
            for (const Value& element : value.as_array()) {
                out.push_back(separator);
                append_json(out, element);
                separator = ',';
            }
            out.append(separator == '[' ? "[]" : "]");
            return;
        }
        case Value::Kind::object: {
            char separator = '{';
            for (const Member& member : value.as_object()) {
                out.push_back(separator);
                append_json_string(out, member.key);
                out.push_back(':');
                append_json(out, member.value);
                separator = ',';
            }
            out.append(separator == '{' ? "{}" : "}");
            return;
        }
    }
}

std::string to_json(const Value& value) {
    std::string out;
    append_json(out, value);
    return out;
}

}  // namespace tandem::base
