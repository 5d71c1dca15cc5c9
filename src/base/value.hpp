#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "base/result.hpp"

namespace tandem::base {

class Value;
struct Member;
using Array = std::vector<Value>;
/// Members are kept sorted by the bytes of their keys, without duplicates.
using Object = std::vector<Member>;

/// A JSON value. Numbers are finite IEEE doubles and never −0; strings are valid UTF-8.
/// Construction from parts trusts the caller; `parse_json` and `decode_value` check.
class Value {
  public:
    enum class Kind : uint8_t {
        null = 0,
        boolean = 1,
        number = 2,
        string = 3,
        array = 4,
        object = 5
    };

    Value();
    explicit Value(bool v);
    explicit Value(double v);
    explicit Value(std::string v);
    explicit Value(std::string_view v);
    explicit Value(const char* v);
    explicit Value(Array v);
    /// Sorts the members; of equal keys the last one stays.
    explicit Value(Object v);
    static Value integer(int64_t v);

    Kind kind() const { return static_cast<Kind>(data_.index()); }
    bool is_null() const { return kind() == Kind::null; }
    bool is_bool() const { return kind() == Kind::boolean; }
    bool is_number() const { return kind() == Kind::number; }
    bool is_string() const { return kind() == Kind::string; }
    bool is_array() const { return kind() == Kind::array; }
    bool is_object() const { return kind() == Kind::object; }
    bool is_scalar() const { return is_bool() || is_number() || is_string(); }
    /// True for a number without fraction within ±(2^53 − 1).
    bool is_integer() const;

    /// The accessors below want the matching kind (a programmer error otherwise).
    bool as_bool() const { return std::get<1>(data_); }
    double as_number() const { return std::get<2>(data_); }
    int64_t as_integer() const { return static_cast<int64_t>(std::get<2>(data_)); }
    const std::string& as_string() const { return std::get<3>(data_); }
    const Array& as_array() const { return std::get<4>(data_); }
    const Object& as_object() const { return std::get<5>(data_); }
    Array& as_array() { return std::get<4>(data_); }
    Object& as_object() { return std::get<5>(data_); }

    /// The member of that key, or null when this is no object or has none. Borrowed.
    const Value* find(std::string_view key) const;
    /// Sets a member of an object (which this must be), keeping the order.
    void put(std::string_view key, Value value);

    friend bool operator==(const Value& a, const Value& b);

  private:
    std::variant<std::monostate, bool, double, std::string, Array, Object> data_;
};

struct Member {
    std::string key;
    Value value;
    friend bool operator==(const Member& a, const Member& b);
};

// Defined here because constructing the variant needs Member to be complete.
inline Value::Value() = default;
inline Value::Value(bool v) : data_(v) {}
inline Value::Value(double v) : data_(v == 0 ? 0.0 : v) {}
inline Value::Value(std::string v) : data_(std::move(v)) {}
inline Value::Value(std::string_view v) : data_(std::string(v)) {}
inline Value::Value(const char* v) : data_(std::string(v)) {}
inline Value::Value(Array v) : data_(std::move(v)) {}
inline Value Value::integer(int64_t v) { return Value(static_cast<double>(v)); }

inline constexpr int64_t kIntegerMax = (int64_t{1} << 53) - 1;

/// How deep a value nests (a scalar in one array: 1) and how many members its objects have in all.
struct ValueLimits {
    size_t depth_max = kValueDepthMax;
    size_t keys_max = kKeysPerOpMax;
};
/// For what we wrote ourselves, such as the shown form of a whole subtree; the size of the message
/// bounds it.
inline constexpr ValueLimits kLooseValueLimits{128, SIZE_MAX};

/// Strict JSON text to a value: one value, UTF-8, within the limits, no duplicate and no reserved
/// keys.
[[nodiscard]] Result<Value> parse_json(std::string_view text, ValueLimits limits = {});
/// JSON text whose parts are judged one by one, each with `check_value`, which no part may go
/// without. Limits and reserved keys are not looked at, and what no value can be stands as
/// something that `check_value` refuses: a number beyond the doubles as an infinity, a string with
/// half a surrogate pair as one that is not UTF-8, what is nested beyond kLooseValueLimits as null.
[[nodiscard]] Result<Value> parse_json_unchecked(std::string_view text);
/// What `parse_json` asks of a value.
[[nodiscard]] Result<void> check_value(const Value& value, ValueLimits limits = {});
/// Compact JSON; numbers in the shortest form that reads back the same.
void append_json(std::string& out, const Value& value);
void append_json_string(std::string& out, std::string_view text);
void append_json_number(std::string& out, double number);
std::string to_json(const Value& value);

/// Canonical bytes, which are the protobuf message `tandem.v1.Value` in one fixed form (see
/// docs/protocol.md): equal values have equal bytes and the reverse.
void encode_value(std::string& out, const Value& value);
std::string canonical_bytes(const Value& value);
[[nodiscard]] Result<Value> decode_value(std::string_view bytes, ValueLimits limits = {});

/// True for UTF-8 without overlong forms and surrogates.
bool is_utf8(std::string_view text);
/// False for the empty key, for more than 255 bytes, control characters and reserved names.
bool is_key(std::string_view key);
/// The names that objects of JavaScript have by themselves.
bool is_reserved_key(std::string_view key);

}  // namespace tandem::base
