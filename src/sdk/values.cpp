#include "sdk/values.hpp"

namespace tandem::sdk {

base::Value to_base(const Value& value) {
    if (const bool* v = value.as_bool()) return base::Value(*v);
    if (const double* v = value.as_number()) return base::Value(*v);
    if (const std::string* v = value.as_string()) return base::Value(*v);
    if (const Value::Array* v = value.as_array()) {
        base::Array out;
        for (const Value& element : *v)
            out.push_back(to_base(element));
        return base::Value(std::move(out));
    }
    if (const Value::Members* v = value.as_object()) {
        base::Object out;
        for (const auto& [key, member] : *v)
            out.push_back({key, to_base(member)});
        return base::Value(std::move(out));
    }
    return {};
}

Value from_base(const base::Value& value) {
    switch (value.kind()) {
        case base::Value::Kind::null:
            break;
        case base::Value::Kind::boolean:
            return value.as_bool();
        case base::Value::Kind::number:
            return value.as_number();
        case base::Value::Kind::string:
            return value.as_string();
        case base::Value::Kind::array: {
            Value::Array out;
            for (const base::Value& element : value.as_array())
                out.push_back(from_base(element));
            return out;
        }
        case base::Value::Kind::object: {
            Value::Members out;
            for (const base::Member& member : value.as_object())
                out.emplace_back(member.key, from_base(member.value));
            return out;
        }
    }
    return {};
}

Error to_error(base::Error error) {
    return {std::string(base::error_name(error.code)), std::string(base::error_message(error.code)),
            std::string(base::error_hint(error.code))};
}

}  // namespace tandem::sdk

namespace tandem {

bool operator==(const Value& a, const Value& b) { return sdk::to_base(a) == sdk::to_base(b); }

std::string Value::to_json() const { return base::to_json(sdk::to_base(*this)); }

}  // namespace tandem
