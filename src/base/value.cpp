#include "base/value.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/assert.hpp"
#include "base/limits.hpp"

namespace tandem::base {

namespace {

bool by_key(const Member& member, std::string_view key) { return member.key < key; }

// Field tags of the message `tandem.v1.Value` and of the messages inside it.
constexpr uint8_t kTagBool = 1 << 3;
constexpr uint8_t kTagInteger = 2 << 3;
constexpr uint8_t kTagDouble = (3 << 3) | 1;
constexpr uint8_t kTagString = (4 << 3) | 2;
constexpr uint8_t kTagArray = (5 << 3) | 2;
constexpr uint8_t kTagObject = (6 << 3) | 2;
constexpr uint8_t kTagRepeated = (1 << 3) | 2;
constexpr uint8_t kTagMemberValue = (2 << 3) | 2;

size_t sized(size_t bytes) { return 1 + varint_size(bytes) + bytes; }

size_t encoded_size(const Value& value);

size_t member_size(const Member& member) {
    return sized(member.key.size()) + sized(encoded_size(member.value));
}

size_t elements_size(const Array& array) {
    size_t total = 0;
    for (const Value& element : array)
        total += sized(encoded_size(element));
    return total;
}

size_t members_size(const Object& object) {
    size_t total = 0;
    for (const Member& member : object)
        total += sized(member_size(member));
    return total;
}

size_t encoded_size(const Value& value) {
    switch (value.kind()) {
        case Value::Kind::null:
            return 0;
        case Value::Kind::boolean:
            return 2;
        case Value::Kind::number:
            return value.is_integer() ? 1 + varint_size(zigzag_encode(value.as_integer())) : 9;
        case Value::Kind::string:
            return sized(value.as_string().size());
        case Value::Kind::array:
            return sized(elements_size(value.as_array()));
        case Value::Kind::object:
            return sized(members_size(value.as_object()));
    }
    return 0;
}

void write_value(Writer& writer, const Value& value) {
    switch (value.kind()) {
        case Value::Kind::null:
            return;
        case Value::Kind::boolean:
            writer.u8(kTagBool);
            writer.u8(value.as_bool() ? 1 : 0);
            return;
        case Value::Kind::number:
            if (value.is_integer()) {
                writer.u8(kTagInteger);
                writer.zigzag(value.as_integer());
            } else {
                writer.u8(kTagDouble);
                writer.f64(value.as_number());
            }
            return;
        case Value::Kind::string:
            writer.u8(kTagString);
            writer.sized(value.as_string());
            return;
        case Value::Kind::array:
            writer.u8(kTagArray);
            writer.varint(elements_size(value.as_array()));
            for (const Value& element : value.as_array()) {
                writer.u8(kTagRepeated);
                writer.varint(encoded_size(element));
                write_value(writer, element);
            }
            return;
        case Value::Kind::object:
            writer.u8(kTagObject);
            writer.varint(members_size(value.as_object()));
            for (const Member& member : value.as_object()) {
                writer.u8(kTagRepeated);
                writer.varint(member_size(member));
                writer.u8(kTagRepeated);
                writer.sized(member.key);
                writer.u8(kTagMemberValue);
                writer.varint(encoded_size(member.value));
                write_value(writer, member.value);
            }
            return;
    }
}

class Decoder {
  public:
    explicit Decoder(ValueLimits limits) : limits_(limits) {}

    Result<Value> value(std::string_view bytes, size_t depth) {
        if (depth > limits_.depth_max) return fail(ErrorCode::too_deep, limits_.depth_max);
        if (bytes.empty()) return Value();
        Reader reader(bytes);
        TANDEM_TRY(uint8_t tag, reader.u8());
        TANDEM_TRY(Value result, field(reader, tag, depth));
        TANDEM_CHECK(reader.expect_end());
        return result;
    }

  private:
    Result<Value> field(Reader& reader, uint8_t tag, size_t depth) {
        switch (tag) {
            case kTagBool: {
                TANDEM_TRY(uint8_t byte, reader.u8());
                if (byte > 1) return fail(ErrorCode::noncanonical);
                return Value(byte == 1);
            }
            case kTagInteger: {
                TANDEM_TRY(int64_t number, reader.zigzag());
                if (number > kIntegerMax || number < -kIntegerMax) {
                    return fail(ErrorCode::out_of_range);
                }
                return Value::integer(number);
            }
            case kTagDouble: {
                TANDEM_TRY(double number, reader.f64());
                if (!std::isfinite(number)) return fail(ErrorCode::out_of_range);
                Value result(number);
                if (result.is_integer()) return fail(ErrorCode::noncanonical);
                return result;
            }
            case kTagString: {
                TANDEM_TRY(std::string_view text, reader.sized(bytes_left(reader)));
                if (!is_utf8(text)) return fail(ErrorCode::malformed);
                return Value(text);
            }
            case kTagArray: {
                TANDEM_TRY(std::string_view body, reader.sized(bytes_left(reader)));
                return array(body, depth);
            }
            case kTagObject: {
                TANDEM_TRY(std::string_view body, reader.sized(bytes_left(reader)));
                return object(body, depth);
            }
            default:
                return fail(ErrorCode::malformed);
        }
    }

    Result<Value> array(std::string_view body, size_t depth) {
        Array elements;
        Reader reader(body);
        while (!reader.at_end()) {
            TANDEM_TRY(std::string_view inner, message(reader, kTagRepeated));
            TANDEM_TRY(Value element, value(inner, depth + 1));
            elements.push_back(std::move(element));
        }
        return Value(std::move(elements));
    }

