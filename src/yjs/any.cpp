#include "yjs/any.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <vector>

#include "base/value.hpp"
#include "yjs/utf16.hpp"

namespace tandem::yjs {

namespace {

constexpr double kIntegerMax = 2147483647;

bool is_float32(double value) {
    if (std::isinf(value)) return true;
    if (std::isnan(value) || std::fabs(value) > std::numeric_limits<float>::max()) return false;
    return static_cast<double>(static_cast<float>(value)) == value;
}

struct MemberSpan {
    std::string_view key;
    size_t from = 0;
    size_t to = 0;
};

// The number that an array index of JavaScript is written as, or -1: those keys come first in an
// object, in ascending order.
int64_t index_of_key(std::string_view key) {
    if (key.empty() || key.size() > 10 || (key[0] == '0' && key.size() > 1)) return -1;
    int64_t value = 0;
    for (char c : key) {
        if (c < '0' || c > '9') return -1;
        value = value * 10 + (c - '0');
    }
    return value < int64_t{0xffffffff} ? value : -1;
}

// Orders members as JavaScript would; of equal keys the last value stays, at the first one's place.
void order_members(std::vector<MemberSpan>& members) {
    bool has_index = false;
    for (size_t i = 0; i < members.size(); ++i) {
        if (index_of_key(members[i].key) >= 0) has_index = true;
    }
    std::vector<size_t> by_key(members.size());
    for (size_t i = 0; i < by_key.size(); ++i)
        by_key[i] = i;
    std::stable_sort(by_key.begin(), by_key.end(),
                     [&](size_t a, size_t b) { return members[a].key < members[b].key; });
    bool has_double = false;
    std::vector<bool> dropped(members.size());
    for (size_t i = 0, first = 0; i < by_key.size(); ++i) {
        if (i == 0 || members[by_key[i]].key != members[by_key[first]].key) {
            first = i;
            continue;
        }
        MemberSpan& kept = members[by_key[first]];
        const MemberSpan& later = members[by_key[i]];
        kept.from = later.from;
        kept.to = later.to;
        dropped[by_key[i]] = true;
        has_double = true;
    }
    if (has_double) {
        size_t kept = 0;
        for (size_t i = 0; i < members.size(); ++i) {
            if (!dropped[i]) members[kept++] = members[i];
        }
        members.resize(kept);
    }
    if (!has_index) return;
    std::stable_sort(members.begin(), members.end(), [](const MemberSpan& a, const MemberSpan& b) {
        int64_t first = index_of_key(a.key);
        int64_t second = index_of_key(b.key);
        return first >= 0 && (second < 0 || first < second);
    });
}

void write_object(std::vector<MemberSpan>& members, const Buffer& values, Buffer& out) {
    order_members(members);
    out.u8(static_cast<uint8_t>(AnyTag::object));
    out.var_uint(members.size());
    for (const MemberSpan& member : members) {
        out.var_bytes(member.key);
        out.bytes(values.view(member.from, member.to - member.from));
    }
}

bool copy_value(Input& in, Buffer& out, int depth) {
    if (depth > kAnyDepthMax) in.fail();
    uint8_t tag = in.u8();
    if (!in.ok()) return false;
    switch (static_cast<AnyTag>(tag)) {
        case AnyTag::undefined:
        case AnyTag::null:
        case AnyTag::is_true:
        case AnyTag::is_false:
            out.u8(tag);
            return true;
        case AnyTag::integer: {
            Input::VarInt value = in.var_int();
            if (value.magnitude <= static_cast<uint64_t>(kIntegerMax)) {
                out.u8(tag);
                out.var_int(value.magnitude, value.is_negative);
            } else {
                append_any_number(static_cast<double>(value.value()), out);
            }
            return in.ok();
        }
        case AnyTag::float32:
            append_any_number(std::bit_cast<float>(static_cast<uint32_t>(in.big_endian(4))), out);
            return in.ok();
        case AnyTag::float64:
            append_any_number(std::bit_cast<double>(in.big_endian(8)), out);
            return in.ok();
        case AnyTag::bigint:
            out.u8(tag);
            out.big_endian(in.big_endian(8), 8);
            return in.ok();
        case AnyTag::string: {
            std::string_view text = in.var_bytes();
            if (utf16_length(text) == kNotUtf8) in.fail();
            append_any_string(text, out);
            return in.ok();
        }
        case AnyTag::bytes:
            out.u8(tag);
            out.var_bytes(in.var_bytes());
            return in.ok();
        case AnyTag::array: {
            uint64_t count = in.var_uint();
            out.u8(tag);
            out.var_uint(count);
            for (uint64_t i = 0; i < count; ++i) {
                if (!copy_value(in, out, depth + 1)) return false;
            }
            return in.ok();
        }
        case AnyTag::object: {
            uint64_t count = in.var_uint();
            std::vector<MemberSpan> members;
            Buffer values;
            for (uint64_t i = 0; i < count; ++i) {
                std::string_view key = in.var_bytes();
                if (utf16_length(key) == kNotUtf8) in.fail();
                size_t from = values.size();
                if (!copy_value(in, values, depth + 1)) return false;
                members.push_back({key, from, values.size()});
            }
            write_object(members, values, out);
            return in.ok();
        }
    }
    in.fail();
    return false;
}

void skip_value(Input& in, int depth) {
    if (depth > kAnyDepthMax) in.fail();
    switch (static_cast<AnyTag>(in.u8())) {
        case AnyTag::undefined:
        case AnyTag::null:
        case AnyTag::is_true:
        case AnyTag::is_false:
            return;
        case AnyTag::integer:
            in.var_int();
            return;
        case AnyTag::float32:
            in.bytes(4);
            return;
        case AnyTag::float64:
        case AnyTag::bigint:
            in.bytes(8);
            return;
        case AnyTag::string:
        case AnyTag::bytes:
            in.var_bytes();
            return;
        case AnyTag::array: {
            uint64_t count = in.var_uint();
            for (uint64_t i = 0; i < count && in.ok(); ++i)
                skip_value(in, depth + 1);
            return;
        }
        case AnyTag::object: {
            uint64_t count = in.var_uint();
            for (uint64_t i = 0; i < count && in.ok(); ++i) {
                in.var_bytes();
                skip_value(in, depth + 1);
            }
            return;
        }
    }
    in.fail();
}

void write_json_string(std::string_view text, std::string& out) {
    base::append_json_string(out, text);
}

// As ECMAScript's Number::toString writes a finite number that is not zero (ECMA-262, 6.1.6.1.20):
// the fewest digits that give it back, with an exponent only where there would be many zeros.
void write_js_number(double value, std::string& out) {
    constexpr int kPointMax = 21;
    constexpr int kPointMin = -6;
    std::array<char, 32> buffer;
    if (value < 0) out += '-';
    const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(),
                                       std::abs(value), std::chars_format::scientific);
    const std::string_view text(buffer.data(), static_cast<size_t>(written.ptr - buffer.data()));
    const size_t mark = text.find('e');
    std::string digits(1, text[0]);
    if (mark > 2) digits += text.substr(2, mark - 2);
    int exponent = 0;
    const char* from = text.data() + mark + (text[mark + 1] == '+' ? 2 : 1);
    std::from_chars(from, written.ptr, exponent);
    const int count = static_cast<int>(digits.size());
    const int point = exponent + 1;
    if (count <= point && point <= kPointMax) {
        out += digits;
        out.append(static_cast<size_t>(point - count), '0');
    } else if (0 < point && point <= kPointMax) {
        out += digits.substr(0, static_cast<size_t>(point)) + '.' +
               digits.substr(static_cast<size_t>(point));
    } else if (kPointMin < point && point <= 0) {
        out += "0.";
        out.append(static_cast<size_t>(-point), '0');
        out += digits;
    } else {
        out += digits[0];
        if (count > 1) out += '.' + digits.substr(1);
        out += exponent < 0 ? "e-" : "e+";
        out += std::to_string(std::abs(exponent));
    }
}

void write_json_number(double value, std::string& out) {
    if (!std::isfinite(value)) {
        out += "null";
    } else if (value == 0) {
        out += '0';
    } else {
        write_js_number(value, out);
    }
}

void write_json(Input& in, std::string& out) {
    switch (static_cast<AnyTag>(in.u8())) {
        case AnyTag::undefined:
        case AnyTag::null:
            out += "null";
            return;
        case AnyTag::is_true:
            out += "true";
            return;
        case AnyTag::is_false:
            out += "false";
            return;
        case AnyTag::integer: {
            int64_t value = in.var_int().value();
            out += std::to_string(value);
            return;
        }
        case AnyTag::float32:
            write_json_number(std::bit_cast<float>(static_cast<uint32_t>(in.big_endian(4))), out);
            return;
        case AnyTag::float64:
            write_json_number(std::bit_cast<double>(in.big_endian(8)), out);
            return;
        case AnyTag::bigint:
            out += std::to_string(static_cast<int64_t>(in.big_endian(8)));
            return;
        case AnyTag::string:
            write_json_string(in.var_bytes(), out);
            return;
        case AnyTag::bytes: {
            std::string_view content = in.var_bytes();
            out += '[';
            for (size_t i = 0; i < content.size(); ++i) {
                if (i > 0) out += ',';
                out += std::to_string(static_cast<uint8_t>(content[i]));
            }
            out += ']';
            return;
        }
        case AnyTag::array: {
            uint64_t count = in.var_uint();
            out += '[';
            for (uint64_t i = 0; i < count && in.ok(); ++i) {
                if (i > 0) out += ',';
                write_json(in, out);
            }
            out += ']';
            return;
        }
        case AnyTag::object: {
            uint64_t count = in.var_uint();
            out += '{';
            bool is_first = true;
            for (uint64_t i = 0; i < count && in.ok(); ++i) {
                std::string_view key = in.var_bytes();
                if (!in.at_end() && *in.position() == kAnyUndefined[0]) {
                    in.u8();
                    continue;
                }
                if (!is_first) out += ',';
                is_first = false;
                write_json_string(key, out);
                out += ':';
                write_json(in, out);
            }
            out += '}';
            return;
        }
    }
    in.fail();
}

// A parser of JSON text that writes canonical bytes as it goes.
class JsonReader {
  public:
    JsonReader(std::string_view text, Buffer& out) : text_(text), out_(&out) {}

