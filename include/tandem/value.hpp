#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tandem {

/// A JSON value. Integers are exact within ±(2^53 − 1).
class Value {
  public:
    using Array = std::vector<Value>;
    using Member = std::pair<std::string, Value>;
    using Members = std::vector<Member>;

    Value() = default;
    Value(bool v) : data_(v) {}
    Value(int v) : data_(static_cast<double>(v)) {}
    Value(int64_t v) : data_(static_cast<double>(v)) {}
    Value(double v) : data_(v) {}
    Value(const char* v) : data_(std::string(v)) {}
    Value(std::string_view v) : data_(std::string(v)) {}
    Value(std::string v) : data_(std::move(v)) {}
    Value(Array v) : data_(std::move(v)) {}
    Value(Members v) : data_(std::move(v)) {}
    /// An object: {{"text", "Buy milk"}, {"done", false}}.
    Value(std::initializer_list<std::pair<const char*, Value>> members) {
        Members all;
        for (const auto& [key, value] : members)
            all.emplace_back(key, value);
        data_ = std::move(all);
    }

    bool is_null() const { return data_.index() == 0; }
    /// Null when the value is of another type. Borrowed.
    const bool* as_bool() const { return std::get_if<bool>(&data_); }
    const double* as_number() const { return std::get_if<double>(&data_); }
    const std::string* as_string() const { return std::get_if<std::string>(&data_); }
    const Array* as_array() const { return std::get_if<Array>(&data_); }
    const Members* as_object() const { return std::get_if<Members>(&data_); }
    /// The member of an object, or null. Borrowed.
    const Value* find(std::string_view key) const {
        const Members* members = as_object();
        if (members == nullptr) return nullptr;
        for (const Member& member : *members)
            if (member.first == key) return &member.second;
        return nullptr;
    }
    /// The order of an object's members does not count.
    friend bool operator==(const Value& a, const Value& b);
    /// Compact JSON, members in the order of their keys.
    std::string to_json() const;

  private:
    std::variant<std::monostate, bool, double, std::string, Array, Members> data_;
};

using Object = std::initializer_list<std::pair<const char*, Value>>;

}  // namespace tandem