    Result<Value> object(std::string_view body, size_t depth) {
        Object members;
        Reader reader(body);
        while (!reader.at_end()) {
            if (++keys_ > limits_.keys_max) {
                return fail(ErrorCode::too_many_keys, limits_.keys_max);
            }
            TANDEM_TRY(std::string_view inner, message(reader, kTagRepeated));
            Reader fields(inner);
            TANDEM_TRY(std::string_view key, message(fields, kTagRepeated));
            TANDEM_TRY(std::string_view bytes, message(fields, kTagMemberValue));
            TANDEM_CHECK(fields.expect_end());
            if (is_reserved_key(key)) return fail(ErrorCode::reserved_key);
            if (!is_utf8(key)) return fail(ErrorCode::malformed);
            if (!members.empty() && members.back().key >= key) {
                return fail(ErrorCode::noncanonical);
            }
            TANDEM_TRY(Value member, value(bytes, depth + 1));
            members.push_back(Member{std::string(key), std::move(member)});
        }
        return Value(std::move(members));
    }

    static Result<std::string_view> message(Reader& reader, uint8_t expected) {
        TANDEM_TRY(uint8_t tag, reader.u8());
        if (tag != expected) return fail(ErrorCode::malformed);
        return reader.sized(bytes_left(reader));
    }

    static size_t bytes_left(const Reader& reader) { return reader.remaining(); }

    ValueLimits limits_;
    size_t keys_ = 0;
};

}  // namespace

Value::Value(Object v) {
    bool is_sorted = true;
    for (size_t i = 1; i < v.size() && is_sorted; ++i)
        is_sorted = v[i - 1].key < v[i].key;
    if (!is_sorted) {
        std::vector<size_t> order(v.size());
        std::iota(order.begin(), order.end(), size_t{0});
        std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
            int compared = v[a].key.compare(v[b].key);
            return compared != 0 ? compared < 0 : a < b;
        });
        Object unique;
        unique.reserve(v.size());
        for (size_t i : order) {
            if (!unique.empty() && unique.back().key == v[i].key) {
                unique.back().value = std::move(v[i].value);
            } else {
                unique.push_back(std::move(v[i]));
            }
        }
        v = std::move(unique);
    }
    data_ = std::move(v);
}

bool Value::is_integer() const {
    if (!is_number()) return false;
    double number = as_number();
    constexpr auto kMax = static_cast<double>(kIntegerMax);
    return number >= -kMax && number <= kMax && std::trunc(number) == number;
}

const Value* Value::find(std::string_view key) const {
    if (!is_object()) return nullptr;
    const Object& object = as_object();
    auto at = std::lower_bound(object.begin(), object.end(), key, by_key);
    return at != object.end() && at->key == key ? &at->value : nullptr;
}

void Value::put(std::string_view key, Value value) {
    TANDEM_ASSERT(is_object());
    Object& object = as_object();
    auto at = object.empty() || object.back().key < key
                  ? object.end()
                  : std::lower_bound(object.begin(), object.end(), key, by_key);
    if (at != object.end() && at->key == key) {
        at->value = std::move(value);
    } else {
        object.insert(at, Member{std::string(key), std::move(value)});
    }
}

bool operator==(const Value& a, const Value& b) { return a.data_ == b.data_; }
bool operator==(const Member& a, const Member& b) { return a.key == b.key && a.value == b.value; }

void encode_value(std::string& out, const Value& value) {
    Writer writer(out);
    write_value(writer, value);
}

std::string canonical_bytes(const Value& value) {
    std::string out;
    encode_value(out, value);
    return out;
}

Result<Value> decode_value(std::string_view bytes, ValueLimits limits) {
    return Decoder(limits).value(bytes, 0);
}

bool is_utf8(std::string_view text) {
    size_t i = 0;
    const size_t size = text.size();
    auto byte = [&](size_t at) { return static_cast<uint8_t>(text[at]); };
    auto is_tail = [&](size_t at) { return at < size && (byte(at) & 0xC0) == 0x80; };
    while (i < size) {
        uint8_t first = byte(i);
        if (first < 0x80) {
            ++i;
        } else if (first >= 0xC2 && first <= 0xDF) {
            if (!is_tail(i + 1)) return false;
            i += 2;
        } else if (first >= 0xE0 && first <= 0xEF) {
            if (!is_tail(i + 1) || !is_tail(i + 2)) return false;
            if (first == 0xE0 && byte(i + 1) < 0xA0) return false;
            if (first == 0xED && byte(i + 1) > 0x9F) return false;
            i += 3;
        } else if (first >= 0xF0 && first <= 0xF4) {
            if (!is_tail(i + 1) || !is_tail(i + 2) || !is_tail(i + 3)) return false;
            if (first == 0xF0 && byte(i + 1) < 0x90) return false;
            if (first == 0xF4 && byte(i + 1) > 0x8F) return false;
            i += 4;
        } else {
            return false;
        }
    }
    return true;
}

bool is_reserved_key(std::string_view key) {
    return key == "__proto__" || key == "constructor" || key == "prototype";
}

bool is_key(std::string_view key) {
    if (key.empty() || key.size() > kKeyBytesMax || is_reserved_key(key)) return false;
    for (char c : key) {
        auto byte = static_cast<uint8_t>(c);
        if (byte < 0x20 || byte == 0x7F) return false;
    }
    return is_utf8(key);
}

}  // namespace tandem::base
