#include "auth/rights.hpp"

#include <utility>

namespace tandem::auth {

using base::ErrorCode;

namespace {

constexpr std::pair<std::string_view, Capability> kNames[] = {
    {"read", Capability::read},         {"write", Capability::write},
    {"presence", Capability::presence}, {"signal", Capability::signal},
    {"stream", Capability::stream},     {"admin", Capability::admin},
};

}  // namespace

std::string_view name_of(Capability capability) {
    for (const auto& [name, one] : kNames)
        if (one == capability) return name;
    return {};
}

std::optional<Capability> capability_of(std::string_view name) {
    for (const auto& [known, one] : kNames)
        if (known == name) return one;
    return std::nullopt;
}

base::Result<Rights> Rights::read(const base::Value& cap) {
    if (!cap.is_object() || cap.as_object().size() > kPatternsMax) return ErrorCode::token_invalid;
    Rights rights;
    for (const base::Member& member : cap.as_object()) {
        const size_t star = member.key.find('*');
        const bool is_prefix = star != std::string::npos;
        if (is_prefix && star + 1 != member.key.size()) return ErrorCode::token_invalid;
        if (!member.value.is_array()) return ErrorCode::token_invalid;
        Pattern pattern{member.key.substr(0, star), is_prefix, 0};
        for (const base::Value& name : member.value.as_array()) {
            if (!name.is_string()) return ErrorCode::token_invalid;
            if (const auto known = capability_of(name.as_string()))
                pattern.capabilities |= static_cast<Capabilities>(*known);
        }
        rights.patterns_.push_back(std::move(pattern));
    }
    return rights;
}

Capabilities Rights::on(std::string_view channel) const {
    Capabilities sum = 0;
    for (const Pattern& pattern : patterns_)
        if (pattern.is_prefix ? channel.starts_with(pattern.text) : channel == pattern.text)
            sum |= pattern.capabilities;
    return sum;
}

Capabilities Rights::on_all() const {
    Capabilities sum = 0;
    for (const Pattern& pattern : patterns_)
        if (pattern.is_prefix && pattern.text.empty()) sum |= pattern.capabilities;
    return sum;
}

}  // namespace tandem::auth