    base::Status read() {
        value(*out_, 0);
        skip_space();
        if (too_deep_) return base::fail(base::ErrorCode::too_deep, kAnyDepthMax);
        if (failed_ || at_ != text_.size()) return base::fail(base::ErrorCode::malformed, at_);
        return {};
    }

  private:
    void skip_space() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' ||
                                      text_[at_] == '\r' || text_[at_] == '\t'))
            ++at_;
    }
    bool take(char c) {
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    void word(std::string_view expected, AnyTag tag, Buffer& out) {
        if (text_.substr(at_, expected.size()) != expected) {
            failed_ = true;
            return;
        }
        at_ += expected.size();
        out.u8(static_cast<uint8_t>(tag));
    }

    void value(Buffer& out, int depth) {
        skip_space();
        if (depth > kAnyDepthMax) too_deep_ = failed_ = true;
        if (failed_ || at_ >= text_.size()) {
            failed_ = true;
            return;
        }
        switch (text_[at_]) {
            case 'n':
                return word("null", AnyTag::null, out);
            case 't':
                return word("true", AnyTag::is_true, out);
            case 'f':
                return word("false", AnyTag::is_false, out);
            case '"': {
                std::string text = string();
                if (!failed_) append_any_string(text, out);
                return;
            }
            case '[':
                return array(out, depth);
            case '{':
                return object(out, depth);
            default:
                return number(out);
        }
    }

    void array(Buffer& out, int depth) {
        ++at_;
        Buffer items;
        uint64_t count = 0;
        skip_space();
        if (!take(']')) {
            do {
                value(items, depth + 1);
                ++count;
                skip_space();
            } while (!failed_ && take(','));
            if (!take(']')) failed_ = true;
        }
        out.u8(static_cast<uint8_t>(AnyTag::array));
        out.var_uint(count);
        out.bytes(items.view());
    }

    void object(Buffer& out, int depth) {
        ++at_;
        Buffer values;
        std::vector<std::string> keys;
        std::vector<std::pair<size_t, size_t>> ranges;
        skip_space();
        if (!take('}')) {
            do {
                skip_space();
                if (at_ >= text_.size() || text_[at_] != '"') {
                    failed_ = true;
                    return;
                }
                keys.push_back(string());
                skip_space();
                if (!take(':')) failed_ = true;
                size_t from = values.size();
                value(values, depth + 1);
                ranges.push_back({from, values.size()});
                skip_space();
            } while (!failed_ && take(','));
            if (!take('}')) failed_ = true;
        }
        if (failed_) return;
        std::vector<MemberSpan> members;
        for (size_t i = 0; i < keys.size(); ++i)
            members.push_back({keys[i], ranges[i].first, ranges[i].second});
        write_object(members, values, out);
    }

    void number(Buffer& out) {
        // JSON's grammar of numbers is checked by the project's own parser of values.
        size_t end = at_;
        while (end < text_.size() &&
               std::string_view("+-.0123456789eE").find(text_[end]) != std::string_view::npos)
            ++end;
        auto parsed = base::parse_json(text_.substr(at_, end - at_), base::kLooseValueLimits);
        if (!parsed || !parsed->is_number()) {
            failed_ = true;
            return;
        }
        bool is_negative_zero = parsed->as_number() == 0 && text_[at_] == '-';
        at_ = end;
        append_any_number(is_negative_zero ? -0.0 : parsed->as_number(), out);
    }

    uint32_t hex4() {
        uint32_t code = 0;
        if (text_.size() - at_ < 4) {
            failed_ = true;
            return 0;
        }
        for (int i = 0; i < 4; ++i) {
            char c = text_[at_++];
            uint32_t digit = 0;
            if (c >= '0' && c <= '9') {
                digit = static_cast<uint32_t>(c - '0');
            } else if (c >= 'a' && c <= 'f') {
                digit = static_cast<uint32_t>(c - 'a' + 10);
            } else if (c >= 'A' && c <= 'F') {
                digit = static_cast<uint32_t>(c - 'A' + 10);
            } else {
                failed_ = true;
            }
            code = code << 4 | digit;
        }
        return code;
    }

    static void append_utf8(uint32_t code, std::string& out) {
        if (code < 0x80) {
            out += static_cast<char>(code);
        } else if (code < 0x800) {
            out += static_cast<char>(0xc0 | code >> 6);
            out += static_cast<char>(0x80 | (code & 0x3f));
        } else if (code < 0x10000) {
            out += static_cast<char>(0xe0 | code >> 12);
            out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
            out += static_cast<char>(0x80 | (code & 0x3f));
        } else {
            out += static_cast<char>(0xf0 | code >> 18);
            out += static_cast<char>(0x80 | (code >> 12 & 0x3f));
            out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
            out += static_cast<char>(0x80 | (code & 0x3f));
        }
    }

    void escape(std::string& out) {
        if (at_ >= text_.size()) {
            failed_ = true;
            return;
        }
        char c = text_[at_++];
        switch (c) {
            case '"':
            case '\\':
            case '/':
                out += c;
                return;
            case 'b':
                out += '\b';
                return;
            case 'f':
                out += '\f';
                return;
            case 'n':
                out += '\n';
                return;
            case 'r':
                out += '\r';
                return;
            case 't':
                out += '\t';
                return;
            case 'u': {
                uint32_t code = hex4();
                if (code >= 0xd800 && code < 0xdc00 && text_.substr(at_, 2) == "\\u") {
                    size_t back = at_;
                    at_ += 2;
                    uint32_t low = hex4();
                    if (low >= 0xdc00 && low < 0xe000) {
                        append_utf8(0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00), out);
                        return;
                    }
                    at_ = back;
                }
                if (code >= 0xd800 && code < 0xe000) {
                    out += kReplacement;
                } else {
                    append_utf8(code, out);
                }
                return;
            }
            default:
                failed_ = true;
        }
    }

    std::string string() {
        std::string out;
        ++at_;
        for (;;) {
            if (failed_ || at_ >= text_.size() || static_cast<uint8_t>(text_[at_]) < 0x20) {
                failed_ = true;
                return out;
            }
            char c = text_[at_++];
            if (c == '"') break;
            if (c == '\\') {
                escape(out);
            } else {
                out += c;
            }
        }
        if (utf16_length(out) == kNotUtf8) failed_ = true;
        return out;
    }

    std::string_view text_;
    Buffer* out_;
    size_t at_ = 0;
    bool failed_ = false;
    bool too_deep_ = false;
};

}  // namespace

bool copy_any(Input& in, Buffer& out) { return copy_value(in, out, 0); }

void skip_any(Input& in) { skip_value(in, 0); }

base::Status append_any_of_json(std::string_view json, Buffer& out) {
    // What formats and embeds mostly hold.
    if (json == "null") {
        out.bytes(kAnyNull);
        return {};
    }
    if (json == "true") {
        out.u8(static_cast<uint8_t>(AnyTag::is_true));
        return {};
    }
    size_t before = out.size();
    auto read = JsonReader(json, out).read();
    if (!read) out.truncate(before);
    return read;
}

void append_json_of_any(std::string_view any, std::string& out) {
    Input in(any);
    write_json(in, out);
}

void append_any_number(double value, Buffer& out) {
    if (std::trunc(value) == value && std::fabs(value) <= kIntegerMax) {
        out.u8(static_cast<uint8_t>(AnyTag::integer));
        out.var_int(static_cast<uint64_t>(std::fabs(value)), std::signbit(value));
    } else if (is_float32(value)) {
        out.u8(static_cast<uint8_t>(AnyTag::float32));
        out.big_endian(std::bit_cast<uint32_t>(static_cast<float>(value)), 4);
    } else {
        if (std::isnan(value)) value = std::numeric_limits<double>::quiet_NaN();
        out.u8(static_cast<uint8_t>(AnyTag::float64));
        out.big_endian(std::bit_cast<uint64_t>(value), 8);
    }
}

void append_any_string(std::string_view text, Buffer& out) {
    out.u8(static_cast<uint8_t>(AnyTag::string));
    out.var_bytes(text);
}

}  // namespace tandem::yjs
